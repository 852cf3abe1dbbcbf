"""The Bluetooth test bed: a private bus, the fake BlueZ on it, and a hand on its faults.

with BluezBed(street()) as bed:
    subprocess.run([...], env={**os.environ, **bed.env})
    bed.control("drop", address=JK)
    bed.log()
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

from tests.bluez.daemon import PrivateBus, end_with_parent
from tests.bluez.fake_systemd import FakeSystemd
from tests.bluez.peripherals import street
from tests.own_folder import LONGEST_FOR_BUS, temporary_root

ROOT = Path(__file__).resolve().parents[2]


class BluezBed:
    """A context manager; ``env`` is what programs under test need in their environment."""

    def __init__(self, scenario: dict[str, Any] | None = None) -> None:
        self.scenario = scenario or street()
        self.env: dict[str, str] = {}
        self._service: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="bluez-", dir=temporary_root(LONGEST_FOR_BUS)))
        try:
            self.bus = PrivateBus(self.folder)
            stub = self.folder / "bin" / "bluetoothctl"  # bleak asks it for its version
            stub.parent.mkdir()
            stub.write_text("#!/bin/sh\necho 'bluetoothctl: 5.66'\n")
            stub.chmod(0o755)
            self.env = {
                "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,
                "PATH": f"{stub.parent}{os.pathsep}{os.environ['PATH']}",
            }
            self.start_service()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._service is not None:
            self.kill_service()
        if hasattr(self, "bus"):
            self.bus.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- the processes ---------------------------------------------------------------------

    def start_service(self) -> None:
        """Start the fake bluetoothd; returns once it owns its name."""
        scenario = self.folder / "scenario.json"
        scenario.write_text(json.dumps(self.scenario))
        self._socket = self.folder / "control"
        self._socket.unlink(missing_ok=True)
        self._service = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "tests/bluez/fake_bluez.py"),
                f"--scenario={scenario}",
                f"--control={self._socket}",
                f"--bonds={self.folder / 'bonds.json'}",
            ],
            env={**os.environ, **self.env},
            stdout=subprocess.PIPE,
            stderr=(self.folder / "errors").open("w"),
            text=True,
            preexec_fn=end_with_parent,
        )
        assert self._service.stdout is not None
        if not self._service.stdout.readline().startswith("ready"):
            raise RuntimeError(f"the fake BlueZ did not start: {self.errors()}")

    def kill_service(self) -> None:
        """kill -9: no client is told anything."""
        assert self._service is not None
        self._service.kill()
        self._service.wait()
        if self._service.stdout:
            self._service.stdout.close()
        self._service = None

    def restart_service(self, scenario: dict[str, Any] | None = None) -> None:
        """As ``systemctl restart bluetooth``: links end; with that scenario from then on."""
        self.scenario = scenario or self.scenario
        self.kill_service()
        self.start_service()

    def restart_bus(self) -> None:
        """The D-Bus daemon dies and comes back on the same socket, and with it the service."""
        self.bus.kill()
        if self._service is not None:
            self.kill_service()
        self.bus = PrivateBus(self.folder)
        self.start_service()

    def systemd(self, *, allowed: bool = True) -> FakeSystemd:
        """A systemd beside it (a context manager), which restarts the service when asked and allowed."""
        return FakeSystemd(self.bus.address, self.restart_service, allowed=allowed)

    def alive(self) -> bool:
        """Whether the service still runs."""
        return self._service is not None and self._service.poll() is None

    def freeze(self) -> None:
        """The service hangs: it takes calls and answers none."""
        assert self._service is not None
        self._service.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self._service is not None
        self._service.send_signal(signal.SIGCONT)

    def errors(self) -> str:
        """What the fake complained of; empty when all is well."""
        return (self.folder / "errors").read_text()

    # -- the control channel ---------------------------------------------------------------

    def control(self, do: str, **arguments: Any) -> Any:
        """Ask the fake for something; see control.py."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(30)
            channel.connect(str(self._socket))
            channel.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            reply = json.loads(channel.makefile().readline())
        if not reply["ok"]:
            raise RuntimeError(f"fake BlueZ: {do}: {reply['error']}")
        return reply["answer"]

    def reset(self, scenario: dict[str, Any] | None = None) -> None:
        """As new, with that scenario or the first one."""
        self.control("reset", scenario=scenario or self.scenario)

    def device(self, address: str, **what: Any) -> None:
        """Change a device: hidden, connect, services, stale, pairing, notify, write, layout ..."""
        self.control("device", address=address, **what)

    def adapter(self, **what: Any) -> None:
        """Change an adapter: present, powered, blocked, discovery, power."""
        self.control("adapter", **what)

    def log(self, event: str | None = None, **facts: Any) -> list[dict[str, Any]]:
        """What the fake saw, or only such events."""
        events: list[dict[str, Any]] = self.control("log")
        return [
            each
            for each in events
            if (event is None or each["event"] == event) and facts.items() <= each.items()
        ]

    def connected(self) -> list[str]:
        """Addresses of the devices that are connected now."""
        answer: list[str] = self.control("state")["connected"]
        return answer

    def bonds(self) -> list[tuple[str, str]]:
        """Who is paired: addresses of device and adapter."""
        return [(device, adapter) for device, adapter in self.control("state")["bonds"]]

    def paired(self) -> list[str]:
        """Addresses of the devices that are paired, once for each adapter."""
        return [device for device, _ in self.bonds()]

    def discovering(self) -> list[str]:
        """Names of the adapters that scan now."""
        answer: list[str] = self.control("state")["discovering"]
        return answer

    def wait_for(self, event: str, **facts: Any) -> dict[str, Any]:
        """Block until such an event happened; ``count``, ``timeout`` and facts of the event."""
        answer: dict[str, Any] = self.control("wait", event=event, **facts)
        return answer

    async def until(self, event: str, **facts: Any) -> dict[str, Any]:
        """The same, without stopping the event loop."""
        return await asyncio.to_thread(self.wait_for, event, **facts)
