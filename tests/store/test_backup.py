"""An archive holds one moment of a database in use, and only a wholly good one is believed."""

import errno
import gzip
import hashlib
import io
import os
import random
import resource
import sqlite3
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jk_bms.clock import Clock
from jk_bms.errors import StoreError
from jk_bms.model import Device, Event
from jk_bms.store import backup
from jk_bms.store.backup import (
    Manifest,
    Member,
    Replacement,
    copy_database,
    nightly,
    nightly_copies,
    open_archive,
    swap,
    write_archive,
)
from jk_bms.store.bms_db import VERSION, no_writer, open_reader, open_writer
from tests.scale import scaled

AT = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
TEXTS = {"jk_devices.yaml": b"AA:BB:CC:DD:EE:FF:\n  alias: shed\n", "settings.env": b"LOG_LEVEL=DEBUG\n"}

# A poller that writes events as fast as it can; tells when it has begun.
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from jk_bms.clock import Clock
from jk_bms.model import Event
from jk_bms.store.bms_db import open_writer
with open_writer(Path(sys.argv[1]), Clock()) as store:
    for n in range(1_000_000):
        store.append(Event(kind="n", taken_at=datetime.now(UTC), monotonic=0.0, text="x" * 300, facts={"n": n}))
        if n == 20:
            print("begun", flush=True)
"""


def event(n: int) -> Event:
    return Event(kind="n", taken_at=AT, monotonic=0.0, text="x" * 200, facts={"n": n})


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "state" / "bms.db"
    path.parent.mkdir()
    with open_writer(path, Clock()) as store:
        store.remember_device(Device(address="AA:BB:CC:DD:EE:FF", name="shed"))
        for n in range(12):
            store.append(event(n))
    return path


@pytest.fixture
def archive(database: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copy.tar.gz"
    write_archive(path, database, TEXTS, made_at=AT, left_out=["pin of x"])
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "opened"
    path.mkdir()
    return path


@pytest.fixture
def poller(database: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(database)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(backup.WORKSHOP)]


def test_what_went_in_comes_out(database: Path, archive: Path, folder: Path) -> None:
    manifest = open_archive(archive, folder)

    assert (manifest.made_at, manifest.schema, manifest.left_out) == (AT, VERSION, ["pin of x"])
    assert {path.name for path in folder.iterdir()} == {"bms.db", *TEXTS}
    assert {name: (folder / name).read_bytes() for name in TEXTS} == TEXTS
    with open_reader(folder / "bms.db") as copy, open_reader(database) as original:
        assert copy.events_after(0) == original.events_after(0)
        assert copy.devices() == original.devices()


def test_nobody_else_may_read_it(archive: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert leftovers(archive.parent) == []
    with tarfile.open(archive) as opened:
        assert opened.getnames() == ["manifest.json", *TEXTS, "bms.db"]


def test_a_copy_is_of_one_moment(
    database: Path, tmp_path: Path, poller: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy poller makes the copy neither torn nor endless: each has all events up to one, in order."""
    monkeypatch.setattr(backup, "STEP", 2)
    lengths: list[int] = []
    while len(lengths) < 3 or (lengths[0] == lengths[-1] and len(lengths) < 500):
        target = tmp_path / f"copy-{len(lengths)}"
        done: list[int] = []
        copy_database(database, target, lambda now, _, done=done: done.append(now))  # type: ignore[misc]

        assert len(done) > 2
        assert done == sorted(done)  # never begun anew
        with closing(sqlite3.connect(target)) as copy:
            ids = [row[0] for row in copy.execute("SELECT id FROM events ORDER BY id")]
        assert ids == list(range(1, len(ids) + 1))
        assert not target.with_name(target.name + "-wal").exists()
        lengths.append(len(ids))
    assert lengths[0] < lengths[-1]
    assert poller.poll() is None


