"""Writes ``readings`` as the inverter program does; run as a process of its own.

    python inverter_program.py DATABASE COUNT INTERVAL [LIMIT]

Of every 60 records 20 in a row are errors and 5 are of an inverter that does not answer. With
an interval of 0 it is hostile and never pauses. Prints what it saw as one JSON object: good
records that had no battery values LIMIT s after their insert are ``late``.
"""

import json
import sqlite3
import sys
import time
from collections import deque
from contextlib import closing
from datetime import datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=2))


def record(number: int) -> tuple[str | None, str | None]:
    """Return payload and error of the record with this number."""
    phase = number % 60
    if 20 <= phase < 40:
        return None, "no answer from the inverter"
    payload = {"n": number, "grid_voltage": "230.1", "battery_voltage": "52.0", "status_text": "SUB"}
    if 40 <= phase < 45:
        payload |= {"grid_voltage": "N/A", "battery_voltage": "N/A", "status_text": "UNKNOWN"}
    return json.dumps(payload), None


def main(path: str, count: int, interval: float, limit: float = 2.0) -> None:
    locked, good, late = 0, 0, 0
    waiting: deque[tuple[float, int]] = deque()  # good records not yet checked, and when to
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        started = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, started + number * interval - time.monotonic()) if interval else 0)
            made = datetime.now(ZONE).isoformat(timespec="seconds")
            payload, error = record(number)
            try:
                with connection:
                    row = connection.execute(
                        "INSERT INTO readings (created_at, payload, error) VALUES (?, ?, ?)",
                        (made, payload, error),
                    ).lastrowid
            except sqlite3.OperationalError:
                locked += 1
                continue
            if payload is not None and interval:
                good += 1
                waiting.append((time.monotonic() + limit, row or 0))
            while waiting and waiting[0][0] <= time.monotonic():
                late += not merged(connection, waiting.popleft()[1])
        while waiting:
            time.sleep(max(0.0, waiting[0][0] - time.monotonic()))
            late += not merged(connection, waiting.popleft()[1])
    print(json.dumps({"locked": locked, "good": good, "late": late}))


def merged(connection: sqlite3.Connection, row: int) -> bool:
    """Whether the record has battery values."""
    [(payload,)] = connection.execute("SELECT payload FROM readings WHERE id = ?", (row,)).fetchall()
    return "bms_cell_count" in json.loads(payload)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:]))
