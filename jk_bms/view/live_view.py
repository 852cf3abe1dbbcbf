"""The state of the house for a face: from the poller's socket, else the last that was known."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from jk_bms.config.settings import Settings
from jk_bms.errors import LiveError, StoreError
from jk_bms.live.async_client import AsyncLive
from jk_bms.live.messages import Lost
from jk_bms.model.snapshot import EventTold, Snapshot
from jk_bms.view.aging import aged, without_poller
from jk_bms.view.last_known import last_known

log = logging.getLogger(__name__)

News = Snapshot | EventTold | Lost
Listener = Callable[[News], None]

PATIENCE = 2.0  # s for a snapshot: a page must not wait longer for a busy poller


class LiveView:
    """Asks the poller, hears what happens there, and remembers what it said last."""

    def __init__(
        self,
        settings: Settings,
        addresses: Collection[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = AsyncLive(settings.socket_path, timeout=PATIENCE)
        self._bms_db = settings.bms_db_path
        self._zone = settings.timezone
        self._addresses = addresses
        self._monotonic = monotonic
        self._kept: tuple[Snapshot, float] | None = None  # a snapshot and when it was made
        self._listeners: list[Listener] = []
        self.connected = False
        self.down_since: float | None = None  # monotonic; None: the poller answers

    def listen(self, hear: Listener) -> None:
        """Have ``hear`` called with each snapshot and event of the poller, and when it is lost."""
        self._listeners.append(hear)

    async def run(self) -> None:
        """Follow the poller until cancelled."""
        async for told in self._client.subscribe():
            if not isinstance(told, News):  # pages ask for the whole state when they need it
                continue
            if isinstance(told, Snapshot):
                self._keep(told)
            elif isinstance(told, Lost):
                self._lost(told.error)
            for hear in self._listeners:
                hear(told)

    async def snapshot(self) -> Snapshot:
        """Return the present state; with ``poller_down`` and the ages of now when the poller does not answer."""
        try:
            snapshot = await self._client.snapshot()
        except LiveError as error:
            self._lost(str(error))
        else:
            self._keep(snapshot)
            return snapshot
        if self._kept is not None:
            snapshot, came = self._kept
            return without_poller(aged(snapshot, self._monotonic() - came))
        return msgspec.structs.replace(await self.recorded(), poller_down=True)

    async def recorded(self) -> Snapshot:
        """Return what ``bms.db`` knows of the batteries, however old; without it nothing."""
        try:
            return await asyncio.to_thread(last_known, self._bms_db, self._addresses, self._zone)
        except StoreError as error:
            log.debug("%s", error)  # the poller, which writes it, says so
            return Snapshot()

    async def request(self, action: str, **fields: Any) -> dict[str, Any]:
        """Have the poller do something. Raises LiveError, SourceError."""
        return await self._client.request(action, **fields)

    def _keep(self, snapshot: Snapshot) -> None:
        if self.down_since is not None:
            log.info("the battery monitor answers")
        self._kept = (snapshot, self._monotonic())
        self.connected = True
        self.down_since = None

    def _lost(self, error: str) -> None:
        self.connected = False
        if self.down_since is None:
            log.warning("%s", error)
            self.down_since = self._monotonic()
