"""One radio, several programs: who has it, and who waits for it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jk_bms.errors import SourceError
from jk_bms.radio.lock import RadioLock
from jk_bms.tool.borrow import radio
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK
from tests.e2e.house import TOP, House, until

IN_USE = "the Bluetooth radio is in use"


@pytest.fixture
def lock(bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> RadioLock:
    """The one of that street."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bed.env["DBUS_SYSTEM_BUS_ADDRESS"])
    return RadioLock()


@contextmanager
def tool(house: House, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start jk-util.py; end it if the test did not."""
    with subprocess.Popen(
        [sys.executable, TOP / "jk_bms" / "jk-util.py", *arguments],
        cwd=house.folder,
        env=house.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


@pytest.mark.parametrize("words", [["--address", JK], ["doctor"]], ids=lambda words: words[0])
def test_a_service_that_starts_waits_for_the_tool(words: list[str], real: House, bed: BluezBed) -> None:
    """It would end the tool's connection as that of a killed program, and note an outage that was none."""
    real.registry.write_text(f"{JK}:\n  name: pack\n")
    bed.control("faults", address=JK, mute=True)
    with tool(real, *words, "--timeout", "40") as reading:
        until(lambda: bed.log("subscribe", address=JK), 40)
        with real.service() as service:
            until(lambda: IN_USE in service.log)
            bed.control("faults", address=JK, mute=False)
            said, _ = reading.communicate(timeout=50)
            service.streaming()
            service.end()

    assert reading.returncode == 0, said
    assert [event["by"] for event in bed.log("disconnect", address=JK)] == ["host", "host"]
    assert not [kind for kind in real.events() if kind == "link.down"]
    assert service.log.count(IN_USE) == 1


def test_pairing_keeps_the_radio(real: House, bed: BluezBed, lock: RadioLock) -> None:
    real.registry.write_text(f"{JK}:\n  name: pack\n  pin: '123456'\n")
    bed.device(JK, pairing="silent", unpaired="denied")
    with tool(real, "pair"):
        until(lambda: bed.log("pair_asked"))
        with pytest.raises(SourceError, match="jk-util"):
            lock.acquire()


def test_told_to_end_while_it_waits(real: House, bed: BluezBed, lock: RadioLock) -> None:
    lock.acquire()
    try:
        with real.service(JK_BMS_ADDRESS=JK) as service:
            until(lambda: IN_USE in service.log)
            code, _ = service.end(signal.SIGTERM)
    finally:
        lock.release()

    assert code == 0
    assert "ERROR" not in service.log


def test_the_tool_waits_for_another_of_its_kind(real: House, bed: BluezBed, lock: RadioLock) -> None:
    real.registry.write_text(f"{JK}:\n  name: pack\n")
    lock.acquire()
    try:
        with tool(real) as reading:
            assert reading.stdout is not None
            assert "waiting" in reading.stdout.readline()
            lock.release()
            said, _ = reading.communicate(timeout=40)
    finally:
        lock.release()

    assert reading.returncode == 0, said


def test_watching_begins_without_a_bluetooth_service(real: House, bed: BluezBed) -> None:
    """With several batteries it is waited for."""
    real.registry.write_text(f"{JK}:\n  name: pack\nsimulated:\n  type: simulated\n")
    bed.control("name", owned=False)
    with tool(real, "--watch", "--all", "--json-lines") as watching:
        assert watching.stdout is not None
        while "trying again" not in (line := watching.stdout.readline()):
            assert line
        bed.control("name", owned=True)
        while f'"address": "{JK}"' not in (line := watching.stdout.readline()):
            assert line


def test_the_radio_is_for_one(lock: RadioLock) -> None:
    lock.acquire()
    try:
        with pytest.raises(SourceError, match="another poller"), radio(None, patience=0.0):
            pass
    finally:
        lock.release()

    with radio(None), pytest.raises(SourceError):
        lock.acquire()
    lock.acquire()  # free again
    lock.release()
