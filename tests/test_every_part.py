"""What every sink and action must do. The rows of SINKS and ACTIONS, and the example of docs/adding.md."""

import asyncio
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jk_bms.actions import ACTIONS
from jk_bms.clock import Clock
from jk_bms.config.settings import Settings, load_settings
from jk_bms.hub import Item, LinkChange, PartContext, Unsaved, wanted_parts
from jk_bms.model import Device, Event, InverterSample, Sample
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.model.snapshot import SinkNow, Snapshot
from jk_bms.sinks import SINKS
from jk_bms.store.bms_db import BmsDb, open_writer
from tests.examples import sink as example
from tests.scale import PATIENCE

TOP = Path(__file__).resolve().parent.parent
ROWS = (*SINKS, *ACTIONS, example.ROW)
# Imports modules and prints of which packages something is loaded then that was not before.
TELL_PACKAGES = """
import importlib, sys
from importlib.metadata import packages_distributions
before = set(sys.modules)
for module in sys.argv[1:]:
    importlib.import_module(module)
owners = packages_distributions()
for name in {name.partition(".")[0] for name in set(sys.modules) - before}:
    print(*(owner.lower().replace("_", "-") for owner in owners.get(name, ())))
"""
NOW = datetime(2026, 12, 1, tzinfo=UTC)
PACK = Device(address="AA:BB:CC:DD:EE:FF", name="pack")
EVERYTHING: tuple[Item, ...] = (
    Sample(device=PACK, taken_at=NOW, monotonic=1.0, voltage=53.2),
    LinkChange(PACK, LinkStatus(state=LinkState.STREAMING)),
    InverterSample(taken_at=NOW, monotonic=1.0, load_power=412.0),
    Event(kind="alert.raised", taken_at=NOW, monotonic=2.0, text="low"),
    Unsaved(Event(kind="alert.raised", taken_at=NOW, monotonic=3.0, text="lower")),
    Event(kind="alert.raised", taken_at=NOW, monotonic=3.0, text="lower"),  # once it is written
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """All that any part asks for."""
    return load_settings(
        {
            "DB_PATH": str(tmp_path / "inverter.db"),
            "BMS_DB_PATH": str(tmp_path / "bms.db"),
            "BMS_SOCKET": str(tmp_path / "s"),
            "ALERT_URLS": "json://127.0.0.1:9/",
            "DEADMAN_URL": "http://127.0.0.1:9/",
            "INFLUXDB_HOST": "127.0.0.1:9",
            "METRICS_BIND": "127.0.0.1:0",
            "MQTT_BROKER": "127.0.0.1:9",
        },
        top=tmp_path,
    )


def context(settings: Settings, own: BmsDb) -> PartContext:
    async def in_writer(work: Any) -> Any:
        return work(own)

    return PartContext(
        settings=settings,
        clock=Clock(),
        publish=lambda _: None,
        in_writer=in_writer,
        label=lambda address: address,
        waiting=list,
        trouble=str,
        snapshot=Snapshot,
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_it_takes_everything_and_ends_when_told(row: Any, settings: Settings) -> None:
    assert row.wanted(settings), f"{row.name}: give `settings` above what asks for it, where nobody answers"
    own = open_writer(settings.bms_db_path, Clock())
    try:
        part = wanted_parts((row,), context(settings, own))[row.name]
        part.open(own)
        running = asyncio.create_task(part.run())
        await asyncio.sleep(0)
        for item in EVERYTHING:
            part.accept(item)
        assert isinstance(part.shown(), SinkNow | None)
        await asyncio.sleep(0.05)
        assert not running.done()
        running.cancel()
        async with asyncio.timeout(PATIENCE):
            with suppress(asyncio.CancelledError):
                await running
    finally:
        own.close()


def test_nothing_is_made_that_the_settings_do_not_ask_for(tmp_path: Path) -> None:
    plain = load_settings({"BMS_DB_PATH": str(tmp_path / "bms.db")}, top=tmp_path)

    assert [row.name for row in ACTIONS if row.wanted(plain)] == []


def test_names_are_unique_and_packages_are_of_a_lock() -> None:
    """``jk_bms_service.py --packages`` tells who installs which of the two it is."""
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert {row.packages for row in ROWS} <= {"runtime", "bot"}


def test_none_keeps_a_house_from_starting_that_lacks_its_library() -> None:
    """What a row names is imported before anything is read; a library of its own only in ``run``."""
    modules = sorted({row.make.partition(":")[0] for row in ROWS})
    result = subprocess.run(
        [sys.executable, "-c", TELL_PACKAGES, *modules], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    lock = (TOP / "requirements.txt").read_text(encoding="utf-8")
    everywhere = {line.partition("==")[0] for line in lock.splitlines() if line[:1].isalnum()}

    assert set(result.stdout.split()) - everywhere - {"easun-jkbms"} == set()


async def test_the_example_writes_what_happens(settings: Settings) -> None:
    own = open_writer(settings.bms_db_path, Clock())
    try:
        part = example.text_sink(context(settings, own))
        running = asyncio.create_task(part.run())
        for item in EVERYTHING:
            part.accept(item)
        written = settings.bms_db_path.with_name("lines.txt")
        async with asyncio.timeout(PATIENCE):
            while not written.exists() or written.read_text().count("\n") < 5:
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    finally:
        own.close()

    assert written.read_text().splitlines() == [
        "pack: 53.2 V",
        "pack: streaming",
        "inverter: 412.0 W",
        "alert: low",
        "alert: lower",
    ]
