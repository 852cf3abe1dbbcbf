"""Meters against sums done by hand, against the simulator, and against nonsense."""

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.battery.meters import Meters, Totals
from jk_bms.model import Sample
from jk_bms.simulator import SimulatedBms
from tests.battery.quick_pack import DEVICE

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def sample(
    t: float,
    current: float | None,
    voltage: float | None = 50.0,
    *,
    soc: float | None = None,
    remaining: float | None = None,
    at: datetime | None = None,
    trusted: bool = True,
) -> Sample:
    return Sample(
        device=DEVICE,
        taken_at=at or NOON + timedelta(seconds=t),
        monotonic=t,
        clock_trusted=trusted,
        voltage=voltage,
        current=current,
        soc=soc,
        remaining_ah=remaining,
    )


def fed(points: Sequence[tuple[float, float | None]], meters: Meters | None = None) -> Meters:
    """Feed (time, current) at 50 V, with the true time between."""
    meters = meters or Meters()
    before = None
    for t, current in points:
        meters.feed(sample(t, current), None if before is None else t - before)
        before = t
    return meters


# name: points (s, A), charged Ah, discharged Ah
HOUR = 3600.0
SHAPES: dict[str, tuple[list[tuple[float, float | None]], float, float]] = {
    "step": ([(0, 10.0), (300, 10.0), (300, -20.0), (600, -20.0)], 10 * 300 / HOUR, 20 * 300 / HOUR),
    "ramp": ([(0, 0.0), (360, 36.0)], 18 * 360 / HOUR, 0.0),
    "sign change": ([(0, 30.0), (400, -10.0)], 15 * 300 / HOUR, 5 * 100 / HOUR),
    "sign change back": ([(0, -10.0), (400, 30.0)], 15 * 300 / HOUR, 5 * 100 / HOUR),
    "the longest gap": ([(0, 10.0), (600, 10.0)], 10 * 600 / HOUR, 0.0),
    "a longer gap": ([(0, 10.0), (601, 10.0), (701, 10.0)], 10 * 100 / HOUR, 0.0),
    "a value is missing": ([(0, 10.0), (100, None), (200, 10.0)], 10 * 200 / HOUR, 0.0),
    "missing for too long": ([(0, 10.0), (400, None), (800, 10.0), (900, 10.0)], 10 * 100 / HOUR, 0.0),
    "not a number": ([(0, 10.0), (100, math.nan), (200, 10.0)], 10 * 200 / HOUR, 0.0),
    "beyond reason": ([(0, 10.0), (100, 1e12), (200, 10.0)], 10 * 200 / HOUR, 0.0),
}


@pytest.mark.parametrize(("points", "charged", "discharged"), SHAPES.values(), ids=SHAPES)
def test_shapes(points: list[tuple[float, float | None]], charged: float, discharged: float) -> None:
    values = fed(points).values()

    assert values.charged_ah == pytest.approx(charged)
    assert values.discharged_ah == pytest.approx(discharged)
    assert values.charged_kwh == pytest.approx(charged * 0.05)
    assert values.discharged_kwh == pytest.approx(discharged * 0.05)


def test_nothing_measured_is_unknown() -> None:
    meters = Meters()
    meters.feed(sample(0, None, None), None)

    assert set(meters.values()) == {None}


def test_without_voltage_charge_is_counted_but_no_energy() -> None:
    meters = Meters()
    for t in (0, 100):
        meters.feed(sample(t, 36.0, None), None if not t else 100)

    assert meters.values().charged_ah == pytest.approx(1.0)
    assert meters.values().charged_kwh is None


def test_a_slow_poll_lets_longer_gaps_count() -> None:
    meters = fed([(0, 10.0), (1000, 10.0)], Meters(period=500.0))

    assert meters.values().charged_ah == pytest.approx(10 * 1000 / HOUR)


def test_the_wall_clock_does_not_matter() -> None:
    """It leaps by years between two samples 10 s apart."""
    meters = Meters()
    meters.feed(sample(0, 36.0, at=datetime(1970, 1, 1, tzinfo=UTC)), None)
    meters.feed(sample(10, 36.0), 10.0)
    meters.feed(sample(20, 36.0, at=datetime(2020, 1, 1, tzinfo=UTC)), 10.0)

    assert meters.values().charged_ah == pytest.approx(0.2)


@pytest.mark.parametrize("elapsed", [None, -5.0])
def test_unknown_time_is_not_integrated(elapsed: float | None) -> None:
    meters = fed([(0, 36.0), (100, 36.0)])
    meters.feed(sample(105, 36.0), elapsed)
    meters.feed(sample(205, 36.0), 100.0)

    assert meters.values().charged_ah == pytest.approx(2.0)


def test_an_hour_of_the_simulated_house() -> None:
    """Within 0.1 % of what the sensor was told each second."""
    bms = SimulatedBms(seed=4)
    meters = Meters()
    truth = [0.0, 0.0]
    for second in range(3601):
        bms.advance(1.0)
        info = bms.cell_info()
        if second and info.current is not None and info.voltage is not None:
            truth[info.current < 0] += abs(info.current * info.voltage) / 3.6e6
        meters.feed(sample(second, info.current, info.voltage), 1.0 if second else None)

    values = meters.values()
    assert values.charged_kwh == pytest.approx(truth[0], rel=1e-3, abs=1e-4)
    assert values.discharged_kwh == pytest.approx(truth[1], rel=1e-3, abs=1e-4)
    assert sum(truth) > 0.1


