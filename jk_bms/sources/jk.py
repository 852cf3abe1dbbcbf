"""The JK conversation over an open connection: commands out, decoded frames in."""

import logging
from collections.abc import Iterable, Iterator

import msgspec

from jk_bms.battery.limits import pack_limits
from jk_bms.config.devices import Entry
from jk_bms.errors import ProtocolError, Verdict
from jk_bms.links.base import Connection
from jk_bms.model import Device, Sample
from jk_bms.protocol import (
    CellInfo,
    DeviceInfo,
    Frame,
    FrameAssembler,
    Settings,
    ThirdProbe,
    Variant,
    as_dict,
    decode,
    identify,
    is_balancer,
    to_sample,
)
from jk_bms.protocol.conversation import Conversation
from jk_bms.radio.memory import RadioMemory
from jk_bms.repair.machine import Trouble
from jk_bms.sources.base import SourceContext
from jk_bms.sources.session import Heard, Session, StreamSession, Terms

log = logging.getLogger(__name__)


class JkSession(StreamSession):
    """Asks a JK BMS what the start-up conversation says, and decodes what it answers.

    ``last_cells``: the last cell info that was believed, to be given to the next session: a BMS that
    hangs does not wake up because a client connects anew. ``third_probe``: what the sessions before
    found out, likewise.
    """

    def __init__(
        self,
        connection: Connection,
        device: Device,
        terms: Terms,
        *,
        last_cells: bytes = b"",
        third_probe: ThirdProbe | None = None,
    ) -> None:
        super().__init__(connection, device, terms)
        self.variant: Variant | None = None
        self.last_cells = last_cells  # as they came ...
        self.last_good = b""  # ... and the last that were believed
        self._conversation = Conversation()
        self._assembler = FrameAssembler()
        self._software: str | None = None
        self._third_probe = third_probe or ThirdProbe()
        self._judged: tuple[Frame, Variant] | None = None  # the reading that is being judged
        self._repeats = False  # its last frame was the one before again
        self._damaged = 0  # windows refused by the assembler up to the last good sample

    def begin(self, now: float) -> None:
        """Begin the start-up."""
        self._conversation.started(now)

    def next_due(self) -> float | None:
        """Return when the conversation goes on."""
        return self._conversation.next_due()

    def due(self, now: float) -> bytes | None:
        """Return what the conversation asks now."""
        return self._conversation.due(now)

    def again(self) -> bytes:
        """Return what starts the stream anew."""
        return self._conversation.AGAIN

    def feed(self, chunks: Iterable[bytes], now: float) -> Iterator[Heard]:
        """Assemble and decode."""
        ready = self._assembler.ready
        for frame in self._assemble(chunks):
            self._conversation.on_frame(frame.kind, now)
            if (heard := self._understand(frame)) is not None:
                yield heard
        if self._assembler.ready != ready:
            self._conversation.on_ready(now)

    def believed(self) -> None:
        """Take its layout for that of the device."""
        super().believed()
        self.last_good = self.last_cells
        self._damaged = self._assembler.refused
        if self.variant is None and self._judged is not None:
            frame, self.variant = self._judged
            self.layout = str(self.variant)
            self.conflict = identify(frame, self._software).conflict or ""

    def _assemble(self, chunks: Iterable[bytes]) -> list[Frame]:
        """Make frames of chunks; what is left out is added to the counters of the link."""
        assembler, status = self._assembler, self.terms.status
        discarded, refused = assembler.discarded, assembler.refused
        doubled = assembler.doubled.on
        frames = [frame for chunk in chunks for frame in assembler.feed(chunk)]
        if assembler.doubled.on and not doubled:
            log.info("%s: each notification arrives twice; it is taken once", self.device.label)
        if assembler.discarded != discarded:
            status.discarded += assembler.discarded - discarded
        if assembler.refused != refused:
            status.refused += assembler.refused - refused
            log.debug("%s: a damaged frame left out", self.device.label)
        return frames

    def _understand(self, frame: Frame) -> Heard | None:
        try:
            message = decode(
                frame,
                self.variant,
                self._software,
                third_probe=self._third_probe.found,
                balancer=is_balancer(self.device.model),
            )
            if isinstance(message, CellInfo):
                return Heard(self._sample(frame, message), raw=frame.data)
        except ProtocolError as error:
            self.refuse(str(error))
            self._note(frame, f"refused: {error}")
            return None
        self._note(frame, "good")
        if isinstance(message, DeviceInfo):
            self._software = message.sw_version
            self.device = msgspec.structs.replace(
                self.device,
                name=self.device.name or message.name,
                model=message.model,
                hw_version=message.hw_version,
                sw_version=message.sw_version,
                serial=message.serial,
            )
            return Heard(about={"device_info": as_dict(message)})
        if isinstance(message, Settings):
            settings = as_dict(message)
            self.terms.gate.limits(pack_limits(settings))
            return Heard(about={"settings": settings})
        return Heard()

    def _sample(self, frame: Frame, info: CellInfo) -> Sample:
        # A BMS whose processor hangs may repeat its last frame for ever: same counter, same
        # uptime. That is not a reading.
        status, clock = self.terms.status, self.terms.clock
        self._repeats = frame.data == self.last_cells
        if self._repeats:
            status.repeated += 1
            if status.repeats_since is None:
                status.repeats_since = clock.monotonic()
            raise ProtocolError("the BMS repeats the very same frame")
        self.last_cells = frame.data
        status.repeated = 0
        status.repeats_since = None
        if self.device.balancer != (info.current is None):
            self.device = msgspec.structs.replace(self.device, balancer=info.current is None)
        self._judged = (frame, info.variant)
        self._note(frame, "decoded")
        now = clock.now()
        return to_sample(
            self._third_probe.judge(info),
            device=self.device,
            taken_at=now,
            monotonic=clock.monotonic(),
            clock_trusted=clock.trusted(now),
        )

    def _note(self, frame: Frame, verdict: str) -> None:
        """Write the frame log. No bytes: device info holds the passcodes."""
        if not log.isEnabledFor(logging.DEBUG):
            return  # that spares what it would say
        log.debug("%s: %s frame %d: %s", self.device.label, frame.kind.name.lower(), frame.counter, verdict)

    def trouble(self) -> Trouble:
        """Return what the silence looks like."""
        if self._repeats:
            return Trouble(Verdict.FROZEN, "the BMS repeats the very same frame; switch it off and on")
        if not self.refusal and (damaged := self._assembler.refused - self._damaged):
            return Trouble(
                Verdict.FRAMES_REFUSED,
                f"{damaged} damaged frames, no good one; move the radio closer",
                {"damaged": True},
            )
        return super().trouble()


