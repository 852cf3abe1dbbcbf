"""The sink on a real broker: what is said in which order, and what an outage costs."""

import asyncio
import json
import logging
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jk_bms.config.settings.kinds import HostPort
from jk_bms.hub import Unsaved
from jk_bms.model import Device
from jk_bms.model.alert import AlertTold
from jk_bms.model.snapshot import GridNow, InverterShown, OutboxNow
from jk_bms.sinks.mqtt import migration
from jk_bms.sinks.mqtt.broker import arguments
from tests.bare_environment import bare
from tests.scale import PATIENCE, in_time
from tests.sinks.ha_rules import faults
from tests.sinks.mqtt_house import PACK, Broker, House, listening, on, retained, settled, until

pytestmark = pytest.mark.long  # on the oldest Python the JSON tree alone goes over a broker

TOP = Path(__file__).resolve().parents[2]
P = "battery_1"
CONFIG = f"homeassistant/device/{P}/config"
STATUS = "easun-jkbms/status"


@pytest.fixture(autouse=True)
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker on this machine needs less time."""
    monkeypatch.setattr(migration, "LISTEN", 0.4)
    monkeypatch.setattr(migration, "SETTLE", 0.4)


async def test_a_battery_arrives_in_order_and_leaves_with_a_word(tmp_path: Path) -> None:
    """Discovery, availability, status, states; one discovery message for each device; ``offline`` at the end."""
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port)
        async with house.running():
            await until(lambda: settled(house))  # at the very first it is asked what others left
        house.sink = house.new_sink()
        async with listening(broker) as heard:
            house.sink.accept(house.sample(cell_voltages=(3.301, 3.299)))
            async with house.running():
                await until(lambda: heard.last(f"{P}/soc/power"))
                await until(lambda: heard.last(STATUS) == "online")
            await until(lambda: heard.last(STATUS) == "offline")
        topics = [topic for _, topic, _, kept in heard.all if not kept]
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
    assert len(heard.of(CONFIG)) <= 3  # what was kept, and that there are cells now


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
                await until(lambda: "was lost" in (house.sink.shown().failure or ""))
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


async def test_alerts_arrive_in_order_after_an_outage_and_say_that_they_are_late(tmp_path: Path) -> None:
    """Those from before the first start are history; a restart in the outage loses none."""
    broker = Broker(tmp_path)
    house = House(tmp_path, broker.port)
    house.happened("alert.raised", code=1)  # before it was set up
    house.sink = house.new_sink()
    with on(broker):
        async with listening(broker) as heard, house.running(every=0):
            await until(lambda: heard.last(STATUS) == "online")
            house.happened("alert.raised", code=2)
            await until(lambda: heard.of(f"{P}/alert"))
    for n in range(250):  # more than a page
        house.happened("link.lost" if n % 3 else "alert.repeat", ago=3600.0 - n, code=100 + n)
    house.happened("alert.raised", code=3, quiet="muted")
    house.happened("alert.cleared", device=None, code=4)
    house.sink = house.new_sink()
    with on(broker):
        async with listening(broker) as heard:
            async with house.running(every=0):
                await until(lambda: heard.of("easun-jkbms/alert"))
                house.happened("alert.worse", code=5)
                await until(lambda: heard.json(f"{P}/alert") and heard.json(f"{P}/alert")["code"] == 5)
            once = [json.loads(text) for text in heard.of(f"{P}/alert")]
            house.sink = house.new_sink()
            async with house.running(every=0):
                house.happened("alert.acknowledged", code=6)
                await until(lambda: heard.json(f"{P}/alert")["code"] == 6)
            assert len(heard.of(f"{P}/alert")) == len(once) + 1
        assert not any(topic.endswith("/alert") for topic in await retained(broker))
    assert [one["code"] for one in once] == [*(100 + n for n in range(0, 250, 3)), 5]
    assert all(one["late"] is True for one in once[:-1])
    assert "late" not in once[-1]
    assert once[-1].items() >= {"event_type": "worse", "level": "warning"}.items()
    assert once[0]["event_type"] == "repeated"
    assert "battery-1" in once[0]["title"]


async def test_an_alert_that_cannot_be_written_arrives_all_the_same_and_once(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port)
        async with listening(broker) as heard, house.running(every=0):
            await until(lambda: heard.last(STATUS) == "online")
            early = house.event("alert.raised", code=7)
            house.sink.accept(Unsaved(early))
            await until(lambda: heard.of(f"{P}/alert"))
            house.own.append(early)
            house.sink.accept(early)
            house.happened("alert.raised", code=8)
            await until(lambda: heard.json(f"{P}/alert")["code"] == 8)
            assert [json.loads(text)["code"] for text in heard.of(f"{P}/alert")] == [7, 8]


async def test_buttons_do_what_they_say(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port, MQTT_ANONYMOUS_CONTROL="true")
        async with listening(broker) as heard, house.running():
            await until(lambda: heard.last(f"{P}/release_minutes") == "10")
            await heard.publish(f"{P}/cmd/release_link", "PRESS")
            await until(lambda: len(house.asked) == 1)
            await heard.publish(f"{P}/cmd/release_minutes", "45")
            await until(lambda: heard.last(f"{P}/release_minutes") == "45")
            await heard.publish(f"{P}/cmd/release_link", "PRESS")
            await until(lambda: len(house.asked) == 2)
            for word in ("resume_link", "read_now"):
                await heard.publish(f"{P}/cmd/{word}", "PRESS")
            await heard.publish("easun-jkbms/cmd/test_alert", "PRESS")
            await until(lambda: len(house.asked) == 5)
    assert house.asked == [
        {"action": "release", "device": PACK.address, "seconds": 600.0},
        {"action": "release", "device": PACK.address, "seconds": 2700.0},
        {"action": "resume", "device": PACK.address},
        {"action": "read", "device": PACK.address},
        {"action": "alert_test"},
    ]


async def test_what_is_no_command_is_told_once_and_done_never(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Retained ones too: a broker would send them at each connection."""
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port, MQTT_ANONYMOUS_CONTROL="true")
        async with listening(broker) as heard:
            await heard.publish(f"{P}/cmd/release_link", "PRESS", retain=True)
            async with house.running():
                await until(lambda: heard.last(STATUS) == "online")
                for text in ("", "press", "ON", "P" * 70, "PRESS" + " " * 65, "\x00", "PRESS\n" * 3):
                    await heard.publish(f"{P}/cmd/read_now", text)
                for text in ("0", "61", "1.5", "-1", "1e1", "x", "٣", "9" * 60):
                    await heard.publish(f"{P}/cmd/release_minutes", text)
                await heard.publish(f"{P}/cmd/resume_link", "PRESS")
                await until(lambda: house.asked)
    assert [one["action"] for one in house.asked] == ["resume"]
    assert heard.last(f"{P}/release_minutes") == "10"
    told = [record.getMessage() for record in caplog.records if "ignored" in record.getMessage()]
    assert sorted(text.partition(":")[2].partition(":")[0].strip() for text in told) == [
        f"{P}/cmd/read_now",
        f"{P}/cmd/release_link",
        f"{P}/cmd/release_minutes",
    ]


