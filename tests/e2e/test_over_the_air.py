"""The whole path: unmodified bleak, a real D-Bus, an org.bluez of ours, tool and service as processes."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, MOUSE, RENAMED, jk, street
from tests.e2e.house import TOP, House, until
from tests.scale import in_time, scaled

WRITER = TOP / "tests" / "sinks" / "inverter_program.py"


def test_scan_read_serve_and_merge(real: House, bed: BluezBed) -> None:
    """As a new owner does it, from the first scan to values on the inverter's page."""
    scan = real.tool("--scan", "--scan-time", "1")
    assert scan.returncode == 0, scan.stderr
    assert scan.stdout.count("Found JK BMS Device:") == 2
    assert "Address: " + JK in scan.stdout
    assert "RSSI: " in scan.stdout
    assert MOUSE not in scan.stdout
    registry = real.registry.read_text()
    assert JK in registry
    assert RENAMED in registry
    assert "NEEY" not in registry

    read = real.tool("--address", JK.lower(), "--format", "json")
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["cell_count"] == 16
    assert bed.connected() == []

    with real.service() as service:
        service.streaming(packs=2)
        # Only now: on a busy machine its few records would be old before both packs are there.
        writer = subprocess.Popen(
            [sys.executable, WRITER, real.inverter_db, str(scaled(600, 30)), "0.1", "2"],
            stdout=subprocess.PIPE,
            text=True,
        )
        until(lambda: any("battery2_battery_voltage" in record for record in real.merged()))
        through = real.tool("--address", JK)
        status = real.tool("status")
        seen, _ = writer.communicate(timeout=120)
        code, seconds = service.end()

    assert "through the running service" in through.stdout  # the page says it
    assert status.returncode == 0
    assert json.loads(seen)["locked"] == 0
    assert (code, in_time(seconds, 5)) == (0, True), service.log
    assert bed.connected() == []
    assert len(real.rows()) == scaled(600, 30)
    commands = bed.log("command")
    assert commands
    assert all(event.get("good", True) for event in commands)


@pytest.mark.parametrize("layout", ["old", "two", "new"])
def test_every_module(layout: str, real: House, bed: BluezBed) -> None:
    """Each arrangement of characteristics is read."""
    bed.reset(street() | {"devices": [jk(layout=layout)]})

    read = real.tool("--address", JK, "--format", "json")

    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["cell_count"] == 16


def test_borrowing_from_the_service(real: House, bed: BluezBed) -> None:
    """--direct reads the BMS itself while the service waits, and gives it back."""
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        read = real.tool("--address", JK, "--direct", "--dump", str(real.folder / "dump.txt"))
        assert read.returncode == 0, read.stderr
        assert "has the device again" in read.stderr
        until(lambda: (s := service.snapshot()) and s["devices"][0]["link"]["state"] == "streaming")
        assert service.snapshot()["devices"][0]["link"]["connects"] == 2  # type: ignore[index]

    assert real.tool("--decode", str(real.folder / "dump.txt")).returncode == 0


def test_dump_needs_direct_while_the_service_runs(real: House, bed: BluezBed) -> None:
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        read = real.tool("--address", JK, "--dump", str(real.folder / "dump.txt"))

    assert read.returncode == 2
    assert "--direct" in read.stderr
    assert not (real.folder / "dump.txt").exists()


def test_scan_through_the_service(real: House, bed: BluezBed) -> None:
    """The service holds the radio and lends its scanner; the held device is not lost."""
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        scan = real.tool("--scan", "--scan-time", "1")
        assert service.snapshot()["devices"][0]["link"]["state"] == "streaming"  # type: ignore[index]

    assert scan.returncode == 0, scan.stderr
    assert "(through the running service)" in scan.stderr
    assert RENAMED in scan.stdout


def test_read_by_advertised_name(real: House, bed: BluezBed) -> None:
    read = real.tool("--name", "garage", "--timeout", "6", "--format", "json")

    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["device"]["address"] == RENAMED


def test_watch_until_interrupted(real: House, bed: BluezBed) -> None:
    """Ctrl-C disconnects cleanly and exits with 130."""
    import os
    import signal

    process = subprocess.Popen(
        [sys.executable, TOP / "jk_bms" / "jk-util.py", "--address", JK, "--watch", "--json-lines"],
        env=os.environ | real.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(5)]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert bed.connected() == []
    assert all(line["cell_count"] == 16 for line in lines)


