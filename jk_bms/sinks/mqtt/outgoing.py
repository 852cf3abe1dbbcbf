"""What is to be published: the newest of each topic, never a queue of what was."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

AGAIN = 10.0  # s after which an unchanged state is sent again
RETAINED = frozenset({"availability", "status"})  # ends of topics


class Outgoing:
    """States that wait for the broker. ``open`` while there is one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told: dict[str, tuple[str, float]] = {}
        self._waiting: dict[str, str] = {}
        self._news = asyncio.Event()
        self.open = False

    def reset(self) -> None:
        """Send everything anew: the other side knows nothing."""
        self._told.clear()
        self._waiting.clear()

    def put(self, topic: str, payload: str, every: float = 0.0) -> None:
        """Have a state sent if it is another one, or was not sent lately; at most once in ``every`` s."""
        if not self.open:
            return
        said, when = self._told.get(topic, ("", -1e9))
        ago, retained = self._now() - when, topic.rpartition("/")[2] in RETAINED
        if (payload == said and (retained or ago < AGAIN)) or ago < every:
            return
        self._told[topic] = payload, self._now()
        self._waiting[topic] = payload
        self._news.set()

    async def send(self, client: Any) -> None:
        """Publish until cancelled. Raises what the client raises."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                topic = next(iter(self._waiting))
                payload = self._waiting.pop(topic)
                retain = topic.rpartition("/")[2] in RETAINED
                await client.publish(topic, payload, qos=int(retain), retain=retain)
                await asyncio.sleep(0)  # it would not pause by itself, and there are batteries to be read


def as_json(value: Any) -> str:
    """Return ``value`` in as few bytes as it needs."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
