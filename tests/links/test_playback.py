"""A dump plays like a device: same chunks, same pauses, and an end."""

import asyncio
from pathlib import Path

import pytest

from jk_bms.errors import ConfigError, LinkError, Verdict
from jk_bms.links.base import Connection, Link
from jk_bms.links.playback import PER_BYTE, PlaybackLink
from jk_bms.protocol.commands import READ_SETTINGS
from jk_bms.protocol.dump import format_line
from tests.scale import PATIENCE

CHUNKS = [bytes([n]) * 20 for n in range(1, 6)]
LINES = [format_line(10.0 + 0.03 * n, chunk) for n, chunk in enumerate(CHUNKS)]


async def play(link: Link, most: int = 100) -> tuple[list[bytes], LinkError | None]:
    """Return up to ``most`` chunks, and the error that ended the link before."""
    got: list[bytes] = []
    async with link.connect() as connection:
        while len(got) < most:
            try:
                got.append(await connection.receive())
            except LinkError as error:
                return got, error
    return got, None


@pytest.mark.parametrize("timing", ["recorded", "fast"])
async def test_plays_all_chunks_then_drops(timing: str) -> None:
    got, error = await play(PlaybackLink(LINES, timing=timing))  # type: ignore[arg-type]

    assert got == CHUNKS
    assert error is not None
    assert error.verdict is Verdict.DROPPED


async def test_every_connection_starts_from_the_beginning() -> None:
    link = PlaybackLink(LINES, "fast")

    assert (await play(link))[0] == (await play(link))[0] == CHUNKS


async def test_recorded_pauses_are_kept() -> None:
    loop = asyncio.get_running_loop()

    async with PlaybackLink(LINES).connect() as connection:
        times = []
        for _ in CHUNKS:
            await connection.receive()
            times.append(loop.time())

    assert times[-1] - times[0] >= 0.115
    assert times[-1] - times[0] < 1.0


async def test_a_dump_without_times_plays_at_the_pace_of_a_bms() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    got, _ = await play(PlaybackLink([chunk.hex() for chunk in CHUNKS]))

    assert got == CHUNKS
    assert loop.time() - began >= 80 * PER_BYTE - 0.01


async def test_times_that_go_back_do_not_stop_it() -> None:
    lines = [format_line(50.0, CHUNKS[0]), format_line(0.0, CHUNKS[1]), format_line(0.02, CHUNKS[2])]

    async with asyncio.timeout(PATIENCE):
        got, _ = await play(PlaybackLink(lines))

    assert got == CHUNKS[:3]


async def test_loop_starts_over_and_lets_others_work() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    got, error = await play(PlaybackLink(LINES, "fast", loop=True), most=52)
    task.cancel()

    assert got == (CHUNKS * 11)[:52]
    assert error is None
    assert turns >= 40


async def test_writes_go_nowhere_and_fail_after_the_end() -> None:
    async with PlaybackLink(LINES, "fast").connect() as connection:
        await connection.write(READ_SETTINGS)
        assert await connection.receive() == CHUNKS[0]
        assert connection.rssi is None

    for use in (connection.write(READ_SETTINGS), connection.receive()):
        with pytest.raises(LinkError) as gone:
            await use
        assert gone.value.verdict is Verdict.DROPPED


async def test_a_cancelled_receive_loses_nothing() -> None:
    async with PlaybackLink(LINES).connect() as connection:
        assert await connection.receive() == CHUNKS[0]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await connection.receive()

        assert [await connection.receive() for _ in range(4)] == CHUNKS[1:]


async def test_closing_ends_a_waiting_receive() -> None:
    lines = [LINES[0], format_line(1e6, CHUNKS[1])]
    waiting: asyncio.Task[bytes]
    async with PlaybackLink(lines).connect() as connection:
        await connection.receive()
        waiting = asyncio.create_task(_receive(connection))
        await asyncio.sleep(0.01)

    with pytest.raises(LinkError):
        await asyncio.wait_for(waiting, PATIENCE)


async def _receive(connection: Connection) -> bytes:
    return await connection.receive()


async def test_a_file_plays_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "recorded.dump"
    path.write_text("# a comment\n\n" + "\n".join(LINES) + "\n", encoding="utf-8")

    assert (await play(PlaybackLink(path, "fast")))[0] == CHUNKS
    assert (await play(PlaybackLink(str(path), "fast")))[0] == CHUNKS


UNPLAYABLE = {
    "nothing in it": ("# only a comment\n", "no notification"),
    "not a dump": ("hello world\n", "line 1"),
}


@pytest.mark.parametrize("what", UNPLAYABLE)
def test_what_cannot_be_played_is_refused_at_once(what: str, tmp_path: Path) -> None:
    text, reason = UNPLAYABLE[what]
    path = tmp_path / "x.dump"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=reason) as refused:
        PlaybackLink(path)
    assert str(path) in str(refused.value)


def test_binary_and_missing_files_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "x.bin"
    binary.write_bytes(bytes(range(256)))

    for path in (binary, tmp_path / "missing.dump", tmp_path):
        with pytest.raises(ConfigError, match="cannot be played"):
            PlaybackLink(path)


async def test_a_line_that_breaks_later_drops_the_link_and_is_named() -> None:
    got, error = await play(PlaybackLink([*LINES[:2], "0.5 zz"], "fast"))

    assert got == CHUNKS[:2]
    assert error is not None
    assert "line 3" in str(error)
