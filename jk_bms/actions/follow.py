"""The log of events as a channel follows it: what it has to tell next, and how long it leaves a dead address alone."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from jk_bms.errors import StoreError
from jk_bms.model import Event
from jk_bms.model.alarms import Severity

log = logging.getLogger(__name__)

LOOK_PERIOD = 60.0  # s between two looks into the log without being woken
PAGE = 200  # events read at once

Numbered = tuple[int, Event]  # an event and its id
Wanted = Callable[[Event], bool]


class EventLog:
    """The log of ``bms.db``, read by ``after(id, limit)`` and ``newest()``, which raise StoreError.

    Each address that is told has its own place in it: the id of the last event that is done with.
    """

    def __init__(
        self,
        after: Callable[[int, int], Awaitable[list[Numbered]]],
        newest: Callable[[], Awaitable[int]],
    ) -> None:
        self._after = after
        self._newest = newest
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Have all who wait look now."""
        self._news.set()
        self._news = asyncio.Event()

    @property
    def news(self) -> asyncio.Event:
        """What the next ``wake`` sets. Taken before the log is read, it misses nothing."""
        return self._news

    async def wait(self, news: asyncio.Event) -> None:
        """Return with the news, and now and then without any."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_PERIOD):
                await news.wait()

    async def newest(self, usual: int) -> int:
        """Return the id of the last event; ``usual`` where the log cannot be read."""
        try:
            return await self._newest()
        except StoreError as error:
            log.debug("%s", error)  # said aloud where it is written
            return usual

    async def next(self, place: int, wanted: Wanted) -> tuple[list[Numbered], int]:
        """Return the first events after ``place`` that are ``wanted``, and the place that nothing is left before."""
        try:
            while page := await self._after(place, PAGE):
                if found := [(number, event) for number, event in page if wanted(event)]:
                    return found, place
                place = page[-1][0]
        except StoreError as error:
            log.debug("%s", error)
        return [], place

    async def rest(self, seconds: float, known: int, wanted: Wanted) -> None:
        """Wait for the next attempt; something critical that is ``wanted``, after the event ``known``, ends that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    news = self._news
                    found, known = await self.next(known, lambda event: wanted(event) and critical(event))
                    if found:
                        return
                    await news.wait()


def critical(event: Event) -> bool:
    """Whether ``event`` is worth an attempt at once."""
    return event.facts.get("severity") == Severity.CRITICAL.word
