"""The asking end of the live socket, for programs that live in an event loop (the bot).

A subscription goes on for ever: when the service ends it says so once, then comes back with a
snapshot as soon as there is a service again.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

from jk_bms.errors import LiveError
from jk_bms.live import messages
from jk_bms.model.snapshot import Snapshot

FIRST_BACKOFF = 0.5  # s after the first failure, doubling
LONGEST_BACKOFF = 10.0  # s


class AsyncLive:
    """The running poller at ``path``. ``timeout``: s to connect and, beyond a request's own time, to answer."""

    def __init__(self, path: Path, *, timeout: float = 5.0) -> None:
        self.path = path
        self.timeout = timeout
        self._ids = itertools.count(1)

    async def snapshot(self) -> Snapshot:
        """Return the present state. Raises LiveError when no poller answers."""
        async with self._connected() as connection, self._patience(self.timeout):
            await connection.send("snapshot")
            return messages.snapshot_in(self.path, await connection.answer("snapshot"))

    async def request(
        self, action: str, *, ttl: float = messages.REQUEST_TTL, **fields: Any
    ) -> dict[str, Any]:
        """Have ``action`` carried out and return its result.

        Raises SourceError when the service tried and failed, LiveError when it refused, does not
        answer or does not run.
        """
        async with self._connected() as connection, self._patience(ttl + self.timeout):
            ident = f"{action}-{next(self._ids)}"
            await connection.send("request", id=ident, action=action, ttl=ttl, **fields)
            return messages.result(await connection.answer("answer"))

    async def subscribe(self) -> AsyncGenerator[messages.Told | messages.Lost]:
        """Yield a snapshot, then everything as it happens; never ends by itself.

        While no service answers, one ``Lost`` is yielded for the whole outage; what comes after it is a
        snapshot.
        """
        backoff, lost = FIRST_BACKOFF, False
        while True:
            try:
                async with self._connected() as connection:
                    await connection.send("subscribe")
                    while True:
                        told = messages.understood(self.path, await connection.receive())
                        backoff, lost = FIRST_BACKOFF, False
                        if told is not None:
                            yield told
            except LiveError as error:
                if not lost:
                    lost = True
                    yield messages.Lost(str(error))
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LONGEST_BACKOFF)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator["_Connection"]:
        try:
            async with asyncio.timeout(self.timeout):
                reader, writer = await asyncio.open_unix_connection(self.path, limit=messages.MAX_LINE)
        except (OSError, TimeoutError) as error:
            raise messages.unreachable(self.path, error) from error
        try:
            yield _Connection(self.path, reader, writer)
        finally:
            writer.close()

    @contextlib.asynccontextmanager
    async def _patience(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise LiveError(f"{self.path}: the service does not answer (within {seconds:g} s)") from error


class _Connection:
    """One open connection."""

    def __init__(self, path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer

    async def send(self, kind: str, **fields: Any) -> None:
        try:
            self._writer.write(messages.line(kind, **fields))
            await self._writer.drain()
        except OSError as error:
            raise LiveError(f"{self._path}: the service went away ({error.strerror or error})") from error

    async def receive(self) -> dict[str, Any]:
        try:
            raw = await self._reader.readline()
        except (OSError, ValueError) as error:  # ValueError: a line without an end
            raise LiveError(f"{self._path}: the service does not answer ({error})") from error
        return messages.received(self._path, raw)

    async def answer(self, kind: str) -> dict[str, Any]:
        while (message := await self.receive())["type"] != kind:
            if message["type"] == "error":
                raise LiveError(f"the service did not understand: {message.get('error')}")
        return message
