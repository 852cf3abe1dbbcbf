"""Our own database ``bms.db``: its schema, the devices we met and the log of events.

One process writes (the poller, held by a lock file), others read with short transactions.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from jk_bms.clock import Clock, boot_id
from jk_bms.model import Device, Event
from jk_bms.store import lock
from jk_bms.store.database import Opened, Reader, Writer, open_reading, open_writing
from jk_bms.store.schema import Migration, Schema

PAGE = 2048  # bytes


def _make_pages_small(connection: sqlite3.Connection) -> None:
    """Give a file without history our size of pages; with a reader about it keeps its own."""
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("VACUUM")
    connection.execute("PRAGMA journal_mode = WAL")


BMS_DB = Schema(
    name="bms.db",
    setting="BMS_DB_PATH",
    user="poller",
    page=PAGE,
    steps=(
        Migration(
            "devices and events",
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
        ),
        Migration(
            "history",
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
            prepare=_make_pages_small,
        ),
        Migration(
            "states",
            """
    CREATE TABLE states (                 -- what changes seldom and is read at the start; see store/states.py
        name TEXT PRIMARY KEY,
        state TEXT NOT NULL               -- JSON object
    );
    """,
        ),
        Migration(
            "outages",
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
        ),
    ),
)
VERSION = BMS_DB.version

_DEVICE = "SELECT address, number, kind, name, model, hw, sw, serial FROM devices"
_INSERT_EVENT = (
    "INSERT INTO events (kind, time, boot_id, monotonic, clock_trusted, device, text, facts) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_EVENT = "SELECT id, kind, time, monotonic, clock_trusted, device, text, facts FROM events"


MOST_ID = 2**62  # above the id of any event


class StoredDevice(NamedTuple):
    """A device as it was when last seen."""

    device: Device
    first_seen: datetime | None
    last_seen: datetime | None
    device_info: dict[str, Any]
    settings: dict[str, Any]


class BmsDbReader(Reader):
    """Reads ``bms.db``; several processes may. Every failure is a StoreError."""

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

    def id_before(self, time: datetime) -> int:
        """The id after which the first event at or after ``time`` follows; the highest when there is none."""
        query = "SELECT coalesce((SELECT min(id) - 1 FROM events WHERE time >= ?), max(id), 0) FROM events"
        return int(self._rows(query, (time.astimezone(UTC).isoformat(),))[0][0])

    def events_after(self, after: int, limit: int = 100) -> list[tuple[int, Event]]:
        """Events with an id above ``after``, oldest first, at most ``limit``, with their ids."""
        return [
            _event(row) for row in self._rows(f"{_EVENT} WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        ]

    def newest_events(self, kind: str, limit: int = 100, before: int = MOST_ID) -> list[tuple[int, Event]]:
        """The last events whose kinds begin with ``kind``, newest first, at most ``limit``, with their ids.

        ``before``: only those with a lower id.
        """
        query = f"{_EVENT} WHERE id < ? AND substr(kind, 1, ?) = ? ORDER BY id DESC LIMIT ?"
        return [_event(row) for row in self._rows(query, (before, len(kind), kind, limit))]


class BmsDb(BmsDbReader, Writer):
    """Reads and writes ``bms.db``; one process at a time. Each write is on the disk when it returns."""

    def __init__(self, opened: Opened, clock: Clock) -> None:
        Writer.__init__(self, opened, clock.now)
        self._clock = clock
        self._boot_id = boot_id()
        if opened.damage is not None:
            self._tell_damage(*opened.damage)

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
            INSERT INTO devices (address, number, kind, name, model, hw, sw, serial,
                                 first_seen, last_seen, device_info, settings)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (address) DO UPDATE SET
                number = excluded.number, kind = excluded.kind,
                name = coalesce(excluded.name, name), model = coalesce(excluded.model, model),
                hw = coalesce(excluded.hw, hw), sw = coalesce(excluded.sw, sw),
                serial = coalesce(excluded.serial, serial),
                -- Not later than now: then it was noted under a clock that was ahead.
                first_seen = min(coalesce(first_seen, excluded.first_seen),
                                 coalesce(excluded.first_seen, first_seen)),
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

    def _write(self, statement: str, parameters: tuple[object, ...]) -> int:
        return self.write(lambda db: db.execute(statement, parameters).lastrowid) or 0

    def _tell(self, kind: str, text: str, **facts: Any) -> None:
        super()._tell(kind, text, **facts)
        self.append(
            Event(
                kind=kind,
                taken_at=self._clock.now(),
                monotonic=self._clock.monotonic(),
                clock_trusted=self._clock.trusted(),
                text=text,
                facts=facts,
            )
        )


def open_writer(path: Path, clock: Clock, *, hint: str = "") -> BmsDb:
    """Open ``bms.db`` for the one process that writes it; create or migrate it.

    A damaged file is moved aside, never deleted. Raises ConfigError when the file is not ours, and
    StoreError when another process is the writer (``hint`` follows on "stop that one first"), or when
    the file is of a newer version of this program.
    """
    return BmsDb(open_writing(BMS_DB, path, clock.now, hint=hint), clock)


@contextmanager
def no_writer(path: Path) -> Iterator[None]:
    """Keep every poller from ``path`` meanwhile. Raises StoreError when one is its writer."""
    with lock.no_writer(BMS_DB, path):
        yield


def open_reader(path: Path) -> BmsDbReader:
    """Open ``bms.db`` read-only. Raises StoreError when missing, not ours, or of a newer version."""
    return BmsDbReader(path.absolute(), open_reading(BMS_DB, path))


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
