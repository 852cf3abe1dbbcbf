"""From what Home Assistant was told before, by BatMON or in another form, to what it is told now: no entity is lost.

It is asked to let go of the old messages, gets the new one with the same unique ids, and then the old ones are
cleared. What was interrupted is begun anew.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from jk_bms.sinks.mqtt.devices import Described, Devices

LISTEN = 3.0  # s in which a broker tells what it keeps
SETTLE = 5.0  # s for Home Assistant to let go and to take up
_LET_GO = '{"migrate_discovery":true}'


class Migration:
    """``add`` what has to move; ``run`` moves it. ``heard`` is given what a broker keeps."""

    def __init__(self, devices: Devices) -> None:
        self.waiting: dict[str, Described] = {}  # by address
        self._devices = devices
        self._found: dict[str, bytes] = {}
        self._news = asyncio.Event()

    def add(self, address: str, described: Described) -> None:
        """Move a battery to what it is described as now."""
        self.waiting[address] = described
        self._news.set()

    def heard(self, topic: str, payload: bytes) -> None:
        """Note a message that somebody left."""
        if payload:
            self._found[topic] = payload

    async def run(
        self,
        client: Any,
        describe: Callable[[Described], Awaitable[None]],
        keep: Callable[[], Awaitable[None]],
    ) -> None:
        """Move until cancelled. Raises what the client raises."""
        while True:
            await self._news.wait()
            self._news.clear()
            moving = dict(self.waiting)
            nodes = [one.node for one in moving.values() if one.first]
            await self._listen(client, nodes)
            old = {address: self._old(one) for address, one in moving.items()}
            for address, one in moving.items():
                for topic in old[address]:
                    await client.publish(topic, _LET_GO if one.now else "", qos=1, retain=True)
                await describe(one)
            if any(one.now and old[address] for address, one in moving.items()):
                await asyncio.sleep(SETTLE)
            for address, one in moving.items():
                for topic in {*old[address], *one.left} - one.now.keys():
                    await client.publish(topic, "", qos=1, retain=True)
                self._devices.settled(address, one)
                if self.waiting.get(address) is one:
                    del self.waiting[address]
            await keep()

    async def _listen(self, client: Any, nodes: list[str]) -> None:
        self._found.clear()
        if nodes:
            filters = [f"{self._devices.prefix}/+/{node}/+/config" for node in nodes]
            await client.subscribe([(each, 0) for each in filters])
            await asyncio.sleep(LISTEN)
            await client.unsubscribe(filters)

    def _old(self, one: Described) -> list[str]:
        """Return the topics that are ours, or of BatMON for the same battery."""
        old = set(one.old)
        for topic, payload in self._found.items():
            if topic.split("/")[-3] == one.node:
                told: Any = None
                with contextlib.suppress(ValueError):
                    told = json.loads(payload)
                mine = isinstance(told, dict) and (
                    "migrate_discovery" in told or str(told.get("unique_id", "")).startswith(f"{one.uid}__")
                )
                (old.add if mine else old.discard)(topic)
        return sorted(old)
