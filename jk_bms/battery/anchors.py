"""The moments in which a pack shows that it is full.

Chargers end in many ways: some taper to hardly any current, some leave at a fixed one, some hold for
hours at a voltage at which others stop. Each way tells the charge with its own certainty.
"""

from typing import NamedTuple

from jk_bms.battery.chemistry import Chemistry
from jk_bms.battery.limits import PackLimits

OUTFLOW = 0.02  # C: a full pack may feed this much and still count as full
MOST_INFLOW = 0.12  # C: beyond, a voltage is that of the charger
CHARGED_LOOK = 60.0, 3000.0  # s, and s more for each C that still flows in
CHARGED = 99.6, -10.0  # %, and % for each C: the more still flows, the more is missing ...
CHARGED_SIGMA = 1.1, 14.0  # ... and the less sure it is
FIRST_LOOK = 30.0  # s: so much the first look counts at most, however long nobody had looked before
BELOW_RESTED = 0.005  # V that the terminals may be below the voltage without drops
HELD_LOOK, HELD, HELD_SIGMA = 300.0, 98.5, 2.5  # s, %, %: held at a voltage that only a full pack has
REFUSED = 0.03  # V below the over-voltage protection: a single full cell ends the charge
REFUSED_LOOK, REFUSED_AT, REFUSED_SIGMA = 60.0, 99.0, 3.0  # s, %, %


class Full(NamedTuple):
    """How full a pack is that shows itself full, and how sure that is (one sigma); both in %."""

    charge: float
    sigma: float


class FullWatch:
    """Watch voltages and current; say when the pack is full, and how sure that is."""

    def __init__(self, chemistry: Chemistry) -> None:
        self._chemistry = chemistry
        self.charged_for = 0.0  # s that it has looked charged, or has refused more ...
        self.held_for = 0.0  # ... or has been held there
        self.limits(PackLimits())

    def limits(self, limits: PackLimits) -> None:
        """Take over what the BMS's settings say."""
        self._ovp = limits.cell_ovp or self._chemistry.ovp

    def full(
        self, dt: float, rate: float, mean: float, rested: float, highest: float, charge_enabled: bool | None
    ) -> Full | None:
        """Return how full the pack is once it has looked full for long enough; None: it does not.

        ``dt`` s have passed; ``rate`` is the current in C, positive while charging. In V: ``mean`` is that of
        the cells as measured, ``rested`` without the drops of the current, ``highest`` that of one cell.
        """
        kind = self._chemistry
        inflow = max(0.0, rate)
        at_top = rested >= kind.charged and mean >= kind.charged - BELOW_RESTED
        charged = -OUTFLOW <= rate <= MOST_INFLOW and at_top
        held = abs(rate) <= OUTFLOW and rested >= kind.held
        refused = charge_enabled is False and highest >= self._ovp - REFUSED and rate >= -OUTFLOW
        self.charged_for = _looked(self.charged_for, dt) if charged or refused else 0.0
        self.held_for = _looked(self.held_for, dt) if held else 0.0
        if charged and self.charged_for >= CHARGED_LOOK[0] + CHARGED_LOOK[1] * inflow:
            found = Full(CHARGED[0] + CHARGED[1] * inflow, CHARGED_SIGMA[0] + CHARGED_SIGMA[1] * abs(rate))
        elif held and self.held_for >= HELD_LOOK:
            found = Full(HELD, HELD_SIGMA)
        elif refused and self.charged_for >= REFUSED_LOOK:
            found = Full(REFUSED_AT, REFUSED_SIGMA)
        else:
            return None
        if kind.full_wrong == 0.0:
            return found
        # Curves that are steep to their end tell how far a careful charger stops short of full.
        charges = [curve.soc(rested) for curve in (kind.ocv, *kind.others)]
        return Full(sum(charges) / len(charges), found.sigma + kind.full_wrong)


def _looked(before: float, dt: float) -> float:
    """For how many s it has looked so, after ``dt`` more."""
    return before + dt if before else min(dt, FIRST_LOOK)
