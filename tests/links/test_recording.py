"""Dumps of what a link received: they decode to the same, without passcodes."""

from contextlib import suppress
from pathlib import Path

import pytest

from jk_bms.errors import LinkError, StoreError
from jk_bms.links.playback import PlaybackLink
from jk_bms.links.recording import Recording
from jk_bms.protocol import FrameAssembler
from jk_bms.protocol.dump import parse_dump
from tests.protocol.jk_frames import CANARY, cell_frame, info_frame

STREAM = info_frame() + cell_frame(counter=4)
CHUNKS = [STREAM[at : at + 128] for at in range(0, len(STREAM), 128)]


def source() -> PlaybackLink:
    return PlaybackLink([chunk.hex() for chunk in CHUNKS], "fast")


async def record(path: Path, *, secrets: bool = False) -> list[bytes]:
    """Receive everything through a recording; return what came."""
    received = []
    with Recording(source(), path, secrets=secrets) as link:
        async with link.connect() as connection:
            await connection.write(b"a command goes on to the link")
            with suppress(LinkError):  # the playback has ended
                while True:
                    received.append(await connection.receive())
    return received


async def test_receiver_gets_the_bytes_unchanged(tmp_path: Path) -> None:
    assert await record(tmp_path / "dump") == CHUNKS


async def test_dump_has_every_notification_but_no_passcode(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    await record(path)

    chunks = [chunk for _, chunk in parse_dump(path.read_text().splitlines())]

    assert [len(chunk) for chunk in chunks] == [len(chunk) for chunk in CHUNKS]
    assert CANARY.encode() not in b"".join(chunks)
    frames = FrameAssembler().feed(b"".join(chunks))
    assert len(frames) == 2  # the check byte was mended
    assert frames[1].data == cell_frame(counter=4)


async def test_secrets_on_request(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    await record(path, secrets=True)

    assert b"".join(chunk for _, chunk in parse_dump(path.read_text().splitlines())) == STREAM


async def test_times_begin_at_zero_and_rise(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    await record(path)

    times = [time for time, _ in parse_dump(path.read_text().splitlines())]

    assert times[0] == 0.0
    assert times == sorted(times, key=lambda time: time or 0.0)


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match="cannot be written: no such file"),
        Recording(source(), tmp_path / "missing" / "dump"),
    ):
        pass


async def test_full_disk_is_an_error_of_ours() -> None:
    """/dev/full takes nothing: the reading ends with one line, not with a traceback."""
    with pytest.raises(StoreError, match="/dev/full: cannot be written"):
        await record(Path("/dev/full"), secrets=True)
