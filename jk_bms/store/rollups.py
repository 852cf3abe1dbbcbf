"""Sums, lows and highs of rows over minutes, quarter hours, hours and days. Pure; whole numbers.

Everything is a sum of whole numbers or a lowest or highest one, so it does not matter in which
order or in which steps rows are rolled up: the result is the same, to the last digit.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from operator import add
from typing import NamedTuple

from jk_bms.store.columns import COUNT, DERIVED, OF_ROWS, TIME, Values, derive, sources_of
from jk_bms.store.packing import Packed, pack_columns, pack_series, unpack_series

HOUR = 3_600_000  # ms
DAY = 24 * HOUR
_ENDLESS = 2**63  # above every sum
_FEW = 16  # slots in one: up to here it is quicker to go through them side by side


class Tier(NamedTuple):
    """One length of roll-ups; ``slots`` of them are kept together as a chunk."""

    number: int  # in keys of the database: never changed
    name: str
    span: int  # ms
    slots: int

    @property
    def chunk(self) -> int:
        """The time that a chunk covers, in ms."""
        return self.span * self.slots


MINUTES = Tier(1, "1 min", 60_000, 60)
QUARTERS = Tier(2, "15 min", 900_000, 96)
HOURS = Tier(3, "1 h", HOUR, 24)
DAYS = Tier(4, "1 d", DAY, 32)
TIERS = (MINUTES, QUARTERS, HOURS, DAYS)


class Rolled(NamedTuple):
    """One column over slots of time. ``None``: no value in the slot."""

    sums: list[int | None]
    lows: list[int | None]
    highs: list[int | None]
    counts: list[int | None] | None = None  # None: a value in each row


class Chunk(NamedTuple):
    """Roll-ups of some columns over slots of time, one after the other."""

    counts: list[int | None]  # rows in each slot; None or 0: a gap
    columns: dict[int, Rolled]


def roll(columns: Mapping[int, Values], start: int, span: int, slots: int) -> Chunk:
    """Roll rows, sorted by TIME and from ``start`` ms on, into ``slots`` slots of ``span`` ms."""
    times: Sequence[int] = columns[TIME]  # type: ignore[assignment]
    bounds = [bisect_left(times, start + slot * span) for slot in range(slots + 1)]
    edges = list(pairwise(bounds))
    full = all(a < b for a, b in edges)
    counts: list[int | None] = [b - a or None for a, b in edges]
    rolled = {}
    for column, values in columns.items():
        if column in OF_ROWS:
            continue
        if None in values:
            one = _roll_sparse(values, edges)
            if one is not None:
                rolled[column] = one
        elif full:
            parts = [values[a:b] for a, b in edges]
            rolled[column] = Rolled(
                list(map(sum, parts)),  # type: ignore[arg-type]
                list(map(min, parts)),  # type: ignore[arg-type]
                list(map(max, parts)),  # type: ignore[arg-type]
            )
        else:
            some = [values[a:b] if a < b else None for a, b in edges]
            rolled[column] = Rolled(
                [part and sum(part) for part in some],  # type: ignore[misc,arg-type]
                [part and min(part) for part in some],  # type: ignore[misc,type-var]
                [part and max(part) for part in some],  # type: ignore[misc,type-var]
            )
    return Chunk(counts, rolled)


def _roll_sparse(values: Values, edges: Sequence[tuple[int, int]]) -> Rolled | None:
    parts = [[value for value in values[a:b] if value is not None] for a, b in edges]
    if not any(parts):
        return None
    return Rolled(
        [sum(part) if part else None for part in parts],
        [min(part) if part else None for part in parts],
        [max(part) if part else None for part in parts],
        [len(part) or None for part in parts],
    )


def with_derived(columns: Mapping[int, Values]) -> dict[int, Values]:
    """Return rows with the columns that follow from them."""
    whole = dict(columns)
    for column in DERIVED:
        sources = sources_of(column.id) or frozenset()
        values = derive(column.id, [columns[one] for one in columns if one in sources])
        if values is not None:
            whole[column.id] = values
    return whole


def coarser(chunk: Chunk, factor: int) -> Chunk:
    """Return ``chunk`` with each ``factor`` slots in one; the last may be of fewer."""
    return Chunk(
        _added(chunk.counts, factor),
        {
            column: Rolled(
                _added(rolled.sums, factor),
                _lowest(rolled.lows, factor),
                _highest(rolled.highs, factor),
                None if rolled.counts is None else _added(rolled.counts, factor),
            )
            for column, rolled in chunk.columns.items()
        },
    )


def _added(values: Values, factor: int) -> list[int | None]:
    return _together(values, factor, 0, _sums)


def _lowest(values: Values, factor: int) -> list[int | None]:
    return _together(values, factor, _ENDLESS, partial(_extremes, min))


def _highest(values: Values, factor: int) -> list[int | None]:
    return _together(values, factor, -_ENDLESS, partial(_extremes, max))


def _together(
    values: Values, factor: int, neutral: int, fold: Callable[[list[int], int], list[int]]
) -> list[int | None]:
    """Fold each ``factor`` values into one; None counts as ``neutral``, and nothing but None stays None."""
    if factor == 1:
        return list(values)
    whole = list(values) + [None] * (-len(values) % factor)
    holes = _fill(whole, neutral)
    folded: list[int | None] = list(fold(whole, factor))  # type: ignore[arg-type]
    missing: dict[int, int] = {}
    for hole in holes:
        missing[hole // factor] = missing.get(hole // factor, 0) + 1
    for group, count in missing.items():
        if count == factor:
            folded[group] = None
    return folded


def _fill(values: list[int | None], neutral: int) -> list[int]:
    """Put ``neutral`` in the place of each None; return where. Few are missing, so they are sought."""
    holes = []
    at = -1
    with suppress(ValueError):
        while True:
            at = values.index(None, at + 1)
            values[at] = neutral
            holes.append(at)
    return holes


def _sums(values: list[int], factor: int) -> list[int]:
    if factor > _FEW:
        return [sum(values[at : at + factor]) for at in range(0, len(values), factor)]
    total = values[::factor]
    for nth in range(1, factor):
        total = list(map(add, total, values[nth::factor]))
    return total


def _extremes(pick: Callable[..., int], values: list[int], factor: int) -> list[int]:
    if factor > _FEW:
        return [pick(values[at : at + factor]) for at in range(0, len(values), factor)]
    return list(map(pick, *(values[nth::factor] for nth in range(factor))))


def merged(a: Chunk, b: Chunk) -> Chunk:
    """Return what two chunks over the same slots say together."""
    columns = dict(a.columns)
    for column, rolled in b.columns.items():
        mine = columns.get(column)
        if mine is None:
            counts = rolled.counts or [
                n if s is not None else None for n, s in zip(b.counts, rolled.sums, strict=True)
            ]
            columns[column] = rolled._replace(counts=counts)
        else:
            columns[column] = Rolled(
                _both(_sum, mine.sums, rolled.sums),
                _both(min, mine.lows, rolled.lows),
                _both(max, mine.highs, rolled.highs),
                _both(_sum, mine.counts or _counts(a, mine), rolled.counts or _counts(b, rolled)),
            )
    for column in a.columns.keys() - b.columns.keys():
        columns[column] = columns[column]._replace(counts=_counts(a, columns[column]))
    return Chunk(_both(_sum, a.counts, b.counts), columns)


def _counts(chunk: Chunk, rolled: Rolled) -> list[int | None]:
    if rolled.counts is not None:
        return rolled.counts
    return [n if s is not None else None for n, s in zip(chunk.counts, rolled.sums, strict=True)]


def _sum(a: int, b: int) -> int:
    return a + b


def _both(pick: object, a: Values, b: Values) -> list[int | None]:
    return [y if x is None else x if y is None else pick(x, y) for x, y in zip(a, b, strict=True)]  # type: ignore[operator]


def overlaid(chunk: Chunk, part: Chunk, at: int) -> Chunk:
    """Return ``chunk`` and, from slot ``at`` on, what ``part`` says as well."""
    end = at + len(part.counts)
    under = Chunk(
        chunk.counts[at:end],
        {
            column: Rolled(
                rolled.sums[at:end],
                rolled.lows[at:end],
                rolled.highs[at:end],
                None if rolled.counts is None else rolled.counts[at:end],
            )
            for column, rolled in chunk.columns.items()
        },
    )
    if any(under.counts):
        part = merged(under, part)
    before: list[int | None] = [None] * len(chunk.counts)
    columns = {}
    for column, rolled in part.columns.items():
        old = chunk.columns.get(column, Rolled(before, before, before))
        counts = None
        if old.counts is not None or rolled.counts is not None:
            counts = _laid_over(old.counts or _counts(chunk, old), rolled.counts or _counts(part, rolled), at)
        columns[column] = Rolled(
            _laid_over(old.sums, rolled.sums, at),
            _laid_over(old.lows, rolled.lows, at),
            _laid_over(old.highs, rolled.highs, at),
            counts,
        )
    for column, rolled in chunk.columns.items():
        if column not in columns:
            columns[column] = rolled._replace(counts=_counts(chunk, rolled))
    return Chunk(_laid_over(chunk.counts, part.counts, at), columns)


def _laid_over(values: Values, part: Values, at: int) -> list[int | None]:
    whole = list(values)
    whole[at : at + len(part)] = part
    return whole


def replaced(chunk: Chunk | None, part: Chunk | None, first: int, slots: int) -> Chunk:
    """Return ``chunk`` with the ``slots`` slots from ``first`` on as in ``part`` (None: emptied)."""
    length = max(len(chunk.counts) if chunk else 0, first + slots)
    end = first + slots
    empty: list[int | None] = [None] * slots

    def put(old: Values | None, new: Values | None) -> list[int | None]:
        whole = list(old or ()) + [None] * (length - len(old or ()))
        whole[first:end] = new if new is not None else empty
        return whole

    old_columns = chunk.columns if chunk else {}
    new_columns = part.columns if part else {}
    columns = {}
    for column in dict.fromkeys((*old_columns, *new_columns)):
        old, new = old_columns.get(column), new_columns.get(column)
        counts = None
        if (old and old.counts) or (new and new.counts) or old is None or new is None:
            old_counts = None if old is None or chunk is None else _counts(chunk, old)
            new_counts = None if new is None or part is None else _counts(part, new)
            counts = put(old_counts, new_counts)
        rolled = Rolled(
            put(old and old.sums, new and new.sums),
            put(old and old.lows, new and new.lows),
            put(old and old.highs, new and new.highs),
            counts,
        )
        if any(value is not None for value in rolled.sums):
            columns[column] = rolled
    return Chunk(put(chunk and chunk.counts, part and part.counts), columns)


def pack_chunk(chunk: Chunk) -> bytes:
    """Return ``chunk`` as bytes, without the empty slots at its end; empty when all are."""
    used = len(chunk.counts)
    while used and not chunk.counts[used - 1]:
        used -= 1
    if not used:
        return b""
    packed = {COUNT: pack_series(chunk.counts[:used])}
    for column, rolled in sorted(chunk.columns.items()):
        counts = b"\0"
        if rolled.counts is not None and rolled.counts[:used] != chunk.counts[:used]:
            counts = pack_series(rolled.counts[:used])
        packed[column] = (
            pack_series(rolled.sums[:used])
            + pack_series(rolled.lows[:used])
            + pack_series(rolled.highs[:used])
            + counts
        )
    return pack_columns(used, packed)


def unpack_chunk(raw: bytes, wanted: Iterable[int] | None = None) -> Chunk:
    """Return the chunk in ``raw``, with the ``wanted`` columns only when given."""
    packed = Packed(raw)
    counts = packed.series(COUNT)
    assert counts is not None  # each chunk has it
    columns = {}
    for column in packed.ids if wanted is None else wanted:
        at = packed.at(column)
        if at is None or column == COUNT:
            continue
        sums, at = unpack_series(raw, at, packed.count)
        lows, at = unpack_series(raw, at, packed.count)
        highs, at = unpack_series(raw, at, packed.count)
        own = None if raw[at] == 0 else unpack_series(raw, at, packed.count)[0]
        columns[column] = Rolled(sums, lows, highs, own)
    return Chunk(counts, columns)
