"""A make that a library of others speaks with, a question for each reading (docs/adding.md).

Such a library wants to connect by itself and reads in its own time. Here it is given the bytes of our link and
writes through it: connecting, repairing and sharing the radio stay the house's business.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from jk_bms.config.devices import Entry
from jk_bms.errors import LinkError, SourceError, Verdict
from jk_bms.links.base import Connection, Link
from jk_bms.model import Device, Sample
from jk_bms.model.kinds import ANY_TEXT, Kind
from jk_bms.sources.base import SourceContext
from jk_bms.sources.session import Heard, Session, Terms

PERIOD = 1.0  # s between two questions


class AskedSession(Session):
    """Lets the library ask, and ask again."""

    async def hear(self) -> AsyncGenerator[Heard]:
        """Yield a reading each PERIOD. Raises SourceError."""
        library = self._library = Library(self._write)
        while True:
            values = await self._listening(library.update())
            clock = self.terms.clock
            now = clock.now()
            yield Heard(
                Sample(
                    device=self.device,
                    taken_at=now,
                    monotonic=clock.monotonic(),
                    clock_trusted=clock.trusted(now),
                    **values,
                )
            )
            await self._listening(asyncio.sleep(PERIOD))

    async def _listening(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Hand on what comes until ``work`` is done, also in a pause: a link that breaks meanwhile is told at once."""
        done, carried = asyncio.create_task(work), asyncio.create_task(self._carry())
        try:
            await asyncio.wait({done, carried}, return_when=asyncio.FIRST_COMPLETED)
            return done.result() if done.done() else carried.result()
        except TimeoutError as error:  # foreign errors end here
            raise SourceError("connected, but the BMS does not answer", Verdict.MUTE) from error
        except ValueError as error:
            raise SourceError(f"no answer that can be read: {error}", Verdict.FRAMES_REFUSED) from error
        finally:
            done.cancel()
            carried.cancel()
            await asyncio.gather(done, carried, return_exceptions=True)

    async def _carry(self) -> None:
        while True:
            self._library.notified(await self.connection.receive())

    async def _write(self, data: bytes) -> None:
        await self.connection.write(data)
        self.terms.status.commands += 1  # StreamSession counts by itself
        self.terms.machine.commanded(asyncio.get_running_loop().time())


class AskedSessions:
    """It has nothing to remember. A real library is imported in ``open``: not every house has it."""

    def open(self, connection: Connection, device: Device, terms: Terms) -> AskedSession:
        """Return the session of a connection that has just been opened."""
        return AskedSession(connection, device, terms)

    def ended(self, session: Session, verdict: Verdict | None) -> None:
        """Nothing is kept."""


# What stands for others' work: the library, and the BMS.


class Library:
    """Asks and waits as long as it likes."""

    patience = 1.0  # s

    def __init__(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._write = write
        self._came: asyncio.Queue[bytes] = asyncio.Queue()

    def notified(self, data: bytes) -> None:
        """Take what the BMS sent."""
        self._came.put_nowait(data)

    async def update(self) -> dict[str, float]:
        """Return a reading. Raises TimeoutError, and ValueError for nonsense."""
        await self._write(b"?")
        async with asyncio.timeout(self.patience):
            voltage, current = (await self._came.get()).split()
        return {"voltage": float(voltage), "current": float(current)}


class AnsweringConnection(Connection):
    """A BMS that says ``answer`` whenever it is asked; None: nothing."""

    rssi = -60

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def receive(self) -> bytes:
        """Return the next chunk. Raises LinkError once it was dropped."""
        if (chunk := await self._chunks.get()) is None:
            raise LinkError("the link dropped", Verdict.DROPPED)
        return chunk

    async def write(self, data: bytes) -> None:
        """Answer, if it does."""
        if self.answer is not None:
            self._chunks.put_nowait(self.answer)

    def drop(self) -> None:
        """The link breaks."""
        self._chunks.put_nowait(None)


class AnsweringLink:
    """The way to it."""

    answer: bytes | None = b"53.20 5.0"
    last: AnsweringConnection

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """Open it; leaving closes it."""
        AnsweringLink.last = AnsweringConnection(self.answer)
        yield self.last


def link(_: Entry, __: SourceContext) -> Link:
    """Return the way to it."""
    return AnsweringLink()


def sessions(_: Entry, __: SourceContext) -> AskedSessions:
    """Return how to speak with it."""
    return AskedSessions()


ROW = Kind(
    "asked",
    "asked BMS",
    "tests.examples.asked_kind:link",
    "tests.examples.asked_kind:sessions",
    address_form=ANY_TEXT,
)
