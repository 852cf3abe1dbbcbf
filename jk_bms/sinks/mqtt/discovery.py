"""What Home Assistant is told of a device: one retained message that lists its entities."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jk_bms import __version__
from jk_bms.model import Device
from jk_bms.model.kinds import kind_of
from jk_bms.sinks.mqtt.entities import Entity
from jk_bms.sinks.mqtt.outgoing import as_json

ORIGIN = {"name": "easun-jkbms", "sw_version": __version__}
_EXPIRES = ("sensor", "binary_sensor")
METER_EXPIRY = 7200  # s


def component(entity: Entity, uid: str, topic: str, present: Sequence[Any], expiry: float) -> dict[str, Any]:
    """Return an entity whose states go to ``topic`` and below; keys of nothing are left out.

    ``present``: when it is available; empty: as its device is. ``expiry``: s until a value that is not sent again
    is unknown.
    """
    where, button = f"{topic}/{entity.key}", entity.platform == "button"
    made: dict[str, Any] = {
        "platform": entity.platform,
        "unique_id": f"{uid}__{entity.key.removeprefix('cmd/').replace('/', '_')}",
        "name": entity.name,
        "unit_of_measurement": entity.unit,
        "device_class": entity.device_class,
        "state_class": entity.state_class,
        "suggested_display_precision": entity.digits,
        "icon": entity.icon and f"mdi:{entity.icon}",
        "entity_category": "diagnostic" if entity.diagnostic else "",
        "availability": present,
    }
    if entity.key.startswith("cmd/"):
        made["command_topic"] = where
        made |= {"payload_press": "PRESS"} if button else {"state_topic": where.replace("/cmd/", "/")}
    else:
        made["state_topic"] = where
    if entity.platform in _EXPIRES:
        meter = entity.key.startswith("meter/")
        made["expire_after"] = METER_EXPIRY if meter else None if entity.lasts else round(expiry)
    made |= entity.more
    if "json_attributes_topic" in made:
        made["json_attributes_topic"] = f"{topic}/{made['json_attributes_topic']}"
    if entity.hidden:
        made["enabled_by_default"] = False
    return {key: value for key, value in made.items() if value not in ("", None, ())}


def battery_device(device: Device, identifiers: Iterable[str], house: str, url: str | None) -> dict[str, Any]:
    """Return who a battery is."""
    kind = kind_of(device.kind)
    made = {
        "identifiers": list(identifiers),
        "connections": [["bluetooth", device.address.upper()]]
        if kind.needs_radio and device.address.count(":") == 5
        else None,
        "name": device.label,
        "manufacturer": kind.make,
        "model": device.model,
        "hw_version": device.hw_version,
        "sw_version": device.sw_version,
        "serial_number": device.serial,
        "via_device": house,
        "configuration_url": url,
    }
    return {key: value for key, value in made.items() if value}


def messages(
    how: str, prefix: str, node: str, about: Mapping[str, Any], components: Mapping[str, Any]
) -> dict[str, str]:
    """Return what to publish, retained, by topic; ``how`` is device, single or off; ``about`` counts for all."""
    about = {**about, "origin": ORIGIN}
    if how == "device":
        return {device_topic(prefix, node): as_json(about | {"components": components})}
    return {
        single_topic(prefix, node, made["platform"], name): as_json(about | made) if len(made) > 1 else ""
        for name, made in components.items()
        if how == "single"
    }


def device_topic(prefix: str, node: str) -> str:
    """Return where all of a device is told."""
    return f"{prefix}/device/{node}/config"


def single_topic(prefix: str, node: str, platform: str, name: str) -> str:
    """Return where one component has its own message: where BatMON has it."""
    key = name.removeprefix(f"{platform}_")
    inside = key.removeprefix("switch_") if key.startswith("switch_") else f"_{key}"
    return f"{prefix}/{platform}/{node}/{inside}/config"
