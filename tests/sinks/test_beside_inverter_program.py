"""Beside another process that writes the same database, and killed at any moment."""

import asyncio
import json
import os
import random
import runpy
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jk_bms.clock import Clock
from jk_bms.model import Device, Sample
from jk_bms.sinks.inverter_db import InverterDbSink, MergeOptions
from jk_bms.store.bms_db import open_writer
from jk_bms.store.history import HistoryStore
from jk_bms.store.inverter_fold import InverterFolder
from jk_bms.store.readings import Readings
from tests.scale import scaled

# `make soak` hammers for a minute, then waits for the last merge.
pytestmark = [pytest.mark.timeout(600), pytest.mark.long]
HERE = Path(__file__).parent
TABLE = "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, payload TEXT, error TEXT)"
COMPLETE = {
    "battery_voltage",
    "battery_current",
    "battery_power",
    "battery_soc",
    "temperature",
    "battery_soc_source",
    "bms_cell_count",
    "bms_cell_min_v",
    "bms_cell_max_v",
    "bms_cell_delta_v",
    "bms_name",
}


@pytest.fixture(params=["delete", "wal"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "inverter.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {request.param}")
    connection.execute(TABLE)
    connection.commit()
    connection.close()
    return path


@contextmanager
def merging(path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a merging process; at the end it is killed if it still lives."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "merging_process.py"), str(path), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def inverter_program(path: Path, *arguments: str) -> dict[str, int]:
    """Run the inverter program to its end; return what it saw."""
    seen: dict[str, int] = json.loads(
        subprocess.run(
            [sys.executable, str(HERE / "inverter_program.py"), str(path), *arguments],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    )
    return seen


def content(path: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(
            "SELECT id, created_at, payload, error FROM readings ORDER BY id"
        ).fetchall()
    finally:
        connection.close()


def load_record() -> Any:
    """The function by which the inverter program makes its records, so that both agree."""
    return runpy.run_path(str(HERE / "inverter_program.py"))["record"]


written = load_record()


def test_every_good_record_has_battery_values_in_time(path: Path) -> None:
    """Acceptance 1 and 2: errors untouched, records neither more nor fewer, each merged within 2 s."""
    count = scaled(2400, least=120)
    with merging(path):
        seen = inverter_program(path, str(count), "0.02")

    rows = content(path)
    assert (seen["locked"], seen["late"], len(rows)) == (0, 0, count)
    assert seen["good"] >= count // 2
    for number, (_, _, payload, error) in enumerate(rows):
        before, fault = written(number)
        assert error == fault
        if before is None:
            assert payload is None
        else:
            values = json.loads(payload)
            assert set(values) >= COMPLETE
            assert [(key, values[key]) for key in json.loads(before) if key not in COMPLETE] == [
                item for item in json.loads(before).items() if item[0] not in COMPLETE
            ]


def test_hammering_from_both_sides(path: Path) -> None:
    """Acceptance 3: a writer that never pauses sees no lock error, and no update of either is lost."""
    total = 0
    with merging(path) as process:
        end = time.monotonic() + scaled(60)
        while time.monotonic() < end:
            assert inverter_program(path, "400", "0")["locked"] == 0
            total += 400
        rows = wait_for_all(path)
        assert process.poll() is None

    assert len(rows) == total
    for number, (_, _, payload, _) in enumerate(rows):
        before, _ = written(number % 400)
        assert (payload is None) == (before is None)
        if before is not None:
            assert json.loads(payload)["n"] == number % 400


def wait_for_all(path: Path) -> list[tuple[Any, ...]]:
    """Wait until no good record is without battery values."""
    while True:
        rows = content(path)
        if all(payload is None or "bms_cell_count" in payload for _, _, payload, _ in rows):
            return rows
        time.sleep(0.05)


def test_killed_at_any_moment(path: Path) -> None:
    """kill -9: the database opens whole, no payload is half merged, and the next start merges."""
    moments = random.Random(7)
    first = written(0)[0]
    for _ in range(scaled(100)):  # twice, once for each journal mode
        with merging(path) as process:
            for _ in range(moments.randrange(1, 5)):
                insert(path, first)
                time.sleep(moments.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
            process.wait()
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        for _, _, payload, error in content(path):
            values = json.loads(payload)
            assert error is None
            assert payload == first or set(values) >= COMPLETE
            assert values["n"] == 0
    assert any("bms_cell_count" in row[2] for row in content(path))  # it was killed at work, not before

    insert(path, first)
    with merging(path):
        while "bms_cell_count" not in content(path)[-1][2]:
            time.sleep(0.01)


def insert(path: Path, payload: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO readings (created_at, payload) VALUES (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?)",
        (payload,),
    )
    connection.commit()
    connection.close()


def test_standalone_killed_and_started_again(tmp_path: Path) -> None:
    """Its own records do not keep it from starting, and each is whole."""
    path = tmp_path / "inverter.db"
    for _ in range(3):
        count = len(content(path)) if path.exists() else 0
        with merging(path, "standalone") as process:
            while not path.exists() or len(records(path)) < count + 3:
                time.sleep(0.005)
            process.kill()
            process.wait()

        assert all(set(json.loads(row[2])) >= {*COMPLETE, "bms_recorder"} for row in content(path))


def records(path: Path) -> list[tuple[Any, ...]]:
    """The records; none while the table is still being made."""
    try:
        return content(path)
    except sqlite3.OperationalError:
        return []


LEAVING = """
import json, sqlite3, sys, time
path, mode = sys.argv[1:]

def run(*statement):
    connection = sqlite3.connect(path, timeout=0)
    try:
        with connection:
            return connection.execute(*statement).fetchall()
    except sqlite3.OperationalError:
        return [("locked",)]
    finally:
        connection.close()

def insert():
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    run("INSERT INTO readings (created_at, payload) VALUES (?, '{}')", (made,))
    end = time.monotonic() + 20
    while "battery_voltage" not in run("SELECT payload FROM readings ORDER BY id DESC")[0][0]:
        assert time.monotonic() < end, "not merged"
        time.sleep(0.05)

insert()
end = time.monotonic() + 20
while run(f"PRAGMA journal_mode = {mode}") != [(mode,)]:
    assert time.monotonic() < end, "somebody keeps the file open"
    time.sleep(0.05)
insert()
print(run("PRAGMA journal_mode")[0][0])
"""


@pytest.mark.parametrize("mode", ["delete", "wal"])
async def test_the_inverter_program_may_change_its_journal_mode(
    path: Path, tmp_path: Path, mode: str
) -> None:
    """Nobody but itself may have the file open then: we close it when nothing goes on."""
    clock = Clock()
    sink = InverterDbSink(Readings(path), clock, MergeOptions(watch=0.05, poll_interval=3600))
    pack = Device(address="AA:BB:CC:DD:EE:01", name="pack")
    with open_writer(tmp_path / "bms.db", clock) as own:
        folder = InverterFolder(Readings(path), HistoryStore(own))
        running = asyncio.create_task(sink.run())
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", LEAVING, str(path), mode), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        while program.returncode is None:
            sink.accept(Sample(device=pack, taken_at=clock.now(), monotonic=clock.monotonic(), voltage=53.0))
            folder.step(clock.now())
            await asyncio.sleep(0.02)
        told, errors = await program.communicate()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert (told.decode().strip(), errors.decode()) == (mode, "")


async def test_what_is_not_changed_is_not_opened(path: Path) -> None:
    """Nobody writes: the look of each second costs no opening, and the next record is found all the same."""
    clock = Clock()
    readings = Readings(path)
    sink = InverterDbSink(readings, clock, MergeOptions(poll_interval=3600))
    pack = Device(address="AA:BB:CC:DD:EE:01", name="pack")
    sink.accept(Sample(device=pack, taken_at=clock.now(), monotonic=clock.monotonic(), voltage=53.0))
    insert(path, "{}")
    closed = 0
    while closed < 20:  # looks in a row; the last closer of a WAL puts it away, which is a change as well
        assert sink.look(sink.take_due())
        closed = 0 if is_open(path) else closed + 1
        await asyncio.sleep(0.02)

    insert(path, "{}")
    while sink.merged < 2:
        assert sink.look(set())
    assert is_open(path)
    readings.close()


def is_open(path: Path) -> bool:
    """Whether this process has the file open."""
    return any(link.exists() and link.resolve() == path.resolve() for link in Path("/proc/self/fd").iterdir())
