"""Dumps: what a BMS sent, one notification per line, ``<seconds> <hex>``; without passcodes.

Lines of bare hex are read as well, with spaces or colons between the bytes; ``#`` begins a
comment.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jk_bms.errors import ProtocolError
from jk_bms.protocol.commands import READY_FRAME
from jk_bms.protocol.fields import INFO_SECRETS, INFO_TEXTS
from jk_bms.protocol.frame import FRAME_SIZE, HEADER, NOISE, TORN_HEADER, FrameKind, checksum

_SERIAL = next(text for text in INFO_TEXTS if text.name == "serial")


_BEGINNINGS = READY_FRAME[:1] + NOISE[:1] + HEADER[:1]


class DumpLine(NamedTuple):
    """One notification. ``time``: seconds from the start of the dump, None when it has no times."""

    time: float | None
    chunk: bytes


def parse_dump(lines: Iterable[str]) -> Iterator[DumpLine]:
    """Yield the notifications in ``lines``; ProtocolError names the first line that is none."""
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            yield parse_line(text, number)


def parse_line(text: str, number: int) -> DumpLine:
    """Return the notification in one line without comment; ProtocolError names a line that is none."""
    tokens = text.split()
    timed = len(tokens) > 1 and _is_time(tokens)
    try:
        time = float(tokens[0]) if timed else None
        chunk = bytes.fromhex("".join(tokens[timed:]).replace(":", ""))
    except ValueError:
        shown = text if len(text) <= 40 else text[:40] + "..."
        raise ProtocolError(
            f"line {number}: {shown!r} is no notification; expected '<seconds> <hex>' or hex alone"
        ) from None
    return DumpLine(time, chunk)


def _is_time(tokens: list[str]) -> bool:
    """Whether a line begins with a time: a number with a point, or one that begins no row of groups."""
    first, *rest = tokens
    if "." in first:
        return True
    groups = (
        len(first) in (2, 4, 8)
        and all(len(t) == len(first) for t in rest[:-1])
        and len(rest[-1]) <= len(first)
    )
    return first.isdecimal() and not groups


def format_line(time: float, chunk: bytes) -> str:
    """Return one line of a dump, without its end."""
    return f"{time:.3f} {chunk.hex()}"


class Blanker:
    """Take the passcodes out of a stream of notifications, however they are cut.

    What is sure to hold none passes: ready frames, noise, intact frames, and device-info frames with
    zeros for the codes and the check byte mended. The rest may be a piece of a damaged
    device info and becomes zeros. A notification is held back until all of it is decided.
    """

    def __init__(self) -> None:
        self._held: list[tuple[float, int]] = []  # time and size of the notifications held back
        self._bytes = bytearray()  # theirs
        self._at = 0  # where the undecided ones begin

    def feed(self, time: float, chunk: bytes) -> list[DumpLine]:
        """Add a notification; return those that may be written now, in order."""
        self._held.append((time, len(chunk)))
        self._bytes += chunk
        return self._release(final=False)

    def flush(self) -> list[DumpLine]:
        """Return what is still held back, at the end of the stream."""
        return self._release(final=True)

    def _release(self, *, final: bool) -> list[DumpLine]:
        while self._decide(final):
            pass
        lines = []
        while self._held and self._held[0][1] <= self._at:
            time, size = self._held.pop(0)
            lines.append(DumpLine(time, bytes(self._bytes[:size])))
            del self._bytes[:size]
            self._at -= size
        return lines

    def _decide(self, final: bool) -> bool:
        """Decide about what comes next; False when there are too few bytes to do so."""
        at, data = self._at, self._bytes
        if at == len(data):
            return False
        for known in (READY_FRAME, NOISE):
            if data.startswith(known, at):
                self._at += len(known)
                return True
        if TORN_HEADER.match(data, at):
            return self._decide_frame(final)
        if not final and len(data) - at < len(READY_FRAME) and data[at] in _BEGINNINGS:
            return False
        data[at] = 0
        self._at += 1
        return True

    def _decide_frame(self, final: bool) -> bool:
        at, data = self._at, self._bytes
        places = _without_noise(data, at)
        broken = data.find(HEADER, at + 1, (places[-1] if places else at) + len(HEADER)) >= 0
        for window in (places[:FRAME_SIZE], list(range(at, min(at + FRAME_SIZE, len(data))))):
            frame = bytes(data[i] for i in window)
            if not broken and len(frame) == FRAME_SIZE and checksum(frame) == frame[-1]:
                for i, byte in zip(window, _blanked(frame), strict=True):
                    data[i] = byte
                self._at = window[-1] + 1
                return True
        if not (broken or final) and (
            len(places) < FRAME_SIZE or len(data) < places[FRAME_SIZE - 1] + len(NOISE)
        ):
            return False
        self._at += len(HEADER)  # no frame: let what follows be judged by itself
        return True


def _without_noise(data: bytearray, at: int) -> list[int]:
    """Return the places of the bytes from ``at`` on, as many as a frame may take, without noise."""
    places: list[int] = []
    while at < len(data) and len(places) < FRAME_SIZE:
        if data.startswith(NOISE, at):
            at += len(NOISE)
        else:
            places.append(at)
            at += 1
    return places


def _blanked(frame: bytes) -> bytes:
    """Return an intact ``frame`` without its passcodes, with the check byte that it has then."""
    if frame[4] != FrameKind.DEVICE_INFO:
        return frame
    blank = bytearray(frame)
    for secret in INFO_SECRETS:
        blank[secret.at : secret.at + secret.size] = bytes(secret.size)
    # What follows a short serial number may be a passcode as well.
    end = blank.find(0, _SERIAL.at, _SERIAL.at + _SERIAL.size)
    if end >= 0:
        size = _SERIAL.at + _SERIAL.size - end
        blank[end : end + size] = bytes(size)
    blank[-1] = checksum(bytes(blank))
    return bytes(blank)
