"""When a house lived on its battery, and when that was full again, told by the level and by what fed the house. Pure.

The rules are those of digests that people read out of logs for years, so that a day keeps its
number of phases: they look at a measurement every ten minutes, not at every frame. A level that falls
is no time on battery while the grid is there and hardly anything flows: an inverter that stands by
empties a battery too. A log that tells of the level alone is judged by the level.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import Enum
from itertools import groupby, zip_longest
from typing import NamedTuple

FALL = 3.0  # points: less is no phase
BELOW = 90.0  # %: nor is one that ends above it
TOLERANCE = 0.5  # points that a measurement may lie above the lowest of a falling run
RISE = 1.0  # points within two measurements: the battery is being charged
FULL = 99.0  # %
REST = 3  # measurements without load and with the grid there that end a phase; fewer are a pause of the load


class Feed(Enum):
    """What fed the house in the ten minutes that begin with a measurement."""

    BATTERY = "battery"  # the grid was away, or ten minutes' worth of current came out of it
    GRID = "grid"  # it was there, and hardly anything came out of the battery
    QUIET = "quiet"  # hardly anything came out of the battery; of the grid it is not known
    UNKNOWN = "unknown"


class Level(NamedTuple):
    """A measurement."""

    at: datetime  # aware
    level: float  # %; some logs count up to 105


class Phase(NamedTuple):
    """A time on battery: the level fell until it was charged."""

    start: Level  # where the fall began
    low: Level  # the lowest, and when first
    end: datetime | None  # of the first rise; None: it goes on
    full_at: datetime | None  # the first full measurement after it; None: not full again

    @property
    def depth(self) -> float:
        """By how many points the level fell."""
        return self.start.level - self.low.level


def lowest(levels: Iterable[Level]) -> Level | None:
    """Return the first of the lowest measurements; None when there are none."""
    return min(levels, key=lambda one: one.level, default=None)


def find_phases(levels: Sequence[Level], feeds: Sequence[Feed] = ()) -> list[Phase]:
    """Return the phases in ``levels``, which are in order of time, at most one open, the last.

    ``feeds`` belong to the levels; without them all is judged by the level.
    """
    phases: list[Phase] = []
    first = 0
    while found := _next_phase(levels, first):
        phase, start, after = found
        phases += _fed_parts(levels, phase, start, after, feeds) if feeds else [phase]
        first = after
    return with_full(phases, levels)


def with_full(phases: Sequence[Phase], levels: Sequence[Level]) -> list[Phase]:
    """Return ``phases``, each with the first of ``levels`` that is full behind it where it has none yet.

    The measurement with which the next one begins is the last that counts: from a full battery falls begin.
    """
    begun = [phase.start.at for phase in phases[1:]]
    return [
        phase if phase.full_at else phase._replace(full_at=_full_after(levels, phase.end, until))
        for phase, until in zip_longest(phases, begun)
    ]


def _fed_parts(
    levels: Sequence[Level], fall: Phase, start: int, after: int, feeds: Sequence[Feed]
) -> Iterator[Phase]:
    """The parts of a ``fall`` from index ``start`` to before ``after`` in which the battery fed the house."""
    for first, last in _between_rests(feeds, start, after):
        while first < last and feeds[first] in (Feed.GRID, Feed.QUIET):
            first += 1
        while last > first and feeds[last - 1] is Feed.GRID:
            last -= 1
        inside = levels[first : min(last + 1, after)]
        unknown = sum(
            max(0.0, before.level - behind.level)
            for before, behind, feed in zip(inside, inside[1:], feeds[first:last], strict=False)
            if feed is Feed.UNKNOWN
        )
        if Feed.BATTERY not in feeds[first:last] and unknown < FALL:
            continue
        if (first, last) == (start, after):
            yield fall
        elif (low := lowest(inside)) is not None and _fell(inside[0].level, low.level):
            yield Phase(inside[0], low, fall.end if last == after else levels[last].at, None)


def _between_rests(feeds: Sequence[Feed], start: int, after: int) -> Iterator[tuple[int, int]]:
    """From index to before index, without the times in which the house rested on the grid."""
    begin = index = start
    for feed, group in groupby(feeds[start:after]):
        length = len(list(group))
        if feed is Feed.GRID and length >= REST:
            if begin < index:
                yield begin, index
            begin = index + length
        index += length
    if begin < after:
        yield begin, after


def _next_phase(levels: Sequence[Level], first: int) -> tuple[Phase, int, int] | None:
    """The first fall from index ``first`` on, where it begins, and the index at which the next may begin."""
    if first >= len(levels):
        return None
    start = low = first
    top = levels[first].level  # where the run of falling measurements began
    for index in range(first + 1, len(levels)):
        level, lowest_level = levels[index].level, levels[low].level
        if _fell(top, lowest_level):
            before = min(one.level for one in levels[max(low, index - 2) : index])
            # A weak sun may never give a point in two measurements: three points in all are a charge too.
            if level - before >= RISE or level - lowest_level >= FALL:
                return Phase(levels[start], levels[low], levels[index].at, None), start, index
        elif level > lowest_level + TOLERANCE:
            start = low = index
            top = level
        elif level >= top - TOLERANCE:
            start = index  # so far it only stood: the fall begins later
        if level < lowest_level:
            low = index
    if _fell(top, levels[low].level):
        return Phase(levels[start], levels[low], None, None), start, len(levels)
    return None


def _fell(top: float, low: float) -> bool:
    return top - low >= FALL and low < BELOW


def _full_after(levels: Sequence[Level], end: datetime | None, until: datetime | None) -> datetime | None:
    if end is None:
        return None
    for level in levels:
        if level.at >= end and (until is None or level.at <= until) and level.level >= FULL:
            return level.at
    return None
