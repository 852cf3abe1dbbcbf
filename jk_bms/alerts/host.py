"""How the machine is doing that all this runs on."""

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from jk_bms.clock import Clock
from jk_bms.rules.base import HostView
from jk_bms.store.bms_db import BmsDbReader

CRASH_PERIOD = timedelta(hours=1)  # between two messages about an end without a word


class HostWatch:
    """Looks at the machine. ``failure`` tells why bms.db cannot be written; empty: it can."""

    def __init__(self, database: Path, clock: Clock, *, failure: Callable[[], str]) -> None:
        self.crashed = False  # the last run ended without a word, and lately none was told
        self._folder = database.absolute().parent
        self._clock = clock
        self._failure = failure
        self._failing_since: float | None = None  # s since boot
        self._began = clock.monotonic()
        self._wall: tuple[datetime, float] | None = None  # trusted time and s since boot, at the last look

    def open(self, own: BmsDbReader) -> None:
        """Find out how the last run ended; before the first event of this one."""
        lived = own.newest_events("service.", 1)
        if not lived or lived[0][1].kind == "service.stop":
            return
        now = self._clock.now()
        told = [
            event.taken_at
            for _, event in own.newest_events("service.start", 100)
            if event.facts.get("after_crash")
        ]
        self.crashed = not any(timedelta(0) <= now - at < CRASH_PERIOD for at in told)

    async def look(self) -> HostView:
        """Return how it is doing now."""
        # In a thread: a card that hangs holds up the task that asks for its room.
        free = await asyncio.to_thread(_free_share, self._folder)
        now, why = self._clock.monotonic(), self._failure()
        if not why:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = now
        return HostView(
            disk_free=free,
            disk_path=str(self._folder),
            clock_step=self._clock_step(),
            database_failing=0.0 if self._failing_since is None else now - self._failing_since,
            database_error=why,
            started_after_crash=self.crashed,
            uptime=now - self._began,
        )

    def _clock_step(self) -> float | None:
        """By how much the clock jumped since the last look; None when it was not right then or is not now."""
        if not self._clock.trusted():
            self._wall = None
            return None
        before, self._wall = self._wall, (self._clock.now(), self._clock.monotonic())
        if before is None:
            return None
        wall, at = self._wall
        return (wall - before[0]).total_seconds() - (at - before[1])


def _free_share(folder: Path) -> float | None:
    try:
        status = os.statvfs(folder)
    except OSError:
        return None
    return status.f_bavail / status.f_blocks if status.f_blocks else None
