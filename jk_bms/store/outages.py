"""Outages of links in ``bms.db``: one row each, from its first failure to what cured it."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

from jk_bms.clock import Clock
from jk_bms.model.outage import OutageRecord
from jk_bms.store.bms_db import BmsDb, BmsDbReader

_COLUMNS = (
    "device, boot_id, monotonic, began, clock_trusted, lasted, over, verdict, message, causes, rungs, "
    "cure, attempts, relapses"
)
_KEPT = ("device", "boot_id", "monotonic", "began", "clock_trusted")
_CHANGING = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ") if name not in _KEPT)
_SELECT = f"SELECT {_COLUMNS} FROM outages"  # noqa: S608 - a fixed list


def put_outage(own: BmsDb, record: OutageRecord, boot: str) -> None:
    """Write ``record`` in place of what was known of the same outage. Raises StoreError.

    When it began stays as it stands in the database, which corrects it with the clock.
    """
    row = (
        record.device,
        boot,
        record.monotonic,
        record.began.astimezone(UTC).isoformat(),
        record.clock_trusted,
        record.lasted,
        record.over,
        record.verdict,
        record.message,
        json.dumps(record.causes),
        json.dumps(record.rungs),
        record.cure,
        record.attempts,
        record.relapses,
    )
    places = ", ".join("?" * len(row))
    statement = (
        f"INSERT INTO outages ({_COLUMNS}) VALUES ({places}) "  # noqa: S608 - fixed lists
        f"ON CONFLICT (device, boot_id, monotonic) DO UPDATE SET {_CHANGING}"
    )
    own.write(lambda db: db.execute(statement, row))


def newest_outages(own: BmsDbReader, device: str | None = None, limit: int = 100) -> list[OutageRecord]:
    """Return the last outages, of one device or of all, newest first. Raises StoreError."""
    where = "" if device is None else "WHERE device = ? "
    values: tuple[object, ...] = (limit,) if device is None else (device, limit)
    with own.reading() as db:
        rows = db.execute(f"{_SELECT} {where}ORDER BY began DESC LIMIT ?", values).fetchall()
    return [_record(row) for row in rows]


def open_outages(own: BmsDbReader, device: str) -> list[tuple[str, OutageRecord]]:
    """Return what runs left open for ``device``, each with the boot it began in, newest first. Raises StoreError."""
    with own.reading() as db:
        rows = db.execute(
            f"{_SELECT} WHERE device = ? AND NOT over ORDER BY began DESC, rowid DESC", (device,)
        ).fetchall()
    return [(row[1], _record(row)) for row in rows]


def correct_outage_times(own: BmsDb, clock: Clock, boot: str) -> None:
    """Give this boot's outages their true time once the clock can be trusted. Raises StoreError."""
    if not clock.trusted():
        return
    booted = clock.now() - timedelta(seconds=clock.monotonic())

    def correct(db: sqlite3.Connection) -> None:
        wrong = db.execute(
            "SELECT device, monotonic FROM outages WHERE NOT clock_trusted AND boot_id = ?", (boot,)
        ).fetchall()
        for device, monotonic in wrong:
            db.execute(
                "UPDATE outages SET began = ?, clock_trusted = 1 "
                "WHERE device = ? AND boot_id = ? AND monotonic = ?",
                ((booted + timedelta(seconds=monotonic)).isoformat(), device, boot, monotonic),
            )

    own.write(correct)


def _record(row: tuple[Any, ...]) -> OutageRecord:
    return OutageRecord(
        device=row[0],
        monotonic=row[2],
        began=datetime.fromisoformat(row[3]),
        clock_trusted=bool(row[4]),
        lasted=row[5],
        over=bool(row[6]),
        verdict=row[7],
        message=row[8],
        causes=tuple((code, sure) for code, sure in json.loads(row[9])),
        rungs=tuple((code, at, worked) for code, at, worked in json.loads(row[10])),
        cure=row[11],
        attempts=row[12],
        relapses=row[13],
    )
