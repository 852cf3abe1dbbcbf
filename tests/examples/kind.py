"""A whole make of BMS, as small as it can be: the file to begin with for a new one (docs/adding.md).

This one sends a line such as ``V=53.20 I=5.1 SOC=80`` each second once it got ``go``. Its current is positive
while *discharging*, as with some makes: that ends here.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

from jk_bms.config.devices import Entry
from jk_bms.links.base import Connection, Link
from jk_bms.model import Device, Sample
from jk_bms.model.kinds import ANY_TEXT, Kind
from jk_bms.sources.base import SourceContext
from jk_bms.sources.session import Heard, Session, StreamSession, Terms

ASK = b"go\n"


class LineSession(StreamSession):
    """Asks once, then takes lines as they come."""

    def begin(self, now: float) -> None:
        """Notifications are on: ask at once."""
        self._due: float | None = now
        self._text = b""

    def next_due(self) -> float | None:
        """Return when the question is due; it is asked once."""
        return self._due

    def due(self, now: float) -> bytes | None:
        """Return the question."""
        self._due = None
        return ASK

    def again(self) -> bytes:
        """Return what wakes a stream that stopped."""
        return ASK

    def feed(self, chunks: Iterable[bytes], now: float) -> Iterator[Heard]:
        """Cut at line ends: a chunk may end anywhere."""
        *lines, self._text = (self._text + b"".join(chunks)).split(b"\n")
        for line in lines:
            try:
                words = dict(word.split(b"=") for word in line.split())
                voltage, current, soc = (float(words[key]) for key in (b"V", b"I", b"SOC"))
            except (KeyError, ValueError):
                self.refuse(f"{line!r} is no reading")
                continue
            clock = self.terms.clock
            now_there = clock.now()
            sample = Sample(
                device=self.device,
                taken_at=now_there,
                monotonic=clock.monotonic(),
                clock_trusted=clock.trusted(now_there),
                voltage=voltage,
                current=-current,  # foreign signs end here
                soc=soc,
            )
            yield Heard(sample, raw=line)


class LineSessions:
    """It has nothing to remember from one connection to the next."""

    def open(self, connection: Connection, device: Device, terms: Terms) -> LineSession:
        """Return the session of a connection that has just been opened."""
        return LineSession(connection, device, terms)

    def ended(self, session: Session, verdict: str | None) -> None:
        """Nothing is kept."""


class LineLink:
    """Carries bytes; here from a list, elsewhere from a wire or the air."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = list(chunks)
        self.opened = 0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """Open it; leaving closes it."""
        from tests.sources.scripted import ScriptedConnection

        self.opened += 1
        yield ScriptedConnection(self.chunks, ends=False)


READINGS = [b"V=53.20 I=-5.0 SOC", b"=80\nV=53.21 I=-5.1 SOC=80\n"]  # charging with 5 A


def link(_: Entry, __: SourceContext) -> Link:
    """Return the way to it."""
    return LineLink(READINGS)


def sessions(_: Entry, __: SourceContext) -> LineSessions:
    """Return how to speak with it."""
    return LineSessions()


# The row. In ``model/kinds.py`` it would stand among ROWS.
ROW = Kind(
    "line", "line BMS", "tests.examples.kind:link", "tests.examples.kind:sessions", address_form=ANY_TEXT
)
