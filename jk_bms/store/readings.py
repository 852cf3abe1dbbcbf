"""The inverter program's table ``readings``: look for records, change their payload.

The file belongs to another program. Nothing here creates it (except standalone), alters its
table or journal mode, or leaves a transaction open. What a payload means is not known here, nor
is anything believed of what stands in the file: a row may hold bytes where text belongs, a text as
its id, or a thousand megabytes.
"""

import contextlib
import logging
import sqlite3
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from jk_bms.errors import StoreError, reason
from jk_bms.store.file_id import FileId, file_id
from jk_bms.store.files import create_file
from jk_bms.store.foreign_table import ForeignTable, look_at_table
from jk_bms.store.sqlite_errors import explain, is_busy, is_interrupted, primary_code

log = logging.getLogger(__name__)

T = TypeVar("T")

BUSY_TIMEOUT = 5.0  # s, for one try
TRIES = 3
ECHOES = 1000  # merges whose consequences are remembered
SLICE = 0.2  # s: a wait for a lock is cut in slices so that ``stop`` ends it soon
BREATH = 0.005  # s between slices: some locks are refused at once, without SQLite's own waiting
COMMIT_PATIENCE = 0.5  # s: we hold the lock meanwhile, and the inverter program's own patience is finite
# Of computing: a statement that looks without end (a trigger, a column that is computed) is ended, and none of its
# kind begun for a while.
READ_LIMIT, CHANGE_LIMIT = 30.0, 2.0  # s
REST = 600.0  # s
STEPS = 10_000  # of SQLite's machine between two looks at the clock
LONG_TRANSACTION = 0.05  # s; longer ones make the inverter program wait
LARGEST_PAYLOAD = 64_000  # bytes; a record has some hundred, with sixteen batteries in it some thousand
LONGEST_TIME, LONGEST_ERROR = 100, 1000  # bytes
LARGEST_VALUE = 8_000_000  # bytes, of anything in a row: SQLite takes no more than that into memory for us
MOST_FETCHED = 1_000_000  # bytes of memory, about, for the records of one fetch: fewer are given then
# A file that was changed just now may be changed again without its time getting another one.
RACY = 0.1  # s
RACY_COARSE = 2.5  # s, where the file system counts whole seconds

# As the inverter program itself would create it; only for houses that have none.
SCHEMA = """CREATE TABLE IF NOT EXISTS readings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    payload TEXT,
    error TEXT
)"""
COLUMNS = f"""SELECT id,
    CASE WHEN length(CAST(created_at AS BLOB)) <= {LONGEST_TIME} THEN created_at END,
    CASE WHEN length(CAST(payload AS BLOB)) > {LARGEST_PAYLOAD} THEN x'' ELSE payload END,
    CASE WHEN length(CAST(error AS BLOB)) > {LONGEST_ERROR}
        THEN CAST(substr(CAST(error AS BLOB), 1, {LONGEST_ERROR}) AS TEXT) ELSE error END
    FROM readings"""  # noqa: S608  # ours
TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
_IDS = "SELECT id FROM readings"
# No other kind of id can be compared with a number, and text stands above every number.
NUMBERED = "typeof(id) = 'integer'"

Stamp = tuple[tuple[int, ...], ...]  # of the file and its WAL: what changes when anything is written


class Record(NamedTuple):
    """One row of ``readings``: whatever stands there, text or not.

    A time that is far too long for one is None, a payload far too long is empty.
    """

    id: int
    created_at: Any
    payload: Any
    error: Any


class RowError(StoreError):
    """One row cannot be changed, however often one tries: a rule of its table forbids it."""


