"""Pairing on the real path: only when it is needed and wanted, with our agent, for one device."""

import asyncio
import json
import logging
from typing import Any

import pytest

from jk_bms.errors import LinkError, Verdict
from jk_bms.links import gatt
from jk_bms.links.gatt import GattLink
from jk_bms.links.jk_gatt import jk_link
from jk_bms.protocol.commands import READ_SETTINGS
from jk_bms.radio import deadlines, pairing, scan
from jk_bms.radio.bluez import choose_adapter
from jk_bms.radio.bus import call, system_bus
from jk_bms.radio.memory import RadioMemory
from jk_bms.radio.pairing import AGENT_PATH, device_path, pair, unpair
from jk_bms.radio.scan import shared_scanner
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, RENAMED
from tests.scale import PATIENCE

PIN = "123456"  # what the fake device expects


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what BlueZ never answers. Elsewhere on a busy machine it has the time that it has in a house."""
    monkeypatch.setattr(scan, "STOP_LIMIT", 0.5)
    monkeypatch.setattr(gatt, "CLOSE_LIMIT", 1.0)
    monkeypatch.setattr(gatt, "PART_LIMIT", 1.0)
    monkeypatch.setattr(deadlines, "CLEAN_UP", 0.5)
    monkeypatch.setattr(deadlines, "LAST_WORD", 0.2)


async def attempt(link: GattLink) -> Verdict | None:
    """Connect and read a chunk, as long as the device lets us; the verdict when it does not."""
    try:
        async with asyncio.timeout(PATIENCE), link.connect() as connection:
            await connection.write(READ_SETTINGS)
            while connection.received < 300:
                await connection.receive()
    except LinkError as error:
        return error.verdict
    return None


async def hear(address: str = JK) -> None:
    """Have BlueZ hear the device, which it must have to pair with it."""
    heard = asyncio.Event()
    async with shared_scanner(await choose_adapter()).listening(
        lambda seen: heard.set() if seen.address == address else None
    ):
        await heard.wait()


async def refusal(pin: str | None, limit: float = PATIENCE) -> LinkError:
    await hear()
    with pytest.raises(LinkError) as caught:
        await pair(await choose_adapter(), JK, pin, limit)
    return caught.value


# -- the attempt itself ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "pin"),
    [("just_works", None), ("just_works", PIN), ("passkey", PIN), ("passkey", " 123456")],
)
async def test_a_bond_is_made(bed: BluezBed, device: str, pin: str | None) -> None:
    bed.device(JK, pairing=device, unpaired="denied")
    await hear()

    await pair(await choose_adapter(), JK, pin)

    assert bed.paired() == [JK]
    assert (await choose_adapter()).paired(JK)
    assert await attempt(jk_link(JK, timeout=PATIENCE)) is None


async def test_a_passkey_keeps_its_zeros(bed: BluezBed) -> None:
    bed.device(JK, pairing="passkey", passkey=42)
    await hear()

    await pair(await choose_adapter(), JK, "000042")

    assert bed.paired() == [JK]


@pytest.mark.parametrize(
    ("device", "pin", "words"),
    [
        ("passkey", "654321", "the device refused pairing; is the passkey right?"),
        ("passkey", None, "the device refused pairing; does it want a passkey"),
        ("refused", PIN, "the device refused pairing; is the passkey right?"),
        ("none", None, "the device refused pairing"),
        ("passkey", "secret", "`pin` in the registry is no passkey; expected up to six digits"),
    ],
)
async def test_a_refusal_says_what_to_look_at(
    bed: BluezBed, device: str, pin: str | None, words: str
) -> None:
    bed.device(JK, pairing=device)

    error = await refusal(pin)

    assert (error.verdict, words in str(error)) == (Verdict.PAIRING_REFUSED, True), str(error)
    assert bed.paired() == []


@pytest.mark.usefixtures("hurry")
async def test_a_device_that_never_answers_is_given_up(bed: BluezBed) -> None:
    """And the pairing is broken off, or the next one would be in progress."""
    bed.device(JK, pairing="silent")

    error = await refusal(PIN, limit=0.5)

    assert "cannot pair: no answer within 0.5 s" in str(error)
    await bed.until("pair_failed", error="AuthenticationCanceled")
    bed.device(JK, pairing="passkey")
    await hear()
    await pair(await choose_adapter(), JK, PIN)


async def test_who_is_paired_already_needs_nothing(bed: BluezBed) -> None:
    bed.device(JK, pairing="just_works")
    await hear()
    await pair(await choose_adapter(), JK, None)

    await pair(await choose_adapter(), JK, None)

    assert len(bed.log("pair_asked")) == 1


async def test_our_agent_is_there_for_the_attempt_only(bed: BluezBed) -> None:
    bed.device(JK, pairing="passkey")
    await hear()
    assert bed.log("agent_registered") == []

    await pair(await choose_adapter(), JK, PIN)

    await bed.until("agent_gone")
    assert [each["capability"] for each in bed.log("agent_registered")] == ["KeyboardOnly"]


@pytest.mark.usefixtures("hurry")
async def test_our_agent_answers_for_our_device_only(bed: BluezBed) -> None:
    """Whoever else on the bus asks for the passkey of another device gets none."""
    bed.device(JK, pairing="silent")
    await hear()
    await hear(RENAMED)
    adapter = await choose_adapter()
    running = asyncio.create_task(pair(adapter, JK, PIN))
    await bed.until("pair_asked")
    async with system_bus() as bus:
        (names,) = await call(
            bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames"
        )
        answers: list[Any] = []
        for name in names:
            if name.startswith(":") and name != bus.unique_name:
                try:
                    async with asyncio.timeout(0.3):
                        answers += await call(
                            bus,
                            name,
                            AGENT_PATH,
                            "org.bluez.Agent1.RequestPasskey",
                            "o",
                            [device_path(adapter, RENAMED)],
                        )
                except (Exception, TimeoutError) as error:
                    answers.append(str(error))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert any("not ours to answer" in str(answer) for answer in answers)
    assert int(PIN) not in answers


async def test_the_passkey_is_in_no_log_and_no_message(
    bed: BluezBed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bed.device(JK, pairing="passkey", unpaired="denied", passkey=111111)
    link = jk_link(JK, timeout=PATIENCE, pin="987654")

    verdicts = [await attempt(link) for _ in range(2)]
    error = await refusal("987654x")

    assert verdicts == [Verdict.PAIRING_NEEDED, Verdict.PAIRING_REFUSED]
    assert "987654" not in caplog.text + str(error) + repr(error.evidence)


# -- when the link pairs -----------------------------------------------------------------------


@pytest.mark.parametrize("stranger", ["denied", "not_permitted"])
async def test_a_device_that_says_it_is_paired_with_once_a_pin_is_set(bed: BluezBed, stranger: str) -> None:
    bed.device(JK, pairing="passkey", unpaired=stranger)
    link = jk_link(JK, timeout=PATIENCE, pin=PIN)

    assert [await attempt(link) for _ in range(3)] == [Verdict.PAIRING_NEEDED, None, None]
    assert len(bed.log("pair_asked")) == 1


async def test_two_links_that_end_at_once_are_no_accident(bed: BluezBed) -> None:
    """Firmware that drops strangers does not say why; one such end may be the radio."""
    bed.device(JK, pairing="passkey", unpaired="drop")
    link = jk_link(JK, timeout=PATIENCE, pin=PIN)

    verdicts = [await attempt(link) for _ in range(3)]

    assert verdicts[0] in (Verdict.DROPPED, Verdict.CONNECT_FAILED)
    assert verdicts[1:] == [Verdict.PAIRING_NEEDED, None]


async def test_services_that_stay_missing_after_forgetting_mean_pairing(bed: BluezBed) -> None:
    from jk_bms.radio.repairs import BluezRepairs

    bed.device(JK, pairing="passkey", unpaired="no_services")
    link = jk_link(JK, timeout=PATIENCE, pin=PIN)

    assert await attempt(link) is Verdict.STALE_CACHE
    await BluezRepairs(link).forget()
    assert [await attempt(link) for _ in range(2)] == [Verdict.PAIRING_NEEDED, None]


@pytest.mark.parametrize("stranger", ["denied", "not_permitted", "drop"])
async def test_without_a_pin_it_is_never_tried(bed: BluezBed, stranger: str) -> None:
    bed.device(JK, pairing="just_works", unpaired=stranger)
    link = jk_link(JK, timeout=PATIENCE)

    verdicts = [await attempt(link) for _ in range(4)]

    assert set(verdicts[1:]) == {Verdict.PAIRING_NEEDED}
    assert bed.log("pair_asked") == []


async def test_a_device_that_needs_no_pairing_is_not_paired_with(bed: BluezBed) -> None:
    """Also with a pin: some firmware refuses and drops the link."""
    bed.device(JK, pairing="refused")
    link = jk_link(JK, timeout=PATIENCE, pin=PIN)

    assert [await attempt(link) for _ in range(2)] == [None, None]
    assert bed.log("pair_asked") == []


async def test_a_refusal_is_taken_for_an_answer(bed: BluezBed) -> None:
    """One attempt, not one a minute; and the verdict stays while the link still fails."""
    bed.device(JK, pairing="refused", unpaired="denied")
    link = jk_link(JK, timeout=PATIENCE, pin=PIN)

    verdicts = [await attempt(link) for _ in range(4)]

    assert verdicts == [Verdict.PAIRING_NEEDED] + [Verdict.PAIRING_REFUSED] * 3
    assert len(bed.log("pair_asked")) == 1


async def said(link: GattLink) -> LinkError:
    with pytest.raises(LinkError) as caught:
        async with asyncio.timeout(PATIENCE), link.connect() as connection:
            await connection.receive()
    return caught.value


async def test_a_refusal_is_remembered_over_restarts(bed: BluezBed) -> None:
    """Each run is told by the one before; another passkey, or another firmware, is another matter."""
    bed.device(JK, pairing="passkey", unpaired="denied")
    memory = RadioMemory()
    for _ in range(3):
        before, memory = memory, RadioMemory()
        memory.recall(json.loads(json.dumps(before.remembered())))
        link = jk_link(JK, timeout=PATIENCE, pin="654321", memory=memory)
        verdicts = [await attempt(link) for _ in range(2)]
    assert verdicts == [Verdict.PAIRING_REFUSED] * 2
    assert len(bed.log("pair_asked")) == 1
    assert "it refused the `pin` that is set" in str(await said(link))

    right = jk_link(JK, timeout=PATIENCE, pin=PIN, memory=memory)
    assert [await attempt(right) for _ in range(2)] == [Verdict.PAIRING_NEEDED, None]


@pytest.mark.usefixtures("hurry")
async def test_no_answer_is_no_refusal(bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a pin set nobody is told to set one; and it is not tried at every attempt."""
    monkeypatch.setattr(pairing.pair, "__defaults__", (0.5,))
    bed.device(JK, pairing="silent", unpaired="denied")
    link = jk_link(JK, timeout=PATIENCE, pin=PIN)
    assert "with the `pin` that is set it is tried next" in str(await said(link))
    assert str(await said(link)).endswith(
        "no answer within 0.5 s; with the `pin` that is set it is tried again later"
    )
    assert [await attempt(link) for _ in range(2)] == [Verdict.PAIRING_NEEDED] * 2
    assert len(bed.log("pair_asked")) == 1


