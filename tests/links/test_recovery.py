"""What goes away and comes back while the process lives on: adapters, bluetoothd, the bus itself."""

import asyncio
import time
from typing import Any

import pytest

from jk_bms.errors import LinkError, Verdict
from jk_bms.links import gatt
from jk_bms.links.gatt import GattConnection, GattLink
from jk_bms.links.jk_gatt import jk_link
from jk_bms.protocol.commands import READ_SETTINGS
from jk_bms.radio import bluez, deadlines, scan
from jk_bms.radio.bus import call_once
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, RENAMED, street
from tests.scale import PATIENCE, in_time

HCI0, HCI1 = "00:1A:7D:DA:71:13", "5C:F3:70:00:00:01"
SHORT = 0.6  # s


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bluez, "ANSWER_LIMIT", SHORT)
    monkeypatch.setattr(scan, "ANSWER_LIMIT", SHORT)
    monkeypatch.setattr(scan, "STOP_LIMIT", SHORT)
    monkeypatch.setattr(gatt, "WRITE_LIMIT", SHORT)
    monkeypatch.setattr(gatt, "CLOSE_LIMIT", 1.0)
    monkeypatch.setattr(gatt, "PART_LIMIT", 1.0)
    monkeypatch.setattr(deadlines, "CLEAN_UP", 0.3)
    monkeypatch.setattr(deadlines, "LAST_WORD", 0.2)


def adapter(name: str, address: str = HCI0) -> dict[str, Any]:
    return {**street(), "adapters": [{"name": name, "address": address}]}


async def stream(connection: GattConnection) -> None:
    """Read a frame's worth of bytes."""
    async with asyncio.timeout(PATIENCE):
        wanted = connection.received + 300
        await connection.write(READ_SETTINGS)
        while connection.received < wanted:
            await connection.receive()


async def drain(connection: GattConnection) -> None:
    """Receive until the link says that it is gone."""
    while True:
        await connection.receive()


async def attempt(link: GattLink) -> Verdict | None:
    try:
        async with link.connect() as connection:
            await stream(connection)
    except LinkError as error:
        return error.verdict
    return None


async def works_soon(link: GattLink, attempts: int = 3) -> bool:
    """Whether it works again within so many attempts, as a driver makes them."""
    for _ in range(attempts):
        if await attempt(link) is None:
            return True
    return False


# -- adapters ----------------------------------------------------------------------------------


async def test_an_adapter_that_is_plugged_in_later(bed: BluezBed) -> None:
    bed.adapter(present=False)
    link = jk_link(JK, timeout=SHORT)
    assert [await attempt(link) for _ in range(2)] == [Verdict.NO_ADAPTER] * 2

    bed.adapter(present=True)

    assert await attempt(link) is None


async def test_an_adapter_that_is_pulled_out_while_it_streams_and_comes_back(bed: BluezBed) -> None:
    link = jk_link(JK, timeout=SHORT)
    verdicts: list[Verdict | None] = []
    try:
        async with asyncio.timeout(PATIENCE), link.connect() as connection:
            await stream(connection)
            await asyncio.to_thread(bed.adapter, present=False)
            await drain(connection)
    except LinkError as error:
        verdicts.append(error.verdict)
    verdicts.append(await attempt(link))

    bed.adapter(present=True)

    assert verdicts == [Verdict.DROPPED, Verdict.NO_ADAPTER]
    assert await attempt(link) is None


async def test_an_adapter_that_comes_back_under_another_name(bed: BluezBed) -> None:
    """Pinned by its address, it is found as hci1 too."""
    link = jk_link(JK, adapter=HCI0, timeout=SHORT)
    assert await attempt(link) is None

    bed.reset(adapter("hci1"))

    assert await attempt(link) is None
    assert [each["adapter"] for each in bed.log("discovery_started")] == ["hci1"]


# -- bluetoothd --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hci0", "hci1"])
async def test_bluetoothd_restarted_while_it_streams(own_bed: BluezBed, name: str) -> None:
    """No signal tells; bleak takes the old connection for alive until it is made to forget."""
    link = jk_link(JK, timeout=SHORT)
    async with link.connect() as connection:
        await stream(connection)
        await asyncio.to_thread(own_bed.restart_service, adapter(name))
        with pytest.raises((LinkError, TimeoutError)):
            await stream(connection)

    assert await works_soon(link, 1)
    assert own_bed.connected() == []


async def test_the_other_links_learn_that_bluetoothd_is_another(own_bed: BluezBed) -> None:
    """As soon as one of them connects anew, not one data timeout after the other."""
    async with jk_link(RENAMED, timeout=SHORT).connect() as other:
        await stream(other)
        await asyncio.to_thread(own_bed.restart_service)

        assert await works_soon(jk_link(JK, timeout=SHORT))

        with pytest.raises(LinkError) as caught:
            await asyncio.wait_for(drain(other), PATIENCE)
    assert caught.value.verdict is Verdict.DROPPED


