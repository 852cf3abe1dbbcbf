"""The simulated link: a JK conversation on the event loop, with faults, and a clean end."""

import asyncio
import gc
from datetime import date

import pytest

from jk_bms.errors import LinkError, Verdict
from jk_bms.links.base import Connection, Link
from jk_bms.links.simulated import SimulatedLink, simulated_link
from jk_bms.protocol import CellInfo, Frame, FrameAssembler, FrameKind, Variant, decode
from jk_bms.protocol.commands import READ_DEVICE_INFO, READ_SETTINGS
from jk_bms.simulator import Faults
from tests.house_times import MORNING
from tests.scale import PATIENCE

QUICK = {"period": "0.01", "start": MORNING}


def quick(**options: object) -> SimulatedLink:
    return simulated_link(QUICK | options)


async def talk(connection: Connection) -> None:
    await connection.write(READ_DEVICE_INFO)
    await connection.write(READ_SETTINGS)


async def listen(connection: Connection, count: int) -> list[Frame]:
    """Return the first ``count`` frames."""
    assembler = FrameAssembler()
    frames: list[Frame] = []
    async with asyncio.timeout(PATIENCE):
        while len(frames) < count:
            frames += assembler.feed(await connection.receive())
    return frames[:count]


async def drain(connection: Connection, into: list[bytes]) -> None:
    """Receive until the link ends."""
    while True:
        into.append(await connection.receive())


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("fragment", ["20", "300"])
async def test_conversation(variant: Variant, fragment: str) -> None:
    link: Link = quick(variant=variant.value, fragment=fragment)

    async with link.connect() as connection:
        await talk(connection)
        frames = await listen(connection, 12)
        assert connection.rssi is not None

    assert [frame.kind for frame in frames] == [FrameKind.DEVICE_INFO, FrameKind.SETTINGS] + [
        FrameKind.CELL_INFO
    ] * 10
    infos = [decode(frame) for frame in frames[2:]]
    assert {info.variant for info in infos} == {variant}


async def test_same_options_same_battery() -> None:
    """Not the same bytes: when the first answer goes out is a matter of the real clock."""

    async def cells(seed: str) -> tuple[float, ...]:
        async with quick(seed=seed).connect() as connection:
            await talk(connection)
            info = decode((await listen(connection, 4))[-1])
        assert isinstance(info, CellInfo)
        return info.cells

    first, again, other = await cells("5"), await cells("5"), await cells("6")
    assert first == pytest.approx(again, abs=0.003)
    assert quick(seed="5").radio.bms.truth == quick(seed="5").radio.bms.truth
    assert quick(seed="5").radio.bms.truth != quick(seed="6").radio.bms.truth
    assert len(other) == len(first)


async def test_one_central_at_a_time_and_again_after_it_left() -> None:
    link = quick()

    async with link.connect() as connection:
        with pytest.raises(LinkError) as refused:
            async with link.connect():
                pass
        assert refused.value.verdict is Verdict.CONNECT_FAILED
        await talk(connection)
        assert await listen(connection, 3)
    async with link.connect() as connection:
        await talk(connection)
        assert len(await listen(connection, 3)) == 3


async def test_battery_lives_on_over_reconnects() -> None:
    link = quick(speed="100")
    uptimes = []
    for _ in range(3):
        async with link.connect() as connection:
            await talk(connection)
            info = decode((await listen(connection, 5))[-1])
            assert isinstance(info, CellInfo)
            uptimes.append(info.uptime)

    assert uptimes == sorted(set(uptimes), key=lambda uptime: uptime or 0)


async def test_link_is_closed_after_the_context() -> None:
    link = quick()
    async with link.connect() as connection:
        await talk(connection)

    assert not link.radio.connected
    with pytest.raises(LinkError) as gone:
        await connection.receive()
    assert gone.value.verdict is Verdict.DROPPED
    with pytest.raises(LinkError):
        await connection.write(READ_SETTINGS)


async def test_cancelling_a_reader_closes_the_link() -> None:
    link = quick(faults="mute")
    inside = asyncio.Event()

    async def read() -> None:
        async with link.connect() as connection:
            inside.set()
            await connection.receive()

    task = asyncio.create_task(read())
    await inside.wait()
    await asyncio.sleep(0)
    assert link.radio.connected
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not link.radio.connected
    assert [noted.what for noted in link.radio.log] == ["connect", "disconnect"]


async def test_an_error_inside_closes_the_link() -> None:
    link = quick()

    with pytest.raises(RuntimeError, match="ours"):
        async with link.connect():
            raise RuntimeError("ours")

    assert not link.radio.connected


async def test_a_cancelled_receive_loses_nothing() -> None:
    link = quick(fragment="20")
    assembler = FrameAssembler()
    counters: list[int] = []

    async with link.connect() as connection, asyncio.timeout(PATIENCE):
        await talk(connection)
        while len(counters) < 12:
            try:
                async with asyncio.timeout(0.0005):
                    chunk = await connection.receive()
            except TimeoutError:
                continue
            counters += [frame.counter for frame in assembler.feed(chunk)]

    assert counters == list(range(1, 13))
    assert assembler.discarded == 0


async def test_a_waiting_receive_hears_the_answer_to_a_later_write() -> None:
    async with quick().connect() as connection:
        waiting = asyncio.create_task(listen(connection, 1))
        await asyncio.sleep(0.01)
        await connection.write(READ_DEVICE_INFO)
        frames = await waiting

    assert frames[0].kind is FrameKind.DEVICE_INFO