class Readings:
    """The records of one inverter database. Every failure is a StoreError that names the file.

    Records come fewer at a time than asked for, but at least one, where they are large ones.
    The connection is kept between calls, without any transaction, and opened again when the
    file was replaced. To be used by one thread; only ``stop`` may come from another.
    """

    def __init__(
        self, path: Path, *, busy_timeout: float = BUSY_TIMEOUT, tries: int = TRIES, standalone: bool = False
    ) -> None:
        self.path = path.absolute()
        self.generation = 0  # counts the files seen under this path: ids of one say nothing of the next
        self._busy_timeout = busy_timeout
        self._tries = tries
        self._standalone = standalone
        self._connection: sqlite3.Connection | None = None
        self._file: FileId | None = None  # kept after the connection is closed
        self._stopping = threading.Event()
        self._table = ForeignTable()
        self._until = 0.0  # monotonic: when the running statement is ended
        self._no_reads_until = self._no_changes_until = 0.0  # monotonic
        self._echoes: deque[range] = deque(maxlen=ECHOES)  # ids

    def newest_id(self) -> int:
        """The highest id; 0 when there are no records."""
        with self._connected() as connection:
            return self._patiently(lambda: _newest(connection))

    def records_after(self, after: int, limit: int = 100) -> list[Record]:
        """The records with an id above ``after``, oldest first, at most ``limit``."""
        return self._fetch(f"WHERE id > ? AND {NUMBERED} ORDER BY id LIMIT ?", (after, limit))

    def records_up_to(self, last: int, limit: int) -> list[Record]:
        """The last ``limit`` records with an id of ``last`` at most, oldest first."""
        return self._fetch(f"WHERE id <= ? AND {NUMBERED} ORDER BY id DESC LIMIT ?", (last, limit))[::-1]

    def newest_records(self, limit: int) -> list[Record]:
        """The last ``limit`` records, newest first."""
        return self._fetch(f"WHERE {NUMBERED} ORDER BY id DESC LIMIT ?", (limit,))

    def stamp(self) -> Stamp | None:
        """What the file looks like from outside; the same again: nothing was written meanwhile.

        None: it cannot be told, because there is no file, or it was changed only just now.
        """
        try:
            main = self.path.stat()
        except OSError:
            return None
        files = [main]
        with contextlib.suppress(OSError):
            log_file = self.path.with_name(f"{self.path.name}-wal").stat()
            if log_file.st_size:  # an empty one is as good as none: our own opening makes it
                files.append(log_file)
        times = [file.st_mtime_ns for file in files]
        racy = RACY_COARSE if all(at % 1_000_000_000 == 0 for at in times) else RACY
        if -racy < (time.time_ns() - max(times)) / 1e9 < racy:
            return None
        return tuple((*file_id(file), file.st_size, file.st_mtime_ns) for file in files)

    def merge(self, record_id: int, make_payload: Callable[[Record], str | bytes | None]) -> bool:
        """Replace the payload of one record by what ``make_payload`` makes of it.

        Returns False, and writes nothing, when it makes None or the same text, or when the
        record is gone. What ``make_payload`` raises leaves here after a rollback. Raises RowError
        where the table does not take the new payload, or the triggers on it fail or do not end.
        """

        def change(connection: sqlite3.Connection) -> bool:
            row = connection.execute(f"{COLUMNS} WHERE id = ?", (record_id,)).fetchone()
            payload = None if row is None else make_payload(Record(*row))
            if payload is None or payload == row[2]:
                return False
            newest = _newest(connection) if self._table.triggers else 0
            # The old payload in the condition: even without the lock nothing could be lost.
            try:
                updated = connection.execute(
                    "UPDATE readings SET payload = ? WHERE id = ? AND payload IS ?",
                    (payload, record_id, row[2]),
                )
            except sqlite3.OperationalError as error:
                if primary_code(error) != sqlite3.SQLITE_ERROR:
                    raise
                # Columns and table were just read: a trigger or an index that is broken.
                raise RowError(f"{error}{self._table.blamed}") from error
            if self._table.triggers and (last := _newest(connection)) > newest:
                self._echo(range(newest + 1, last + 1))
            return updated.rowcount == 1

        return self._transaction(change)

    def is_echo(self, record_id: int) -> bool:
        """Whether a trigger on the table made this record of a merge of ours: merging it would make another."""
        return any(record_id in each for each in self._echoes)

    def _echo(self, made: range) -> None:
        if not self._echoes:
            log.warning(
                "%s: each merge adds records to the table 'readings'%s; they are not merged themselves",
                *(self.path, self._table.blamed),
            )
        self._echoes.append(made)

    def create(self) -> None:
        """Create the file and the table where they are missing. Standalone only.

        Raises StoreError, too, when the file is a database of something else.
        """
        if not self._standalone:
            raise ValueError("only a standalone store may create the inverter database")
        try:
            create_file(self.path)
        except FileExistsError:
            pass
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be made: {reason(error)}") from error
        with self._connected(create=True) as connection:
            tables = [name for [name] in self._patiently(lambda: connection.execute(TABLES).fetchall())]
            if tables and "readings" not in tables:
                raise StoreError(
                    f"{self.path}: is a database of another program ({', '.join(tables[:5])}), so no table "
                    "'readings' is made in it; correct DB_PATH"
                )
            self._patiently(lambda: connection.execute(SCHEMA))

    def insert(self, created_at: str, payload: str, *, after: int) -> int | None:
        """Append a record and return its id. Standalone only.

        None, and nothing inserted, when a record above ``after`` has come in between: it
        may be another program's.
        """
        if not self._standalone:
            raise ValueError("only a standalone store may insert records")

        def append(connection: sqlite3.Connection) -> int | None:
            if _newest(connection) > after:
                return None
            return connection.execute(
                "INSERT INTO readings (created_at, payload) VALUES (?, ?)", (created_at, payload)
            ).lastrowid

        return self._transaction(append)

    def delete(self, records: Iterable[Record]) -> int:
        """Delete these records where they still are as given; return how many. Standalone only."""
        if not self._standalone:
            raise ValueError("only a standalone store may delete records")
        keys = [(record.id, record.payload) for record in records]
        if not keys:
            return 0

        def prune(connection: sqlite3.Connection) -> int:
            return connection.executemany("DELETE FROM readings WHERE id = ? AND payload IS ?", keys).rowcount

        return self._transaction(prune)

    def stop(self) -> None:
        """Wait for locks no longer; a transaction that has its lock is finished."""
        self._stopping.set()

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fetch(self, which: str, parameters: tuple[int, ...]) -> list[Record]:
        with self._connected() as connection:
            try:
                return self._patiently(lambda: _fetched(connection, f"{COLUMNS} {which}", parameters))
            except sqlite3.DataError:  # something in one of them is far too large
                ids = self._patiently(lambda: connection.execute(f"{_IDS} {which}", parameters).fetchall())
                return [self._patiently(partial(_alone, connection, number)) for [number] in ids]

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in BEGIN IMMEDIATE .. COMMIT; when the lock is not to be had, try again."""
        if time.monotonic() < self._no_changes_until:
            raise RowError(self._endless(CHANGE_LIMIT))
        with self._connected() as connection:
            for attempt in range(1, self._tries + 1):
                try:
                    self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
                    began = time.monotonic()
                    self._until = began + CHANGE_LIMIT
                    try:
                        result = work(connection)
                        self._until = time.monotonic() + READ_LIMIT
                        # In rollback-journal mode COMMIT waits until the last reader is out.
                        self._patiently(lambda: connection.execute("COMMIT"), COMMIT_PATIENCE)
                    except BaseException:
                        if connection.in_transaction:
                            connection.execute("ROLLBACK")
                        raise
                except sqlite3.OperationalError as error:
                    if is_interrupted(error):
                        self._no_changes_until = time.monotonic() + REST
                        raise RowError(self._endless(CHANGE_LIMIT)) from error
                    if not is_busy(error) or attempt == self._tries or self._stopping.is_set():
                        raise
                else:
                    took = time.monotonic() - began
                    if took > LONG_TRANSACTION:
                        log.debug("%s: a transaction took %.0f ms", self.path, took * 1000)
                    return result
        raise AssertionError("unreachable: the last try returns or raises")

    def _patiently(self, work: Callable[[], T], patience: float | None = None) -> T:
        """Do ``work``, a single statement, again while the database is locked, for ``patience`` s."""
        deadline = time.monotonic() + (self._busy_timeout if patience is None else patience)
        while True:
            self._until = time.monotonic() + READ_LIMIT
            try:
                return work()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= deadline or self._stopping.wait(BREATH):
                    raise

    @contextmanager
    def _connected(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """Give the connection to the file that is there now; turn SQLite's errors into ours."""
        if time.monotonic() < self._no_reads_until:
            raise StoreError(self._endless(READ_LIMIT))
        try:
            yield self._open(create)
        except (sqlite3.IntegrityError, sqlite3.DataError) as error:
            raise RowError(f"{self.path}: {error}") from error
        except sqlite3.Error as error:
            self.close()
            if is_interrupted(error):
                self._no_reads_until = time.monotonic() + REST
                raise StoreError(self._endless(READ_LIMIT)) from error
            if is_foreign_schema(error):
                raise StoreError(
                    f"{self.path}: has no table 'readings' like the inverter program's ({error}); "
                    "check that DB_PATH names its database"
                ) from error
            raise StoreError(explain(self.path, error)) from error

    def _open(self, create: bool) -> sqlite3.Connection:
        try:
            status = self.path.stat()
        except FileNotFoundError as error:
            self.close()
            if not create:
                raise StoreError(self._missing()) from error
            file = None
        except OSError as error:
            self.close()
            raise StoreError(
                f"{self.path}: cannot be looked at: {error.strerror}; correct DB_PATH"
            ) from error
        else:
            if not stat.S_ISREG(status.st_mode):  # SQLite would call it a disk that fails, or wait in it
                self.close()
                what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
                raise StoreError(f"{self.path}: is {what}; expected a database file: correct DB_PATH")
            file = file_id(status)
        if self._connection is not None and file == self._file:
            return self._connection
        self.close()
        mode = "rwc" if create else "rw"
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            timeout=min(SLICE, self._busy_timeout),
            isolation_level=None,
            check_same_thread=False,  # the last call, close(), may come from another thread
        )
        self._connection = connection
        # Text that is no UTF-8 must not stop the reading of its neighbours; it is never written back.
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
        connection.set_progress_handler(self._took_too_long, STEPS)
        if file is None:
            file = file_id(self.path.stat())
        self._table = self._patiently(lambda: look_at_table(connection))
        if self._table.unusable:
            self.close()
            raise StoreError(
                f"{self.path}: {self._table.unusable}; nothing is merged: check that DB_PATH names the inverter "
                "program's own database"
            )
        if file != self._file:
            self._file = file
            self.generation += 1
            self._echoes.clear()
            self._no_changes_until = 0.0
            if not self._table.proper_id:
                self._warn_of_strange_ids(connection)
        return connection

    def _took_too_long(self) -> bool:
        return time.monotonic() > self._until

    def _endless(self, limit: float) -> str:
        return (
            f"{self.path}: the table 'readings' keeps SQLite busy without an end{self._table.blamed}: given up after "
            f"{limit:g} s, tried again {REST / 60:g} min later"
        )

    def _warn_of_strange_ids(self, connection: sqlite3.Connection) -> None:
        """Say once for a file that some of its rows have no number, and are left alone."""
        self._until = time.monotonic() + READ_LIMIT
        with contextlib.suppress(sqlite3.Error):  # said aloud at the first reading
            if connection.execute(f"{_IDS} WHERE NOT ({NUMBERED}) LIMIT 1").fetchone():
                log.warning(
                    "%s: it has records whose id is no whole number; they are left alone, the others are merged",
                    self.path,
                )

    def _missing(self) -> str:
        hint = "" if self._standalone else "; a house without an inverter program: BMS_STANDALONE_ROWS=true"
        return (
            f"{self.path}: no such database; waiting for the inverter program to create it, "
            f"or correct DB_PATH{hint}"
        )


