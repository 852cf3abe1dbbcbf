"""How many % of charge a millivolt is worth on the cells of this pack, as the pack itself has shown.

Curves of other makers' cells differ by a factor of three in their slope at one voltage, so a difference between
two cells read from a published curve may be three times too large. But the typical cell walks along the very
curve that all cells of the pack share, and its current is counted: so much charge for so many volts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

BIN = 0.004  # V
LEAST_VOLTS = 0.006  # V: a step along the curve is so high at least, ...
LEAST_CHARGE = 0.4  # %: ... and so wide; or
MOST_CHARGE = 4.0  # % wide, however flat it is there
APART = 0.3  # %: points of a walk; there are none at rest
FINEST = 0.001  # V: a step that seems flatter is as flat as that
TURNS = 0.5  # %: so much back is a turn from charge to discharge, or the other way
TURNED = 6.0  # % after a turn the voltage follows the turn more than the charge
MEMORY = 6  # steps: older ones fade
KNOWN = 2  # steps that must have been seen
BINS = 160  # that are remembered


class Point(NamedTuple):
    """One calm moment."""

    charge: float  # %, counted from anywhere
    volts: float  # V of one cell, drops taken out


class OwnSlope:
    """What was learned of the slope, by voltage."""

    def __init__(self) -> None:
        self._bins: dict[int, tuple[int, float]] = {}  # place: steps seen, % for each V
        self._charge = 0.0  # %, counted since ever
        self._side = -1.0  # 1 while it is charged
        self._turn = self._tip = 0.0  # %: where that began, and the furthest since
        self._full: float | None = None  # %, as counted, when it was last full
        # Calm moments clear of the turn: of the typical cell, and of the lowest, which goes first into the flank.
        self._walks: list[list[Point]] = [[], []]

    def flow(self, share: float) -> None:
        """Count ``share`` % of the capacity, discharge negative."""
        self._charge += share
        if (self._charge - self._tip) * self._side >= 0.0:
            self._tip = self._charge
        elif abs(self._charge - self._tip) > TURNS:
            self._side, self._turn, self._tip = -self._side, self._tip, self._charge
            self._walks = [[], []]

    def lost(self) -> None:
        """Something flowed that was not counted."""
        self._walks = [[], []]
        self._turn = self._tip = self._charge
        self._full = None

    def full(self) -> None:
        """The pack is full now."""
        self._full = self._charge

    @property
    def level(self) -> float | None:
        """Charge of the pack in %, as counted since it was full; None: it was not, or something was not counted."""
        return None if self._full is None else min(100.0, max(0.0, 100.0 + self._charge - self._full))

    def moment(self, typical: float, lowest: float) -> None:
        """Take in the voltages of these two cells at a calm moment."""
        if abs(self._tip - self._turn) < TURNED:
            self._walks = [[], []]
            return
        for walk, volts in zip(self._walks, (typical, lowest), strict=True):
            self._step(walk, Point(round(self._charge, 3), round(volts, 5)))

    def _step(self, walk: list[Point], here: Point) -> None:
        if walk and abs(here.charge - walk[-1].charge) < APART:
            return
        walk.append(here)
        while len(walk) > 1:
            begin = walk[0]
            wide = abs(here.charge - begin.charge)
            high = (here.volts - begin.volts) * self._side
            if not (high >= LEAST_VOLTS and wide >= LEAST_CHARGE) and wide < MOST_CHARGE:
                return
            self._learn(begin.volts, here.volts, wide / max(high, FINEST))
            del walk[0]

    def known(self, volts: float) -> bool:
        """Whether the slope was seen at that voltage."""
        steps, _ = self._bins.get(_place(volts), (0, 0.0))
        return steps >= KNOWN

    def per_volt(self, volts: float) -> float | None:
        """% for each V at that voltage; None: not known."""
        steps, found = self._bins.get(_place(volts), (0, 0.0))
        return found if steps >= KNOWN else None

    def learnt(self) -> list[list[float]]:
        """Return what is worth keeping, as plain JSON values."""
        return [[place, steps, found] for place, (steps, found) in self._bins.items()]

    def state(self) -> list[Any]:
        """Return what changes from look to look, as plain JSON values."""
        return [
            self._charge,
            self._full,
            self._side,
            self._turn,
            self._tip,
            [[list(point) for point in walk] for walk in self._walks],
        ]

    def restore(self, learnt: Sequence[Sequence[float]], state: Sequence[Any] | None) -> None:
        """Go on from both together."""
        self._bins = {int(place): (int(steps), float(found)) for place, steps, found in learnt}
        if state is not None:
            self._charge, self._full, self._side, self._turn, self._tip, walks = state
            self._walks = [[Point(*point) for point in walk] for walk in walks]

    def _learn(self, begin: float, end: float, per_volt: float) -> None:
        low, high = sorted((_place(begin), _place(end)))
        for place in range(low, high + 1):
            steps, found = self._bins.pop(place, (0, 0.0))
            steps = min(steps + 1, MEMORY)
            self._bins[place] = steps, float(f"{found + (per_volt - found) / steps:.4g}")
        while len(self._bins) > BINS:
            del self._bins[next(iter(self._bins))]


def _place(volts: float) -> int:
    return int(volts / BIN)
