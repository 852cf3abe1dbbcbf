"""Temperatures of rows and roll-ups that were written before probes had numbers. Pure.

Those that were there stood one after the other in columns 40 to 49. Mostly their place was their number;
the third, where it equals the temperature of the MOSFETs, was a copy of that and no probe.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import TypeVar

from jk_bms.store.columns import BY_NAME, TEMPERATURES, Values
from jk_bms.store.rollups import Chunk, Rolled

OLD = tuple(range(40, 50))
_MOSFETS = BY_NAME["mosfet_temperature"].id
_WARMEST = BY_NAME["temperature"].id
_NUMBERED = tuple(column.id for column in TEMPERATURES)
_AFFECTED = frozenset((*_NUMBERED, _WARMEST))
_THIRD = 2  # its place, counted from 0
_FOUR = (0, 1, 3, 4)  # places of four probes: a board that has four lacks the third

T = TypeVar("T")
_Slot = tuple[int, int, int, int]  # sum, lowest, highest, count


def sources(wanted: Iterable[int]) -> frozenset[int]:
    """Return the columns that must be read besides the ``wanted`` ones, where there are old rows."""
    return frozenset((*OLD, _MOSFETS)) if _AFFECTED.intersection(wanted) else frozenset()


def numbered(columns: Mapping[int, Values]) -> Mapping[int, Values]:
    """Return rows with each temperature in the column of its probe."""
    if not any(column in columns for column in OLD):
        return columns
    old = zip(*(columns.get(column) or repeat(None) for column in (_MOSFETS, *OLD)), strict=False)
    count = max(len(columns[column]) for column in OLD if column in columns)
    rows = [_by_number(values, mosfets) for (mosfets, *values), _ in zip(old, range(count), strict=False)]
    whole = {column: values for column, values in columns.items() if column not in OLD}
    for place, column in enumerate(_NUMBERED):
        if any(place in row for row in rows):
            newer = whole.get(column) or repeat(None)
            whole[column] = [
                row.get(place) if new is None else new for row, new in zip(rows, newer, strict=False)
            ]
    return whole


def numbered_chunk(chunk: Chunk) -> Chunk:
    """Return roll-ups likewise. Where the warmest may have been the MOSFETs, it is the probe that was on the mean."""
    if not any(column in chunk.columns for column in OLD):
        return chunk
    old = [_slots(chunk, column) for column in OLD]
    rows = [
        _by_number(values, mosfets) for mosfets, *values in zip(_slots(chunk, _MOSFETS), *old, strict=True)
    ]
    columns = {column: rolled for column, rolled in chunk.columns.items() if column not in OLD}
    for place, column in enumerate(_NUMBERED):
        if any(place in row for row in rows):
            newer = _slots(chunk, column)
            columns[column] = _rolled(
                [row.get(place) if new is None else new for row, new in zip(rows, newer, strict=True)]
            )
    warmest = [
        _warmest(row) if third is not None and _THIRD not in row and row else known
        for third, row, known in zip(old[_THIRD], rows, _slots(chunk, _WARMEST), strict=True)
    ]
    if any(warmest):
        columns[_WARMEST] = _rolled(warmest)
    return Chunk(chunk.counts, columns)


def _by_number(values: Sequence[T | None], mosfets: T | None) -> dict[int, T]:
    """Return the temperatures of one row or slot by the numbers of their probes, counted from 0."""
    found = {place: value for place, value in enumerate(values) if value is not None}
    if tuple(found) == (0, 1, 2, 3) and found[_THIRD] != mosfets:
        return dict(zip(_FOUR, found.values(), strict=True))
    if found.get(_THIRD) == mosfets:
        found.pop(_THIRD, None)
    return found


def _slots(chunk: Chunk, column: int) -> list[_Slot | None]:
    rolled = chunk.columns.get(column)
    if rolled is None:
        return [None] * len(chunk.counts)
    counts = chunk.counts if rolled.counts is None else rolled.counts
    return [
        None if one[0] is None else one  # type: ignore[misc]
        for one in zip(rolled.sums, rolled.lows, rolled.highs, counts, strict=True)
    ]


def _rolled(slots: Sequence[_Slot | None]) -> Rolled:
    sums, lows, highs, counts = zip(*(slot or (None,) * 4 for slot in slots), strict=True)
    return Rolled(list(sums), list(lows), list(highs), list(counts))


def _warmest(row: Mapping[int, _Slot]) -> _Slot:
    total, _, _, count = max(row.values(), key=lambda slot: slot[0] / slot[3])
    return total, max(slot[1] for slot in row.values()), max(slot[2] for slot in row.values()), count
