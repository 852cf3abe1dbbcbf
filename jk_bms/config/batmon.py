"""The configuration of BatMON (``options.json`` of its add-on or of a plain installation), in our words.

Converted once, never read at run time. What becomes of it is a plan: entries for the registry, lines for ``.env``, and
what is left out, each with its reason. The names are those of its documentation, version 2.13.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jk_bms.config.text_file import read_text_file
from jk_bms.errors import ConfigError, reason
from jk_bms.model.foreign_text import harmless, harmless_name
from jk_bms.model.kinds import KINDS

OURS = {"jk_24s": "jk", "jk_32s": "jk", "jikong": "jk"}  # its names for what we call otherwise

# Its key -> ours, where the value is the same.
SAME = {
    "mqtt_broker": "MQTT_BROKER",
    "mqtt_user": "MQTT_USER",
    "mqtt_password": "MQTT_PASSWORD",
    "invert_current": "MQTT_INVERT_CURRENT",
    "publish_period": "PUBLISH_PERIOD",
    "expire_values_after": "EXPIRE_VALUES_AFTER",
    "keep_alive": "JK_BMS_KEEP_ALIVE",
    "influxdb_username": "INFLUXDB_USERNAME",
    "influxdb_password": "INFLUXDB_PASSWORD",
    "influxdb_token": "INFLUXDB_TOKEN",
    "influxdb_database": "INFLUXDB_DATABASE",
    "influxdb_org": "INFLUXDB_ORG",
    "influxdb_path": "INFLUXDB_PATH",
    "influxdb_ssl": "INFLUXDB_SSL",
    "influxdb_verify_ssl": "INFLUXDB_VERIFY_SSL",
    "influxdb_timeout": "INFLUXDB_TIMEOUT",
}
PORTS = {"mqtt_port": "MQTT_BROKER", "influxdb_port": "INFLUXDB_HOST"}  # that belong behind a host
NEEDLESS = {
    "concurrent_sampling": "batteries are always read side by side",
    "telemetry": "nothing is sent to anybody",
    "install_newer_bleak": "the versions are fixed",
    "watchdog": "there always is one",
    "bt_power_cycle": "the adapter is repaired when it needs to be",
    "sample_period": "a JK sends by itself",
    "influxdb_queue": "the history is the queue",
    "influxdb_backoff_interval": "it tries again by itself",
}
LATER = {
    "groups": "several batteries as one are not read yet",
    "bluetooth_proxies": "Bluetooth proxies are not used yet",
}
_DEVICE = {"address", "type", "alias", "pin", "adapter", "note", "current_calibration"}
_LEGACY = re.compile(r"([a-z0-9]+)_(address|pin)")


class Plan(NamedTuple):
    """What becomes of it."""

    entries: list[dict[str, str]]  # as the registry has them, ``address`` first
    settings: dict[str, str]  # lines for .env
    left: list[str]  # what is left out, each with the reason
    broken: list[str]  # what is wrong in it: nothing is taken then


def read_options(path: Path) -> Mapping[str, Any]:
    """Return what the file says. Raises ConfigError where it is none of BatMON's, or cannot be read."""
    try:
        options = json.loads(read_text_file(path).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text; expected options.json of BatMON") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path} line {error.lineno}: not JSON ({error.msg}); is it cut off?") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: too deep for a configuration") from error
    if isinstance(options, dict) and isinstance(options.get("options"), dict):
        options = options["options"]  # a whole configuration of an add-on
    if not isinstance(options, dict) or not (
        isinstance(options.get("devices"), list) or any(map(_LEGACY.fullmatch, options))
    ):
        raise ConfigError(f"{path}: names no batteries (devices); expected options.json of BatMON")
    return options


