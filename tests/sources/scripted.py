"""Links that do what a test says, and a source on one of them that notes what it tells."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from jk_bms.clock import Clock
from jk_bms.errors import LinkError, Verdict
from jk_bms.links.base import Connection
from jk_bms.model import Sample
from jk_bms.sources.base import SourceContext


class StillClock(Clock):
    """A clock that a test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.wall = datetime(2026, 12, 1, 12, tzinfo=UTC)
        self.boot = 1000.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.boot


class ScriptedConnection(Connection):
    """Gives the chunks of a list; then ``ends`` as a lost link, or is silent for ever."""

    rssi = -60

    def __init__(self, chunks: Iterable[bytes], *, ends: bool = True) -> None:
        self.chunks = list(chunks)
        self.ends = ends
        self.written: list[bytes] = []

    async def receive(self) -> bytes:
        if self.chunks:
            return self.chunks.pop(0)
        if self.ends:
            raise LinkError("scripted: the link dropped", Verdict.DROPPED)
        await asyncio.Event().wait()
        raise AssertionError

    async def write(self, data: bytes) -> None:
        self.written.append(data)


class ScriptedLink:
    """Each connection is the next of the script: chunks, or an error to be raised."""

    def __init__(self, script: Iterable[list[bytes] | Exception], *, ends: bool = True) -> None:
        self.script = list(script)
        self.ends = ends
        self.opened = 0
        self.open_now = 0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ScriptedConnection]:
        self.opened += 1
        what = self.script.pop(0) if self.script else LinkError("scripted: no more", Verdict.NOT_SEEN)
        if isinstance(what, Exception):
            raise what
        self.open_now += 1
        try:
            yield ScriptedConnection(what, ends=self.ends)
        finally:
            self.open_now -= 1


class Notes:
    """What a source published and reported."""

    def __init__(self, **context: Any) -> None:
        self.samples: list[Sample] = []
        self.events: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.context = SourceContext(
            publish=self._publish,
            report=lambda kind, *_, **__: self.events.append(kind),
            identified=lambda _, told: self.told.append(told),
            **context,
        )

    def _publish(self, sample: Sample) -> None:
        self.samples.append(sample)
        self.news.set()

    async def sample(self) -> Sample:
        """Wait for the next sample."""
        self.news.clear()
        async with asyncio.timeout(10):
            await self.news.wait()
        return self.samples[-1]