@pytest.mark.usefixtures("hurry")
async def test_what_was_not_answered_is_tried_again(bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing.pair, "__defaults__", (0.5,))
    monkeypatch.setattr(gatt, "PAIR_AGAIN", 0.0)
    bed.device(JK, pairing="silent", unpaired="denied")
    link = jk_link(JK, timeout=PATIENCE, pin=PIN)
    assert [await attempt(link) for _ in range(2)] == [Verdict.PAIRING_NEEDED] * 2

    bed.device(JK, pairing="passkey")

    assert await attempt(link) is None


async def cut_off_while_it_speaks(link: GattLink, bed: BluezBed) -> None:
    async with asyncio.timeout(PATIENCE), link.connect() as connection:
        await connection.write(READ_SETTINGS)
        while connection.received < 300:
            await connection.receive()
        await asyncio.to_thread(bed.control, "drop", address=JK)
        while True:
            await connection.receive()


async def test_a_drop_in_the_middle_of_a_stream_is_no_sign_of_pairing(bed: BluezBed) -> None:
    link = jk_link(JK, timeout=PATIENCE, pin=PIN)

    for _ in range(3):
        with pytest.raises(LinkError) as caught:
            await cut_off_while_it_speaks(link, bed)
        assert caught.value.verdict is Verdict.DROPPED
        assert caught.value.evidence["spoke"] is True


