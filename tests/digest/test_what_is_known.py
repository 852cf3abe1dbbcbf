"""A digest tells what was measured, no more: times that were not known, cuts of seconds, meters that came late."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jk_bms.charts.make import make_chart
from jk_bms.charts.wanted import Wanted
from jk_bms.clock import Clock
from jk_bms.digest.days import day_of
from jk_bms.digest.fact_sheet import fact_sheet
from jk_bms.digest.facts import Span
from jk_bms.digest.local_text import local_text
from jk_bms.digest.make import _picture
from jk_bms.digest.phases import Feed, find_phases
from jk_bms.digest.proof import unproved
from jk_bms.model.inverter import INVERTER
from jk_bms.store.bms_db import open_writer
from jk_bms.store.columns import BOOT, BY_NAME, FRAMES, OFFSET, TIME, TRUSTED, whole
from jk_bms.store.history import Batch, Cut, HistoryStore
from jk_bms.texts import language
from tests.digest.test_facts import DAY, KYIV, PACK, SECOND, House, at, only
from tests.digest.test_phases import measured

Told = Callable[[float], Mapping[str, float | None]]  # values by the local hour


class Made(House):
    """A house of which each value is said by its hour."""

    def record(
        self, track: str, told: Told, begin: str = "00:00", end: str | None = None, step: float = 60.0
    ) -> None:
        start, until = at(begin), day_of(DAY, KYIV).end if end is None else at(end)
        midnight = at("00:00")
        made = []
        for n in range(int((until - start).total_seconds() / step)):
            time = start + timedelta(seconds=n * step)
            made.append((time, told((time - midnight).total_seconds() / 3600)))
        names = list(dict.fromkeys(name for _, values in made for name in values))
        rows = [
            (
                round(time.timestamp() * 1000),
                1,
                0,
                1,
                1,
                *(whole(values.get(name), BY_NAME[name].divisor) for name in names),
            )
            for time, values in made
        ]
        columns = (TIME, BOOT, OFFSET, TRUSTED, FRAMES, *(BY_NAME[name].id for name in names))
        with open_writer(self.path, Clock()) as own:
            batch = Batch(track, round(step * 1000), columns, rows)
            HistoryStore(own).commit(Cut([batch], {}, prune=False))

    def told(self, name: str = "en") -> str:
        """The digest; whatever it says must stand on the model's sheet as well."""
        facts = self.facts()
        text = local_text(facts, language(name))
        assert unproved(text, fact_sheet(facts).known) == [], text
        return text


@pytest.fixture
def house(tmp_path: Path) -> Made:
    return Made(tmp_path / "bms.db")


def pack(soc: float, watts: float, **more: float | None) -> dict[str, float | None]:
    return {"battery_soc": soc, "power": watts, "voltage": 52.0, "full_ah": 280.0, **more}


def grid(volts: float | None) -> dict[str, float | None]:
    return {"grid_voltage": volts, "ac_output_power": 400.0}


# Full again


def test_full_where_the_next_fall_begins_is_full_again() -> None:
    first, second = find_phases(measured(100, 90, 80, 85, 92, 100, 95, 85, 80))

    assert first.full_at == measured(*range(6))[5].at
    assert second.full_at is None


def test_full_between_two_measurements_is_full_again(house: Made) -> None:
    """Full from 12:02 to 12:07; every ten minutes one sees 98 %."""

    def told(hour: float) -> dict[str, float | None]:
        if hour < 10:
            return pack(100.0, -1600.0 if hour > 9.9 else 0.0)
        if hour < 11:
            return pack(100.0 - 30.0 * (hour - 10), -4000.0)
        if hour < 12:
            return pack(70.0 + 28.0 * (hour - 11), 4000.0)
        return pack(100.0 if 12.033 < hour < 12.12 else 98.0 - (hour - 12), -1600.0)

    house.record(PACK, told)

    assert only(house.facts()).phases[0].full_at == at("12:02")
    assert "full again at 12:02" in house.told()
    assert "not full again" not in house.told().splitlines()[2]


def test_what_never_was_full_is_not_full_again() -> None:
    [phase] = find_phases(measured(100, 90, 80, 85, 92, 98, 98))

    assert phase.full_at is None


# On battery


def idle_then_away(hour: float) -> dict[str, float | None]:
    """An inverter that stands by takes 60 W all day; from 10:00 to 13:00 the house takes 2 kW."""
    if hour < 10:
        return pack(95.0 - 0.4 * hour, -60.0)
    if hour < 13:
        return pack(91.0 - 14.0 * (hour - 10), -2000.0)
    return pack(min(100.0, 49.0 + 10.0 * max(0.0, hour - 15)), 1500.0 if 15 <= hour < 20.1 else -60.0)