class JkSessions:
    """All sessions with one JK BMS. ``memory``: what the house knows of it from earlier runs.

    ``repeats``: the same frames come again by themselves, as those of a recording that begins anew.
    """

    def __init__(self, memory: RadioMemory | None = None, *, repeats: bool = False) -> None:
        self._memory = memory
        self._repeats = repeats
        self._last_cells = b""
        self._third_probe = ThirdProbe()

    def open(self, connection: Connection, device: Device, terms: Terms) -> JkSession:
        """Return the session of a connection that has just been opened."""
        if self._memory is not None and not self._last_cells:
            self._last_cells = self._memory.frozen(device.address)
        return JkSession(
            connection, device, terms, last_cells=self._last_cells, third_probe=self._third_probe
        )

    def ended(self, session: Session, verdict: Verdict | None) -> None:
        """Remember its last frame, also for the next run if the BMS hangs in it."""
        assert isinstance(session, JkSession)
        if self._repeats:
            return
        self._last_cells = session.last_good or self._last_cells
        if verdict is Verdict.FROZEN and self._memory is not None:
            self._memory.freezes(session.device.address, self._last_cells)


def sessions(_: Entry, context: SourceContext) -> JkSessions:
    """Return the sessions of an entry."""
    return JkSessions(context.radio)


def repeated_sessions(_: Entry, __: SourceContext) -> JkSessions:
    """Return the sessions of a recording."""
    return JkSessions(repeats=True)
