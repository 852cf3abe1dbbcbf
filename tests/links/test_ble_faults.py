"""Everything that can be wrong with Bluetooth ends as one LinkError, in time, with its verdict."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from bleak.exc import BleakDBusError, BleakError

from jk_bms.errors import LinkError, SourceError, Verdict
from jk_bms.links import gatt
from jk_bms.links.gatt import GattConnection
from jk_bms.links.jk_gatt import jk_link
from jk_bms.protocol.commands import READ_SETTINGS
from jk_bms.radio import bluez, deadlines, rfkill, scan
from jk_bms.radio.bluez import link_error
from jk_bms.radio.memory import RadioMemory
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, MOUSE, RENAMED, jk
from tests.scale import PATIENCE, in_time

SHORT = 0.5  # s, the timeout of links that are to fail


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of ours that a fault runs into, shortened."""
    monkeypatch.setattr(bluez, "ANSWER_LIMIT", SHORT)
    monkeypatch.setattr(scan, "ANSWER_LIMIT", SHORT)
    monkeypatch.setattr(scan, "STOP_LIMIT", SHORT)
    monkeypatch.setattr(gatt, "WRITE_LIMIT", SHORT)
    monkeypatch.setattr(gatt, "CLOSE_LIMIT", 1.0)
    monkeypatch.setattr(gatt, "PART_LIMIT", 1.0)
    monkeypatch.setattr(deadlines, "CLEAN_UP", 0.3)
    monkeypatch.setattr(deadlines, "LAST_WORD", 0.2)


