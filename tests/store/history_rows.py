"""Rows of history made up for tests, and what they should come to."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jk_bms.clock import Clock
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.columns import BOOT, FRAMES, OFFSET, TIME, TRUSTED
from jk_bms.store.history import Batch, Row

AT = datetime(2026, 12, 1, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)
PACK = "AA:BB:CC:DD:EE:FF"
PERIOD = 5000  # ms
VOLTAGE, CURRENT, SOC, CELL_1, CELL_2 = 10, 11, 14, 60, 61
COLUMNS = (TIME, BOOT, OFFSET, TRUSTED, FRAMES, VOLTAGE, CURRENT, SOC, CELL_1, CELL_2)


def open_store(path: Path) -> BmsDb:
    """Open the database that a test writes."""
    return open_writer(path, Clock())


def rows(first: int, count: int, *, period: int = PERIOD, boot: int = 1, offset: int = 0) -> list[Row]:
    """``count`` rows from ``first`` ms on; their values follow from their times, some are unknown."""
    made: list[Row] = []
    for time in range(first, first + count * period, period):
        n = time // period
        current = None if n % 97 == 0 else (n * 7919) % 100_000 - 50_000
        cell = 3300 + n % 13
        made.append((time, boot, offset, 1, 5, 52_800 + n % 50, current, n // 100 % 1000, cell, cell + n % 7))
    return made


def batch(some: Sequence[Row], track: str = PACK, period: int = PERIOD) -> Batch:
    """These rows as a batch."""
    return Batch(track, period, COLUMNS, some)
