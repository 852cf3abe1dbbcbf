"""The JSON tree of the Herak/Pico monitor, on a real broker."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jk_bms.model import Device
from jk_bms.sinks.mqtt.pico import AGAIN, Pico
from tests.sinks.ha_rules import faults
from tests.sinks.mqtt_house import PACK, Broker, House, listening, on, retained, until

CELLS = tuple(3.300 + 0.001 * n for n in range(16))
FULL: dict[str, Any] = {
    "voltage": 52.9,
    "current": -12.5,
    "cell_voltages": CELLS,
    "cell_numbers": tuple(range(1, 17)),
    "cell_resistances": tuple(0.05 + 0.001 * n for n in range(16)),
    "battery_soc": 71.5,
    "temperatures": (-3.5, 18.0),
    "probe_numbers": (1, 2),
    "mosfet_temperature": -1.0,
    "balancing": True,
    "balance_current": -0.8,
    "remaining_ah": 200.2,
    "full_ah": 280.0,
    "cycles": 77,
    "cycle_charge_ah": 21560.0,
    "soh": 99.0,
}


async def test_every_object_says_what_it_is_to_say_and_is_kept_by_the_broker(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port, MQTT_TOPIC="home/bms")
        async with listening(broker) as heard, house.running(**FULL):
            await until(lambda: heard.last("home/bms/bms_jk0/Vendor/status"))
        kept = await retained(broker)
    told = {topic: json.loads(text) for topic, text in kept.items() if topic.startswith("home/bms/")}
    assert all(datetime.fromisoformat(each.pop("time")).tzinfo for each in told.values())
    assert told == {
        "home/bms/bms_jk0/cell_0_v/status": {f"cell_{n}_v": round(3.3 + 0.001 * n, 3) for n in range(16)},
        "home/bms/bms_jk0/cell_0_r/status": {f"cell_{n}_r": round(0.05 + 0.001 * n, 3) for n in range(16)},
        "home/bms/bms_jk0/v_avg/status": {
            "v_avg": 3.307, "v_delta": 0.015, "cell_v_min": 0, "cell_v_max": 15, "batt_action": 2, "power_temp": -1.0,
            "batt_temp1": -3.5, "batt_temp2": 18.0, "batt_temp_mos": -1.0, "batt_volt": 52.9, "batt_power": -661.2,
            "batt_state": 71.5, "batt_cycles": 77, "batt_charge_curr": -12.5, "batt_balance_curr": -0.8,
            "batt_cap_rem": 200.2, "batt_cap_nom": 280.0, "batt_cycles_cap": 21560.0, "soh": 99.0, "batt_v": 52.9,
        },
        "home/bms/bms_jk0/Vendor/status": {
            "Vendor": "JK BMS", "Model": "JK_B2A24S", "Hardware": "10.XW", "Software": "10.07", "SerialN": "207013",
        },
    }  # fmt: skip
    assert not [
        topic for topic in kept if topic.startswith("homeassistant/sensor/")
    ]  # all would stand there twice


async def test_home_assistant_takes_what_it_is_told_of_it(tmp_path: Path) -> None:
    second = Device(address="C8:47:8C:00:00:02", name='shed "</>{{', number=2)
    with on(Broker(tmp_path)) as broker:
        how = {"MQTT_TOPIC": "home/bms", "MQTT_DISCOVERY": "off", "PICO_CLIENT_ID": "old-pico"}
        house = House(tmp_path, broker.port, PACK, second, **how)
        async with listening(broker) as heard, house.running(**FULL):
            await until(lambda: heard.last("homeassistant/sensor/home_bms_bms_jk1_soh/config"))
        kept = await retained(broker)
    told = {topic: json.loads(text) for topic, text in kept.items() if topic.startswith("homeassistant/")}
    for topic, message in told.items():
        if topic.startswith("homeassistant/sensor/"):
            component = {key: value for key, value in message.items() if key not in ("device", "origin")}
            whole = {key: message[key] for key in ("device", "origin")}
            whole["components"] = {"one": component | {"platform": "sensor"}}
            assert faults("homeassistant/device/one/config", json.dumps(whole)) == []
            key = message["value_template"].removeprefix("{{ value_json.").removesuffix(" }}")
            assert key in json.loads(kept[message["state_topic"]])
    volt = told["homeassistant/sensor/home_bms_bms_jk0_batt_volt/config"]
    assert (volt["unique_id"], volt["name"]) == ("old-pico_bms_jk0_batt_volt", "bms_jk0_batt_volt")
    assert (volt["unit_of_measurement"], volt["device_class"]) == ("V", "voltage")
    assert volt["device"]["identifiers"] == ["old-pico"]
    link = told["homeassistant/device/home_bms/config"]["components"]["old-pico-device"]
    assert kept[link["state_topic"]] in ("online", "offline")
    assert len([topic for topic in told if "_bms_jk1_cell_" in topic and topic.endswith("_v/config")]) == 16


def test_it_is_sent_when_it_is_another_and_now_and_then(tmp_path: Path) -> None:
    house = House(tmp_path, 1, MQTT_TOPIC="t")
    pico = Pico(house.settings, "s")
    one = house.sample(**FULL)
    at = one.monotonic

    def later(seconds: float, **news: Any) -> list[str]:
        sample = msgspec.structs.replace(one, monotonic=at + seconds, **news)
        return [topic.split("/")[2] for topic, _ in pico.news(sample)]

    assert later(0.0) == ["cell_0_v", "cell_0_r", "v_avg", "Vendor"]
    assert later(1.0) == []
    assert later(2.0, battery_soc=71.4) == ["v_avg"]
    assert later(AGAIN) == ["cell_0_v", "cell_0_r", "v_avg", "Vendor"]
    pico.reset()
    assert len(later(AGAIN + 1)) == 4


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    house = House(tmp_path, 1, MQTT_TOPIC="t")
    told = dict(Pico(house.settings, "s").news(house.sample(current=None)))
    pack = json.loads(told["t/bms_jk0/v_avg/status"])
    assert pack.keys() == {"time", "batt_volt", "batt_state", "batt_v"}
    assert told.keys() == {"t/bms_jk0/v_avg/status", "t/bms_jk0/Vendor/status"}


@pytest.mark.parametrize("topic", ["", None])
def test_it_is_off_unless_it_is_wanted(tmp_path: Path, topic: str | None) -> None:
    house = House(tmp_path, 1, **({} if topic is None else {"MQTT_TOPIC": topic}))
    pico = Pico(house.settings, "s")
    assert list(pico.news(house.sample(**FULL))) == []
    assert pico.discovery() == {}
