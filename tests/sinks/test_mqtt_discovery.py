"""What Home Assistant is told of a device, judged by the table of its rules; mutants of it are refused."""

import json
import os
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jk_bms import __version__
from jk_bms.config.settings import load_settings
from jk_bms.model import Device
from jk_bms.sinks.mqtt.devices import Devices
from jk_bms.sinks.mqtt.entities import ENTITIES, HOUSE, Entity, outbox
from jk_bms.sinks.mqtt.names import names_of, topic_of
from jk_bms.sinks.mqtt.states import Battery
from tests.sinks.ha_rules import MOST, PLATFORMS, SENSOR_CLASSES, faults
from tests.sinks.mqtt_house import PACK
from tests.sinks.test_mqtt import sample

GOLDEN = Path(__file__).with_name("mqtt_golden.json")
TODAY = date(2026, 12, 1)
CELLS = 16
FULL: dict[str, Any] = {
    "voltage": 52.8,
    "current": -3.2,
    "cell_voltages": (3.3,) * CELLS,
    "battery_soc": 71.0,
    "soc_low": 69.0,
    "soc_high": 73.0,
    "learned_ah": 278.0,
    "full_ah": 280.0,
    "remaining_ah": 199.0,
    "soh": 99.0,
    "cycles": 12,
    "cycle_charge_ah": 3400.0,
    "charged_kwh": 100.5,
    "discharged_kwh": 99.5,
    "charged_ah": 2000.0,
    "discharged_ah": 1990.0,
    "equivalent_cycles": 7.1,
    "empty_in": (3600.0, 7200.0),
    "full_in": (3600.0, 7200.0),
    "temperatures": (21.0, 22.0, 23.0),
    "mosfet_temperature": 25.0,
    "balance_current": 0.0,
    "balancing": False,
    "charge_enabled": True,
    "discharge_enabled": True,
    "heating": False,
    "problem_code": 0,
    "alarms": (),
    "uptime": 86400,
}


def devices(folder: Path, **settings: str) -> Devices:
    given = {
        "BMS_DB_PATH": str(folder / "bms.db"),
        "MQTT_BROKER": "b",
        "MQTT_ANONYMOUS_CONTROL": "true",
    } | settings
    loaded = load_settings(given, top=folder)
    before = f"{loaded.mqtt_topic_prefix}/" if loaded.mqtt_topic_prefix else ""
    return Devices(loaded, f"{before}easun-jkbms", before.replace("/", "_"), 60.0)


def told(made: Devices, who: Device = PACK, today: date = TODAY, before: str = "", **values: Any) -> Any:
    """What is published of a battery with these values."""
    battery = Battery(1.0, invert=False)
    battery.take(sample(1.0, **(FULL | values)))
    keys = (*battery.last, "link", "link_state", "rssi", "alert_open")
    [names] = names_of([(who.address, who.label)], made.known).values()
    return made.battery(who, names, keys, today, "http://house.local:8000", topic=before + names.topic)


def message(folder: Path, **settings: str) -> tuple[str, str]:
    [(topic, text)] = told(devices(folder, **settings)).now.items()
    return topic, text


def test_it_is_as_it_was(tmp_path: Path) -> None:
    """Any change of a name, an id or a class is one for every owner: REWRITE=1 writes the file anew."""
    topic, text = message(tmp_path)
    [(house_topic, house_text)] = devices(tmp_path).house((*HOUSE, outbox("influx").key)).now.items()
    found = {topic: json.loads(text), house_topic: json.loads(house_text)}
    for one in found.values():
        assert one["origin"].pop("sw_version") == __version__
    shown = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("REWRITE"):
        GOLDEN.write_text(shown, encoding="utf-8")

    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == found


