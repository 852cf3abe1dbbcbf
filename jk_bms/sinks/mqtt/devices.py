"""Which devices Home Assistant is told of, and what became of those that it was told of before."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from jk_bms.config.settings import Settings
from jk_bms.model import Device
from jk_bms.sinks.mqtt.discovery import battery_device, component, device_topic, messages, single_topic
from jk_bms.sinks.mqtt.entities import BUTTONS, ENTITIES, HOUSE, Entity, outbox
from jk_bms.sinks.mqtt.names import Names

HOUSE_NODE = "easun_jkbms"
ALWAYS = ("link", "link_state", "last_seen", "alert", "alert_open")
GONE, CELL_GONE = timedelta(days=7), timedelta(days=1)  # without a value until its entity is removed


class Described(NamedTuple):
    """What is to be published of a device: ``before``, where entities have left, comes first.

    ``old`` are topics of what it was told of elsewhere or in another form, ``left`` others that are to be cleared.
    """

    before: Mapping[str, str]
    now: Mapping[str, str]
    node: str = ""
    uid: str = ""
    topic: str = ""
    old: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    first: bool = False  # it was never told of
    moves: bool = False


class Devices:
    """``known``: what was told of whom, by address, as it is kept in bms.db."""

    def __init__(self, settings: Settings, house: str, mark: str, expiry: float) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.prefix = settings.mqtt_discovery_prefix
        self.control = bool(settings.mqtt_user or settings.mqtt_anonymous_control)
        self._settings, self._house, self._expiry = settings, house, expiry
        self._how = settings.mqtt_discovery
        self._mark, self._id = mark, mark + HOUSE_NODE
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
        now = messages(self._how, self.prefix, self._id, {"device": device}, components)
        other = {device_topic(self.prefix, self._id), *self._single(self._id, HOUSE.values())} - now.keys()
        return Described(dict.fromkeys(sorted(other), ""), now)

    def battery(
        self, who: Device, names: Names, keys: Iterable[str], today: date, url: str | None, *, topic: str
    ) -> Described:
        """Return a battery of which there are states of these ``keys``, and note that there are."""
        known = self.known.get(who.address)
        if known is None:
            known = {"uid": names.uid, "ids": [who.serial or names.topic], "seen": {}, "how": ""}
            others = self.known.items()  # of one that is gone its ids may be taken over
            self.known = {
                one: told for one, told in others if (told["how"], told["uid"]) != ("gone", names.uid)
            }
            self.known[who.address] = known
        seen: dict[str, str] = known["seen"]
        for key in (*keys, *ALWAYS):
            if key in ENTITIES:
                seen[key] = max(str(today), seen.get(key, ""))  # a clock may be wrong
        gone = [
            key
            for key, day in seen.items()
            if today - date.fromisoformat(day) > (CELL_GONE if key.startswith("cell_voltages/") else GONE)
        ]
        for key in gone:
            del seen[key]
        uid, node = self._mark + known["uid"], self._mark + names.node
        about = {
            "device": battery_device(who, [self._mark + each for each in known["ids"]], self._id, url),
            "availability": (*self._program, {"topic": f"{topic}/availability"}),
            "availability_mode": "all",
        }
        rows = self._rows(known)
        components = {
            row.id: component(row, uid, topic, self._program if row.lasts else (), self._expiry)
            for row in rows
        }
        left = {ENTITIES[key].id: {"platform": ENTITIES[key].platform} for key in gone if key in ENTITIES}
        now = messages(self._how, self.prefix, node, about, components)
        before = messages(self._how, self.prefix, node, about, components | left) if left else {}
        how, was = known["how"], known.get("node", node)
        old = self.topics(known)
        if not how and self._how == "device":  # where BatMON had its own, which a broker does not keep
            old = self._single(node, rows)
        moved = known.get("topic", topic) != topic
        return Described(
            before,
            now,
            node,
            uid,
            topic,
            old=tuple(old) if how != self._how or was != node else (),
            left=(f"{known['topic']}/availability",) if moved else (),
            first=not how and self._how != "off",
            moves=how != self._how or was != node or moved,
        )

    def settled(self, address: str, described: Described) -> None:
        """Note that Home Assistant knows a battery as it is described."""
        self.known[address] |= {"how": self._how, "node": described.node, "topic": described.topic}

    def gone(self, present: Iterable[str]) -> Iterator[str]:
        """Yield the topics to be cleared of batteries that are no longer there; each is forgotten, but for its ids."""
        for address in sorted(self.known.keys() - set(present)):
            known = self.known[address]
            if known["how"] not in ("", "gone"):
                yield from (*self.topics(known), f"{known['topic']}/availability")
            known["how"] = "gone"

    def topics(self, known: Mapping[str, Any]) -> list[str]:
        """Return where a battery was told of."""
        if known["how"] == "device":
            return [device_topic(self.prefix, known["node"])]
        return self._single(known["node"], self._rows(known)) if known["how"] == "single" else []

    def _rows(self, known: Mapping[str, Any]) -> list[Entity]:
        return [ENTITIES[key] for key in sorted(known["seen"]) if key in ENTITIES] + [*BUTTONS] * self.control

    def _single(self, node: str, rows: Iterable[Entity]) -> list[str]:
        return [single_topic(self.prefix, node, row.platform, row.id) for row in rows]
