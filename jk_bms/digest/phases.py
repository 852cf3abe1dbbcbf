"""When a house lived on its battery, and when that was full again, told by the level alone. Pure.

The rules are those of digests that people read out of logs for years, so that a day keeps its
number of phases: they look at a measurement every ten minutes, not at every frame.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import NamedTuple

FALL = 3.0  # points: less is no phase
BELOW = 90.0  # %: nor is one that ends above it
TOLERANCE = 0.5  # points that a measurement may lie above the lowest of a falling run
RISE = 1.0  # points within two measurements: the battery is being charged
FULL = 99.0  # %


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


def find_phases(levels: Sequence[Level]) -> list[Phase]:
    """Return the phases in ``levels``, which are in order of time, at most one open, the last."""
    phases: list[Phase] = []
    first = 0
    while found := _next_phase(levels, first):
        phase, first = found
        phases.append(phase)
    begun = [phase.start.at for phase in phases[1:]]
    return [
        phase._replace(full_at=_full_after(levels, phase.end, until))
        for phase, until in zip_longest(phases, begun)
    ]


def _next_phase(levels: Sequence[Level], first: int) -> tuple[Phase, int] | None:
    """The first phase from index ``first`` on, and the index at which the next may begin."""
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
                return Phase(levels[start], levels[low], levels[index].at, None), index
        elif level > lowest_level + TOLERANCE:
            start = low = index
            top = level
        elif level >= top - TOLERANCE:
            start = index  # so far it only stood: the fall begins later
        if level < lowest_level:
            low = index
    if _fell(top, levels[low].level):
        return Phase(levels[start], levels[low], None, None), len(levels)
    return None


def _fell(top: float, low: float) -> bool:
    return top - low >= FALL and low < BELOW


def _full_after(levels: Sequence[Level], end: datetime | None, until: datetime | None) -> datetime | None:
    if end is None:
        return None
    for level in levels:
        if level.at >= end and (until is None or level.at < until) and level.level >= FULL:
            return level.at
    return None
