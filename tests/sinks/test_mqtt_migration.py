"""From BatMON, or from another form, to ours: the same entities, and nothing is left behind."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from jk_bms.config.settings import load_settings
from jk_bms.model.snapshot import Snapshot
from jk_bms.sinks.mqtt import migration
from tests.sinks.fake_ha import HomeAssistant, home_assistant
from tests.sinks.mqtt_house import (
    PACK,
    Broker,
    Heard,
    House,
    battery,
    listening,
    on,
    retained,
    settled,
    until,
)
from tests.sinks.test_mqtt_discovery import FULL

pytestmark = pytest.mark.long  # on the oldest Python the JSON tree alone goes over a broker

P = "battery_1"
CONFIG = f"homeassistant/device/{P}/config"
HOUSE = "homeassistant/device/easun_jkbms/config"
OURS = {CONFIG, HOUSE, f"{P}/availability", "easun-jkbms/status"}
BATMON = {
    **{
        f"homeassistant/sensor/{P}/_{key}/config": key
        for key in ("soc_power", "soc_soc_percent", "meter_total_energy")
    },
    **{f"homeassistant/sensor/{P}/_cell_voltages_{n}/config": f"cell_voltages_{n}" for n in range(1, 17)},
    **{
        f"homeassistant/binary_sensor/{P}/{name}/config": f"switch_{name}" for name in ("charge", "discharge")
    },
    **{f"homeassistant/switch/{P}/{name}/config": f"switch_{name}" for name in ("charge", "discharge")},
}
FOREIGN = f"homeassistant/sensor/{P}/_soc_soh/config"


@pytest.fixture(autouse=True)
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker on this machine, and a Home Assistant of some lines, need less time."""
    monkeypatch.setattr(migration, "LISTEN", 0.4)
    monkeypatch.setattr(migration, "SETTLE", 0.4)


async def batmon(heard: Heard, *, retain: bool) -> None:
    """What it says of the same battery."""
    for topic, key in BATMON.items():
        told = {"unique_id": f"{P}__{key}", "name": key, "device": {"identifiers": [PACK.serial]}}
        await heard.publish(topic, json.dumps(told), retain=retain)


def with_settings(house: House, **settings: str) -> None:
    """The same house after a restart with other settings."""
    given = {
        "BMS_DB_PATH": str(house.settings.bms_db_path),
        "BMS_SOCKET": str(house.settings.socket_path),
        "MQTT_BROKER": str(house.settings.mqtt_broker),
    }
    house.settings = load_settings(given | settings, top=house.settings.bms_db_path.parent)
    house.sink = house.new_sink()


def kept_entities(known: HomeAssistant, before: dict[tuple[str, str], str]) -> None:
    lasting = {key: name for key, name in before.items() if key[0] != "switch"}
    assert known.errors == []
    assert {key: known.registry.get(key) for key in lasting} == lasting
    assert not [name for name in known.registry.values() if name.endswith(" again")]


@pytest.mark.parametrize("retain", [True, False])
async def test_batmons_entities_live_on(retain: bool, tmp_path: Path) -> None:
    """Also those that it does not have kept, as long as Home Assistant runs on; and it is done once."""
    with on(Broker(tmp_path)) as broker:
        async with home_assistant(broker) as known, listening(broker) as heard:
            await batmon(heard, retain=retain)
            await until(lambda: len(known.registry) == len(BATMON))
            before = dict(known.registry)
            house = House(tmp_path, broker.port)
            async with house.running(**FULL):
                await until(lambda: settled(house))
            await until(lambda: heard.last("easun-jkbms/status") == "offline")
            kept_entities(known, before)
            assert set(await retained(broker)) == OURS
            count = len(heard.all)
            house.sink = house.new_sink()
            async with house.running(**FULL):
                await until(lambda: heard.last("easun-jkbms/status") == "online")
                await until(lambda: any(topic == CONFIG for _, topic, _, _ in heard.all[count:]))
                await asyncio.sleep(1.0)
            assert "migrate_discovery" not in str(heard.all[count:])
            kept_entities(known, before)


