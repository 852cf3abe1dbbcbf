"""The state of the house for the bot: from the poller's socket, else the last that was known."""

import asyncio
import copy
import logging
import time
from collections.abc import Callable, Collection
from typing import Any

from jk_bms.bot.last_known import last_known
from jk_bms.config.settings import Settings
from jk_bms.errors import LiveError, StoreError
from jk_bms.live.async_client import AsyncLive

log = logging.getLogger(__name__)

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
        self._kept: tuple[dict[str, Any], float] | None = None  # a snapshot and when it was made
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        self.connected = False
        self.down_since: float | None = None  # monotonic; None: the poller answers

    def listen(self, hear: Callable[[dict[str, Any]], None]) -> None:
        """Have ``hear`` called with each snapshot and event of the poller, and when it is lost."""
        self._listeners.append(hear)

    async def run(self) -> None:
        """Follow the poller until cancelled."""
        async for message in self._client.subscribe():
            match message["type"]:
                case "sample" | "link" | "inverter":  # pages ask for the whole state when they need it
                    continue
                case "snapshot":
                    self._keep(message)
                case "lost":
                    self._lost(str(message.get("error")))
            for hear in self._listeners:
                hear(message)

    async def snapshot(self) -> dict[str, Any]:
        """Return the present state; with ``poller_down`` and the ages of now when the poller does not answer."""
        try:
            snapshot = await self._client.snapshot()
        except LiveError as error:
            self._lost(str(error))
        else:
            self._keep(snapshot)
            return snapshot
        if self._kept is not None:
            return _aged(self._kept[0], self._monotonic() - self._kept[1])
        return await self.recorded() | {"poller_down": True}

    async def recorded(self) -> dict[str, Any]:
        """Return what ``bms.db`` knows of the batteries, however old; without it nothing."""
        try:
            return await asyncio.to_thread(last_known, self._bms_db, self._addresses, self._zone)
        except StoreError as error:
            log.debug("%s", error)  # the poller, which writes it, says so
            return {"devices": [], "inverter": None, "alerts": None}

    async def request(self, action: str, **fields: Any) -> dict[str, Any]:
        """Have the poller do something. Raises LiveError, SourceError."""
        return await self._client.request(action, **fields)

    def _keep(self, snapshot: dict[str, Any]) -> None:
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


def _aged(snapshot: dict[str, Any], seconds: float) -> dict[str, Any]:
    """A snapshot of ``seconds`` ago as what is known now: older, and nothing of what is open."""
    aged = copy.deepcopy(snapshot)
    for device in aged["devices"]:
        if device.get("age") is not None:
            device["age"] += seconds
        device.pop("link", None)  # how the radio does now is not known
    if inverter := aged.get("inverter"):
        if inverter.get("age") is not None:
            inverter["age"] += seconds
        inverter["grid"] = {"state": "unknown", "for": None}
    aged["alerts_before"] = aged.get("alerts_before") or aged["alerts"]  # open when it was last heard
    aged["alerts"] = None
    aged["poller_down"] = True
    return aged
