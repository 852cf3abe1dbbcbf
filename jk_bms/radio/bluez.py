"""The Bluetooth adapters of this computer, and what the errors of its stack mean.

The only place that knows the names BlueZ, D-Bus and bleak give to their failures.
"""

import asyncio
import logging
import sys
import weakref
from collections.abc import Mapping, Sequence
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
from bleak_retry_connector.bleak_manager import get_global_bluez_manager_sync

from jk_bms.errors import LinkError, Verdict
from jk_bms.model.foreign_text import harmless
from jk_bms.radio import rfkill
from jk_bms.radio.bus import bluez_objects
from jk_bms.radio.deadlines import within

if sys.platform == "linux":
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

log = logging.getLogger(__name__)

ANSWER_LIMIT = 10.0  # s for one answer of the Bluetooth service

SERVICE_ADVICE = "see `systemctl status bluetooth`"
PERMISSION_ADVICE = "add the user to the group with `sudo usermod -aG bluetooth $USER` and log in again"
NONE_FOUND = "no Bluetooth adapter found; plug one in or see `bluetoothctl list`"
OFF_ADVICE = "switch it on with `bluetoothctl power on`; if that fails see `rfkill list`"
UNBLOCK_ADVICE = "unblock it with `sudo rfkill unblock bluetooth`"
SWITCH_ADVICE = "look for a switch or a flight mode of this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One Bluetooth adapter.

    ``held``: devices with an open connection, address -> BlueZ object. ``known``: all that
    BlueZ knows on it, address -> properties.
    """

    name: str  # hci0: may change when adapters are plugged in another order
    address: str
    powered: bool = True
    blocked: str = ""  # how rfkill keeps it off: soft, hard; empty: it does not
    held: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    known: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} ({self.address}{'' if self.powered else ', switched off'})"

    @property
    def path(self) -> str:
        """Of its D-Bus object."""
        return f"/org/bluez/{self.name}"

    def paired(self, address: str) -> bool:
        """Whether it has a bond with that device."""
        return bool(self.known.get(address, {}).get("Paired"))


async def adapters() -> list[Adapter]:
    """Return the adapters of this computer, by name. Raises LinkError.

    Asks the Bluetooth service itself: what bleak remembers may be older than a restart.
    """
    try:
        owner, objects = await within(ANSWER_LIMIT, bluez_objects(), "asking for the adapters")
    except FOREIGN as error:
        raise link_error(error, "cannot ask for the adapters", Verdict.SERVICE_DOWN) from error
    _note_owner(owner)
    held: dict[str, dict[str, Mapping[str, Any]]] = {}
    known: dict[str, dict[str, Mapping[str, Any]]] = {}
    for path, interfaces in objects.items():
        if device := interfaces.get("org.bluez.Device1"):
            address = device["Address"].upper()
            known.setdefault(device["Adapter"], {})[address] = device
            if device.get("Connected"):
                held.setdefault(device["Adapter"], {})[address] = {"path": path, "props": device}
    found = [
        _adapter(path, interfaces["org.bluez.Adapter1"], held.get(path, {}), known.get(path, {}))
        for path, interfaces in objects.items()
        if "org.bluez.Adapter1" in interfaces
    ]
    return sorted(found, key=lambda adapter: (len(adapter.name), adapter.name))


def _adapter(
    path: str,
    says: Mapping[str, Any],
    held: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
) -> Adapter:
    name, powered = path.rpartition("/")[2], bool(says.get("Powered"))
    blocked = ""
    if not powered:  # BlueZ tells of a block since 5.65, and not of which kind
        blocked = rfkill.blocked(name) or ("soft" if says.get("PowerState") == "off-blocked" else "")
    return Adapter(
        name=name,
        address=says.get("Address", "").upper(),
        powered=powered,
        blocked=blocked,
        held=held,
        known=known,
    )


async def choose_adapter(wanted: str | None = None, holding: str | None = None) -> Adapter:
    """Return the adapter with that name or address, or the first that is switched on.

    ``holding``: address of a device; when nothing is wanted, the adapter that is connected to it
    comes first. Raises LinkError ``NO_ADAPTER``, ``ADAPTER_OFF``, ``ADAPTER_BLOCKED``,
    ``SERVICE_DOWN`` or ``NO_PERMISSION``.
    """
    if sys.platform != "linux":  # other systems have one, and do not name it
        return Adapter(name="", address="")
    return choose(await adapters(), wanted, holding)


def choose(found: Sequence[Adapter], wanted: str | None = None, holding: str | None = None) -> Adapter:
    """Choose from these; see ``choose_adapter``."""
    if not found:
        if kind := rfkill.blocked():
            raise _blocked("the Bluetooth adapter", kind)
        raise LinkError(NONE_FOUND, Verdict.NO_ADAPTER)
    if wanted:
        fitting = [each for each in found if wanted.lower() in (each.name.lower(), each.address.lower())]
        if not fitting:
            there = ", ".join(map(str, found))
            raise LinkError(f"no Bluetooth adapter {wanted!r}; there is {there}", Verdict.NO_ADAPTER)
        found = fitting
    usable = [adapter for adapter in found if adapter.powered]
    if not usable:
        names = ", ".join(each.name for each in found)
        if kind := next((each.blocked for each in found if each.blocked), ""):
            raise _blocked(f"adapter {names}", kind)
        raise LinkError(f"adapter {names} is switched off; {OFF_ADVICE}", Verdict.ADAPTER_OFF)
    return next((adapter for adapter in usable if holding in adapter.held), usable[0])


def _blocked(what: str, kind: str) -> LinkError:
    advice = SWITCH_ADVICE if kind == "hard" else UNBLOCK_ADVICE
    return LinkError(f"{what} is blocked (rfkill, {kind}); {advice}", Verdict.ADAPTER_BLOCKED)


# Who the Bluetooth service was, by the event loop that asked: so it is with what bleak remembers.
_owners: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, str] = weakref.WeakKeyDictionary()


def service_name() -> str:
    """The name on the bus of the Bluetooth service that was last met; a new one after each start."""
    return _owners.get(asyncio.get_running_loop(), "")  # empty: none was met yet


def _note_owner(owner: str) -> None:
    """Have bleak forget everything once the Bluetooth service is another than before.

    bleak (3.1) does not learn when it is started anew: devices of the old one stay connected in its
    memory for ever, and later connections are taken for them. Losing its bus, it starts afresh
    and tells every client that its link is gone, which is true.
    """
    before = service_name()
    _owners[asyncio.get_running_loop()] = owner
    if before in ("", owner):
        return
    log.info("the Bluetooth service was started anew; its links are gone")
    manager = get_global_bluez_manager_sync()
    if manager is not None and manager._bus is not None:
        manager._bus.disconnect()


# fmt: off
DOWN    = (Verdict.SERVICE_DOWN,  f"the Bluetooth service does not run; {SERVICE_ADVICE}")
SILENT  = (Verdict.SERVICE_DOWN,  f"the Bluetooth service does not answer; {SERVICE_ADVICE}")
CUT     = (Verdict.SERVICE_DOWN,  f"the D-Bus connection was cut; {SERVICE_ADVICE}")
DENIED  = (Verdict.NO_PERMISSION, f"D-Bus refuses; {PERMISSION_ADVICE}")
OFF     = (Verdict.ADAPTER_OFF,   f"the adapter is switched off; {OFF_ADVICE}")
REFUSED = (Verdict.PAIRING_REFUSED, "the device refused pairing")
NEEDED  = (Verdict.PAIRING_NEEDED, "the device wants to be paired first")

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
    # No refusals: the device went away meanwhile, or did not answer in time.
    "AuthenticationCanceled": (Verdict.PAIRING_NEEDED, "pairing was broken off"),
    "AuthenticationTimeout":  (Verdict.PAIRING_NEEDED, "the device did not answer while pairing"),
    "NotPermitted":    NEEDED,
    "Blocked":         (Verdict.ADAPTER_BLOCKED, f"the adapter is blocked (rfkill); {UNBLOCK_ADVICE}"),
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
    return LinkError(f"{where}: {what}", verdict, {"error": _name(cause)})


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
        return MEANINGS.get(error.dbus_error_details or "") or MEANINGS.get(last)
    if isinstance(error, BleakDeviceNotFoundError):
        return Verdict.NOT_SEEN, "the device vanished between scan and connection; move the radio closer"
    if isinstance(error, BleakGATTProtocolError) and error.code in UNPAIRED:
        return NEEDED
    if isinstance(error, BleakError) and str(error).startswith("adapter "):
        return Verdict.NO_ADAPTER, f"{_text(error)}; see `bluetoothctl list`"
    if isinstance(error, BleakError) and str(error).startswith("device "):
        return Verdict.NOT_SEEN, f"{_text(error)}: it vanished after the scan; move the radio closer"
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


def _name(error: BaseException) -> str:
    """What the foreign side calls it, for the evidence."""
    if isinstance(error, BleakDBusError):
        return harmless(f"{error.dbus_error} {error.dbus_error_details or ''}".strip())
    return "" if isinstance(error, TimeoutError) else _text(error)


def _text(error: BaseException) -> str:
    return harmless(str(error)) or type(error).__name__
