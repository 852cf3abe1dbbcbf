"""Cells in series: charge, voltage, warmth. What they really are, not what a BMS says of them.

A cell is its open-circuit voltage behind an ohmic resistance and one slow lag (diffusion), and
it loses a little charge by itself. All cells carry the same current, so the lag is a single
state: a filtered current that meets each cell's own lag resistance.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from jk_bms.battery.curves import Curve
from jk_bms.simulator.chemistry import Chemistry

LAG = 90.0  # s
GRID = 4000  # steps of the voltage table between empty and full: 0.025 %
BEYOND = 0.05  # the table goes on 5 % below empty and above full ...
OVERCHARGED = 8.0  # ... where the voltage climbs and falls steeply: V per unit of SoC
OVERDISCHARGED = 20.0
HEAT_PER_AH = 19.0  # J/K for each Ah of a cell: about 5.3 kg of 1 kJ/kg/K for 280 Ah
COOLING_TIME = 4 * 3600.0  # s in which most of a difference to the room is gone
BALANCING_EFFICIENCY = 0.9
WARMER = 0.018  # resistance lost for each degree above 25 °C


@dataclass(frozen=True, slots=True)
class Faulty:
    """What is wrong with which cell; the keys are cell numbers, 1 = first."""

    weak: Mapping[int, float] = field(default_factory=dict)  # share of the capacity left, e.g. 0.8
    leaking: Mapping[int, float] = field(default_factory=dict)  # A that flow away inside the cell
    bad_lugs: Mapping[int, float] = field(
        default_factory=dict
    )  # Ohm of a bad connection inside the cell's sense wires


class Balancing(NamedTuple):
    """Charge on its way between two cells (positions, 0 = first)."""

    high: int
    low: int
    current: float  # A


class Pack:
    """Cells in series. Lists are by position: 0 = first cell."""

    def __init__(
        self,
        chemistry: Chemistry,
        cells: int,
        capacity_ah: float,
        rng: random.Random,
        *,
        soc: float = 60.0,
        spread: float = 1.0,
        faulty: Faulty | None = None,
        ambient: float = 21.0,
    ) -> None:
        """Make a pack at ``soc`` % whose cells differ by ``spread`` times the usual amount."""
        faulty = faulty or Faulty()
        self.chemistry = chemistry
        self.full_ah: list[float] = []
        self.charge_ah: list[float] = []
        self.resistances: list[float] = []  # Ohm at 25 °C
        self.lag_resistances: list[float] = []
        self.leaks: list[float] = []  # A
        for number in range(1, cells + 1):
            full = capacity_ah * (0.99 + spread * _bounded(rng, 0.006)) * faulty.weak.get(number, 1.0)
            resistance = chemistry.resistance / capacity_ah * (1.0 + spread * _bounded(rng, 0.06))
            lag = chemistry.lag_resistance / capacity_ah * (1.0 + spread * _bounded(rng, 0.05))
            leak = capacity_ah * 25e-6 * max(0.1, 1.0 + spread * _bounded(rng, 0.35))  # about 2 % a month
            self.full_ah.append(full)
            self.charge_ah.append(full * min(1.0, max(0.0, soc / 100 + spread * _bounded(rng, 0.002))))
            self.resistances.append(resistance + faulty.bad_lugs.get(number, 0.0))
            self.lag_resistances.append(lag)
            self.leaks.append(leak + faulty.leaking.get(number, 0.0))
        self.ambient = ambient  # °C
        self.temperature = ambient
        self.lagged_current = 0.0  # A
        self.lost_ah = [0.0] * cells  # by leaks and balancing, so that books can be balanced
        self._heat_capacity = HEAT_PER_AH * capacity_ah * cells
        self._grid = _grid(chemistry.ocv)
        self._resistance_sum = math.fsum(self.resistances)
        self._lag_sum = math.fsum(self.lag_resistances)
        self._refresh()

    def step(self, dt: float, current: float, balancing: Balancing | None = None) -> None:
        """Let ``current`` A (positive: charging) flow for ``dt`` s."""
        hours = dt / 3600.0
        charge = self.charge_ah
        self.lost_ah = [lost + leak * hours for lost, leak in zip(self.lost_ah, self.leaks, strict=True)]
        gain = current * hours
        self.charge_ah = charge = [
            q + gain - leak * hours for q, leak in zip(charge, self.leaks, strict=True)
        ]
        if balancing:
            moved = balancing.current * hours
            charge[balancing.high] -= moved
            charge[balancing.low] += moved * BALANCING_EFFICIENCY
            self.lost_ah[balancing.low] += moved * (1.0 - BALANCING_EFFICIENCY)
        self.lagged_current += (current - self.lagged_current) * -math.expm1(-dt / LAG)
        warmth = current * current * (self.resistance + self.lag_resistance)
        cooling = (self.temperature - self.ambient) / COOLING_TIME
        self.temperature += (warmth / self._heat_capacity - cooling) * dt
        self._refresh()

    def voltages(self, current: float) -> list[float]:
        """Cell voltages in V while ``current`` A flow."""
        ohmic = current * self._warmth
        lagged = self.lagged_current * self._warmth
        return [
            ocv + ohmic * r0 + lagged * r1
            for ocv, r0, r1 in zip(self.ocv, self.resistances, self.lag_resistances, strict=True)
        ]

    @property
    def emf(self) -> float:
        """Pack voltage in V if the current stopped now; the lag is still in it."""
        return self._ocv_sum + self.lagged_current * self.lag_resistance

    @property
    def resistance(self) -> float:
        """Ohmic resistance of the whole pack at its present temperature."""
        return self._resistance_sum * self._warmth

    @property
    def lag_resistance(self) -> float:
        """Lag resistance of the whole pack at its present temperature."""
        return self._lag_sum * self._warmth

    @property
    def cell_soc(self) -> list[float]:
        """State of charge of each cell, in %."""
        return [100.0 * q / full for q, full in zip(self.charge_ah, self.full_ah, strict=True)]

    @property
    def usable_ah(self) -> float:
        """What the pack can give from the first full cell to the first empty one, in Ah."""
        return self.remaining_ah + self.headroom_ah

    @property
    def remaining_ah(self) -> float:
        """What it can still give until the first cell is empty, in Ah."""
        return min(self.charge_ah)

    @property
    def headroom_ah(self) -> float:
        """What it can still take until the first cell is full, in Ah."""
        return min(full - q for q, full in zip(self.charge_ah, self.full_ah, strict=True))

    @property
    def soc(self) -> float:
        """State of charge of the pack as a whole, in %: the weakest cells decide."""
        return min(100.0, max(0.0, 100.0 * self.remaining_ah / self.usable_ah))

    def _refresh(self) -> None:
        grid = self._grid
        top = len(grid) - 2
        ocv = []
        for q, full in zip(self.charge_ah, self.full_ah, strict=True):
            x = (q / full + BEYOND) * GRID
            i = int(x)
            if i < 0 or i > top:  # far beyond: the voltage stays, a real cell would be ruined
                i = 0 if x < 0 else top
                x = i
            left = grid[i]
            ocv.append(left + (x - i) * (grid[i + 1] - left))
        self.ocv = ocv
        self._ocv_sum = math.fsum(ocv)
        self._warmth = math.exp(WARMER * (25.0 - self.temperature))


def _bounded(rng: random.Random, sigma: float) -> float:
    """A normal random number without the rare far-away ones."""
    return min(2.5, max(-2.5, rng.gauss(0.0, 1.0))) * sigma


def _grid(curve: Curve) -> list[float]:
    """Voltages from 5 % below empty to 5 % above full, in even steps."""
    below, above = curve.ocv(0.0), curve.ocv(100.0)
    edge = round(BEYOND * GRID)
    return [
        below + i / GRID * OVERDISCHARGED
        if i < 0
        else above + (i - GRID) / GRID * OVERCHARGED
        if i > GRID
        else curve.ocv(100.0 * i / GRID)
        for i in range(-edge, GRID + edge + 2)
    ]
