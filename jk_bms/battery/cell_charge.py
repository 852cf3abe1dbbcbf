"""What each cell holds, can hold and loses, against the typical (median) cell of its pack.

The same current flows through all cells, so the difference between two cells changes only by
what leaks away inside them and by the balancer. Where the OCV curve is steep, voltages tell the
difference of their states of charge; seen near full it is (charge - size), near empty it is
charge alone, so both ends together tell size. One small Kalman filter per cell puts it together
and says how sure it is. Shares are % of the pack's capacity.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, expm1, hypot, sqrt
from statistics import median, median_low
from typing import Any, NamedTuple

# What may be true before anything was seen (standard deviations).
CHARGE_AT_FIRST, SIZE_AT_FIRST, LOSS_AT_FIRST = 5.0, 8.0, 0.5  # %, %, % a day
OFFSET_AT_FIRST = 0.003  # V: the inputs of a BMS differ
# How far things wander by themselves in a day.
CHARGE_WANDERS, SIZE_WANDERS, LOSS_WANDERS = 0.05, 0.02, 0.006
BALANCER_UNSURE = 0.35  # of all that the balancer gave a cell within a month, ...
BALANCED_UNSURE = 0.15  # of all that it may have given or taken, day by day alike, and ...
MONTH = 30.0  # days
PAIR_UNSURE = 0.1  # ... of all it moved: it does not say between which cells
BALANCER_EFFICIENCY = 0.9  # of a usual active one
LOOK_UNSURE = 0.3  # of a difference in one look: the slope is another where the next one is taken, ...
SCALE_UNSURE = 0.15  # ... and of all of them: the curve of the real cell is another
# What a cell lacks at both ends alike is no size, but the curve may be steeper than thought at one of them: of what it
# lacks when full as much may be taken for a size. That is so in each look, so it does not average out.
SIZE_UNSURE = 1.0
FAR = 3.0  # standard deviations: what lies further off is believed only bit by bit ...
OPENS = 1.5  # ... but each time all that was believed becomes less sure, by this (variance)

SIZE_OF_STATE = 4  # charge, size, loss, offset
USUAL_MISFIT = 0.455  # half of the cells are nearer, where all is as thought
LEAST_MISFIT = 0.5  # looks that agree better still may all err alike
MISFIT_LOOKS = 12  # looks over which it is averaged
UNITS = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
PAIRS = tuple((i, j) for i in range(SIZE_OF_STATE) for j in range(i, SIZE_OF_STATE))


class CellShare(NamedTuple):
    """One cell against the typical one, with standard deviations."""

    charge: float  # %: holds so much more
    charge_sigma: float
    size: float  # %: can hold so much more
    size_sigma: float
    loss: float  # % a day: loses so much more
    loss_sigma: float
    seen_over: float  # %: between the lowest and the highest charge of the pack at which this cell was seen


class Seen(NamedTuple):
    """One look at the cells where voltages say something."""

    soc: Sequence[float]  # % of each cell, as its voltage tells
    per_volt: Sequence[float]  # %/V: what a wrong voltage would do to it
    sigma: Sequence[float | None]  # %: what is otherwise unsure; None: this cell was not seen


class CellCharge:
    """The cells of one pack, by position."""

    def __init__(self, cells: int) -> None:
        self._cells = [_Cell() for _ in range(cells)]
        self._given = [0.0] * cells  # %, by the balancer since the last look
        self._gained = [0.0] * cells  # %, likewise, fading within a month
        self._touched = [0.0] * cells  # %, that it may have given or taken since the last look
        self._busy = [0.0] * cells  # %, likewise, fading within a month
        self._moved = 0.0  # %, all that it moved since the last look
        self._unsure = 0.0  # %², of unseen doings since the last look
        self._misfit = (
            1.0  # how much worse than thought looks agree with what was known: a ratio of variances
        )
        self._days = 0.0  # since the last look
        self._reach: list[tuple[float, float] | None] = [None] * cells  # %: seen from, seen to
        self.watched = 0.0  # days between the first and the last look
        self.looks = 0

    def move(self, high: int, low: int, share: float) -> None:
        """Note that the balancer took ``share`` % out of one cell and gave it to another."""
        self._given[high] -= share
        self._given[low] += share * BALANCER_EFFICIENCY
        self._moved += share

    def touch(self, near: Iterable[int], share: float) -> None:
        """Note that ``share`` % of what was moved may have been taken from or given to any of the cells ``near``."""
        for cell in near:
            self._touched[cell] += share

    def doubt(self, share: float) -> None:
        """Note that each cell may unseen have gained or lost ``share`` %."""
        self._unsure += share * share

    def wait(self, days: float) -> None:
        """Let time pass."""
        self._days += days

    def look(self, seen: Seen) -> None:
        """Take in what voltages say."""
        typical, usual = median(seen.soc), median(self._given)
        days, shared = self._days, PAIR_UNSURE * self._moved
        common = CHARGE_WANDERS**2 * days + self._unsure + shared * shared / max(1, len(self._cells))
        misfits = []
        for i, cell in enumerate(self._cells):
            given = self._given[i] - usual
            # An error of the scale does not average out from day to day, so it grows with the whole.
            gained = self._gained[i] = _short(self._gained[i] * exp(-days / MONTH) + given)
            self._busy[i] = _short(self._busy[i] * exp(-days / MONTH) + self._touched[i])
            cell.wait(days, given, common + BALANCER_UNSURE**2 * abs(given * gained))
            difference = seen.soc[i] - typical
            # The voltage tells charge / size, so it is the cell's own fullness that counts.
            through = (1.0, -0.01 * seen.soc[i], 0.0, seen.per_volt[i])
            if (sigma := seen.sigma[i]) is not None:
                low, high = self._reach[i] or (typical, typical)
                self._reach[i] = _short(min(low, typical)), _short(max(high, typical))
                misfits.append(cell.see(difference, through, sigma * sigma + (LOOK_UNSURE * difference) ** 2))
        if len(misfits) >= 2:
            self._misfit += (median_low(misfits) / USUAL_MISFIT - self._misfit) / MISFIT_LOOKS
        if self.looks:
            self.watched += days
        self.looks += 1
        self._given = [0.0] * len(self._cells)
        self._touched = [0.0] * len(self._cells)
        self._moved = self._unsure = self._days = 0.0

    def cells(self, unseen: float = 0.0) -> list[CellShare]:
        """Return what is known as of the last look; ``unseen``: % a day that may have been moved untold.

        What is moved otherwise than it is told is so each day: that does not average out.
        """
        found = []
        worse, scale = sqrt(max(LEAST_MISFIT, self._misfit)), SCALE_UNSURE
        span = MONTH * -expm1(-self.watched / MONTH)  # days for which ``_busy`` stands
        for cell, busy, reach in zip(self._cells, self._busy, self._reach, strict=True):
            charge, size, loss = (worse * cell.sigma(through) for through in UNITS)
            x, c, lost, _ = cell.mean
            astray = BALANCED_UNSURE * busy / span if span else 0.0
            found.append(
                CellShare(
                    charge=x,
                    charge_sigma=hypot(charge, scale * x),
                    size=c,
                    size_sigma=hypot(size, scale * c, SIZE_UNSURE * (x - c)),
                    loss=lost,
                    loss_sigma=hypot(loss, scale * lost, astray, unseen),
                    seen_over=0.0 if reach is None else reach[1] - reach[0],
                )
            )
        return found

    def difference(self, cell: int, soc: float) -> tuple[float, float]:
        """Difference in SoC, in %, to the typical cell at ``soc`` %, with its standard deviation."""
        each, s = self._cells[cell], 0.01 * soc
        return each.mean[0] - s * each.mean[1], each.sigma((1.0, -s, 0.0, 0.0))

    def state(self) -> dict[str, Any]:
        """Return what changes between two looks, as plain JSON values."""
        return {"since": [self._given[:], self._moved, self._unsure, self._days, self._touched[:]]}

    def learnt(self) -> dict[str, Any]:
        """Return what changes with a look only, as plain JSON values."""
        return {
            "cells": [[*cell.mean, *(cell.spread[i][j] for i, j in PAIRS)] for cell in self._cells],
            "gained": self._gained[:],
            "busy": self._busy[:],
            "reach": [None if reach is None else list(reach) for reach in self._reach],
            "misfit": self._misfit,
            "watched": self.watched,
            "looks": self.looks,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from both together."""
        self._cells = []
        for numbers in state["cells"]:
            cell = _Cell()
            cell.mean = list(numbers[:SIZE_OF_STATE])
            for (i, j), value in zip(PAIRS, numbers[SIZE_OF_STATE:], strict=True):
                cell.spread[i][j] = cell.spread[j][i] = value
            self._cells.append(cell)
        self._gained = list(state["gained"])
        given, self._moved, self._unsure, self._days, *touched = state["since"]
        self._misfit = state.get("misfit", 1.0)
        kept = state.get("reach") or [None] * len(self._cells)  # kept since this release
        self._reach = [None if reach is None else (reach[0], reach[1]) for reach in kept]
        self._busy = list(state.get("busy", map(abs, self._gained)))  # kept, as touched, since this release
        self._touched = list(touched[0]) if touched else [0.0] * len(self._cells)
        self._given = list(given)
        self.watched, self.looks = state["watched"], state["looks"]


