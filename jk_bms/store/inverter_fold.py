"""Takes the inverter program's records into history, so that no chart ever scans its table.

A slice of records at a time: first what is new, then the past, newest first, so that the last
day is complete within seconds and a year within hours. Where it stands is kept in ``bms.db``
together with the rows. The table is opened when there is something to take, and closed again.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import msgspec

from jk_bms.model.foreign_text import harmless
from jk_bms.model.inverter import INVERTER as TRACK
from jk_bms.store.columns import BOOT, FRAMES, INVERTER, LASTS, OFFSET, TEMPERATURES, TIME, TRUSTED, whole
from jk_bms.store.history import Batch, Counter, Cut, HistoryStore, Row
from jk_bms.store.readings import Readings, Record, Stamp

SLICE = 500  # records read at once: some milliseconds
PERIOD = 10_000  # ms from record to record, about
RECORD_ZONE = timezone(timedelta(hours=2))  # of times without one: what the inverter program writes
AHEAD = timedelta(days=1)  # a record further in the future has a wrong time

_NAMED = {column.name: column for column in (*INVERTER, *LASTS)}
_COLUMNS = {  # key of a payload: where its value goes
    **{column.name: column for column in INVERTER},
    "battery_soc": _NAMED["battery_soc"],
    "temperature": TEMPERATURES[0],
}
_IDS = (TIME, BOOT, OFFSET, TRUSTED, FRAMES, *(column.id for column in _COLUMNS.values()))


class Place(NamedTuple):
    """A record by its id and time: the time tells whether it is still the same file."""

    id: int
    created_at: str


class Progress(NamedTuple):
    """What is in history: the records from ``oldest`` to ``newest``."""

    newest: Place
    oldest: Place
    complete: bool = False  # there is nothing before ``oldest``


def fold_inverter(records: Iterable[Record], *, now: datetime) -> Batch | None:
    """Return rows of good ``records``, in the order of their times; None when there are none.

    What is no number ("N/A") is absent; so is a record whose time cannot be read, or lies in the future.
    """
    latest = now + AHEAD
    rows: list[Row] = []
    for record in records:
        made = _time(record.created_at)
        values = _values(record)
        if made is None or made > latest or values is None:
            continue
        rows.append((round(made.timestamp() * 1000), 0, 0, 1, 1, *values))
    rows.sort(key=lambda row: row[0] or 0)
    return Batch(TRACK, PERIOD, _IDS, rows, missing_only=True) if rows else None


class InverterFolder:
    """Takes the records of ``readings`` into ``store``, a slice with each ``step``.

    ``readings`` is for the folder alone. All in the thread that calls ``step``.
    """

    def __init__(self, readings: Readings, store: HistoryStore, *, slice_size: int = SLICE) -> None:
        self._readings = readings
        self._store = store
        self._slice = slice_size
        self._generation = -1
        self._stamp: Stamp | None = None  # of the file when all of it was in history
        self._progress = _restored(store.counters().get(TRACK))

    @property
    def complete(self) -> bool:
        """Whether all there was at the last look is in history."""
        return self._progress is not None and self._progress.complete

    def step(self, now: datetime) -> bool:
        """Take in one slice; return whether there is more to take at once. Raises StoreError."""
        stamp = self._readings.stamp()
        if stamp is not None and stamp == self._stamp:
            return False
        more = False
        try:
            more = self._step(now)
            self._stamp = None if more else stamp
        finally:
            if not more:
                self._readings.close()
        return more

    def _step(self, now: datetime) -> bool:
        newest = self._readings.newest_id()
        if self._readings.generation != self._generation:
            self._generation = self._readings.generation
            if self._progress is not None and not self._same_file(self._progress):
                self._progress = None
        progress = self._progress
        if progress is not None and newest < progress.newest.id:
            progress = self._progress = None  # emptied and begun anew
        if newest == 0:
            return False
        if progress is None:
            records = self._readings.records_up_to(newest, self._slice)
            if not records:
                return False
            oldest, last = records[0], records[-1]
            after = Progress(_place(last), _place(oldest))
        elif newest > progress.newest.id:
            records = self._readings.records_after(progress.newest.id, self._slice)
            after = progress._replace(newest=_place(records[-1])) if records else progress
        elif not progress.complete:
            records = self._readings.records_up_to(progress.oldest.id - 1, self._slice)
            after = (
                progress._replace(oldest=_place(records[0])) if records else progress._replace(complete=True)
            )
        else:
            return False
        batch = fold_inverter(records, now=now)
        state = {"newest": after.newest, "oldest": after.oldest, "complete": after.complete}
        self._store.commit(Cut([batch] if batch else [], {TRACK: Counter(0, state)}, prune=False))
        self._progress = after
        return not after.complete or newest > after.newest.id

    def _same_file(self, progress: Progress) -> bool:
        for place in (progress.newest, progress.oldest):
            found = self._readings.records_after(place.id - 1, 1)
            if found and found[0].id == place.id:
                return _place(found[0]) == place
        return False


def _restored(counter: Counter | None) -> Progress | None:
    if counter is None:
        return None
    state = counter.state
    return Progress(Place(*state["newest"]), Place(*state["oldest"]), state["complete"])


def _place(record: Record) -> Place:
    return Place(record.id, harmless(str(record.created_at)))


def _time(created_at: Any) -> datetime | None:
    try:
        made = datetime.fromisoformat(created_at)
    except (TypeError, ValueError):
        return None
    made = made if made.tzinfo else made.replace(tzinfo=RECORD_ZONE)
    return made if made > datetime(1990, 1, 1, tzinfo=UTC) else None


def _values(record: Record) -> list[int | None] | None:
    if record.error is not None or not isinstance(record.payload, str):
        return None
    try:
        payload = msgspec.json.decode(record.payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return None
    values = [_number(payload.get(key), column.divisor) for key, column in _COLUMNS.items()]
    return values if any(value is not None for value in values) else None


def _number(value: Any, divisor: int) -> int | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except (ValueError, OverflowError):
            return None
    return whole(value, divisor) if isinstance(value, int | float) and not isinstance(value, bool) else None
