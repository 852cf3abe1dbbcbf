"""Our own database ``bms.db``: its layout, the devices we met and the log of events.

One process writes (the poller, held by a lock file), others read with short transactions.
"""

import fcntl
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple, Self, TypeVar

from jk_bms.clock import Clock, boot_id
from jk_bms.errors import StoreError
from jk_bms.model import Device, Event
from jk_bms.store.sqlite_errors import explain, is_damaged

log = logging.getLogger(__name__)

T = TypeVar("T")

BUSY_TIMEOUT = 5.0  # s; only the copying of a backup by hand ever holds the lock
PAGE = 2048  # bytes
CHECKED_WHOLE = 64 * 2**20  # bytes: up to here a file is checked at the start, a bigger one in use

# Step n brings a file from user_version n to n + 1. A step that was released is never changed.
MIGRATIONS = (
    """
    CREATE TABLE devices (
        address TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT, model TEXT, hw TEXT, sw TEXT, serial TEXT,
        first_seen TEXT, last_seen TEXT,  -- UTC; NULL until seen under a trusted clock
        device_info TEXT, settings TEXT   -- JSON as decoded
    );
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        time TEXT NOT NULL,               -- UTC
        boot_id TEXT NOT NULL,
        monotonic REAL NOT NULL,          -- s since that boot
        clock_trusted INTEGER NOT NULL,
        device TEXT,
        text TEXT NOT NULL,
        facts TEXT NOT NULL               -- JSON object
    );
    """,
    """
    -- History: what the blobs hold is told in store/columns.py. Times are whole milliseconds since 1970, UTC.
    CREATE TABLE tracks (
        number INTEGER PRIMARY KEY,       -- part of the keys below
        name TEXT NOT NULL UNIQUE,        -- a device's address, or 'inverter'
        period INTEGER NOT NULL,          -- ms from row to row
        open_day INTEGER NOT NULL         -- days since 1970; earlier ones are rolled up
    );
    CREATE TABLE boots (
        number INTEGER PRIMARY KEY,
        boot_id TEXT NOT NULL UNIQUE,
        first INTEGER NOT NULL,           -- ms since that boot, of its first row
        clock_offset INTEGER NOT NULL,    -- time minus time since boot, as last known
        confirmed INTEGER                 -- ms since that boot; rows before it are never moved
    );
    CREATE TABLE recent (                 -- rows not yet in a block
        key INTEGER PRIMARY KEY,          -- track << 44 | time of the first row
        data BLOB NOT NULL
    );
    CREATE TABLE blocks (                 -- an hour of rows
        key INTEGER PRIMARY KEY,          -- track << 40 | hours since 1970
        data BLOB NOT NULL
    );
    CREATE TABLE rollups (
        key INTEGER PRIMARY KEY,          -- track << 40 | tier << 36 | chunks since 1970
        data BLOB NOT NULL
    );
    CREATE TABLE counters (               -- what continues after a restart
        address TEXT NOT NULL,
        part INTEGER NOT NULL,            -- in parts, so that none needs pages outside the tree
        data BLOB NOT NULL,
        PRIMARY KEY (address, part)
    );
    """,
    """
    CREATE TABLE states (                 -- what changes seldom and is read at the start; see store/states.py
        name TEXT PRIMARY KEY,
        state TEXT NOT NULL               -- JSON object
    );
    """,
    """
    CREATE TABLE outages (                -- times without data from a device; see store/outages.py
        device TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        monotonic REAL NOT NULL,          -- s since that boot, when it began
        began TEXT NOT NULL,              -- UTC
        clock_trusted INTEGER NOT NULL,
        lasted REAL NOT NULL,             -- s, so far while it is not over
        over INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        message TEXT NOT NULL,
        causes TEXT NOT NULL,             -- JSON: [code, how sure], the likeliest first
        rungs TEXT NOT NULL,              -- JSON: [code, s after it began, carried out]
        cure TEXT,                        -- NULL: it goes on, or was ended by a release
        attempts INTEGER NOT NULL,
        relapses INTEGER NOT NULL,
        PRIMARY KEY (device, boot_id, monotonic)
    );
    """,
)
VERSION = len(MIGRATIONS)