async def test_bluetoothd_restarted_while_it_searches(own_bed: BluezBed) -> None:
    """The search hears nothing any more, and the adapter is not to blame."""
    own_bed.device(JK, hidden=True)
    link = jk_link(JK, timeout=2)
    assert await attempt(jk_link(JK, timeout=SHORT)) is Verdict.NOT_SEEN
    searching = asyncio.create_task(attempt(link))
    await own_bed.until("discovery_started", count=2)

    await asyncio.to_thread(own_bed.restart_service)

    assert await searching is Verdict.SERVICE_DOWN
    assert await attempt(link) is None


async def test_bluetoothd_gone_for_a_while(own_bed: BluezBed) -> None:
    link = jk_link(JK, timeout=SHORT)
    assert await attempt(link) is None
    own_bed.kill_service()
    assert [await attempt(link) for _ in range(3)] == [Verdict.SERVICE_DOWN] * 3

    own_bed.start_service()

    assert await works_soon(link, 1)


async def test_bluetoothd_restarted_again_and_again(own_bed: BluezBed) -> None:
    link = jk_link(JK, timeout=SHORT)
    for round_ in range(4):
        await asyncio.to_thread(own_bed.restart_service, adapter(f"hci{round_ % 2}"))
        assert await works_soon(link, 1)


async def test_bluetoothd_frozen_and_thawed(own_bed: BluezBed) -> None:
    link = jk_link(JK, timeout=SHORT)
    assert await attempt(link) is None
    own_bed.freeze()
    started = time.monotonic()
    assert await attempt(link) is Verdict.SERVICE_DOWN
    assert in_time(time.monotonic() - started, 4.0)

    own_bed.thaw()

    assert await works_soon(link)


# -- the bus -----------------------------------------------------------------------------------


async def test_the_bus_gone_and_back(own_bed: BluezBed) -> None:
    link = jk_link(JK, timeout=SHORT)
    async with link.connect() as connection:
        await stream(connection)
        own_bed.bus.kill()
        with pytest.raises(LinkError) as caught:
            await stream(connection)
    assert caught.value.verdict in (Verdict.DROPPED, Verdict.SERVICE_DOWN)
    assert await attempt(link) is Verdict.SERVICE_DOWN

    await asyncio.to_thread(own_bed.restart_bus)

    assert await works_soon(link)


async def test_a_bus_that_is_not_there_yet_at_the_start(
    own_bed: BluezBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_bed.bus.kill()
    own_bed.bus.socket.unlink()
    link = jk_link(JK, timeout=SHORT)
    assert await attempt(link) is Verdict.SERVICE_DOWN

    await asyncio.to_thread(own_bed.restart_bus)

    assert await works_soon(link)


# -- connections that another one left ---------------------------------------------------------


async def leave_a_connection(bed: BluezBed, on: str) -> None:
    """As a program leaves it that was killed: BlueZ goes on holding it."""
    path = f"/org/bluez/{on}/dev_{JK.replace(':', '_')}"
    (chosen,) = (each for each in await bluez.adapters() if each.name == on)
    async with scan.shared_scanner(chosen).listening(lambda _: None):
        await asyncio.sleep(0.2)
        await call_once("org.bluez", path, "org.bluez.Device1.Connect")
    assert bed.connected() == [JK]


TWO = [{"name": "hci0", "address": HCI0}, {"name": "hci1", "address": HCI1}]


async def test_a_connection_left_on_the_other_adapter_is_found(bed: BluezBed) -> None:
    """The first adapter would search for ever: what is connected does not advertise."""
    bed.reset({**street(), "adapters": TWO})
    await leave_a_connection(bed, on="hci1")
    link = jk_link(JK, timeout=SHORT)

    assert await attempt(link) is None
    assert link.used_adapter == HCI1
    assert bed.connected() == []


async def test_a_connection_left_on_an_adapter_that_is_not_ours_is_closed(bed: BluezBed) -> None:
    bed.reset({**street(), "adapters": TWO})
    await leave_a_connection(bed, on="hci1")
    link = jk_link(JK, adapter=HCI0, timeout=PATIENCE)

    assert await attempt(link) is None
    assert link.used_adapter == HCI0


async def test_a_connection_left_dead_is_closed_and_made_anew(bed: BluezBed) -> None:
    """BlueZ holds it, and nothing comes out of it: the next attempt has a fresh one."""
    await leave_a_connection(bed, on="hci0")
    bed.control("faults", address=JK, mute=True)
    link = jk_link(JK, timeout=SHORT)
    with pytest.raises(TimeoutError):
        async with link.connect() as connection, asyncio.timeout(0.3):
            await connection.receive()
    assert bed.connected() == []

    bed.control("faults", address=JK, mute=False)

    assert await attempt(link) is None
