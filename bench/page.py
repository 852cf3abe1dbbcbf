"""What our keys cost the inverter program's page of a week: bytes sent and time to make them.

    python bench/page.py [--days 7]

Plays the page by itself: read the records of so many days, parse each payload, put number and time
beside it, make one JSON list of all. Two figures for ``BMS_MERGE_FIELDS=page``, with one battery
and with three: how much longer that takes than with records without our keys. Exits with 1 when
one of them is missed. What ``all`` and ``BMS_MERGE_CELLS`` cost stands beside it.
"""

import argparse
import json
import sqlite3
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import Sheet, in_turns, median_ratio
from bench.merge import INVERTER, TABLE
from jk_bms.model import Device, Sample
from jk_bms.sinks.payload import ALL, PAGE, as_text, merge_payload, parse

PERIOD = 10  # s from record to record
ONE_MOST, THREE_MOST = 1.4, 2.0
ROUNDS = 5
CELLS = tuple(3.280 + 0.001 * (number % 5) for number in range(16))
NAMES = ("JK-B2A24S", "JK-PB2A16S20P", "Garage")


def samples(count: int) -> list[Sample]:
    """What ``count`` batteries say, everything known."""
    return [
        Sample(
            device=Device(address=f"C8:47:80:00:00:0{number}", number=number, name=NAMES[number - 1]),
            taken_at=datetime(2026, 12, 1, 10, tzinfo=UTC),
            monotonic=1.0,
            voltage=52.58,
            current=-5.23,
            battery_soc=83.1,
            battery_soc_source="counted",
            soc_curve=49.2,
            soc=84.0,
            soc_counted=83.1,
            soc_low=81.0,
            soc_high=85.0,
            temperatures=(18.5,),
            cell_voltages=CELLS,
        )
        for number in range(1, count + 1)
    ]


def records(days: float, payload: str) -> sqlite3.Connection:
    """A database of so many days of that record."""
    connection = sqlite3.connect(":memory:")
    connection.execute(TABLE)
    begin = datetime(2026, 12, 1, tzinfo=UTC)
    connection.executemany(
        "INSERT INTO readings (created_at, payload) VALUES (?, ?)",
        (
            ((begin + timedelta(seconds=PERIOD * number)).isoformat(), payload)
            for number in range(int(days * 86400 / PERIOD))
        ),
    )
    return connection


def page(connection: sqlite3.Connection) -> str:
    """The page's data as the inverter program makes it: each record with its number and time, without blanks."""
    rows = connection.execute("SELECT id, created_at, payload, error FROM readings ORDER BY id").fetchall()
    return json.dumps(
        [
            {"id": number, "created_at": made, "error": error, **json.loads(text)}
            for number, made, text, error in rows
        ],
        separators=(",", ":"),
    )


def timed(connection: sqlite3.Connection) -> float:
    """Make the page; return how long that took, in s."""
    began = time.perf_counter()
    page(connection)
    return time.perf_counter() - began


def main() -> int:
    """Measure all; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--days", type=float, default=7.0)
    days = arguments.parse_args().days
    before = json.dumps(INVERTER)
    plain = records(days, before)
    size = len(page(plain))
    sheet = Sheet()
    for count, most in ((1, ONE_MOST), (3, THREE_MOST)):
        for fields, cells in ((PAGE, False), (ALL, False), (ALL, True)):
            text = as_text(merge_payload(parse(before), samples(count), fields=fields, cells=cells))
            merged = records(days, text)
            ours, theirs = in_turns(ROUNDS, partial(timed, merged), partial(timed, plain))
            slower, grown = median_ratio(ours, theirs), len(page(merged))
            of = "1 battery" if count == 1 else f"{count} batteries"
            what = f"time of the page, {of}, {fields}{' with cells' if cells else ''}"
            detail = (
                f"{size / 1e6:.1f} to {grown / 1e6:.1f} MB ({grown / size:.2f}), record {len(text)} bytes"
            )
            if fields == PAGE:
                sheet.figure(what, slower, most=most, detail=detail)
            else:
                sheet.beside(what, slower, detail)
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
