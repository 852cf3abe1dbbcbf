"""Say a thing once in a while, not once for each time it happens."""

import math
from collections.abc import Hashable


class Quiet:
    """Remembers when each thing was last said, by a clock that the caller reads."""

    def __init__(self) -> None:
        self._said: dict[Hashable, float] = {}

    def due(self, thing: Hashable, now: float, period: float = math.inf) -> bool:
        """Whether to say ``thing`` at ``now`` s: the first time, then once in ``period`` s."""
        last = self._said.get(thing)
        if last is not None and now - last < period:
            return False
        self._said[thing] = now
        return True

    def forget(self, thing: Hashable) -> bool:
        """Have ``thing`` said again the next time; whether it had been said."""
        return self._said.pop(thing, None) is not None
