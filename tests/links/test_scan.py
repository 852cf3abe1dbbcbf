"""Scans through unmodified bleak: what is seen, and that nothing is left running."""

import asyncio

import pytest

from jk_bms.errors import LinkError, Verdict
from jk_bms.model.found import Certainty
from jk_bms.radio import scan as scan_module
from jk_bms.radio.bluez import choose_adapter
from jk_bms.radio.scan import Seen, scan, shared_scanner
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, NAMELESS, NEEY, RENAMED, bystanders, jk
from tests.scale import PATIENCE

ADAPTER = {"name": "hci0", "address": "00:1A:7D:DA:71:13"}
MOMENT = 0.3  # s; ten advertisements of everybody


async def test_the_jk_is_found_among_five_others(bed: BluezBed) -> None:
    """All are reported, the JKs first, the balancer never as one of them."""
    seen = await scan(MOMENT)

    levels = {each.address: each.match and each.match.level for each in seen}
    assert len(levels) == 6
    assert {seen[0].address, seen[1].address} == {JK, RENAMED}
    assert (levels[JK], levels[RENAMED], levels[NEEY]) == (Certainty.SURE, Certainty.SURE, Certainty.POSSIBLE)
    assert [level for level in levels.values() if level is None] == [None] * 3
    assert bed.discovering() == []


async def test_what_is_told_of_a_device(bed: BluezBed) -> None:
    seen = {each.address: each for each in await scan(MOMENT)}

    assert seen[JK].name == "JK-B2A8S20P"
    assert seen[JK].rssi in range(-62, -59)
    assert seen[JK].adapter == "hci0"
    assert seen[NAMELESS].name is None
    assert str(seen[NAMELESS]) == f"nameless ({NAMELESS})"


async def test_a_hostile_name_is_shown_not_obeyed(bed: BluezBed) -> None:
    """As an owner or a neighbour set it: it forges no log line; one of nothing visible is none."""
    forged = "x\n2026-11-30 03:00:00 - jk_bms_service - ERROR - all batteries burn\x1b[2J"
    bed.reset({"adapters": [ADAPTER], "devices": [jk(name=forged), jk(RENAMED, name="\u202e\u200b\u3164")]})

    seen = {each.address: each for each in await scan(MOMENT)}

    name = seen[JK].name
    assert name is not None
    assert name.isprintable()
    assert name.startswith(r"x\n2026-11-30 03:00:00")
    assert str(seen[JK]) == f"{name} ({JK})"
    assert seen[RENAMED].name in (None, RENAMED.replace(":", "-"))  # what BlueZ calls the nameless
    assert {each.match and each.match.level for each in seen.values()} == {Certainty.SURE}


async def test_progress_names_each_device_once(bed: BluezBed) -> None:
    told: list[Seen] = []

    await scan(MOMENT, on_seen=told.append)

    assert sorted(each.address for each in told) == sorted({each.address for each in told})
    assert len(told) == 6


async def test_two_scans_share_one(bed: BluezBed) -> None:
    """BlueZ would refuse the second; the late one also hears of those just seen."""
    first = asyncio.create_task(scan(MOMENT))
    await bed.until("discovery_started")

    second = await scan(MOMENT / 2)

    assert {each.address for each in await first} == {each.address for each in second}
    assert len(bed.log("discovery_started")) == len(bed.log("discovery_stopped")) == 1


async def test_a_cancelled_scan_stops(bed: BluezBed) -> None:
    task = asyncio.create_task(scan(60))
    await bed.until("discovery_started")

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await bed.until("discovery_stopped")
    assert bed.discovering() == []


@pytest.mark.parametrize("after", [0.0, 0.001, 0.002, 0.004, 0.008, 0.016])
async def test_a_scan_cancelled_at_its_start_stops(bed: BluezBed, after: float) -> None:
    """Whichever call to BlueZ it was in, none is left scanning, and the next scan works."""
    task = asyncio.create_task(scan(60))
    await asyncio.sleep(after)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert len(await scan(MOMENT)) == 6
    assert bed.discovering() == []


