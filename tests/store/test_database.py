"""Our databases among files of others: only what is provably ours is opened, moved or replaced."""

import errno
import logging
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from jk_bms.bot.store import BOT_DB, open_store
from jk_bms.clock import Clock
from jk_bms.errors import ConfigError, StoreError
from jk_bms.model import Device, Event
from jk_bms.model.outage import OutageRecord
from jk_bms.store import bms_db
from jk_bms.store.bms_db import BMS_DB, BmsDb, open_reader, open_writer
from jk_bms.store.files import SIDE_FILES
from jk_bms.store.history import ClockSet, Counter, Cut, HistoryStore
from jk_bms.store.outages import put_outage
from jk_bms.store.ownership import Whose, refuse_foreign, whose
from jk_bms.store.schema import MARKS, Migration, Schema
from jk_bms.store.states import write_states
from tests.store.history_rows import AT_MS, PACK, batch, rows
from tests.store.newer_schema import use_what_is_more, what_is_more, with_more

NOTES = b"these are my notes\n" * 500
EVENT = Event(kind="service.start", taken_at=datetime(2026, 12, 1, tzinfo=UTC), monotonic=1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bms.db"


@pytest.fixture(autouse=True)
def folder(path: Path) -> Path:
    path.parent.mkdir()
    return path.parent


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith(".lock")}


