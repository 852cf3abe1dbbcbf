"""The resistance of each cell from the jumps of the current: how far its voltage jumps along.

A jump tells the resistance of a cell with its connections, within a second or two, before the
slow parts of the cell follow. Noise of a millivolt is large against one jump, so medians of
several are taken, never across bands of temperature: a cold cell has twice the resistance.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

JUMP = 0.05  # C: smaller jumps drown in noise
STEADY = 0.2  # of the jump: the current must have settled behind it
SPAN = 12.0  # s: most between the samples before and behind it
BAND = 5.0  # °C
BATCH = 9  # jumps in one median
WAITING = 24  # jumps that wait for others of their band
BANDS = 8  # that are remembered
MEMORY = 8  # batches: older ones fade
FIRST_SCATTER = 0.2  # of the typical resistance: what one batch is trusted before there are several
MICRO = 1e6


class CellResistance:
    """Resistances of the cells of one pack, by position."""

    def __init__(self) -> None:
        self.batches = 0
        self.excess: list[float] = []  # over the typical cell, as a share of its resistance
        self._scatter: list[float] = []  # variance of ``excess`` from batch to batch
        self._bands: dict[int, tuple[int, list[float]]] = {}  # band: batches, µOhm
        self._waiting: list[tuple[int, list[float]]] = []  # band, µOhm
        self._band = 0  # of the newest batch

    def jump(
        self, before: Sequence[float], after: Sequence[float], amps: float, temperature: float | None
    ) -> bool:
        """Take in a jump of the current by ``amps`` A; return True when it completed a batch."""
        found = [(b - a) / amps * MICRO for a, b in zip(before, after, strict=True)]
        if median(found) <= 0.0:
            return False  # something else moved the voltages
        band = round((20.0 if temperature is None else temperature) / BAND)
        self._waiting.append((band, [round(each, 1) for each in found]))
        alike = [each for of, each in self._waiting if of == band]
        if len(alike) < BATCH:
            del self._waiting[:-WAITING]
            return False
        self._waiting = [each for each in self._waiting if each[0] != band]
        self._take(band, [median(cell) for cell in zip(*alike, strict=True)])
        return True

    @property
    def known(self) -> bool:
        """Whether there was at least one batch."""
        return self.batches > 0

    @property
    def band(self) -> float | None:
        """Middle of the band of temperature in which was measured last, in °C."""
        return self._band * BAND if self.known else None

    @property
    def ohms(self) -> list[float]:
        """Resistances in that band, in Ohm; empty when unknown."""
        return [each / MICRO for each in self._bands[self._band][1]] if self.known else []

    @property
    def typical(self) -> float | None:
        """Resistance of the median cell, in Ohm."""
        return median(self.ohms) if self.known else None

    def sigma(self, cell: int) -> float:
        """Standard deviation of ``excess`` of the cell at that position."""
        return float((self._scatter[cell] / min(self.batches, MEMORY)) ** 0.5) if self.known else 1.0

    def jumps(self) -> dict[str, Any]:
        """Return what changes with each jump, as plain JSON values."""
        return {"waiting": [[band, ohms] for band, ohms in self._waiting]}

    def learnt(self) -> dict[str, Any]:
        """Return what changes with a whole batch only, as plain JSON values."""
        return {
            "batches": self.batches,
            "excess": self.excess[:],
            "scatter": self._scatter[:],
            "bands": [[band, count, ohms] for band, (count, ohms) in self._bands.items()],
            "band": self._band,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from both together."""
        self.batches, self._band = state["batches"], state["band"]
        self.excess, self._scatter = list(state["excess"]), list(state["scatter"])
        self._bands = {band: (count, list(ohms)) for band, count, ohms in state["bands"]}
        self._waiting = [(band, list(ohms)) for band, ohms in state["waiting"]]

    def _take(self, band: int, found: list[float]) -> None:
        count, known = self._bands.pop(band, (0, found))
        count = min(count + 1, MEMORY)
        mean = [round(old + (new - old) / count, 2) for old, new in zip(known, found, strict=True)]
        self._bands[band] = count, mean  # the newest stands last
        if len(self._bands) > BANDS:
            del self._bands[next(iter(self._bands))]
        self._band = band
        typical = median(found)
        excess = [each / typical - 1.0 for each in found]
        if not self.batches:
            self.excess = [0.0] * len(found)
            self._scatter = [FIRST_SCATTER**2] * len(found)
        self.batches += 1
        share = 1.0 / min(self.batches, MEMORY)
        for i, new in enumerate(excess):
            away = new - self.excess[i]
            self.excess[i] = round(self.excess[i] + share * away, 4)
            if self.batches > 1:
                self._scatter[i] = round(self._scatter[i] + share * (away * away - self._scatter[i]), 6)
