"""The Bluetooth side of a JK BMS as a model of bytes: commands in, notification chunks out.

Time is injected: ``now`` is any clock in seconds that does not go back. The model behaves like
the captures: a ready frame after every command, 0x97 tells the device info, 0x96 the settings
and starts the stream of cell infos, one counter for all kinds, chunks cut without regard to
anything, and on request the noise and the faults of real ones.
"""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import NamedTuple

from msgspec.structs import replace

from jk_bms.errors import LinkError, ProtocolError, Verdict
from jk_bms.protocol import Variant, encode_cell_info, encode_device_info, encode_settings
from jk_bms.protocol.commands import READ_DEVICE_INFO, READ_SETTINGS, READY_FRAME, parse_command
from jk_bms.protocol.frame import FRAME_SIZE, NOISE, checksum
from jk_bms.simulator.bms import SimulatedBms
from jk_bms.simulator.faults import Faults

PERIOD = 0.5  # s between two cell infos
REPLY_AFTER = 0.03  # s
CHUNK_GAP = 0.006  # s between the chunks of one frame
NOISE_PERIOD = 0.2  # s
GLUED_NOISE = 5  # every so many noises sticks to the frame behind it
LATE = 20  # missed periods after which the stream goes on from now instead of catching up
LONGEST_GAP = 86_400.0  # s of physics made up for at once
LOG_LENGTH = 1000
WILD = 2_000_000.0  # A

DEVICE_INFO, SETTINGS = parse_command(READ_DEVICE_INFO).register, parse_command(READ_SETTINGS).register
CELLS_END = {Variant.JK04: 102, Variant.JK02_24S: 54, Variant.JK02_32S: 70}
SHIFT = 16  # bytes, what stands between the layouts of real variants
PASSCODES = ("1234", "123456")  # as they come from the shop

# How real modules cut their frames.
FRAGMENTS: dict[str, tuple[int, ...]] = {
    "20": (20,),
    "128": (128, 128, 44),
    "bk": (128, 22),
    "150": (150,),
    "80": (80,),
    "244": (244,),
    "300": (300,),
}


class Noted(NamedTuple):
    """One line of the radio's log."""

    time: float
    what: str  # connect, disconnect, drop, command
    detail: str = ""  # of a command: register in hex and verdict


