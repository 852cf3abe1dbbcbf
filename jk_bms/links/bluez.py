"""The Bluetooth adapters of this computer, and what the errors of its stack mean.

The only place that knows the names BlueZ, D-Bus and bleak give to their failures.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bleak.exc import BleakBluetoothNotAvailableReason as Unavailable

from jk_bms.errors import LinkError, Verdict
from jk_bms.links.patience import within

if sys.platform == "linux":
    from dbus_fast import BusType, Message, MessageType, unpack_variants
    from dbus_fast.aio import MessageBus
    from dbus_fast.auth import AuthExternal
    from dbus_fast.errors import AuthError, DBusFastError

    BUS_ERRORS: tuple[type[Exception], ...] = (DBusFastError,)
else:
    BUS_ERRORS = ()

# What bleak and what lies under it can raise; AttributeError, KeyError and AssertionError
# come out of bleak when the Bluetooth service goes away in the middle of a call.
FOREIGN: tuple[type[Exception], ...] = (
    BleakError,
    OSError,  # TimeoutError too
    EOFError,
    AttributeError,
    KeyError,
    AssertionError,
    *BUS_ERRORS,
)

ANSWER_LIMIT = 10.0  # s for one answer of the Bluetooth service

SERVICE_ADVICE = "see `systemctl status bluetooth`"
PERMISSION_ADVICE = "add the user to the group with `sudo usermod -aG bluetooth $USER` and log in again"
NONE_FOUND = "no Bluetooth adapter found; plug one in or see `bluetoothctl list`"
OFF_ADVICE = "switch it on with `bluetoothctl power on`; if that fails see `rfkill list`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One Bluetooth adapter. ``held``: devices with an open connection, address -> BlueZ object."""

    name: str  # hci0: may change when adapters are plugged in another order
    address: str
    powered: bool = True
    held: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} ({self.address}{'' if self.powered else ', switched off'})"


async def adapters() -> list[Adapter]:
    """Return the adapters of this computer, by name. Raises LinkError.

    Asks the Bluetooth service itself: what bleak remembers may be older than a restart.
    """
    try:
        objects = await within(ANSWER_LIMIT, _managed_objects(), "asking for the adapters")
    except FOREIGN as error:
        raise link_error(error, "cannot ask for the adapters", Verdict.SERVICE_DOWN) from error
    held: dict[str, dict[str, Mapping[str, Any]]] = {}
    for path, interfaces in objects.items():
        device = interfaces.get("org.bluez.Device1")
        if device and device.get("Connected"):
            held.setdefault(device["Adapter"], {})[device["Address"].upper()] = {
                "path": path,
                "props": device,
            }
    found = [
        Adapter(
            name=path.rpartition("/")[2],
            address=interfaces["org.bluez.Adapter1"].get("Address", "").upper(),
            powered=bool(interfaces["org.bluez.Adapter1"].get("Powered")),
            held=held.get(path, {}),
        )
        for path, interfaces in objects.items()
        if "org.bluez.Adapter1" in interfaces
    ]
    return sorted(found, key=lambda adapter: (len(adapter.name), adapter.name))


async def choose_adapter(wanted: str | None = None) -> Adapter:
    """Return the adapter with that name or address, or the first that is switched on.

    Raises LinkError ``NO_ADAPTER``, ``ADAPTER_OFF``, ``SERVICE_DOWN`` or ``NO_PERMISSION``.
    """
    if sys.platform != "linux":  # other systems have one, and do not name it
        return Adapter(name="", address="")
    found = await adapters()
    if not found:
        raise LinkError(NONE_FOUND, Verdict.NO_ADAPTER)
    if wanted:
        fitting = [each for each in found if wanted.lower() in (each.name.lower(), each.address.lower())]
        if not fitting:
            there = ", ".join(map(str, found))
            raise LinkError(f"no Bluetooth adapter {wanted!r}; there is {there}", Verdict.NO_ADAPTER)
        found = fitting
    chosen = next((adapter for adapter in found if adapter.powered), None)
    if chosen is None:
        raise LinkError(
            f"adapter {', '.join(each.name for each in found)} is switched off; {OFF_ADVICE}",
            Verdict.ADAPTER_OFF,
        )
    return chosen


async def _managed_objects() -> dict[str, dict[str, dict[str, Any]]]:
    # The uid that the bus sees may differ from ours in a container: bleak's variable.
    uid = os.environ.get("BLEAK_DBUS_AUTH_UID")
    auth = AuthExternal(int(uid)) if uid and uid.isdecimal() else None
    bus = MessageBus(bus_type=BusType.SYSTEM, auth=auth)
    try:
        await bus.connect()
        reply = await bus.call(
            Message(
                destination="org.bluez",
                path="/",
                interface="org.freedesktop.DBus.ObjectManager",
                member="GetManagedObjects",
            )
        )
    finally:
        bus.disconnect()  # also after a failed connect: it holds a socket
    if reply.message_type is MessageType.ERROR:
        raise BleakDBusError(reply.error_name or "", reply.body)
    objects: dict[str, dict[str, dict[str, Any]]] = unpack_variants(reply.body[0])
    return objects


