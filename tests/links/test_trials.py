"""One process, one link, many faults one after the other: it works again after each, and nothing piles up."""

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from jk_bms.errors import LinkError
from jk_bms.links import gatt
from jk_bms.links.gatt import GattConnection, GattLink
from jk_bms.links.jk_gatt import jk_link
from jk_bms.protocol.commands import READ_SETTINGS
from jk_bms.radio import bluez, deadlines, pairing, repairs, scan
from jk_bms.radio.repairs import BluezRepairs
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, street
from tests.scale import PATIENCE, scaled

HCI0 = "00:1A:7D:DA:71:13"
SHORT = 0.6  # s


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bluez, scan, repairs, pairing, gatt):
        monkeypatch.setattr(module, "ANSWER_LIMIT", SHORT)
    monkeypatch.setattr(scan, "STOP_LIMIT", SHORT)
    monkeypatch.setattr(gatt, "WRITE_LIMIT", SHORT)
    monkeypatch.setattr(gatt, "CLOSE_LIMIT", 1.0)
    monkeypatch.setattr(gatt, "PART_LIMIT", 1.0)
    monkeypatch.setattr(repairs, "PAUSE", 0.02)
    monkeypatch.setattr(repairs, "STEP", 0.02)
    monkeypatch.setattr(deadlines, "CLEAN_UP", 0.3)
    monkeypatch.setattr(deadlines, "LAST_WORD", 0.2)


async def stream(connection: GattConnection) -> None:
    async with asyncio.timeout(PATIENCE):
        wanted = connection.received + 300
        await connection.write(READ_SETTINGS)
        while connection.received < wanted:
            await connection.receive()


async def attempt(link: GattLink) -> str:
    """Connect and read a frame; empty when that worked, else why not."""
    try:
        async with link.connect() as connection:
            await stream(connection)
    except (LinkError, TimeoutError) as error:
        return str(error) or "silent"
    return ""


Trial = Callable[[BluezBed, GattLink], Awaitable[Any]]


async def restarted(bed: BluezBed, _: GattLink) -> None:
    name = random.Random(len(bed.log())).choice(["hci0", "hci1", "hci2"])
    new = {**street(), "adapters": [{"name": name, "address": HCI0}]}
    await asyncio.to_thread(bed.restart_service, new)


async def away_for_a_while(bed: BluezBed, link: GattLink) -> None:
    bed.kill_service()
    assert await attempt(link)
    await asyncio.to_thread(bed.start_service)


async def frozen(bed: BluezBed, link: GattLink) -> None:
    bed.freeze()
    assert await attempt(link)
    bed.thaw()


async def bus_restarted(bed: BluezBed, _: GattLink) -> None:
    await asyncio.to_thread(bed.restart_bus)


async def pulled_out(bed: BluezBed, link: GattLink) -> None:
    name = bed.scenario["adapters"][0]["name"]
    bed.adapter(name=name, present=False)
    assert await attempt(link)
    bed.adapter(name=name, present=True)


async def switched_off(bed: BluezBed, link: GattLink) -> None:
    bed.adapter(name=bed.scenario["adapters"][0]["name"], powered=False)
    assert await attempt(link)
    await BluezRepairs(link).power_cycle()


async def stuck(bed: BluezBed, link: GattLink) -> None:
    bed.adapter(name=bed.scenario["adapters"][0]["name"], discovery="wedged")
    assert await attempt(link)
    await BluezRepairs(link).power_cycle()


async def remembered_wrongly(bed: BluezBed, link: GattLink) -> None:
    bed.device(JK, stale="hid")
    assert await attempt(link)
    await BluezRepairs(link).forget()


async def out_of_sight(bed: BluezBed, link: GattLink) -> None:
    bed.device(JK, hidden=True)
    assert await attempt(link)
    bed.device(JK, hidden=False)


async def deaf_to_connections(bed: BluezBed, link: GattLink) -> None:
    bed.device(JK, connect="silent")
    assert await attempt(link)
    bed.device(JK, connect="ok")


async def connection_refused(bed: BluezBed, link: GattLink) -> None:
    bed.device(JK, connect="refused")
    assert await attempt(link)
    bed.device(JK, connect="ok")


async def without_services(bed: BluezBed, link: GattLink) -> None:
    bed.device(JK, services="never")
    assert await attempt(link)
    bed.device(JK, services="ok")


async def subscription_hangs(bed: BluezBed, link: GattLink) -> None:
    bed.device(JK, notify="silent")
    assert await attempt(link)
    bed.device(JK, notify="ok")


async def cut_off(bed: BluezBed, link: GattLink) -> None:
    async with link.connect() as connection:
        await stream(connection)
        await asyncio.to_thread(bed.control, "drop", address=JK)


async def cancelled(_: BluezBed, link: GattLink) -> None:
    task = asyncio.create_task(attempt(link))
    await asyncio.sleep(random.uniform(0.0, 0.15))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def restarted_while_it_streams(bed: BluezBed, link: GattLink) -> None:
    try:
        async with link.connect() as connection:
            await stream(connection)
            await restarted(bed, link)
            await stream(connection)
    except (LinkError, TimeoutError):
        return
    raise AssertionError("a dead link went on")


TRIALS: tuple[Trial, ...] = (
    restarted,
    away_for_a_while,
    frozen,
    bus_restarted,
    pulled_out,
    switched_off,
    stuck,
    remembered_wrongly,
    out_of_sight,
    deaf_to_connections,
    connection_refused,
    without_services,
    subscription_hangs,
    cut_off,
    cancelled,
    restarted_while_it_streams,
)


@pytest.mark.timeout(900)
async def test_it_works_again_after_every_trial(own_bed: BluezBed) -> None:
    link = jk_link(JK, timeout=SHORT)
    dice = random.Random(20)
    assert await attempt(link) == ""
    told: list[str] = []
    counts: list[tuple[int, int]] = []

    for number in range(scaled(400, 20)):
        if number % len(TRIALS) == 0:
            order = dice.sample(TRIALS, len(TRIALS))
        trial = order[number % len(TRIALS)]
        told.append(trial.__name__)
        await trial(own_bed, link)
        failures = []
        while failed := await attempt(link):
            failures.append(failed)
            assert len(failures) < 4, (told[-5:], failures)
        gc.collect()
        counts.append((len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir()))))

    tasks, files = zip(*counts, strict=True)
    half = len(counts) // 2
    assert max(tasks[half:]) <= max(tasks[:half]) + 1, tasks
    assert max(files[half:]) <= max(files[:half]) + 2, files
    assert own_bed.connected() == []
