"""The active balancer: takes charge from the highest cell and gives it to the lowest."""

from jk_bms.simulator.pack import Balancing

TURN = 3.0  # s it takes from the high cell, then as long it gives to the low one
HOLD = 10.0  # s it stays with the same two cells


class Balancer:
    """Half of the time one half of the deed: on average each cell sees half the current."""

    def __init__(self, start: float, trigger: float, current: float) -> None:
        self.start = start  # V: the highest cell must be here ...
        self.trigger = trigger  # V: ... and the spread be this ...
        self.current = current  # A
        self.enabled = True
        self.pair: Balancing | None = None
        self._held = 0.0

    def step(self, dt: float, voltages: list[float]) -> Balancing | None:
        """Look at the cells; return what to move during the next ``dt`` s."""
        self._held += dt
        if self.pair is None or self._held >= HOLD:
            self._held = 0.0
            self.pair = self._choose(voltages)
        if not self.enabled:
            self.pair = None
        return self.pair

    def shown(self, t: float) -> tuple[int, float]:
        """Action and signed current as the frame tells them: 2 takes (-), 1 gives (+), 0 rests."""
        if self.pair is None:
            return 0, 0.0
        current = 2.0 * self.pair.current
        return (2, -current) if int(t / TURN) % 2 == 0 else (1, current)

    def _choose(self, voltages: list[float]) -> Balancing | None:
        highest, lowest = max(voltages), min(voltages)
        if highest < self.start or highest - lowest < self.trigger:
            return None
        # A capacitor between the cells moves less when there is little difference left.
        share = min(1.0, (highest - lowest) / 0.05 + 0.2)
        return Balancing(voltages.index(highest), voltages.index(lowest), share * self.current / 2.0)
