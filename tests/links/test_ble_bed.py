"""The test bed itself: startable by hand, and clear about what it lacks."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from bleak import BleakScanner

from tests.bluez.bed import ROOT, BluezBed
from tests.bluez.daemon import PrivateBus
from tests.bluez.peripherals import street
from tests.scale import PATIENCE


def test_it_starts_by_hand_and_prints_its_address() -> None:
    """``python tests/bluez/fake_bluez.py --print-address``, from any folder."""
    fake = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/bluez/fake_bluez.py"), "--print-address"],
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
    )
    assert fake.stdout is not None
    line = fake.stdout.readline()
    bus = Path(line.strip().split("unix:path=")[1])
    there = bus.exists()

    fake.terminate()
    status = fake.wait(5)
    fake.stdout.close()

    assert line.startswith("ready unix:path=/")
    assert (there, status, bus.exists()) == (True, 0, False)


def test_a_missing_dbus_daemon_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)

    with pytest.raises(RuntimeError, match="install the Debian package 'dbus'"):
        PrivateBus(tmp_path)


def test_a_bed_leaves_nothing_behind() -> None:
    with BluezBed() as bed:
        folder = bed.folder
        assert (folder / "bus").exists()

    assert not folder.exists()


def test_a_wrong_request_is_told(own_bed: BluezBed) -> None:
    with pytest.raises(RuntimeError, match="a device has no 'colour'"):
        own_bed.device("C8:47:80:12:34:56", colour="red")


async def test_waiting_for_what_never_comes_ends(own_bed: BluezBed) -> None:
    with pytest.raises(RuntimeError, match="TimeoutError"):
        await own_bed.until("connect", timeout=0.05)


async def test_it_outlives_a_crowd() -> None:
    """400 devices that all advertise while the bus is busy: more signals than its socket holds."""
    crowd = [
        {
            "address": f"5E:00:00:00:{number >> 8:02X}:{number & 255:02X}",
            "name": f"Neighbour {number}",
            "manufacturer": {"1177": "05" * 250},
        }
        for number in range(400)
    ]
    with BluezBed({**street(), "devices": crowd}) as bed, pytest.MonkeyPatch.context() as patch:
        for name, value in bed.env.items():
            patch.setenv(name, value)
        async with asyncio.timeout(60), BleakScanner() as scanner:
            bed.bus.freeze()
            await asyncio.sleep(1.0)
            bed.bus.thaw()
            while bed.alive() and len(scanner.discovered_devices) < len(crowd):
                await asyncio.sleep(0.05)

        assert bed.alive()
        assert bed.errors() == ""


async def test_the_service_ends_with_its_bus(own_bed: BluezBed) -> None:
    """No process is left over when the bus dies first."""
    own_bed.bus.kill()

    async with asyncio.timeout(PATIENCE):
        while own_bed.alive():
            await asyncio.sleep(0.02)

    assert "bus" in own_bed.errors()
