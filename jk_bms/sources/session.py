"""One make's conversation on an open connection, and what all makes have in common there."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple, Protocol

import msgspec

from jk_bms.battery.plausible import Plausibility
from jk_bms.clock import Clock
from jk_bms.errors import SourceError, Verdict
from jk_bms.links.base import Connection
from jk_bms.model import Device, Sample
from jk_bms.model.link import LinkStatus
from jk_bms.repair.ladder import Rung
from jk_bms.repair.machine import LinkMachine, Trouble

log = logging.getLogger(__name__)


class Heard(NamedTuple):
    """What a device said once: a reading, or what it is and how it is set."""

    sample: Sample | None = None
    about: Mapping[str, Mapping[str, Any]] | None = None  # "device_info", "settings"
    raw: bytes = b""  # that it was read from: kept when the reading cannot be true


def _nobody() -> None:
    """Ignore it."""


def _unread(reason: str, raw: bytes) -> None:
    """Ignore what was left out."""


class Terms(msgspec.Struct, kw_only=True):
    """What a session is given beside its connection. The counters of ``status`` are kept up to date."""

    clock: Clock
    status: LinkStatus
    machine: LinkMachine  # judges silence
    current_calibration: float = 1.0  # multiplies the current, for packs whose shunt is off
    gate: Plausibility = msgspec.field(
        default_factory=Plausibility
    )  # stops what cannot be true; outlives a session
    doubted: Callable[[str, bytes], None] = _unread  # is told why, and of what bytes
    changed: Callable[[], None] = _nobody  # the link is open, or turned silent


def alone(*, patience: float, clock: Clock | None = None, current_calibration: float = 1.0) -> Terms:
    """Return the terms of a session that is not held. ``patience``: for the first sample, in s."""
    machine = LinkMachine(asyncio.get_running_loop().time(), patience=patience)
    return Terms(
        clock=clock or Clock(),
        status=LinkStatus(),
        machine=machine,
        current_calibration=current_calibration,
    )


class Session(ABC):
    """Speaks with one device as long as the connection stands.

    ``device`` grows by what it tells about itself. A make says in ``hear`` what comes; that a reading is
    believed, counted and keeps the link alive is the same for all, and stands in ``listen``.
    """

    def __init__(self, connection: Connection, device: Device, terms: Terms) -> None:
        self.device = device
        self.layout = ""  # of its frames, where a make has several; for a person
        self.conflict = ""  # what it says of itself and what it sends do not go together
        self.refusal = ""  # why the last reading since the last good one was not believed
        self.spoke = False  # gave a good sample
        self.connection = connection
        self.terms = terms

    async def listen(self) -> AsyncGenerator[Heard]:
        """Yield what the device says and can be believed, until the link ends.

        Raises SourceError: ``DROPPED`` from the link; ``MUTE``, ``FROZEN`` or ``FRAMES_REFUSED``
        when no good sample came in time, and asking again did not help.
        """
        terms, now = self.terms, asyncio.get_running_loop().time
        terms.machine.connected(now())
        terms.changed()
        async with aclosing(self.hear()) as all_heard:
            async for heard in all_heard:
                if heard.sample is None:
                    yield heard
                elif (sample := self._believed(heard)) is not None:
                    terms.machine.frame(now())
                    yield heard._replace(sample=sample)

    @abstractmethod
    def hear(self) -> AsyncGenerator[Heard]:
        """Yield what the device says, with readings not yet judged among it. Raises SourceError."""

    def believed(self) -> None:
        """A reading was believed: what was wrong before it does not explain a silence after it."""
        self.spoke, self.refusal = True, ""

    def refuse(self, why: str) -> None:
        """Note that something came which cannot be used."""
        self.terms.status.refused += 1
        self.refusal = why

    def _believed(self, heard: Heard) -> Sample | None:
        """Return the sample as the house gets it; None when it cannot be true."""
        terms, sample = self.terms, heard.sample
        assert sample is not None
        if terms.current_calibration != 1.0 and sample.current is not None:
            sample = msgspec.structs.replace(sample, current=sample.current * terms.current_calibration)
        if reason := terms.gate.judge(sample):
            terms.status.doubt(reason, sample.monotonic)
            terms.doubted(reason, heard.raw)
            self.refuse(f"no sample: {reason}")
            return None
        terms.status.frames += 1
        terms.status.last_sample = sample.monotonic
        self.believed()
        return sample


class StreamSession(Session):
    """A session of a device that sends by itself once asked: bytes in, bytes out, no waiting in the make.

    A make fills in the five methods below; how long it waits, and when silence is too long, is the same for all.
    """

    @abstractmethod
    def begin(self, now: float) -> None:
        """Notifications are on."""

    @abstractmethod
    def next_due(self) -> float | None:
        """Return when ``due`` is worth a call; None: never."""

    @abstractmethod
    def due(self, now: float) -> bytes | None:
        """Return the command to be written now; None when it is not time."""

    @abstractmethod
    def feed(self, chunks: Iterable[bytes], now: float) -> Iterable[Heard]:
        """Return what these bytes say; damaged ones are left out and counted."""

    @abstractmethod
    def again(self) -> bytes:
        """Return the command that may wake a stream which stopped."""

    def trouble(self) -> Trouble:
        """Return what the silence looks like."""
        if self.refusal:
            return Trouble(Verdict.FRAMES_REFUSED, f"frames came, none could be believed: {self.refusal}")
        if self.spoke:
            return Trouble(Verdict.MUTE, "connected, but no frames come any more")
        return Trouble(
            Verdict.MUTE,
            f"connected, but the BMS did not answer within {self.terms.machine.patience:g} s; "
            "close the phone app, then switch Bluetooth of the BMS off and on if it stays so",
        )

    async def hear(self) -> AsyncGenerator[Heard]:
        """Yield what comes; ask when it is time, and again when it stopped."""
        now, receive, machine = (
            asyncio.get_running_loop().time,
            self.connection.receive_waiting,
            self.terms.machine,
        )
        self.begin(now())
        quiet = machine.quiet_due()
        while True:
            due = self.next_due()
            if due is not None:
                if command := self.due(now()):
                    await self._ask(command)
                due = self.next_due()
            chunks = await receive(quiet if due is None else min(due, quiet))
            at = now()
            if chunks:
                for heard in self.feed(chunks, at):
                    yield heard
            quiet = machine.quiet_due()
            if at < quiet:
                continue
            trouble = self.trouble()
            rung = machine.quiet(trouble, now())
            quiet = machine.quiet_due()
            self.terms.changed()
            if rung is Rung.ASK:
                await self._ask(self.again())
            elif rung is Rung.RECONNECT:
                raise SourceError(trouble.message, trouble.verdict, trouble.evidence)

    async def _ask(self, command: bytes) -> None:
        log.debug("%s: asking: %s", self.device.label, command.hex())
        await self.connection.write(command)
        self.terms.status.commands += 1
        self.terms.machine.commanded(asyncio.get_running_loop().time())


class Sessions(Protocol):
    """How one make speaks with one device, over all its connections: remembers what the next session must know."""

    def open(self, connection: Connection, device: Device, terms: Terms) -> Session:
        """Return the session of a connection that has just been opened."""

    def ended(self, session: Session, verdict: Verdict | None) -> None:
        """A session ended for this reason; None: on purpose."""