def test_cycles() -> None:
    meters = Meters(nominal_ah=100.0)
    for step, (soc, elapsed) in enumerate([(50, None), (45, 60), (60, 60), (58, 4000), (56, 60)]):
        meters.feed(sample(step, 36.0, soc=soc), elapsed)
    values = meters.values()

    assert values.soc_cycles == pytest.approx((5 + 2) / 200)  # 15 % at once and a long gap are no steps
    assert values.equivalent_cycles == pytest.approx(1.8 / 200)


def test_changes_of_the_remaining_charge() -> None:
    meters = Meters()
    for remaining in (100.0, 100.4, 99.9, 120.0, 119.8):
        meters.feed(sample(0, 1.0, remaining=remaining), 1.0)

    assert meters.values().abs_diff_charge_ah == pytest.approx(0.4 + 0.5 + 0.2)


CURRENTS = st.lists(
    st.tuples(st.floats(0.0, 700.0), st.one_of(st.none(), st.floats(-300.0, 300.0))), min_size=1, max_size=30
)


@given(CURRENTS)
def test_they_never_go_back(steps: list[tuple[float, float | None]]) -> None:
    meters = Meters()
    before = [0.0] * 4
    for elapsed, current in steps:
        meters.feed(sample(0, current), elapsed)
        now = [value or 0.0 for value in meters.values()[:4]]
        assert all(b >= a for a, b in zip(before, now, strict=True))
        before = now


@given(st.floats(-300.0, 300.0), st.floats(-300.0, 300.0), st.floats(1.0, 600.0), st.floats(0.01, 0.99))
def test_a_point_in_between_changes_nothing(a: float, b: float, seconds: float, share: float) -> None:
    whole = fed([(0, a), (seconds, b)]).values()
    split = fed([(0, a), (seconds * share, a + (b - a) * share), (seconds, b)]).values()

    assert split[:4] == pytest.approx(whole[:4], rel=1e-9, abs=1e-9)


@given(CURRENTS, st.integers(0, 29))
def test_a_restart_changes_nothing(steps: list[tuple[float, float | None]], at: int) -> None:
    through, restarted = Meters(), Meters()
    for i, (elapsed, current) in enumerate(steps):
        if i == at:
            stored = json.loads(json.dumps([restarted.state(), restarted.closed_days()]))
            restarted = Meters()
            restarted.restore(*stored)
        for meters in (through, restarted):
            meters.feed(sample(0, current, soc=50.0, remaining=10.0), elapsed)

    assert restarted.state() == through.state()


BERLIN = ZoneInfo("Europe/Berlin")


def day_long(first: datetime, hours: int) -> Meters:
    meters = Meters(zone=BERLIN)
    for minute in range(hours * 60 + 1):
        meters.feed(
            sample(60.0 * minute, 1.0, at=first + timedelta(minutes=minute)), 60.0 if minute else None
        )
    return meters


# name: first sample in UTC, hours, Ah of each local day
DAYS = {
    "summer": (
        datetime(2026, 6, 14, 21, 0, tzinfo=UTC),
        48,
        {"2026-06-14": 1, "2026-06-15": 24, "2026-06-16": 23},
    ),
    "the short day": (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), 24, {"2026-03-29": 23, "2026-03-30": 1}),
    "the long day": (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), 26, {"2026-10-25": 25, "2026-10-26": 1}),
}


@pytest.mark.parametrize(("first", "hours", "expected"), DAYS.values(), ids=DAYS)
def test_days_end_at_the_owners_midnight(first: datetime, hours: int, expected: dict[str, float]) -> None:
    days = day_long(first, hours).days()

    assert {day: totals.charged_ah for day, totals in days.items()} == pytest.approx(expected, abs=0.02)
    assert sum(totals.charged_ah for totals in days.values()) == pytest.approx(hours)


def test_only_the_last_days_are_kept() -> None:
    days = day_long(datetime(2026, 6, 1, 22, 0, tzinfo=UTC), 24 * 20).days()

    assert len(days) == 8
    assert list(days)[-1] == "2026-06-22"
    assert next(iter(days.values())).charged_ah == pytest.approx(24.0, abs=0.02)


def test_a_wrong_clock_opens_no_day() -> None:
    meters = Meters()
    meters.feed(sample(0, 36.0, at=datetime(1970, 1, 1, tzinfo=UTC), trusted=False), None)
    meters.feed(sample(100, 36.0, at=datetime(1970, 1, 1, tzinfo=UTC), trusted=False), 100.0)
    assert meters.days() == {}

    meters.feed(sample(200, 36.0), 100.0)

    assert {day: totals.charged_ah for day, totals in meters.days().items()} == pytest.approx(
        {"2026-06-15": 2.0}
    )


def test_a_clock_that_goes_back_takes_the_days_to_come_along() -> None:
    """Nobody has lived them yet; what they hold was moved on the day into which the clock goes back."""
    meters = Meters()
    before, tomorrow, far = (NOON + timedelta(days=days) for days in (-1, 1, 730))
    for at in (before, before, NOON, NOON, tomorrow, tomorrow, far, far, NOON, NOON):
        meters.feed(sample(0, 36.0, at=at), 100.0)

    days = {day: round(totals.charged_ah, 6) for day, totals in meters.days().items()}
    assert days == {"2026-06-14": 1.0, "2026-06-15": 8.0}


def test_meters_of_another_program_are_taken_over() -> None:
    meters = fed([(0, 36.0), (100, 36.0)])
    meters.preset(Totals(1000.0, 900.0, 20_000.0, 18_000.0))
    meters.feed(sample(200, 36.0), 100.0)

    assert meters.values()[:4] == pytest.approx((1000.05, 900.0, 20_001.0, 18_000.0))
    assert meters.days()["2026-06-15"].charged_ah == pytest.approx(2.0)
