"""Which wall times of a pack's samples can be believed.

After a power cut the clock of a small machine may stand anywhere until a time server sets it. Within
one boot that does no harm, for the time since boot is always right. How long the machine was
off, and on which day something flowed, only a confirmed clock can tell.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from jk_bms.model import Sample

STEP = 2.0  # s: a clock that moves less against the time since boot was not set
ASK_AGAIN = 60.0  # s until an unconfirmed clock is asked about once more
SETTLED = 86_400.0  # s: a clock that was not set for so long is the best there is without a network
AHEAD = 86_400.0  # s that an unconfirmed clock may be ahead of the last time that was believed


class WallTime:
    """Judge the wall time of one pack's samples, in order.

    ``sure``: the last one was right. ``dates``: it may name the day, which a clock without a
    network does as well as long as it goes on where the last believed time was.
    """

    def __init__(self, confirmed: Callable[[], bool]) -> None:
        """``confirmed`` says whether another clock agrees with ours now."""
        self.sure = self.dates = False
        self._confirmed = confirmed
        self._boot: str | None = None
        self._offset = self._since = 0.0  # s from boot to 1970; s since boot when it was found so
        self._asked: float | None = None
        self._believed: float | None = None  # s since 1970

    def take(self, sample: Sample, boot: str, *, now: bool) -> None:
        """Judge ``sample`` of ``boot``; ``now``: it was taken just now, so that one can ask about it."""
        wall, monotonic = sample.taken_at.timestamp(), sample.monotonic
        offset = wall - monotonic
        if boot != self._boot or not -STEP <= offset - self._offset <= STEP:
            self._boot, self._offset, self._since = boot, offset, monotonic
            self._asked, self.sure = None, False
        if not self.sure and sample.clock_trusted:
            self.sure = monotonic - self._since >= SETTLED or (now and self._ask(monotonic))
        last = self._believed
        self.dates = sample.clock_trusted and (self.sure or last is None or -STEP <= wall - last <= AHEAD)
        if self.dates:
            self._believed = wall

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "boot": self._boot,
            "offset": self._offset,
            "since": self._since,
            "sure": self.sure,
            "believed": self._believed,
        }

    def restore(self, state: Mapping[str, Any] | None, last: datetime | None) -> None:
        """Go on from ``state``; None: it is older than this, and ``last`` is the time that it trusted.

        Raises KeyError when it is none of ours.
        """
        if state is None:
            self._believed = last.timestamp() if last else None
            return
        self._boot, self._offset, self._since = state["boot"], state["offset"], state["since"]
        self.sure, self._believed = state["sure"], state["believed"]

    def _ask(self, monotonic: float) -> bool:
        if self._asked is not None and 0.0 <= monotonic - self._asked < ASK_AGAIN:
            return False
        self._asked = monotonic
        return self._confirmed()