@pytest.mark.parametrize("how", [{}, {"MQTT_TOPIC_PREFIX": "house/one"}, {"MQTT_DISCOVERY_PREFIX": "ha"}])
def test_home_assistant_takes_it(how: dict[str, str], tmp_path: Path) -> None:
    made = devices(tmp_path, **how)
    prefix = how.get("MQTT_DISCOVERY_PREFIX", "homeassistant")
    for told_of in (told(made), made.house((*HOUSE, outbox("influx").key)), made.house(())):
        [(topic, text)] = told_of.now.items()
        assert faults(topic, text, prefix) == []


@pytest.mark.parametrize("alias", ["Акб Щит", "bat/1", "🔋", "x" * 200, "Voltage", "<b>&\"'"])
def test_home_assistant_takes_any_alias(alias: str, tmp_path: Path) -> None:
    who = msgspec.structs.replace(PACK, name=alias)
    [(topic, text)] = told(devices(tmp_path), who).now.items()
    wrong = [one for one in faults(topic, text) if "begins with that of the device" not in one]
    assert wrong == []


def test_the_largest_has_room(tmp_path: Path) -> None:
    who = msgspec.structs.replace(PACK, name="Щ" * 60)
    [(topic, text)] = told(
        devices(tmp_path), who, cell_voltages=(3.3,) * 48, temperatures=(20.0,) * 10
    ).now.items()
    assert faults(topic, text) == []
    assert len(text.encode()) < MOST


def test_batmons_ids_are_all_there(tmp_path: Path) -> None:
    """What it makes of the same battery: its entities, and their statistics, go on."""
    _, text = message(tmp_path)
    ids = {(one["platform"], one["unique_id"]) for one in json.loads(text)["components"].values()}
    keys = [
        *(
            f"soc/{key}"
            for key in [
                "total_voltage",
                "current",
                "balance_current",
                "soc_percent",
                "power",
                "capacity",
                "cycle_capacity",
                "num_cycles",
            ]
        ),
        *(f"mosfet_status/{key}" for key in ("capacity_ah", "temperature")),
        "bms/uptime",
        *(f"cell_voltages/{n}" for n in range(1, CELLS + 1)),
        *(
            f"cell_voltages/{key}"
            for key in ("min", "max", "average", "median", "delta", "min_index", "max_index")
        ),
        *(f"temperatures/{n}" for n in (1, 2, 3)),
        *(
            f"meter/{key}"
            for key in [
                "total_energy",
                "total_energy_charge",
                "total_energy_discharge",
                "total_charge",
                "total_cycles",
            ]
        ),
    ]
    batmon = {("sensor", f"battery_1__{key.replace('/', '_')}") for key in keys}
    batmon |= {("binary_sensor", f"battery_1__switch_{name}") for name in ("charge", "discharge", "balance")}

    assert batmon <= ids


