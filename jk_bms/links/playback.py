"""A link that plays a dump as if it were a device. What is written to it goes nowhere."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

from jk_bms.errors import ConfigError, LinkError, ProtocolError, Verdict
from jk_bms.links.base import Connection
from jk_bms.protocol.dump import DumpLine, parse_dump

PER_BYTE = 0.5 / 300  # s for each byte of a dump without times: two frames a second
PAUSE = 0.5  # s before a dump starts over

Timing = Literal["recorded", "fast"]


class PlaybackLink:
    """Plays a dump from its start on every connection.

    ``timing``: with the pauses as they were recorded, or as fast as it is read. At the end the
    link drops; with ``loop`` the dump starts over instead. Raises ConfigError when the file cannot
    be read or holds no notification.
    """

    def __init__(
        self, dump: Path | str | Iterable[str], timing: Timing = "recorded", *, loop: bool = False
    ) -> None:
        self._path = Path(dump) if isinstance(dump, Path | str) else None
        self._lines = () if isinstance(dump, Path | str) else tuple(dump)
        self._timing = timing
        self._loop = loop
        try:
            empty = next(self._notifications(), None) is None
        except (OSError, ValueError, ProtocolError) as error:
            raise ConfigError(f"{self.name}: cannot be played: {error}") from error
        if empty:
            raise ConfigError(f"{self.name}: cannot be played: it holds no notification")

    @property
    def name(self) -> str:
        """The file, or what stands for lines from elsewhere."""
        return "playback" if self._path is None else str(self._path)

    def connect(self) -> AbstractAsyncContextManager["PlaybackConnection"]:
        """Open the link; see ``Link``."""
        return self._connect()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator["PlaybackConnection"]:
        connection = PlaybackConnection(self.name, self._play(), asyncio.get_running_loop().time)
        try:
            yield connection
        finally:
            connection.close()

    def _notifications(self) -> Iterator[DumpLine]:
        if self._path is None:
            yield from parse_dump(self._lines)
        else:
            with self._path.open(encoding="utf-8") as file:  # read on the way: dumps of days are long
                yield from parse_dump(file)

    def _play(self) -> Iterator[tuple[float, bytes]]:
        """Yield the pause in s before each chunk, and the chunk."""
        pause = 0.0
        while True:
            previous: float | None = None
            for time, chunk in self._notifications():
                if time is not None:
                    pause += max(0.0, time - previous) if previous is not None else 0.0
                    previous = time
                yield (pause if self._timing == "recorded" else 0.0), chunk
                pause = len(chunk) * PER_BYTE if time is None else 0.0
            if not self._loop:
                return
            pause += PAUSE


class PlaybackConnection(Connection):
    """An open playback; ``PlaybackLink.connect`` makes it."""

    def __init__(self, name: str, chunks: Iterator[tuple[float, bytes]], now: Callable[[], float]) -> None:
        self._name = name
        self._chunks = chunks
        self._now = now
        self._next: tuple[float, bytes] | None = None  # kept when ``receive`` is cancelled
        self._due = now()
        self._closed = asyncio.Event()

    @property
    def rssi(self) -> int | None:
        """None: it was not recorded."""
        return None

    async def receive(self) -> bytes:
        """Return the next chunk when its time has come; see ``Connection``."""
        await asyncio.sleep(0)  # a fast and endless dump must let others work too
        if self._closed.is_set():
            raise LinkError(f"{self._name}: the playback is closed", Verdict.DROPPED)
        if self._next is None:
            self._next = self._fetch()
        due, chunk = self._next
        if due > self._now():
            with suppress(TimeoutError):
                async with asyncio.timeout(due - self._now()):
                    await self._closed.wait()
                raise LinkError(f"{self._name}: the playback is closed", Verdict.DROPPED)
        self._next = None
        return chunk

    async def write(self, data: bytes) -> None:
        """Accept a command that no device hears. Raises LinkError once closed."""
        if self._closed.is_set():
            raise LinkError(f"{self._name}: the playback is closed", Verdict.DROPPED)

    def close(self) -> None:
        """End the playback; what waits in ``receive`` ends with LinkError."""
        self._closed.set()

    def _fetch(self) -> tuple[float, bytes]:
        try:
            pause, chunk = next(self._chunks)
        except StopIteration:
            raise LinkError(f"{self._name}: the dump has ended", Verdict.DROPPED) from None
        except (OSError, ValueError, ProtocolError) as error:
            raise LinkError(f"{self._name}: the dump is broken: {error}", Verdict.DROPPED) from error
        self._due += pause
        return self._due, chunk
