"""The words pair and unpair, with and without a running service."""

import os
import pty
import subprocess
import sys

import pytest

from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, jk
from tests.e2e.house import TOP, House, until

PIN = "123456"
OTHER = "C8:47:80:12:34:57"
ADAPTERS = ("00:1A:7D:DA:71:13", "00:1A:7D:DA:71:14")


def register(house: House, *lines: str) -> None:
    house.registry.write_text(f"{JK}:\n  alias: Cellar\n" + "".join(f"  {line}\n" for line in lines))


def two_adapters(house: House, bed: BluezBed) -> None:
    adapters = [{"name": f"hci{number}", "address": address} for number, address in enumerate(ADAPTERS)]
    bed.reset({"adapters": adapters, "devices": [jk(), jk(OTHER)]})
    house.registry.write_text(f"{JK}:\n  name: one\n{OTHER}:\n  name: other\n")


def test_pair_read_and_unpair(real: House, bed: BluezBed) -> None:
    register(real, f"pin: '{PIN}'")
    bed.device(JK, pairing="passkey", unpaired="denied")

    paired = real.tool("pair")
    read = real.tool("--address", JK)
    gone = real.tool("unpair", "--device", "cellar")
    again = real.tool("unpair")

    assert (paired.returncode, paired.stdout.startswith("Paired with Cellar.")) == (0, True), paired.stderr
    assert read.returncode == 0, read.stderr
    assert (gone.returncode, gone.stdout) == (0, "Cellar: forgotten, with its bond if there was one.\n")
    assert again.returncode == 3
    assert (bed.paired(), bed.connected(), bed.discovering()) == ([], [], [])
    for said in (paired, read, gone, again):
        assert PIN not in said.stdout + said.stderr


def test_a_wrong_passkey_is_one_clear_line(real: House, bed: BluezBed) -> None:
    register(real, "pin: '999999'")
    bed.device(JK, pairing="passkey", unpaired="denied")

    paired = real.tool("pair")

    assert paired.returncode == 4
    assert "is the passkey right?" in paired.stderr
    assert "999999" not in paired.stdout + paired.stderr
    assert bed.connected() == []


def test_which_battery_is_asked_for(real: House) -> None:
    both = real.tool("pair")
    unknown = real.tool("unpair", "--device", "attic")

    assert (both.returncode, "which battery? add --device" in both.stderr) == (2, True)
    assert (unknown.returncode, "--device attic: expected a name or address" in unknown.stderr) == (2, True)


def test_a_passkey_is_asked_for_without_showing_it(real: House, bed: BluezBed) -> None:
    register(real)
    bed.device(JK, pairing="passkey", unpaired="denied")
    person, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, TOP / "jk_bms" / "jk-util.py", "pair"],
        env=real.env,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as tool:
        os.close(terminal)
        shown = b""
        while b"empty: none)" not in shown:
            shown += os.read(person, 1000)
        os.write(person, PIN.encode() + b"\n")
        try:
            while piece := os.read(person, 1000):
                shown += piece
        except OSError:  # the terminal is closed
            pass
        assert tool.wait(20) == 0, shown
    os.close(person)

    assert PIN.encode() not in shown
    assert b"With the key `pin`" in shown
    assert bed.paired() == [JK]


def test_pairing_while_the_service_runs(real: House, bed: BluezBed) -> None:
    """It lets go of the battery, and reads it once the bond is there."""
    register(real)
    bed.device(JK, pairing="just_works", unpaired="denied")
    with real.service() as service:
        until(lambda: (s := service.snapshot()) and s["devices"][0]["link"]["verdict"] == "pairing_needed")

        paired = real.tool("pair", "--without-passkey")

        assert paired.returncode == 0, paired.stderr
        assert "let go of the device" in paired.stderr
        service.streaming()
        service.end()
    assert bed.paired() == [JK]


@pytest.mark.parametrize("beside", [True, False], ids=["beside the service", "without it"])
def test_the_bond_is_made_where_the_battery_is_read(beside: bool, real: House, bed: BluezBed) -> None:
    """Bonds are each adapter's own: one of the first adapter helps nobody who is read by the second."""
    two_adapters(real, bed)
    for device in (JK, OTHER):
        bed.device(device, pairing="just_works", unpaired="denied")

    def placed() -> dict[str, str] | None:
        links = {each["address"]: each["link"] for each in (service.snapshot() or {"devices": []})["devices"]}
        wanting = links and all(link["verdict"] == "pairing_needed" for link in links.values())
        return {link["adapter"]: address for address, link in links.items()} if wanting else None

    with real.service() as service:
        second = until(placed)[ADAPTERS[1]]
        if not beside:
            service.end()

        paired = real.tool("pair", "--device", second, "--without-passkey")

        assert paired.returncode == 0, paired.stderr
        assert bed.bonds() == [(second, ADAPTERS[1])]
        if beside:
            service.streaming()
    if not beside:
        read = real.tool("--address", second)
        assert read.returncode == 0, read.stderr


def test_a_new_battery_is_read_where_its_bond_is(real: House, bed: BluezBed) -> None:
    """Paired with before the service ever saw it, and not by the adapter that has the fewest."""
    two_adapters(real, bed)
    bed.device(OTHER, pairing="just_works", unpaired="denied")

    paired = real.tool("pair", "--device", OTHER, "--without-passkey")

    assert (paired.returncode, bed.bonds()) == (0, [(OTHER, ADAPTERS[0])]), paired.stderr
    with real.service() as service:
        service.streaming(2)


def test_the_service_pairs_by_itself_once_a_pin_is_set(real: House, bed: BluezBed) -> None:
    register(real, f"pin: '{PIN}'")
    bed.device(JK, pairing="passkey", unpaired="denied")
    with real.service() as service:
        service.streaming()
        code, _ = service.end()

    assert (code, bed.paired(), len(bed.log("pair_asked"))) == (0, [JK], 1)
    assert PIN not in service.log
    assert PIN.encode() not in real.bms_db.read_bytes()