def mutants() -> dict[str, Callable[[dict[str, Any]], object]]:
    """What is wrong, and how to make it so."""

    def put(component: str, key: str, value: Any) -> Callable[[dict[str, Any]], object]:
        return lambda message: message["components"][component].__setitem__(key, value)

    def drop(component: str, key: str) -> Callable[[dict[str, Any]], object]:
        return lambda message: message["components"][component].__delitem__(key)

    made: dict[str, Callable[[dict[str, Any]], object]] = {
        "no identifiers": lambda message: (message["device"].pop("identifiers"), message["device"].pop("connections")),
        "no name": lambda message: message["device"].pop("name"),
        "small letters": lambda message: message["device"].__setitem__("connections", [["bluetooth", "aa:bb:cc:dd:ee:ff"]]),
        "empty model": lambda message: message["device"].__setitem__("model", ""),
        "no page": lambda message: message["device"].__setitem__("configuration_url", "house.local"),
        "unknown key of a device": lambda message: message["device"].__setitem__("via_hub", "x"),
        "child devices": lambda message: message.__setitem__("child_devices", {}),
        "no origin": lambda message: message.pop("origin"),
        "too large": lambda message: message["device"].__setitem__("model", "x" * MOST),
        "a blank in an id": lambda message: message["components"].update({"a b": message["components"]["sensor_alarms"]}),
        "an id twice": put("sensor_soc_power", "unique_id", "battery_1__soc_current"),
        "a name twice": put("sensor_soc_power", "name", "Current"),
        "the device's name": put("sensor_soc_power", "name", "battery-1 power"),
        "no id": drop("sensor_soc_power", "unique_id"),
        "no topic": drop("sensor_soc_power", "state_topic"),
        "nothing to press": drop("button_read_now", "command_topic"),
        "config": put("sensor_soc_power", "entity_category", "config"),
        "icon": put("sensor_soc_power", "icon", "flash"),
        "empty icon": put("sensor_soc_power", "icon", ""),
        "expiry of nothing": put("sensor_soc_power", "expire_after", 0),
        "expiry of a button": put("button_read_now", "expire_after", 60),
        "options without enum": put("sensor_soc_power", "options", ["a"]),
        "enum without options": drop("sensor_link_state", "options"),
        "enum with a unit": put("sensor_link_state", "unit_of_measurement", "s"),
        "energy without statistics": drop("sensor_meter_total_energy", "state_class"),
        "a wildcard": put("sensor_soc_power", "state_topic", "a/+/b"),
        "a leading slash": put("sensor_soc_power", "state_topic", "/a"),
        "an unknown mode": lambda message: message.__setitem__("availability_mode", "some"),
        "no place of availability": put("sensor_soc_power", "availability", [{"topic": ""}]),
        "an unknown platform": put("sensor_soc_power", "platform", "senser"),
        "no types": put("event_alert", "event_types", []),
        "min above max": put("number_release_minutes", "min", 61),
        "no step": put("number_release_minutes", "step", 0),
        "digits of an enum": put("sensor_link_state", "suggested_display_precision", 1),
        "digits below nothing": put("sensor_soc_power", "suggested_display_precision", -1),
        "enabled by a word": put("sensor_soc_power", "enabled_by_default", "no"),
        "class of another platform": put("binary_sensor_problem", "device_class", "voltage"),
        "object_id": put("sensor_soc_power", "object_id", "x"),
    }  # fmt: skip
    carriers: dict[str, Entity] = {}
    for entity in ENTITIES.values():
        if entity.platform == "sensor" and entity.device_class in SENSOR_CLASSES:
            carriers.setdefault(entity.device_class, entity)
    for kind, entity in carriers.items():
        if entity.id in ("sensor_cell_voltages_1",) or entity.device_class in ("timestamp", "enum"):
            continue
        units, states = SENSOR_CLASSES[kind]
        wrong = next(
            unit for other, _ in SENSOR_CLASSES.values() for unit in sorted(other) if unit not in units
        )
        made[f"{kind} in another unit"] = put(entity.id, "unit_of_measurement", wrong)
        if other_states := {"measurement", "total", "total_increasing"} - states:
            made[f"{kind} as another state"] = put(entity.id, "state_class", sorted(other_states)[0])
        made[f"{kind} of no class"] = put(entity.id, "device_class", f"{kind}s")
    for platform, keys in PLATFORMS.items():
        foreign = sorted(set().union(*PLATFORMS.values()) - keys)
        entity = next(entity for entity in ENTITIES.values() if entity.platform == platform)
        for key in foreign:
            made[f"{key} of a {platform}"] = put(entity.id, key, "x")
    return made


MUTANTS = mutants()


@pytest.mark.parametrize("wrong", MUTANTS)
def test_a_mutant_is_refused(wrong: str, tmp_path: Path) -> None:
    topic, text = message(tmp_path)
    mutant = deepcopy(json.loads(text))
    MUTANTS[wrong](mutant)

    assert faults(topic, json.dumps(mutant)) != []


@pytest.mark.parametrize(
    "topic", ["homeassistant/device/Акб/config", "homeassistant/sensor/a/config", "a/device/b/config"]
)
def test_a_wrong_topic_is_refused(topic: str, tmp_path: Path) -> None:
    assert faults(topic, message(tmp_path)[1]) != []


