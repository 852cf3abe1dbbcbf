"""The grid is judged by voltage before power, and by nothing that is missing, old or said twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jk_bms.model import InverterSample
from jk_bms.rules.grid import LOST, PRESENT, UNKNOWN, GridWatch, grid_of

BEGIN = datetime(2026, 12, 1, tzinfo=UTC)

READINGS: dict[str, tuple[dict[str, Any], str]] = {
    "voltage is there": ({"grid_voltage": 231.0}, PRESENT),
    "voltage just so": ({"grid_voltage": 50.1}, PRESENT),
    "voltage of nothing": ({"grid_voltage": 50.0}, LOST),
    "no voltage, whatever the power says": ({"grid_voltage": 0.0, "grid_power": 400.0}, LOST),
    "the sun carries the house": ({"grid_voltage": 230.0, "grid_power": 0.0, "pv_power": 900.0}, PRESENT),
    "only power": ({"grid_power": 10.1}, PRESENT),
    "only that there is no power": ({"grid_power": 10.0}, LOST),
    "no power, but the sun carries": (
        {"grid_power": 0.0, "pv_power": 900.0, "load_power": 700.0},
        UNKNOWN,
    ),
    "no power, and not enough sun": ({"grid_power": 0.0, "pv_power": 90.0, "load_power": 700.0}, LOST),
    "nothing of the grid": ({"load_power": 400.0}, UNKNOWN),
    "nothing at all": ({}, UNKNOWN),
    "an error": ({"error": "timeout"}, UNKNOWN),
}


@pytest.mark.parametrize(("values", "expected"), READINGS.values(), ids=READINGS)
def test_what_one_reading_says(values: dict[str, Any], expected: str) -> None:
    assert grid_of(InverterSample(taken_at=BEGIN, monotonic=0.0, **values)) == expected


class Records:
    """Feeds a watch with records, five seconds apart."""

    def __init__(self) -> None:
        self.watch = GridWatch()
        self.t = 0.0

    def volts(self, *values: float | None, age: float = 1.0, every: float = 5.0) -> list[str]:
        return [self.feed(age, every, grid_voltage=value) for value in values]

    def feed(self, age: float = 1.0, every: float = 5.0, **values: Any) -> str:
        self.t += every
        now = BEGIN + timedelta(seconds=self.t)
        sample = InverterSample(taken_at=now - timedelta(seconds=age), monotonic=self.t, **values)
        return self.watch.feed(sample, now)


def test_two_records_confirm() -> None:
    records = Records()

    assert records.volts(231.0, 230.0, 0.0, 0.0) == [UNKNOWN, PRESENT, PRESENT, LOST]
    assert records.watch.since == 15.0


def test_since_when_is_known_of_a_change_that_was_seen_only() -> None:
    """Neither the start of this service nor a silence of the inverter is when the grid came."""
    records = Records()

    assert records.volts(230.0, 230.0, 230.0)[-1] == PRESENT
    assert records.watch.since is None
    records.volts(0.0, 0.0)
    assert records.watch.since == 20.0
    assert records.volts(0.0, every=300.0) == [UNKNOWN]
    assert records.volts(0.0) == [LOST]
    assert records.watch.since is None


def test_one_record_alone_changes_nothing() -> None:
    assert Records().volts(230.0, 230.0, 0.0, 230.0, 0.0, 230.0) == [UNKNOWN] + [PRESENT] * 5


def test_errors_and_empty_records_count_neither_way() -> None:
    records = Records()
    records.volts(230.0, 230.0, 0.0)

    assert [records.feed(error="timeout"), records.feed()] == [PRESENT, PRESENT]
    assert records.volts(0.0) == [LOST]


def test_old_records_say_nothing_of_now() -> None:
    """The first record after a start may be of yesterday."""
    assert Records().volts(0.0, 0.0, 0.0, age=121.0) == [UNKNOWN] * 3
    assert Records().volts(0.0, 0.0, 0.0, age=-200.0) == [UNKNOWN] * 3
    assert Records().volts(0.0, 0.0, age=119.0) == [UNKNOWN, LOST]


def test_the_same_record_twice_is_one() -> None:
    watch = GridWatch()
    for at in (1.0, 2.0, 3.0):
        sample = InverterSample(taken_at=BEGIN, monotonic=at, grid_voltage=0.0)
        assert watch.feed(sample, BEGIN + timedelta(seconds=at)) == UNKNOWN


def test_when_nothing_was_heard_for_two_minutes_nothing_is_known() -> None:
    records = Records()
    records.volts(230.0, 230.0)

    assert records.watch.state(records.t + 120.0) == PRESENT
    assert records.watch.state(records.t + 121.0) == UNKNOWN
    assert records.volts(0.0, every=300.0) == [UNKNOWN]
    assert records.volts(0.0) == [LOST]


def test_records_only_with_errors_make_it_unknown() -> None:
    records = Records()
    records.volts(230.0, 230.0)

    states = [records.feed(error="timeout", every=30.0) for _ in range(5)]

    assert states == [PRESENT] * 4 + [UNKNOWN]
