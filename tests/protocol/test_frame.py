"""Framing: whatever a stream suffers, every frame that is whole comes out, and nothing else."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jk_bms.errors import JkBmsError
from jk_bms.protocol import Frame, FrameAssembler, FrameKind, Variant, as_dict, decode
from jk_bms.protocol.commands import READY_FRAME
from jk_bms.protocol.frame import HEADER, NOISE, checksum
from tests.protocol.jk_frames import cell_frame, info_frame, logbook_frame, repaired, settings_frame
from tests.scale import scaled

A = cell_frame(counter=1)
B = settings_frame(counter=2)
C = info_frame(counter=3)

# name: (chunks, frames out, bytes discarded, ready frames)
STREAMS = {
    # the nine cuts that real radios make
    "clean 20-byte pieces": ([A[i : i + 20] for i in range(0, 300, 20)], [A], 0, 0),
    "noise in front": ([NOISE + A], [A], 4, 0),
    "noise twice in front": ([NOISE + NOISE + A], [A], 8, 0),
    "two frames in one piece": ([A + B], [A, B], 0, 0),
    "end and start in one piece": ([A[:296], A[296:] + B[:16], B[16:]], [A, B], 0, 0),
    "noise inside": ([A[:150] + NOISE + A[150:] + B], [A, B], 4, 0),
    "ready frame behind": ([C + READY_FRAME + B], [C, B], 0, 1),
    "a lost piece": ([A[:128], A[256:], B], [B], 172, 0),
    "150 + 150": ([A[:150], A[150:], B[:150], B[150:]], [A, B], 0, 0),
    # and more
    "ready frame between noise": ([NOISE + READY_FRAME + NOISE + A], [A], 8, 1),
    "noise in the header": ([A[:2] + NOISE + A[2:]], [A], 4, 0),
    "noise around a header": ([A[:1] + NOISE + A[1:3] + NOISE + A[3:]], [A], 8, 0),
    "noise three times inside": (
        [A[:100] + NOISE + A[100:200] + NOISE * 2 + A[200:] + B],
        [A, B],
        12,
        0,
    ),
    "noise at the last byte": ([A[:299] + NOISE + A[299:] + B], [A, B], 4, 0),
    "noise three bytes from the end": ([A[:297] + NOISE + A[297:] + B], [A, B], 4, 0),
    "stale header, then a frame": ([HEADER + A], [A], 4, 0),
    "stale start, then a frame": ([A[:40] + B], [B], 40, 0),
    "stale end, then a frame": ([A[40:] + B], [B], 260, 0),
    "all but the last byte": ([A[:299] + B], [B], 299, 0),
    "damaged, then whole": ([A[:99] + bytes([A[99] ^ 1]) + A[100:] + B], [B], 300, 0),
    "damaged with noise inside": ([A[:99] + bytes([A[99] ^ 1]) + NOISE + A[100:] + B], [B], 304, 0),
    "unknown kind": ([repaired(A, {4: b"\x09"}) + B], [B], 300, 0),
    "part of a header between": ([A + HEADER[:3] + B], [A, B], 3, 0),
}


def cuts(stream: bytes, seed: int) -> list[bytes]:
    """``stream`` cut at random."""
    rnd, chunks, at = random.Random(seed), [], 0
    longest = rnd.choice((4, 30, 200))
    while at < len(stream):
        size = rnd.randint(1, longest)
        chunks.append(stream[at : at + size])
        at += size
    return chunks


def fed(chunks: list[bytes]) -> tuple[list[bytes], FrameAssembler]:
    """What an assembler makes of ``chunks``."""
    assembler = FrameAssembler()
    return [frame.data for chunk in chunks for frame in assembler.feed(chunk)], assembler


@pytest.mark.parametrize(("chunks", "frames", "discarded", "ready"), STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("cut", ["as told", "whole", "byte by byte", *range(6)])
def test_streams(
    chunks: list[bytes], frames: list[bytes], discarded: int, ready: int, cut: str | int
) -> None:
    """However the stream is cut, the same frames come out."""
    stream = b"".join(chunks)
    if cut == "whole":
        chunks = [stream]
    elif cut == "byte by byte":
        chunks = [stream[i : i + 1] for i in range(len(stream))]
    elif isinstance(cut, int):
        chunks = cuts(stream, cut)

    got, assembler = fed(chunks)

    assert (got, assembler.discarded, assembler.ready) == (frames, discarded, ready)


@pytest.mark.parametrize("at", range(301))
def test_noise_anywhere(at: int) -> None:
    """Noise may fall on every byte of a frame."""
    got, _ = fed([A[:at] + NOISE + A[at:] + B])

    assert got == [A, B]


@pytest.mark.parametrize("size", range(1, 300))
@pytest.mark.parametrize("split", [1, 2, 3])
def test_stale_start_and_header_cut_in_two(size: int, split: int) -> None:
    """What is left of a lost frame costs the next one nothing, at whatever border."""
    got, _ = fed([A[:size] + B[:split], B[split:]])

    assert got == [B]


@pytest.mark.parametrize("size", [297, 298, 299])
def test_accidental_check_byte_over_a_header(size: int) -> None:
    """A piece that passes the check with the start of the next header does not swallow that."""
    piece = bytearray(A[:size] + B[: 300 - size])
    piece[200] = (piece[200] + piece[299] - sum(piece[:299])) & 0xFF
    stale = bytes(piece[:size])

    got, _ = fed([bytes(piece), B[300 - size :]])
    together, _ = fed([stale + B])

    assert checksum(bytes(piece)) == piece[299]
    assert got[-1] == B
    assert together == [B]


@pytest.mark.parametrize("at", [297, 298, 299])
@pytest.mark.parametrize("size", [1, 20, 400])
def test_accidental_check_byte_over_noise(at: int, size: int) -> None:
    """Noise cut by the end of the window is found even if it passes for a check byte."""
    noisy = bytearray(B[:at] + NOISE + B[at:])
    noisy[200] = (noisy[200] + noisy[299] - sum(noisy[:299])) & 0xFF
    noisy[303] = (sum(noisy[:at]) + sum(noisy[at + 4 : 303])) & 0xFF
    stream = bytes(noisy) + A

    got, _ = fed([stream[i : i + size] for i in range(0, len(stream), size)])

    assert checksum(stream[:300]) == stream[299]
    assert got == [stream[:at] + stream[at + 4 : 304], A]


@pytest.mark.parametrize("end", [b"A", b"AT", b"AT\r", b"AT\r\n"])
def test_frame_that_ends_like_noise(end: bytes) -> None:
    """Such a frame may wait for the next byte, but comes."""
    first = bytearray(B)
    first[300 - len(end) :] = end
    first[200] = (first[200] + first[299] - sum(first[:299])) & 0xFF

    for chunks in ([bytes(first), A], [bytes(first) + A], cuts(bytes(first) + A, 3)):
        got, _ = fed(chunks)
        assert got == [bytes(first), A]


def test_frame_that_ends_like_a_header() -> None:
    """A real check byte of 0x55 keeps both this frame and the next."""
    first = repaired(A, {200: bytes([(A[200] + 0x55 - A[299]) & 0xFF])})
    assert first[299] == 0x55

    for chunks in ([first, B], [first + B], cuts(first + B, 1), [first, READY_FRAME, B]):
        got, _ = fed(chunks)
        assert got == [first, B]


def test_every_intact_kind_is_a_frame() -> None:
    """The type byte becomes the kind, byte 5 the counter."""
    stream = A + B + C + logbook_frame(counter=255)

    frames = FrameAssembler().feed(stream)

    assert [(f.kind, f.counter) for f in frames] == [
        (FrameKind.CELL_INFO, 1),
        (FrameKind.SETTINGS, 2),
        (FrameKind.DEVICE_INFO, 3),
        (FrameKind.LOGBOOK, 255),
    ]


def test_unknown_kinds_are_counted() -> None:
    """An intact frame of another kind is no frame, but the caller can tell that it came."""
    assembler = FrameAssembler()

    assembler.feed(repaired(A, {4: b"\x09"}) * 2 + A)

    assert assembler.unknown == {9: 2}


def test_damaged_windows_are_counted() -> None:
    """``refused`` counts the starts that came to nothing."""
    _, assembler = fed([A[:100] + B[:100] + C])

    assert assembler.refused == 2


def test_buffer_is_capped() -> None:
    """A flood without an end costs no memory."""
    assembler = FrameAssembler()
    for _ in range(2000):
        assembler.feed(HEADER[:1] + NOISE * 10)
        assembler.feed(A[:50] + NOISE * 20)

    assert len(assembler._buffer) <= 1100
    assert [f.data for f in assembler.feed(A + B)] == [A, B]


def test_checksum_of_the_largest_sum() -> None:
    """The quick sum is exact for every frame, all 0xFF included."""
    for data in (bytes([255]) * 300, bytes(300), A):
        assert checksum(data) == sum(data[:299]) & 0xFF


def test_repr_hides_the_bytes() -> None:
    """A frame in a log shows no passcode."""
    frame = FrameAssembler().feed(C)[0]

    assert repr(frame) == str(frame) == "Frame(kind=DEVICE_INFO, counter=3)"


def test_fuzz() -> None:
    """Random bytes, headers and pieces of frames: only our errors, and no good frame is lost."""
    rnd = random.Random(2026)
    good = [cell_frame(v, 9) for v in Variant] + [B, C]
    pieces = [
        HEADER,
        NOISE,
        READY_FRAME,
        HEADER + b"\x02",
        b"\x55",
        b"\x55\xaa",
        b"\x55\xaa\xeb",
        b"A",
        b"AT\r",
    ]
    assembler, fuzzed, expected, found = FrameAssembler(), 0, 0, 0
    while fuzzed < scaled(1_000_000):
        junk = bytearray()
        for _ in range(rnd.randint(1, 6)):
            choice = rnd.random()
            piece = bytearray(rnd.choice(good))
            if choice < 0.4:
                junk += rnd.randbytes(rnd.randint(1, 400))
            elif choice < 0.6:
                junk += rnd.choice(pieces)
            elif choice < 0.8:
                at = rnd.randint(1, 299)
                junk += piece[:at] if rnd.random() < 0.5 else piece[at:]
            else:  # damaged in such a way that the check byte does not tell
                piece[rnd.randint(4, 298)] = rnd.randint(0, 255)
                junk += repaired(bytes(piece), {})
        fuzzed += len(junk)
        last = rnd.choice(good)
        if rnd.random() < 0.3:
            at = rnd.randint(0, 299)
            stream = bytes(junk) + last[:at] + NOISE + last[at:]
        else:
            stream = bytes(junk) + last
        expected += 1
        frames: list[Frame] = []
        for chunk in cuts(stream, fuzzed):
            frames += assembler.feed(chunk)
        found += bool(frames) and frames[-1].data == last
        for frame in frames:
            variant = rnd.choice([None, *Variant])
            try:
                as_dict(decode(frame, variant, rnd.choice([None, "", "8.0", "11.2", "15.38"])))
            except JkBmsError:
                continue

    assert found == expected


@settings(max_examples=60)
@given(st.lists(st.sampled_from([A, B, C]), max_size=4), st.integers(0, 2**32))
def test_any_cut_of_any_frames(frames: list[bytes], seed: int) -> None:
    """Frames that follow each other come out as they are, however they are cut."""
    got, assembler = fed(cuts(b"".join(frames), seed))

    assert got == frames
    assert (assembler.discarded, assembler.refused) == (0, 0)
