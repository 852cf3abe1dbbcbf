"""Grid and inverter as last heard: real or made up, young or old, with or without an answer."""

from datetime import timedelta
from typing import Any

import pytest

from jk_bms.alerts.inverter import InverterNow, Inverters
from jk_bms.inverters.records import OVERHEARD
from jk_bms.model import Inverter, InverterSample
from jk_bms.model.snapshot import GridNow, InverterShown, InvertersTold
from jk_bms.simulator.inverter_reading import MADE_UP
from tests.sources.scripted import StillClock


class House:
    """A clock and an inverter that speaks when told to."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.inverters = Inverters(self.clock)

    def says(self, *, made_up: bool = False, age: float = 0.0, **values: Any) -> bool:
        self.clock.boot += 10
        self.clock.wall += timedelta(seconds=10)
        sample = InverterSample(
            taken_at=self.clock.now() - timedelta(seconds=age),
            monotonic=self.clock.monotonic(),
            device=MADE_UP if made_up else OVERHEARD,
            **values,
        )
        return self.inverters.take(sample)

    @property
    def state(self) -> InverterNow:
        return self.inverters.house


def test_a_house_without_an_inverter() -> None:
    house = House()

    assert house.state.age is None
    assert house.state.shown() is None
    assert house.state.on_battery is None


def test_two_records_confirm_the_grid() -> None:
    house = House()
    house.says(grid_voltage=230.0)
    assert house.state.grid == "unknown"

    house.says(grid_voltage=231.0, load_power=400.0, status="SUB")

    shown = house.state.shown()
    assert shown is not None
    assert shown.grid == GridNow(state="present")  # it was there before us
    assert (shown.grid_voltage, shown.load_power, shown.status) == (231.0, 400.0, "SUB")
    assert shown.pv_power is None
    assert house.state.on_battery is False


def test_a_cut() -> None:
    house = House()
    for voltage in (230.0, 230.0, 0.0, 0.0):
        house.says(grid_voltage=voltage)

    assert house.state.grid == "lost"
    assert house.state.on_battery is True


def test_an_inverter_that_falls_silent_says_nothing_of_the_grid() -> None:
    """Errors and empty answers neither refresh the age nor change the values; after a while all is unknown."""
    house = House()
    for _ in range(2):
        house.says(grid_voltage=230.0)
    for _ in range(13):
        house.says(error="no answer")

    shown = house.state.shown()
    assert shown is not None
    assert shown.age == 130.0
    assert shown.error == "no answer"
    assert shown.grid == GridNow(state="unknown")
    assert shown.grid_voltage == 230.0
    assert house.state.on_battery is None


def test_an_inverter_program_of_long_ago_is_none() -> None:
    house = House()

    assert not house.says(age=timedelta(days=2).total_seconds(), grid_voltage=230.0)
    assert house.state.age is None


@pytest.mark.parametrize(("later", "counts"), [(0.0, False), (200.0, True)])
def test_a_made_up_inverter_counts_only_alone(later: float, counts: bool) -> None:
    house = House()
    house.says(grid_voltage=230.0)
    house.clock.boot += later

    assert house.says(made_up=True, grid_voltage=0.0) is counts


class Several:
    """A house with two inverters that are read directly, on a clock that is turned by hand."""

    LEFT, RIGHT = Inverter(id="left"), Inverter(id="right", name="Garage")

    def __init__(self) -> None:
        self.clock = StillClock()
        self.inverters = Inverters(self.clock, (self.LEFT, self.RIGHT))

    def wait(self, seconds: float) -> None:
        self.clock.boot += seconds
        self.clock.wall += timedelta(seconds=seconds)

    def says(self, device: Inverter, **values: Any) -> bool:
        sample = InverterSample(
            device=device, taken_at=self.clock.now(), monotonic=self.clock.monotonic(), **values
        )
        return self.inverters.take(sample)

    def both(self, left: dict[str, Any], right: dict[str, Any], times: int = 3) -> None:
        for _ in range(times):
            self.wait(10.0)
            self.says(self.LEFT, **left)
            self.says(self.RIGHT, **right)


def house_shown(told: InvertersTold) -> InverterShown:
    assert told.inverter is not None
    return told.inverter


def test_two_inverters_are_one_house() -> None:
    house = Several()
    house.both({"grid_voltage": 231.0, "load_power": 400.0}, {"grid_voltage": 229.0, "load_power": 250.0})

    shown = house.inverters.shown()

    assert (house_shown(shown).grid_voltage, house_shown(shown).load_power) == (231.0, 650.0)
    assert (house_shown(shown).of, house_shown(shown).fresh) == (2, 2)
    assert [(one.id, one.name, one.load_power) for one in shown.inverters] == [
        ("left", None, 400.0),
        ("right", "Garage", 250.0),
    ]


def test_where_one_of_two_is_silent_nothing_is_added_up() -> None:
    house = Several()
    for _ in range(3):
        house.wait(10.0)
        house.says(house.LEFT, grid_voltage=231.0, load_power=400.0)
    shown = house_shown(house.inverters.shown())
    assert shown.load_power is None, "the other one has not spoken yet"
    assert (shown.grid_voltage, shown.fresh) == (231.0, 1)

    house.both({"grid_voltage": 231.0, "load_power": 400.0}, {"grid_voltage": 229.0, "load_power": 250.0})
    for _ in range(13):
        house.wait(10.0)
        house.says(house.LEFT, grid_voltage=230.0, load_power=410.0)
    shown = house_shown(house.inverters.shown())

    assert shown.load_power is None
    assert (shown.grid_voltage, shown.of, shown.fresh) == (230.0, 2, 1)


@pytest.mark.parametrize(
    ("left", "right", "grid"),
    [
        ({"grid_voltage": 230.0}, {"grid_voltage": 0.0}, "present"),  # of one phase, say
        ({"grid_voltage": 0.0}, {"grid_voltage": 0.0}, "lost"),
        ({"grid_voltage": 0.0}, {"load_power": 300.0}, "lost"),  # the other one cannot see it
        ({"grid_voltage": 0.0}, {"error": "no answer"}, "unknown"),  # it may see one
        ({"load_power": 200.0}, {"load_power": 300.0}, "unknown"),
    ],
)
def test_the_grid_of_two(left: dict[str, Any], right: dict[str, Any], grid: str) -> None:
    house = Several()
    house.both(left, right)

    assert house.inverters.house.grid == grid


def test_the_grid_is_away_since_the_last_one_lost_it() -> None:
    house = Several()
    house.both({"grid_voltage": 230.0}, {"grid_voltage": 230.0})
    house.both({"grid_voltage": 0.0}, {"grid_voltage": 230.0})
    assert house.inverters.house.grid == "present"
    house.both({"grid_voltage": 0.0}, {"grid_voltage": 0.0})
    assert (house.inverters.house.grid, house.inverters.house.grid_for) == ("lost", 20.0)

    house.both({"grid_voltage": 230.0}, {"grid_voltage": 0.0})
    house.both({"grid_voltage": 230.0}, {"grid_voltage": 230.0})

    assert (house.inverters.house.grid, house.inverters.house.grid_for) == ("present", 50.0)


def test_another_programs_word_counts_where_we_hear_nothing_ourselves() -> None:
    house = Several()
    house.says(OVERHEARD, grid_voltage=230.0)
    assert house.says(house.LEFT, error="no answer") is False
    assert house.says(house.LEFT, grid_voltage=229.0)
    assert house.says(OVERHEARD, grid_voltage=230.0) is False
    assert house.says(MADE_UP, grid_voltage=0.0) is False

    for _ in range(12):
        house.wait(10.0)
        house.says(house.LEFT, error="no answer")

    assert house.says(MADE_UP, grid_voltage=0.0) is False, "a real one is there, if silent"
    assert house.says(OVERHEARD, grid_voltage=230.0)
    assert [one.id for one in house.inverters.shown().inverters] == ["records"]


def test_one_that_never_answered_is_missed_after_a_while() -> None:
    house = House()
    house.says(error="no answer")
    assert house.state.view(None).age is None, "a moment ago it may have answered an earlier run"

    for _ in range(13):
        house.says(error="no answer")

    assert house.state.view(None).age == 130.0