class _Cell:
    """Charge (%), size (%), loss (% a day) and voltmeter offset (V) of a cell, with covariance."""

    def __init__(self) -> None:
        self.mean = [0.0] * SIZE_OF_STATE
        first = (CHARGE_AT_FIRST, SIZE_AT_FIRST, LOSS_AT_FIRST, OFFSET_AT_FIRST)
        self.spread = [[a * a if i == j else 0.0 for j in range(SIZE_OF_STATE)] for i, a in enumerate(first)]

    def wait(self, days: float, given: float, noise: float) -> None:
        """Lose charge for ``days``, get ``given`` %, and be less sure."""
        spread = self.spread
        self.mean[0] += given - self.mean[2] * days
        for k in range(SIZE_OF_STATE):  # charge -= days x loss, in rows ...
            spread[0][k] -= days * spread[2][k]
        for k in range(SIZE_OF_STATE):  # ... and in columns
            spread[k][0] -= days * spread[k][2]
        spread[0][0] += noise
        spread[1][1] += SIZE_WANDERS**2 * days
        spread[2][2] += LOSS_WANDERS**2 * days

    def see(self, value: float, through: Sequence[float], variance: float) -> float:
        """Correct by a measured ``value`` of the sum of the mean times ``through``.

        Return how far off it was: the square of the distance, over its expected variance.
        """
        with_it = [_dot(row, through) for row in self.spread]
        expected = _dot(with_it, through)
        away = value - _dot(self.mean, through)
        total = expected + variance
        misfit = away * away / total
        far = away * away > FAR * FAR * total
        if far:
            total = away * away / (FAR * FAR)  # as if it had been measured that badly
        for i, share in enumerate(with_it):
            self.mean[i] = _short(self.mean[i] + share / total * away)
        for i, j in PAIRS:
            self.spread[i][j] = self.spread[j][i] = _short(
                (self.spread[i][j] - with_it[i] * with_it[j] / total) * (OPENS if far else 1.0)
            )
        return misfit

    def sigma(self, through: Sequence[float]) -> float:
        """Standard deviation of that sum."""
        return sqrt(max(0.0, _dot([_dot(row, through) for row in self.spread], through)))


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]


def _short(value: float) -> float:
    """Return ``value`` with so many digits as the state keeps."""
    return float(f"{value:.7g}")