def test_a_missing_or_damaged_database_is_not_copied(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.tar.gz"
    with pytest.raises(StoreError, match="no such database"):
        write_archive(target, tmp_path / "none.db", {}, made_at=AT)
    pages = database.read_bytes()
    database.write_bytes(pages[:8192] + bytes(random.Random(1).randbytes(len(pages) - 8192)))
    with pytest.raises(StoreError, match=r"bms\.db: .*(damaged|malformed)"):
        write_archive(target, database, {}, made_at=AT)
    assert not target.exists()
    assert leftovers(tmp_path) == []


def test_a_read_only_folder_is_told(database: Path, archive: Path, tmp_path: Path, not_root: int) -> None:
    closed = tmp_path / "closed"
    os.seteuid(os.getuid())
    closed.mkdir(mode=0o555)
    os.seteuid(not_root)

    with pytest.raises(StoreError, match="closed: cannot be written into: permission denied"):
        write_archive(closed / "copy.tar.gz", database, {}, made_at=AT)
    with pytest.raises(
        StoreError, match=r"copy\.tar\.gz: cannot be read: permission denied|cannot be written into"
    ):
        open_archive(archive, closed)


def limited(code: str, size: int, *arguments: object) -> str:
    """Run ``code`` in a process whose files may not grow beyond ``size`` bytes; what it printed."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


COPYING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from jk_bms.errors import StoreError
from jk_bms.store.backup import write_archive
try:
    write_archive(Path(sys.argv[2]), Path(sys.argv[1]), {}, made_at=datetime.now(UTC))
except StoreError as error:
    print(error)
"""
OPENING = """
import sys
from pathlib import Path
from jk_bms.errors import StoreError
from jk_bms.store.backup import open_archive
try:
    open_archive(Path(sys.argv[1]), Path(sys.argv[2]))
except StoreError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_last_copy(database: Path, archive: Path) -> None:
    """The old archive stays whole, and nothing is left over."""
    before = archive.read_bytes()
    with closing(sqlite3.connect(database)) as connection:  # big enough not to fit
        connection.execute("CREATE TABLE noise AS SELECT randomblob(50000) AS x")
        connection.commit()

    said = limited(COPYING, 33_000, database, archive)  # what SQLite keeps beside the original fits

    assert "the disk is full" in said
    assert archive.read_bytes() == before
    assert leftovers(archive.parent) == []


def test_a_disk_that_is_full_in_the_end(
    database: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = archive.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(backup, "_pack", refuse)
    with pytest.raises(StoreError, match="cannot be written: no space left on device"):
        write_archive(archive, database, TEXTS, made_at=AT)

    assert archive.read_bytes() == before
    assert leftovers(archive.parent) == []


def test_too_little_room_is_told_before(
    database: Path, archive: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "SPARE", 2**62)
    with pytest.raises(StoreError, match=r"MB free, .* MB are needed"):
        write_archive(folder / "x.tar.gz", database, {}, made_at=AT)
    with pytest.raises(StoreError, match=r"MB free, .* MB are needed"):
        open_archive(archive, folder)
    assert list(folder.iterdir()) == []


def test_a_full_disk_while_opening(archive: Path, folder: Path) -> None:
    assert "bms.db: cannot be written: file too large" in limited(OPENING, 10_000, archive, folder)


# Archives that must not be believed


def packed(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for entry, content in members:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


def entry(name: str, **fields: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def said(files: dict[str, bytes], **changes: Any) -> bytes:
    manifest: dict[str, Any] = {
        "program": "easun-jkbms",
        "format": 1,
        "version": "9.9",
        "schema": VERSION,
        "made_at": AT,
        "files": {name: Member(len(raw), hashlib.sha256(raw).hexdigest()) for name, raw in files.items()},
    }
    return msgspec.json.encode(manifest | changes)


def with_database(make: Callable[[bytes], list[tuple[tarfile.TarInfo, bytes]]]) -> Callable[[bytes], bytes]:
    return lambda database: packed(make(database))


def good(database: bytes, **changes: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry("manifest.json"), said({"bms.db": database}, **changes)


def plain(database: bytes) -> tuple[tarfile.TarInfo, bytes]:
    return entry("bms.db"), database


def without(database: bytes, table: str, column: str | None = None) -> bytes:
    """``database`` after somebody dropped a table or a column of it."""
    with closing(sqlite3.connect(":memory:")) as db:
        # A file in WAL mode cannot live in memory: bytes 18 and 19 of its header say that it is none.
        db.deserialize(database[:18] + b"\1\1" + database[20:])
        db.execute(f"ALTER TABLE {table} DROP COLUMN {column}" if column else f"DROP TABLE {table}")
        db.commit()
        return db.serialize()


def newer(database: bytes, readable_from: object) -> bytes:
    """``database`` as a later version of this program makes it."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.deserialize(database[:18] + b"\1\1" + database[20:])
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
        db.execute("INSERT INTO migrations VALUES (?, 'more', ?)", (VERSION + 1, readable_from))
        db.execute("ALTER TABLE events ADD COLUMN later TEXT")
        db.commit()
        return db.serialize()


HUGE = b'{"size":1099511627776,"sha256":""},'
HOSTILE = {
    # name: (members of the archive, made of a good database, and what is said of it)
    "nothing in it": (lambda db: [], "it is empty"),
    "no manifest": (lambda db: [plain(db)], "does not begin with manifest.json"),
    "manifest is no text": (lambda db: [(entry("manifest.json"), b"\xff{")], "cannot be understood"),
    "manifest of another program": (lambda db: [good(db, program="other")], "a backup of 'other'"),
    "newer format": (lambda db: [good(db, format=2), plain(db)], "format 2.*update the program"),
    "newer schema": (
        lambda db: [good(newer(db, VERSION + 1), schema=VERSION + 1), plain(newer(db, VERSION + 1))],
        f"schema version {VERSION + 1}.*update the program",
    ),
    "newer, with a word for a number": (
        lambda db: [good(newer(db, "x"), schema=VERSION + 1), plain(newer(db, "x"))],
        "update the program",
    ),
    "newer than it is": (lambda db: [good(db, schema=VERSION + 1), plain(db)], "manifest.json says"),
    "older than it says": (lambda db: [good(db, schema=VERSION - 1), plain(db)], "schema version"),
    "no database": (lambda db: [good(db)], "bms.db is not in it"),
    "database not named": (lambda db: [(entry("manifest.json"), said({}))], "names other files"),
    "another file named": (
        lambda db: [(entry("manifest.json"), said({"bms.db": db, "../x": b""}))],
        "names other files",
    ),
    "a text without end": (
        lambda db: [
            (entry("manifest.json"), said({"bms.db": db}).replace(b'"files":{', b'"files":{"settings.env":' + HUGE))
        ],
        "names a text of over",
    ),
    "path upwards": (lambda db: [good(db), (entry("../evil"), b"x"), plain(db)], r"'\.\./evil'"),
    "absolute path": (lambda db: [good(db), (entry("/etc/evil"), b"x"), plain(db)], "'/etc/evil'"),
    "more than it says": (lambda db: [good(db), (entry("jk_devices.yaml"), b"x"), plain(db)], "does not belong"),
    "twice": (lambda db: [good(db), plain(db), plain(db)], "does not belong"),
    "a link": (
        lambda db: [good(db), (entry("bms.db", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")],
        "'bms.db', which does not belong",
    ),
    "a hard link": (
        lambda db: [good(db), (entry("bms.db", type=tarfile.LNKTYPE, linkname="/etc/passwd"), b"")],
        "'bms.db', which does not belong",
    ),
    "a device": (lambda db: [good(db), (entry("bms.db", type=tarfile.CHRTYPE), b"")], "does not belong"),
    "another length": (lambda db: [good(db), (entry("bms.db"), db + b"x")], "bytes, manifest.json says"),
    "another content": (lambda db: [good(db), (entry("bms.db"), b"x" + db[1:])], "check sum differs"),
    "a table is missing": (
        lambda db: [good(without(db, "counters")), plain(without(db, "counters"))],
        "it has no table counters",
    ),
    "a column is missing": (
        lambda db: [good(without(db, "devices", "serial")), plain(without(db, "devices", "serial"))],
        "its table devices has no serial",
    ),
    "no database in it": (lambda db: [good(b"x" * 5000), plain(b"x" * 5000)], "database is damaged"),
    "an empty database": (lambda db: [good(b""), plain(b"")], "schema version 0"),
}  # fmt: skip


def test_a_backup_of_a_newer_schema_that_only_has_more_is_good(database: Path, folder: Path) -> None:
    """An update was taken back: the older program goes on in that file, and makes backups of it."""
    with open_writer(database, Clock()) as store:
        store._connection.execute("PRAGMA journal_mode = DELETE")
    database.write_bytes(newer(database.read_bytes(), VERSION))
    path = folder.parent / "later.tar.gz"
    write_archive(path, database, TEXTS, made_at=AT)

    assert open_archive(path, folder).schema == VERSION + 1
    with open_reader(folder / "bms.db") as reader:
        assert reader.newest_event() == 12


@pytest.mark.parametrize(("members", "says"), HOSTILE.values(), ids=HOSTILE)
def test_a_wrong_archive_is_refused(members: Any, says: str, database: Path, folder: Path) -> None:
    with open_writer(database, Clock()) as store:
        store._connection.execute("PRAGMA journal_mode = DELETE")
    path = folder.parent / "hostile.tar.gz"
    path.write_bytes(packed(members(database.read_bytes())))

    with pytest.raises(StoreError, match=says) as refused:
        open_archive(path, folder)

    assert str(path) in str(refused.value)
    assert {path.name for path in folder.iterdir()} <= {"bms.db"}
    assert {path.name for path in folder.parent.iterdir()} == {"hostile.tar.gz", "opened", "state"}


def test_a_damaged_table_is_found(database: Path, folder: Path) -> None:
    """Right sums, wrong content: the database itself is checked too."""
    raw = bytearray(database.read_bytes())
    raw[4096 * 3 : 4096 * 4] = bytes(4096)
    path = folder.parent / "x.tar.gz"
    path.write_bytes(packed([good(bytes(raw)), plain(bytes(raw))]))

    with pytest.raises(StoreError, match="damaged"):
        open_archive(path, folder)


def test_a_header_cannot_ask_for_any_amount(folder: Path) -> None:
    """A few kB that unpack to a header of many GB cost neither memory nor time."""
    long = entry("x", type=tarfile.XHDTYPE)
    long.size = 2**33
    path = folder.parent / "bomb.tar.gz"
    with gzip.open(path, "wb", 9) as bomb:
        bomb.write(long.tobuf())
        for _ in range(64):
            bomb.write(bytes(2**20))

    with pytest.raises(StoreError, match="damaged or cut short"):
        open_archive(path, folder)


def test_something_behind_the_end_is_refused(archive: Path, folder: Path) -> None:
    archive.write_bytes(archive.read_bytes() + gzip.compress(bytes(3 * 2**20)))
    with pytest.raises(StoreError, match="more behind its last file"):
        open_archive(archive, folder)


def test_every_damage_is_one_clear_error(archive: Path, tmp_path: Path) -> None:
    """Cut anywhere, and with any byte changed: refused with our error, or exactly what it was."""
    raw = archive.read_bytes()
    draw = random.Random(7)
    damaged = tmp_path / "damaged.tar.gz"
    (tmp_path / "whole").mkdir()
    open_archive(archive, tmp_path / "whole")
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    refusals = 0
    for n in range(scaled(2000)):
        content = bytearray(raw)
        if n % 2:
            del content[draw.randrange(len(raw)) :]
        else:
            content[draw.randrange(20, len(raw))] ^= 1 << draw.randrange(8)
        damaged.write_bytes(content)
        folder = tmp_path / f"folder-{n}"
        folder.mkdir()

        try:
            open_archive(damaged, folder)
        except StoreError as refused:
            refusals += str(damaged) in str(refused)
        else:  # a changed bit in a run of zeros can still mean the same zeros
            assert n % 2 == 0
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    assert refusals > 0.7 * scaled(2000)  # every cut, and most changes
    with pytest.raises(StoreError, match="cannot be read: no such file"):
        open_archive(tmp_path / "missing", tmp_path)


# Swapping


def test_a_swap_keeps_what_was_there(tmp_path: Path) -> None:
    """Its side files too: SQLite would apply an old -wal to the new database."""
    target, other = tmp_path / "bms.db", tmp_path / "new.yaml"
    target.write_text("old")
    target.chmod(0o640)
    target.with_name("bms.db-wal").write_text("old wal")
    for name in ("ready-1", "ready-2"):
        (tmp_path / name).write_text(name)

    asides = swap([Replacement(tmp_path / "ready-1", target), Replacement(tmp_path / "ready-2", other)], "S")

    assert asides == [tmp_path / "bms.db.replaced-S"]
    assert (target.read_text(), other.read_text(), asides[0].read_text()) == ("ready-1", "ready-2", "old")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert not target.with_name("bms.db-wal").exists()
    assert (tmp_path / "bms.db.replaced-S-wal").read_text() == "old wal"


def test_two_swaps_in_a_second_keep_both(tmp_path: Path) -> None:
    target = tmp_path / "bms.db"
    for content in ("1", "2", "3"):
        (tmp_path / "ready").write_text(content)
        swap([Replacement(tmp_path / "ready", target)], "S")

    assert target.read_text() == "3"
    assert (tmp_path / "bms.db.replaced-S").read_text() == "1"
    assert (tmp_path / "bms.db.replaced-S-2").read_text() == "2"


def test_a_swap_that_fails_changes_nothing(tmp_path: Path) -> None:
    """The second file cannot be replaced: the first gets its content and side files back."""
    first, second, third = tmp_path / "bms.db", tmp_path / "new", tmp_path / "folder"
    first.write_text("old")
    first.with_name("bms.db-wal").write_text("old wal")
    third.mkdir()
    ready = [tmp_path / f"ready-{n}" for n in range(3)]
    for path in ready:
        path.write_text("new")

    with pytest.raises(StoreError, match=r"folder: cannot be replaced.*everything is as it was"):
        swap([Replacement(*pair) for pair in zip(ready, (first, second, third), strict=True)], "S")

    assert first.read_text() == "old"
    assert first.with_name("bms.db-wal").read_text() == "old wal"
    assert not second.exists()
    assert [path.name for path in tmp_path.glob("*.replaced-*")] == []


def test_files_are_given_to_whom_the_folder_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restored as root, database and lock must be writable for the service."""
    given: dict[str, tuple[int, int]] = {}
    (tmp_path / "ready").write_text("x")
    own = backup._owner(tmp_path / "ready")
    monkeypatch.setattr(backup, "_owner", lambda path: (1234, 1235) if path == tmp_path else own)
    monkeypatch.setattr(os, "chown", lambda path, *who: given.update({path.name: who}))

    swap([Replacement(tmp_path / "ready", tmp_path / "bms.db")], "S")

    assert given == {"ready": (1234, 1235)}
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result((0, 0, 0, 0, own[0] + 1, own[1], 0, 0, 0, 0)))
    monkeypatch.setattr(os, "fchown", lambda _, *who: given.update(lock=who))
    with no_writer(tmp_path / "bms.db"):
        assert given["lock"] == own


def test_no_poller_starts_meanwhile(database: Path) -> None:
    with no_writer(database), pytest.raises(StoreError, match="another poller"):
        open_writer(database, Clock())
    with (
        open_writer(database, Clock()),
        pytest.raises(StoreError, match="another poller"),
        no_writer(database),
    ):
        pass


# Nightly copies


ZONE = timezone(timedelta(hours=2))
NIGHT = datetime(2026, 12, 1, 3, 0, tzinfo=ZONE)


def at_night(database: Path, folder: Path, now: datetime, keep: int = 7) -> Path | None:
    return nightly(database, folder, keep=keep, now=now, make_texts=lambda: (TEXTS, []))


def test_one_copy_a_night(database: Path, folder: Path) -> None:
    copies = folder / "copies"  # made where it is missing
    assert at_night(database, copies, NIGHT - timedelta(minutes=1)) is None

    made = at_night(database, copies, NIGHT)

    assert made == copies / "easun-jkbms-2026-12-01.tar.gz"
    assert open_archive(made, folder).files.keys() == {"bms.db", *TEXTS}
    assert at_night(database, copies, NIGHT + timedelta(hours=20)) is None
    assert at_night(database, copies, NIGHT + timedelta(hours=21)) is None  # next day, not yet three
    assert at_night(database, copies, NIGHT + timedelta(hours=30)) is not None  # was off: made up for


def test_seven_copies_are_kept_and_nothing_else_deleted(database: Path, folder: Path) -> None:
    own = ["easun-jkbms-20261101T120000.tar.gz", "easun-jkbms-2026-01-01.tar.gz.old", "holiday.jpg"]
    for name in own:
        (folder / name).touch()
    (folder / f"{backup.WORKSHOP}killed").mkdir()
    os.utime(folder / f"{backup.WORKSHOP}killed", (0, 0))

    for day in range(10):
        assert at_night(database, folder, NIGHT + timedelta(days=day))

    assert [path.name for path in nightly_copies(folder)] == [
        f"easun-jkbms-2026-12-{day:02}.tar.gz" for day in range(10, 3, -1)
    ]
    assert {path.name for path in folder.iterdir()} - {path.name for path in nightly_copies(folder)} == set(
        own
    )


def test_a_failed_copy_deletes_none(database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(3):
        at_night(database, folder, NIGHT + timedelta(days=day), keep=3)
    with monkeypatch.context() as patched:
        patched.setattr(backup, "SPARE", 2**62)
        with pytest.raises(StoreError, match="are needed"):
            at_night(database, folder, NIGHT + timedelta(days=3), keep=3)

    assert len(nightly_copies(folder)) == 3
    assert at_night(database, folder, NIGHT + timedelta(days=3, hours=1), keep=3)  # tried again


def test_a_folder_that_cannot_be_used(database: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file: cannot be used for copies \(BACKUP_DIR\)"):
        at_night(database, tmp_path / "file", NIGHT)


def test_a_copy_does_not_hold_the_poller_up(database: Path, tmp_path: Path) -> None:
    """While the copy is being made, commits go through at once."""
    with open_writer(database, Clock()) as store:
        waits = []

        def commit(done: int, total: int) -> None:
            began = time.monotonic()
            store.append(event(1))
            waits.append(time.monotonic() - began)

        copy_database(database, tmp_path / "copy", commit)

    assert waits
    assert max(waits) < 1.0  # not the 5 s of a lock that is waited for


def test_manifest_is_stable() -> None:
    """Archives of today are read by the programs of tomorrow: these names are a promise."""
    assert Manifest.__struct_fields__ == (
        "program",
        "format",
        "version",
        "schema",
        "made_at",
        "files",
        "left_out",
    )
    assert (backup.FORMAT, backup.PROGRAM) == (1, "easun-jkbms")
