"""``jk-util.py export``: every stored row of a battery, as a table for other programs."""

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TextIO

from jk_bms.errors import StoreError
from jk_bms.store.backup import reason
from jk_bms.store.columns import BY_NAME, STORED
from jk_bms.store.history_query import StoredSample, Track, query, samples, tracks
from jk_bms.store.own import OwnReader, open_reader
from jk_bms.tool.output import note
from jk_bms.tool.stored import Progress, add_time_options, chosen_track, length, stored_settings, wanted_time

_REPORTED = 1000  # rows between two looks at the progress
_DIGITS = {column.name: len(str(column.divisor)) - 1 for column in STORED}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    add = parser.add_argument
    add("--format", choices=("csv", "jsonl"), default="csv", help="default: csv")
    add_time_options(parser)
    add("--last", type=length, metavar="TIME", help="such as 24h, 7d, 1y (default: everything)")
    add("--device", metavar="NAME", help="name or address, or 'inverter' (default: battery 1)")
    add("--output", metavar="FILE", help="write there, whole or not at all, instead of to standard output")


def run(given: argparse.Namespace) -> int:
    """Write row after row; what is absent in a row is empty, or has no key."""
    settings = stored_settings(given)
    start, end = wanted_time(given, settings, given.last)
    with open_reader(settings.bms_db_path) as reader, _target(given.output) as out:
        there = tracks(reader)
        name, label = chosen_track(given.device, there, settings)
        track = next(track for track in there if track.name == name)
        start = start or track.first or datetime.fromtimestamp(0, UTC)
        progress = Progress(f"exporting {label}")
        rows = _counted(samples(reader, name, start, end), start, min(end, track.last or end), progress)
        try:
            if given.format == "jsonl":
                for row in rows:
                    out.write(_json_line(row, settings.timezone))
            else:
                _write_csv(rows, out, _columns(reader, track, start, end), settings.timezone)
        finally:
            progress.end()
    if given.output:
        note(f"written to {given.output}")
    return 0


def _columns(reader: OwnReader, track: Track, start: datetime, end: datetime) -> list[str]:
    """The columns that any row may have a value in: a table needs them before its first row."""
    whole = query(reader, track.name, [column.name for column in STORED], start, end, 1)
    return [name for name, values in whole.values.items() if any(mean is not None for mean in values.mean)]


def _write_csv(rows: Iterator[StoredSample], out: TextIO, columns: list[str], zone: tzinfo | None) -> None:
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["time", "clock_trusted", *columns])
    for row in rows:
        values = (row.values.get(name) for name in columns)
        table.writerow(
            [
                row.taken_at.astimezone(zone).isoformat(),
                int(row.clock_trusted),
                *(
                    "" if v is None else f"{v:.{_DIGITS[name]}f}"
                    for name, v in zip(columns, values, strict=True)
                ),
            ]
        )


def _json_line(row: StoredSample, zone: tzinfo | None) -> str:
    line: dict[str, object] = {"time": row.taken_at.astimezone(zone).isoformat()}
    if not row.clock_trusted:
        line["clock_trusted"] = False
    for name, value in row.values.items():
        column = BY_NAME[name]
        line[name] = bool(value) if column.flag else int(value) if column.divisor == 1 else value
    return json.dumps(line) + "\n"


def _counted(
    rows: Iterator[StoredSample], start: datetime, end: datetime, progress: Progress
) -> Iterator[StoredSample]:
    whole = max(1.0, (end - start).total_seconds())
    for number, row in enumerate(rows):
        if number % _REPORTED == 0:
            progress(min(whole, max(0.0, (row.taken_at - start).total_seconds())), whole)
        yield row


@contextmanager
def _target(file: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that gets its name when everything is in it."""
    if file is None:
        yield sys.stdout
        return
    target = Path(file).absolute()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                yield out
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {reason(error)}") from error
