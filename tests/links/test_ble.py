"""The link through unmodified bleak: every module is read, every end is clean."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bleak.backends.bluezdbus.version import BlueZFeatures

from jk_bms.errors import LinkError, Verdict
from jk_bms.links import gatt
from jk_bms.links.gatt import GattConnection, GattLink
from jk_bms.links.jk_gatt import jk_link
from jk_bms.protocol import Frame, FrameAssembler, FrameKind
from jk_bms.protocol.commands import READ_DEVICE_INFO, READ_SETTINGS
from jk_bms.protocol.frame import FRAME_SIZE, HEADER
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, RENAMED, bystanders, jk
from tests.scale import PATIENCE, scaled

ADAPTER = {"name": "hci0", "address": "00:1A:7D:DA:71:13"}


async def talk(connection: GattConnection, cell_infos: int = 3) -> list[Frame]:
    """Ask as the JK conversation does; return the frames until so many cell infos came."""
    assembler = FrameAssembler()
    frames: list[Frame] = []
    async with asyncio.timeout(PATIENCE):
        for command in (READ_DEVICE_INFO, READ_SETTINGS):
            ready = assembler.ready
            await connection.write(command)
            while assembler.ready == ready:
                frames += assembler.feed(await connection.receive())
        while sum(frame.kind is FrameKind.CELL_INFO for frame in frames) < cell_infos:
            frames += assembler.feed(await connection.receive())
    return frames


async def drain(connection: GattConnection) -> None:
    """Receive until the link says that it is gone."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await connection.receive()


