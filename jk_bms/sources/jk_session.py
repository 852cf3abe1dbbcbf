"""The JK conversation over an open connection: commands out, decoded frames in."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import NamedTuple

import msgspec

from jk_bms.battery.limits import pack_limits
from jk_bms.battery.plausible import Plausibility
from jk_bms.clock import Clock
from jk_bms.errors import ProtocolError, SourceError, Verdict
from jk_bms.links.base import Connection
from jk_bms.model import Device, Sample
from jk_bms.model.link import LinkStatus
from jk_bms.protocol import (
    CellInfo,
    DeviceInfo,
    Frame,
    FrameAssembler,
    Logbook,
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
from jk_bms.repair.ladder import Rung
from jk_bms.repair.machine import LinkMachine, Trouble

log = logging.getLogger(__name__)


def _nobody() -> None:
    """Ignore it."""


def _unread(reason: str, frame: Frame) -> None:
    """Ignore what was left out."""


class Heard(NamedTuple):
    """One decoded frame; ``sample`` for a cell info that can be believed."""

    message: CellInfo | Settings | DeviceInfo | Logbook
    sample: Sample | None = None


class JkSession:
    """Asks a JK BMS what the start-up conversation says, and decodes what it answers.

    ``machine`` judges silence; without one ``patience`` is what there is for the first sample, in s.
    The counters of ``status`` are kept up to date. ``device`` grows by what the BMS tells about
    itself; ``refusal`` says why the last frame since the last good sample was not believed.
    ``last_cells``: the last cell info that was believed, to be given to the next session: a BMS that
    hangs does not wake up because a client connects anew. ``third_probe``: what the sessions before
    found out, likewise; so ``gate``, which stops what cannot be true: ``doubted`` is told why, and of what
    frame. ``current_calibration`` multiplies the
    current, for packs whose shunt is off. ``changed`` is called when the link is open and when it turned silent.
    """

    def __init__(
        self,
        connection: Connection,
        device: Device,
        *,
        clock: Clock,
        status: LinkStatus,
        patience: float = 20.0,
        machine: LinkMachine | None = None,
        last_cells: bytes = b"",
        third_probe: ThirdProbe | None = None,
        gate: Plausibility | None = None,
        doubted: Callable[[str, Frame], None] = _unread,
        current_calibration: float = 1.0,
        changed: Callable[[], None] = _nobody,
    ) -> None:
        self.device = device
        self.variant: Variant | None = None
        self.refusal = ""
        self.last_cells = last_cells
        self.conflict = ""  # the layout is not the one that the software version lets expect
        self._connection = connection
        self._clock = clock
        self._machine = machine or LinkMachine(asyncio.get_running_loop().time(), patience=patience)
        self._calibration = current_calibration
        self._changed = changed
        self._status = status
        self._assembler = FrameAssembler()
        self._software: str | None = None
        self._third_probe = third_probe or ThirdProbe()
        self._gate = gate or Plausibility()
        self._doubted = doubted
        self._spoke = False  # gave a good sample
        self._repeats = False  # its last frame was the one before again
        self._damaged = 0  # windows refused by the assembler up to the last good sample

    async def listen(self) -> AsyncGenerator[Heard]:
        """Yield what the device says until the link ends.

        Raises SourceError: ``DROPPED`` from the link; ``MUTE``, ``FROZEN`` or ``FRAMES_REFUSED``
        when no good sample came in time, and asking again did not help.
        """
        now, receive = asyncio.get_running_loop().time, self._connection.receive_waiting
        conversation, machine = Conversation(), self._machine
        machine.connected(now())
        self._changed()
        conversation.started(now())
        quiet = machine.quiet_due()
        while True:
            due = conversation.next_due()
            if due is not None:
                if command := conversation.due(now()):
                    await self._ask(command)
                due = conversation.next_due()
            chunks = await receive(quiet if due is None else min(due, quiet))
            at = now()
            if chunks:
                ready = self._assembler.ready
                for frame in self._feed(chunks):
                    conversation.on_frame(frame.kind, at)
                    heard = self._understand(frame)
                    if heard is None:
                        continue
                    if heard.sample is not None:
                        machine.frame(at)
                    yield heard
                if self._assembler.ready != ready:
                    conversation.on_ready(at)
            quiet = machine.quiet_due()
            if at < quiet:
                continue
            trouble = self._trouble()
            rung = machine.quiet(trouble, now())
            quiet = machine.quiet_due()
            self._changed()
            if rung is Rung.ASK:
                await self._ask(conversation.AGAIN)
            elif rung is Rung.RECONNECT:
                raise SourceError(trouble.message, trouble.verdict, trouble.evidence)

    async def _ask(self, command: bytes) -> None:
        log.debug("%s: asking: %s", self.device.label, command.hex())
        await self._connection.write(command)
        self._status.commands += 1
        self._machine.commanded(asyncio.get_running_loop().time())

    def _feed(self, chunks: Iterable[bytes]) -> list[Frame]:
        """Assemble; what is left out is added to the counters of the link."""
        assembler = self._assembler
        discarded, refused = assembler.discarded, assembler.refused
        doubled = assembler.doubled.on
        frames = [frame for chunk in chunks for frame in assembler.feed(chunk)]
        if assembler.doubled.on and not doubled:
            log.info("%s: each notification arrives twice; it is taken once", self.device.label)
        if assembler.discarded != discarded:
            self._status.discarded += assembler.discarded - discarded
        if assembler.refused != refused:
            self._status.refused += assembler.refused - refused
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
                return self._believe(frame, message)
        except ProtocolError as error:
            self._status.refused += 1
            self.refusal = str(error)
            self._note(frame, f"refused: {error}")
            return None
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
        elif isinstance(message, Settings):
            self._gate.limits(pack_limits(as_dict(message)))
        self._note(frame, "good")
        return Heard(message)

    def _believe(self, frame: Frame, info: CellInfo) -> Heard | None:
        # A BMS whose processor hangs may repeat its last frame for ever: same counter, same
        # uptime. That is not a reading.
        self._repeats = frame.data == self.last_cells
        if self._repeats:
            self._status.repeated += 1
            if self._status.repeats_since is None:
                self._status.repeats_since = self._clock.monotonic()
            raise ProtocolError("the BMS repeats the very same frame")
        self.last_cells = frame.data
        self._status.repeated = 0
        self._status.repeats_since = None
        if self.device.balancer != (info.current is None):
            self.device = msgspec.structs.replace(self.device, balancer=info.current is None)
        now = self._clock.now()
        sample = to_sample(
            self._third_probe.judge(info),
            device=self.device,
            taken_at=now,
            monotonic=self._clock.monotonic(),
            clock_trusted=self._clock.trusted(now),
        )
        if self._calibration != 1.0 and sample.current is not None:
            sample = msgspec.structs.replace(sample, current=sample.current * self._calibration)
        if reason := self._gate.judge(sample):
            self._status.doubt(reason, sample.monotonic)
            self._doubted(reason, frame)
            raise ProtocolError(f"cell_info frame {frame.counter}: no sample: {reason}")
        if self.variant is None:
            self.variant = info.variant
            self.conflict = identify(frame, self._software).conflict or ""
        self._status.frames += 1
        self._status.last_sample = sample.monotonic
        # What was wrong before this does not explain a silence after it.
        self._spoke = True
        self.refusal = ""
        self._damaged = self._assembler.refused
        self._note(frame, "good")
        return Heard(info, sample)

    def _note(self, frame: Frame, verdict: str) -> None:
        """Write the frame log. No bytes: device info holds the passcodes."""
        if not log.isEnabledFor(logging.DEBUG):
            return  # that spares what it would say
        log.debug("%s: %s frame %d: %s", self.device.label, frame.kind.name.lower(), frame.counter, verdict)

    def _trouble(self) -> Trouble:
        """What the silence looks like."""
        if self._repeats:
            return Trouble(Verdict.FROZEN, "the BMS repeats the very same frame; switch it off and on")
        if self.refusal:
            return Trouble(Verdict.FRAMES_REFUSED, f"frames came, none could be believed: {self.refusal}")
        if damaged := self._assembler.refused - self._damaged:
            return Trouble(
                Verdict.FRAMES_REFUSED,
                f"{damaged} damaged frames, no good one; move the radio closer",
                {"damaged": True},
            )
        if self._spoke:
            return Trouble(Verdict.MUTE, "connected, but no frames come any more")
        return Trouble(
            Verdict.MUTE,
            f"connected, but the BMS did not answer within {self._machine.patience:g} s; "
            "close the phone app, then switch Bluetooth of the BMS off and on if it stays so",
        )
