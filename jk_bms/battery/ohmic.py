"""What the current takes from or adds to the voltage of a cell: learned from its steps."""

from math import exp

from jk_bms.battery.chemistry import Chemistry

LAG = 90.0  # s in which most of the slow part follows the current
STEP = 0.03  # C: smaller steps drown in noise
STEP_TIME = 15.0  # s: later, the slow part is in it too
KNOWN_AFTER = 8  # steps
BELIEVED = (0.25, 4.0)  # times the first guess: what is outside is no resistance
WARMER = 0.018  # resistance lost for each degree above 25 °C
REFERENCE = 25.0  # °C


class Ohmic:
    """The mean cell's resistance."""

    def __init__(self, chemistry: Chemistry, nominal_ah: float) -> None:
        self.guess = chemistry.resistance / nominal_ah  # Ohm at 25 °C
        self.lag_share = chemistry.lag
        self.step = STEP * nominal_ah  # A
        self.at_25 = self.guess
        self.steps = 0
        self.lagged = 0.0  # A
        self.warmth = 1.0

    def temperature(self, degrees: float | None) -> None:
        """Cells at ``degrees`` °C, ``None``: unknown."""
        self.warmth = 1.0 if degrees is None else exp(WARMER * (REFERENCE - max(-30.0, min(60.0, degrees))))

    def flow(self, dt: float, current: float) -> None:
        """Let ``current`` A have flowed for ``dt`` s."""
        self.lagged += (current - self.lagged) * dt / (LAG + dt)

    def stepped(self, amps: float, volts: float) -> None:
        """Learn from a step of the current and the cell voltage that came with it."""
        seen = volts / amps / self.warmth
        if BELIEVED[0] * self.guess <= seen <= BELIEVED[1] * self.guess:
            self.steps = min(self.steps + 1, 10 * KNOWN_AFTER)
            self.at_25 += (seen - self.at_25) / (self.steps + 2)

    def drop(self, current: float) -> float:
        """How much higher than at rest, in V, a cell now stands."""
        return self.at_25 * self.warmth * (current + self.lag_share * self.lagged)

    @property
    def doubt(self) -> float:
        """Share of the drop that may be wrong."""
        return 0.3 if self.steps >= KNOWN_AFTER else 0.5
