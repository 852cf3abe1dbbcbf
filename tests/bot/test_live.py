"""The state of the house for the bot: with the poller there, gone, and never met."""

import time
from pathlib import Path

import pytest

from jk_bms.clock import Clock
from jk_bms.errors import StoreError
from jk_bms.model import Device
from jk_bms.store.bms_db import open_writer
from jk_bms.store.history import Cut, HistoryStore
from jk_bms.view.last_known import last_known
from jk_bms.view.live_view import LiveView
from tests.bot.conftest import Configure, Poller
from tests.bot.house_snapshot import device, snapshot
from tests.store.history_rows import PACK, PERIOD, batch, rows


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A ``bms.db`` with two batteries, one of which has a minute of history up to a minute ago."""
    path = tmp_path / "bms.db"
    with open_writer(path, Clock()) as own:
        own.remember_device(Device(address=PACK, number=1, name="Main"))
        own.remember_device(Device(address="AA:AA:AA:AA:AA:AA", number=2, name="Sold"))
        last = int(time.time() - 60) * 1000 // PERIOD * PERIOD
        HistoryStore(own).commit(Cut([batch(rows(last - 11 * PERIOD, 12))], {}))
    return path


def test_the_last_row_is_what_is_known(recorded: Path) -> None:
    known = last_known(recorded, {PACK}, None)

    (state,) = known.devices
    assert (state.name, state.number) == ("Main", 1)
    assert state.age is not None
    assert 55 < state.age < 75
    reading = state.told
    assert reading.voltage is not None
    assert 52.8 <= reading.voltage < 52.85
    assert reading.cell_numbers == (1, 2)
    assert reading.cell_min is not None
    assert reading.cell_max is not None
    assert 3.3 <= reading.cell_min.v <= reading.cell_max.v < 3.32
    assert known.alerts is None
    assert known.inverter is None


def test_a_battery_without_history_is_named_all_the_same(recorded: Path) -> None:
    states = last_known(recorded, (), None).devices

    assert [(state.name, state.reading is not None) for state in states] == [("Main", True), ("Sold", False)]


def test_no_database_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such database"):
        last_known(tmp_path / "bms.db", (), None)


async def test_without_a_poller_the_database_tells(recorded: Path, configure: Configure) -> None:
    live = LiveView(configure())

    known = await live.snapshot()

    assert known.poller_down
    assert (known.devices[0].age or 0.0) > 55
    assert live.down_since is not None


async def test_without_anything_nothing_is_known(configure: Configure) -> None:
    known = await LiveView(configure()).snapshot()

    assert (known.poller_down, known.devices) == (True, ())


async def test_what_the_poller_said_last_grows_old(poller: Poller, configure: Configure) -> None:
    now = 100.0
    live = LiveView(configure(), monotonic=lambda: now)
    one = {"id": "shed", "age": 4.0, "grid": {"state": "lost", "for": 9.0}}
    poller.snapshot = snapshot(device(age=2.0), alerts=[{"code": 1}], inverters=[one])
    fresh = await live.snapshot()
    poller.server.path.unlink()
    now = 160.0

    known = await live.snapshot()

    assert not fresh.poller_down
    (state,) = known.devices
    assert (known.poller_down, state.age, known.alerts) == (True, 62.0, None)
    assert known.inverter is not None
    assert known.inverter.grid.state == "unknown"  # nobody looks at it now
    assert known.inverter.age == 64.0
    assert [(one.age, one.grid.state) for one in known.inverters] == [(64.0, "unknown")]
    assert fresh.devices[0].age == 2.0
