"""Which devices Home Assistant is told of, and what became of those that it was told of before."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from jk_bms.config.settings import Settings
from jk_bms.model import Device
from jk_bms.sinks.mqtt.discovery import battery_device, component, messages
from jk_bms.sinks.mqtt.entities import BUTTONS, ENTITIES, HOUSE, Entity, outbox
from jk_bms.sinks.mqtt.names import Names

HOUSE_NODE = "easun_jkbms"
ALWAYS = ("link", "link_state", "last_seen", "alert", "alert_open")
GONE, CELL_GONE = timedelta(days=7), timedelta(days=1)  # without a value until its entity is removed


class Described(NamedTuple):
    """What is to be published of a device: ``before``, where entities have left, comes first."""

    before: Mapping[str, str]
    now: Mapping[str, str]


class Devices:
    """``known``: what was told of whom, by address, as it is kept in bms.db."""

    def __init__(self, settings: Settings, house: str, mark: str, expiry: float) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self._settings, self._house, self._expiry = settings, house, expiry
        self._mark, self._id = mark, mark + HOUSE_NODE
        self.control = bool(settings.mqtt_user or settings.mqtt_anonymous_control)
        self._program = ({"topic": f"{house}/status"},)

    def house(self, keys: Iterable[str]) -> Described:
        """Return the house of which there are states of these ``keys``."""
        there = set(keys)
        rows = [row for row in HOUSE.values() if row.lasts or row.key in there]
        rows += [outbox(key.removeprefix("outbox_")) for key in sorted(there) if key.startswith("outbox_")]
        name = self._settings.house or "easun-jkbms"
        device = {"identifiers": [self._id], "name": name, "model": "easun-jkbms"}
        components = {
            row.id: component(
                row, self._id, self._house, () if row.key == "status" else self._program, self._expiry
            )
            for row in rows
            if self.control or not row.key.startswith("cmd/")
        }
        return self._described(self._id, {"device": device}, components, ())

    def battery(
        self, who: Device, names: Names, topic: str, keys: Iterable[str], today: date, url: str | None
    ) -> Described:
        """Return a battery of which there are states of these ``keys``, and note that there are."""
        known = self.known.setdefault(
            who.address, {"uid": names.uid, "ids": [who.serial or names.topic], "seen": {}, "how": ""}
        )
        known |= {"node": names.node, "topic": topic}
        seen: dict[str, str] = known["seen"]
        seen |= {key: str(today) for key in (*keys, *ALWAYS) if key in ENTITIES}
        gone = [
            key
            for key, day in seen.items()
            if today - date.fromisoformat(day) > (CELL_GONE if key.startswith("cell_voltages/") else GONE)
        ]
        for key in gone:
            del seen[key]
        rows = [ENTITIES[key] for key in sorted(seen) if key in ENTITIES] + [*BUTTONS] * self.control
        device = battery_device(who, [self._mark + each for each in known["ids"]], self._id, url)
        about = {
            "device": device,
            "availability": (*self._program, {"topic": f"{topic}/availability"}),
            "availability_mode": "all",
        }
        uid = self._mark + known["uid"]
        components = {
            row.id: component(row, uid, topic, self._program if row.lasts else (), self._expiry)
            for row in rows
        }
        left = [ENTITIES[key] for key in gone if key in ENTITIES]
        return self._described(self._mark + names.node, about, components, left)

    def _described(
        self, node: str, about: Mapping[str, Any], components: Mapping[str, Any], gone: Iterable[Entity]
    ) -> Described:
        how, prefix = self._settings.mqtt_discovery, self._settings.mqtt_discovery_prefix
        left = {row.id: {"platform": row.platform} for row in gone}
        now = messages(how, prefix, node, about, components)
        return Described(messages(how, prefix, node, about, {**components, **left}) if left else {}, now)
