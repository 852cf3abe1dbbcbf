"""Repairs on the real path: what they do, what they refuse, and that they come to an end."""

import asyncio
import time

import pytest

from jk_bms.errors import LinkError, Verdict
from jk_bms.links import gatt
from jk_bms.links.gatt import GattLink
from jk_bms.links.jk_gatt import jk_link
from jk_bms.protocol.commands import READ_SETTINGS
from jk_bms.radio import bluez, deadlines, pairing, repairs, scan
from jk_bms.radio.bus import call_once
from jk_bms.radio.repairs import BluezRepairs
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, MOUSE, RENAMED, street
from tests.scale import PATIENCE, in_time

HCI0, HCI1 = "00:1A:7D:DA:71:13", "5C:F3:70:00:00:01"
SHORT = 0.5  # s


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bluez, scan, repairs, pairing, gatt):
        monkeypatch.setattr(module, "ANSWER_LIMIT", SHORT)
    monkeypatch.setattr(scan, "STOP_LIMIT", SHORT)
    monkeypatch.setattr(repairs, "LOOK", SHORT)
    monkeypatch.setattr(repairs, "POWER_LIMIT", 1.0)
    monkeypatch.setattr(repairs, "PAUSE", 0.05)
    monkeypatch.setattr(repairs, "STEP", 0.02)
    monkeypatch.setattr(repairs, "RESTART_LIMIT", PATIENCE)
    monkeypatch.setattr(deadlines, "CLEAN_UP", 0.3)
    monkeypatch.setattr(deadlines, "LAST_WORD", 0.2)


async def attempt(link: GattLink) -> Verdict | None:
    """Connect and read a chunk; the verdict when that fails."""
    try:
        async with link.connect() as connection:
            await connection.write(READ_SETTINGS)
            await connection.receive()
    except LinkError as error:
        return error.verdict
    return None


async def refusal(repair: object) -> LinkError:
    with pytest.raises(LinkError) as caught:
        await repair  # type: ignore[misc]
    return caught.value


def link(pin: str | None = None) -> GattLink:
    return jk_link(JK, timeout=SHORT, pin=pin)


# -- forget ------------------------------------------------------------------------------------


@pytest.mark.parametrize("remembered", ["none", "hid", "write_only"])
async def test_forgetting_cures_what_bluez_remembers_wrongly(bed: BluezBed, remembered: str) -> None:
    bed.device(JK, stale=remembered)
    ours = link()
    assert await attempt(ours) is Verdict.STALE_CACHE
    assert await attempt(ours) is Verdict.STALE_CACHE

    await BluezRepairs(ours).forget()

    assert bed.log("removed", address=JK)
    assert await attempt(ours) is None


async def test_what_bluez_does_not_know_is_looked_for_first(bed: BluezBed) -> None:
    """It keeps its wrong memory on disk and takes it up again once it hears the device."""
    bed.device(JK, stale="none")
    bed.control("forget", address=JK)
    ours = link()

    await BluezRepairs(ours).forget()

    assert bed.log("removed", address=JK)
    assert await attempt(ours) is None


async def test_what_is_not_to_be_seen_cannot_be_forgotten(bed: BluezBed) -> None:
    bed.device(JK, hidden=True)

    assert (await refusal(BluezRepairs(link()).forget())).verdict is Verdict.NOT_SEEN
    assert bed.discovering() == []


async def test_a_bond_made_by_hand_is_kept(bed: BluezBed) -> None:
    bed.device(JK, pairing="just_works")
    ours = link()
    await attempt(ours)
    await pairing.pair(await bluez.choose_adapter(), JK, None)

    error = await refusal(BluezRepairs(ours).forget())

    assert "paired by hand" in str(error)
    assert bed.paired() == [JK]


async def test_a_bond_that_we_can_make_again_may_go(bed: BluezBed) -> None:
    bed.device(JK, pairing="passkey", unpaired="denied")
    ours = link("123456")
    assert [await attempt(ours) for _ in range(2)] == [Verdict.PAIRING_NEEDED, None]

    await BluezRepairs(ours).forget()

    assert bed.paired() == []
    assert [await attempt(ours) for _ in range(2)] == [Verdict.PAIRING_NEEDED, None]


# -- power cycle -------------------------------------------------------------------------------


async def test_a_stuck_adapter_hears_again_after_a_power_cycle(bed: BluezBed) -> None:
    ours = link()
    assert len(await scan.scan(0.3)) == 6  # the neighbours too
    bed.adapter(discovery="wedged")
    assert await attempt(ours) is Verdict.ADAPTER_WEDGED

    await BluezRepairs(ours).power_cycle()

    assert [each["powered"] for each in bed.log("power_set")] == [False, True]
    assert await attempt(ours) is None


async def test_an_adapter_that_is_off_is_switched_on(bed: BluezBed) -> None:
    bed.adapter(powered=False)
    ours = link()
    assert await attempt(ours) is Verdict.ADAPTER_OFF

    await BluezRepairs(ours).power_cycle()

    assert [each["powered"] for each in bed.log("power_set")] == [True]
    assert await attempt(ours) is None


