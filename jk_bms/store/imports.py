"""What other programs recorded, as rows of our history.

Readers turn a foreign file into readings and count what they could not use; ``take_in`` puts
readings where our history has nothing yet. Nothing here writes into a foreign file.
"""

import gzip
import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple, Self

from jk_bms.errors import StoreError, reason
from jk_bms.model.foreign_text import NAME_MOST, harmless, harmless_name
from jk_bms.store.columns import BOOT, BY_NAME, FRAMES, OFFSET, TIME, TRUSTED
from jk_bms.store.history import Batch, HistoryStore
from jk_bms.store.rollups import DAY
from jk_bms.store.sqlite_errors import explain

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before it there were clocks that had not been set
LONGEST_LINE = 1000  # characters
HELD_MOST = 20_000  # readings in memory, some 10 MB: two days at 10 s

_LINE = re.compile(r"([^;]+);\s*(.+)")
_BATTERY = re.compile(r"Voltage:\s*([0-9.]+)\s*V,\s*Battery Level:\s*([0-9.]+)\s*%")
_OVERFULL = 105.0  # %: so far an old log counted; it means full

# Columns of the bms-monitor database, and what they are here. Its power has no sign.
_MONITOR = {"voltage": "voltage", "current": "current", "remaining_capacity": "remaining_ah"}
_MONITOR_TIME, _MONITOR_ADDRESS, _MONITOR_POWER = "timestamp", "device_address", "power"
_KNOWN = {*_MONITOR, _MONITOR_TIME, _MONITOR_ADDRESS, _MONITOR_POWER, "id", "device_name"}
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1"

# Values that a house battery can have; beyond them something was not measured.
_SANE = {
    "voltage": (1.0, 1000.0),
    "current": (-5000.0, 5000.0),
    "power": (-2e6, 2e6),
    "battery_soc": (0.0, _OVERFULL),
    "remaining_ah": (0.0, 1e5),
}


class Reading(NamedTuple):
    """What was measured at a moment; keys are names of our columns."""

    taken_at: datetime  # aware
    values: Mapping[str, float]


class Findings:
    """What a reader met and could not use, for the person who imports."""

    def __init__(self) -> None:
        self.bad = 0  # lines or rows that make no sense
        self.first_bad = ""  # the first of them, with its place
        self.other = 0  # lines that say something else

    def refuse(self, where: str, what: str) -> None:
        """Count a line or row that makes no sense."""
        self.bad += 1
        self.first_bad = self.first_bad or f"{where}: {what}"


class Taken(NamedTuple):
    """How an import went."""

    added: int  # rows
    known: int  # readings of times for which there is a row, or roll-ups, already
    first: datetime | None = None  # time of the earliest reading that made sense
    last: datetime | None = None
    names: tuple[str, ...] = ()  # of our columns, in them


# Readers


