"""What Home Assistant 2026.11 takes in a discovery message: our own table of its rules, stricter where it only warns.

``faults`` returns what it would refuse, leave out or write a warning about. It knows the platforms that we use.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_COMMON = {
    "platform", "unique_id", "name", "icon", "entity_category", "enabled_by_default", "availability",
    "availability_mode", "json_attributes_topic", "default_entity_id", "qos", "device", "origin",
}  # fmt: skip
_STATE = {"state_topic", "device_class", "value_template"}
_COMMAND = {"command_topic", "retain"}
PLATFORMS = {
    "sensor": _STATE
    | {"unit_of_measurement", "state_class", "suggested_display_precision", "expire_after", "options", "force_update"},
    "binary_sensor": _STATE | {"payload_on", "payload_off", "expire_after", "off_delay", "force_update"},
    "event": _STATE | {"event_types"},
    "button": _COMMAND | {"payload_press", "device_class"},
    "number": _COMMAND | {"state_topic", "min", "max", "step", "mode", "unit_of_measurement", "device_class"},
}  # fmt: skip
NEEDED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "event": {"state_topic", "event_types"},
    "button": {"command_topic"},
    "number": {"command_topic"},
}
_ENERGY = {"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"}
_ALL = {"measurement", "total", "total_increasing"}
# class: units, state classes; no units: it must have none
SENSOR_CLASSES: dict[str, tuple[set[str], set[str]]] = {
    "voltage": ({"V", "mV", "µV", "kV", "MV"}, {"measurement"}),
    "current": ({"A", "mA"}, {"measurement"}),
    "power": ({"mW", "W", "kW", "MW", "GW", "TW"}, {"measurement"}),
    "battery": ({"%"}, {"measurement"}),
    "energy": (_ENERGY, {"total", "total_increasing"}),
    "energy_storage": (_ENERGY, {"measurement"}),
    "temperature": ({"°C", "°F", "K"}, {"measurement"}),
    "duration": ({"d", "h", "min", "s", "ms", "µs"}, _ALL),
    "signal_strength": ({"dB", "dBm"}, {"measurement"}),
    "timestamp": (set(), set()),
    "enum": (set(), set()),
}
OTHER_CLASSES = {
    "binary_sensor": {"power", "problem", "battery_charging", "connectivity", "battery", "heat", "plug"},
    "event": {"button", "doorbell", "motion"},
    "button": {"identify", "restart", "update"},
    "number": set(SENSOR_CLASSES) - {"timestamp", "enum"},
}
_DEVICE = {
    "identifiers", "connections", "manufacturer", "model", "model_id", "name", "hw_version", "sw_version",
    "serial_number", "suggested_area", "configuration_url", "via_device",
}  # fmt: skip
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_MAC = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")
MOST = 64 * 1024  # bytes


def faults(topic: str, payload: str, prefix: str = "homeassistant") -> list[str]:
    """Return what is wrong with a retained discovery message for a device."""
    return list(_faults(topic, payload, prefix))


def _faults(topic: str, payload: str, prefix: str) -> Iterator[str]:
    found = re.fullmatch(rf"{re.escape(prefix)}/device/([^/]+)/config", topic)
    if not found or not _ID.fullmatch(found[1]):
        yield f"{topic}: no topic of a device"
    if len(payload.encode()) > MOST:
        yield f"{len(payload.encode())} bytes"
    message = json.loads(payload)
    if message.keys() - {
        "device",
        "origin",
        "components",
        "availability",
        "availability_mode",
        "state_topic",
        "qos",
    }:
        yield f"unknown keys {set(message)}"
    yield from _device(message.get("device", {}))
    if not message.get("origin", {}).get("name"):
        yield "no origin"
    yield from _available(message)
    ids: set[tuple[str, str]] = set()
    names: set[tuple[str, str]] = set()
    for key, component in message.get("components", {}).items():
        if not _ID.fullmatch(key):
            yield f"{key}: no id"
        for fault in _component(component):
            yield f"{key}: {fault}"
        mine = str(component.get("platform")), str(component.get("unique_id"))
        if mine in ids:
            yield f"{key}: the unique id is another one's"
        ids.add(mine)
        called = mine[0], str(component.get("name"))
        if called in names:
            yield f"{key}: another one has this name"
        names.add(called)
        if (
            str(component.get("name", ""))
            .lower()
            .startswith(str(message.get("device", {}).get("name")).lower())
        ):
            yield f"{key}: its name begins with that of the device"


def _device(device: Mapping[str, Any]) -> Iterator[str]:
    if device.keys() - _DEVICE:
        yield f"device: unknown keys {device.keys() - _DEVICE}"
    if not device.get("identifiers") and not device.get("connections"):
        yield "device: nothing to know it by"
    if not device.get("name"):
        yield "device: no name"
    if any(value in ("", None, [], {}) for value in device.values()):
        yield "device: an empty key"
    for kind, what in device.get("connections", ()):
        if kind != "bluetooth" or not _MAC.fullmatch(what):
            yield f"device: connection {kind} {what}"
    if "configuration_url" in device and not re.match(r"https?://", device["configuration_url"]):
        yield "device: its page is no address"


def _component(one: Mapping[str, Any]) -> Iterator[str]:
    platform = one.get("platform", "")
    if platform not in PLATFORMS:
        yield f"platform {platform}"
        return
    if unknown := one.keys() - PLATFORMS[platform] - _COMMON:
        yield f"{platform} does not know {unknown}"
    if lacking := (NEEDED[platform] | {"unique_id", "name"}) - one.keys():
        yield f"lacks {lacking}"
    if empty := [key for key, value in one.items() if value in ("", None, [], {})]:
        yield f"empty: {empty}"
    changes = {"config"} if platform in ("button", "number") else set()
    if one.get("entity_category", "diagnostic") not in {"diagnostic"} | changes:
        yield "entity_category"
    if "icon" in one and not re.fullmatch(r"mdi:[a-z0-9-]+", one["icon"]):
        yield "icon"
    for key in ("state_topic", "command_topic", "json_attributes_topic"):
        if key in one and (set("+#\0") & set(one[key]) or one[key].startswith("/") or "//" in one[key]):
            yield f"{key} is no topic"
    yield from _available(one)
    expiry = one.get("expire_after", 1)
    if not isinstance(expiry, int) or isinstance(expiry, bool) or expiry < 1:
        yield "expire_after"
    if not isinstance(one.get("enabled_by_default", True), bool):
        yield "enabled_by_default"
    if platform == "sensor":
        yield from _sensor(one)
    elif one.get("device_class") is not None and one["device_class"] not in OTHER_CLASSES[platform]:
        yield f"{platform} has no class {one['device_class']}"
    if platform == "event" and not all(isinstance(each, str) and each for each in one.get("event_types", ())):
        yield "event_types"
    if platform == "number" and not one.get("min", 1) < one.get("max", 100):
        yield "min and max"
    if platform == "number" and (
        one.get("step", 1) <= 0 or one.get("mode", "auto") not in ("auto", "box", "slider")
    ):
        yield "step or mode"


def _available(one: Mapping[str, Any]) -> Iterator[str]:
    for place in one.get("availability", ()):
        if not place.get("topic") or place.keys() - {"topic", "payload_available", "payload_not_available"}:
            yield "availability"
    if one.get("availability_mode", "all") not in ("all", "any", "latest"):
        yield "availability_mode"


def _sensor(one: Mapping[str, Any]) -> Iterator[str]:
    kind, unit, state = one.get("device_class"), one.get("unit_of_measurement"), one.get("state_class")
    if state is not None and state not in _ALL:
        yield f"state_class {state}"
    if kind is not None and kind not in SENSOR_CLASSES:
        yield f"no class {kind}"
    elif kind is not None:
        units, states = SENSOR_CLASSES[kind]
        if (unit not in units) if units else (unit is not None):
            yield f"{kind} in {unit}"
        if state is not None and state not in states:
            yield f"{kind} with {state}"
        if not units and "suggested_display_precision" in one:
            yield f"{kind} has no digits"
        if kind == "energy" and state is None:
            yield "energy without a state_class: no statistics"
    if "options" in one and (kind != "enum" or unit is not None or state is not None):
        yield "options without enum"
    if kind == "enum" and not one.get("options"):
        yield "enum without options"
    digits = one.get("suggested_display_precision", 0)
    if not isinstance(digits, int) or digits < 0:
        yield "suggested_display_precision"