async def drain(connection: GattConnection) -> None:
    """Receive until the link says that it is gone."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await connection.receive()


async def refusal(adapter: str | None = None, memory: RadioMemory | None = None) -> LinkError:
    """Return the error that connecting ends with, within four times the patience and a bit."""
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(LinkError) as caught:
            async with jk_link(JK, adapter=adapter, timeout=SHORT, memory=memory).connect():
                pass
    return caught.value


Fault = Callable[[BluezBed], None]

# name: (what goes wrong, verdict, words for the person)
FAULTS: dict[str, tuple[Fault, Verdict, str]] = {
    "no adapter": (
        lambda bed: bed.adapter(present=False),
        Verdict.NO_ADAPTER,
        "no Bluetooth adapter found; plug one in or see `bluetoothctl list`",
    ),
    "adapter off": (
        lambda bed: bed.adapter(powered=False),
        Verdict.ADAPTER_OFF,
        "adapter hci0 is switched off; switch it on with `bluetoothctl power on`",
    ),
    "adapter blocked": (
        lambda bed: bed.adapter(blocked="soft"),
        Verdict.ADAPTER_BLOCKED,
        "adapter hci0 is blocked (rfkill, soft); unblock it with `sudo rfkill unblock bluetooth`",
    ),
    "D-Bus policy": (
        lambda bed: bed.control("calls", denied="org.freedesktop.DBus.Error.AccessDenied"),
        Verdict.NO_PERMISSION,
        "usermod -aG bluetooth",
    ),
    "no bluetoothd": (
        lambda bed: bed.control("name", owned=False),
        Verdict.SERVICE_DOWN,
        "the Bluetooth service does not run; see `systemctl status bluetooth`",
    ),
    "bluetoothd cannot start": (
        lambda bed: bed.control("calls", denied="org.freedesktop.DBus.Error.Spawn.ChildExited"),
        Verdict.SERVICE_DOWN,
        "the Bluetooth service does not run",
    ),
    "bluetoothd hangs": (
        lambda bed: bed.control("calls", silent=True),
        Verdict.SERVICE_DOWN,
        "the Bluetooth service does not answer",
    ),
    "scan in progress": (
        lambda bed: bed.adapter(discovery="in_progress"),
        Verdict.BUSY,
        "hci0: cannot scan: another program uses the adapter",
    ),
    "scan never starts": (
        lambda bed: bed.adapter(discovery="silent"),
        Verdict.SERVICE_DOWN,
        "hci0: cannot scan: the Bluetooth service does not answer",
    ),
    "not in range": (
        lambda bed: bed.device(JK, hidden=True),
        Verdict.NOT_SEEN,
        f"{JK}: not seen by hci0 in 0.5 s; seen instead: Garage (C8:47:80:AA:BB:CC), NEEY-24S4EB ",
    ),
    "connect never answers": (
        lambda bed: bed.device(JK, connect="silent"),
        Verdict.CONNECT_FAILED,
        f"{JK}: seen, but no connection within 0.5 s; close the phone app",
    ),
    "connection refused": (
        lambda bed: bed.device(JK, connect="refused"),
        Verdict.CONNECT_FAILED,
        "close the phone app",
    ),
    "aborted for ever": (
        lambda bed: bed.device(JK, connect="abort_always"),
        Verdict.CONNECT_FAILED,
        "seen, but no connection",
    ),
    "dropped while connecting": (
        lambda bed: bed.device(JK, connect="drop"),
        Verdict.CONNECT_FAILED,
        "cannot connect: failed to discover services, device disconnected",
    ),
    "services never resolved": (
        lambda bed: bed.device(JK, services="never"),
        Verdict.CONNECT_FAILED,
        "seen, but no connection",
    ),
    "no services": (
        lambda bed: bed.device(JK, layout="none"),
        Verdict.STALE_CACHE,
        f"connected, but it shows no services; try `bluetoothctl remove {JK}`",
    ),
    "services of a mouse": (
        lambda bed: bed.device(JK, layout="hid"),
        Verdict.STALE_CACHE,
        "connected, but it has no service ffe0 (it has 1812), though it is a JK BMS; try `bluetoothctl remove",
    ),
    "nothing to listen to": (
        lambda bed: bed.device(JK, layout="write_only"),
        Verdict.STALE_CACHE,
        "nothing in its service ffe0 can be listened to and written",
    ),
    "notifications taken": (
        lambda bed: bed.device(JK, notify="acquired"),
        Verdict.BUSY,
        "another program listens to this device already",
    ),
    "wants pairing": (
        lambda bed: bed.device(JK, notify="unpaired"),
        Verdict.PAIRING_NEEDED,
        "the device wants to be paired first; set `pin` at the device in the registry",
    ),
    "BlueZ pairs by itself": (
        lambda bed: bed.device(JK, connect="auth_canceled"),
        Verdict.PAIRING_NEEDED,
        "pairing was broken off; set `pin` at the device in the registry",
    ),
    "subscription never answered": (
        lambda bed: bed.device(JK, notify="silent"),
        Verdict.CONNECT_FAILED,
        "seen, but no connection",
    ),
}


@pytest.mark.parametrize(("fault", "verdict", "words"), FAULTS.values(), ids=FAULTS)
async def test_fault(bed: BluezBed, fault: Fault, verdict: Verdict, words: str) -> None:
    """Verdict and words fit, nothing is left open; and once it is cured the link works."""
    fault(bed)

    error = await refusal()

    assert (error.verdict, words in str(error)) == (verdict, True), str(error)
    assert (bed.connected(), bed.discovering()) == ([], [])

    if verdict is Verdict.SERVICE_DOWN:
        bed.control("name", owned=True)
    bed.reset()
    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        await connection.write(READ_SETTINGS)
        assert await connection.receive()


async def test_a_hiccup_of_the_first_second_is_none(bed: BluezBed) -> None:
    bed.device(JK, connect="abort")

    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        await connection.write(READ_SETTINGS)
        assert await connection.receive()


def switch_off_everything(bed: BluezBed) -> None:
    for spec in bed.scenario["devices"]:
        bed.device(spec["address"], hidden=True)


async def test_alone_in_the_air(bed: BluezBed) -> None:
    """Nothing seen at all is another fault than ours not seen."""
    switch_off_everything(bed)

    error = await refusal()

    assert error.verdict is Verdict.NOT_SEEN
    assert "nor any other device" in str(error)
    assert error.evidence["others"] == 0


async def test_an_adapter_that_heard_others_before_and_now_nothing_is_stuck(bed: BluezBed) -> None:
    bed.device(JK, hidden=True)
    before = await refusal()
    bed.adapter(discovery="wedged")

    error = await refusal()

    assert (before.verdict, before.evidence["others"]) == (Verdict.NOT_SEEN, 5)
    assert (error.verdict, error.evidence["others"]) == (Verdict.ADAPTER_WEDGED, 0)
    assert "others were heard before" in str(error)


async def test_an_adapter_that_heard_others_in_an_earlier_run_is_stuck_too(bed: BluezBed) -> None:
    """Our own fresh start must not make a stuck adapter look like a battery out of reach."""
    before, now = RadioMemory(), RadioMemory()
    bed.device(JK, hidden=True)
    await refusal(memory=before)
    now.recall(before.remembered())
    scan._ears.clear()
    bed.adapter(discovery="wedged")

    error = await refusal(memory=now)

    assert (error.verdict, error.evidence["others"]) == (Verdict.ADAPTER_WEDGED, 0)


async def test_ours_are_no_others(bed: BluezBed) -> None:
    """Two packs far from everything, both switched off: nothing is stuck, whatever was heard once."""
    bed.reset({**bed.scenario, "devices": [jk(), jk(RENAMED, "Garage")]})
    memory, other = RadioMemory(), jk_link(RENAMED, timeout=PATIENCE)
    for link in (other, jk_link(JK, timeout=PATIENCE, memory=memory)):
        async with link.connect():
            pass
    scan._ears.clear()
    for address in (JK, RENAMED):
        bed.device(address, hidden=True)

    assert (await refusal(memory=memory)).verdict is Verdict.NOT_SEEN


async def test_a_battery_that_is_connected_is_no_silent_neighbour(bed: BluezBed) -> None:
    """Two packs far from everything: one is read, the other switched off. Nothing is stuck."""
    bed.reset({**bed.scenario, "devices": [jk(), jk(RENAMED, "Garage")]})
    async with jk_link(RENAMED, timeout=PATIENCE).connect():
        pass
    bed.device(JK, hidden=True)
    assert (await refusal()).evidence["others"] == 1

    async with jk_link(RENAMED, timeout=PATIENCE).connect():
        error = await refusal()

    assert (error.verdict, error.evidence["others"]) == (Verdict.NOT_SEEN, 0)


async def test_an_adapter_pulled_out_while_it_searches(bed: BluezBed) -> None:
    """It heard nothing, and the reason is not that it is stuck."""
    bed.device(JK, hidden=True)
    await refusal()
    task = asyncio.create_task(refusal())
    await bed.until("discovery_started", count=2)

    bed.adapter(present=False)

    assert (await task).verdict is Verdict.NO_ADAPTER


async def test_a_block_of_an_adapter_that_is_not_there(
    bed: BluezBed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A hard switch takes some adapters off the USB altogether."""
    switch = tmp_path / "rfkill0"
    switch.mkdir()
    for name, text in {"type": "bluetooth", "name": "hci0", "soft": "0", "hard": "1"}.items():
        (switch / name).write_text(text + "\n")
    monkeypatch.setattr(rfkill, "SWITCHES", tmp_path)
    bed.adapter(present=False)

    error = await refusal()

    assert error.verdict is Verdict.ADAPTER_BLOCKED
    assert "(rfkill, hard); look for a switch" in str(error)


