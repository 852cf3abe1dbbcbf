"""The event stream: what happens, told to every page that is open, each message put into words once.

A page that comes back within minutes gets what it missed; one that takes nothing is let go.
"""

import asyncio
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, NamedTuple

import msgspec

KEPT = 300.0  # s that messages are kept for those who come back
MOST_KEPT = 2000  # messages
QUEUE = 64  # messages that wait for one page
BEAT = 15.0  # s after the last byte
LOOK = 5.0  # s between two looks whether the viewer may still look
# Nothing of these is left out; of the others only the newest counts.
LASTING = frozenset({"alert", "event", "config", "poller"})
LEAST = {"battery": 0.5, "link": 1.0, "inverter": 1.0}  # s between two of the same kind and thing
MOST_STREAMS = 64


class Said(NamedTuple):
    """One message as it goes out."""

    number: int
    kind: str
    thing: str  # what it is of: of the same kind and thing only the newest counts
    at: float  # monotonic, s
    body: bytes


class Stream:
    """What waits for one page."""

    def __init__(self) -> None:
        self.waiting: OrderedDict[tuple[str, str], Said] = OrderedDict()
        self.news = asyncio.Event()
        self.full = False  # more than fits, and none of it may be left out

    def put(self, said: Said) -> None:
        """Have ``said`` sent, in the place of an older one of the same thing."""
        key = (said.kind, str(said.number) if said.kind in LASTING else said.thing)
        self.waiting.pop(key, None)
        if len(self.waiting) >= QUEUE:
            droppable = next((old for old in self.waiting if old[0] not in LASTING), None)
            if droppable is None:
                self.full = True
            else:
                del self.waiting[droppable]
        self.waiting[key] = said
        self.news.set()

    def take(self) -> list[Said]:
        """Return what waits, oldest first."""
        taken = list(self.waiting.values())
        self.waiting.clear()
        self.news.clear()
        return taken


class Feed:
    """All streams, and what was said lately."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.boot = secrets.token_hex(4)
        self._monotonic = monotonic
        self._count = 0
        self._said: deque[Said] = deque()  # of the lasting kinds
        self._marks: deque[tuple[int, float]] = deque()  # the number of each message, and when it was said
        self._newest: dict[tuple[str, str], Said] = {}
        self._held: dict[tuple[str, str], tuple[asyncio.TimerHandle, Callable[[], Any]]] = {}
        self._streams: set[Stream] = set()
        self._over = False

    def end(self) -> None:
        """End all streams: the page is going down. Browsers come back by themselves."""
        self._over = True
        self.look()

    @property
    def open(self) -> int:
        """How many pages listen."""
        return len(self._streams)

    def say(self, kind: str, thing: str, value: Callable[[], Any]) -> None:
        """Tell every page; ``value`` is called when it is sent, at most as often as LEAST says."""
        key, now = (kind, thing), self._monotonic()
        least = LEAST.get(kind)
        newest = self._newest.get(key)
        if least is not None and newest is not None and now - newest.at < least:
            if key not in self._held:
                loop = asyncio.get_running_loop()
                timer = loop.call_later(least - (now - newest.at), self._say_held, key)
                self._held[key] = (timer, value)
            else:
                self._held[key] = (self._held[key][0], value)
            return
        self._say(kind, thing, value())

    def _say_held(self, key: tuple[str, str]) -> None:
        _, value = self._held.pop(key)
        self._say(*key, value())

    def _say(self, kind: str, thing: str, value: Any) -> None:
        self._count += 1
        said = Said(self._count, kind, thing, self._monotonic(), self._framed(kind, value, self._count))
        self._newest[kind, thing] = said
        self._marks.append((said.number, said.at))
        if kind in LASTING:
            self._said.append(said)
        self._forget()
        for stream in self._streams:
            stream.put(said)

    def _framed(self, kind: str, value: Any, number: int | None = None) -> bytes:
        head = f"id: {self.boot}-{number}\n" if number is not None else ""
        return f"{head}event: {kind}\ndata: ".encode() + msgspec.json.encode(value) + b"\n\n"

    def missed(self, last: str) -> list[Said] | None:
        """Return what came after the message with the id ``last``; None: that is not known any more."""
        boot, _, number = last.rpartition("-")
        if boot != self.boot or not number.isdigit() or len(number) > 12:
            return None
        after = int(number)
        self._forget()
        oldest = self._marks[0][0] if self._marks else self._count + 1
        if after > self._count or (after != self._count and after + 1 < oldest):
            return None
        newest = [said for said in self._newest.values() if said.kind not in LASTING]
        return sorted(said for said in (*self._said, *newest) if said.number > after)

    def _forget(self) -> None:
        """Let go of what is too old for those who come back."""
        now = self._monotonic()
        while self._marks and (now - self._marks[0][1] >= KEPT or len(self._marks) > MOST_KEPT):
            self._marks.popleft()
        oldest = self._marks[0][0] if self._marks else self._count + 1
        while self._said and self._said[0].number < oldest:
            self._said.popleft()

    async def follow(
        self,
        last: str,
        *,
        hello: Callable[[bool], Any],
        state: Callable[[], Any],
        beat: Callable[[], Any],
        may: Callable[[], bool],
    ) -> AsyncGenerator[bytes]:
        """Yield what one page is sent, until it may look no more. ``last``: the id it heard last; "": none."""
        stream = Stream()
        missed = self.missed(last) if last else None
        self._streams.add(stream)
        try:
            yield b": easun-jkbms\nretry: 3000\n\n"
            yield self._framed("hello", hello(missed is not None))
            if missed is None:
                yield self._framed("state", state(), self._count)
            elif missed:
                yield b"".join(said.body for said in missed)
            sent = self._monotonic()
            while may() and not stream.full and not self._over:
                try:
                    async with asyncio.timeout(max(0.01, min(LOOK, sent + BEAT - self._monotonic()))):
                        await stream.news.wait()
                except TimeoutError:
                    if self._monotonic() - sent < BEAT:
                        continue
                    yield self._framed("beat", beat())
                else:
                    if not (taken := stream.take()):
                        continue
                    yield b"".join(said.body for said in taken)
                sent = self._monotonic()
        finally:
            self._streams.discard(stream)

    def look(self) -> None:
        """Have every stream look at once whether its viewer may still look."""
        for stream in self._streams:
            stream.news.set()
