"""``jk-util.py export``: every stored row, as a table for other programs."""

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TextIO

from jk_bms.errors import StoreError, reason
from jk_bms.store.bms_db import BmsDbReader, open_reader
from jk_bms.store.columns import BY_NAME, STORED
from jk_bms.store.history_query import StoredSample, Track, query, samples, tracks
from jk_bms.tool.output import note
from jk_bms.tool.stored import (
    Progress,
    add_time_options,
    chosen_track,
    length,
    stored_settings,
    track_labels,
    wanted_time,
)

_REPORTED = 1000  # rows between two looks at the progress
_Span = tuple[Track, datetime, datetime]  # from, to
_Row = tuple[str, StoredSample]  # of which device
_DIGITS = {column.name: len(str(column.divisor)) - 1 for column in STORED}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    add = parser.add_argument
    add("--format", choices=("csv", "jsonl"), default="csv", help="default: csv")
    add_time_options(parser)
    add("--last", type=length, metavar="TIME", help="such as 24h, 7d, 1y (default: everything)")
    add("--device", metavar="NAME", help="name, address or number, or 'inverter' (default: all of them)")
    add("--output", metavar="FILE", help="write there, whole or not at all, instead of to standard output")


def run(given: argparse.Namespace) -> int:
    """Write row after row; what is absent in a row is empty, or has no key."""
    settings = stored_settings(given)
    start, end = wanted_time(given, settings, given.last)
    with open_reader(settings.bms_db_path) as reader, _target(given.output) as out:
        there = tracks(reader)
        labels = track_labels(there, settings)
        if given.device:
            wanted, _ = chosen_track(given.device, there, settings)
            labels = {wanted: labels[wanted]}
        spans = [
            (track, start or track.first or datetime.fromtimestamp(0, UTC), end)
            for name in labels
            for track in there
            if track.name == name
        ]
        rows = _rows(reader, spans, labels)
        if given.format == "jsonl":
            for device, row in rows:
                out.write(_json_line(device, row, settings.timezone))
        else:
            _write_csv(rows, out, _columns(reader, spans), settings.timezone)
    if given.output:
        note(f"written to {given.output}")
    return 0


def _columns(reader: BmsDbReader, spans: Iterable[_Span]) -> list[str]:
    """The columns that any row may have a value in: a table needs them before its first row."""
    names = [column.name for column in STORED]
    seen = {
        name
        for track, start, end in spans
        if start < end
        for name, values in query(reader, track.name, names, start, end, 1).values.items()
        if any(mean is not None for mean in values.mean)
    }
    return [name for name in names if name in seen]


def _write_csv(rows: Iterator[_Row], out: TextIO, columns: list[str], zone: tzinfo | None) -> None:
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["time", "device", "clock_trusted", *columns])
    for device, row in rows:
        values = (row.values.get(name) for name in columns)
        table.writerow(
            [
                row.taken_at.astimezone(zone).isoformat(),
                _cell_text(device),
                int(row.clock_trusted),
                *(
                    "" if v is None else f"{v:.{_DIGITS[name]}f}"
                    for name, v in zip(columns, values, strict=True)
                ),
            ]
        )


def _cell_text(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _json_line(device: str, row: StoredSample, zone: tzinfo | None) -> str:
    line: dict[str, object] = {"time": row.taken_at.astimezone(zone).isoformat(), "device": device}
    if not row.clock_trusted:
        line["clock_trusted"] = False
    for name, value in row.values.items():
        column = BY_NAME[name]
        line[name] = bool(value) if column.flag else int(value) if column.divisor == 1 else value
    return json.dumps(line) + "\n"


def _rows(reader: BmsDbReader, spans: Iterable[_Span], labels: Mapping[str, str]) -> Iterator[_Row]:
    """Every row, one device after the other, each with what people call its device."""
    for track, start, end in spans:
        label = labels[track.name]
        progress = Progress(f"exporting {label}")
        whole = max(1.0, (min(end, track.last or end) - start).total_seconds())
        try:
            for number, row in enumerate(samples(reader, track.name, start, end)):
                if number % _REPORTED == 0:
                    progress(min(whole, max(0.0, (row.taken_at - start).total_seconds())), whole)
                yield label, row
        finally:
            progress.end()


@contextmanager
def _target(file: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that gets its name when everything is in it."""
    if file is None:
        yield sys.stdout
        return
    target = Path(file).absolute()
    try:
        if target.exists() and not target.is_file():  # /dev/stdout, a pipe: not ours to replace
            with target.open("w", encoding="utf-8") as out:
                yield out
            return
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
