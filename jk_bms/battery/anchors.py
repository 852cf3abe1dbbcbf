"""The two moments in which the charge of a pack is known: full and empty."""

from jk_bms.battery.chemistry import Chemistry
from jk_bms.battery.limits import PackLimits, empty_level, full_level

TAIL = 1 / 20  # C: above it a voltage at its target says nothing ...
LITTLE = 1 / 30  # C: ... and below it a short look is enough
LONG_LOOK, SHORT_LOOK = 900.0, 180.0  # s at TAIL, at LITTLE
OUTFLOW = 1 / 50  # C: a full pack may feed this much and still count as full
EMPTY_LOOK = 60.0  # s
AGAIN = 900.0  # s until a pack that stays full or empty is an anchor once more
REFUSED = 0.03  # V below the over-voltage protection: a single full cell ends the charge


class Anchors:
    """Watch voltages and current; say when the pack is full or empty."""

    def __init__(self, chemistry: Chemistry) -> None:
        self._chemistry = chemistry
        self.full_for = 0.0  # share of the look that has passed, 1 = long enough
        self.empty_for = 0.0
        self.limits(PackLimits())

    def limits(self, limits: PackLimits) -> None:
        """Take over what the BMS's settings say."""
        self.full_level = full_level(self._chemistry, limits)
        self.empty_level = empty_level(self._chemistry, limits)
        self._ovp = limits.cell_ovp or self._chemistry.ovp

    def full(self, dt: float, rate: float, mean: float, highest: float, charge_enabled: bool | None) -> bool:
        """Whether the pack has now been full for long enough.

        ``rate`` is the current in C, positive while charging; ``dt`` s have passed.
        """
        at_target = mean >= self.full_level
        refused = charge_enabled is False and highest >= self._ovp - REFUSED
        if not -OUTFLOW <= rate <= TAIL or not (at_target or refused):
            self.full_for = 0.0
            return False
        share = max(0.0, (rate - LITTLE) / (TAIL - LITTLE))
        before = self.full_for
        self.full_for += dt / (SHORT_LOOK + share * (LONG_LOOK - SHORT_LOOK))
        return self._rings(before, self.full_for, AGAIN / SHORT_LOOK)

    def empty(self, dt: float, rate: float, lowest_at_rest: float) -> bool:
        """Whether the lowest cell has now been empty for long enough."""
        if rate > 0.0 or lowest_at_rest >= self.empty_level:
            self.empty_for = 0.0
            return False
        before = self.empty_for
        self.empty_for += dt / EMPTY_LOOK
        return self._rings(before, self.empty_for, AGAIN / EMPTY_LOOK)

    @staticmethod
    def _rings(before: float, now: float, again: float) -> bool:
        """True when a look has just become long enough, and every ``again`` looks after."""
        return int((now - 1.0) // again) > int((before - 1.0) // again)