def read_log(path: Path, zone: tzinfo | None, findings: Findings) -> Iterator[Reading]:
    """Yield the battery's readings of a log ``<time>;Voltage: .. V, Battery Level: .. %``.

    A time without offset is of ``zone`` (None: the system's). Raises StoreError.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
                line = raw.decode("utf-8", "replace").strip()
                where = f"{path} line {number}"
                if not line:
                    continue
                parts = _LINE.fullmatch(line)
                if parts is None:
                    findings.refuse(where, "expected <time>;<text>")
                elif (battery := _BATTERY.fullmatch(parts[2].strip())) is None:
                    findings.other += 1
                elif (taken_at := _time(parts[1], zone)) is None:
                    findings.refuse(where, "expected a time in ISO 8601 before the semicolon")
                else:
                    values = {"voltage": _number(battery[1]), "battery_soc": _number(battery[2])}
                    good = _sane(values)
                    if len(good) < 2:
                        findings.refuse(where, "expected volts and percent of a battery")
                    else:
                        yield Reading(taken_at, good)
    except EOFError as error:
        raise StoreError(f"{path}: cannot be read: it is cut short") from error
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {reason(error)}") from error


class MonitorFile:
    """A database of bms-monitor; ``with`` it is open, for reading. Raises StoreError."""

    def __init__(self, path: Path, zone: tzinfo | None) -> None:
        """``zone`` is that of its times; None: the system's."""
        self.path = path
        self.names: dict[str, str] = {}  # of its devices, by address in upper case
        self.addresses = [""]  # as people may see them; "" where the file does not say
        self._first: dict[str, int] = {}  # the first row of each: a name can be anything, also no text at all
        self.left_aside: list[str] = []  # what is in it that is not taken in, for a person
        self._zone = zone

    def __enter__(self) -> Self:
        if not self.path.is_file():
            raise StoreError(f"{self.path}: no such file")
        try:
            with ExitStack() as stack:
                uri = f"{self.path.absolute().as_uri()}?mode=ro"
                self._db = stack.enter_context(closing(sqlite3.connect(uri, uri=True)))
                self._db.text_factory = lambda raw: raw.decode("utf-8", "replace")
                self._look()
                self._opened = stack.pop_all()
        except sqlite3.Error as error:
            raise StoreError(explain(self.path, error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def readings(self, address: str, findings: Findings) -> Iterator[Reading]:
        """Yield the readings of one of ``addresses``."""
        one = f"(SELECT {_MONITOR_ADDRESS} FROM bms_data WHERE rowid = ?)"  # noqa: S608
        only = f"WHERE {_MONITOR_ADDRESS} IS {one}" if self._addressed else ""
        query = f"SELECT rowid, {_MONITOR_TIME}, {', '.join(self._taken)} FROM bms_data {only} ORDER BY rowid"  # noqa: S608
        try:
            rows = self._db.execute(query, (self._first[address],) if only else ())
            yield from _monitor_rows(self.path, rows, self._taken, self._zone, findings)
        except sqlite3.Error as error:
            raise StoreError(explain(self.path, error)) from error

    def _look(self) -> None:
        columns = self._columns("bms_data")
        tables = [name for [name] in self._db.execute(_TABLES)]
        self._taken = [column for column in (*_MONITOR, _MONITOR_POWER) if column in columns]
        if _MONITOR_TIME not in columns or not self._taken:
            raise StoreError(
                f"{self.path}: not a bms-monitor database: expected a table bms_data with timestamp and current, "
                f"found {', '.join(tables) or 'no table'}"
            )
        if rest := [column for column in columns if column not in _KNOWN]:
            self.left_aside.append(harmless(f"not taken from bms_data: {', '.join(rest)}"))
        if others := [name for name in tables if name not in ("bms_data", "devices")]:
            self.left_aside.append(harmless(f"tables not taken: {', '.join(others)}"))
        self._addressed = _MONITOR_ADDRESS in columns
        if self._addressed:
            found = self._db.execute("SELECT min(rowid), device_address FROM bms_data GROUP BY 2 ORDER BY 2")
            for first, address in found:
                self._first.setdefault(harmless(str(address or ""), NAME_MOST), first)
            self.addresses = list(self._first)
        if {"address", "name"} <= set(self._columns("devices")):
            found = self._db.execute("SELECT address, name FROM devices")
            self.names = {
                str(address).upper(): name for address, told in found if (name := harmless_name(told))
            }

    def _columns(self, table: str) -> list[str]:
        return [str(row[1]) for row in self._db.execute(f"PRAGMA table_info({table})")]


def read_meters(path: Path) -> dict[str, dict[str, float]]:
    """Return the readings of a ``bms_meter_states.json``: alias, name of the meter, reading.

    Raises StoreError.
    """
    try:
        said = json.loads(path.read_bytes())
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: not JSON: {error}") from error
    meters: dict[str, dict[str, float]] = {}
    for alias, states in said.items() if isinstance(said, dict) else ():
        for name, state in states.items() if isinstance(states, dict) else ():
            reading = state.get("reading") if isinstance(state, dict) else None
            known = None if isinstance(reading, str) else _number(reading)
            if known is not None:
                meters.setdefault(harmless(alias), {})[harmless(name)] = known
    if not meters:
        raise StoreError(
            f'{path}: no meters in it; expected {{"<alias>": {{"<name>": {{"reading": 12.3}}}}}}'
        )
    return meters


def _monitor_rows(
    path: Path,
    rows: Iterable[Sequence[object]],
    taken: Sequence[str],
    zone: tzinfo | None,
    findings: Findings,
) -> Iterator[Reading]:
    for number, time, *given in rows:
        where = f"{path} bms_data row {number}"
        taken_at = _time(time if isinstance(time, str) else "", zone)
        if taken_at is None:
            findings.refuse(where, f"timestamp is {_brief(time)}; expected YYYY-MM-DD HH:MM:SS")
            continue
        raw = dict(zip(taken, given, strict=True))
        values = {ours: _number(raw.get(theirs)) for theirs, ours in _MONITOR.items()}
        power, current = _number(raw.get(_MONITOR_POWER)), values["current"]
        if power is not None and current is not None:
            values["power"] = math.copysign(power, current)
        good = _sane(values)
        if not good:
            findings.refuse(where, f"{_brief(raw)}; expected numbers of a battery")
        else:
            yield Reading(taken_at, good)


def _brief(value: object) -> str:
    """A value of one of the columns that are ours to read, for a person."""
    return harmless(repr(value), 80)


def _time(text: str, zone: tzinfo | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
        if time.tzinfo is None:
            time = time.replace(tzinfo=zone) if zone else time.astimezone()
        return time.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _number(given: object) -> float | None:
    if isinstance(given, str):
        try:
            given = float(given)
        except ValueError:
            return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        number = float(given)
    except OverflowError:  # a whole number of 400 digits
        return None
    return number if math.isfinite(number) else None


def _sane(values: Mapping[str, float | None]) -> dict[str, float]:
    good = {}
    for name, value in values.items():
        low, high = _SANE[name]
        if value is not None and low <= value <= high:
            good[name] = min(value, 100.0) if name == "battery_soc" else value
    return good


# Taking in


def take_in(
    store: HistoryStore,
    track: str,
    readings: Iterable[Reading],
    *,
    now: datetime,
    period: float,
    findings: Findings,
    progress: Callable[[int], None] | None = None,
) -> Taken:
    """Add ``readings`` to the history of ``track`` where it has nothing; a day at a time.

    Doing it again changes nothing. What lies in the future, or before clocks were set, is
    refused. ``period``: s from row to row, for a track that is new. However many there are, few are
    held at a time; of those that are not in order, some of a minute may come too late for it.
    ``progress`` is told how many were read. Raises StoreError.
    """
    days: dict[int, dict[int, Mapping[str, float]]] = {}  # rows by time; the day touched last is the last
    held = read = added = known = 0
    first = last = None
    names: dict[str, None] = {}

    def put(day: int) -> None:
        nonlocal held, added, known
        rows = days.pop(day)
        done = store.fill(_batch(track, round(period * 1000), dict(sorted(rows.items()))))
        held, added, known = held - len(rows), added + done, known + len(rows) - done

    for reading in readings:
        if not EARLIEST <= reading.taken_at <= now:
            findings.refuse(
                track, f"a reading of {reading.taken_at:%Y-%m-%d %H:%M}; expected one of the past"
            )
            continue
        time = int(reading.taken_at.timestamp() * 1000)
        day = time // DAY
        rows = days[day] = days.pop(day, {})
        if time in rows:
            known += 1
            continue
        rows[time] = reading.values
        held += 1
        read += 1
        first = min(first or reading.taken_at, reading.taken_at)
        last = max(last or reading.taken_at, reading.taken_at)
        names |= dict.fromkeys(reading.values)
        while held > HELD_MOST and len(days) > 1:
            put(next(iter(days)))
            if progress:
                progress(read)
    for day in sorted(days):
        put(day)
    return Taken(added, known, first, last, tuple(names))


def _batch(track: str, period: int, rows: Mapping[int, Mapping[str, float]]) -> Batch:
    """Return rows as if of a boot that is none of ours: no clock of ours will move them."""
    columns = [BY_NAME[name] for name in dict.fromkeys(name for values in rows.values() for name in values)]
    return Batch(
        track,
        period,
        (TIME, BOOT, OFFSET, TRUSTED, FRAMES, *(column.id for column in columns)),
        [
            (
                time,
                *(0, 0, 1, 1),
                *(
                    None if (value := values.get(column.name)) is None else round(value * column.divisor)
                    for column in columns
                ),
            )
            for time, values in rows.items()
        ],
    )