async def test_nobody_commands_a_broker_that_lets_everybody_in(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port)
        async with listening(broker) as heard, house.running():
            await until(lambda: settled(house))
            count = len(heard.of(CONFIG))
            await heard.publish(f"{P}/cmd/release_link", "PRESS")
            await heard.publish("homeassistant/status", "online")  # what comes after it was heard
            await until(lambda: len(heard.of(CONFIG)) > count)
    assert house.asked == []
    assert "cmd/" not in (heard.last(CONFIG) or "")


async def test_the_house_is_a_device_of_its_own(tmp_path: Path) -> None:
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port, HOUSE="cabin")
        now = InverterShown(
            grid_voltage=231.4,
            grid_power=55.0,
            load_power=412.0,
            pv_power=0.0,
            age=3.0,
            grid=GridNow(state="lost"),
        )
        alert = AlertTold(
            rule="soc_low",
            code=1005,
            severity="warning",
            subject=PACK.address,
            since="2026-12-01T10:00:00+00:00",
        )
        house.snapshot = msgspec.structs.replace(
            house.snapshot,
            inverter=now,
            alerts=(alert,),
            sinks={"influx": OutboxNow(behind=65.4)},
            clock_trusted=False,
        )
        async with listening(broker) as heard, house.running():
            await until(lambda: heard.last(f"{P}/soc/power"))
            told = {topic: text for _, topic, text, _ in heard.all}
            house.snapshot = msgspec.structs.replace(
                house.snapshot, inverter=msgspec.structs.replace(now, age=121.0), alerts=()
            )
            await until(lambda: heard.last(f"{P}/alert_open") == "OFF")
            begun = time.monotonic()
            await asyncio.sleep(1.0)
            old = {topic for when, topic, _, _ in heard.all if when > begun and "grid" in topic}
    assert {
        key: told[f"easun-jkbms/{key}"] for key in ("grid_voltage", "grid_power", "load_power", "pv_power")
    } == {
        "grid_voltage": "231.4",
        "grid_power": "0",
        "load_power": "412",
        "pv_power": "0",
    }
    assert told["easun-jkbms/grid_present"] == "OFF"
    assert told["easun-jkbms/clock"] == "ON"
    assert told["easun-jkbms/outbox_influx"] == "65"
    assert told["easun-jkbms/alert_open"] == told[f"{P}/alert_open"] == "ON"
    assert json.loads(told[f"{P}/alerts"])["alerts"][0]["code"] == 1005
    assert json.loads(told["homeassistant/device/easun_jkbms/config"])["device"]["name"] == "cabin"
    assert told[f"{P}/rssi"] == "-61"
    assert told[f"{P}/link_state"] == "streaming"
    assert told[f"{P}/last_seen"].endswith("+00:00")
    assert old == set()