async def drain_waiting(connection: GattConnection) -> None:
    """The same, with whatever waits."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await connection.receive_waiting(asyncio.get_running_loop().time() + 5)


def kinds(frames: list[Frame]) -> list[FrameKind]:
    return [frame.kind for frame in frames]


WHOLE = [FrameKind.DEVICE_INFO, FrameKind.SETTINGS] + [FrameKind.CELL_INFO] * 3


@pytest.mark.parametrize(
    ("layout", "listen", "write", "kind"),
    [
        ("old", "0011", "0011", "command"),
        ("two", "0004", "0002", "command"),
        ("new", "0011", "0011", "command"),
        ("slow_write", "0011", "0011", "request"),
    ],
)
async def test_every_module_streams(bed: BluezBed, layout: str, listen: str, write: str, kind: str) -> None:
    """Listened to and written where the module wants it; without response where it can."""
    bed.device(JK, layout=layout)

    async with jk_link(JK).connect() as connection:
        frames = await talk(connection)

    assert kinds(frames) == WHOLE
    assert [each["handle"] for each in bed.log("subscribe")] == [listen]
    assert {(each["handle"], each["type"], each["verdict"]) for each in bed.log("command")} == {
        (write, kind, "good")
    }
    assert bed.connected() == []


@pytest.mark.parametrize("fragment", [20, 128, 150, 244])
async def test_every_fragment_size(bed: BluezBed, fragment: int) -> None:
    bed.reset({"adapters": [ADAPTER], "devices": [jk(radio={"fragment": fragment}), *bystanders()]})

    async with jk_link(JK).connect() as connection:
        assert kinds(await talk(connection)) == WHOLE


async def test_noise_lost_chunks_and_wrong_bytes_cost_only_their_frames(bed: BluezBed) -> None:
    bed.reset({"adapters": [ADAPTER], "devices": [jk(radio={"at_noise": True, "glue_ready": True})]})

    async with jk_link(JK).connect() as connection:
        await talk(connection)
        bed.control("faults", address=JK, drop_every=7, corrupt_every=5)
        assembler, frames = FrameAssembler(), 0
        async with asyncio.timeout(PATIENCE):
            while frames < 10:
                frames += len(assembler.feed(await connection.receive()))

    assert assembler.discarded > 0


async def test_a_frame_is_given_at_once_with_all_its_chunks(bed: BluezBed) -> None:
    """Whoever waits for chunks is woken once for a frame."""
    now = asyncio.get_running_loop().time
    async with jk_link(JK).connect() as connection:
        await talk(connection)
        await connection.receive_waiting(now() + 5)  # may begin in the middle of one
        given = [await connection.receive_waiting(now() + 5) for _ in range(5)]

    assert all(len(chunks) > 1 for chunks in given)
    assert [b"".join(chunks)[:4] for chunks in given] == [HEADER] * 5
    assert [len(b"".join(chunks)) % 300 for chunks in given] == [0] * 5


async def test_waiting_for_chunks_ends_in_time(bed: BluezBed) -> None:
    """Time and again, sooner than the time before, and with what there is of a frame."""
    now = asyncio.get_running_loop().time
    async with jk_link(JK).connect() as connection:
        await talk(connection)
        bed.control("faults", address=JK, mute=True)
        while await connection.receive_waiting(now() + 1.5):
            pass
        for patience in (0.3, 0.1, 0.2):
            began = now()
            assert await connection.receive_waiting(began + patience) == []
            assert patience - 0.02 <= now() - began < patience + 0.1
        connection._on_chunk(None, bytearray(HEADER + b"half a frame"))  # type: ignore[arg-type]
        assert await connection.receive_waiting(now() + 0.1) == [HEADER + b"half a frame"]


async def test_waiting_for_chunks_bears_losses_and_ends_with_the_link(bed: BluezBed) -> None:
    now = asyncio.get_running_loop().time
    assembler, frames = FrameAssembler(), 0
    async with jk_link(JK).connect() as connection:
        await talk(connection)
        bed.control("faults", address=JK, drop_every=7, flood=True)
        async with asyncio.timeout(PATIENCE):
            while frames < 6:
                frames += len(assembler.feed(b"".join(await connection.receive_waiting(now() + 1))))
        await asyncio.to_thread(bed.control, "drop", address=JK)
        with pytest.raises(LinkError) as caught:
            await drain_waiting(connection)

    assert caught.value.verdict is Verdict.DROPPED


async def test_the_signal_is_that_of_the_scan(bed: BluezBed) -> None:
    async with jk_link(JK).connect() as connection:
        assert connection.rssi in range(-62, -59)


async def test_a_link_can_be_opened_again(bed: BluezBed) -> None:
    link = jk_link(JK.lower())

    for _ in range(3):
        async with link.connect() as connection:
            assert kinds(await talk(connection, 1)) == WHOLE[:3]

    assert len(bed.log("disconnect", by="host")) == 3


async def test_a_dropped_link_gives_its_chunks_and_then_says_so(bed: BluezBed) -> None:
    async with jk_link(JK).connect() as connection:
        await talk(connection, 1)
        await connection.receive()
        await asyncio.to_thread(bed.control, "drop", address=JK)
        with pytest.raises(LinkError) as caught:
            await drain(connection)
        with pytest.raises(LinkError) as later:
            await connection.write(READ_SETTINGS)

    assert (caught.value.verdict, later.value.verdict) == (Verdict.DROPPED, Verdict.DROPPED)


async def test_what_nobody_receives_does_not_pile_up(bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest chunks go; what is left is the newest."""
    monkeypatch.setattr(gatt, "MOST_CHUNKS", 4)

    async with jk_link(JK).connect() as connection:
        await connection.write(READ_DEVICE_INFO)
        await connection.write(READ_SETTINGS)
        async with asyncio.timeout(PATIENCE):
            while connection.received < 3 * FRAME_SIZE:  # ten chunks or so
                await asyncio.sleep(0.01)
        bed.control("faults", address=JK, mute=True)
        chunks = [await connection.receive() for _ in range(4)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connection.receive()

    assert all(chunks)


async def test_a_cancelled_receive_loses_nothing(bed: BluezBed) -> None:
    """The session above waits with short patience, again and again."""
    assembler, frames = FrameAssembler(), list[Frame]()

    async with jk_link(JK).connect() as connection:
        await connection.write(READ_DEVICE_INFO)
        await connection.write(READ_SETTINGS)
        async with asyncio.timeout(PATIENCE):
            while kinds(frames).count(FrameKind.CELL_INFO) < 5:
                try:
                    async with asyncio.timeout(0.001):
                        frames += assembler.feed(await connection.receive())
                except TimeoutError:
                    continue

    assert assembler.discarded == 0
    counters = [frame.counter for frame in frames]
    assert counters == list(range(counters[0], counters[0] + len(counters)))


# -- cancellation ------------------------------------------------------------------------------


async def hold(link: GattLink, opened: asyncio.Event) -> None:
    async with link.connect() as connection:
        await connection.write(READ_SETTINGS)
        opened.set()
        while True:
            await connection.receive()


@pytest.mark.parametrize("after", [0.0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.09, 0.13])
async def test_cancelled_at_any_time_nothing_stays_open(bed: BluezBed, after: float) -> None:
    """Scan, connection, discovery of services, subscription, stream: cut in the middle of each."""
    task = asyncio.create_task(hold(jk_link(JK), asyncio.Event()))
    await asyncio.sleep(after)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (bed.connected(), bed.discovering()) == ([], [])
    async with jk_link(JK).connect() as connection:
        assert kinds(await talk(connection, 1)) == WHOLE[:3]


async def test_cancelled_again_and_again(bed: BluezBed) -> None:
    """At moments nobody chose, on one process and one bus, as in years of service."""
    moments = random.Random(4711)

    for _ in range(scaled(300)):
        task = asyncio.create_task(hold(jk_link(JK), asyncio.Event()))
        await asyncio.sleep(moments.uniform(0.0, 0.15))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async with jk_link(JK).connect() as connection:
        assert kinds(await talk(connection, 1)) == WHOLE[:3]
    assert (bed.connected(), bed.discovering()) == ([], [])


@pytest.mark.parametrize("stage", [{"connect": "silent"}, {"services": "never"}, {"notify": "silent"}])
async def test_cancelled_while_the_device_keeps_silent(bed: BluezBed, stage: dict[str, str]) -> None:
    bed.device(JK, **stage)
    task = asyncio.create_task(hold(jk_link(JK), asyncio.Event()))
    await bed.until("connect_asked")
    await asyncio.sleep(0.1)  # into the silence

    task.cancel()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(asyncio.CancelledError):
            await task

    assert (bed.connected(), bed.discovering()) == ([], [])


async def test_cancelled_while_streaming_disconnects_before_it_returns(bed: BluezBed) -> None:
    opened = asyncio.Event()
    task = asyncio.create_task(hold(jk_link(JK), opened))
    await opened.wait()

    task.cancel()
    task.cancel()  # an impatient service
    with pytest.raises(asyncio.CancelledError):
        await task

    assert bed.connected() == []


async def test_an_error_inside_disconnects(bed: BluezBed) -> None:
    with pytest.raises(ZeroDivisionError):
        async with jk_link(JK).connect():
            raise ZeroDivisionError

    assert bed.connected() == []


async def test_bleak_checks_bluez_although_the_first_connection_is_cancelled(
    own_bed: BluezBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bleak 3.1 would else hold back every later connection of the process."""
    monkeypatch.setattr(BlueZFeatures, "checked_bluez_version", False)
    monkeypatch.setattr(BlueZFeatures, "_check_bluez_event", None)
    stub = own_bed.folder / "bin" / "bluetoothctl"
    stub.write_text("#!/bin/sh\nsleep 0.3\necho 'bluetoothctl: 5.66'\n")
    task = asyncio.create_task(hold(jk_link(JK), asyncio.Event()))
    await own_bed.until("discovery_stopped")  # seen, now about to connect
    await asyncio.sleep(0.05)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        assert kinds(await talk(connection, 1)) == WHOLE[:3]


# -- several links ------------------------------------------------------------------------------


async def test_two_links_share_one_adapter(bed: BluezBed) -> None:
    """One scan for both, one connection after the other, then both stream."""

    async def read(address: str) -> list[Frame]:
        async with jk_link(address).connect() as connection:
            return await talk(connection, 5)

    both = await asyncio.gather(read(JK), read(RENAMED))

    assert [kinds(frames).count(FrameKind.CELL_INFO) for frames in both] == [5, 5]
    asked = [each["event"] for each in bed.log() if each["event"] in ("connect_asked", "subscribe")]
    assert asked == ["connect_asked", "subscribe"] * 2


async def test_a_missing_device_does_not_hold_up_the_other(bed: BluezBed) -> None:
    bed.device(RENAMED, hidden=True)

    missing = asyncio.create_task(hold(jk_link(RENAMED, timeout=PATIENCE), asyncio.Event()))
    await bed.until("discovery_started")
    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        frames = await talk(connection, 1)
        assert not missing.done()
    missing.cancel()
    await asyncio.gather(missing, return_exceptions=True)

    assert kinds(frames) == WHOLE[:3]


# -- what a killed program leaves behind --------------------------------------------------------

HOLDER = f"""
import asyncio
from jk_bms.links.gatt import GattLink
from jk_bms.links.jk_gatt import jk_link

async def main():
    async with jk_link({JK!r}).connect():
        print("open", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_connection_left_by_a_killed_program_is_taken_over(bed: BluezBed) -> None:
    """BlueZ keeps it, so the BMS does not advertise: scanning would never see it again."""
    program = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **bed.env},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "open\n"
    program.kill()
    program.wait()
    program.stdout.close()
    await bed.until("unsubscribe")
    assert bed.connected() == [JK]

    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        frames = await talk(connection, 1)

    assert kinds(frames) == WHOLE[:3]
    assert bed.connected() == []


async def test_sigterm_ends_with_a_clean_disconnect(bed: BluezBed) -> None:
    """As a service does it: the signal cancels the main task."""
    program = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLDER.replace(
                "async def main():\n",
                "async def main():\n    import signal\n"
                "    asyncio.get_running_loop().add_signal_handler(\n"
                "        signal.SIGTERM, asyncio.current_task().cancel)\n",
            ),
        ],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **bed.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "open\n"

    program.send_signal(signal.SIGTERM)
    program.wait(5)
    program.stdout.close()

    assert bed.connected() == []
    assert bed.log("disconnect", by="host")