def _fetched(connection: sqlite3.Connection, query: str, parameters: tuple[int, ...]) -> list[Record]:
    """The first records of the answer, until they take MOST_FETCHED."""
    records: list[Record] = []
    taken = 0
    # To its end at once: a cursor left half read would hold a read lock.
    with contextlib.closing(connection.execute(query, parameters)) as cursor:
        for row in cursor:
            records.append(Record(*row))
            taken += sum(map(sys.getsizeof, row))
            if taken >= MOST_FETCHED:
                break
    return records


def _newest(connection: sqlite3.Connection) -> int:
    found = connection.execute(f"{_IDS} WHERE {NUMBERED} ORDER BY id DESC LIMIT 1").fetchone()
    return found[0] if found else 0


def _alone(connection: sqlite3.Connection, number: int) -> Record:
    """That record; what is too large to be looked at is absent from it, as if too long."""
    try:
        row = connection.execute(f"{COLUMNS} WHERE id = ?", (number,)).fetchone()
    except sqlite3.DataError:
        row = None
    return Record(number, None, b"", None) if row is None else Record(*row)


def is_foreign_schema(error: sqlite3.Error) -> bool:
    """Whether the file is a database, but not one of the inverter program."""
    return str(error).startswith(("no such table: readings", "no such column"))
