"""Our own database: one writer, readers, an event log that only grows, nothing silently lost."""

import logging
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jk_bms.clock import Clock
from jk_bms.errors import ConfigError, StoreError
from jk_bms.model import Device, Event
from jk_bms.store import bms_db
from jk_bms.store.bms_db import open_reader, open_writer
from jk_bms.store.schema import Migration
from jk_bms.store.states import read_states

AT = datetime(2026, 12, 1, 10, 0, 0, 250_000, UTC)
PACK = Device(address="AA:BB:CC:DD:EE:FF", number=1, name="shed", model="JK_B2A8S20P", sw_version="15.38")


class TurnedClock(Clock):
    """A clock that stands where the test puts it."""

    def __init__(self, at: datetime = AT, boot: float = 100.0) -> None:
        super().__init__()
        self.at = at
        self.boot = boot

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.boot


def event(kind: str = "link.lost", **fields: object) -> Event:
    return Event(kind=kind, taken_at=AT, monotonic=100.0, **fields)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bms.db"


def test_events_come_back_in_order(path: Path) -> None:
    written = [
        event("service.start", text="started"),
        event(device=PACK.address, facts={"verdict": "not_seen", "grund": "µ"}, clock_trusted=False),
    ]
    with open_writer(path, TurnedClock()) as store:
        ids = [store.append(item) for item in written]

        with open_reader(path) as reader:
            assert reader.events_after(0) == list(zip(ids, written, strict=True))
            assert reader.events_after(ids[0], limit=1) == [(ids[1], written[1])]
            assert reader.events_after(ids[1]) == []
            assert reader.newest_event() == ids[1]


def test_events_and_what_belongs_to_them_are_written_together_or_not_at_all(path: Path) -> None:
    def fail(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with open_writer(path, TurnedClock()) as store:
        ids = store.append_all(
            [event("alert.raised"), event("alert.cleared")],
            lambda db: db.execute("INSERT INTO states VALUES ('alerts', '{}')"),
        )
        with pytest.raises(StoreError, match="disk I/O error"):
            store.append_all([event("alert.raised")], fail)

        with open_reader(path) as reader:
            assert [number for number, _ in reader.events_after(0)] == ids == [1, 2]
            assert read_states(reader) == {"alerts": {}}


def test_the_newest_events_of_a_kind(path: Path) -> None:
    with open_writer(path, TurnedClock()) as store:
        for kind in ("alert.raised", "link.up", "alert.cleared", "alert.raised", "alerting"):
            store.append(event(kind))

        found = store.newest_events("alert.", limit=2)

    assert [(number, item.kind) for number, item in found] == [(4, "alert.raised"), (3, "alert.cleared")]


def test_event_ids_never_come_twice(path: Path) -> None:
    """A consumer's cursor stays right even when events were deleted by hand."""
    with open_writer(path, TurnedClock()) as store:
        first = store.append(event())
        store._connection.execute("DELETE FROM events")

        assert store.append(event()) > first


def test_devices_are_remembered(path: Path) -> None:
    """What is not known this time stays as it was; first_seen stays, last_seen moves."""
    clock = TurnedClock()
    with open_writer(path, clock) as store:
        store.remember_device(PACK, device_info={"model": "JK_B2A8S20P"})
        clock.at += timedelta(hours=1)
        store.remember_device(Device(address=PACK.address, number=2, serial="7"), settings={"cell_count": 16})

        [seen] = store.devices()

    assert seen.device == Device(
        address=PACK.address, number=2, name="shed", model="JK_B2A8S20P", sw_version="15.38", serial="7"
    )
    assert (seen.first_seen, seen.last_seen) == (AT, AT + timedelta(hours=1))
    assert (seen.device_info, seen.settings) == ({"model": "JK_B2A8S20P"}, {"cell_count": 16})


def test_a_wrong_clock_is_not_written_down(path: Path) -> None:
    """A device seen in 1970 has no time; its events get theirs once the clock is right."""
    clock = TurnedClock(datetime(1970, 1, 1, 0, 1, tzinfo=UTC), boot=60.0)
    with open_writer(path, clock) as store:
        store.remember_device(PACK)
        store.append(Event(kind="service.start", taken_at=clock.now(), monotonic=60.0, clock_trusted=False))
        assert store.devices()[0].first_seen is None
        assert store.correct_times() == 0

        clock.at, clock.boot = AT, 90.0

        assert store.correct_times() == 1
        [(_, corrected)] = store.events_after(0)
        assert (corrected.taken_at, corrected.clock_trusted) == (AT - timedelta(seconds=30), True)
        assert store.correct_times() == 0


def test_a_second_writer_is_refused_by_name(path: Path) -> None:
    with open_writer(path, TurnedClock()):
        code = (
            "import sys; from pathlib import Path; from jk_bms.clock import Clock; from jk_bms.errors import StoreError\n"
            "from jk_bms.store.bms_db import open_writer\n"
            "try: open_writer(Path(sys.argv[1]), Clock())\n"
            "except StoreError as error: print(error)"
        )
        said = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        ).stdout

    assert f"{path}: another poller (pid {os.getpid()}) writes it" in said
    open_writer(path, TurnedClock()).close()