async def test_a_faint_signal_is_no_sign_of_pairing(bed: BluezBed) -> None:
    bed.device(JK, pairing="just_works", unpaired="drop", rssi=-94)

    link = jk_link(JK, timeout=PATIENCE, pin=PIN)

    assert {await attempt(link) for _ in range(3)} == {Verdict.WEAK_SIGNAL}
    assert bed.log("pair_asked") == []


# -- bonds -------------------------------------------------------------------------------------


async def test_a_bond_outlives_bluetoothd(own_bed: BluezBed) -> None:
    own_bed.device(JK, pairing="passkey")
    await hear()
    await pair(await choose_adapter(), JK, PIN)

    own_bed.restart_service()
    own_bed.device(JK, pairing="passkey", unpaired="denied")

    assert await attempt(jk_link(JK, timeout=PATIENCE)) is None
    assert own_bed.log("pair_asked") == []


async def test_unpairing_removes_the_bond(bed: BluezBed) -> None:
    bed.device(JK, pairing="just_works")
    await hear()
    await pair(await choose_adapter(), JK, None)

    assert [await unpair(await choose_adapter(), JK) for _ in range(2)] == [True, False]
    assert bed.paired() == []


async def test_a_bond_that_the_device_lost_is_a_stale_memory(bed: BluezBed) -> None:
    """After a reset of the BMS: BlueZ still knows the bond, the BMS does not."""
    bed.device(JK, pairing="just_works")
    await hear()
    await pair(await choose_adapter(), JK, None)
    bed.device(JK, notify="unpaired")

    assert await attempt(jk_link(JK, timeout=PATIENCE)) is Verdict.STALE_CACHE


@pytest.mark.usefixtures("hurry")
async def test_a_frozen_bluetoothd_ends_a_pairing(own_bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "LET_GO", 0.3)
    await hear()
    adapter = await choose_adapter()
    own_bed.freeze()

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(LinkError):
            await pair(adapter, JK, PIN, 0.5)

    own_bed.thaw()
