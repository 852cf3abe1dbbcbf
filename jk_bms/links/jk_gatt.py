"""How a JK BMS is reached over Bluetooth LE: its service, and how its frames begin."""

from collections.abc import Iterable

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.service import BleakGATTService

from jk_bms.errors import LinkError, Verdict
from jk_bms.links.gatt import GattLink, GattProfile
from jk_bms.protocol.discovery import SERIAL_SERVICE
from jk_bms.protocol.frame import HEADER
from jk_bms.radio.memory import RadioMemory

SERIAL_CHARACTERISTIC = "0000ffe1-0000-1000-8000-00805f9b34fb"
FRAME = 300  # bytes


def choose_characteristics(
    address: str, services: Iterable[BleakGATTService], known: bool = False
) -> tuple[BleakGATTCharacteristic, BleakGATTCharacteristic]:
    """Return the characteristics to listen to and to write to. Raises LinkError.

    What a device that is ``known`` to be a JK does not show was remembered wrongly:
    ``STALE_CACHE``; else it is ``NOT_A_BMS``.

    By what they can do, not by number: some modules have FFE1 twice, one for each
    direction, some have one for both, some offer more; and their order is random.
    """
    offered = list(services)
    serial = sorted(
        (each for service in offered if service.uuid == SERIAL_SERVICE for each in service.characteristics),
        key=lambda each: (each.uuid != SERIAL_CHARACTERISTIC, each.handle),
    )
    listen = [each for each in serial if "notify" in each.properties]
    write = [each for each in serial if {"write", "write-without-response"} & set(each.properties)]
    if listen and write:
        return listen[0], write[0]
    if not offered:
        what = f"connected, but it shows no services; try `bluetoothctl remove {address}`"
    elif not serial:
        names = ", ".join(sorted(service.uuid[4:8] for service in offered))
        what = f"connected, but it has no service ffe0 (it has {names}); not a JK BMS?"
    else:
        what = "connected, but nothing in its service ffe0 can be listened to and written; not a JK BMS?"
    verdict = Verdict.NOT_A_BMS
    if known or not offered:
        verdict = Verdict.STALE_CACHE
        what = what.replace(
            "; not a JK BMS?", f", though it is a JK BMS; try `bluetoothctl remove {address}`"
        )
    raise LinkError(f"{address}: {what}", verdict, {"services": len(offered)})


JK = GattProfile("jk", choose_characteristics, frame_length=FRAME, frame_start=HEADER)


def jk_link(
    address: str,
    *,
    adapter: str | None = None,
    timeout: float = 20.0,
    pin: str | None = None,
    memory: RadioMemory | None = None,
) -> GattLink:
    """Return the link to a JK BMS; see ``GattLink``."""
    return GattLink(address, JK, adapter=adapter, timeout=timeout, pin=pin, memory=memory)