class Radio:
    """The radio module in front of a simulated BMS. One central at a time."""

    def __init__(
        self,
        bms: SimulatedBms,
        *,
        fragment: int | Sequence[int] = FRAGMENTS["128"],
        across: bool = False,
        glue_ready: bool = False,
        at_noise: bool = False,
        info_first: bool = False,
        period: float = PERIOD,
        speed: float = 1.0,
        faults: Faults | None = None,
        passcodes: Sequence[str] = PASSCODES,
        seed: int = 1,
    ) -> None:
        """Make a radio.

        ``fragment``: chunk sizes, repeated as long as there are bytes. ``across``: a chunk may hold
        the end of one frame and the start of the next. ``glue_ready``: the ready frame comes in
        one piece with the frame before. ``info_first``: like firmware that streams only after
        0x97 was asked. ``period``: s between cell infos, each worth ``speed`` times as much
        simulated time. ``passcodes``: that for the app and that for its settings.
        """
        sizes = (fragment,) if isinstance(fragment, int) else tuple(fragment)
        if not sizes or min(sizes) < 1:
            raise ValueError(f"fragment is {fragment!r}; expected chunk sizes of at least 1 byte")
        if period <= 0.0 or speed <= 0.0:
            raise ValueError(f"period is {period:g} and speed {speed:g}; expected more than 0")
        self.bms = bms
        self.faults = faults or Faults()
        self.period = period
        self.speed = speed
        self.log: deque[Noted] = deque(maxlen=LOG_LENGTH)
        self.connected = False
        self.commands = 0  # good ones
        self.bad_commands = 0
        self.frames = 0  # made, of all kinds
        self._sizes = sizes
        self._across = across
        self._glue_ready = glue_ready
        self._at_noise = at_noise
        self._passcodes = passcodes
        self._info_first = info_first
        # With a short period everything happens faster, so that tests need not wait.
        self._pace = min(1.0, period / PERIOD)
        self._rng = random.Random(f"{seed}:radio")
        self._counter = 0
        self._chunks = 0
        self._noises = 0
        self._physics: float | None = None  # until when the BMS has advanced
        self._frozen = b""
        # Of one connection:
        self._queue: deque[tuple[float, bytes | None]] = deque()  # due, chunk; None drops the link
        self._rest = b""  # with ``across``: bytes that wait for more
        self._held_noise = b""
        self._flush_at: float | None = None
        self._next_frame: float | None = None
        self._next_noise: float | None = None
        self._info_asked = False

    def connect(self, now: float) -> None:
        """A central connects. Raises LinkError while another one is connected."""
        if self.connected:
            raise LinkError("the simulated BMS is held by another central", Verdict.CONNECT_FAILED)
        self._forget()
        self.connected = True
        if self._physics is None:
            self._physics = now
        self.log.append(Noted(now, "connect"))

    def disconnect(self, now: float = 0.0) -> None:
        """The central leaves. What was not delivered is lost; no harm when it was not there."""
        if self.connected:
            self.log.append(Noted(now, "disconnect"))
        self.connected = False
        self._forget()

    def write(self, data: bytes, now: float) -> None:
        """The central sends ``data``. Raises LinkError when it is not connected."""
        if not self.connected:
            raise LinkError("the simulated BMS is not connected", Verdict.DROPPED)
        try:
            command = parse_command(data)
        except ProtocolError as error:
            self.bad_commands += 1
            self.log.append(Noted(now, "command", f"bad: {error}"))
            return
        verdict = self._obey(command.register, command.value, command.length, now)
        self.log.append(Noted(now, "command", f"{command.register:02x} {verdict}"))

    def poll(self, now: float) -> list[bytes]:
        """Return the chunks that are due by ``now``, in order.

        When the link drops, ``connected`` turns False with the last chunks.
        """
        chunks: list[bytes] = []
        if self._next_noise is None and self.connected and (self._at_noise or self.faults.flood):
            self._next_noise = now
        if self._next_frame is not None and now - self._next_frame > LATE * self.period:
            self._next_frame = now
        while self.connected and (due := self.next_due()) is not None and due <= now:
            if self._queue and self._queue[0][0] == due:
                chunk = self._queue.popleft()[1]
                if chunk is None:
                    self.log.append(Noted(due, "drop"))
                    self.connected = False
                    self._forget()
                elif self._heard():
                    chunks += [chunk, chunk] if self.faults.twice else [chunk]
            elif self._flush_at == due:
                self._flush(due)
            elif self._next_frame == due:
                self._cell_info(due)
            else:
                chunks += self._noise(due)
        return chunks

    def next_due(self) -> float | None:
        """When ``poll`` will next have something to do; None: not before a command."""
        if not self.connected:
            return None
        times = (
            self._queue[0][0] if self._queue else None,
            self._flush_at,
            self._next_frame,
            self._next_noise,
        )
        return min((time for time in times if time is not None), default=None)

    def _forget(self) -> None:
        """Forget everything that belongs to one connection."""
        self._queue.clear()
        self._rest = self._held_noise = b""
        self._flush_at = self._next_frame = self._next_noise = None
        self._info_asked = False

    def _obey(self, register: int, value: int, length: int, now: float) -> str:
        faults = self.faults
        if faults.mute:
            return "unheard"
        if faults.ignore_commands > 0:
            faults.ignore_commands -= 1
            return "ignored"
        self.commands += 1
        at = now + REPLY_AFTER * self._pace
        reply, verdict = b"", "ok"
        if register == DEVICE_INFO:
            self._info_asked = True
            self._advance(now)
            info, variant = self.bms.device_info(), self.bms.variant
            reply = encode_device_info(
                info, variant, self._count(), passcode=self._passcodes[0], setup_passcode=self._passcodes[1]
            )
        elif register == SETTINGS:
            reply = encode_settings(self.bms.settings(), self.bms.variant, self._count())
            if self._next_frame is None and (self._info_asked or not self._info_first):
                self._next_frame = at + self.period
        elif not (length and self.bms.write(register, value)):
            verdict = "unknown register"
        if reply:
            reply = self._maybe_corrupt(reply)
        if self._glue_ready:
            self._send(reply + READY_FRAME, at)
        else:
            if reply:
                self._send(reply, at)
            self._send(READY_FRAME, at + CHUNK_GAP * self._pace)
        return verdict

    def _cell_info(self, at: float) -> None:
        """Make the next frame of the stream and set the time of the one after."""
        faults = self.faults
        self._next_frame = at + self.period
        self._advance(at)
        if faults.stop_after is not None:
            if faults.stop_after <= 0:
                return
            faults.stop_after -= 1
        if not faults.frozen or not self._frozen:
            self._frozen = self._maybe_corrupt(self._encode())
        frame = self._frozen
        message, self._held_noise = self._held_noise + frame, b""
        if faults.cut_after is not None:
            if faults.cut_after <= 0:
                faults.cut_after = None
                self._send(message[: len(message) // 2], at)
                self._flush(at)
                self._queue.append((self._last_due(at), None))
                return
            faults.cut_after -= 1
        self._send(message, at)

    def _encode(self) -> bytes:
        variant = self.bms.variant
        info = self.bms.cell_info()
        if self.faults.no_cells:
            none = {"cells": (), "cell_numbers": (), "cell_resistances": ()}
            zero = dict.fromkeys(("voltage", "voltage_check", "current", "power_bms"), 0.0)
            known = {name: value for name, value in zero.items() if getattr(info, name) is not None}
            info = replace(info, cell_average_bms=0.0, cell_delta_bms=0.0, **none, **known)
        if info.current is not None and self.faults.wild_every and self.frames % self.faults.wild_every == 0:
            info = replace(info, current=WILD)
        frame = encode_cell_info(info, variant, self._count())
        if not self.faults.wrong_layout:
            return frame
        keep = CELLS_END[variant]
        shifted = bytearray(frame[:keep] + bytes(SHIFT) + frame[keep:])[:FRAME_SIZE]
        shifted[-1] = checksum(bytes(shifted))
        return bytes(shifted)

    def _count(self) -> int:
        self.frames += 1
        self._counter = (self._counter + 1) & 0xFF
        return self._counter

    def _maybe_corrupt(self, frame: bytes) -> bytes:
        every = self.faults.corrupt_every
        if not every or self.frames % every:
            return frame
        at = self._rng.randrange(6, FRAME_SIZE)
        return frame[:at] + bytes((frame[at] ^ 1 << self._rng.randrange(8),)) + frame[at + 1 :]

    def _heard(self) -> bool:
        """Whether the next chunk gets through."""
        faults = self.faults
        self._chunks += 1
        if faults.mute or (faults.drop_every and self._chunks % faults.drop_every == 0):
            return False
        return not (faults.drop_chance and self._rng.random() < faults.drop_chance)

    def _noise(self, at: float) -> list[bytes]:
        """The module sends noise: at once in a flood, else between frames."""
        if self.faults.flood:
            self._next_noise = at + CHUNK_GAP * self._pace * 0.7
            return [] if self.faults.mute else [NOISE]
        self._next_noise = at + NOISE_PERIOD * self._pace if self._at_noise else None
        self._noises += 1
        if not self._at_noise:
            return []
        if self._noises % GLUED_NOISE == 0 and self._next_frame is not None:
            self._held_noise = NOISE
        else:
            self._queue.append((self._last_due(at), NOISE))
        return []

    def _send(self, message: bytes, at: float) -> None:
        """Cut ``message`` and put the chunks behind those that wait already."""
        if self._across:
            message, self._rest, self._flush_at = self._rest + message, b"", None
        chunks = list(_cut(message, self._sizes))
        if self._across and len(chunks[-1]) < self._sizes[(len(chunks) - 1) % len(self._sizes)]:
            self._rest = chunks.pop()
            self._flush_at = at + 1.2 * self.period
        for chunk in chunks:
            self._queue.append((self._last_due(at), chunk))

    def _flush(self, at: float) -> None:
        if self._rest:
            self._queue.append((self._last_due(at), self._rest))
        self._rest, self._flush_at = b"", None

    def _last_due(self, at: float) -> float:
        """When a chunk can go that was made at ``at``: behind those before it."""
        return max(at, self._queue[-1][0] + CHUNK_GAP * self._pace) if self._queue else at

    def _advance(self, now: float) -> None:
        """Let the physics follow to ``now``."""
        if self._physics is None:
            self._physics = now
        gap = now - self._physics
        if abs(gap - self.period) < 1e-6:
            gap = self.period  # not the rounding of a clock: the same seed gives the same bytes
        if gap > 0.0:
            self.bms.advance(min(LONGEST_GAP, gap * self.speed))
            self._physics = now


def _cut(message: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    at = 0
    for size in cycle(sizes):
        if at >= len(message):
            return
        yield message[at : at + size]
        at += size
