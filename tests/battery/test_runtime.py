"""Forecasts against the simulator's truth, and when there must be none."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jk_bms.battery.hypotheses import Belief
from jk_bms.battery.runtime import LONGEST, Beliefs, Forecast, Runtime
from jk_bms.model import Sample
from jk_bms.simulator import SimulatedBms
from jk_bms.simulator.inverter import Steady, Terminals
from tests.battery.quick_pack import DEVICE

CAPACITY = 280.0
NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def sample(current: float | None) -> Sample:
    return Sample(device=DEVICE, taken_at=NOON, monotonic=0.0, current=current)


def steady(
    runtime: Runtime, current: float, seconds: int, low: float = 50.0, high: float = 60.0
) -> Forecast | None:
    forecast = None
    for _ in range(seconds):
        forecast = runtime.feed(sample(current), low, high, CAPACITY, 1.0)
    return forecast


def test_to_empty_at_a_steady_load() -> None:
    """140 to 168 Ah at 28 A: five to six hours, and the doubt of a house of which nothing else is known."""
    forecast = steady(Runtime(), -28.0, 600)

    assert forecast is not None
    assert forecast.what == "empty"
    assert 4.2 * 3600 < forecast.low < 5.0 * 3600
    assert 6.0 * 3600 < forecast.high < 7.1 * 3600


def test_to_full_allows_for_the_fading_current() -> None:
    """112 to 140 Ah at 56 A are 2 to 2.5 h; the last twentieth takes longer."""
    forecast = steady(Runtime(), 56.0, 600)

    assert forecast is not None
    assert forecast.what == "full"
    assert 1.9 * 3600 < forecast.low < 2.0 * 3600
    assert 2.6 * 3600 < forecast.high < 3.0 * 3600


NOTHING_TO_SAY = {
    # name: current, low, high, capacity
    "tiny": (-1.3, 50.0, 60.0, CAPACITY),
    "at rest": (0.0, 50.0, 60.0, CAPACITY),
    "charge unknown": (-28.0, None, None, CAPACITY),
    "capacity unknown": (-28.0, 50.0, 60.0, None),
    "current unknown": (None, 50.0, 60.0, CAPACITY),
}


@pytest.mark.parametrize(("current", "low", "high", "capacity"), NOTHING_TO_SAY.values(), ids=NOTHING_TO_SAY)
def test_nothing_to_say(
    current: float | None, low: float | None, high: float | None, capacity: float | None
) -> None:
    runtime = Runtime()

    assert {runtime.feed(sample(current), low, high, capacity, 1.0) for _ in range(900)} == {None}


def test_a_kettle_hardly_moves_it() -> None:
    runtime = Runtime()
    before = steady(runtime, -28.0, 1200)
    during = steady(runtime, -68.0, 20)

    assert before is not None
    assert during is not None
    assert during.high > 0.8 * before.high


def test_a_load_that_swings_widens_it() -> None:
    calm, swinging = Runtime(), Runtime()
    steady(calm, -28.0, 3600)
    for minute in range(60):
        steady(swinging, -8.0 if minute % 8 < 4 else -48.0, 60)
    a, b = steady(calm, -28.0, 60), steady(swinging, -28.0, 60)

    assert a is not None
    assert b is not None
    assert b.high - b.low > 1.5 * (a.high - a.low)


def test_between_charge_and_discharge_it_is_silent_and_then_right() -> None:
    runtime = Runtime()
    steady(runtime, 56.0, 1200)
    turning = [steady(runtime, -28.0, 1) for _ in range(600)]

    assert all(each is None for each in turning[40:140])
    assert turning[-1] is not None
    assert turning[-1].what == "empty"
    assert turning[-1].low > 4.0 * 3600
    assert not any(each is not None and each.what == "full" for each in turning[60:])


@pytest.mark.parametrize("elapsed", [None, 601.0, -1.0])
def test_after_a_gap_it_listens_anew(elapsed: float | None) -> None:
    runtime = Runtime()
    steady(runtime, -28.0, 600)

    assert runtime.feed(sample(-56.0), 50.0, 60.0, CAPACITY, elapsed) is None
    assert steady(runtime, -56.0, 100) is None
    after = steady(runtime, -56.0, 60)
    assert after is not None
    assert after.high < 3.4 * 3600


def test_a_month_is_the_most() -> None:
    runtime = Runtime()
    for _ in range(900):
        forecast = runtime.feed(sample(-1.6), 50.0, 100.0, CAPACITY, 1.0)

    assert forecast is not None
    assert forecast.high <= LONGEST


def at(seconds: float, current: float) -> Sample:
    taken = NOON + timedelta(seconds=seconds)
    return Sample(device=DEVICE, taken_at=taken, monotonic=seconds, current=current)


def lived(
    runtime: Runtime, hours: float, load: Callable[[float], float], start: float = 0.0
) -> Forecast | None:
    """Live for so many hours from ``start`` h after noon with a ``load`` in A by the hour after noon."""
    forecast, moment, end = None, start * 3600.0, (start + hours) * 3600.0
    while moment < end:
        moment += 60.0
        sample = at(moment, -load(moment / 3600.0))
        forecast = runtime.feed(sample, 50.0, 60.0, CAPACITY, 60.0)
    return forecast


def fridge(hour: float) -> float:
    return 8.0 + (20.0 if hour * 60.0 % 40.0 < 20.0 else 0.0)


def kettle(hour: float) -> float:
    return 18.0 + (80.0 if hour % 4.0 < 5.0 / 60.0 else 0.0)


@pytest.mark.parametrize("load", [fridge, kettle])
def test_what_comes_and_goes_is_averaged_over_its_own_period(load: Callable[[float], float]) -> None:
    """Wherever in a cycle one asks: within a tenth of the mean, and a range not wider than half of the rest."""
    runtime = Runtime()
    lived(runtime, 48.0, load)
    mean = sum(load(minute / 60.0) for minute in range(24 * 60)) / (24 * 60)
    rest = 0.55 * CAPACITY / mean * 3600.0
    for minutes in range(0, 80, 4):
        forecast = lived(runtime, 4.0 / 60.0, load, 48.0 + minutes / 60.0)
        assert forecast is not None
        assert forecast.low < rest < forecast.high
        assert forecast.high - forecast.low < 0.6 * rest
        assert abs(0.5 * (forecast.low + forecast.high) / rest - 1.0) < 0.1


def test_a_lasting_new_load_counts_within_a_quarter_of_an_hour_and_a_bit() -> None:
    runtime = Runtime()
    lived(runtime, 24.0, fridge)
    before = lived(runtime, 0.1, fridge, 24.0)
    after = lived(runtime, 21.0 / 60.0, lambda hour: fridge(hour) + 60.0, 24.1)

    assert before is not None
    assert after is not None
    assert after.low < 0.55 * before.low


@pytest.mark.parametrize("before", [fridge, lambda hour: 1.0], ids=["a fridge", "next to nothing"])
def test_a_warning_does_not_wait_until_a_new_load_has_shown_that_it_lasts(
    before: Callable[[float], float],
) -> None:
    """Five minutes after 120 A have begun: what warnings are ready for is that, what people are told is still both."""
    runtime = Runtime()
    lived(runtime, 30.0, before)
    usual = lived(runtime, 0.1, before, 30.0)
    new = lived(runtime, 5.0 / 60.0, lambda hour: 120.0, 30.1)

    assert new is not None
    assert new.drain is not None
    likely, most = new.drain
    assert 0.55 * 120.0 < 0.01 * likely * CAPACITY < 1.1 * 120.0
    assert 0.01 * most * CAPACITY > 0.9 * 120.0
    if usual is not None:
        assert usual.drain is not None
        assert usual.drain < new.drain
        assert new.high > 0.5 * usual.high


def test_a_warning_is_ready_for_what_is_usual_though_less_is_drawn_now() -> None:
    """At four in the afternoon, an hour before the house draws four times as much."""

    def growing(hour: float) -> float:
        return 40.0 if 5.0 <= hour % 24.0 < 10.0 else 10.0

    runtime = Runtime()
    lived(runtime, 24.0 * 3 + 4.0, growing)
    forecast = lived(runtime, 0.1, growing, 24.0 * 3 + 4.0)

    assert forecast is not None
    assert forecast.drain is not None
    assert min(forecast.drain) > 100.0 * 20.0 / CAPACITY


def test_an_end_that_is_near_at_the_present_load_is_in_the_range_at_once() -> None:
    """12 to 22 % of 280 Ah at 150 A last a quarter of an hour; a fridge would take hours."""
    runtime = Runtime()
    lived(runtime, 30.0, fridge)
    forecast = None
    for minute in range(5):
        taken = at(30.0 * 3600.0 + 60.0 * (minute + 1), -150.0)
        forecast = runtime.feed(taken, 12.0, 22.0, CAPACITY, 60.0)

    assert forecast is not None
    assert forecast.low < 0.5 * 3600.0
    assert forecast.high > 2.0 * 3600.0


def test_an_evening_that_grows_each_day_is_told_at_noon() -> None:
    """10 A by day, 40 A from five to ten: at four only the days before can tell."""

    def growing(hour: float) -> float:
        return 40.0 if 5.0 <= hour % 24.0 < 10.0 else 10.0

    runtime = Runtime()
    lived(runtime, 24.0 * 3 + 4.0, growing)
    forecast = lived(runtime, 0.1, growing, 24.0 * 3 + 4.0)
    charge, hour = 0.55 * CAPACITY, 4.1
    while charge > 0.0:
        charge -= 0.05 * growing(hour)
        hour += 0.05

    assert forecast is not None
    assert forecast.low < (hour - 4.1) * 3600.0 < forecast.high
    assert forecast.high < 0.6 * 0.55 * CAPACITY / 10.0 * 3600.0, (
        "at the load of now it would last twice as long"
    )


def test_hours_on_the_grid_say_nothing_of_the_load() -> None:
    """Two hours of each four the grid carries the house: the hours beside it are not half a load."""
    runtime = Runtime()
    lived(runtime, 48.0, lambda hour: 0.0 if hour % 4.0 < 2.0 else 20.0)
    forecast = lived(runtime, 1.0, lambda hour: 20.0, 50.0)

    assert forecast is not None
    assert forecast.low < 0.55 * CAPACITY / 20.0 * 3600.0 < forecast.high
    assert forecast.high < 1.5 * 0.55 * CAPACITY / 20.0 * 3600.0


def test_what_is_not_known_of_the_capacity_is_in_the_range_and_what_is_learnt_moves_it() -> None:
    def after(mean: float, sigma: float) -> Forecast:
        runtime, forecast = Runtime(), None
        beliefs = Beliefs(Belief(0.0, 0.0), Belief(mean, sigma))
        for _ in range(900):
            forecast = runtime.feed(sample(-28.0), 50.0, 60.0, CAPACITY, 1.0, lambda: beliefs)
        assert forecast is not None
        return forecast

    sure, unsure, learnt = after(280.0, 3.0), after(280.0, 28.0), after(238.0, 3.0)

    assert unsure.low < sure.low
    assert unsure.high > sure.high
    assert (learnt.low / sure.low, learnt.high / sure.high) == pytest.approx((0.85, 0.85), abs=0.02)


def test_a_state_that_knew_the_last_minutes_only_is_taken_over() -> None:
    runtime, other = Runtime(), Runtime()
    steady(runtime, -28.0, 600)
    other.restore({"load": runtime.state()["load"]})

    assert steady(other, -28.0, 1) is not None


@pytest.mark.parametrize(
    "wrong", [{"usual": [1.0]}, {"swing": [float("nan"), 1]}, {"recent": None}, {"pause": [1]}]
)
def test_a_damaged_state_is_refused(wrong: dict[str, Any]) -> None:
    runtime = Runtime()
    steady(runtime, -28.0, 600)
    state = runtime.state()
    state["house"] |= wrong

    with pytest.raises((TypeError, ValueError)):
        Runtime().restore(state)


def test_a_restart_changes_nothing() -> None:
    runtime, restarted = Runtime(), Runtime()
    steady(runtime, -28.0, 300)
    restarted.restore(json.loads(json.dumps(runtime.state())))

    assert steady(restarted, -30.0, 100) == steady(runtime, -30.0, 100)


class Appliances(Steady):
    """A load around 40 A that something joins for five minutes of every twenty."""

    def current(self, t: float, dt: float, battery: Terminals) -> float:
        """Return the current in A."""
        return -36.0 if t % 1200 < 900 else -52.0


class Charger(Steady):
    """Constant current, then constant voltage."""

    def current(self, t: float, dt: float, battery: Terminals) -> float:
        """Return the current in A."""
        return max(0.0, min(60.0, (3.45 * 16 - battery.emf) / battery.resistance))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_time_to_empty_comes_true(seed: int) -> None:
    """Most forecasts hold the time that it really takes."""
    bms = SimulatedBms(seed=seed, capacity_ah=CAPACITY, start_soc=70.0, surroundings=Appliances())
    told: list[tuple[float, Forecast]] = []
    runtime, t = Runtime(), 0.0
    while bms.truth.remaining_ah > 3.0:
        bms.advance(10.0, step=10.0)
        t += 10.0
        soc = 100.0 * bms.truth.remaining_ah / CAPACITY
        forecast = runtime.feed(sample(bms.truth.current), soc - 3.0, soc + 3.0, CAPACITY, 10.0)
        if forecast is not None and soc > 15.0:
            told.append((t, forecast))

    held = [each.low <= t - at <= each.high for at, each in told]
    assert len(held) > 600
    assert sum(held) >= 0.9 * len(held)


def test_the_time_to_full_comes_true() -> None:
    bms = SimulatedBms(seed=1, capacity_ah=CAPACITY, start_soc=30.0, surroundings=Charger())
    told: list[tuple[float, Forecast]] = []
    runtime, t = Runtime(), 0.0
    while bms.truth.current >= 0.05 * CAPACITY or t < 3600.0:  # the charger's own idea of full
        bms.advance(10.0, step=2.0)
        t += 10.0
        soc = 100.0 * bms.truth.remaining_ah / bms.truth.usable_ah
        forecast = runtime.feed(
            sample(bms.truth.current), max(0.0, soc - 3.0), min(100.0, soc + 3.0), bms.truth.usable_ah, 10.0
        )
        if forecast is not None and soc < 97.0:
            told.append((t, forecast))

    held = [each.low <= t - at <= each.high for at, each in told]
    assert len(held) > 600
    assert sum(held) >= 0.95 * len(held)
