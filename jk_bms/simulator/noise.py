"""Random wiggles that depend on the time alone, not on how often one looks."""

import random

SIZE = 1021  # prime, so that noises of different periods do not fall into step


class Noise:
    """Smooth noise in -1..1: a new random value every period, a soft path in between."""

    def __init__(self, seed: str) -> None:
        rng = random.Random(seed)
        self._values = [rng.uniform(-1.0, 1.0) for _ in range(SIZE)]

    def at(self, t: float, period: float) -> float:
        """The noise at ``t`` s that changes about every ``period`` s."""
        x = t / period
        i = int(x)
        f = x - i
        left = self._values[i % SIZE]
        return left + (self._values[(i + 1) % SIZE] - left) * f * f * (3.0 - 2.0 * f)

    def pick(self, i: int) -> float:
        """The ``i``-th value; white noise for what is sampled, not continuous."""
        return self._values[i % SIZE]
