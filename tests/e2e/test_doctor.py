"""``jk-util.py doctor`` on the real path: what it says of each fault, alone and beside the service."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from jk_bms.radio.lock import RadioLock
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, jk, street
from tests.e2e.house import House, until

Fault = Callable[[BluezBed], None]
OTHER = "C8:47:80:12:34:57"
FIRST, SECOND = "00:1A:7D:DA:71:13", "00:1A:7D:DA:71:14"


def doctor(house: House, *more: str) -> tuple[int, dict[str, Any]]:
    """Return its exit code and what it says, for a program."""
    done = house.tool("doctor", "--json", "--timeout", "2", *more)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def failed(said: dict[str, Any], device: int = 0) -> str:
    """Return the layer that it found at fault."""
    [layer] = [step["layer"] for step in said["devices"][device]["steps"] if step["result"] == "fault"]
    return str(layer)


def mute(bed: BluezBed) -> None:
    silent = jk()
    del silent["bms"]
    bed.reset(street() | {"devices": [silent]})


# what goes wrong: (how, exit code, verdict, layer, first cause)
# fmt: off
FAULTS: dict[str, tuple[Fault, int, str, str, str]] = {
    "no bluetoothd": (
        lambda bed: bed.control("name", owned=False),
        6, "service_down", "Bluetooth service", "service_down"),
    "D-Bus policy": (
        lambda bed: bed.control("calls", denied="org.freedesktop.DBus.Error.AccessDenied"),
        6, "no_permission", "permission", "no_permission"),
    "no adapter": (
        lambda bed: bed.adapter(present=False),
        6, "no_adapter", "adapter", "no_adapter"),
    "adapter off": (
        lambda bed: bed.adapter(powered=False),
        6, "adapter_off", "adapter is on", "adapter_off"),
    "adapter blocked": (
        lambda bed: bed.adapter(blocked="soft"),
        6, "adapter_blocked", "adapter is on", "adapter_blocked"),
    "adapter stuck": (
        lambda bed: bed.adapter(discovery="wedged"),
        6, "adapter_wedged", "scan", "adapter_wedged"),
    "not heard": (
        lambda bed: bed.device(JK, hidden=True),
        4, "not_seen", "battery is heard", "phone_connected"),
    "refused": (
        lambda bed: bed.device(JK, connect="refused"),
        4, "connect_failed", "connection", "phone_connected"),
    "wants pairing": (
        lambda bed: bed.device(JK, pairing="passkey", unpaired="denied"),
        4, "pairing_needed", "pairing", "pairing_needed"),
    "stale services": (
        lambda bed: bed.device(JK, stale="hid"),
        4, "stale_cache", "services", "stale_cache"),
    "mute": (mute, 5, "mute", "frames", "mute"),
    "unknown layout": (
        lambda bed: bed.reset(street() | {"devices": [jk(faults={"wrong_layout": True})]}),
        5, "frames_refused", "readings", "layout_unknown"),
}
# fmt: on


@pytest.mark.parametrize(("fault", "code", "verdict", "layer", "cause"), FAULTS.values(), ids=FAULTS)
def test_alone(
    fault: Fault, code: int, verdict: str, layer: str, cause: str, real: House, bed: BluezBed
) -> None:
    """It names the layer, and first the cause that it really is; nothing is left connected."""
    real.registry.write_text(f"{JK}:\n  name: pack\n")
    fault(bed)

    # A refusal is told once the known hiccups of the first seconds are tried again.
    returned, said = doctor(real, "--timeout", "4" if verdict == "connect_failed" else "2")

    assert (returned, said["verdict"], failed(said)) == (code, verdict, layer)
    assert said["causes"][0]["code"] == cause
    assert said["message"]
    assert not said["through_service"]
    steps = said["devices"][0]["steps"]
    assert len(steps) == 13
    assert {
        step["result"] for step in steps[steps.index(next(s for s in steps if s["layer"] == layer)) + 1 :]
    } <= {"not tried"}
    if verdict != "service_down":
        assert bed.connected() == []


def test_all_is_well(real: House, bed: BluezBed) -> None:
    """A page with a number before each line, so that two can speak of the same one."""
    real.registry.write_text(f"{JK}:\n  name: pack\n")

    done = real.tool("doctor", "--timeout", "3")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(".")[0].strip() for line in lines if line.startswith("  ")] == [
        str(number) for number in range(1, 14)
    ]
    assert "Verdict: all is well." in lines
    assert max(map(len, lines)) < 100
    assert bed.connected() == []


def test_no_bus_at_all(real: House) -> None:
    real.registry.write_text(f"{JK}:\n  name: pack\n")
    real.env["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={real.folder}/nothing"

    code, said = doctor(real)

    assert (code, said["verdict"], failed(said)) == (6, "service_down", "D-Bus")


def test_another_poller_that_cannot_be_asked(
    real: House, bed: BluezBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in a container, say: the radio is left to it."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bed.env["DBUS_SYSTEM_BUS_ADDRESS"])
    real.registry.write_text(f"{JK}:\n  name: pack\n")
    other = RadioLock()
    other.acquire()
    try:
        code, said = doctor(real)
    finally:
        other.release()

    assert (code, said["verdict"], said["causes"][0]["code"]) == (4, "busy", "other_poller")
    assert bed.log("connect_asked") == []


def test_without_a_battery_it_looks_at_the_radio(real: House, bed: BluezBed) -> None:
    done = real.tool("doctor", "--timeout", "1.5")

    assert done.returncode == 3
    assert "6 devices heard" in done.stdout
    assert "--scan" in done.stderr


def test_beside_the_service_nothing_is_taken_from_it(real: House, bed: BluezBed) -> None:
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        code, said = doctor(real)
        assert service.snapshot()["devices"][0]["link"]["connects"] == 1  # type: ignore[index]

    assert (code, said["verdict"], said["through_service"]) == (0, None, True)
    assert {step["result"] for step in said["devices"][0]["steps"]} == {"ok"}
    assert len(bed.log("connect", address=JK)) == 1


def test_beside_the_service_its_verdict_is_told(real: House, bed: BluezBed) -> None:
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        bed.device(JK, connect="refused")
        bed.control("drop", address=JK)
        until(lambda: (s := service.snapshot()) and s["devices"][0]["link"]["verdict"] == "connect_failed")
        code, said = doctor(real, "--device", JK)

    assert (code, said["verdict"], failed(said)) == (4, "connect_failed", "connection")
    assert said["causes"][0]["code"] == "phone_connected"


def two_adapters(house: House, bed: BluezBed) -> None:
    """Each reads a battery, and nobody else is near."""
    adapters = [{"name": "hci0", "address": FIRST}, {"name": "hci1", "address": SECOND}]
    bed.reset({"adapters": adapters, "devices": [jk(), jk(OTHER)]})
    house.registry.write_text(
        f"{JK}:\n  name: cellar\n  adapter: {SECOND}\n{OTHER}:\n  name: attic\n  adapter: {FIRST}\n"
    )


@pytest.mark.parametrize("beside", [True, False], ids=["beside the service", "alone"])
def test_each_battery_by_its_own_adapter(beside: bool, real: House, bed: BluezBed) -> None:
    """The one whose adapter is off is not excused by the other's, nor the other blamed."""
    two_adapters(real, bed)
    with contextlib.ExitStack() as stack:
        if beside:
            service = stack.enter_context(real.service())
            service.streaming(2)
            bed.adapter(name="hci1", powered=False)
            until(lambda: (s := service.snapshot()) and s["devices"][0]["link"]["verdict"] == "adapter_off")
        else:
            bed.adapter(name="hci1", powered=False)
        code, said = doctor(real)

    assert [device["verdict"] for device in said["devices"]] == ["adapter_off", None]
    assert (code, failed(said)) == (6, "adapter is on")
    assert [len(device["steps"]) for device in said["devices"]] == [13, 13]


