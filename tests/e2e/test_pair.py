"""The words pair and unpair, with and without a running service."""

import os
import pty
import subprocess
import sys

from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK
from tests.e2e.house import TOP, House, until

PIN = "123456"


def register(house: House, *lines: str) -> None:
    house.registry.write_text(f"{JK}:\n  alias: Cellar\n" + "".join(f"  {line}\n" for line in lines))


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


def test_the_service_pairs_by_itself_once_a_pin_is_set(real: House, bed: BluezBed) -> None:
    register(real, f"pin: '{PIN}'")
    bed.device(JK, pairing="passkey", unpaired="denied")
    with real.service() as service:
        service.streaming()
        code, _ = service.end()

    assert (code, bed.paired(), len(bed.log("pair_asked"))) == (0, [JK], 1)
    assert PIN not in service.log
    assert PIN.encode() not in real.bms_db.read_bytes()