async def test_a_mouse_is_no_bms(bed: BluezBed) -> None:
    with pytest.raises(LinkError) as caught:
        async with jk_link(MOUSE, timeout=SHORT).connect():
            pass

    assert caught.value.verdict is Verdict.NOT_A_BMS
    assert "it has 1812); not a JK BMS?" in str(caught.value)
    assert caught.value.evidence["services"] == 1


async def test_what_was_seen_besides_comes_along(bed: BluezBed) -> None:
    """The signal of the scan and the words of the other side, for who ranks the causes."""
    bed.device(JK, connect="refused", rssi=-81)

    with pytest.raises(LinkError) as caught:
        async with jk_link(JK, timeout=PATIENCE).connect():
            pass
    evidence: dict[str, Any] = dict(caught.value.evidence)

    assert evidence["error"] == "org.bluez.Error.Failed br-connection-canceled"
    assert evidence["rssi"] in range(-84, -80)
    assert evidence["heard_ago"] < 5.0
    assert evidence["adapter"] == "00:1A:7D:DA:71:13"


async def test_a_faint_signal_is_named(bed: BluezBed) -> None:
    bed.device(JK, connect="silent", rssi=-93)

    error = await refusal()

    assert error.verdict is Verdict.WEAK_SIGNAL
    assert "its signal is very weak (-9" in str(error)