def test_the_adapter_that_the_service_chose_is_the_one_that_counts(real: House, bed: BluezBed) -> None:
    """The first one is on and hears nothing, for the only battery is connected to the second."""
    two_adapters(real, bed)
    bed.adapter(name="hci0", powered=False)
    bed.device(OTHER, hidden=True)
    real.registry.write_text(f"{JK}:\n  name: cellar\n")
    with real.service() as service:
        service.streaming()
        bed.adapter(name="hci0", powered=True)
        beside = doctor(real)
        service.end()
    bed.adapter(name="hci0", discovery="wedged")
    alone = doctor(real)  # it was remembered

    assert (beside[0], beside[1]["verdict"]) == (0, None)
    assert (alone[0], alone[1]["verdict"]) == (0, None)


def test_what_is_read_is_well_whatever_the_tool_may_not_do(real: House, bed: BluezBed) -> None:
    """The service's user may use Bluetooth, the one who asks may not."""
    real.registry.write_text(f"{JK}:\n  name: pack\n")
    with real.service() as service:
        service.streaming()
        bed.control("calls", denied="org.freedesktop.DBus.Error.AccessDenied")
        code, said = doctor(real)
        page = real.tool("doctor", "--timeout", "2")

    assert (code, said["verdict"], failed(said)) == (0, None, "permission")
    assert "does not hinder the running service" in " ".join(page.stdout.split())
    assert page.stdout.endswith("Verdict: all is well.\n\n")


def test_released_is_no_fault(real: House, bed: BluezBed) -> None:
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        real.tool("release", "--for", "5m")
        code, said = doctor(real)

    assert (code, said["verdict"]) == (0, "released")


def test_a_service_that_has_only_just_started(real: House, bed: BluezBed) -> None:
    """It searches still and has no verdict: that is not "all is well"."""
    real.registry.write_text(f"{JK}:\n  name: pack\n")
    bed.device(JK, hidden=True)
    with real.service(JK_BMS_TIMEOUT="60") as service:
        until(service.snapshot)
        code, said = doctor(real)

    [device] = said["devices"]
    assert (code, said["verdict"]) == (4, "unknown")
    assert "and has no reading yet" in said["message"]
    assert [step["layer"] for step in device["steps"] if step["result"] == "under way"] == [
        "battery is heard"
    ]


def test_the_worst_is_told_not_the_first(real: House, bed: BluezBed) -> None:
    """The first battery is only released, the second one cannot be found."""
    bed.reset(street() | {"devices": [jk(), jk(OTHER), *street()["devices"][1:]]})
    real.registry.write_text(f"{JK}:\n  name: one\n{OTHER}:\n  name: other\n")
    with real.service(JK_BMS_TIMEOUT="2") as service:
        service.streaming(2)
        real.tool("release", "--device", "one", "--for", "10m")
        bed.device(OTHER, hidden=True)
        bed.control("drop", address=OTHER)
        until(lambda: (s := service.snapshot()) and s["devices"][1]["link"]["verdict"] == "not_seen")
        code, said = doctor(real)

    assert (code, said["verdict"]) == (4, "not_seen")
    assert [device["verdict"] for device in said["devices"]] == ["released", "not_seen"]


def test_a_simulated_battery_needs_no_radio(simulated: House) -> None:
    done = simulated.tool("doctor")

    assert done.returncode == 0, done.stderr
    assert "D-Bus" not in done.stdout


def test_a_device_that_is_not_known(real: House) -> None:
    done = real.tool("doctor", "--device", "attic")

    assert done.returncode == 2
    assert "attic" in done.stderr
