"""Grid and inverter as last heard: real or made up, young or old, with or without an answer."""

from datetime import timedelta
from typing import Any

import pytest

from jk_bms.alerts.inverter import InverterState
from jk_bms.model import InverterSample
from tests.sources.scripted import StillClock


class House:
    """A clock and an inverter that speaks when told to."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.state = InverterState(self.clock)

    def says(self, *, made_up: bool = False, age: float = 0.0, **values: Any) -> bool:
        self.clock.boot += 10
        self.clock.wall += timedelta(seconds=10)
        sample = InverterSample(
            taken_at=self.clock.now() - timedelta(seconds=age),
            monotonic=self.clock.monotonic(),
            made_up=made_up,
            **values,
        )
        return self.state.take(sample)


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
    assert shown["grid"] == {"state": "present", "for": None}  # it was there before us
    assert (shown["grid_voltage"], shown["load_power"], shown["status"]) == (231.0, 400.0, "SUB")
    assert "pv_power" not in shown
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
    assert shown["age"] == 130.0
    assert shown["error"] == "no answer"
    assert shown["grid"] == {"state": "unknown", "for": None}
    assert shown["grid_voltage"] == 230.0
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