def script(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(text)


def inverter(path: Path) -> None:
    script(
        path,
        "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, payload TEXT, "
        "error TEXT); INSERT INTO readings (created_at, payload) VALUES ('2026-12-01T12:00:00+02:00', '{}')",
    )


def before_the_mark(schema: Schema, path: Path, version: int) -> None:
    """Make a file as a program did that knew no mark."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for step in schema.steps[:version]:
            connection.executescript(step.script)
        connection.execute(f"PRAGMA user_version = {version}")


def cut_short(path: Path) -> None:
    inverter(path)
    path.write_bytes(path.read_bytes()[:5000])


def with_wal(path: Path) -> None:
    script(path, "PRAGMA journal_mode = WAL; CREATE TABLE notes (text); PRAGMA user_version = 3")


def as_bot(path: Path) -> None:
    open_store(path).close()


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_bytes(NOTES), "no database"),
    "a few bytes": (lambda path: path.write_bytes(b"x"), "no database"),
    "zeros": (lambda path: path.write_bytes(bytes(8192)), "no database"),
    "the inverter program's": (inverter, "another program.*readings"),
    "a damaged one of others": (cut_short, "damaged database without our mark"),
    "with a WAL": (with_wal, "version 3 with notes"),
    "with a mark of others": (lambda path: script(path, "PRAGMA application_id = 77"), "0x0000004d"),
    "with our version": (
        lambda path: script(
            path, "CREATE TABLE events (id); CREATE TABLE devices (x); PRAGMA user_version = 1"
        ),
        "version 1 with devices, events",
    ),
    "the bot's": (as_bot, "it is a bot.db of ours"),
    "a folder": (lambda path: path.mkdir(), "no file"),
}


@pytest.mark.parametrize(("make", "says"), FOREIGN.values(), ids=FOREIGN)
def test_a_file_that_is_not_ours_stays_as_it_is(
    path: Path, make: Callable[[Path], object], says: str
) -> None:
    make(path)
    files = sorted(path.parent.iterdir())
    before = path.read_bytes() if path.is_file() else None

    with pytest.raises(ConfigError, match=f"not a bms.db of ours.*{says}.*BMS_DB_PATH"):
        open_writer(path, Clock())
    with pytest.raises(ConfigError, match=says):
        refuse_foreign(BMS_DB, path)
    with pytest.raises(StoreError):
        open_reader(path)

    assert (path.read_bytes() if path.is_file() else None) == before
    assert sorted(path.parent.iterdir()) == files


def test_what_leads_elsewhere_counts_as_what_it_leads_to(path: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "inverter.db"
    inverter(theirs)
    before = theirs.read_bytes()
    path.symlink_to(theirs)

    with pytest.raises(ConfigError, match=r"not a bms\.db of ours"):
        open_writer(path, Clock())
    path.unlink()
    os.link(theirs, path)
    with pytest.raises(ConfigError, match=r"not a bms\.db of ours"):
        open_writer(path, Clock())

    assert theirs.read_bytes() == before


def test_what_belongs_to_a_file_lies_beside_it_not_beside_a_link_to_it(path: Path, tmp_path: Path) -> None:
    """Two ways to one file are one file: the second writer is refused."""
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with open_writer(link, Clock()), pytest.raises(StoreError, match="another poller"):
        open_writer(path, Clock())

    assert [file.name for file in tmp_path.iterdir() if file.is_symlink() or file.is_file()] == ["link.db"]


@pytest.mark.parametrize("version", range(1, BMS_DB.version + 1))
def test_a_file_made_before_the_mark_gets_it(path: Path, version: int) -> None:
    before_the_mark(BMS_DB, path, version)
    assert whose(path, BMS_DB).whose is Whose.OURS

    with open_writer(path, Clock()) as store:
        store.append(EVENT)
        steps = store._rows("SELECT version, name FROM migrations")

    assert int.from_bytes(path.read_bytes()[68:72], "big") == MARKS["bms.db"]
    assert steps == [(number, step.name) for number, step in enumerate(BMS_DB.steps, 1)]
    with open_reader(path) as reader:
        assert reader.newest_event() == 1


def test_readers_know_a_file_without_the_mark(path: Path) -> None:
    """The service was not started yet since the update."""
    before_the_mark(BMS_DB, path, BMS_DB.version)

    with open_reader(path) as reader:
        assert reader.newest_event() == 0


def test_a_bot_db_made_before_the_mark_gets_it(path: Path) -> None:
    before_the_mark(BOT_DB, path, 1)
    open_store(path).close()

    assert int.from_bytes(path.read_bytes()[68:72], "big") == MARKS["bot.db"]


@pytest.mark.parametrize(
    "make",
    [lambda path: path.touch(), lambda path: script(path, "PRAGMA journal_mode = WAL")],
    ids=["empty", "never used"],
)
def test_a_file_without_content_is_used(path: Path, make: Callable[[Path], object]) -> None:
    make(path)

    with open_writer(path, Clock()) as store:
        assert store.append(EVENT) == 1


@pytest.mark.parametrize(
    "make",
    [lambda path: path.touch(), lambda path: script(path, "PRAGMA journal_mode = WAL")],
    ids=["empty", "never used"],
)
def test_a_reader_of_a_file_without_content_is_told_so(path: Path, make: Callable[[Path], object]) -> None:
    """As a start on a full disk leaves it: it is not another program's."""
    make(path)

    with pytest.raises(StoreError, match="there is nothing in it yet"):
        open_reader(path)


def test_a_new_file_says_whose_it_is_from_its_first_page_on(path: Path) -> None:
    """Also when the power goes before anything was copied from the WAL into it."""
    with open_writer(path, Clock()):
        assert int.from_bytes(path.read_bytes()[68:72], "big") == MARKS["bms.db"]


def test_a_new_file_is_not_for_everybody(path: Path) -> None:
    before = os.umask(0o022)
    try:
        with open_writer(path, Clock()) as store:
            store.append(EVENT)
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)

    assert {modes[name] for name in ("bms.db", "bms.db-wal", "bms.db-shm")} == {0o640}


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "all but the header": lambda whole: whole[:100] + b"\xff" * (len(whole) - 100),
    "cut short": lambda whole: whole[:5000],
    "its first page is gone": lambda whole: bytes(4096) + whole[4096:],
    "its first block is gone": lambda whole: b"\xff" * 512 + whole[512:],
    "nothing of it is left": lambda whole: b"\xff" * len(whole),
    "zeros": lambda whole: bytes(len(whole)),
    "the beginning of it, blank": lambda whole: bytes(50),
}
NOISE = bytes(range(7, 256, 3)) * 500


def write_into(path: Path, content: bytes) -> None:
    """Have the very same file hold other content."""
    with path.open("r+b") as file:
        file.truncate()
        file.write(content)


def check_moved_aside(path: Path) -> None:
    """The service goes on with a new file, and nothing of the old one is lost."""
    content = path.read_bytes()

    with open_writer(path, Clock()) as store:
        assert [event.kind for _, event in store.events_after(0)] == ["store.damaged"]

    [aside] = [file for file in path.parent.glob("bms.db.damaged-*") if not file.name.endswith(SIDE_FILES)]
    assert aside.read_bytes() == content