async def test_a_sample_is_published_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    """From where the poller tells of it until somebody else has it: 95 of 100, when it is due."""
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port, PUBLISH_PERIOD="0.1")
        took = []
        async with listening(broker) as heard, house.running(every=0):
            await until(lambda: heard.last(STATUS) == "online")
            for n in range(60):
                cells = tuple(3.3 + (n + i) % 40 / 1000 for i in range(16))
                volts = 50 + n / 100
                begun = time.monotonic()
                house.sink.accept(house.sample(voltage=volts, cell_voltages=cells))
                want = f"{volts:.2f}".rstrip("0").rstrip(".")
                await until(lambda want=want: heard.last(f"{P}/soc/total_voltage") == want)  # type: ignore[misc]
                took.append(
                    next(
                        when
                        for when, topic, text, _ in reversed(heard.all)
                        if topic == f"{P}/soc/total_voltage"
                    )
                    - begun
                )
                await asyncio.sleep(0.1)
    took.sort()
    assert in_time(took[int(len(took) * 0.95)], 0.1)


async def test_no_secret_leaves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in a topic nor in a payload, in the log, in what ``status`` says or in bms.db."""
    caplog.set_level(logging.DEBUG)
    canary = "canary-88c1"
    with on(Broker(tmp_path)) as broker:
        house = House(
            tmp_path,
            broker.port,
            MQTT_USER="me",
            MQTT_PASSWORD=canary,
            INFLUXDB_PASSWORD=canary,
            WEB_PASSWORD=f"{canary}-x",
            METRICS_TOKEN=canary,
            ALERT_URLS=f"json://{canary}@127.0.0.1/",
        )
        async with listening(broker) as heard, house.running():
            await until(lambda: heard.last(f"{P}/soc/power"))
            house.happened("alert.raised")
            await until(lambda: heard.of(f"{P}/alert"))
            broker.stop()
            await until(lambda: house.sink.shown().failure)
        assert canary not in str(heard.all) + caplog.text + str(house.sink.shown()) + repr(
            house.sink.__dict__["_devices"].known
        )
        assert canary.encode() not in (tmp_path / "bms.db").read_bytes()


@pytest.mark.long
async def test_a_broker_that_drops_again_and_again_is_used_in_between(tmp_path: Path) -> None:
    """A minute is a second here: values arrive after each drop, the log tells of the outage, and memory does not grow."""
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port)
        async with house.running():
            for _ in range(12):
                async with listening(broker) as heard:
                    await until(lambda: heard.last(f"{P}/soc/power"))
                broker.stop()
                await until(lambda: house.sink.shown().failure)
                broker.start()
            await until(lambda: house.sink.shown().failure is None)
            assert len(house.sink._out._waiting) < 200


@pytest.mark.parametrize("frozen", [False, True])
async def test_the_service_says_goodbye_and_waits_for_no_broker(frozen: bool, tmp_path: Path) -> None:
    """The whole program, with a simulated battery: what it sends is taken, and its end is quick in any case."""
    with on(Broker(tmp_path)) as broker:
        environment = bare(
            JK_BMS_ADDRESS="simulated",
            JK_ENV_FILE="/dev/null",
            BMS_DB_PATH=str(tmp_path / "bms.db"),
            BMS_SOCKET=str(tmp_path / "s"),
            DB_PATH=str(tmp_path / "inverter.db"),
            MQTT_BROKER=f"127.0.0.1:{broker.port}",
        )
        async with listening(broker) as heard:
            program = [sys.executable, str(TOP / "jk_bms_service.py")]
            process = subprocess.Popen(program, env=environment, cwd=TOP, stderr=subprocess.DEVNULL)
            try:
                await until(lambda: heard.last("Simulated_battery/soc/soc_percent"))
                await until(lambda: heard.last("homeassistant/device/Simulated_battery/config"))
                topic = "homeassistant/device/Simulated_battery/config"
                assert faults(topic, heard.last(topic) or "") == []
                if frozen:
                    broker.freeze()
                begun = time.monotonic()
                process.terminate()
                assert await asyncio.to_thread(process.wait, PATIENCE) == 0
                assert in_time(time.monotonic() - begun, 4.5)
            finally:
                process.kill()
                process.wait()
            if not frozen:
                await until(lambda: heard.last(STATUS) == "offline")


async def test_another_with_our_id_is_named_as_what_it_may_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each takes the connection from the other: the log says so once, and not each time that it is away."""
    with on(Broker(tmp_path)) as broker:
        house = House(tmp_path, broker.port)
        mine = arguments(house.settings)["identifier"]
        async with house.running():
            for _ in range(5):
                await until(lambda: house.sink.shown().failure is None)
                async with aiomqtt.Client("127.0.0.1", broker.port, identifier=mine):
                    await until(lambda: house.sink.shown().failure)
    told = [record.getMessage() for record in caplog.records if "same client id" in record.getMessage()]
    assert len(told) == 1


