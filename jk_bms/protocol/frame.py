"""Frames out of a stream of bytes that is cut anywhere and mixed with junk.

The radio module of a BMS is a serial line: the borders of its notifications mean nothing,
pieces get lost, ``AT\\r\\n`` is thrown in between. The check byte is a sum of 8 bits, which one
damaged window in 256 passes; so a frame must also be of a known kind and hold no second header.
"""

import re
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from zlib import adler32

import msgspec

from jk_bms.protocol.commands import COMMAND_SIZE, READY_FRAME
from jk_bms.protocol.doubled import Doubled

FRAME_SIZE = 300  # bytes, header and check byte included
HEADER = b"\x55\xaa\xeb\x90"
NOISE = b"AT\r\n"  # what some radio modules say about five times a second, unasked
LONGEST_WINDOW = 1024  # bytes, a frame and the noise inside it; more is a flood
LONGEST_START = 64  # bytes that may still grow into a ready frame or a header

# A header that the noise may have torn apart.
TORN_HEADER = re.compile(rb"\x55(?:AT\r\n)*\xaa(?:AT\r\n)*\xeb(?:AT\r\n)*\x90")
_STARTS = tuple(HEADER[:n] for n in (3, 2, 1))
_NOISE_STARTS = tuple(NOISE[:n] for n in (3, 2, 1))
_NOISE_CUT = _NOISE_STARTS[:2]  # an A alone is too often a real check byte, and then right


class FrameKind(IntEnum):
    """What a frame tells, by its type byte."""

    SETTINGS = 1
    CELL_INFO = 2
    DEVICE_INFO = 3
    LOGBOOK = 5


_KINDS: Mapping[int, FrameKind] = MappingProxyType({int(kind): kind for kind in FrameKind})


class Frame(msgspec.Struct, frozen=True):
    """300 bytes that passed every check of the framing. They may hold a passcode: never shown."""

    kind: FrameKind
    counter: int  # byte 5
    data: bytes

    def __repr__(self) -> str:
        return f"Frame(kind={self.kind.name}, counter={self.counter})"


def checksum(data: bytes) -> int:
    """Return the check byte of a frame: the sum of its first 299 bytes, modulo 256."""
    # The low half of Adler-32 is 1 + the sum, modulo 65521: exact for 256 bytes, and six
    # times as fast as sum().
    return ((adler32(data[:256]) & 0xFFFF) + (adler32(data[256:299]) & 0xFFFF) - 2) & 0xFF


