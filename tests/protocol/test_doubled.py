"""A radio that notifies everything twice loses no frame, and one that does not loses none to our doubt."""

import random
from itertools import cycle

import msgspec
import pytest

from jk_bms.protocol import FrameAssembler, Variant, encode_cell_info
from jk_bms.protocol.commands import READY_FRAME
from jk_bms.protocol.frame import NOISE
from tests.protocol.jk_frames import CELLS, cell_frame, info_frame, settings_frame
from tests.scale import scaled

CUTS: dict[str, tuple[int, ...]] = {
    "20": (20,),
    "128 and 22": (128, 22),
    "128, 128 and 44": (128, 128, 44),
    "150": (150,),
    "80 and what is left": (80, 80, 80, 60),
    "whole": (300,),
    "shifting": (55, 80, 5),
}


def pieces(stream: bytes, sizes: tuple[int, ...]) -> list[bytes]:
    cut: list[bytes] = []
    at = 0
    for size in cycle(sizes):
        if at >= len(stream):
            return cut
        cut.append(stream[at : at + size])
        at += size
    raise AssertionError


def fed(chunks: list[bytes]) -> tuple[list[bytes], FrameAssembler]:
    assembler = FrameAssembler()
    return [frame.data for chunk in chunks for frame in assembler.feed(chunk)], assembler


def talk(count: int) -> list[bytes]:
    """What a BMS says first, and then ``count`` times."""
    return [info_frame(), settings_frame(), *(cell_frame(counter=3 + n) for n in range(count))]


@pytest.mark.parametrize("sizes", CUTS.values(), ids=CUTS)
def test_everything_twice(sizes: tuple[int, ...]) -> None:
    """The device info, too: what was taken wrongly before it was clear is taken anew."""
    frames = talk(20)

    got, assembler = fed([chunk for piece in pieces(b"".join(frames), sizes) for chunk in (piece, piece)])

    assert assembler.doubled.on
    if min(sizes) >= 150:  # these need no help: each may come twice until it is clear
        assert list(dict.fromkeys(got)) == frames
        assert len(got) <= len(frames) + 5
    else:
        assert got == frames


@pytest.mark.parametrize("sizes", [(20,), (128, 22), (128, 20)])
def test_a_frame_alone(sizes: tuple[int, ...]) -> None:
    """What somebody posts of such a board: one frame, and nothing after it that could make it clear."""
    frame = cell_frame()

    got, _ = fed([chunk for piece in pieces(frame, sizes) for chunk in (piece, piece)])

    assert got == [frame]


@pytest.mark.parametrize("sizes", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("seed", range(scaled(5)))
def test_everything_twice_with_gaps(sizes: tuple[int, ...], seed: int) -> None:
    """A second one that is missing now and then, and noise in between, twice as well."""
    rnd, frames = random.Random(seed), talk(40)
    chunks: list[bytes] = []
    for frame in frames:
        for piece in [*pieces(frame, sizes), NOISE, READY_FRAME]:
            chunks += [piece] if chunks and rnd.random() < 0.01 else [piece, piece]

    got, _ = fed(chunks)

    assert list(dict.fromkeys(got))[-35:] == frames[-35:]


@pytest.mark.parametrize("sizes", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("seed", range(scaled(8)))
def test_once_is_not_twice(sizes: tuple[int, ...], variant: Variant, seed: int) -> None:
    """Pieces that happen to be equal stay: a frame of few cells is mostly zeros, of equal ones mostly repeats."""
    rnd = random.Random(seed)
    frames = []
    for n in range(30):
        cells = (rnd.choice((3.341, 3.084, 2.827, 3.3, rnd.uniform(2.5, 3.6))),) * rnd.choice(
            (1, 4, 8, 16, 24)
        )
        info = msgspec.structs.replace(CELLS[variant], cells=cells, cell_numbers=(), cell_resistances=())
        frames.append(encode_cell_info(info, variant, n))

    got, assembler = fed(pieces(b"".join(frames), sizes))

    assert got == frames
    assert not assembler.doubled.on
    assert assembler.discarded == 0


def test_once_again() -> None:
    """A radio that stops doing so is believed after some pieces."""
    frames = talk(20)
    twice = [chunk for piece in pieces(b"".join(frames[:10]), (20,)) for chunk in (piece, piece)]

    got, assembler = fed([*twice, *pieces(b"".join(frames[10:]), (20,))])

    assert got[:10] == frames[:10]
    assert got[-10:] == frames[-10:]
    assert not assembler.doubled.on


@pytest.mark.parametrize("at", range(301))
def test_noise_anywhere_in_small_pieces(at: int) -> None:
    """A board of four cells, whose frames carry four bytes more than they should, 20 bytes at a time."""
    four = msgspec.structs.replace(
        CELLS[Variant.JK02_24S], cells=(3.423, 3.426, 3.423, 3.424), cell_numbers=(), cell_resistances=()
    )
    frame = encode_cell_info(four, Variant.JK02_24S, 1)

    got, _ = fed(pieces(frame[:at] + NOISE + frame[at:] + cell_frame(), (20,)))

    assert got == [frame, cell_frame()]