def certificates(folder: Path, name: str) -> None:
    """A certificate for ``name`` that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)


@pytest.mark.parametrize(
    ("name", "known", "fine"),
    [("localhost", True, True), ("localhost", False, False), ("another", True, False)],
)
async def test_a_certificate_must_be_a_good_one(
    name: str, known: bool, fine: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificates(tmp_path, name)
    with on(Broker(tmp_path, f"certfile {tmp_path}/ca.pem", f"keyfile {tmp_path}/key.pem")) as broker:
        ca = {"MQTT_CA_FILE": str(tmp_path / "ca.pem")} if known else {}
        house = House(tmp_path, broker.port, MQTT_TLS="true", **ca)
        house.settings = msgspec.structs.replace(
            house.settings, mqtt_broker=HostPort("localhost", broker.port)
        )
        house.sink = house.new_sink()
        async with house.running():
            if fine:
                await until(lambda: house.sink.shown().failure is None)
                await until(lambda: settled(house))
            else:
                await until(lambda: "MQTT_CA_FILE" in (house.sink.shown().failure or ""))
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == (0 if fine else 1)


async def test_a_missing_file_of_certificates_is_named(tmp_path: Path) -> None:
    house = House(tmp_path, 9, MQTT_TLS="true", MQTT_CA_FILE=str(tmp_path / "none.pem"))
    async with house.running():
        await until(lambda: "MQTT_CA_FILE" in (house.sink.shown().failure or ""))
