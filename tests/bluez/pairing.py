"""Pairing with the fake BlueZ: agents, passkeys, and bonds that outlive its process."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbus_fast import Message, MessageType

from tests.bluez.refusals import BluezError

if TYPE_CHECKING:
    from tests.bluez.fake_bluez import FakeBluez, Peripheral

AGENT = "org.bluez.Agent1"
DEVICE = "org.bluez.Device1"
ANSWER = 5.0  # s that an agent has


def refused(name: str) -> BluezError:
    """An error of BlueZ's own."""
    return BluezError(f"org.bluez.Error.{name}", name)


class Pairing:
    """Who is bonded, who answers for passkeys, and what becomes of ``Pair()``."""

    def __init__(self, bluez: "FakeBluez", file: Path | None) -> None:
        self.bluez = bluez
        self.bonds: set[tuple[str, str]] = set()  # device, address of the adapter: each keeps its own
        self._file = file
        self._agents: dict[str, tuple[str, str]] = {}  # sender -> path, capability
        self._default = ""  # sender
        self._running: dict[str, asyncio.Task[Any]] = {}  # device path -> pairing
        if file and file.exists():
            self.bonds = {(device, adapter) for device, adapter in json.loads(file.read_text())}

    def clear(self) -> None:
        """Nobody is bonded."""
        self.bonds.clear()
        self._save()

    def forget(self, adapter: str, address: str) -> None:
        """The bond of that adapter (its path) with that device is removed."""
        self.bonds.discard((address, self._address(adapter)))
        self._save()

    def bonded(self, adapter: str, address: str) -> bool:
        return (address, self._address(adapter)) in self.bonds

    def _address(self, adapter: str) -> str:
        """Empty: it was pulled out meanwhile."""
        says = self.bluez.objects.get(adapter, {}).get("org.bluez.Adapter1", {})
        return str(says.get("Address", ""))

    def agent_call(self, sender: str, member: str, body: list[Any]) -> None:
        """AgentManager1: one agent for each program."""
        if member == "RegisterAgent":
            if sender in self._agents:
                raise refused("AlreadyExists")
            self._agents[sender] = (body[0], body[1] or "KeyboardDisplay")
            self.bluez.log("agent_registered", capability=body[1])
            return
        if self._agents.get(sender, ("", ""))[0] != body[0]:
            raise refused("DoesNotExist")
        if member == "UnregisterAgent":
            self.client_gone(sender)
        elif member == "RequestDefaultAgent":
            self._default = sender

    def client_gone(self, sender: str) -> None:
        """A program left the bus, or took its agent back."""
        if self._agents.pop(sender, None):
            self.bluez.log("agent_gone")

    def cancel(self, path: str) -> None:
        """CancelPairing: the pairing that runs ends with AuthenticationCanceled."""
        if path not in self._running:
            raise refused("DoesNotExist")
        self._running[path].cancel()

    async def pair(self, path: str, sender: str) -> None:
        """Pair(): connects first, asks the agent of the caller, else the default one."""
        adapter, peripheral = self.bluez.peripheral_at(path)
        if path not in self.bluez.objects:
            raise BluezError("org.freedesktop.DBus.Error.UnknownObject", "no such device")
        if self.bonded(adapter, peripheral.address):
            raise refused("AlreadyExists")
        if path in self._running:
            raise refused("InProgress")
        self.bluez.log("pair_asked", address=peripheral.address)
        if peripheral.connected_by is None:
            await self.bluez.connect(path)
        attempt = self._running[path] = asyncio.ensure_future(self._attempt(path, peripheral, sender))
        try:
            refusal = await attempt
        except asyncio.CancelledError:
            refusal = "AuthenticationCanceled"
        finally:
            del self._running[path]
        if refusal:
            self.bluez.log("pair_failed", address=peripheral.address, error=refusal)
            self.bluez.spawn(self.bluez.disconnect(path, by="device"))
            raise refused(refusal)
        self.bonds.add((peripheral.address, self._address(adapter)))
        self._save()
        self.bluez.log("paired", address=peripheral.address)
        self.bluez.change(path, DEVICE, {"Paired": True, "Bonded": True})

    async def _attempt(self, path: str, peripheral: "Peripheral", sender: str) -> str:
        """Return the name of the error that it ends with; empty: it worked."""
        if peripheral.pairing == "silent":
            await asyncio.get_running_loop().create_future()
        if peripheral.pairing in ("none", "refused"):
            return "AuthenticationRejected"
        agent_of = sender if sender in self._agents else self._default
        agent, capability = self._agents.get(agent_of, ("", "NoInputNoOutput"))
        if peripheral.pairing == "just_works":
            return ""
        if capability not in ("KeyboardOnly", "KeyboardDisplay"):
            return "AuthenticationFailed"
        try:
            async with asyncio.timeout(ANSWER):
                reply = await self.bluez.bus.call(
                    Message(
                        destination=agent_of,
                        path=agent,
                        interface=AGENT,
                        member="RequestPasskey",
                        signature="o",
                        body=[path],
                    )
                )
        except TimeoutError:
            return "AuthenticationTimeout"
        if reply.message_type is MessageType.ERROR:
            return "AuthenticationRejected"
        return "" if reply.body == [peripheral.passkey] else "AuthenticationFailed"

    def _save(self) -> None:
        if self._file:
            self._file.write_text(json.dumps(sorted(self.bonds)))
