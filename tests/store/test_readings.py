"""The inverter program's table: what a merge changes, what it leaves, and every way it can fail."""

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from jk_bms.clock import Clock
from jk_bms.errors import StoreError
from jk_bms.store.bms_db import open_writer
from jk_bms.store.readings import LARGEST_VALUE, Readings, Record


def rows(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT * FROM readings ORDER BY id").fetchall()
    finally:
        connection.close()


def execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in statements:
            connection.execute(statement)
    finally:
        connection.close()


def to(payload: str | None) -> Callable[[Record], str | None]:
    return lambda _: payload


def test_merge_changes_the_payload_and_nothing_else(inverter_db: Path) -> None:
    execute(inverter_db, "INSERT INTO readings VALUES (2, 'then', '{}', NULL)")
    readings = Readings(inverter_db)

    changed = readings.merge(1, lambda record: f"{record.payload} and {record.created_at}")

    assert changed
    assert rows(inverter_db) == [
        (1, "2026-12-01T12:00:00+02:00", '{"a":"1"} and 2026-12-01T12:00:00+02:00', None),
        (2, "then", "{}", None),
    ]


UNCHANGED = {"refused": (1, None), "equal": (1, '{"a":"1"}'), "no such record": (7, "{}")}


@pytest.mark.parametrize(("record_id", "payload"), UNCHANGED.values(), ids=UNCHANGED)
def test_merge_writes_only_what_differs(inverter_db: Path, record_id: int, payload: str | None) -> None:
    before = inverter_db.read_bytes()

    assert Readings(inverter_db).merge(record_id, to(payload)) is False

    assert inverter_db.read_bytes() == before


def test_an_error_in_the_making_leaves_everything_as_it_was(inverter_db: Path) -> None:
    readings = Readings(inverter_db)

    def fail(_: Record) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        readings.merge(1, fail)

    execute(inverter_db, "INSERT INTO readings VALUES (2, 'then', NULL, 'the lock is free')")
    assert readings.newest_id() == 2


def test_no_lock_is_kept_between_calls(inverter_db: Path) -> None:
    """Others can take the whole database, whatever was done before."""
    readings = Readings(inverter_db)
    readings.newest_id()
    readings.records_after(0)
    readings.merge(1, to("{}"))
    other = sqlite3.connect(inverter_db, timeout=0, isolation_level=None)

    other.execute("BEGIN EXCLUSIVE")

    other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize("mode", ["delete", "wal", "truncate"])
def test_the_journal_mode_stays(inverter_db: Path, mode: str) -> None:
    execute(inverter_db, f"PRAGMA journal_mode = {mode}")
    readings = Readings(inverter_db)

    readings.merge(1, to("{}"))
    readings.close()

    connection = sqlite3.connect(inverter_db)
    expected = mode if mode == "wal" else "delete"  # only WAL is kept in the file
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == expected
    connection.close()
    assert rows(inverter_db)[0][2] == "{}"


def test_records_come_in_order_and_limited(inverter_db: Path) -> None:
    execute(inverter_db, *(f"INSERT INTO readings VALUES ({n}, 't', '{{}}', NULL)" for n in (5, 3, 9)))
    readings = Readings(inverter_db)

    assert [record.id for record in readings.records_after(1)] == [3, 5, 9]
    assert [record.id for record in readings.records_after(1, 2)] == [3, 5]
    assert [record.id for record in readings.newest_records(2)] == [9, 5]
    assert readings.newest_id() == 9


def test_text_that_is_no_utf8_does_not_hide_its_neighbours(inverter_db: Path) -> None:
    execute(inverter_db, "INSERT INTO readings VALUES (2, 't', CAST(x'7bff7d' AS TEXT), NULL)")

    assert [record.id for record in Readings(inverter_db).records_after(0)] == [1, 2]


def test_a_value_that_is_far_too_large_hides_neither_its_neighbours_nor_their_content(
    inverter_db: Path,
) -> None:
    execute(
        inverter_db,
        "INSERT INTO readings VALUES (2, 't', '{}', NULL)",
        f"INSERT INTO readings VALUES (3, 't', CAST(zeroblob({LARGEST_VALUE + 1}) AS TEXT), NULL)",
        "INSERT INTO readings VALUES (4, 't', '[4]', NULL)",
    )

    found = {record.id: record.payload for record in Readings(inverter_db).records_after(1)}

    assert list(found) == [2, 3, 4]
    assert found[2] is not None
    assert not found[3]
    assert found[4] is not None


def test_a_replaced_file_is_noticed(inverter_db: Path, tmp_path: Path) -> None:
    """A backup put in place, or a file deleted and made anew: never a write into the old one."""
    readings = Readings(inverter_db)
    readings.newest_id()
    first = readings.generation
    fresh = tmp_path / "fresh.db"
    execute(
        fresh,
        "CREATE TABLE readings (id INTEGER PRIMARY KEY, created_at TEXT, payload TEXT, error TEXT)",
        "INSERT INTO readings VALUES (1, 't', 'new', NULL)",
    )
    inverter_db.rename(tmp_path / "old.db")
    with pytest.raises(StoreError, match="no such database"):
        readings.newest_id()
    fresh.rename(inverter_db)

    readings.merge(1, to("merged"))

    assert rows(inverter_db)[0][2] == "merged"
    assert rows(tmp_path / "old.db")[0][2] == '{"a":"1"}'
    assert readings.generation == first + 1


def test_a_failure_is_not_taken_for_another_file(inverter_db: Path) -> None:
    """What was handled stays handled after the database was locked for a while."""
    readings = Readings(inverter_db, busy_timeout=0, tries=1)
    readings.newest_id()
    first = readings.generation
    holder = sqlite3.connect(inverter_db, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError):
        readings.newest_id()
    holder.execute("ROLLBACK")
    holder.close()

    readings.newest_id()

    assert readings.generation == first


def test_only_standalone_may_create_insert_and_delete(inverter_db: Path) -> None:
    readings = Readings(inverter_db)

    attempts: list[Callable[[], object]] = [
        readings.create,
        lambda: readings.insert("t", "{}", after=1),
        lambda: readings.delete([Record(1, "t", "{}", None)]),
    ]
    for forbidden in attempts:
        with pytest.raises(ValueError, match="standalone"):
            forbidden()

    assert len(rows(inverter_db)) == 1


def test_standalone_creates_inserts_and_deletes(tmp_path: Path) -> None:
    path = tmp_path / "inverter.db"
    readings = Readings(path, standalone=True)
    with pytest.raises(StoreError, match="no such database"):
        readings.newest_id()

    readings.create()
    readings.create()
    first = readings.insert("t1", "{}", after=0)
    second = readings.insert("t2", "{}", after=1)
    late = readings.insert("t3", "{}", after=1)

    assert (first, second, late) == (1, 2, None)
    changed, *_ = readings.records_after(0)
    readings.merge(2, to('{"merged":1}'))
    assert readings.delete([changed, Record(2, "t2", "{}", None)]) == 1
    assert rows(path) == [(2, "t2", '{"merged":1}', None)]


def test_no_table_is_made_in_a_database_of_others(tmp_path: Path) -> None:
    """DB_PATH names our own database, or any other."""
    bms_db, other = tmp_path / "bms.db", tmp_path / "other.db"
    open_writer(bms_db, Clock()).close()
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE notes (text)")

    for path in (bms_db, other):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=r"another program.*correct DB_PATH"):
            Readings(path, standalone=True).create()
        assert path.read_bytes() == before