_DEVICE = "SELECT address, number, kind, name, model, hw, sw, serial FROM devices"
_INSERT_EVENT = (
    "INSERT INTO events (kind, time, boot_id, monotonic, clock_trusted, device, text, facts) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_EVENT = "SELECT id, kind, time, monotonic, clock_trusted, device, text, facts FROM events"


class StoredDevice(NamedTuple):
    """A device as it was when last seen."""

    device: Device
    first_seen: datetime | None
    last_seen: datetime | None
    device_info: dict[str, Any]
    settings: dict[str, Any]


class OwnReader:
    """Reads ``bms.db``; several processes may. Every failure is a StoreError."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    def devices(self) -> list[StoredDevice]:
        """Every device ever met, by battery number."""
        query = _DEVICE.replace(" FROM", ", first_seen, last_seen, device_info, settings FROM")
        return [
            StoredDevice(
                Device(
                    address=row[0],
                    number=row[1],
                    kind=row[2],
                    name=row[3],
                    model=row[4],
                    hw_version=row[5],
                    sw_version=row[6],
                    serial=row[7],
                ),
                first_seen=None if row[8] is None else datetime.fromisoformat(row[8]),
                last_seen=None if row[9] is None else datetime.fromisoformat(row[9]),
                device_info=json.loads(row[10] or "{}"),
                settings=json.loads(row[11] or "{}"),
            )
            for row in self._rows(f"{query} ORDER BY number, address")
        ]

    def newest_event(self) -> int:
        """The highest event id; 0 when there are none."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM events")[0][0])

    def events_after(self, after: int, limit: int = 100) -> list[tuple[int, Event]]:
        """Events with an id above ``after``, oldest first, at most ``limit``, with their ids."""
        return [
            _event(row) for row in self._rows(f"{_EVENT} WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        ]

    def newest_events(self, kind: str, limit: int = 100) -> list[tuple[int, Event]]:
        """The last events whose kinds begin with ``kind``, newest first, at most ``limit``, with their ids."""
        query = f"{_EVENT} WHERE substr(kind, 1, ?) = ? ORDER BY id DESC LIMIT ?"
        return [_event(row) for row in self._rows(query, (len(kind), kind, limit))]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection within one short read transaction: all queries see the same state."""
        with self._lock, _our_errors(self.path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    def _rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        with self._lock, _our_errors(self.path):
            return self._connection.execute(query, parameters).fetchall()


class OwnStore(OwnReader):
    """Reads and writes ``bms.db``; one process at a time. Each write is on the disk when it returns."""

    def __init__(self, path: Path, connection: sqlite3.Connection, clock: Clock, lock: IO[str]) -> None:
        super().__init__(path, connection)
        self.begun_anew = (
            0  # how often the file turned out to be damaged in use: then it has nothing of before
        )
        self._clock = clock
        self._lock_file = lock
        self._boot_id = boot_id()

    def close(self) -> None:
        """Close the database and let another process write it."""
        super().close()
        _let_go(self._lock_file)

    def remember_device(
        self,
        device: Device,
        *,
        device_info: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        """Note that ``device`` was seen now. What is None stays as it was."""
        seen = self._clock.now().isoformat() if self._clock.trusted() else None
        self._write(
            """
            INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (address) DO UPDATE SET
                number = excluded.number, kind = excluded.kind,
                name = coalesce(excluded.name, name), model = coalesce(excluded.model, model),
                hw = coalesce(excluded.hw, hw), sw = coalesce(excluded.sw, sw),
                serial = coalesce(excluded.serial, serial),
                first_seen = coalesce(first_seen, excluded.first_seen),
                last_seen = coalesce(excluded.last_seen, last_seen),
                device_info = coalesce(excluded.device_info, device_info),
                settings = coalesce(excluded.settings, settings)
            """,
            (
                device.address,
                device.number,
                device.kind,
                device.name,
                device.model,
                device.hw_version,
                device.sw_version,
                device.serial,
                seen,
                seen,
                None if device_info is None else _json(device_info),
                None if settings is None else _json(settings),
            ),
        )

    def append(self, event: Event) -> int:
        """Add ``event`` to the log; return its id, which only ever grows."""
        return self._write(_INSERT_EVENT, _event_row(event, self._boot_id))

    def append_all(
        self, events: Iterable[Event], also: Callable[[sqlite3.Connection], object] | None = None
    ) -> list[int]:
        """Add ``events`` in order and do ``also``, all in one transaction; return the events' ids."""

        def change(db: sqlite3.Connection) -> list[int]:
            ids = [
                db.execute(_INSERT_EVENT, _event_row(event, self._boot_id)).lastrowid or 0 for event in events
            ]
            if also is not None:
                also(db)
            return ids

        events = tuple(events)
        return self.write(change)

    def write(self, change: Callable[[sqlite3.Connection], T], *, again: bool = True) -> T:
        """Run ``change`` in one transaction, complete or not at all; return what it returns.

        When the file turns out to be damaged it is begun anew and ``change`` is run again.
        """
        try:
            with self._lock:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    result = change(self._connection)
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
                return result
        except sqlite3.Error as error:
            if not (again and is_damaged(error)):
                raise StoreError(explain(self.path, error)) from error
            self._begin_anew(error)
            return self.write(change, again=False)

    def correct_times(self) -> int:
        """Give this boot's events their true time once the clock can be trusted; return how many."""
        if not self._clock.trusted():
            return 0
        booted = self._clock.now() - timedelta(seconds=self._clock.monotonic())
        wrong = self._rows(
            "SELECT id, monotonic FROM events WHERE NOT clock_trusted AND boot_id = ?", (self._boot_id,)
        )
        for number, monotonic in wrong:
            self._write(
                "UPDATE events SET time = ?, clock_trusted = 1 WHERE id = ?",
                ((booted + timedelta(seconds=monotonic)).isoformat(), number),
            )
        return len(wrong)

    def _write(self, statement: str, parameters: tuple[object, ...], *, again: bool = True) -> int:
        # Outside a transaction each statement is one of its own: complete or not at all.
        try:
            with self._lock:
                return self._connection.execute(statement, parameters).lastrowid or 0
        except sqlite3.Error as error:
            if not (again and is_damaged(error)):
                raise StoreError(explain(self.path, error)) from error
            self._begin_anew(error)
            return self._write(statement, parameters, again=False)

    def _begin_anew(self, error: sqlite3.Error) -> None:
        with self._lock:
            self._connection.close()
            aside = _move_aside(self.path, self._clock)
            with _our_errors(self.path):
                self._connection = _connect(self.path)
                _migrate(self.path, self._connection)
        self.begun_anew += 1
        self._tell_damage(aside, str(error))

    def _tell_damage(self, aside: Path, cause: str) -> None:
        text = f"{self.path}: damaged ({cause}); moved to {aside} and begun anew"
        log.error("%s", text)
        self.append(
            Event(
                kind="store.damaged",
                taken_at=self._clock.now(),
                monotonic=self._clock.monotonic(),
                clock_trusted=self._clock.trusted(),
                text=text,
                facts={"moved_to": str(aside), "cause": cause},
            )
        )


def open_writer(path: Path, clock: Clock) -> OwnStore:
    """Open ``bms.db`` for the one process that writes it; create or migrate it.

    A damaged file is moved aside, never deleted. Raises StoreError when another process is
    the writer, or when the file is of a newer version of this program.
    """
    path = path.absolute()
    lock = _take_lock(path)
    try:
        damage = None
        try:
            connection = _open_checked(path)
        except sqlite3.Error as error:
            if not is_damaged(error):
                raise
            damage = (_move_aside(path, clock), str(error))
            connection = _open_checked(path)
        store = OwnStore(path, connection, clock, lock)
    except sqlite3.Error as error:
        _let_go(lock)
        raise StoreError(explain(path, error)) from error
    except OSError as error:
        _let_go(lock)
        raise StoreError(f"{path}: cannot be used: {(error.strerror or str(error)).lower()}") from error
    except BaseException:
        _let_go(lock)
        raise
    if damage is not None:
        store._tell_damage(*damage)
    return store


@contextmanager
def no_writer(path: Path) -> Iterator[None]:
    """Keep every poller from ``path`` meanwhile. Raises StoreError when one is its writer."""
    path = path.absolute()
    lock = _take_lock(path)
    try:
        home, mine = path.parent.stat(), os.fstat(lock.fileno())
        if (home.st_uid, home.st_gid) != (mine.st_uid, mine.st_gid):
            with suppress(PermissionError):  # root made it: the service must be able to take it too
                os.fchown(lock.fileno(), home.st_uid, home.st_gid)
        yield
    finally:
        _let_go(lock)


def open_reader(path: Path) -> OwnReader:
    """Open ``bms.db`` read-only. Raises StoreError when missing, or of a newer version."""
    path = path.absolute()
    if not path.exists():
        raise StoreError(f"{path}: no such database; the service creates it when it runs (BMS_DB_PATH)")
    with _our_errors(path):
        connection = _connect(path, "ro")
        try:
            version = _version(connection)
            _refuse_newer(path, version)
        except BaseException:
            connection.close()
            raise
    if version < VERSION:
        connection.close()
        raise StoreError(
            f"{path}: has schema version {version}, expected {VERSION}: restart the service, it migrates the file"
        )
    return OwnReader(path, connection)


@contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(explain(path, error)) from error


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _event(row: tuple[Any, ...]) -> tuple[int, Event]:
    return row[0], Event(
        kind=row[1],
        taken_at=datetime.fromisoformat(row[2]),
        monotonic=row[3],
        clock_trusted=bool(row[4]),
        device=row[5],
        text=row[6],
        facts=json.loads(row[7]),
    )


def _event_row(event: Event, boot: str) -> tuple[object, ...]:
    return (
        event.kind,
        event.taken_at.astimezone(UTC).isoformat(),
        boot,
        event.monotonic,
        event.clock_trusted,
        event.device,
        event.text,
        _json(event.facts),
    )


def _take_lock(path: Path) -> IO[str]:
    name = path.with_name(path.name + ".lock")
    try:
        lock = os.fdopen(os.open(name, os.O_RDWR | os.O_CREAT, 0o664), "r+", encoding="ascii")
    except OSError as error:
        raise StoreError(
            f"{name}: cannot be opened: {error.strerror}; expected a folder we may write"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = lock.read().strip() or "unknown"
        lock.close()
        raise StoreError(
            f"{path}: another poller (pid {pid}) writes it; stop that one first, or give this one a "
            "BMS_DB_PATH of its own"
        ) from error
    with suppress(OSError):  # a full disk: the lock holds all the same, it only does not say whose
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
    return lock


def _let_go(lock: IO[str]) -> None:
    with suppress(OSError):  # what a full disk did not take is still in its buffer
        lock.close()


def _connect(path: Path, mode: str = "rwc") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    # A commit writes whole pages, and ours are small and many: it counts for a new file only.
    connection.execute(f"PRAGMA page_size = {PAGE}")
    return connection


def _open_checked(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        _refuse_newer(path, _version(connection))
        if path.stat().st_size <= CHECKED_WHOLE:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                damage = sqlite3.DatabaseError(verdict)
                damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise damage
        _migrate(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_newer(path: Path, version: int) -> None:
    if version > VERSION:
        raise StoreError(
            f"{path}: has schema version {version}, this program knows up to {VERSION}; update the program"
        )


def _migrate(path: Path, connection: sqlite3.Connection) -> None:
    """Bring the file to VERSION, each step complete or not at all; keep a copy of an older file."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    version = _version(connection)
    if 0 < version < VERSION:
        copy = path.with_name(f"{path.name}.before-v{VERSION}")
        with sqlite3.connect(copy) as target:
            connection.backup(target)
        target.close()
        log.info("%s: migrating schema %d to %d, a copy is in %s", path, version, VERSION, copy)
        if version == 1:
            _make_pages_small(connection)
    for step, script in enumerate(MIGRATIONS[version:], version + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {step}; COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _make_pages_small(connection: sqlite3.Connection) -> None:
    """Give a file without history our size of pages; with a reader about it keeps its own."""
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("VACUUM")
    connection.execute("PRAGMA journal_mode = WAL")


def _move_aside(path: Path, clock: Clock) -> Path:
    stamp = clock.now().strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):  # they belong to that file: a new one must not find them
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside
