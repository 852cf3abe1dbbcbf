"""What is in the air: how devices look to a scan, to GATT, and what they say."""

from typing import Any

from jk_bms.protocol import Variant
from jk_bms.simulator import Faults, Radio, SimulatedBms

FFE0, FEE7, HID, BATTERY = (
    f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("ffe0", "fee7", "1812", "180f")
)

# layout -> service, then (handle, characteristic, flags). Handles are those of declarations.
LAYOUTS: dict[str, list[tuple[int, str, list[tuple[int, str, list[str]]]]]] = {
    "old": [
        (0x000E, "ffe0", [
            (0x000F, "ffe2", ["write-without-response"]),
            (0x0011, "ffe1", ["write-without-response", "write", "notify"]),
        ]),
    ],
    "two": [
        (0x0001, "ffe0", [
            (0x0002, "ffe1", ["write", "write-without-response"]),
            (0x0004, "ffe1", ["read", "notify"]),
        ]),
    ],
    "new": [
        (0x0010, "ffe0", [
            (0x0011, "ffe1", ["read", "write", "write-without-response", "notify"]),
            (0x0014, "ffe2", ["write", "notify"]),
            (0x0017, "ffe3", ["write"]),
        ]),
    ],
    "write_only": [(0x0010, "ffe0", [(0x0011, "ffe1", ["write"])])],
    "slow_write": [(0x0010, "ffe0", [(0x0011, "ffe1", ["write", "notify"])])],
    "hid": [(0x0010, "1812", [(0x0011, "2a4d", ["read", "notify"])])],
    "none": [],
}  # fmt: skip

JK = "C8:47:80:12:34:56"
RENAMED = "C8:47:80:AA:BB:CC"
NEEY = "3C:A5:09:0A:20:FB"
MOUSE = "D4:11:22:33:44:55"
THERMOMETER = "A4:C1:38:55:66:77"
NAMELESS = "5E:01:02:03:04:05"


def jk(address: str = JK, name: str | None = "JK-B2A8S20P", **more: Any) -> dict[str, Any]:
    """A JK peripheral; ``more``: layout, and settings of SimulatedBms (``bms``), Radio and Faults."""
    mac = address.replace(":", "")
    return {
        "address": address,
        "name": name,
        "uuids": [FFE0, FEE7],
        "manufacturer": {str(0x0B65): f"88a0{mac}"},
        "layout": "new",
        "bms": {},
        **more,
    }


def bystanders() -> list[dict[str, Any]]:
    """Five others: a renamed JK, a balancer of the same looks, and what every house has."""
    return [
        jk(RENAMED, "Garage"),
        {"address": NEEY, "name": "NEEY-24S4EB", "uuids": [FFE0, FEE7], "layout": "new"},
        {"address": MOUSE, "name": "BT Mouse", "uuids": [HID, BATTERY], "layout": "hid"},
        {"address": THERMOMETER, "name": "ATC_556677", "manufacturer": {str(0x0499): "0512fc5394"}},
        {"address": NAMELESS, "name": None},
    ]


def street() -> dict[str, Any]:
    """The usual scenario: one adapter, a JK and five others."""
    return {
        "adapters": [{"name": "hci0", "address": "00:1A:7D:DA:71:13"}],
        "devices": [jk(), *bystanders()],
    }


def radio_of(device: dict[str, Any]) -> Radio:
    """The simulated radio of a scenario's device; mute unless it is a BMS (``bms`` given)."""
    bms = dict(device.get("bms") or {})
    if "variant" in bms:
        bms["variant"] = Variant(bms["variant"])
    settings = {"period": 0.05, **device.get("radio", {})}
    faults = Faults(mute="bms" not in device, **device.get("faults", {}))
    return Radio(SimulatedBms(**bms), faults=faults, **settings)