def test_the_lock_is_free_after_a_failed_start(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ConfigError, match="no file"):
        open_writer(path, TurnedClock())
    path.rmdir()

    open_writer(path, TurnedClock()).close()


def test_commits_survive_a_power_cut(path: Path) -> None:
    with open_writer(path, TurnedClock()) as store:
        pragmas = [
            store._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        ]

    assert pragmas == ["wal", 2]  # 2 = FULL


def test_readers_cannot_write(path: Path) -> None:
    open_writer(path, TurnedClock()).close()
    with open_reader(path) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM events")


def test_a_missing_file_is_told_to_readers(path: Path) -> None:
    with pytest.raises(StoreError, match="no such database; the service creates it"):
        open_reader(path)
    assert not path.exists()


def test_a_newer_schema_is_refused_by_both(path: Path) -> None:
    open_writer(path, TurnedClock()).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {bms_db.VERSION + 1}")
    connection.execute(
        f"INSERT INTO migrations VALUES ({bms_db.VERSION + 1}, 'bigger', {bms_db.VERSION + 1})"
    )
    connection.commit()
    connection.close()

    message = f"has schema version {bms_db.VERSION + 1}.*update the program"
    with pytest.raises(StoreError, match=message):
        open_reader(path)
    with pytest.raises(StoreError, match=message):
        open_writer(path, TurnedClock())


def test_an_older_file_is_copied_and_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_writer(path, TurnedClock()) as store:
        store.append(event())
    steps = (*bms_db.BMS_DB.steps, Migration("extra", "ALTER TABLE events ADD COLUMN extra TEXT"))
    monkeypatch.setattr(bms_db, "BMS_DB", bms_db.BMS_DB._replace(steps=steps))
    with pytest.raises(StoreError, match="restart the service"):
        open_reader(path)

    with open_writer(path, TurnedClock()) as store:
        assert store._connection.execute("SELECT extra FROM events").fetchall() == [(None,)]

    copy = path.with_name(f"bms.db.before-v{len(steps)}")
    connection = sqlite3.connect(copy)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(steps) - 1
    assert connection.execute("SELECT count(*) FROM events").fetchone()[0] == 1
    connection.close()


def test_a_failed_migration_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_writer(path, TurnedClock()).close()
    script = "ALTER TABLE events ADD COLUMN extra TEXT; ALTER TABLE missing ADD COLUMN x"
    with monkeypatch.context() as patched:
        patched.setattr(
            bms_db, "BMS_DB", bms_db.BMS_DB._replace(steps=(*bms_db.BMS_DB.steps, Migration("two", script)))
        )
        with pytest.raises(StoreError, match="no such table: missing"):
            open_writer(path, TurnedClock())

    with open_writer(path, TurnedClock()) as store:
        columns = [row[1] for row in store._connection.execute("PRAGMA table_info(events)")]
    assert "extra" not in columns


def damage(path: Path) -> None:
    """Make a file of ours, and overwrite all of it but its header, which carries our mark."""
    open_writer(path, TurnedClock()).close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (path.stat().st_size - 100))


def test_a_damaged_file_is_moved_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The old bytes stay, the new file says what happened, and so does the log, loudly."""
    damage(path)
    content = path.read_bytes()

    with open_writer(path, TurnedClock()) as store:
        [(_, told)] = store.events_after(0)

    aside = path.with_name("bms.db.damaged-20261201T100000")
    assert aside.read_bytes() == content
    assert (told.kind, told.facts["moved_to"]) == ("store.damaged", str(aside))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_file_damaged_in_use_is_moved_aside_and_the_event_kept(path: Path) -> None:
    with open_writer(path, TurnedClock()) as store:
        store.append(event("first"))
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.write(b"\xff" * path.stat().st_size)
        store._connection.execute("PRAGMA cache_size = 0")

        store.append(event("second"))

        assert [item.kind for _, item in store.events_after(0)] == ["store.damaged", "second"]
    assert len(list(path.parent.glob("bms.db.damaged-*T100000"))) == 1


def test_a_full_disk_is_an_error_that_passes(path: Path) -> None:
    """Writing is refused with the reason, and works again when there is room."""
    with open_writer(path, TurnedClock()) as store:
        store.append(event())
        store._connection.execute(
            f"PRAGMA max_page_count = {store._connection.execute('PRAGMA page_count').fetchone()[0]}"
        )
        with pytest.raises(StoreError, match="the disk is full"):
            store.append(event(text="x" * 100_000))
        store._connection.execute("PRAGMA max_page_count = 1000000")

        store.append(event("after"))

        assert [item.kind for _, item in store.events_after(0)] == ["link.lost", "after"]


def test_a_disk_that_was_full_at_the_start(path: Path) -> None:
    """Not a byte can be written: an error that names the file, and no traceback of the lock's."""
    code = (
        "import resource, sys; from pathlib import Path; from jk_bms.clock import Clock\n"
        "from jk_bms.errors import ConfigError, StoreError; from jk_bms.store.bms_db import open_writer\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "try: open_writer(Path(sys.argv[1]), Clock())\n"
        "except StoreError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{path}: ")


def test_a_damaged_file_that_cannot_be_moved_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(path)
    content = path.read_bytes()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match="cannot be used: permission denied"):
        open_writer(path, TurnedClock())
    assert path.read_bytes() == content