def test_probe_asks_possible_devices(real: House, bed: BluezBed) -> None:
    """A BMS without any sign but the serial service is saved only after it answered."""
    shy = jk(name="Thing", manufacturer={}, address="11:22:33:44:55:66")
    bed.reset(street() | {"devices": [shy]})

    plain = real.tool("--scan", "--scan-time", "1")
    asked = real.tool("--scan", "--scan-time", "1", "--probe")

    assert plain.returncode == 3
    assert "Possibly a BMS" in plain.stdout
    assert asked.returncode == 0, asked.stderr
    assert "11:22:33:44:55:66" in real.registry.read_text()


# What goes wrong, with its message and exit code.


def test_no_adapter(real: House, bed: BluezBed) -> None:
    bed.adapter(present=False)
    done = real.tool("--scan", "--scan-time", "1")

    assert done.returncode == 6
    assert "no Bluetooth adapter" in done.stderr
    assert not real.registry.exists()


def test_adapter_off(real: House, bed: BluezBed) -> None:
    bed.adapter(powered=False)
    done = real.tool("--address", JK)

    assert done.returncode == 6
    assert "off" in done.stderr


def test_no_bus(real: House, tmp_path: Path) -> None:
    real.env["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={tmp_path}/nothing"
    done = real.tool("--address", JK)

    assert done.returncode == 6
    assert "Traceback" not in done.stderr


def test_not_found_says_what_was_seen(real: House, bed: BluezBed) -> None:
    bed.device(JK, hidden=True)
    done = real.tool("--address", JK, "--timeout", "1.5")

    assert done.returncode == 4
    assert MOUSE in done.stderr or "BT Mouse" in done.stderr
    assert done.stdout == ""


def test_nothing_found_keeps_the_registry(real: House, bed: BluezBed) -> None:
    bed.device(JK, hidden=True)
    bed.device(RENAMED, hidden=True)
    real.registry.write_text("# mine\n")
    done = real.tool("--scan", "--scan-time", "1")

    assert done.returncode == 3
    assert "BT Mouse - " + MOUSE in done.stdout
    assert real.registry.read_text() == "# mine\n"


def test_connected_but_mute(real: House, bed: BluezBed) -> None:
    silent = jk()
    del silent["bms"]  # nothing answers behind the serial service
    bed.reset(street() | {"devices": [silent]})
    done = real.tool("--address", JK, "--timeout", "3")

    assert done.returncode == 5
    assert "did not answer" in done.stderr
    assert bed.connected() == []


def test_unknown_layout_is_refused(real: House, bed: BluezBed) -> None:
    """Right cell voltages, garbage in the rest: no reading at all is better."""
    bed.reset(street() | {"devices": [jk(faults={"wrong_layout": True})]})
    done = real.tool("--address", JK, "--timeout", "4")

    assert done.returncode == 5
    assert "none could be believed" in done.stderr
    assert done.stdout == ""


def test_service_comes_back_after_an_outage(real: House, bed: BluezBed) -> None:
    """The link drops; the service says so once, and reads on by itself."""
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        bed.control("drop", address=JK)
        until(lambda: "link lost" in service.log)
        until(lambda: (s := service.snapshot()) and s["devices"][0]["link"]["connects"] >= 2)
        until(lambda: (s := service.snapshot()) and s["devices"][0]["link"]["state"] == "streaming")
        service.end()

    assert service.log.count("link lost") == 1
    assert {"link.up", "link.down"} <= set(real.events())


def test_adapter_missing_at_start(real: House, bed: BluezBed) -> None:
    """The service waits for it instead of ending."""
    bed.adapter(present=False)
    with real.service(JK_BMS_ADDRESS=JK) as service:
        until(lambda: "no Bluetooth adapter" in service.log)
        bed.adapter(present=True)
        service.streaming()


def test_secrets_stay_inside(real: House, bed: BluezBed) -> None:
    """The passcodes that the BMS sends reach no log, no file, no output."""
    canary, setup_canary = "7305918264", "5550199123"
    radio = {"passcodes": [canary, setup_canary]}
    bed.reset(street() | {"devices": [jk(radio=radio)]})

    outputs = [
        real.tool("--address", JK, "--debug", "--dump", str(real.folder / "dump.txt"), *how)
        for how in ([], ["--format", "json"], ["--format", "yaml"])
    ]
    decoded = real.tool("--decode", str(real.folder / "dump.txt"), "--json-lines")
    with real.service(JK_BMS_ADDRESS=JK, LOG_LEVEL="DEBUG") as service:
        service.streaming()
        status = real.tool("status", "--json")
        time.sleep(0.3)
        service.end()

    said = "".join(done.stdout + done.stderr for done in [*outputs, decoded, status]) + service.log
    written = b"".join(path.read_bytes() for path in real.folder.iterdir() if path.is_file())
    for secret in (canary, setup_canary):
        assert secret not in said
        assert secret.encode() not in written
        assert secret.encode().hex().encode() not in written