class FrameAssembler:
    """Turn chunks, cut anywhere and mixed with junk, into frames. One for each connection."""

    def __init__(self) -> None:
        self.discarded = 0  # bytes that belonged to no frame; ready frames do not count
        self.refused = 0  # windows behind a header that failed a check
        self.ready = 0  # ready frames seen
        self.unknown: dict[int, int] = {}  # type byte -> intact frames of a kind we cannot name
        self.doubled = Doubled()
        self._buffer = bytearray()
        self._paired_frames = 0  # out of notifications that all came twice so far
        self._need = 1  # no decision is possible before the buffer holds this many bytes
        self._owed = b""  # what ended the last frame and may be the start of a header

    def feed(self, chunk: bytes) -> list[Frame]:
        """Add ``chunk``, one notification; return the frames it completed, oldest first."""
        doubled = self.doubled
        if doubled.again(chunk):
            if not doubled.pairs:
                return []
            # Only now it is clear that all of these came twice: what they were taken for was wrong.
            chunk = b"".join(doubled.pairs)
            doubled.pairs.clear()
            if self._paired_frames:
                return []
            self._buffer.clear()
            self._need, self._owed = 1, b""
        elif not doubled.pairs:
            self._paired_frames = 0
        frames = self._assemble(chunk)
        self._paired_frames += len(frames)
        return frames

    def _assemble(self, chunk: bytes) -> list[Frame]:
        buffer = self._buffer
        buffer += chunk
        frames: list[Frame] = []
        if len(buffer) >= self._need:
            while buffer and self._seek() and self._judge(frames):
                pass
        return frames

    def _seek(self) -> bool:
        """Bring a header to the front of the buffer; False when none has come yet."""
        buffer = self._buffer
        if self._owed and not self._settle():
            return False
        if buffer.startswith(HEADER):
            return True
        at = buffer.find(HEADER)
        if NOISE in buffer and (torn := TORN_HEADER.search(buffer)):
            at = torn.start()
            self.discarded += torn.end() - at - len(HEADER)
            buffer[at : torn.end()] = HEADER
        if at >= 0:
            self._drop(at)
            return True
        while (at := buffer.find(READY_FRAME)) >= 0:
            self._drop(at + COMMAND_SIZE)
        self._drop(max(0, len(buffer) - LONGEST_START))
        self._need = 1
        return False

    def _judge(self, frames: list[Frame]) -> bool:
        """Decide about the bytes from the header on; False when there are too few of them."""
        buffer = self._buffer
        if len(buffer) < FRAME_SIZE:
            self._need = FRAME_SIZE
            return False
        # A header may begin on the last bytes of the window: then the window is not a frame.
        second = buffer.find(HEADER, len(HEADER), FRAME_SIZE + len(HEADER) - 1)
        if second < 0:
            data = bytes(memoryview(buffer)[:FRAME_SIZE])
            size, intact = FRAME_SIZE, checksum(data) == data[-1]
            if data.rfind(NOISE) >= 0 or data.endswith(_NOISE_CUT if intact else _NOISE_STARTS):
                mended, needed = self._mend()
                if needed > len(buffer):
                    self._need = needed
                    return False
                if mended is not None:
                    data, size, intact = mended, needed, True
            if intact:
                kind = _KINDS.get(data[4])
                if kind is not None:
                    frames.append(Frame(kind, data[5], data))
                    self.discarded += size - FRAME_SIZE
                    if data.endswith(_STARTS):  # a header could begin there
                        self._owed = next(start for start in _STARTS if data.endswith(start))
                    del buffer[:size]
                    self._need = 1
                    return True
                self.unknown[data[4]] = self.unknown.get(data[4], 0) + 1
        self.refused += 1
        self._drop(second if second > 0 else len(HEADER))
        return True

    def _mend(self) -> tuple[bytes | None, int]:
        """Take the noise out of the window at the front.

        Returns the frame and the bytes it took; None instead of the frame when that is not
        the trouble; a size beyond the buffer when so many bytes are needed to tell.
        """
        size = FRAME_SIZE
        while size <= LONGEST_WINDOW:
            if self._buffer.find(HEADER, len(HEADER), size + len(HEADER) - 1) >= 0:
                break  # another frame begins: these bytes will not come
            if size > len(self._buffer):
                return None, size
            clean = bytes(memoryview(self._buffer)[:size]).replace(NOISE, b"")
            if len(clean) < FRAME_SIZE:
                size += FRAME_SIZE - len(clean)
            elif len(clean) == FRAME_SIZE and checksum(clean) == clean[-1] and not clean.endswith(_NOISE_CUT):
                return clean, size
            elif clean.endswith(_NOISE_STARTS):
                size += 1  # noise torn by the end of the window
            else:
                break
        return None, 0

    def _settle(self) -> bool:
        """Give back the end of the last frame if it began a header; False: cannot tell yet.

        One false frame in 256 is a piece of 297 to 299 bytes and the start of the next header.
        """
        rest = HEADER[len(self._owed) :]
        if len(self._buffer) < len(rest) and rest.startswith(self._buffer):
            self._need = len(self._buffer) + 1
            return False
        if self._buffer.startswith(rest):
            self._buffer[:0] = self._owed
        self._owed = b""
        return True

    def _drop(self, size: int) -> None:
        """Throw the first ``size`` bytes away, all but the ready frames among them counted."""
        if size:
            ready = self._buffer.count(READY_FRAME, 0, size)
            self.ready += ready
            self.discarded += size - ready * COMMAND_SIZE
            del self._buffer[:size]