@pytest.mark.parametrize("stage", ["asked", "told", "cleared"])
async def test_what_was_interrupted_is_begun_anew(stage: str, tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        async with home_assistant(broker) as known, listening(broker) as heard:
            await batmon(heard, retain=True)
            await until(lambda: len(known.registry) == len(BATMON))
            before, last = dict(known.registry), sorted(BATMON)[-1]
            house = House(tmp_path, broker.port)
            async with house.running(**FULL):
                if stage == "asked":
                    await until(lambda: any("migrate" in text for _, _, text, _ in heard.all))
                elif stage == "told":
                    await until(lambda: heard.of(CONFIG))
                else:
                    await until(lambda: heard.last(min(BATMON)) == "")
            house.sink = house.new_sink()
            async with house.running(**FULL):
                await until(lambda: settled(house))
            await until(lambda: heard.last(last) == "")
            kept_entities(known, before)
            assert set(await retained(broker)) == OURS


async def test_what_is_of_another_program_stays(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        async with home_assistant(broker) as known, listening(broker) as heard:
            theirs = json.dumps({"unique_id": "theirs", "name": "x", "origin": {"name": "another"}})
            await heard.publish(FOREIGN, theirs, retain=True)
            await until(lambda: known.registry)
            house = House(tmp_path, broker.port)
            async with house.running(**FULL):
                await until(lambda: settled(house))
            assert (await retained(broker))[FOREIGN] == theirs
            assert heard.of(FOREIGN) == [theirs]
            assert ("sensor", "theirs") in known.registry


async def test_from_form_to_form_and_off(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        async with home_assistant(broker) as known, listening(broker):
            house = House(tmp_path, broker.port, MQTT_DISCOVERY="single")
            async with house.running(**FULL):
                await until(lambda: settled(house))
                await until(lambda: known.registry)
            mine = {key: name for key, name in known.registry.items() if key[1].startswith(P)}
            single = await retained(broker)
            assert (
                len([topic for topic in single if f"/{P}/" in topic and topic.endswith("/config")])
                == len(mine)
                > 50
            )
            for how in ("device", "single", "device"):
                with_settings(house, MQTT_DISCOVERY=how)
                async with house.running(**FULL):
                    await until(lambda: settled(house))
                assert known.errors == []
                assert {key: known.registry.get(key) for key in mine} == mine
            assert {topic for topic in await retained(broker) if P in topic} == {CONFIG, f"{P}/availability"}
            with_settings(house, MQTT_DISCOVERY="off")
            async with house.running(**FULL):
                await until(lambda: settled(house))
                await until(lambda: not known.registry)
            assert set(await retained(broker)) == OURS - {CONFIG, HOUSE}


async def test_another_alias_changes_topics_and_no_id(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        async with home_assistant(broker) as known, listening(broker) as heard:
            house = House(tmp_path, broker.port)
            async with house.running(**FULL):
                await until(lambda: settled(house))
                await until(lambda: ("sensor", f"{P}__soc_power") in known.registry)
            before = dict(known.registry)
            called = msgspec.structs.replace(PACK, name="Комора")
            house.devices = (called,)
            house.snapshot = Snapshot(devices=(battery(called),), alerts=())
            house.sink = house.new_sink()
            async with house.running(**FULL):
                await until(lambda: heard.last("Комора/soc/power"))
                await until(
                    lambda: settled(house) and house.sink._devices.known[PACK.address]["node"] == "Komora"
                )
            assert set(await retained(broker)) == {
                "homeassistant/device/Komora/config",
                HOUSE,
                "Комора/availability",
                "easun-jkbms/status",
            }
    assert known.errors == []
    assert {key: known.registry.get(key) for key in before} == before


async def test_a_battery_that_was_removed_leaves_nothing(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        async with home_assistant(broker) as known:
            house = House(tmp_path, broker.port)
            async with house.running(**FULL):
                await until(lambda: settled(house))
            house.snapshot = Snapshot(devices=(), alerts=())
            house.sink = house.new_sink()
            async with house.running(every=0):
                await until(lambda: not [key for key in known.registry if key[1].startswith(P)])
            assert set(await retained(broker)) == {HOUSE, "easun-jkbms/status"}
            house.snapshot = Snapshot(devices=(battery(PACK),), alerts=())
            house.sink = house.new_sink()
            async with house.running(**FULL):
                await until(lambda: ("sensor", f"{P}__soc_power") in known.registry)
                await until(lambda: settled(house))
            assert set(await retained(broker)) == OURS