def test_what_must_outlive_the_link_hangs_on_the_program_alone(tmp_path: Path) -> None:
    whole = json.loads(message(tmp_path)[1])
    program, battery = {"topic": "easun-jkbms/status"}, {"topic": "battery_1/availability"}
    assert whole["availability"] == [program, battery]
    for one in whole["components"].values():
        lasting = one["platform"] in ("button", "number", "event") or "__meter_total" in one["unique_id"]
        assert one.get("availability", [program]) == [program]
        assert "availability" in one or not lasting
    assert whole["components"]["sensor_soc_power"].keys() & {"availability", "expire_after"} == {
        "expire_after"
    }
    assert whole["components"]["sensor_soc_power"]["expire_after"] == 60
    assert whole["components"]["sensor_meter_total_energy"]["expire_after"] == 7200
    [house] = devices(tmp_path).house(HOUSE).now.values()
    assert "availability" not in json.loads(house)["components"]["binary_sensor_status"]


def test_nothing_to_press_where_anybody_could(tmp_path: Path) -> None:
    components = json.loads(message(tmp_path, MQTT_ANONYMOUS_CONTROL="false")[1])["components"]
    assert not [name for name in components if name.startswith(("button", "number"))]
    with_user = json.loads(message(tmp_path, MQTT_ANONYMOUS_CONTROL="false", MQTT_USER="me")[1])["components"]
    assert "button_release_link" in with_user


def test_a_value_that_has_left_is_removed_once_and_then_gone(tmp_path: Path) -> None:
    made = devices(tmp_path)
    told(made)
    later = TODAY + timedelta(days=2)
    [now] = told(made, today=later, cell_voltages=(3.3,) * 15, soh=None).now.values()
    assert "sensor_soc_soh" in json.loads(now)["components"]  # seven days
    first = told(devices(tmp_path))
    assert first.before == {}

    made.known[PACK.address]["seen"]["soc/soh"] = str(TODAY - timedelta(days=8))
    gone = told(made, today=later, soh=None)
    [before], [after] = gone.before.values(), gone.now.values()
    assert json.loads(before)["components"]["sensor_soc_soh"] == {"platform": "sensor"}
    assert "sensor_soc_soh" not in json.loads(after)["components"]


def test_a_cell_less_is_removed_after_a_day(tmp_path: Path) -> None:
    made = devices(tmp_path)
    told(made)
    assert told(made, today=TODAY + timedelta(days=1), cell_voltages=(3.3,) * 15).before == {}
    gone = told(made, today=TODAY + timedelta(days=3), cell_voltages=(3.3,) * 15)
    [before] = gone.before.values()
    assert [name for name, one in json.loads(before)["components"].items() if len(one) == 1] == [
        "sensor_cell_voltages_16"
    ]


def test_single_topics_are_those_of_batmon(tmp_path: Path) -> None:
    now = told(devices(tmp_path, MQTT_DISCOVERY="single")).now
    one = json.loads(now["homeassistant/sensor/battery_1/_soc_soc_percent/config"])
    assert one["unique_id"] == "battery_1__soc_soc_percent"
    assert one["device"]["identifiers"] == ["207013"]
    assert "homeassistant/binary_sensor/battery_1/charge/config" in now
    assert all(re.fullmatch(r"homeassistant/\w+/[\w-]+/[\w-]+/config", topic) for topic in now)
    assert told(devices(tmp_path, MQTT_DISCOVERY="off")).now == {}


def test_a_simulated_battery_has_no_address_of_the_air(tmp_path: Path) -> None:
    who = Device(address="simulated", name="Trial", kind="simulated")
    [(topic, text)] = told(devices(tmp_path), who).now.items()
    assert faults(topic, text) == []
    assert "connections" not in json.loads(text)["device"]
    assert topic_of("Trial") == "Trial"
