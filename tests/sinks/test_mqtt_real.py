"""The sink on a real broker: what is said in which order, and what an outage costs."""

import asyncio
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jk_bms.model import Device
from tests.sinks.mqtt_house import Broker, House, listening, on, retained, until

TOP = Path(__file__).resolve().parents[2]
P = "battery_1"
CONFIG = f"homeassistant/device/{P}/config"
STATUS = "easun-jkbms/status"


async def test_a_battery_arrives_in_order_and_leaves_with_a_word(tmp_path: Path) -> None:
    """Discovery, availability, status, states; one discovery message for each device; ``offline`` at the end."""
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port)
        async with listening(broker) as heard:
            house.sink.accept(house.sample(cell_voltages=(3.301, 3.299)))
            async with house.running():
                await until(lambda: heard.last(f"{P}/soc/power"))
                await until(lambda: heard.last(STATUS) == "online")
            await until(lambda: heard.last(STATUS) == "offline")
        topics = [topic for _, topic, _, _ in heard.all]
        assert topics.index(CONFIG) < topics.index(f"{P}/availability") < topics.index(STATUS)
        assert topics.index(STATUS) < topics.index(f"{P}/soc/total_voltage")
        assert heard.last(f"{P}/soc/total_voltage") == "52.8"
        assert heard.last(f"{P}/soc/current") == "-3.25"
        assert heard.last(f"{P}/soc/power") == "-171.6"
        assert heard.last(f"{P}/soc/discharge_power") == "171.6"
        assert heard.last(f"{P}/soc/charge_power") == "0"
        assert heard.last(f"{P}/link") == "ON"
        kept = await retained(broker)
    assert set(kept) == {CONFIG, "homeassistant/device/easun_jkbms/config", f"{P}/availability", STATUS}
    assert len(heard.of(CONFIG)) <= 2  # the second: values that came later


async def test_a_battery_that_is_not_heard_is_unavailable_and_nothing_else_is_said(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port, EXPIRE_VALUES_AFTER="2")
        async with listening(broker) as heard, house.running(every=0):
            house.sink.accept(house.sample())
            await until(lambda: heard.last(f"{P}/availability") == "online")
            await until(lambda: heard.last(f"{P}/availability") == "offline")
            gone = time.monotonic()
            await asyncio.sleep(1.0)
            late = {
                topic for when, topic, _, _ in heard.all if when > gone + 0.1 and topic.startswith(f"{P}/soc")
            }
            house.sink.accept(house.sample())
            await until(lambda: heard.last(f"{P}/availability") == "online")
    assert late == set()


@pytest.mark.parametrize("persistent", [True, False])
async def test_a_broker_that_was_killed_has_all_again(persistent: bool, tmp_path: Path) -> None:
    """Within 10 s, whether or not it remembers what was retained."""
    with on(Broker(tmp_path, persistent=persistent)) as broker:
        house = House(tmp_path, broker.port)
        async with house.running():
            await until(lambda: house.sink.shown().failure is None)
            for _ in range(2):
                broker.stop()
                await until(lambda: house.sink.shown().failure)
                broker.start()
                back = time.monotonic()
                async with listening(broker) as heard:
                    await until(
                        lambda: (
                            heard.last(f"{P}/soc/power")
                            and heard.last(CONFIG)
                            and heard.last(STATUS) == "online"
                        )
                    )
                assert time.monotonic() - back < 10.0
                assert heard.last(f"{P}/availability") == "online"


async def test_a_broker_that_comes_later_gets_all_and_the_log_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    broker = Broker(tmp_path)
    house = House(tmp_path, broker.port)
    async with house.running():
        await until(lambda: "no broker" in (house.sink.shown().failure or ""))
        await asyncio.sleep(3.5)  # it is tried again meanwhile
        with on(broker):
            async with listening(broker) as heard:
                await until(lambda: heard.last(f"{P}/soc/power"))
    said = [record for record in caplog.records if record.getMessage().startswith("mqtt")]
    assert [record.levelname for record in said] == ["WARNING", "INFO"]


