"""An ``org.bluez`` of our own, as a process: adapters, devices and GATT, with faults on request.

Behaves like BlueZ 5.66 towards bleak: order of signals, RSSI changes while discovering, GATT
objects before ServicesResolved, connections that outlive the program that made them. Pauses
are shorter; see TIMING. Started by bed.py, or by hand:

    python tests/bluez/fake_bluez.py --print-address
    DBUS_SYSTEM_BUS_ADDRESS=... python jk_bms/jk-util.py --scan

The control socket takes one JSON object a line, ``{"do": ...}``, and answers with one:
see control.py.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if not __package__:  # started as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from jk_bms.errors import ProtocolError
from jk_bms.protocol.commands import parse_command
from tests.bluez.control import Control
from tests.bluez.daemon import PrivateBus
from tests.bluez.pairing import Pairing
from tests.bluez.peripherals import LAYOUTS, radio_of, street
from tests.bluez.refusals import BluezError, failed
from tests.own_folder import LONGEST_FOR_BUS, temporary_root

ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
DESCRIPTOR = "org.bluez.GattDescriptor1"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECTS = "org.freedesktop.DBus.ObjectManager"

# s; the real BlueZ 5.66: 0.1, 0.13, 2.0, 0.03, 30
TIMING = {
    "advertise": 0.03,
    "resolve": 0.02,
    "disconnect": 0.05,
    "after_resolved": 0.01,
    "forget": 30.0,
    "impatience": 0.1,
}  # s; impatience: of a device that wants to be paired

# property -> D-Bus type, where it does not follow from the value
TYPES = {
    "Adapter": "o", "Device": "o", "Service": "o", "Characteristic": "o", "RSSI": "n", "MTU": "q",
    "Value": "ay", "Flags": "as", "UUIDs": "as", "Roles": "as", "Includes": "ao",
    "ManufacturerData": "a{qv}", "Class": "u",
}  # fmt: skip


def variants(properties: dict[str, Any]) -> dict[str, Variant]:
    """Properties with their D-Bus types."""
    guess = {bool: "b", str: "s", int: "i"}
    return {name: Variant(TYPES.get(name) or guess[type(value)], value) for name, value in properties.items()}


class Peripheral:
    """One device in the air, with its faults and its byte model."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.address: str = spec["address"]
        self.radio = radio_of(spec)
        self.hidden = False
        self.connect = "ok"  # ok, silent, refused, abort (once), abort_always, drop
        self.services = "ok"  # ok, never
        self.stale = ""  # a layout that BlueZ remembers wrongly, until it is told to forget
        self.pairing = "none"  # none, just_works, passkey, refused: what becomes of Pair()
        # Not paired: ok, denied, not_permitted, drop, no_services. Only with a pairing.
        self.unpaired = "ok"
        self.passkey = 123456
        self.notify = "ok"  # ok, acquired, silent, unpaired
        self.write = "ok"  # ok, silent, in_progress, failed
        self.connected_by: str | None = None  # adapter path
        self.listening = False
        self.subscribers: dict[str, set[str]] = {}  # characteristic path -> senders
        self.news = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.connecting: set[asyncio.Future[None]] = set()


