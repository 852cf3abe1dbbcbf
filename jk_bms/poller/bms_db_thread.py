"""The one thread that writes ``bms.db``, so that a slow card never delays a sample."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from jk_bms.clock import Clock
from jk_bms.errors import StoreError
from jk_bms.live.sd_notify import Notifier
from jk_bms.model import Device
from jk_bms.poller.upkeep import longer_start
from jk_bms.store.bms_db import BmsDb, open_writer

log = logging.getLogger(__name__)

SAME_AGAIN = 3600.0  # s after which a device that tells nothing new is noted as seen again
OWN_PATH = ", or give this one a BMS_DB_PATH of its own"


class BmsDbThread:
    """Opens the database and does with it, in order, what the poller's parts want."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="bms.db")
        self._path = path
        self._clock = clock
        self._own: BmsDb | None = None  # while it is open
        self._begun_anew = 0  # how often the file was made anew
        self._told: dict[
            str, tuple[Device, dict[str, Any], float]
        ] = {}  # what the file has of devices, since

    @contextlib.asynccontextmanager
    async def opened(self, notifier: Notifier) -> AsyncIterator[None]:
        """Have the database open while in here. Raises ConfigError or StoreError when it cannot be used."""
        loop = asyncio.get_running_loop()
        try:
            with longer_start(notifier):
                self._own = await loop.run_in_executor(
                    self.executor, partial(open_writer, hint=OWN_PATH), self._path, self._clock
                )
            yield
        finally:
            if self._own is not None:
                await loop.run_in_executor(self.executor, self._own.close)
            self.executor.shutdown()

    def write(self, change: Callable[[BmsDb], object]) -> None:
        """Have something written, in order; a failure is logged, not raised."""

        def write() -> None:
            try:
                assert self._own is not None
                change(self._own)
            except StoreError as error:
                log.error("%s", error)
            except Exception:
                log.exception("bms.db: not written")

        self.executor.submit(write)

    async def run(self, work: Callable[[BmsDb], Any]) -> Any:
        """Return what ``work`` returns, run in the thread. Raises StoreError."""
        assert self._own is not None
        return await asyncio.get_running_loop().run_in_executor(self.executor, work, self._own)

    def remember(self, device: Device, told: dict[str, Any]) -> None:
        """Keep what a device told of itself; one that says the same twice a minute spares the card."""
        now = self._clock.monotonic()
        known = self._told.get(device.address)
        if known is not None and known[:2] == (device, told) and now - known[2] < SAME_AGAIN:
            return
        self._told[device.address] = (device, told, now)
        self.write(
            lambda own: own.remember_device(
                device, device_info=told.get("device_info"), settings=told.get("settings")
            )
        )

    def looked_after(self) -> None:
        """Forget what was told to a file that was lost since: it is to be told again."""
        if self._own is not None and self._own.begun_anew != self._begun_anew:
            self._begun_anew = self._own.begun_anew
            self._told.clear()
