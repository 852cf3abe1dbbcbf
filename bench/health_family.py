"""Packs for the health of cells that share nothing with our simulator or with the curves in `jk_bms/battery`.

Houses, chargers, sensors and curves are those of `bench/soc_family.py`, all its scenarios. Here its cells become
unlike: each of a size, a resistance, a leak and a voltmeter of its own, in packs of 4, 8 and 16, with balancers
that go by what the BMS measures. One of them may have a fault. What is drawn for a good cell ends well before what
is drawn for a faulty one, so that each verdict is right or wrong.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

from bench.soc_family import (
    CHARGED_AT,
    CHARGER_SPAN,
    DAY,
    HOUR,
    SCENARIOS,
    Cells,
    Made,
    Pace,
    Seen,
    draw,
    lived,
)

YEAR = 365.0 * DAY
PACE = Pace(140.0, 75.0)  # seldom: years must pass in seconds
SEASON = 8.0  # °C between the mean and the middle of summer
COLDEST, WARMEST = -5.0, 45.0  # °C

# The end of what is good.
SIZE_SPREAD, SIZE_MOST = 0.012, 0.03  # of the mean cell
OHM_SPREAD, OHM_MOST = 0.05, 0.10  # of a usual cell's resistance
LINK = (0.10, 0.25)  # likewise: a longer link to one cell, which is no bad connection
LEAK_SPREAD, LEAK_MOST = 0.03, 0.07  # % a day
# What is a fault.
WEAK = (0.78, 0.88)  # of the mean cell
LEAK = (0.24, 1.2)  # % a day: 7 to 36 % a month
LUG = (0.8, 2.5)  # of a usual cell's resistance
KINDS = ("weak", "leaking", "bad connection")
# Scenarios in which a pack is never both full and low within three weeks show no weak cell to anybody.
SELDOM_FULL = ("never full", "full once", "full each fortnight")


class Balancing(NamedTuple):
    """A balancer: it takes from the highest cell and gives to the lowest, by what the BMS measures."""

    start: float  # V: the highest cell is above
    trigger: float  # V between the two
    amps: float
    strength: float  # of the amps that it tells, what it moves
    efficiency: float
    tells: bool  # how much; else only that it works


@dataclass(frozen=True)
class Unlike:
    """One pack in its house, and what is unlike in its cells, by position."""

    made: Made
    size: tuple[float, ...]  # of the mean cell
    ohm: tuple[float, ...]  # of a usual cell's resistance, inside the cell
    lug: tuple[float, ...]  # likewise, beside the cell
    hysteresis: tuple[float, ...]  # of a usual cell's
    balancing: Balancing | None
    faulty: int | None  # position

    def truth(self, cell: int) -> str:
        """What is true of the cell at that position, against the typical one."""
        ohm = [inside + lug for inside, lug in zip(self.ohm, self.lug, strict=True)]
        loss = self.made.leak[cell] - median(self.made.leak)
        return (
            f"size {100.0 * (self.size[cell] / median(self.size) - 1.0):+.1f} %, loses {30.0 * loss:+.1f} % a month,"
            f" resistance {100.0 * (ohm[cell] / median(ohm) - 1.0):+.0f} %, voltmeter"
            f" {1e3 * self.made.channel[cell]:+.1f} mV"
        )


def unlike(scenario: str, number: int, fault: str | None, days: int) -> Unlike:
    """Draw the pack of that scenario and number, with one cell of that ``fault`` or none.

    One with a fault is full each few days and low on many nights in between, its balancer works near full and
    tells how much it moves: else there are packs in which the fault cannot show.
    """
    made = draw(scenario, number, days)
    rng = random.Random(f"{scenario}:{number}:{fault}:cells")
    count = rng.choice((4, 8, 16, 16))
    faulty = None if fault is None else rng.randrange(count)
    size = [1.0 + _within(rng, SIZE_SPREAD, SIZE_MOST) for _ in range(count)]
    ohm = [1.0 + _within(rng, OHM_SPREAD, OHM_MOST) for _ in range(count)]
    lug = [0.05] * count
    if rng.random() < 0.5:
        lug[rng.randrange(count)] += rng.uniform(*LINK)
    leak = [min(LEAK_MOST, abs(rng.gauss(0.0, LEAK_SPREAD))) for _ in range(count)]
    if faulty is not None:
        size[faulty] *= rng.uniform(*WEAK) if fault == "weak" else 1.0
        leak[faulty] += rng.uniform(*LEAK) if fault == "leaking" else 0.0
        lug[faulty] += rng.uniform(*LUG) if fault == "bad connection" else 0.0
        made = replace(
            made,
            full_every=rng.choice((1.0, 2.0, 4.0)),
            first_full=rng.uniform(0.0, 3.0),
            floor=rng.uniform(12.0, 30.0),
            deep=rng.uniform(0.4, 0.9),
        )
    mean = sum(size) / count
    size = [each / mean for each in size]
    apart = rng.choice((0.3, 1.0, 3.0))  # %: how far out of balance they begin
    channel = rng.choice((0.001, 0.0015, 0.0025))  # V
    made = replace(
        made,
        leak=tuple(leak),
        # The cells are full together, but for what is out of balance.
        apart=tuple(100.0 * (each - 1.0) + rng.gauss(0.0, apart) for each in size),
        channel=tuple(rng.gauss(0.0, channel) for _ in range(count)),
        channel_warm=tuple(rng.gauss(0.0, 0.00005) for _ in range(count)),
    )
    around, span = CHARGED_AT[made.chemistry] - 3.45, CHARGER_SPAN[made.chemistry]
    balancing = Balancing(
        start=3.45 + around - span * rng.choice((0.0, 0.05, 0.15, 0.45) if fault is None else (0.0, 0.05)),
        trigger=rng.choice((0.003, 0.005, 0.010)),
        amps=rng.choice((0.4, 0.6, 1.0, 2.0)),
        strength=rng.uniform(0.8, 1.1),
        efficiency=rng.uniform(0.8, 0.95),
        tells=fault is not None or rng.random() < 0.75,
    )
    return Unlike(
        made,
        size=tuple(size),
        ohm=tuple(ohm),
        lug=tuple(lug),
        hysteresis=tuple(rng.gauss(1.0, 0.1) for _ in range(count)),
        balancing=balancing if rng.random() < 0.8 else None,
        faulty=faulty,
    )


def watched(pack: Unlike) -> Iterator[Seen]:
    """Let the pack live; yield what its BMS would have sent."""
    return lived(pack.made, UnlikeCells(pack), PACE)


def healthy(number: int, days: int) -> Unlike:
    """Return a good pack; the scenarios take turns."""
    names = list(SCENARIOS)
    return unlike(names[number % len(names)], number, None, days)


def with_fault(number: int, fault: str, days: int) -> Unlike:
    """Return a pack with a faulty cell; the scenarios in which a fault can show take turns."""
    names = [name for name in SCENARIOS if name not in SELDOM_FULL]
    return unlike(names[number % len(names)], number, fault, days)


def _within(rng: random.Random, spread: float, most: float) -> float:
    return min(most, max(-most, rng.gauss(0.0, spread)))


class UnlikeCells(Cells):
    """Cells of which each is another. ``apart`` stays in % of the mean cell."""

    def __init__(self, pack: Unlike) -> None:
        super().__init__(pack.made)
        self._pack = pack
        self._per_size = [1.0 / each for each in pack.size]
        ohm = pack.made.resistance / pack.made.nominal_ah
        self._lug = [ohm * each for each in pack.lug]
        self._tell(0.0)
        self._rest()
        self._measured = self.volts(0.0)

    def warm(self, at: float) -> None:
        """Take on the warmth of that moment: here the year has seasons too; it begins in winter."""
        super().warm(at)
        season = -SEASON * math.cos(2.0 * math.pi * at / YEAR)
        self.warmth = min(WARMEST, max(COLDEST, self.warmth + season))

    def flow(self, amps: float, seconds: float) -> None:
        """Let ``amps`` flow."""
        super().flow(amps, seconds)
        self._rest()

    def rested(self) -> float:
        """What the cells would show on average without current now, polarisation included."""
        return self._mean + self.made.hysteresis * self.side + self.quick + self.slow + self._entropy()

    def volts(self, amps: float) -> list[float]:
        """True voltage of each cell, lugs included."""
        inside = self.quick + self.slow + self.ohm * amps
        side, common = self.made.hysteresis * self.side, self._entropy()
        pack = self._pack
        found = [
            v + common + side * h + inside * r + lug * amps
            for v, h, r, lug in zip(self._still, pack.hysteresis, pack.ohm, self._lug, strict=True)
        ]
        self._measured = [v + off for v, off in zip(found, self.made.channel, strict=True)]
        return found

    def balance(self, seconds: float, amps: float) -> int | None:
        """Let the balancer work for ``seconds`` by what was measured last; return the cell it pulls."""
        how, seen = self._pack.balancing, self._measured
        highest, lowest = max(seen), min(seen)
        if how is None or highest < how.start or highest - lowest < how.trigger:
            self._tell(0.0)
            return None
        high, low = seen.index(highest), seen.index(lowest)
        # It takes half of the time and gives the other half.
        move = 50.0 * how.amps * how.strength * seconds / HOUR / self.made.capacity_ah
        self.apart[high] -= move
        self.apart[low] += move * how.efficiency
        self._tell(how.amps)
        return high

    def _tell(self, amps: float) -> None:
        how = self._pack.balancing
        self.balancing = amps > 0.0
        self.balance_amps = amps if how is None or how.tells else None

    def _rest(self) -> None:
        at, charge = self.curve.at, self.charge
        self._still = [at((charge + a) * k) for a, k in zip(self.apart, self._per_size, strict=True)]
        self._mean = sum(self._still) / len(self._still)

    def _entropy(self) -> float:
        return self.kind.entropy * (self.warmth - 25.0)