class FakeBluez:
    """The object tree, the calls on it, and the air behind it."""

    def __init__(self, scenario: dict[str, Any], bonds: Path | None = None) -> None:
        self.scenario = scenario
        self.timing = {**TIMING, **scenario.get("timing", {})}
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.peripherals: dict[str, Peripheral] = {}
        self.discovery: dict[str, set[str]] = {}  # adapter path -> senders
        self.discovery_fault: dict[str, str] = {}  # adapter path -> in_progress, silent, stop_...
        self.denied = ""  # error name for every call
        self.silent = False  # no call is answered
        self.last_heard: dict[str, float] = {}  # device path -> time
        self.events: list[dict[str, Any]] = []
        self.event_came = asyncio.Event()
        self.notified: deque[tuple[float, str]] = deque(maxlen=10_000)  # s since boot, chunk in hex
        self.bus = MessageBus(bus_type=BusType.SYSTEM)
        self.tasks: set[asyncio.Task[Any]] = set()
        self.power_fault: dict[str, str] = {}  # adapter path -> silent, stuck, failed
        self.blocked: dict[str, str] = {}  # adapter path -> soft, hard
        self.pairing = Pairing(self, bonds)

    # -- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        await self.bus.connect()
        writer: Any = self.bus._writer
        writer.sock = PatientSocket(writer.sock)
        self.bus.add_message_handler(self._on_message)
        await self.bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=["type='signal',member='NameOwnerChanged',interface='org.freedesktop.DBus'"],
            )
        )
        self.build()
        await self.bus.request_name("org.bluez")
        self.spawn(self._advertise())

    def build(self) -> None:
        """Put the scenario's adapters and devices into place."""
        for adapter in self.scenario["adapters"]:
            self.add_adapter(**adapter)
        self.peripherals = {spec["address"]: Peripheral(spec) for spec in self.scenario["devices"]}
        for address, adapter in self.pairing.bonds:  # BlueZ knows them without hearing them
            path = self.adapter_at(adapter)
            if path and address in self.peripherals:
                self.add_device(path, self.peripherals[address], None)

    def reset(self, scenario: dict[str, Any]) -> None:
        """Begin anew: nothing connected, no faults, an empty log."""
        for peripheral in self.peripherals.values():
            if peripheral.task:
                peripheral.task.cancel()
        for path in sorted(self.objects, reverse=True):
            self.remove(path)
        self.discovery.clear()
        self.discovery_fault.clear()
        self.denied, self.silent = "", False
        self.power_fault.clear()
        self.blocked.clear()
        self.pairing.clear()
        self.scenario = scenario
        self.timing = {**TIMING, **scenario.get("timing", {})}
        self.build()
        self.events.clear()

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            print(f"fake_bluez: {error!r}", file=sys.stderr, flush=True)

    def log(self, event: str, **facts: Any) -> None:
        self.events.append({"event": event, **facts})
        self.event_came.set()

    # -- the object tree -------------------------------------------------------------------

    def add(self, path: str, interface: str, properties: dict[str, Any]) -> None:
        self.objects[path] = {interface: properties}
        self._signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, {interface: variants(properties)}])

    def remove(self, path: str) -> None:
        interfaces = self.objects.pop(path, None)
        if interfaces:
            self._signal("/", OBJECTS, "InterfacesRemoved", "oas", [path, list(interfaces)])

    def change(self, path: str, interface: str, changed: dict[str, Any], gone: tuple[str, ...] = ()) -> None:
        properties = self.objects.get(path, {}).get(interface)
        if properties is None:
            return
        properties.update(changed)
        for name in gone:
            properties.pop(name, None)
        self._signal(
            path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, variants(changed), list(gone)]
        )

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self.bus.send(Message.new_signal(path, interface, member, signature, body))

    def add_adapter(self, name: str, address: str, powered: bool = True) -> None:
        self.add(
            f"/org/bluez/{name}",
            ADAPTER,
            {
                "Address": address,
                "Name": "fake",
                "Alias": "fake",
                "Powered": powered,
                "PowerState": "on" if powered else "off",
                "Discovering": False,
                "Roles": ["central", "peripheral"],
            },
        )

    def adapters(self) -> Iterator[str]:
        return (path for path, interfaces in list(self.objects.items()) if ADAPTER in interfaces)

    def adapter_at(self, address: str) -> str | None:
        """The path of the adapter with that address."""
        found = (path for path in self.adapters() if self.objects[path][ADAPTER]["Address"] == address)
        return next(found, None)

    def powered(self, adapter: str) -> bool:
        return bool(self.objects.get(adapter, {}).get(ADAPTER, {}).get("Powered"))

    @staticmethod
    def device_path(adapter: str, address: str) -> str:
        return f"{adapter}/dev_{address.replace(':', '_')}"

    def peripheral_at(self, path: str) -> tuple[str, Peripheral]:
        """Adapter path and peripheral of a device, service or characteristic path."""
        parts = path.split("/")
        address = parts[4].removeprefix("dev_").replace("_", ":")
        return "/".join(parts[:4]), self.peripherals[address]

    # -- advertising -----------------------------------------------------------------------

    async def _advertise(self) -> None:
        tick = 0
        while True:
            await asyncio.sleep(self.timing["advertise"])
            tick += 1
            now = asyncio.get_running_loop().time()
            for adapter in self.adapters():
                if self.discovery_fault.get(adapter, "").startswith("wedged"):
                    continue
                if self.discovery.get(adapter) and self.powered(adapter):
                    for peripheral in self.peripherals.values():
                        if not peripheral.hidden and peripheral.connected_by is None:
                            self._hear(adapter, peripheral, tick, now)
            for path, heard in list(self.last_heard.items()):
                device = self.objects.get(path, {}).get(DEVICE)
                if device is None or device["Connected"] or device["Paired"]:
                    self.last_heard[path] = now
                elif now - heard > self.timing["forget"]:
                    self.forget(path)

    def _hear(self, adapter: str, peripheral: Peripheral, tick: int, now: float) -> None:
        path = self.device_path(adapter, peripheral.address)
        rssi = peripheral.spec.get("rssi", -60) - tick % 3
        self.last_heard[path] = now
        if path in self.objects:
            self.change(path, DEVICE, {"RSSI": rssi})
        else:
            self.add_device(adapter, peripheral, rssi)

    def add_device(self, adapter: str, peripheral: Peripheral, rssi: int | None) -> None:
        """Put a device into the tree: heard with that strength, or remembered."""
        spec = peripheral.spec
        bonded = self.pairing.bonded(adapter, peripheral.address)
        properties: dict[str, Any] = {
            "Address": peripheral.address,
            "AddressType": "public",
            "Alias": spec.get("name") or peripheral.address.replace(":", "-"),
            "Paired": bonded,
            "Bonded": bonded,
            "Trusted": False,
            "Blocked": False,
            "LegacyPairing": False,
            "Connected": False,
            "UUIDs": spec.get("uuids", []),
            "Adapter": adapter,
            "ServicesResolved": False,
        }
        if rssi is not None:
            properties["RSSI"] = rssi
        if spec.get("name"):
            properties["Name"] = spec["name"]
        if spec.get("manufacturer"):
            properties["ManufacturerData"] = {
                int(company): Variant("ay", bytes.fromhex(text))
                for company, text in spec["manufacturer"].items()
            }
        self.add(self.device_path(adapter, peripheral.address), DEVICE, properties)

    def forget(self, path: str) -> None:
        """Remove a device and its GATT objects, as BlueZ does with temporary ones."""
        for each in sorted((each for each in self.objects if each.startswith(path)), reverse=True):
            self.remove(each)
        self.last_heard.pop(path, None)

    def stop_discovery(self, adapter: str, sender: str) -> None:
        self.discovery.get(adapter, set()).discard(sender)
        if not self.discovery.get(adapter):
            self.log("discovery_stopped", adapter=adapter[-4:])
            for path, interfaces in list(self.objects.items()):
                if DEVICE in interfaces and path.startswith(adapter + "/"):
                    self.change(path, DEVICE, {}, ("RSSI",))
            self.change(adapter, ADAPTER, {"Discovering": False})

    # -- connections -----------------------------------------------------------------------

    async def connect(self, path: str) -> None:
        adapter, peripheral = self.peripheral_at(path)
        if path not in self.objects:
            raise BluezError("org.freedesktop.DBus.Error.UnknownObject", "no such device")
        if not self.powered(adapter):
            raise failed("Input/output error")
        self.log("connect_asked", address=peripheral.address)
        if peripheral.connect == "silent" or peripheral.hidden:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            peripheral.connecting.add(future)
            await future
        if peripheral.connect == "refused":
            raise failed("br-connection-canceled")
        if peripheral.connect == "auth_canceled":  # BlueZ pairs by itself, the device will not
            raise BluezError("org.bluez.Error.AuthenticationCanceled", "Authentication Canceled")
        if peripheral.connect.startswith("abort"):
            if peripheral.connect == "abort":
                peripheral.connect = "ok"
                self.change(path, DEVICE, {"Connected": True})
                self.change(path, DEVICE, {"Connected": False})
            raise failed("le-connection-abort-by-local")
        if peripheral.connected_by is not None:
            raise BluezError("org.bluez.Error.AlreadyConnected", "Already Connected")
        peripheral.connected_by = adapter
        self.log("connect", address=peripheral.address)
        self.change(path, DEVICE, {"Connected": True})
        peripheral.radio.connect(asyncio.get_running_loop().time())
        peripheral.task = self.spawn(self._serve(path, peripheral))

    async def _serve(self, path: str, peripheral: Peripheral) -> None:
        """Resolve the services, then carry the radio's chunks until disconnected."""
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(self.timing["resolve"])
        if peripheral.connect == "drop":
            self.spawn(self.disconnect(path, by="device"))
            return
        adapter, _ = self.peripheral_at(path)
        stranger = "" if self.pairing.bonded(adapter, peripheral.address) else peripheral.unpaired
        if stranger == "drop":
            await asyncio.sleep(self.timing["impatience"])
            self.spawn(self.disconnect(path, by="device"))
        if peripheral.services == "never":
            return
        if stranger != "no_services":
            self._add_gatt(path, peripheral)
        self.change(path, DEVICE, {"UUIDs": self.objects[path][DEVICE]["UUIDs"], "ServicesResolved": True})
        while True:
            for chunk in peripheral.radio.poll(clock()):
                for characteristic, senders in peripheral.subscribers.items():
                    if senders:
                        self.notified.append((clock(), chunk.hex()))
                        self.change(characteristic, CHARACTERISTIC, {"Value": chunk})
            if not peripheral.radio.connected:  # a fault of the radio cut the link
                self.spawn(self.disconnect(path, by="device"))
                return
            due = peripheral.radio.next_due()
            peripheral.news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - clock())):
                    await peripheral.news.wait()

    def _add_gatt(self, path: str, peripheral: Peripheral) -> None:
        def uuid(short: str) -> str:
            return f"0000{short}-0000-1000-8000-00805f9b34fb"

        for at in sorted((each for each in self.objects if each.startswith(f"{path}/service")), reverse=True):
            self.remove(at)  # of the last connection
        layout = peripheral.stale or peripheral.spec.get("layout", "none")
        for handle, short, characteristics in LAYOUTS[layout]:
            service = f"{path}/service{handle:04x}"
            self.add(service, SERVICE, {"UUID": uuid(short), "Device": path, "Primary": True, "Includes": []})
            for number, kind, flags in characteristics:
                at = f"{service}/char{number:04x}"
                properties: dict[str, Any] = {"UUID": uuid(kind), "Service": service, "Flags": flags}
                if "notify" in flags:
                    properties |= {"Notifying": False, "NotifyAcquired": False}
                if "write-without-response" in flags:
                    properties |= {"WriteAcquired": False}
                self.add(at, CHARACTERISTIC, {**properties, "Value": b"", "MTU": 247})
                if "notify" in flags:
                    self.add(
                        f"{at}/desc{number + 2:04x}",
                        DESCRIPTOR,
                        {"UUID": uuid("2902"), "Characteristic": at, "Value": b""},
                    )

    async def disconnect(self, path: str, by: str) -> None:
        """End a connection: by the host (with BlueZ's pause) or by the device."""
        adapter, peripheral = self.peripheral_at(path)
        for future in peripheral.connecting:
            if not future.done():
                future.set_exception(
                    failed("le-connection-abort-by-local" if by == "device" else "Operation aborted")
                )
        peripheral.connecting.clear()
        if peripheral.connected_by != adapter:
            return
        task = peripheral.task  # another one as soon as it is connected again
        if task:
            task.cancel()
        peripheral.radio.disconnect(asyncio.get_running_loop().time())
        if by == "host":
            await asyncio.sleep(self.timing["disconnect"])
        if peripheral.connected_by != adapter or peripheral.task is not task:
            return  # somebody else was quicker
        peripheral.subscribers.clear()
        self.change(path, DEVICE, {"ServicesResolved": False})
        await asyncio.sleep(self.timing["after_resolved"])
        if peripheral.connected_by != adapter or peripheral.task is not task:
            return
        peripheral.connected_by = None
        self.change(path, DEVICE, {"Connected": False})
        self.log("disconnect", address=peripheral.address, by=by)
        for at, interfaces in self.objects.items():  # the objects stay, without MTU
            if at.startswith(path + "/") and CHARACTERISTIC in interfaces:
                interfaces[CHARACTERISTIC].pop("MTU", None)

    # -- calls -----------------------------------------------------------------------------

    def _on_message(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, new = message.body
            if not new:
                self._client_gone(name)
            return False
        if message.message_type is not MessageType.METHOD_CALL or not (message.path or "").startswith(
            ("/org/bluez", "/")
        ):
            return False
        if message.interface not in (OBJECTS, PROPERTIES) and not (message.interface or "").startswith(
            "org.bluez."
        ):
            return False
        self.spawn(self._answer(message))
        return True

    async def _answer(self, message: Message) -> None:
        try:
            if self.denied:
                raise BluezError(self.denied, "rejected by the fake")
            if self.silent:
                return
            signature, body = await self._call(message)
        except BluezError as error:
            self.bus.send(Message.new_error(message, error.name, str(error)))
        else:
            self.bus.send(Message.new_method_return(message, signature, body))

    async def _call(self, message: Message) -> tuple[str, list[Any]]:
        path, sender = message.path or "", message.sender or ""
        last = (message.interface or "").rpartition(".")[2]
        match last, message.member:
            case "Properties", "Set" if path in self.objects:
                await self._set(path, *message.body)
            case "AgentManager1", member:
                self.pairing.agent_call(sender, member or "", message.body)
            case "Device1", "Pair":
                await self.pairing.pair(path, sender)
            case "Device1", "CancelPairing":
                self.pairing.cancel(path)
            case "ObjectManager", "GetManagedObjects":
                tree = {
                    at: {interface: variants(properties) for interface, properties in interfaces.items()}
                    for at, interfaces in self.objects.items()
                }
                return "a{oa{sa{sv}}}", [tree]
            case "Adapter1", member if path in self.objects:
                await self._adapter_call(path, sender, member or "", message.body)
            case "Device1", "Connect":
                await self.connect(path)
            case "Device1", "Disconnect" if path in self.objects:
                # answered at once, as BlueZ does; the pause follows
                self.spawn(self.disconnect(path, by="host"))
            case "GattCharacteristic1", member if path in self.objects:
                await self._gatt_call(path, sender, member or "", message.body)
            case _:
                raise BluezError("org.freedesktop.DBus.Error.UnknownObject", f"no {message.member} at {path}")
        return "", []

    async def _adapter_call(self, path: str, sender: str, member: str, body: list[Any]) -> None:
        fault = self.discovery_fault.get(path, "")
        if member == "SetDiscoveryFilter":
            return
        if member == "RemoveDevice":
            await self._remove_device(body[0])
            return
        if not self.powered(path):
            raise BluezError("org.bluez.Error.NotReady", "Resource Not Ready")
        senders = self.discovery.setdefault(path, set())
        if member == "StartDiscovery":
            if fault == "silent":
                await asyncio.get_running_loop().create_future()
            if fault == "in_progress" or sender in senders:
                raise BluezError("org.bluez.Error.InProgress", "Operation already in progress")
            if not senders:
                self.log("discovery_started", adapter=path[-4:])
                self.change(path, ADAPTER, {"Discovering": True})
            senders.add(sender)
            if fault == "late":  # begun, but the answer never comes
                await asyncio.get_running_loop().create_future()
        elif member == "StopDiscovery":
            if fault == "stop_silent":
                await asyncio.get_running_loop().create_future()
            if fault == "stop_in_progress":
                raise BluezError("org.bluez.Error.InProgress", "Operation already in progress")
            if sender not in senders:
                raise failed("No discovery started")
            self.stop_discovery(path, sender)

    async def _remove_device(self, path: str) -> None:
        if path not in self.objects:
            raise BluezError("org.bluez.Error.DoesNotExist", "Does Not Exist")
        await self.disconnect(path, by="host")
        adapter, peripheral = self.peripheral_at(path)
        peripheral.stale = ""
        self.pairing.forget(adapter, peripheral.address)
        self.forget(path)
        self.log("removed", address=peripheral.address)

    async def _set(self, path: str, interface: str, name: str, value: Variant) -> None:
        if (interface, name) != (ADAPTER, "Powered"):
            raise BluezError("org.freedesktop.DBus.Error.PropertyReadOnly", f"{name} cannot be set")
        fault = self.power_fault.get(path, "")
        if fault == "silent":
            await asyncio.get_running_loop().create_future()
        if fault == "failed":
            raise failed("Failed")
        if self.blocked.get(path) and value.value:
            raise BluezError("org.bluez.Error.Blocked", "Blocked through rfkill")
        self.log("power_set", adapter=path[-4:], powered=value.value)
        if fault != "stuck":
            await self.power(path, value.value)

    async def power(self, path: str, powered: bool) -> None:
        """Switch an adapter: off ends its scans and links, on cures what is wedged."""
        if not powered:
            for peripheral in self.peripherals.values():
                await self.disconnect(self.device_path(path, peripheral.address), by="device")
            self.discovery.pop(path, None)
        elif self.discovery_fault.get(path) == "wedged":
            self.discovery_fault.pop(path)
        state = "on" if powered else "off-blocked" if self.blocked.get(path) else "off"
        self.change(path, ADAPTER, {"Powered": powered, "PowerState": state})

    async def _gatt_call(self, path: str, sender: str, member: str, body: list[Any]) -> None:
        adapter, peripheral = self.peripheral_at(path)
        flags = self.objects[path][CHARACTERISTIC]["Flags"]
        if peripheral.connected_by is None:
            raise BluezError("org.bluez.Error.Failed", "Not connected")
        if member == "StartNotify":
            if peripheral.notify == "silent":
                await asyncio.get_running_loop().create_future()
            if peripheral.notify == "acquired":
                raise BluezError("org.bluez.Error.NotPermitted", "Notify acquired")
            stranger = "" if self.pairing.bonded(adapter, peripheral.address) else peripheral.unpaired
            if peripheral.notify == "unpaired" or stranger == "denied":
                raise failed("Operation failed with ATT error: 0x05")
            if stranger == "not_permitted":
                raise BluezError("org.bluez.Error.NotPermitted", "Not permitted")
            if "notify" not in flags:
                raise BluezError("org.bluez.Error.NotSupported", "Operation is not supported")
            peripheral.subscribers.setdefault(path, set()).add(sender)
            self.log("subscribe", address=peripheral.address, handle=path[-4:])
            self.change(path, CHARACTERISTIC, {"Notifying": True})
        elif member == "StopNotify":
            peripheral.subscribers.get(path, set()).discard(sender)
            self.log("unsubscribe", address=peripheral.address, handle=path[-4:])
            self.change(path, CHARACTERISTIC, {"Notifying": False})
        elif member == "WriteValue":
            await self._write(path, peripheral, flags, bytes(body[0]), body[1])

    async def _write(
        self, path: str, peripheral: Peripheral, flags: list[str], data: bytes, options: dict[str, Variant]
    ) -> None:
        kind = options["type"].value if "type" in options else "request"
        if peripheral.write == "silent":
            await asyncio.get_running_loop().create_future()
        if peripheral.write == "in_progress":
            raise BluezError("org.bluez.Error.InProgress", "In Progress")
        if peripheral.write == "failed":
            raise failed("Operation failed with ATT error: 0x0e")
        if ("write-without-response" if kind == "command" else "write") not in flags:
            raise BluezError("org.bluez.Error.NotPermitted", "Write not permitted")
        try:
            parse_command(data)
            verdict = "good"
        except ProtocolError as error:
            verdict = str(error)
        self.log(
            "command",
            address=peripheral.address,
            handle=path[-4:],
            type=kind,
            data=data.hex(),
            verdict=verdict,
        )
        if peripheral.radio.connected:
            peripheral.radio.write(data, asyncio.get_running_loop().time())
            peripheral.news.set()

    def _client_gone(self, name: str) -> None:
        """A program left the bus: its scans and subscriptions end, its connections stay."""
        self.pairing.client_gone(name)
        for adapter, senders in self.discovery.items():
            if name in senders:
                self.stop_discovery(adapter, name)
        for peripheral in self.peripherals.values():
            for path, subscribers in peripheral.subscribers.items():
                if name in subscribers:
                    subscribers.discard(name)
                    self.log("unsubscribe", address=peripheral.address, handle=path[-4:])
                    self.change(path, CHARACTERISTIC, {"Notifying": False})


class PatientSocket:
    """Sends what there is room for. dbus-fast ends the bus when there is none, as for 400 devices in range."""

    def __init__(self, behind: socket.socket) -> None:
        self._behind = behind

    def send(self, data: memoryview) -> int:
        """Return how many bytes went; the rest is tried again when there is room."""
        try:
            return self._behind.send(data)
        except BlockingIOError:
            return 0


async def run(scenario: dict[str, Any], control: str | None, bonds: Path | None = None) -> None:
    """Be org.bluez until SIGTERM."""
    bluez = FakeBluez(scenario, bonds)
    await bluez.start()
    if control:
        await asyncio.start_unix_server(Control(bluez).serve, control)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(f"ready {os.environ['DBUS_SYSTEM_BUS_ADDRESS']}", flush=True)
    gone = asyncio.create_task(bluez.bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
    await asyncio.wait({gone, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if gone.done():
        gone.exception()
        print("fake_bluez: the bus is gone", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="an org.bluez with simulated radios behind it")
    parser.add_argument("--scenario", type=Path, help="JSON file; default: a JK and five other devices")
    parser.add_argument("--control", help="path of the control socket")
    parser.add_argument("--bonds", type=Path, help="file that keeps who is paired, over restarts")
    parser.add_argument(
        "--print-address",
        action="store_true",
        help="start a private bus for it and print the address; else use DBUS_SYSTEM_BUS_ADDRESS",
    )
    options = parser.parse_args()
    scenario = json.loads(options.scenario.read_text()) if options.scenario else street()
    with contextlib.ExitStack() as stack:
        if options.print_address:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="bluez-", dir=temporary_root(LONGEST_FOR_BUS))
            )
            bus = PrivateBus(Path(folder))
            stack.callback(bus.kill)
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.address
        asyncio.run(run(scenario, options.control, options.bonds))


if __name__ == "__main__":
    main()