# fmt: off
DOWN    = (Verdict.SERVICE_DOWN,  f"the Bluetooth service does not run; {SERVICE_ADVICE}")
SILENT  = (Verdict.SERVICE_DOWN,  f"the Bluetooth service does not answer; {SERVICE_ADVICE}")
CUT     = (Verdict.SERVICE_DOWN,  f"the D-Bus connection was cut; {SERVICE_ADVICE}")
DENIED  = (Verdict.NO_PERMISSION, f"D-Bus refuses; {PERMISSION_ADVICE}")
OFF     = (Verdict.ADAPTER_OFF,   f"the adapter is switched off; {OFF_ADVICE}")
REFUSED = (Verdict.CONNECT_FAILED, "the device refused pairing")

# end of the D-Bus error name, or its text -> what it means, and what to do
MEANINGS: Mapping[str, tuple[Verdict, str]] = {
    "ServiceUnknown":  DOWN,
    "NameHasNoOwner":  DOWN,
    "NoReply":         SILENT,
    "Disconnected":    CUT,
    "AccessDenied":    DENIED,
    "AuthFailed":      DENIED,
    "NotReady":        OFF,
    "InProgress":      (Verdict.BUSY, "another program uses the adapter; close it or wait"),
    "Notify acquired": (Verdict.BUSY, "another program listens to this device already; close it"),
    "AuthenticationFailed":   REFUSED,
    "AuthenticationRejected": REFUSED,
    "AuthenticationCanceled": (Verdict.CONNECT_FAILED, "the device broke off pairing"),
    "le-connection-abort-by-local":
        (Verdict.CONNECT_FAILED, "broken off at once; weak signal or interference, move the radio closer"),
    "br-connection-canceled":
        (Verdict.CONNECT_FAILED, "the connection was refused; close the phone app and try again"),
}
UNAVAILABLE: Mapping[Unavailable, tuple[Verdict, str]] = {
    Unavailable.NO_BLUETOOTH:        (Verdict.NO_ADAPTER, NONE_FOUND),
    Unavailable.NO_BLE_CENTRAL_ROLE: (Verdict.NO_ADAPTER, "the adapter is too old for Bluetooth LE"),
    Unavailable.POWERED_OFF:         OFF,
    Unavailable.DENIED_BY_SYSTEM:    DENIED,
    Unavailable.DENIED_BY_UNKNOWN:   DENIED,
    Unavailable.DENIED_BY_USER:      (Verdict.NO_PERMISSION, "Bluetooth was denied to this program"),
}
# fmt: on

UNPAIRED = (
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHORIZATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
)


def link_error(error: BaseException, where: str, otherwise: Verdict) -> LinkError:
    """Return our error for a foreign one: ``where: what: next step``.

    ``otherwise`` is the verdict when the error itself does not tell.
    """
    cause = _root(error)
    if isinstance(cause, TimeoutError) and otherwise is Verdict.SERVICE_DOWN:
        verdict, what = SILENT
    else:
        verdict, what = _meaning(cause) or (otherwise, _text(cause))
    return LinkError(f"{where}: {what}", verdict)


def _root(error: BaseException) -> BaseException:
    """The error that bleak-retry-connector wrapped into its own."""
    while isinstance(error, BleakError) and isinstance(error.__cause__, FOREIGN):
        error = error.__cause__
    return error


def _meaning(error: BaseException) -> tuple[Verdict, str] | None:
    if isinstance(error, BleakBluetoothNotAvailableError):
        return UNAVAILABLE.get(error.reason)
    if isinstance(error, BleakDBusError):
        if ".Spawn." in error.dbus_error:
            return DOWN
        last = error.dbus_error.rpartition(".")[2]
        return MEANINGS.get(last) or MEANINGS.get(error.dbus_error_details or "")
    if isinstance(error, BleakDeviceNotFoundError):
        return Verdict.NOT_SEEN, "the device vanished between scan and connection; move the radio closer"
    if isinstance(error, BleakGATTProtocolError) and error.code in UNPAIRED:
        return Verdict.CONNECT_FAILED, "the device wants to be paired first; see `bluetoothctl pair`"
    if isinstance(error, BleakError) and str(error).startswith("adapter "):
        return Verdict.NO_ADAPTER, f"{error}; see `bluetoothctl list`"
    if isinstance(error, BleakError) and str(error).startswith("device "):
        return Verdict.NOT_SEEN, f"{error}: it vanished after the scan; move the radio closer"
    if isinstance(error, PermissionError):
        return Verdict.NO_PERMISSION, f"the D-Bus socket is not ours to open; {PERMISSION_ADVICE}"
    if isinstance(error, FileNotFoundError):
        return (
            Verdict.SERVICE_DOWN,
            "no D-Bus socket; install dbus, or mount its socket into the container",
        )
    if isinstance(error, TimeoutError):
        return None
    if sys.platform == "linux" and isinstance(error, AuthError):
        return DENIED
    if isinstance(error, OSError | EOFError) or (BUS_ERRORS and isinstance(error, BUS_ERRORS)):
        return Verdict.SERVICE_DOWN, f"D-Bus failed: {_text(error)}; {SERVICE_ADVICE}"
    return None


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