async def test_signals_are_remembered_while_it_is_not_seen(bed: BluezBed) -> None:
    """What was heard in an earlier search tells apart a battery that faded from one that vanished."""
    async with jk_link(JK, timeout=PATIENCE).connect():
        pass
    bed.device(JK, hidden=True)

    evidence: dict[str, Any] = dict((await refusal()).evidence)

    assert [rssi in range(-63, -59) for _, rssi in evidence["signals"]] == [True]
    assert 0.0 < evidence["heard_ago"] < 10.0


async def test_at_most_five_others_are_named(bed: BluezBed) -> None:
    more = [{"address": f"00:00:00:00:00:{n:02X}", "name": f"n{n}"} for n in range(8)]
    bed.reset({**bed.scenario, "devices": more})

    error = await refusal()

    assert str(error).count("(00:") == 5
    assert "and 3 more" in str(error)


@pytest.mark.parametrize("wanted", ["hci9", "00:00:00:00:00:00"])
async def test_unknown_adapter(bed: BluezBed, wanted: str) -> None:
    error = await refusal(wanted)

    assert error.verdict is Verdict.NO_ADAPTER
    assert "there is hci0 (00:1A:7D:DA:71:13)" in str(error)


async def test_no_bus_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")

    error = await refusal()

    assert error.verdict is Verdict.SERVICE_DOWN
    assert "no D-Bus socket" in str(error)


async def test_a_bus_nobody_answers_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The socket file is there, the daemon is not."""
    path = tmp_path / "bus"
    server = await asyncio.start_unix_server(lambda _r, _w: None, path)
    server.close()
    path.touch()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={path}")

    error = await refusal()

    assert error.verdict is Verdict.SERVICE_DOWN


async def test_a_bus_that_refuses_us(bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user ids differ from those outside."""
    monkeypatch.setenv("BLEAK_DBUS_AUTH_UID", str(os.getuid() + 4711))

    error = await refusal()

    assert error.verdict is Verdict.NO_PERMISSION


async def test_a_wrong_bus_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "nonsense")

    assert (await refusal()).verdict is Verdict.SERVICE_DOWN


# -- in the middle of a stream -----------------------------------------------------------------


async def test_adapter_switched_off(bed: BluezBed) -> None:
    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        await asyncio.to_thread(bed.adapter, powered=False)
        with pytest.raises(LinkError) as caught:
            await asyncio.wait_for(connection.receive(), PATIENCE)

    assert caught.value.verdict is Verdict.DROPPED
    assert (await refusal()).verdict is Verdict.ADAPTER_OFF


async def test_link_cut_within_a_frame(bed: BluezBed) -> None:
    bed.control("faults", address=JK, cut_after=2)

    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        await connection.write(READ_SETTINGS)
        with pytest.raises(LinkError) as caught:
            await drain(connection)

    assert caught.value.verdict is Verdict.DROPPED


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [("silent", Verdict.SERVICE_DOWN), ("in_progress", Verdict.SERVICE_DOWN), ("failed", Verdict.DROPPED)],
)
async def test_a_command_that_does_not_get_through(bed: BluezBed, fault: str, verdict: Verdict) -> None:
    bed.device(JK, write=fault)

    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        with pytest.raises(LinkError) as caught:
            await connection.write(READ_SETTINGS)

    assert caught.value.verdict is verdict
    assert bed.connected() == []


async def test_bluetoothd_killed_and_started_again(own_bed: BluezBed) -> None:
    """Nobody tells us: the stream just ends, the next command says so, the next link works."""
    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        await connection.write(READ_SETTINGS)
        assert await connection.receive()
        own_bed.kill_service()
        with pytest.raises(LinkError) as caught:
            await connection.write(READ_SETTINGS)
    assert caught.value.verdict is Verdict.SERVICE_DOWN
    assert (await refusal()).verdict is Verdict.SERVICE_DOWN

    own_bed.start_service()

    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        await connection.write(READ_SETTINGS)
        assert await connection.receive()


async def _ask(connection: GattConnection) -> None:
    await connection.write(READ_SETTINGS)