def test_a_phase_is_no_longer_than_the_grid_was_away(house: Made) -> None:
    house.record(PACK, idle_then_away)
    house.record(INVERTER, lambda hour: grid(0.0 if 10 <= hour < 13 else 230.0), step=10.0)

    [phase] = only(house.facts()).phases

    assert (phase.start.at, phase.end) == (at("10:00"), at("13:00"))
    assert house.facts().grid == (Span(at("10:00"), at("13:00")),)
    assert "10:00–13:00 (3 h)" in house.told()


def test_without_an_inverter_a_phase_begins_with_the_load(house: Made) -> None:
    house.record(PACK, idle_then_away)

    [phase] = only(house.facts()).phases

    assert phase.start.at == at("10:00")


def test_what_an_inverter_takes_that_stands_by_is_no_phase(house: Made) -> None:
    house.record(PACK, lambda hour: pack(95.0 - 0.5 * hour, -60.0))
    house.record(INVERTER, lambda hour: grid(230.0), step=10.0)

    assert only(house.facts()).phases == ()
    assert "The house did not run on the battery." in house.told()


def test_the_night_of_a_house_that_runs_on_its_battery_by_choice_is_a_phase(house: Made) -> None:
    """The grid is there all the time; 700 W come from the battery."""
    house.record(PACK, lambda hour: pack(95.0 - 4.8 * min(hour, 8.0), -700.0 if hour < 8 else 0.0))
    house.record(INVERTER, lambda hour: grid(230.0), step=10.0)

    [phase] = only(house.facts()).phases

    assert (phase.start.at, phase.end) == (at("00:00"), at("08:00"))


@pytest.mark.parametrize("name", ["en", "uk"])
def test_a_house_that_took_a_little_did_not_run_without_the_battery(name: str, house: Made) -> None:
    """700 W for an hour: the charge stays above 90 %."""
    house.record(
        PACK, lambda hour: pack(100.0 - 4.8 * min(1.0, max(0.0, hour - 9)), -700.0 if 9 <= hour < 10 else 0.0)
    )
    house.record(INVERTER, lambda hour: grid(230.0), step=10.0)

    facts = house.facts()

    assert (only(facts).phases, only(facts).fed) == ((), timedelta(hours=1))
    text = house.told(name)
    assert language(name)("digest.phases.none") not in text
    assert language(name)("digest.phases.short", span=language(name).span(3600)) in text
    assert "the battery fed the house for 1 h in all" in fact_sheet(facts).text


def test_a_log_of_the_charge_alone_does_not_know_what_fed_the_house(house: Made) -> None:
    house.record(PACK, lambda hour: {"battery_soc": 97.0, "voltage": 52.0})

    assert only(house.facts()).fed is None
    assert "No time on battery was seen." in house.told()
    assert "Energy: not known." in house.told()


def test_two_outages_with_rest_between_are_two_phases() -> None:
    levels = measured(95, 90, 80, 80, 80, 80, 80, 70, 60, 65)
    away, rest = Feed.BATTERY, Feed.GRID
    feeds = [away, away, rest, rest, rest, rest, away, away, rest, rest]

    assert [(phase.start.level, phase.low.level) for phase in find_phases(levels, feeds)] == [
        (95, 80),
        (80, 60),
    ]
    paused = [away, away, rest, rest, away, away, away, away, rest, rest]
    assert len(find_phases(levels, paused)) == 1  # a load that pauses


# The grid


def cuts(hour: float) -> dict[str, float | None]:
    """Eight cuts of 10 to 20 s, one in each of eight hours."""
    second = hour * 3600 % 3600
    return grid(0.0 if hour < 8 and 1800 <= second < (1810 if hour < 4 else 1820) else 230.0)


def test_cuts_of_seconds_are_cuts(house: Made) -> None:
    house.record(PACK, lambda hour: pack(100.0, 0.0))
    house.record(INVERTER, cuts, step=10.0)

    facts = house.facts()

    assert facts.grid is not None
    lengths = [(span.end - span.start).total_seconds() for span in facts.grid if span.end]
    assert lengths == [10.0] * 4 + [20.0] * 4
    text = house.told()
    assert "Grid lost 8 times, 2 min together: 00:30, 01:30," in text
    assert "never lost" not in text
    house.told("uk")
    assert "Grid away: 8 times" in fact_sheet(facts).text


def test_a_grid_that_was_known_for_a_minute_was_not_never_lost(house: Made) -> None:
    house.record(PACK, lambda hour: pack(100.0, 0.0))
    house.record(INVERTER, lambda hour: grid(230.0), "13:00", "13:01", step=10.0)

    text = house.told()

    assert "The grid was never lost." not in text
    assert "No loss of the grid was seen." in text
    assert "Grid not known for 23 h 59 min: 00:00–13:00, since 13:01." in text
    assert "Whether the grid was there is not known" in fact_sheet(house.facts()).text
    house.told("uk")


