"""Named states in ``bms.db``: JSON objects that change seldom and are read at the start.

Each is written as a whole, and only when it differs from what is there. What changes each minute
belongs to the counters in ``store.history`` instead.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from jk_bms.store.bms_db import BmsDb, BmsDbReader

State = Mapping[str, Any]


def read_states(own: BmsDbReader, prefix: str = "") -> dict[str, dict[str, Any]]:
    """Return all states whose names begin with ``prefix``, by name. Raises StoreError."""
    with own.reading() as db:
        rows = db.execute(
            "SELECT name, state FROM states WHERE substr(name, 1, ?) = ? ORDER BY name", (len(prefix), prefix)
        ).fetchall()
    return {name: json.loads(state) for name, state in rows}


def read_state(own: BmsDbReader, name: str) -> dict[str, Any] | None:
    """Return one state; None: it was never written. Raises StoreError."""
    with own.reading() as db:
        row = db.execute("SELECT state FROM states WHERE name = ?", (name,)).fetchone()
    return None if row is None else json.loads(row[0])


def write_states(own: BmsDb, states: Mapping[str, State | None]) -> None:
    """Write ``states`` in a transaction of their own, all or none; None: forget it. Raises StoreError."""
    own.write(lambda db: put_states(db, states))


def put_states(db: sqlite3.Connection, states: Mapping[str, State | None]) -> None:
    """Write ``states`` within the transaction of the caller (``BmsDb.write``); None: forget it.

    A state that is there already costs a comparison and not a byte on the disk.
    """
    for name, state in states.items():
        if state is None:
            db.execute("DELETE FROM states WHERE name = ?", (name,))
            continue
        text = json.dumps(state, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        db.execute(
            "INSERT INTO states (name, state) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET state = excluded.state WHERE state <> excluded.state",
            (name, text),
        )