def check_left_alone(path: Path, says: str) -> None:
    """The file stays as it is, with nothing beside it that was not there."""
    content, files = path.read_bytes(), sorted(path.parent.iterdir())

    with pytest.raises(ConfigError, match=f"{says}.*BMS_DB_PATH, or move that file away"):
        open_writer(path, Clock())

    assert path.read_bytes() == content
    assert sorted(path.parent.iterdir()) == files


def without_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system that keeps none."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(os, "setxattr", refuse)
    monkeypatch.setattr(os, "getxattr", refuse)


@pytest.mark.parametrize("spoil", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_of_ours_is_moved_aside(
    path: Path, spoil: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Its header says that it is ours, or our signature does, and nothing of others stands in it."""
    open_writer(path, Clock()).close()
    write_into(path, spoil(path.read_bytes()))

    check_moved_aside(path)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize("end", ["", "store.look(); os._exit(0)"], ids=["stopped", "killed"])
def test_a_file_that_decayed_on_its_card_is_moved_aside(path: Path, end: str) -> None:
    """Whatever stands in it: no program has written it since we did."""
    code = f"""import os, sys; from pathlib import Path; from jk_bms.clock import Clock
from jk_bms.model import Event
from jk_bms.store.bms_db import open_writer
with open_writer(Path(sys.argv[1]), Clock()) as store:
    store.correct_times()
    store.write(lambda db: db.execute("INSERT INTO states VALUES ('a', '{{}}')"))
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    {end}
"""
    subprocess.run([sys.executable, "-c", code, path], check=True)
    before = path.stat()
    write_into(path, NOISE[: before.st_size].ljust(before.st_size, b"?"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    check_moved_aside(path)


@pytest.mark.parametrize("attributes", [True, False], ids=["signed", "without attributes"])
@pytest.mark.parametrize("theirs", [NOTES, NOISE, b"x"], ids=["notes", "bytes", "one byte"])
def test_what_was_written_into_our_file_is_not_ours(
    path: Path, theirs: bytes, attributes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy onto its name keeps inode and signature."""
    if not attributes:
        without_attributes(monkeypatch)
    open_writer(path, Clock()).close()
    write_into(path, theirs)

    check_left_alone(path, "it is no database, and may be another program's as well as what is left of ours")


def test_a_database_that_was_copied_into_our_file_is_not_ours(path: Path, tmp_path: Path) -> None:
    inverter(theirs := tmp_path / "inverter.db")
    whole = theirs.read_bytes()
    open_writer(path, Clock()).close()

    write_into(path, whole)
    check_left_alone(path, "another program.*readings")
    write_into(path, whole[:5000])
    check_left_alone(path, "damaged database without our mark")


def test_another_file_in_the_place_of_ours_is_not_ours(path: Path) -> None:
    """The lock names another inode."""
    open_writer(path, Clock()).close()
    path.rename(path.with_name("kept"))
    path.write_bytes(NOTES)

    check_left_alone(path, "it is no database; expected")


@pytest.mark.parametrize("left", [NOTES, bytes(512) + NOTES], ids=["notes", "blank at first"])
def test_another_file_with_the_inode_of_ours_is_not_ours(path: Path, left: bytes) -> None:
    """An inode is used again as soon as its file is deleted, on a tmpfs as on ext4."""
    open_writer(path, Clock()).close()
    path.unlink()
    path.write_bytes(left)
    path.with_name("bms.db.lock").write_text(f"123\ninode {path.stat().st_ino}\n")

    check_left_alone(path, "may be another program's")


def test_a_copy_of_ours_does_not_carry_the_proof_along(path: Path) -> None:
    """``cp -a`` takes the attributes along: what is written into such a copy is not ours."""
    open_writer(path, Clock()).close()
    shutil.copy2(path, copy := path.with_name("copy"))
    path.unlink()
    copy.rename(path)
    write_into(path, bytes(4096) + NOTES)

    check_left_alone(path, "it is no database")


def test_without_attributes_what_holds_nothing_is_moved_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the lock is all there is: enough for a file of which nothing is left, else not."""
    without_attributes(monkeypatch)
    open_writer(path, Clock()).close()
    whole = path.read_bytes()

    write_into(path, bytes(4096) + whole[4096:])
    check_left_alone(path, "may be another program's")
    write_into(path, bytes(len(whole)))
    check_moved_aside(path)


def test_the_signature_leaves_the_locks_of_sqlite_alone(path: Path) -> None:
    """Closing a file ends this process's locks on it: then another could change the journal mode in use."""
    with open_writer(path, Clock()) as store:
        store.append(EVENT)
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.look()
        code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('PRAGMA journal_mode = DELETE')"
        other = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)

    assert "locked" in other.stderr


@pytest.mark.parametrize("left", [bytes(20), b"1234\n" + bytes(15)], ids=["all", "the end"])
def test_a_lock_that_a_power_cut_left_blank_is_ours(path: Path, left: bytes) -> None:
    open_writer(path, Clock()).close()
    lock = path.with_name("bms.db.lock")
    lock.write_bytes(left)

    with open_writer(path, Clock()):
        assert lock.read_bytes() == f"{os.getpid()}\ninode {path.stat().st_ino}\n".encode()


@pytest.mark.parametrize(
    "content",
    [NOTES, b"12 apples\n", b"1\n2\n3\n", bytes(4096) + b"a disk"],
    ids=["notes", "a number", "lines", "an image"],
)
def test_a_lock_of_others_is_neither_emptied_nor_held(path: Path, content: bytes) -> None:
    lock = path.with_name("bms.db.lock")
    lock.write_bytes(content)

    with pytest.raises(ConfigError, match=r"bms\.db\.lock: in the way, and not ours"):
        open_writer(path, Clock())
    assert lock.read_bytes() == content
    assert not path.exists()


def test_a_lock_that_is_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.touch()
    path.with_name("bms.db.lock").symlink_to(precious)

    with pytest.raises(StoreError):
        open_writer(path, Clock())
    assert not precious.read_bytes()


# Schemas


TABLES = BMS_DB.tables(BMS_DB.version)
OUTAGE = OutageRecord(
    device=PACK,
    began=EVENT.taken_at,
    monotonic=1.0,
    clock_trusted=True,
    lasted=5.0,
    over=False,
    verdict="dropped",
    message="the link dropped",
    causes=(),
    rungs=(),
    cure=None,
    attempts=1,
    relapses=0,
)


def write_everything(store: BmsDb) -> None:
    """A row in each table; where there is one, its next content."""
    store.remember_device(Device(address=PACK, number=1))
    count = store.append(EVENT)
    write_states(store, {"a": {"n": count}})
    put_outage(store, msgspec.structs.replace(OUTAGE, attempts=count), "this boot")
    for hour in (AT_MS, AT_MS + 3_600_000):  # the first is over with the second, and becomes a block
        clock = ClockSet(1, "this boot", 0, AT_MS, move=False)
        some = batch(rows(hour + count * 60_000, 12))
        HistoryStore(store).commit(Cut([clock, some], {PACK: Counter(count, {}, b"")}))


def test_a_newer_file_that_only_has_more_is_read_and_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that an update can be taken back: up, back, some writing, up again, and nothing is lost."""
    newer = with_more(BMS_DB)
    with monkeypatch.context() as patched:
        patched.setattr(bms_db, "BMS_DB", newer)
        open_writer(path, Clock()).close()

    with open_writer(path, Clock()) as store, open_reader(path) as reader:
        write_everything(store)
        use_what_is_more(BMS_DB, path)
        write_everything(store)

        assert reader.newest_event() == 2
        assert store._rows("PRAGMA user_version") == [(newer.version,)]
    assert {table: what_is_more(path, table)[0] for table in TABLES} == dict.fromkeys(TABLES, "kept")

    with monkeypatch.context() as patched:
        patched.setattr(bms_db, "BMS_DB", newer)
        with open_writer(path, Clock()) as store:
            assert store.newest_event() == 2
            assert store._rows("SELECT what FROM later") == [("kept",)]
            assert store._rows("PRAGMA integrity_check") == [("ok",)]
    assert not list(path.parent.glob("*.before-*"))


def test_a_newer_file_that_is_another_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Migration("other", "DROP TABLE outages", readable_from=BMS_DB.version + 1)
    with monkeypatch.context() as patched:
        patched.setattr(
            bms_db, "BMS_DB", with_more(BMS_DB, other, Migration("more", "CREATE TABLE more (x)"))
        )
        open_writer(path, Clock()).close()

    known = BMS_DB.version
    says = f"schema version {known + 2}, for programs that know {known + 1} or later; this program knows up to {known}"
    with pytest.raises(StoreError, match=f"{says}; update the program"):
        open_writer(path, Clock())
    with pytest.raises(StoreError, match=f"{says}; update the program"):
        open_reader(path)


def test_a_copy_before_a_migration_replaces_nothing(path: Path) -> None:
    before_the_mark(BMS_DB, path, BMS_DB.version - 1)
    taken = path.with_name(f"bms.db.before-v{BMS_DB.version}")
    taken.write_bytes(NOTES)

    open_writer(path, Clock()).close()

    assert taken.read_bytes() == NOTES
    with closing(sqlite3.connect(f"{taken}-2")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (BMS_DB.version - 1,)


# Lost while in use


def test_a_file_that_is_in_its_place_is_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_writer(path, Clock()) as store:
        store.append(EVENT)
        inode = path.stat().st_ino
        store.look()

    assert path.stat().st_ino == inode
    assert not caplog.records


def delete_all(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


def delete_folder(path: Path) -> None:
    delete_all(path)
    path.parent.rmdir()


GONE: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "all of it": delete_all,
    "moved": lambda path: path.rename(path.with_name("elsewhere.db")),
    "with its folder": delete_folder,
}


@pytest.mark.parametrize("take_away", GONE.values(), ids=GONE)
def test_a_file_that_was_taken_away_is_written_anew(path: Path, take_away: Callable[[Path], object]) -> None:
    with open_writer(path, Clock()) as store:
        store.append(EVENT)
        take_away(path)
        store.append(EVENT)  # not noticed yet
        store.look()
        store.append(EVENT)

        code = (
            "import sys; from pathlib import Path; from jk_bms.clock import Clock\n"
            "from jk_bms.store.bms_db import open_writer\n"
            "open_writer(Path(sys.argv[1]), Clock())"
        )
        second = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)

    assert "another poller" in second.stderr
    with open_reader(path) as reader:
        kinds = [event.kind for _, event in reader.events_after(0)]
    assert kinds == ["service.start", "service.start", "store.remade", "service.start"]
    assert store.begun_anew == 0
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if (moved := path.with_name("elsewhere.db")).exists():
        with closing(sqlite3.connect(moved)) as connection:
            assert connection.execute("SELECT count(*) FROM events").fetchone() == (2,)


def test_another_file_that_came_in_its_place_stays(path: Path) -> None:
    """Nothing is written until it is gone, and nothing of before is lost."""
    with open_writer(path, Clock()) as store:
        store.append(EVENT)
        path.unlink()
        path.write_bytes(NOTES)
        with pytest.raises(StoreError, match="nothing is written until it is gone"):
            store.look()
        with pytest.raises(StoreError, match="until it is gone"):
            store.append(EVENT)
        assert path.read_bytes() == NOTES

        path.unlink()
        store.look()
        store.append(EVENT)

        assert [event.kind for _, event in store.events_after(0)] == [
            "service.start",
            "store.remade",
            "service.start",
        ]


def test_another_bms_db_that_came_in_its_place_is_taken(path: Path) -> None:
    other = path.with_name("other.db")
    with open_writer(other, Clock()) as store:
        store.append(EVENT)
        store.append(EVENT)
    with open_writer(path, Clock()) as store:
        other.replace(path)
        store.look()

        assert store.begun_anew == 1  # what counts on is written again
        assert store.newest_event() == 3


def test_a_lost_file_that_cannot_be_read_is_begun_anew(path: Path) -> None:
    with open_writer(path, Clock()) as store:
        store.append(EVENT)
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.write(b"\xff" * path.stat().st_size)
        store._connection.execute("PRAGMA cache_size = 0")
        path.unlink()

        store.look()

        assert store.begun_anew == 1
        assert [event.kind for _, event in store.events_after(0)] == ["store.remade"]


def test_a_lost_lock_that_another_has_taken_is_told(path: Path) -> None:
    """Two writers of one file must not be."""
    with open_writer(path, Clock()) as store:
        path.with_name("bms.db.lock").unlink()
        with open_writer(path, Clock()):
            with pytest.raises(StoreError, match="another poller"):
                store.look()
            with pytest.raises(StoreError, match="another poller"):
                store.append(EVENT)
        store.look()
        store.append(EVENT)