def test_an_inverter_that_said_nothing_of_the_grid(house: Made) -> None:
    house.record(PACK, lambda hour: pack(100.0, 0.0))
    house.record(INVERTER, lambda hour: {"ac_output_power": 400.0}, step=10.0)

    facts = house.facts()

    assert facts.grid is None
    assert "Whether the grid was lost is not known." in house.told()
    assert "it is not known whether it was away" in fact_sheet(facts).text


def test_a_grid_that_was_watched_all_day_was_never_lost(house: Made) -> None:
    house.record(PACK, lambda hour: pack(100.0, 0.0))
    house.record(INVERTER, lambda hour: grid(230.0), step=60.0)  # rarer records stand until the next

    assert (house.facts().grid, house.facts().grid_unknown) == ((), ())
    assert "The grid was never lost." in house.told()


# Meters and the beginning


def test_meters_that_began_in_the_evening_tell_of_the_evening(house: Made) -> None:
    def told(hour: float) -> dict[str, float | None]:
        meters = {"charged_kwh": 5.0, "discharged_kwh": 7.0 + (hour - 20)} if hour >= 20 else {}
        return pack(80.0, -1000.0) | meters

    house.record(PACK, told)

    assert only(house.facts()).metered == Span(at("20:00"), None)
    assert (
        "Energy since 20:00: 0.0 kWh charged, 4.0 kWh discharged; before that it is not known."
        in house.told()
    )
    assert "(only from 20:00; of the rest of the day it is not known)" in fact_sheet(house.facts()).text
    house.told("uk")


def test_meters_that_were_read_once_are_not_zero(house: Made) -> None:
    house.record(
        PACK,
        lambda hour: pack(80.0, 0.0) | ({"charged_kwh": 5.0, "discharged_kwh": 7.0} if hour > 23.99 else {}),
    )

    assert only(house.facts()).charged_kwh is None
    assert "0.0 kWh" not in house.told() + fact_sheet(house.facts()).text
    assert "energy in and out: not known" in fact_sheet(house.facts()).text


def test_a_recording_that_began_in_the_afternoon_covers_the_afternoon(house: Made) -> None:
    house.record(PACK, lambda hour: pack(80.0, 0.0, charged_kwh=1.0, discharged_kwh=1.0), "14:00")

    facts = house.facts()

    assert only(facts).since == at("14:00")
    assert "Covered: from 14:00 to 2026-12-11 00:00 (10 h)." in fact_sheet(facts).text
    text = house.told()
    assert "Recording began at 14:00." in text
    assert "The house did not run on the battery." not in text
    assert "Energy: 0.0 kWh" in text  # the meters tell of all that was recorded


# Pictures


def odd_minute(hour: float) -> dict[str, float | None]:
    """The lowest charge is at 14:05."""
    away = abs(hour - 14 - 5 / 60)
    return pack(90.0 - 40.0 * max(0.0, 1 - away), -2000.0 if away < 1 else 0.0)


def caption(house: Made, packs: tuple[str, ...]) -> str:
    """What the picture of the digest says; it draws ``packs`` and no others."""
    facts, said = house.facts(), list[str]()

    def listening(wanted: Wanted) -> Any:
        assert tuple(each.address for each in wanted.packs) == packs
        made = make_chart(wanted)
        said.append(made.caption)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jk_bms.charts.make.make_chart", listening)
        assert _picture(house.path, facts, language("en"), KYIV, "light")
    return said[0]


@pytest.mark.parametrize("begin", ["00:00", "00:01", "05:17"])
def test_picture_and_text_tell_the_same_minute(begin: str, house: Made) -> None:
    house.record(PACK, odd_minute, begin)

    assert "lowest 50 % at 14:05" in caption(house, (PACK,)).lower()
    assert "50.0 % at 14:05" in house.told()


def test_the_picture_is_of_all_batteries(house: Made) -> None:
    """Of one at 50 % and one at 90 % of the same size it is 70 %, in the picture and in the text."""
    house.record(PACK, odd_minute)
    house.record(SECOND, lambda hour: pack(90.0, 0.0))
    house.named(PACK, 1, "shed")
    house.named(SECOND, 2, "attic")

    assert "lowest 70 % at 14:05" in caption(house, (PACK, SECOND)).lower()
    text = house.told()
    assert "House: 90.0 % at the end, lowest 70.0 % at 14:05." in text
    assert "Battery 1: shed. Lowest charge: 50.0 % at 14:05." in text
