"""Dumps: read in every form that people paste, and written without passcodes."""

import random

import pytest

from jk_bms.errors import ProtocolError
from jk_bms.protocol import DeviceInfo, FrameAssembler, FrameKind, Variant, decode
from jk_bms.protocol.commands import READY_FRAME
from jk_bms.protocol.dump import Blanker, DumpLine, format_line, parse_dump
from jk_bms.protocol.frame import NOISE, checksum
from tests.protocol.jk_frames import CANARY, CANARY2, INFOS, cell_frame, info_frame, repaired, settings_frame

LINES = {
    # name: (line, time, chunk)
    "time and hex": ("12.345 55aaeb90", 12.345, b"\x55\xaa\xeb\x90"),
    "whole seconds": ("7 55AAEB90", 7.0, b"\x55\xaa\xeb\x90"),
    "many seconds": ("1763640000 55aaeb90", 1763640000.0, b"\x55\xaa\xeb\x90"),
    "time and spaced hex": ("0.5 55 aa eb 90", 0.5, b"\x55\xaa\xeb\x90"),
    "bare": ("55aaeb90", None, b"\x55\xaa\xeb\x90"),
    "bare digits": ("55001122", None, b"\x55\x00\x11\x22"),
    "spaced": ("55 aa eb 90", None, b"\x55\xaa\xeb\x90"),
    "spaced digits": ("55 11 22", None, b"\x55\x11\x22"),
    "in fours": ("5511 2233 44", None, b"\x55\x11\x22\x33\x44"),
    "colons": ("55:aa:eb:90", None, b"\x55\xaa\xeb\x90"),
    "tabs and a comment": ("\t1.0\t55aa # the start", 1.0, b"\x55\xaa"),
}


@pytest.mark.parametrize(("line", "time", "chunk"), LINES.values(), ids=LINES)
def test_lines(line: str, time: float | None, chunk: bytes) -> None:
    """One notification each."""
    assert list(parse_dump(["# a dump", "", line + "\n"])) == [DumpLine(time, chunk)]


@pytest.mark.parametrize("line", ["55a", "hello", "1.2.3 55aa", "1.0 xy", "0x55aa", "1.0"])
def test_what_is_no_line(line: str) -> None:
    """The error names the line and shows it."""
    with pytest.raises(
        ProtocolError, match=rf"line 3: '{line}' is no notification; expected '<seconds> <hex>'"
    ):
        list(parse_dump(["# one", "55aa", line]))


def test_written_lines_are_read() -> None:
    """What we write, we read."""
    assert list(parse_dump([format_line(3.25, b"\x12\x34"), format_line(12, b"\x12")])) == [
        DumpLine(3.25, b"\x12\x34"),
        DumpLine(12.0, b"\x12"),
    ]


C = repaired(info_frame(Variant.JK02_24S), {97: b"1234"})  # short serial, a third secret
SECRETS = (CANARY.encode(), CANARY2.encode(), b"1234\0")


def blanked(stream: bytes, seed: int) -> tuple[bytes, list[int]]:
    """``stream`` through a Blanker in random pieces; and how many bytes each piece kept."""
    rnd, blanker, at = random.Random(seed), Blanker(), 0
    out: list[DumpLine] = []
    sizes: list[int] = []
    longest = rnd.choice((3, 40, 400))
    while at < len(stream):
        size = rnd.randint(1, longest)
        out += blanker.feed(float(len(sizes)), stream[at : at + size])
        sizes.append(len(stream[at : at + size]))
        at += size
    out += blanker.flush()
    assert [line.time for line in out] == [float(i) for i in range(len(sizes))]
    assert [len(line.chunk) for line in out] == sizes
    return b"".join(line.chunk for line in out), sizes


@pytest.mark.parametrize("seed", range(60))
def test_passcodes_are_blanked(seed: int) -> None:
    """However it is cut, lost or mixed with noise; all that is whole still decodes."""
    rnd = random.Random(seed)
    at = rnd.randint(0, 300)
    stream = b"".join(
        (
            NOISE,
            C[:at] + NOISE + C[at:],
            READY_FRAME,
            cell_frame(),
            C[rnd.randint(1, 299) :],  # its start was lost
            NOISE,
            C[: rnd.randint(1, 299)],  # its end was lost
            settings_frame(),
            C[:40] + C[60:],  # a piece was lost
            C,
            READY_FRAME,
            C[: rnd.randint(1, 299)],
        )
    )

    out, _ = blanked(stream, seed)

    for secret in SECRETS:
        assert secret not in out.replace(NOISE, b"")
    sent, seen = FrameAssembler().feed(stream), FrameAssembler().feed(out)
    assert [f.kind for f in seen] == [f.kind for f in sent]
    for before, after in zip(sent, seen, strict=True):
        if before.kind is FrameKind.DEVICE_INFO:
            info = decode(after)
            assert isinstance(info, DeviceInfo)
            assert (info.passcode_set, info.setup_passcode_set) == (False, False)
            assert info.serial == INFOS[Variant.JK02_24S].serial
            assert checksum(after.data) == after.data[-1]
        else:
            assert after.data == before.data


def test_long_serial_is_kept() -> None:
    """Fifteen characters fill the place where others have their second text."""
    out, _ = blanked(info_frame(), 0)

    info = decode(FrameAssembler().feed(out)[0])
    assert isinstance(info, DeviceInfo)
    assert info.serial == "506177F49000674"


def test_nothing_is_held_back_for_long() -> None:
    """Ready frames, noise and whole frames pass at once; a started frame waits for its end."""
    blanker = Blanker()

    assert len(blanker.feed(0.0, NOISE)) == 1
    assert len(blanker.feed(1.0, READY_FRAME)) == 1
    assert len(blanker.feed(2.0, cell_frame())) == 1
    assert blanker.feed(3.0, C[:128]) == []
    assert blanker.feed(4.0, C[128:256]) == []
    assert [line.time for line in blanker.feed(5.0, C[256:])] == [3.0, 4.0, 5.0]
    assert blanker.flush() == []