async def _find_it_mute(_: GattConnection) -> None:
    raise SourceError("no frames come any more", Verdict.MUTE)


@pytest.mark.parametrize("then", [_ask, _find_it_mute])
async def test_bluetoothd_started_anew_while_connected(
    own_bed: BluezBed, then: Callable[[GattConnection], Awaitable[None]]
) -> None:
    """Its links are gone, which explains more than a mute battery or a dropped link."""

    async def talk() -> None:
        async with jk_link(JK, timeout=PATIENCE).connect() as connection:
            own_bed.restart_service()
            await then(connection)

    with pytest.raises(LinkError, match="started anew") as caught:
        await talk()

    assert caught.value.verdict is Verdict.SERVICE_DOWN


async def test_bluetoothd_frozen_while_connected(own_bed: BluezBed) -> None:
    """Neither a command nor the disconnect is answered; both end."""
    started = time.monotonic()
    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        own_bed.freeze()
        with pytest.raises(LinkError) as caught:
            await connection.write(READ_SETTINGS)

    assert caught.value.verdict is Verdict.SERVICE_DOWN
    assert in_time(time.monotonic() - started, 5)
    own_bed.thaw()


async def test_dbus_daemon_killed_while_connected(own_bed: BluezBed) -> None:
    async with jk_link(JK, timeout=PATIENCE).connect() as connection:
        own_bed.bus.kill()
        with pytest.raises(LinkError) as caught:
            await asyncio.wait_for(connection.receive(), PATIENCE)

    assert caught.value.verdict is Verdict.DROPPED
    assert (await refusal()).verdict is Verdict.SERVICE_DOWN


async def test_dbus_daemon_killed_while_scanning(own_bed: BluezBed) -> None:
    own_bed.device(JK, hidden=True)
    task = asyncio.create_task(refusal())
    await own_bed.until("discovery_started")

    own_bed.bus.kill()

    assert (await task).verdict in (Verdict.SERVICE_DOWN, Verdict.NOT_SEEN)
    assert (await refusal()).verdict is Verdict.SERVICE_DOWN


# -- the table of meanings ---------------------------------------------------------------------


def test_the_error_under_a_wrapped_one_decides() -> None:
    """bleak-retry-connector packs what it met into its own."""
    outer = BleakError("Failed to connect after 1 attempt(s)")
    outer.__cause__ = BleakDBusError("org.bluez.Error.NotReady", ["Resource Not Ready"])

    error = link_error(outer, "x: cannot connect", Verdict.CONNECT_FAILED)

    assert error.verdict is Verdict.ADAPTER_OFF
    assert str(error).startswith("x: cannot connect: the adapter is switched off")


def test_an_unknown_error_keeps_its_words() -> None:
    error = link_error(BleakError("something new"), "x: cannot connect", Verdict.CONNECT_FAILED)

    assert (str(error), error.verdict) == ("x: cannot connect: something new", Verdict.CONNECT_FAILED)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (PermissionError(13, "Permission denied"), Verdict.NO_PERMISSION),
        (FileNotFoundError(2, "No such file"), Verdict.SERVICE_DOWN),
        (OSError(9, "Bad file descriptor"), Verdict.SERVICE_DOWN),
        (EOFError(), Verdict.SERVICE_DOWN),
        (BrokenPipeError(), Verdict.SERVICE_DOWN),
        (BleakError("adapter 'hci5' not found"), Verdict.NO_ADAPTER),
        (BleakError("device 'dev_1' not found"), Verdict.NOT_SEEN),
        (TimeoutError(), Verdict.CONNECT_FAILED),
        (BleakDBusError("org.bluez.Error.AuthenticationCanceled", []), Verdict.PAIRING_NEEDED),
        (BleakDBusError("org.bluez.Error.NotPermitted", ["Not paired"]), Verdict.PAIRING_NEEDED),
        (BleakDBusError("org.bluez.Error.NotPermitted", ["Notify acquired"]), Verdict.BUSY),
        (BleakDBusError("org.bluez.Error.Blocked", []), Verdict.ADAPTER_BLOCKED),
    ],
)
def test_meaning(error: Exception, verdict: Verdict) -> None:
    assert link_error(error, "x", Verdict.CONNECT_FAILED).verdict is verdict