async def test_who_is_killed_leaves_a_last_will(tmp_path: Path) -> None:
    program = (
        "import sys; from tests.sinks.mqtt_house import for_ever; for_ever(sys.argv[1], int(sys.argv[2]))"
    )
    with on(Broker(tmp_path)) as broker:
        async with listening(broker) as heard:
            process = subprocess.Popen(
                [sys.executable, "-c", program, str(tmp_path), str(broker.port)], cwd=TOP
            )
            try:
                await until(lambda: heard.last(STATUS) == "online")
            finally:
                process.kill()
                process.wait()
            await until(lambda: heard.last(STATUS) == "offline", 45.0)
        assert (await retained(broker))[STATUS] == "offline"


async def test_a_wrong_password_is_told_once_and_names_the_setting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "passwords").write_text("")
    with on(Broker(tmp_path, "allow_anonymous false", f"password_file {tmp_path}/passwords")) as broker:
        house = House(tmp_path, broker.port, MQTT_USER="me", MQTT_PASSWORD="canary-5d41")
        async with house.running():
            await until(lambda: "MQTT_PASSWORD" in (house.sink.shown().failure or ""))
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert "canary" not in caplog.text
    assert "canary" not in (house.sink.shown().failure or "")


async def test_a_broker_that_swallows_bytes_delays_nobody(tmp_path: Path) -> None:
    """Taking a sample never waits; what was meanwhile is forgotten, what is now comes when it goes on."""
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port, PUBLISH_PERIOD="0.1")
        async with house.running():
            await until(lambda: house.sink.shown().failure is None)
            broker.freeze()
            longest, late, end = 0.0, 0.0, time.monotonic() + 8.0
            n = 0
            while time.monotonic() < end:
                begun = time.perf_counter()
                house.sink.accept(
                    house.sample(
                        voltage=50 + n % 100 / 50,
                        cell_voltages=tuple(3.3 + (n + i) % 50 / 1000 for i in range(24)),
                    )
                )
                longest = max(longest, time.perf_counter() - begun)
                before = time.perf_counter()
                await asyncio.sleep(0.01)
                late = max(late, time.perf_counter() - before - 0.01)
                n += 1
            assert len(house.sink._out._waiting) < 200
            broker.thaw()
            async with listening(broker) as heard:
                await until(lambda: heard.last(f"{P}/soc/power"))
    assert longest < 0.1
    assert late < 0.5


async def test_birth_brings_all_states_within_five_seconds(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port)
        async with listening(broker) as heard, house.running(every=1.0, current=0.0, charged_kwh=12.5):
            await until(lambda: heard.last(f"{P}/meter/total_energy_charge"))
            await asyncio.sleep(4.0)  # what it was told of once is told again by then
            begun = time.monotonic()
            await heard.publish("homeassistant/status", "online")

            def back() -> bool:
                since = {topic for when, topic, _, _ in heard.all if when > begun}
                return {
                    CONFIG,
                    f"{P}/meter/total_energy_charge",
                    f"{P}/soc/soc_percent",
                    f"{P}/availability",
                    STATUS,
                } <= since

            await until(back)
            assert time.monotonic() - begun < 5.0


ALIASES = ("Акб Щит", "battery.1", "bat/1", "+", "🔋", "x" * 200, "a b", "a_b")


async def test_any_alias_is_a_topic_and_an_id_of_its_own(tmp_path: Path) -> None:
    devices = [
        Device(address=f"C8:47:8C:00:01:{n:02X}", number=n + 1, name=alias) for n, alias in enumerate(ALIASES)
    ]
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port, *devices)
        async with listening(broker) as heard, house.running():
            await until(
                lambda: (
                    sum(topic.endswith("/soc/power") for topic in {one[1] for one in heard.all})
                    == len(ALIASES)
                )
            )
    topics = {
        topic.removesuffix("/soc/power") for _, topic, _, _ in heard.all if topic.endswith("/soc/power")
    }
    assert {"Акб_Щит", "battery.1", "bat/1", "_", "x" * 63 + "_", "a_b"} <= topics
