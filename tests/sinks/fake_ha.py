"""Home Assistant's part in discovery, as far as it decides which entities live on: by its rules of 2026.11.

An entity is known by platform and unique id. Who holds it (a discovery topic and the component there) lets go of it
on request and it stays; clearing the topic of who holds it removes it from the registry. A second holder is refused.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiomqtt

from tests.sinks.mqtt_house import Broker

Key = tuple[str, str]  # platform, unique id
LET_GO = {"migrate_discovery": True}


class HomeAssistant:
    """``registry``: entity ids that never change as long as an entity lives; ``errors``: what it would log."""

    def __init__(self) -> None:
        self.registry: dict[Key, str] = {}
        self.holders: dict[Key, str] = {}
        self.errors: list[str] = []
        self.removed: list[Key] = []

    def take(self, topic: str, payload: str) -> None:
        """Take a message below ``homeassistant``."""
        found = re.fullmatch(r"homeassistant/(\w+)/(?:([\w-]+)/)?([\w-]+)/config", topic, re.ASCII)
        if found is None:
            return
        message = json.loads(payload) if payload else {}
        mine = [key for key, holder in self.holders.items() if holder == topic]
        if message == LET_GO:
            for key in mine:
                self.holders[key] = ""
            return
        told = self._told(found[1], message)
        for key in mine:
            if key not in told:
                del self.holders[key], self.registry[key]
                self.removed.append(key)
        for key, name in told.items():
            if self.holders.get(key, "") not in ("", topic):
                self.errors.append(f"{topic}: ID {key} already exists in {self.holders[key]}")
                continue
            self.holders[key] = topic
            taken = set(self.registry.values())
            wanted = f"{key[0]}.{name}".lower()
            self.registry.setdefault(key, wanted if wanted not in taken else f"{wanted} again")

    @staticmethod
    def _told(platform: str, message: Any) -> dict[Key, str]:
        if not message:
            return {}
        if platform != "device":
            return {(platform, message["unique_id"]): message["unique_id"]}
        return {
            (one["platform"], one["unique_id"]): one["unique_id"]
            for one in message["components"].values()
            if len(one) > 1
        }


@contextlib.asynccontextmanager
async def home_assistant(broker: Broker, known: HomeAssistant | None = None) -> AsyncIterator[HomeAssistant]:
    """Have it run in here; ``known``: it was restarted."""
    mine = known or HomeAssistant()
    mine.holders.clear()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("homeassistant/#", qos=1)

        async def hear() -> None:
            async for message in client.messages:
                mine.take(str(message.topic), bytes(message.payload).decode())

        task = asyncio.create_task(hear())
        try:
            yield mine
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await task
