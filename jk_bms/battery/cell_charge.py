"""What each cell holds, can hold and loses, against the typical (median) cell of its pack.

The same current flows through all cells, so the difference between two cells changes only by
what leaks away inside them and by the balancer. Where the OCV curve is steep, voltages tell the
difference of their states of charge; seen near full it is (charge - size), near empty it is
charge alone, so both ends together tell size. One small Kalman filter per cell puts it together
and says how sure it is. Shares are % of the pack's capacity.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

# What may be true before anything was seen (standard deviations).
CHARGE_AT_FIRST, SIZE_AT_FIRST, LOSS_AT_FIRST = 5.0, 8.0, 0.3  # %, %, % a day
# How far things wander by themselves in a day.
CHARGE_WANDERS, SIZE_WANDERS, LOSS_WANDERS = 0.05, 0.02, 0.006
BALANCER_UNSURE = 0.2  # of what the balancer gave a cell, and ...
PAIR_UNSURE = 0.1  # ... of all it moved: it does not say between which cells
BALANCER_EFFICIENCY = 0.9  # of a usual active one
SCALE_UNSURE = 0.15  # of a difference: the curve of the real cell is another
FAR = 3.0  # standard deviations: what lies further off is believed only bit by bit


class CellShare(NamedTuple):
    """One cell against the typical one, with standard deviations."""

    charge: float  # %: holds so much more
    charge_sigma: float
    size: float  # %: can hold so much more
    size_sigma: float
    loss: float  # % a day: loses so much more
    loss_sigma: float


class Seen(NamedTuple):
    """One look at the cells where voltages say something."""

    soc: Sequence[float]  # % of each cell
    sigma: Sequence[float]  # %


class CellCharge:
    """The cells of one pack, by position."""

    def __init__(self, cells: int) -> None:
        # Per cell: charge, size, loss; then the upper half of their covariance.
        first = [CHARGE_AT_FIRST**2, 0.0, 0.0, SIZE_AT_FIRST**2, 0.0, LOSS_AT_FIRST**2]
        self._cells = [[0.0, 0.0, 0.0, *first] for _ in range(cells)]
        self._given = [0.0] * cells  # %, by the balancer since the last look
        self._moved = 0.0  # %, all of that
        self._unsure = 0.0  # %², of unseen doings since the last look
        self._days = 0.0  # since the last look
        self.watched = 0.0  # days between the first and the last look
        self.looks = 0

    def move(self, high: int, low: int, share: float) -> None:
        """Note that the balancer took ``share`` % out of one cell and gave it to another."""
        self._given[high] -= share
        self._given[low] += share * BALANCER_EFFICIENCY
        self._moved += share

    def doubt(self, share: float) -> None:
        """Note that each cell may unseen have gained or lost ``share`` %."""
        self._unsure += share * share

    def wait(self, days: float) -> None:
        """Let time pass."""
        self._days += days

    def look(self, seen: Seen) -> None:
        """Take in what voltages say."""
        typical = median(seen.soc)
        usual = median(self._given)
        days, shared = self._days, PAIR_UNSURE * self._moved
        for i, cell in enumerate(self._cells):
            given = self._given[i] - usual
            noise = (CHARGE_WANDERS**2) * days + (BALANCER_UNSURE * given) ** 2 + self._unsure
            _predict(cell, days, given, noise + shared * shared / len(self._cells))
            difference = seen.soc[i] - typical
            variance = seen.sigma[i] ** 2 + (SCALE_UNSURE * difference) ** 2
            _correct(cell, difference, 0.01 * seen.soc[i], variance)
            cell[:] = [float(f"{value:.6g}") for value in cell]  # so many digits as the state keeps
        if self.looks:
            self.watched += days
        self.looks += 1
        self._given = [0.0] * len(self._cells)
        self._moved = self._unsure = self._days = 0.0

    def cells(self) -> list[CellShare]:
        """Return what is known as of the last look."""
        return [
            CellShare(x, xx**0.5, c, cc**0.5, loss, ll**0.5)
            for x, c, loss, xx, _xc, _xl, cc, _cl, ll in self._cells
        ]

    def difference(self, cell: int, soc: float) -> tuple[float, float]:
        """Difference in SoC, in %, to the typical cell at ``soc`` %, with its standard deviation."""
        x, c, _loss, xx, xc, _xl, cc, _cl, _ll = self._cells[cell]
        s = 0.01 * soc
        return x - s * c, max(0.0, xx - 2.0 * s * xc + s * s * cc) ** 0.5

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "cells": [list(cell) for cell in self._cells],
            "since": [self._given[:], self._moved, self._unsure, self._days],
            "watched": self.watched,
            "looks": self.looks,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self._cells = [list(cell) for cell in state["cells"]]
        given, self._moved, self._unsure, self._days = state["since"]
        self._given = list(given)
        self.watched, self.looks = state["watched"], state["looks"]


def _predict(cell: list[float], days: float, given: float, noise: float) -> None:
    x, c, loss, xx, xc, xl, cc, cl, ll = cell
    cell[:] = (
        x + given - loss * days,
        c,
        loss,
        xx - 2.0 * days * xl + days * days * ll + noise,
        xc - days * cl,
        xl - days * ll,
        cc + SIZE_WANDERS**2 * days,
        cl,
        ll + LOSS_WANDERS**2 * days,
    )


def _correct(cell: list[float], seen: float, fullness: float, variance: float) -> None:
    """Correct by a difference ``seen`` in SoC: charge less ``fullness`` times size."""
    x, c, loss, xx, xc, xl, cc, cl, ll = cell
    hx, hc, hl = xx - fullness * xc, xc - fullness * cc, xl - fullness * cl
    expected = hx - fullness * hc
    away = seen - (x - fullness * c)
    total = expected + variance
    if away * away > FAR * FAR * total:
        total = away * away / (FAR * FAR)  # as if it had been measured that badly
    gx, gc, gl = hx / total, hc / total, hl / total
    cell[:] = (
        x + gx * away,
        c + gc * away,
        loss + gl * away,
        xx - gx * hx,
        xc - gx * hc,
        xl - gx * hl,
        cc - gc * hc,
        cl - gc * hl,
        ll - gl * hl,
    )
