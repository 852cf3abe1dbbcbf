"""What comes back from the broker: the buttons of a battery, and the test alert of the house."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from jk_bms.errors import JkBmsError

log = logging.getLogger(__name__)

LONGEST = 64  # bytes of a payload
SAID = 3600.0  # s between two words on what a topic was sent in vain
MINUTES = 10  # a battery is left alone for, as long as nobody said otherwise
_RELEASE, _MINUTES, _TEST = "release_link", "release_minutes", "test_alert"
_ACTIONS = {_RELEASE: "release", "resume_link": "resume", "read_now": "read", _TEST: "alert_test"}


class Commands:
    """Takes messages and has done what they ask for. ``minutes``: by address, for how long to let go."""

    def __init__(self, ask: Callable[[Mapping[str, Any]], Awaitable[object]]) -> None:
        self.minutes: dict[str, int] = {}
        self._ask = ask
        self._of: dict[str, tuple[str | None, str]] = {}  # address and word, by topic
        self._said: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def topics(self, house: str, batteries: Mapping[str, str]) -> list[str]:
        """Return what to listen to; ``batteries``: topic of each by address."""
        words = (*_ACTIONS.keys() - {_TEST}, _MINUTES)
        self._of = {f"{topic}/cmd/{word}": (one, word) for one, topic in batteries.items() for word in words}
        self._of[f"{house}/cmd/{_TEST}"] = None, _TEST
        return list(self._of)

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        """Begin with what a message asks for; return whether a number is another one. What is no command is told once."""
        address, word = self._of.get(topic, (None, ""))
        text = payload[: LONGEST + 1].decode(errors="replace").strip()
        minutes = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
        good = 1 <= minutes <= 60 if word == _MINUTES else text == "PRESS"
        if retained or not good or not word or len(payload) > LONGEST:
            if time.monotonic() - self._said.get(topic, -SAID) >= SAID:
                self._said[topic] = time.monotonic()
                why = "a retained message is no command" if retained else "this is no command"
                log.warning("mqtt: %s: %s, ignored", topic, why)
            return False
        if word == _MINUTES and address is not None:
            self.minutes[address] = minutes
            return True
        if topic not in self._running:  # what is pressed again meanwhile is under way
            self._running[topic] = task = asyncio.create_task(self._do(topic, address, word))
            task.add_done_callback(lambda _: self._running.pop(topic, None))
        return False

    async def _do(self, topic: str, address: str | None, word: str) -> None:
        asked: dict[str, Any] = {"action": _ACTIONS[word]}
        if address is not None:
            asked["device"] = address
        if word == _RELEASE:
            asked["seconds"] = 60.0 * self.minutes.get(address or "", MINUTES)
        log.info("mqtt: %s", topic)
        try:
            await self._ask(asked)
        except JkBmsError as error:
            log.warning("mqtt: %s: %s", topic, error)
