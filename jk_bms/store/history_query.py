"""Reads history out of ``bms.db``: a series for a chart, every row for an export.

Rows that are committed but not yet in a block or rolled up are part of every answer.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from jk_bms.errors import StoreError
from jk_bms.model.inverter import is_inverter
from jk_bms.store import rollups, unnumbered
from jk_bms.store.blocks import Columns, decode_block, in_order, joined
from jk_bms.store.bms_db import BmsDbReader
from jk_bms.store.columns import BOOT, BY_ID, BY_NAME, OF_ROWS, OFFSET, TIME, TRUSTED, Column, sources_of
from jk_bms.store.history import block_key, key_of, recent_key, recent_time
from jk_bms.store.packing import Packed
from jk_bms.store.rollups import DAY, DAYS, HOUR, HOURS, MINUTES, QUARTERS, TIERS, Chunk, Rolled, Tier

FEWEST = 3  # a tier that gives less than a third of the points asked for is too coarse
ROWS = "rows"  # the name of the finest tier
_NOTHING = Chunk([], {})


class Values(NamedTuple):
    """One quantity of a series. ``None``: no value at that time."""

    mean: list[float | None]
    min: list[float | None]
    max: list[float | None]


class Series(NamedTuple):
    """Values of a track at even steps; each belongs to the ``step`` s that begin at its time."""

    track: str
    tier: str  # what it was made from: rows, 1 min, 15 min, 1 h, 1 d
    step: float  # s
    times: list[float]  # s since 1970, UTC
    values: dict[str, Values]


class Track(NamedTuple):
    """What rows there are of a device, or of the inverter."""

    name: str  # the battery's address, or that of inverters (model.inverter)
    period: float  # s from row to row
    first: datetime | None  # of the oldest row or roll-up
    last: datetime | None


class DayTotals(NamedTuple):
    """What went in and out of a pack on one day. ``None``: its meters were not known."""

    charged_kwh: float | None
    discharged_kwh: float | None
    charged_ah: float | None
    discharged_ah: float | None


class StoredSample(NamedTuple):
    """One row: a period of frames in numbers."""

    taken_at: datetime  # its beginning
    clock_trusted: bool
    values: dict[str, float]  # what is absent has no key


def tracks(reader: BmsDbReader) -> list[Track]:
    """Return what there is, in the order in which it was first seen."""
    with reader.reading() as db:
        rows = db.execute("SELECT number, name, period FROM tracks ORDER BY number").fetchall()
        return [Track(name, period / 1000, *_span(db, number)) for number, name, period in rows]


def query(
    reader: BmsDbReader,
    track: str,
    quantities: Sequence[str],
    start: datetime,
    end: datetime,
    points: int,
) -> Series:
    """Return ``quantities`` of ``track`` from ``start`` to before ``end``, at most ``points`` of each.

    They come from the coarsest roll-ups of which at least a third as many as ``points`` lie in
    that time, several taken together where there are more. Raises ValueError for a quantity,
    StoreError for a track that is not known.
    """
    wanted = {name: _column(name) for name in quantities}
    first, last = int(start.timestamp() * 1000), int(end.timestamp() * 1000)
    if last <= first or points < 1:
        raise ValueError(
            f"from {start} to {end}, {points} points: expected a later end and at least one point"
        )
    with reader.reading() as db:
        number, period, open_day = _track(db, track)
        tier = _choose(db, number, first, last, points)
        span = period if tier is None else tier.span
        first -= first % span
        factor = max(1, -(-(last - first) // (span * points)))
        # Steps begin at whole multiples of themselves, so that a moving chart keeps its shape.
        while _steps(first, last, span * factor) > points and points > 1:
            factor += 1
        step = span * factor
        begin = first - first % step
        slots = _steps(first, last, step) * factor
        read = _Reader(db, number, [column.id for column in wanted.values()], begin, span, slots, first, last)
        if tier is None:
            grid = read.rows()
        elif tier is DAYS:
            grid = read.days(open_day)
        else:
            grid = read.chunks(tier)
    merged = rollups.coarser(grid, factor) if factor > 1 else grid
    length = slots // factor
    return Series(
        track,
        ROWS if tier is None else tier.name,
        step / 1000,
        [(begin + slot * step) / 1000 for slot in range(length)],
        {name: _values(merged, column, length) for name, column in wanted.items()},
    )


def daily_totals(reader: BmsDbReader, track: str, days: int, now: datetime) -> dict[str, DayTotals]:
    """Return what went in and out on the last ``days`` days by date, oldest first, the day of ``now`` last.

    Days are those of the zone of ``now``; those without rows are left out. It is what the meters rose
    by: where they were set by a person, that too. Hours are kept for ever, so any day can be
    asked for (in zones that are not whole hours off UTC: of the last two years). Raises ValueError
    for ``now`` without a zone, StoreError for a track that is not known.
    """
    if now.tzinfo is None or days < 1:
        raise ValueError(f"{days} days until {now}: expected at least one, and a time with a zone")
    dates = [now.date() - timedelta(days=back) for back in range(days - 1, -2, -1)]
    midnights = [
        int(datetime(date.year, date.month, date.day, tzinfo=now.tzinfo).timestamp() * 1000) for date in dates
    ]
    tier = QUARTERS if any(midnight % HOUR for midnight in midnights) else HOURS
    begin, end = midnights[0], midnights[-1]
    wanted = [BY_NAME[name] for name in DayTotals._fields]
    with reader.reading() as db:
        number, _, _ = _track(db, track)
        # An hour more in front: its highest value is where the first day began.
        begin -= HOUR
        slots = (end - begin) // tier.span
        ids = [column.id for column in wanted]
        grid = _Reader(db, number, ids, begin, tier.span, slots, begin, end).chunks(tier)
    edges = [(midnight - begin) // tier.span for midnight in midnights]
    parts = [_rises(grid.columns[column.id], edges, column.divisor) for column in wanted]
    return {
        date.isoformat(): DayTotals(*rises)
        for date, (first, last), *rises in zip(dates, pairwise(edges), *parts, strict=False)
        if any(grid.counts[first:last])
    }


def _rises(rolled: Rolled, edges: Sequence[int], divisor: int) -> list[float | None]:
    """What a meter rose by from edge to edge, slots given by their numbers; None: it was not known there."""
    risen: list[int | None] = [None] * (len(edges) - 1)
    before: int | None = None
    day = -1  # the slots before the first edge belong to no day
    for slot, (low, high) in enumerate(zip(rolled.lows, rolled.highs, strict=True)):
        if day + 1 < len(edges) and slot >= edges[day + 1]:
            day += 1
        if low is None or high is None:
            continue
        since = low if before is None else before
        if day >= 0:
            risen[day] = (risen[day] or 0) + max(0, high - since)
        # Where it began anew within the slot it is not known at what it ended: the next one begins by itself.
        before = high if low >= since else None
    return [None if each is None else each / divisor for each in risen]


def samples(
    reader: BmsDbReader, track: str, start: datetime, end: datetime, *, derived: bool = False
) -> Iterator[StoredSample]:
    """Yield every row of ``track`` from ``start`` to before ``end``, in order; an hour is read at a time.

    ``derived``: with the quantities that follow from a row.
    """
    first, last = int(start.timestamp() * 1000), int(end.timestamp() * 1000)
    with reader.reading() as db:
        number, _, _ = _track(db, track)
        hours = _hours(db, number, first, last)
    for hour in hours:
        with reader.reading() as db:
            columns: Mapping[int, Any] = _hour(db, number, hour, None)
            if derived:
                columns = rollups.with_derived(columns)
        named = [
            (BY_ID[column], values)
            for column, values in columns.items()
            if column in BY_ID and column not in OF_ROWS
        ]
        trusted = columns[TRUSTED]
        for index, time in enumerate(columns[TIME]):
            if time is not None and first <= time < last:
                yield StoredSample(
                    datetime.fromtimestamp(time / 1000, UTC),
                    bool(trusted[index]),
                    {
                        c.name: value / c.divisor
                        for c, values in named
                        if (value := values[index]) is not None
                    },
                )


class Place(NamedTuple):
    """A moment that stays where it is when the clock is set right. ``time``: what the clock said, in ms."""

    boot: str
    at: int  # ms since that boot
    time: int


class PlacedRow(NamedTuple):
    """A row with its place; ``number`` orders boots."""

    number: int
    place: Place
    values: dict[str, float]


def rows_after(reader: BmsDbReader, track: str, place: Place) -> Iterator[list[PlacedRow]]:
    """Yield what ``track`` has after ``place`` and knows the time of, an hour at a time.

    What was imported is left out. Raises LookupError for a boot that is not known, StoreError.
    """
    with reader.reading() as db:
        of = db.execute("SELECT number, period FROM tracks WHERE name = ?", (track,)).fetchone()
        boots = {row[0]: row[1:] for row in db.execute("SELECT number, boot_id, clock_offset FROM boots")}
        since = next((n for n, (boot, _) in boots.items() if boot == place.boot), None)
        if since is None:
            raise LookupError(place.boot)
        if of is None:
            return
        number, period = of
        # The clock may have been set since, and then rows up to the last confirmed time stayed where they were.
        first = min(place.time, place.at + boots[since][1]) - period
        hours = _hours(db, number, first, 1 << 43)
    for hour in hours:
        with reader.reading() as db:
            columns = _hour(db, number, hour, None)
        named = [(BY_ID[id], values) for id, values in columns.items() if id in BY_ID and id not in OF_ROWS]
        found = []
        of_rows = zip(*(columns[column] for column in (TIME, BOOT, OFFSET, TRUSTED)), strict=True)
        for index, (time, boot, offset, trusted) in enumerate(of_rows):
            if not trusted or time is None or boot is None or offset is None:
                continue
            after = (boot, time - offset) > (since, place.at)
            if (
                not boot
            ):  # from records of another program, which knows no boots; of a battery they were imported
                after, boot = is_inverter(track) and time > place.time, max(boots)
                offset = boots[boot][1]
            if after:
                values = {c.name: v[index] / c.divisor for c, v in named if v[index] is not None}  # type: ignore[operator]
                found.append(PlacedRow(boot, Place(boots.get(boot, ("",))[0], time - offset, time), values))
        if found:
            yield sorted(found, key=lambda row: (row.number, row.place.at))


class _Reader:
    """Fills a grid of ``slots`` slots of ``span`` ms from ``begin`` on; outside first .. last it stays empty."""

    def __init__(
        self,
        db: sqlite3.Connection,
        track: int,
        wanted: Sequence[int],
        begin: int,
        span: int,
        slots: int,
        first: int,
        last: int,
    ) -> None:
        self.db, self.track, self.wanted = db, track, tuple(wanted)
        self.begin, self.span, self.slots = begin, span, slots
        self.first, self.last = first, last
        self.derived = any(sources_of(column) for column in wanted)
        self.stored = set(wanted) | {one for column in wanted for one in sources_of(column) or ()}
        self.stored |= unnumbered.sources(self.stored)

    def chunks(self, tier: Tier) -> Chunk:
        """What is rolled up in ``tier``, and the recent rows."""
        base = key_of(self.track, tier, 0)
        found = self.db.execute(
            "SELECT key, data FROM rollups WHERE key BETWEEN ? AND ? ORDER BY key",
            (base + self.first // tier.chunk, base + (self.last - 1) // tier.chunk),
        ).fetchall()
        parts = [((key - base) * tier.chunk, _unpacked(data, self.wanted)) for key, data in found]
        return self._with_recent(self._laid(parts))

    def days(self, open_day: int) -> Chunk:
        """What is rolled up in days, the hours of the days that are not over, and the recent rows."""
        grid = self.chunks_only(DAYS)
        base = key_of(self.track, HOURS, 0)
        found = self.db.execute(
            "SELECT key, data FROM rollups WHERE key BETWEEN ? AND ? ORDER BY key",
            (base + max(open_day, self.first // DAY), base + (self.last - 1) // DAY),
        ).fetchall()
        parts = [
            ((key - base) * DAY, rollups.coarser(_unpacked(data, self.wanted), HOURS.slots))
            for key, data in found
        ]
        if parts:
            grid = rollups.merged(grid, self._laid(parts))
        return self._with_recent(grid)

    def chunks_only(self, tier: Tier) -> Chunk:
        """What is rolled up in ``tier``."""
        base = key_of(self.track, tier, 0)
        found = self.db.execute(
            "SELECT key, data FROM rollups WHERE key BETWEEN ? AND ? ORDER BY key",
            (base + self.first // tier.chunk, base + (self.last - 1) // tier.chunk),
        ).fetchall()
        return self._laid([((key - base) * tier.chunk, _unpacked(data, self.wanted)) for key, data in found])

    def rows(self) -> Chunk:
        """Each row by itself, from blocks and recent rows."""
        hours = _hours(self.db, self.track, self.first, self.last)
        parts = [_hour(self.db, self.track, hour, self.stored) for hour in hours]
        empty = Chunk([None] * self.slots, {})
        return self._with_rows(empty, joined([(one, len(one[TIME])) for one in parts])[0]) if parts else empty

    def _with_recent(self, grid: Chunk) -> Chunk:
        parts = _recent(self.db, self.track, self.first, self.last, self.stored)
        return self._with_rows(grid, in_order(joined(parts)[0], TIME)) if parts else grid

    def _with_rows(self, grid: Chunk, columns: Columns) -> Chunk:
        times: list[int] = columns[TIME]  # type: ignore[assignment]
        low, high = bisect_left(times, self.first), bisect_left(times, self.last)
        if low == high:
            return grid
        if (low, high) != (0, len(times)):
            columns = {column: values[low:high] for column, values in columns.items()}
        at = (times[low] - self.begin) // self.span
        slots = (times[high - 1] - self.begin) // self.span - at + 1
        whole = rollups.with_derived(columns) if self.derived else columns
        some = {column: whole[column] for column in (TIME, *self.wanted) if column in whole}
        return rollups.overlaid(grid, rollups.roll(some, self.begin + at * self.span, self.span, slots), at)

    def _laid(self, parts: list[tuple[int, Chunk]]) -> Chunk:
        """Lay chunks, each with the time of its first slot, side by side on the grid."""
        counts: list[int | None] = []
        laid: list[tuple[int, int, Chunk]] = []  # which slots of which chunk, in the order of the grid
        own: set[int] = set()  # columns that need counts of their own
        early = (self.first - self.begin) // self.span  # slots of the first step before ``first``
        late = -((self.begin - self.last) // self.span)  # and the first slot of the last step behind ``last``
        for time, chunk in parts:
            at = (time - self.begin) // self.span
            cut = max(0, early - at)
            end = min(len(chunk.counts), late - at)
            if end <= cut:
                continue
            if gap := at + cut - len(counts):
                counts += [None] * gap
                laid.append((0, gap, _NOTHING))
            counts += chunk.counts[cut:end]
            laid.append((cut, end, chunk))
            own.update(
                column
                for column in self.wanted
                if (rolled := chunk.columns.get(column)) is None or rolled.counts is not None
            )
        if rest := self.slots - len(counts):
            counts += [None] * rest
            laid.append((0, rest, _NOTHING))
        columns = {}
        for column in self.wanted:
            sums: list[int | None] = []
            lows: list[int | None] = []
            highs: list[int | None] = []
            numbers: list[int | None] = []
            for cut, end, chunk in laid:
                rolled = chunk.columns.get(column)
                if rolled is None:
                    empty: list[int | None] = [None] * (end - cut)
                    sums += empty
                    lows += empty
                    highs += empty
                    numbers += empty
                    continue
                sums += rolled.sums[cut:end]
                lows += rolled.lows[cut:end]
                highs += rolled.highs[cut:end]
                if column in own:
                    numbers += (chunk.counts if rolled.counts is None else rolled.counts)[cut:end]
            columns[column] = Rolled(sums, lows, highs, numbers if column in own else None)
        return Chunk(counts, columns)


@lru_cache(maxsize=32)
def _unpacked(data: bytes, wanted: tuple[int, ...]) -> Chunk:
    """A chunk of roll-ups. The hours of a day that are over are read again with each look at a chart."""
    return unnumbered.numbered_chunk(rollups.unpack_chunk(data, {*wanted, *unnumbered.sources(wanted)}))


def _column(name: str) -> Column:
    column = BY_NAME.get(name)
    if column is None:
        raise ValueError(f"quantity is {name!r}; expected one of {', '.join(BY_NAME)}")
    return column


def _track(db: sqlite3.Connection, name: str) -> tuple[int, int, int]:
    row = db.execute("SELECT number, period, open_day FROM tracks WHERE name = ?", (name,)).fetchone()
    if row is None:
        known = ", ".join(known for [known] in db.execute("SELECT name FROM tracks ORDER BY number"))
        raise StoreError(f"history: nothing of {name!r}; there is {known or 'nothing at all yet'}")
    return row  # type: ignore[no-any-return]


def _choose(db: sqlite3.Connection, track: int, first: int, last: int, points: int) -> Tier | None:
    """Return the tier for a series; None: the rows themselves."""
    fine = [tier for tier in reversed(TIERS) if (last - first) // tier.span * FEWEST >= points]
    if not fine:
        [oldest] = db.execute(
            "SELECT min(key) FROM blocks WHERE key BETWEEN ? AND ?",
            (block_key(track, 0), block_key(track + 1, 0) - 1),
        ).fetchone()
        if oldest is None or (oldest - block_key(track, 0)) * HOUR <= first:
            return None
        fine = [MINUTES]
    # What is too old for the tier may still be there in a coarser one.
    best = fine[0]
    for tier in TIERS[TIERS.index(best) :]:
        base = key_of(track, tier, 0)
        [oldest] = db.execute(
            "SELECT min(key) FROM rollups WHERE key BETWEEN ? AND ?", (base, base + (1 << 36) - 1)
        ).fetchone()
        if tier is DAYS or oldest is None or (oldest - base) * tier.chunk <= first:
            break
        coarser = TIERS[TIERS.index(tier) + 1]
        other = key_of(track, coarser, 0)
        [older] = db.execute(
            "SELECT min(key) FROM rollups WHERE key BETWEEN ? AND ?", (other, other + (1 << 36) - 1)
        ).fetchone()
        if older is None or (older - other) * coarser.chunk + coarser.chunk > (oldest - base) * tier.chunk:
            break  # nor does the coarser one reach further back
        best = coarser
    return best


def _steps(first: int, last: int, step: int) -> int:
    return -(-last // step) - first // step


def _hours(db: sqlite3.Connection, track: int, first: int, last: int) -> list[int]:
    """The hours from ``first`` to ``last`` ms of which there are rows."""
    base = block_key(track, 0)
    blocks = db.execute(
        "SELECT key FROM blocks WHERE key BETWEEN ? AND ?", (base + first // HOUR, base + (last - 1) // HOUR)
    ).fetchall()
    recent = db.execute(
        "SELECT key FROM recent WHERE key >= ? AND key < ?",
        (recent_key(track, first - first % HOUR), recent_key(track, last)),
    ).fetchall()
    return sorted({key - base for [key] in blocks} | {recent_time(key) // HOUR for [key] in recent})


def _hour(db: sqlite3.Connection, track: int, hour: int, wanted: set[int] | None) -> Columns:
    """The rows of an hour in order."""
    parts = _recent(db, track, hour * HOUR, (hour + 1) * HOUR, wanted)
    row = db.execute("SELECT data FROM blocks WHERE key = ?", (block_key(track, hour),)).fetchone()
    if row is not None:
        columns, count = decode_block(row[0])
        if wanted is not None:
            columns = {column: columns[column] for column in columns if column in wanted or column in OF_ROWS}
        parts.insert(0, (unnumbered.numbered(columns), count))
    return in_order(joined(parts)[0], TIME)


def _recent(
    db: sqlite3.Connection, track: int, first: int, last: int, wanted: set[int] | None
) -> list[tuple[Mapping[int, Any], int]]:
    """Recent rows that may lie in this time: the entries of its hours."""
    rows = db.execute(
        "SELECT data FROM recent WHERE key >= ? AND key < ? ORDER BY key",
        (recent_key(track, first - first % HOUR), recent_key(track, last)),
    ).fetchall()
    parts: list[tuple[Mapping[int, Any], int]] = []
    for [data] in rows:
        packed = Packed(data)
        columns = {
            column: series
            for column in (packed.ids if wanted is None else (TIME, *wanted))
            if (series := packed.series(column)) is not None
        }
        parts.append((unnumbered.numbered(columns), packed.count))
    return parts


def _span(db: sqlite3.Connection, track: int) -> tuple[datetime | None, datetime | None]:
    starts = []
    for tier in (MINUTES, QUARTERS, HOURS, DAYS):
        base = key_of(track, tier, 0)
        row = db.execute(
            "SELECT key, data FROM rollups WHERE key BETWEEN ? AND ? ORDER BY key LIMIT 1",
            (base, base + (1 << 36) - 1),
        ).fetchone()
        if row is not None:
            counts = rollups.unpack_chunk(row[1], ()).counts
            slot = next(index for index, count in enumerate(counts) if count)
            starts.append((row[0] - base) * tier.chunk + slot * tier.span)
    first, last = db.execute(
        "SELECT min(key), max(key) FROM recent WHERE key >= ? AND key < ?",
        (recent_key(track, 0), recent_key(track + 1, 0)),
    ).fetchone()
    if first is not None:
        starts.append(recent_time(first))
        [data] = db.execute("SELECT data FROM recent WHERE key = ?", (last,)).fetchone()
        end = max(t for t in Packed(data).series(TIME) or [0] if t is not None)
    else:
        [block] = db.execute(
            "SELECT max(key) FROM blocks WHERE key >= ? AND key < ?",
            (block_key(track, 0), block_key(track + 1, 0)),
        ).fetchone()
        if block is None:
            return None, None
        end = max(t for t in _hour(db, track, block - block_key(track, 0), set())[TIME] if t is not None)
        starts.append((block - block_key(track, 0)) * HOUR)
    return datetime.fromtimestamp(min(starts) / 1000, UTC), datetime.fromtimestamp(end / 1000, UTC)


def _values(chunk: Chunk, column: Column, length: int) -> Values:
    rolled = chunk.columns.get(column.id)
    if rolled is None:
        return Values([None] * length, [None] * length, [None] * length)
    divisor = column.divisor
    counts = chunk.counts if rolled.counts is None else rolled.counts
    if None in rolled.sums:
        return Values(
            [
                None if s is None or not n else s / (n * divisor)
                for s, n in zip(rolled.sums, counts, strict=True)
            ],
            [None if value is None else value / divisor for value in rolled.lows],
            [None if value is None else value / divisor for value in rolled.highs],
        )
    return Values(
        [s / (n * divisor) for s, n in zip(rolled.sums, counts, strict=True)],  # type: ignore[operator]
        [value / divisor for value in rolled.lows],  # type: ignore[operator]
        [value / divisor for value in rolled.highs],  # type: ignore[operator]
    )
