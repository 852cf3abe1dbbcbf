"""Where samples arrive and leave again."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from jk_bms.hub import Hub, Item, PartContext, PartRow, wanted_parts
from jk_bms.model import Device, Event, Sample

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def sample(address: str = "one", voltage: float = 53.0) -> Sample:
    return Sample(
        device=Device(address=address),
        taken_at=NOW,
        monotonic=1.0,
        voltage=voltage,
    )


def test_every_listener_gets_everything_in_order() -> None:
    hub = Hub()
    heard: list[tuple[str, Item]] = []
    hub.listen(lambda item: heard.append(("a", item)))
    hub.listen(lambda item: heard.append(("b", item)))
    first, second = sample(voltage=1.0), Event(kind="grid.back", taken_at=NOW, monotonic=2.0)

    hub.publish(first)
    hub.publish(second)

    assert heard == [("a", first), ("b", first), ("a", second), ("b", second)]


def test_newest_of_each_device_is_kept() -> None:
    hub = Hub()
    for address, voltage in (("one", 1.0), ("two", 2.0), ("one", 3.0)):
        hub.publish(sample(address, voltage))

    assert {address: newest.voltage for address, newest in hub.newest.items()} == {"one": 3.0, "two": 2.0}


def test_a_listener_that_fails_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once, not at every frame."""
    hub = Hub()
    heard: list[Item] = []

    def broken(_: Item) -> None:
        raise RuntimeError("no idea")

    hub.listen(broken)
    hub.listen(heard.append)
    for _ in range(5):
        hub.publish(sample())

    assert len(heard) == 5
    assert len(caplog.records) == 1
    assert "no idea" in caplog.text


def test_a_part_whose_library_is_missing_stays_off(caplog: pytest.LogCaptureFixture) -> None:
    """The batteries are read all the same, and the log names the part."""
    row = PartRow(name="broker", make="no_such_library_here:Broker", wanted=lambda _: True)

    assert wanted_parts((row,), cast(PartContext, SimpleNamespace(settings=None))) == {}
    assert "broker is off: No module named 'no_such_library_here'" in caplog.text