async def test_a_link_that_drops_gives_all_its_chunks_first() -> None:
    link = quick(faults="cut_after=4", fragment="20")
    got: list[bytes] = []

    async with asyncio.timeout(PATIENCE), link.connect() as connection:
        await talk(connection)
        with pytest.raises(LinkError) as gone:
            await drain(connection, got)

    assert gone.value.verdict is Verdict.DROPPED
    assert sum(map(len, got)) == 6 * 300 + 2 * 20 + 150
    async with link.connect() as connection:
        await talk(connection)
        assert len(await listen(connection, 8)) == 8


async def test_faults_can_be_switched_while_it_runs() -> None:
    link = quick()
    async with link.connect() as connection:
        await talk(connection)
        await listen(connection, 4)
        link.radio.faults.mute = True
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(drain(connection, []), 0.05)
        link.radio.faults.mute = False
        assert len(await listen(connection, 3)) == 3


async def test_leaves_nothing_behind() -> None:
    for _ in range(20):
        async with quick().connect() as connection:
            await talk(connection)
            await listen(connection, 2)
    gc.collect()

    assert len(asyncio.all_tasks()) == 1


def test_options_shape_the_battery() -> None:
    link = simulated_link(
        {
            "seed": "9",
            "cells": 8,
            "capacity_ah": "100.5",
            "chemistry": "NMC",
            "variant": "jk02_24s",
            "start_soc": "80",
            "start": "23:15",
            "weak": "3=0.5, 4=0.9",
            "speed": "60",
            "faults": "drop_every=7, flood, drop_chance=0.25",
            "colour": "green",
        }
    )

    bms, truth = link.radio.bms, link.radio.bms.truth
    assert (bms.cells, bms.capacity_ah, bms.chemistry.name) == (8, 100.5, "nmc")
    assert bms.variant is Variant.JK02_24S
    assert truth.cell_full_ah[2] < 0.55 * 100.5 < truth.cell_full_ah[3] < 0.95 * 100.5
    assert truth.t % 86_400 == (23 * 60 + 15) * 60
    assert truth.cell_soc == pytest.approx([80.0] * 8, abs=1.0)
    assert link.radio.speed == 60.0
    assert link.radio.faults == Faults(drop_every=7, flood=True, drop_chance=0.25)


def test_a_house_may_live_on_a_certain_day() -> None:
    """Loads, sun and power cuts are those of the day, whatever day it is here."""
    bms = simulated_link({"start": "2026-06-15 19:30"}).radio.bms

    assert bms.truth.t == date(2026, 6, 15).toordinal() * 86_400 + (19 * 60 + 30) * 60


def test_nothing_said_gives_the_usual_battery() -> None:
    for options in (None, {}, {"speed": "1.0"}):
        bms = simulated_link(options).radio.bms
        assert (bms.cells, bms.capacity_ah, bms.variant) == (16, 280.0, Variant.JK02_32S)


WRONG = {
    "cells": ["many", "0", "99"],
    "capacity_ah": ["-1", "nan", "inf", "x"],
    "chemistry": ["lead"],
    "variant": ["JK03"],
    "start_soc": ["120", "full"],
    "start": ["25:00", "noon", "7", "2026-02-29 07:30", "2026-06-15"],
    "speed": ["0", "-2", "fast"],
    "period": ["0"],
    "fragment": ["21"],
    "at_noise": ["maybe"],
    "weak": ["5", "5=x", "5=-1", "17=0.8", "0=0.8"],
    "faults": ["hiccup", "mute=3", "drop_every", "drop_every=x"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_wrong_options_are_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name) as refused:
        simulated_link({name: value})
    assert "expected" in str(refused.value) or "has" in str(refused.value)


def test_misspelt_options_are_found() -> None:
    with pytest.raises(ValueError, match=r"'capacity' .*did you mean 'capacity_ah'"):
        simulated_link({"capacity": "100"})
    with pytest.raises(ValueError, match="did you mean 'variant'"):
        simulated_link({"varient": "JK04"})


def test_a_made_up_battery_is_a_balanced_one_unless_told() -> None:
    """Else the first full charge of a newcomer's house would be an alert."""

    def worst(**options: object) -> float:
        bms = quick(seed=1, **options).radio.bms
        spreads = []
        for _ in range(2 * 1440):
            bms.advance(60.0, 5.0)
            cells = bms.cell_info().cells
            spreads.append(max(cells) - min(cells))
        return max(spreads)

    assert worst() < 0.12
    assert worst(spread=1) > 0.2


@pytest.mark.parametrize(
    "start", ["0001-01-01 00:00", "1970-01-01 00:00", "2019-12-31 23:59", "2200-06-15 12:00"]
)
def test_a_house_may_begin_on_any_day(start: str) -> None:
    """The clock of a BMS counts from 2020 on, in 32 bits."""
    radio = simulated_link({"start": start, "speed": "600"}).radio
    radio.connect(0.0)
    for command in (READ_DEVICE_INFO, READ_SETTINGS):
        radio.write(command, 0.0)

    assert sum(len(radio.poll(n * 0.5)) for n in range(1, 100)) > 100


def test_a_house_does_not_begin_where_the_calendar_ends() -> None:
    with pytest.raises(ValueError, match="start is '9999-12-31 23:59'; expected a time of day"):
        simulated_link({"start": "9999-12-31 23:59"})