async def test_the_right_one_of_two_adapters(bed: BluezBed) -> None:
    two = [{"name": "hci0", "address": HCI0}, {"name": "hci1", "address": HCI1}]
    bed.reset({**street(), "adapters": two})
    ours = jk_link(JK, adapter=HCI1, timeout=SHORT)
    assert await attempt(ours) is None
    assert BluezRepairs(ours).adapter == HCI1

    await BluezRepairs(ours).power_cycle()

    assert {each["adapter"] for each in bed.log("power_set")} == {"hci1"}


async def test_the_search_of_another_device_goes_on_after_it(bed: BluezBed) -> None:
    """BlueZ ends all scans of an adapter that goes off, and tells nobody."""
    bed.device(RENAMED, hidden=True)
    other = jk_link(RENAMED, timeout=4)
    searching = asyncio.create_task(attempt(other))
    await bed.until("discovery_started")

    await BluezRepairs(link()).power_cycle()
    bed.device(RENAMED, hidden=False)

    assert await searching is None


async def test_a_mouse_of_the_house_is_not_cut_off(bed: BluezBed) -> None:
    """It is connected to the same adapter by another program."""
    ours = link()
    assert await attempt(ours) is None
    await connect_as_another_program(MOUSE)

    error = await refusal(BluezRepairs(ours).power_cycle())

    assert error.verdict is Verdict.BUSY
    assert "BT Mouse of another program is connected" in str(error)
    assert bed.log("power_set") == []


async def connect_as_another_program(address: str) -> None:
    path = f"/org/bluez/hci0/dev_{address.replace(':', '_')}"
    async with scan.shared_scanner(await bluez.choose_adapter()).listening(lambda _: None):
        await asyncio.sleep(0.2)
        await call_once("org.bluez", path, "org.bluez.Device1.Connect")


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ({"power": "stuck"}, Verdict.ADAPTER_WEDGED),
        ({"power": "silent"}, Verdict.SERVICE_DOWN),
        ({"power": "failed"}, Verdict.SERVICE_DOWN),
        ({"blocked": "soft"}, Verdict.ADAPTER_BLOCKED),
        ({"present": False}, Verdict.NO_ADAPTER),
    ],
)
async def test_a_power_cycle_that_cannot_be_done_says_why(
    bed: BluezBed, fault: dict[str, object], verdict: Verdict
) -> None:
    ours = link()
    assert await attempt(ours) is None
    bed.adapter(**fault)

    async with asyncio.timeout(PATIENCE):
        error = await refusal(BluezRepairs(ours).power_cycle())

    assert error.verdict is verdict, str(error)


async def test_a_frozen_service_does_not_hold_a_power_cycle(own_bed: BluezBed) -> None:
    own_bed.freeze()

    async with asyncio.timeout(PATIENCE):
        error = await refusal(BluezRepairs(link()).power_cycle())

    assert error.verdict is Verdict.SERVICE_DOWN
    own_bed.thaw()


async def test_cancelled_while_off_it_comes_on_again(bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service is stopped in the middle: the adapter must not stay off."""
    monkeypatch.setattr(repairs, "PAUSE", 30.0)
    task = asyncio.create_task(BluezRepairs(link()).power_cycle())
    await bed.until("power_set", powered=False)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [each["powered"] for each in bed.log("power_set")] == [False, True]
    assert await attempt(link()) is None


# -- the service and the machine ---------------------------------------------------------------


async def test_a_frozen_service_is_cured_by_its_restart(own_bed: BluezBed) -> None:
    ours = link()
    assert await attempt(ours) is None
    with own_bed.systemd() as systemd:
        own_bed.freeze()
        assert await attempt(ours) is Verdict.SERVICE_DOWN

        await BluezRepairs(ours).restart_service()

        assert systemd.calls == [("RestartUnit", ["bluetooth.service", "replace"])]
        assert await attempt(ours) is None


async def test_a_service_that_stays_away_is_reported(
    own_bed: BluezBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairs, "RESTART_LIMIT", 0.3)
    with own_bed.systemd() as systemd:
        systemd.restart = own_bed.kill_service

        error = await refusal(BluezRepairs(link()).restart_service())

    assert error.verdict is Verdict.SERVICE_DOWN
    assert "is not back after" in str(error)


@pytest.mark.parametrize("repair", ["restart_service", "reboot"])
async def test_what_polkit_does_not_allow_is_one_clear_message(bed: BluezBed, repair: str) -> None:
    with bed.systemd(allowed=False):
        error = await refusal(getattr(BluezRepairs(link()), repair)())

    assert error.verdict is Verdict.NO_PERMISSION
    assert str(error).startswith("not allowed to re")
    assert "install.sh --allow-repairs" in str(error)


@pytest.mark.parametrize("repair", ["restart_service", "reboot"])
async def test_without_systemd(bed: BluezBed, repair: str) -> None:
    started = time.monotonic()

    error = await refusal(getattr(BluezRepairs(link()), repair)())

    assert (error.verdict, "there is no systemd here" in str(error)) == (Verdict.NO_PERMISSION, True)
    assert in_time(time.monotonic() - started, 2.0)


async def test_a_reboot_is_asked_for_without_a_dialogue(bed: BluezBed) -> None:
    with bed.systemd() as systemd:
        await BluezRepairs(link()).reboot()

    assert systemd.calls == [("Reboot", [False])]