def planned(options: Mapping[str, Any]) -> Plan:
    """Return what becomes of the options."""
    plan = Plan([], {}, [], [])
    owners: dict[str, str] = {}
    for device in _devices(options):
        entry = _entry(device, plan)
        if entry is None:
            continue
        for what in ("address", "alias"):
            text = entry.get(what, "")
            if text and text.casefold() in owners:
                plan.broken.append(f"two batteries have the {what} {text}: change one of them there")
            owners[text.casefold()] = text
        plan.entries.append(entry)
    for key, value in options.items():
        _option(key, value, plan)
    for key, of in PORTS.items():
        host, port = plan.settings.get(of), _text(options.get(key))
        if host and port and ":" not in host:
            plan.settings[of] = f"{host}:{port}"
    return plan


def _devices(options: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for device in options.get("devices") or ():
        if isinstance(device, dict):
            yield device
    for key, value in options.items():  # as its first versions had it
        found = _LEGACY.fullmatch(key)
        if found and found[2] == "address" and _text(value):
            address = _text(value).removesuffix("?")
            yield {"address": address, "type": found[1], "alias": f"{found[1]}_bms",
                   "pin": options.get(f"{found[1]}_pin")}  # fmt: skip


def _entry(device: Mapping[str, Any], plan: Plan) -> dict[str, str] | None:
    """The entry of one battery; None: it is left out, or something is wrong with it."""
    address, alias = _text(device.get("address")), harmless_name(" ".join(_text(device.get("alias")).split()))
    off = address.startswith("#")
    address = address.lstrip("# ")
    kind = _text(device.get("type")).lower() or "jk"
    kind = OURS.get(kind, kind)
    who = alias or harmless(address, 40) or "a battery without an address"
    if "group" in kind or "," in address:
        plan.left.append(f"{who}: {LATER['groups']}")
        return None
    if kind not in KINDS:
        plan.left.append(f"{who}: batteries of type {harmless(kind, 20)} are not read yet")
        return None
    try:
        address = KINDS[kind].address_form.parse(address)
    except ValueError:
        plan.left.append(
            f"{who}: {harmless(address, 40)!r} is a name, not an address: find it with a scan, then write its alias"
        )
        return None
    entry = {"address": address}
    if alias:
        entry["alias"] = alias
    if kind != "jk":
        entry["type"] = kind
    for key in ("pin", "adapter"):
        if text := _text(device.get(key)):
            entry[key] = text
    if off:
        entry["enabled"] = "false"
    if (factor := _text(device.get("current_calibration"))) not in ("", "1", "1.0"):
        try:
            good = 0.1 <= float(factor) <= 10.0
        except ValueError:
            good = False
        if good:
            entry["current_calibration"] = factor
        else:
            plan.left.append(
                f"{who}: current_calibration {harmless(factor, 20)}: expected a factor from 0.1 to 10"
            )
    for key in sorted(map(str, device.keys() - _DEVICE)):
        if device[key] not in (None, "", False):
            plan.left.append(f"{who}: {harmless(key, 40)}")
    if note := _text(device.get("note")):
        plan.left.append(f"{who}: its note, {harmless(note, 80)!r}")
    return entry


def _option(key: str, value: Any, plan: Plan) -> None:
    text = _text(value)
    if key == "devices" or key in PORTS or not text or _LEGACY.fullmatch(key):
        return
    if key == "expire_values_after" and value == 0:
        plan.left.append("expire_values_after 0: here what is old never counts as present")
    elif key in SAME:
        plan.settings[SAME[key]] = text
    elif key == "influxdb_host":
        host, _, path = text.partition("://")[2].partition("/") if "://" in text else text.partition("/")
        plan.settings["INFLUXDB_HOST"] = host
        if path:
            plan.settings["INFLUXDB_PATH"] = f"/{path}"
        if text.startswith("https://"):
            plan.settings["INFLUXDB_SSL"] = "true"
    elif key == "verbose_log":
        if value is True:
            plan.settings["LOG_LEVEL"] = "DEBUG"
    elif key not in NEEDLESS:
        plan.left.append(f"{harmless(key, 40)}: {LATER.get(key, 'not known here')}")


def _text(value: Any) -> str:
    """What an option says, as it stands in a file of ours; empty: nothing, or no single value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if math.isfinite(value) else ""
    return str(value).strip() if isinstance(value, str | int) else ""
