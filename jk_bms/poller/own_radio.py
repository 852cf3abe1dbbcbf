"""The radio of this machine, for as long as the poller reads a battery by it."""

import asyncio
import contextlib
import logging

from jk_bms.radio.lock import ASK_AGAIN, PATIENCE, RadioLock

log = logging.getLogger(__name__)


class OwnRadio:
    """Keeps other programs off the radio between ``take`` and ``release``."""

    def __init__(self) -> None:
        self._lock = RadioLock()

    async def take(self, stop: asyncio.Event) -> bool:
        """Have the radio to ourselves; False: told to stop before it was free.

        Raises SourceError (``BUSY``) when another program keeps it.
        """
        for first in self._lock.attempts(PATIENCE):
            if first:
                log.info("the Bluetooth radio is in use, perhaps by jk-util.py: waiting %g s", PATIENCE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), ASK_AGAIN)
            if stop.is_set():
                return False
        return not stop.is_set()

    def release(self) -> None:
        """Leave the radio to others."""
        self._lock.release()
