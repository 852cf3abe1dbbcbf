"""What time it is, and whether that can be believed.

A Raspberry Pi has no battery-backed clock: after a power cut it wakes in 1970, or at the
time of its last shutdown, until the network tells it better. So every fact carries the
time since boot as well, which is always right.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

NOT_BEFORE = datetime(2026, 11, 1, tzinfo=UTC)  # this program did not exist earlier

_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock:
    """Wall time and time since boot; ``speed`` > 1 runs both faster (simulations only)."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._wall = time.time()
        self._boot = self._since_boot()

    def now(self) -> datetime:
        """The present time, aware, UTC."""
        if self.speed == 1.0:
            return datetime.now(UTC)
        return datetime.fromtimestamp(self._wall, UTC) + timedelta(
            seconds=(self._since_boot() - self._boot) * self.speed
        )

    def monotonic(self) -> float:
        """Seconds since boot, suspended time included; never steps."""
        boot = self._since_boot()
        return boot if self.speed == 1.0 else self._boot + (boot - self._boot) * self.speed

    def trusted(self, now: datetime | None = None) -> bool:
        """False while the wall clock is certainly wrong (before this program existed).

        ``now``: what it showed a moment ago, for who has asked already.
        """
        return (self.now() if now is None else now) >= NOT_BEFORE

    @staticmethod
    def _since_boot() -> float:
        # macOS has no such clock; its other one is good enough for the tool.
        return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


class Mark(NamedTuple):
    """A moment that another run of this program can find again, in another boot too."""

    boot: str
    monotonic: float  # s since that boot
    time: datetime | None  # aware, UTC; None: the clock was not trusted

    def here(self, clock: Clock, boot: str) -> float | None:
        """Return when that was in s since this ``boot``, negative before it; None: not known."""
        now = clock.monotonic()
        if boot and self.boot == boot and self.monotonic <= now:
            return self.monotonic
        if self.time is None or not clock.trusted():
            return None
        ago = (clock.now() - self.time).total_seconds()
        return now - ago if ago >= 0 else None


def boot_id() -> str:
    """The kernel's name for this boot; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