def test_a_database_that_we_make_is_not_for_everybody(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        Readings(tmp_path / "inverter.db", standalone=True).create()
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "inverter.db").stat().st_mode) == 0o640


# --- failures: each names the path and the real cause


def missing(path: Path) -> None:
    path.unlink()


def not_a_database(path: Path) -> None:
    path.write_bytes(b"this is a text of more than a hundred bytes. " * 100)


def no_table(path: Path) -> None:
    execute(path, "DROP TABLE readings")


def other_table(path: Path) -> None:
    execute(path, "ALTER TABLE readings RENAME COLUMN payload TO something")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def a_circle(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


FAILURES = {
    "missing": (missing, "no such database; .*DB_PATH.*BMS_STANDALONE_ROWS"),
    "not a database": (not_a_database, "not an SQLite database"),
    "no table": (no_table, "no table 'readings'.*DB_PATH"),
    "other columns": (other_table, "no table 'readings' like the inverter program's.*payload"),
    "a folder": (a_folder, "is a folder; .* correct DB_PATH"),
    "a pipe": (a_pipe, "is no regular file; .* correct DB_PATH"),
    "a device": (a_device, "is no regular file; .* correct DB_PATH"),
    "a circle": (a_circle, "symbolic links; correct DB_PATH"),
}


@pytest.mark.parametrize(("spoil", "message"), FAILURES.values(), ids=FAILURES)
def test_failures(inverter_db: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(inverter_db)
    readings = Readings(inverter_db)

    with pytest.raises(StoreError, match=message) as raised:
        readings.merge(1, to("{}"))

    assert str(raised.value).startswith(f"{inverter_db}: ")


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Readings(tmp_path / "inverter.db").newest_id()

    assert list(tmp_path.iterdir()) == []


def test_after_a_failure_all_is_well_again(inverter_db: Path) -> None:
    readings = Readings(inverter_db)
    content = inverter_db.read_bytes()
    not_a_database(inverter_db)
    with pytest.raises(StoreError):
        readings.newest_id()
    inverter_db.write_bytes(content)

    assert readings.merge(1, to("{}"))


def test_locked(inverter_db: Path) -> None:
    """The wait ends after the tries; the message says that it is another program."""
    readings = Readings(inverter_db, busy_timeout=0.05, tries=3)
    holder = sqlite3.connect(inverter_db, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="locked by another program"):
        readings.merge(1, to("{}"))

    holder.execute("ROLLBACK")
    holder.close()
    assert readings.merge(1, to("{}"))


def test_a_lingering_reader_does_not_make_us_hold_the_lock_for_long(inverter_db: Path) -> None:
    """COMMIT waits for readers with the lock in hand: we give up soon and leave all as it was."""
    readings = Readings(inverter_db, busy_timeout=0.05, tries=2)
    reader = sqlite3.connect(inverter_db, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM readings").fetchall()

    with pytest.raises(StoreError, match="locked"):
        readings.merge(1, to("{}"))

    reader.execute("ROLLBACK")
    reader.close()
    assert rows(inverter_db)[0][2] == '{"a":"1"}'


def test_stop_ends_the_wait_for_a_lock(inverter_db: Path) -> None:
    """SIGTERM must not wait out the busy timeout."""
    readings = Readings(inverter_db, busy_timeout=60)
    holder = sqlite3.connect(inverter_db, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    errors: list[StoreError] = []

    def merge() -> None:
        try:
            readings.merge(1, to("{}"))
        except StoreError as error:
            errors.append(error)

    waiting = threading.Thread(target=merge)
    waiting.start()
    readings.stop()
    waiting.join(10)

    assert not waiting.is_alive()
    assert len(errors) == 1
    holder.close()


def test_a_file_that_we_may_not_write(inverter_db: Path, not_root: int) -> None:
    """The message says that it is the file, whose it is, and not the folder."""
    assert not_root == os.geteuid()
    inverter_db_owner(inverter_db, folder=0o777, file=0o444)

    with pytest.raises(StoreError, match=r"the file is read-only for this user \(mode 444"):
        Readings(inverter_db).merge(1, to("{}"))


def test_a_folder_that_we_may_not_write(inverter_db: Path, not_root: int) -> None:
    """SQLite needs the folder for its journal; the message says so."""
    assert not_root == os.geteuid()
    inverter_db_owner(inverter_db, folder=0o555, file=0o666)

    with pytest.raises(StoreError, match=f"the folder {inverter_db.parent} is read-only for this user"):
        Readings(inverter_db).merge(1, to("{}"))


def inverter_db_owner(path: Path, *, folder: int, file: int) -> None:
    """Set modes, as root where the test began as root."""
    user = os.geteuid()
    if os.getuid() == 0:
        os.seteuid(0)
    path.chmod(file)
    path.parent.chmod(folder)
    os.seteuid(user)


def test_a_full_disk(inverter_db: Path) -> None:
    """A database at its page limit is refused by SQLite with the same code as a full disk."""
    readings = Readings(inverter_db)
    readings.newest_id()
    connection = readings._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreError, match="the disk is full; free some space"):
        readings.merge(1, to("x" * 100_000))

    assert rows(inverter_db)[0][2] == '{"a":"1"}'
    assert readings.merge(1, to("{}"))