async def test_a_start_without_answer_is_undone(bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> None:
    """BlueZ began the scan but its answer was lost: the next scan must not meet our own."""
    monkeypatch.setattr(scan_module, "ANSWER_LIMIT", 0.2)
    bed.adapter(discovery="late")
    with pytest.raises(LinkError) as caught:
        await scan(MOMENT)
    assert caught.value.verdict is Verdict.SERVICE_DOWN

    await bed.until("discovery_stopped")
    bed.adapter(discovery="")

    assert len(await scan(MOMENT)) == 6


@pytest.mark.parametrize("fault", ["stop_silent", "stop_in_progress"])
async def test_a_scan_that_cannot_be_stopped_still_reports(
    bed: BluezBed, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping is BlueZ's trouble, not a reason to lose what was heard."""
    monkeypatch.setattr(scan_module, "STOP_LIMIT", 0.2)
    bed.adapter(discovery=fault)

    async with asyncio.timeout(PATIENCE):
        seen = await scan(MOMENT)

    assert len(seen) == 6


async def test_a_hanging_service_does_not_hang_the_scan(
    own_bed: BluezBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_module, "STOP_LIMIT", 0.2)
    task = asyncio.create_task(scan(MOMENT))
    await own_bed.until("discovery_started")

    own_bed.freeze()
    async with asyncio.timeout(PATIENCE):
        seen = await task

    assert len(seen) <= 6
    own_bed.thaw()


async def test_an_old_scan_is_renewed(bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared scan may have died with the Bluetooth service: it is not joined for ever."""
    monkeypatch.setattr(scan_module, "OLDEST_SCAN", 0.0)
    scanner = shared_scanner(await choose_adapter())

    async with scanner.listening(lambda _: None):
        assert len(await scan(MOMENT)) == 6

    assert len(bed.log("discovery_started")) == len(bed.log("discovery_stopped")) == 2


TWO = {
    "adapters": [
        {"name": "hci0", "address": "00:1A:7D:DA:71:13", "powered": False},
        {"name": "hci1", "address": "DC:A6:32:01:02:03"},
    ],
    "devices": [jk(), *bystanders()],
}


@pytest.mark.parametrize("wanted", [None, "hci1", "HCI1", "dc:a6:32:01:02:03", "DC:A6:32:01:02:03"])
async def test_the_adapter_is_chosen(bed: BluezBed, wanted: str | None) -> None:
    """By name or address; unnamed, the first that is switched on."""
    bed.reset(TWO)

    seen = await scan(MOMENT, adapter=wanted)

    assert {each.adapter for each in seen} == {"hci1"}


async def test_an_address_survives_renumbering(bed: BluezBed) -> None:
    bed.adapter(rename="hci3")

    seen = await scan(MOMENT, adapter="00:1A:7D:DA:71:13")

    assert {each.adapter for each in seen} == {"hci3"}


async def test_an_unknown_adapter_names_those_there_are(bed: BluezBed) -> None:
    bed.reset(TWO)

    with pytest.raises(LinkError) as caught:
        await scan(MOMENT, adapter="hci7")

    assert caught.value.verdict is Verdict.NO_ADAPTER
    assert str(caught.value) == (
        "no Bluetooth adapter 'hci7'; "
        "there is hci0 (00:1A:7D:DA:71:13, switched off), hci1 (DC:A6:32:01:02:03)"
    )


async def test_a_chosen_adapter_that_is_off_is_not_replaced(bed: BluezBed) -> None:
    bed.reset(TWO)

    with pytest.raises(LinkError) as caught:
        await scan(MOMENT, adapter="hci0")

    assert caught.value.verdict is Verdict.ADAPTER_OFF
    assert "hci0 is switched off" in str(caught.value)
