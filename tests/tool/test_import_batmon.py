"""BatMON's configuration becomes ours: said first, done then, once, and nothing of others touched."""

import json
from pathlib import Path
from typing import Any

import pytest

from jk_bms.config.batmon import PORTS, SAME, planned
from jk_bms.config.devices import read_registry
from jk_bms.config.settings import load_settings
from jk_bms.config.settings.table import SETTINGS
from tests.e2e.house import House

SECRET, PIN = "canary-of-the-broker", "004711"
# As the add-on's form writes it, its defaults included.
OPTIONS: dict[str, Any] = {
    "devices": [
        {"address": "C8:47:80:11:22:33", "type": "jk", "alias": "battery 1", "pin": PIN, "adapter": "hci1"},
        {"address": "c8:47:80:11:22:34", "type": "jk_32s", "alias": "shed", "current_calibration": 1.02,
         "debug": True, "note": "under the stairs"},
        {"address": "#C8:47:80:11:22:35", "type": "jk", "alias": "old"},
        {"address": "A4:C1:38:00:00:01", "type": "jbd", "alias": "boat"},
        {"address": "JK-B2A24S", "type": "jk", "alias": "by name"},
        {"address": "battery 1,shed", "type": "group_parallel", "alias": "bank"},
    ],
    "mqtt_broker": "core-mosquitto",
    "mqtt_user": "bms",
    "mqtt_password": SECRET,
    "influxdb_host": "influx.house.example",
    "influxdb_port": 8087,
    "influxdb_database": "bms",
    "concurrent_sampling": False,
    "keep_alive": True,
    "sample_period": 1.0,
    "publish_period": 5.0,
    "invert_current": False,
    "expire_values_after": 20,
    "verbose_log": False,
    "watchdog": True,
    "telemetry": True,
    "own_idea": "x",
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    (tmp_path / "options.json").write_text(json.dumps(OPTIONS))
    return made


def files(house: House) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(house.folder.iterdir()) if each.is_file()}


def test_what_it_was_becomes_ours_and_twice_is_nothing(house: House) -> None:
    (house.folder / "env").write_text("# mine\nMQTT_USER=me\nALERT_MIN_LEVEL=error")
    house.registry.write_text("# mine\nC8:47:80:11:22:34:\n  alias: my shed\n")

    before = files(house)
    said = house.tool("import", "--from", "batmon", "options.json", "--dry-run")
    assert said.returncode == 0, said.stderr
    assert files(house) == before
    done = house.tool("import", "--from", "batmon", "options.json", "--yes")

    assert done.returncode == 0, done.stderr
    for told in (said, done):
        assert SECRET not in told.stdout + told.stderr
        assert PIN not in told.stdout + told.stderr
        assert "MQTT_PASSWORD=***" in told.stdout
        for left in ("boat: batteries of type jbd", "'JK-B2A24S' is a name", "bank: several batteries",
                     "shed: debug", "'under the stairs'", "own_idea: not known here"):  # fmt: skip
            assert f"left out: {left}" in told.stdout or left in told.stdout, left
    entries = {each.address: each for each in read_registry(house.registry).entries}
    assert [(each.alias, each.pin, each.adapter, each.enabled) for each in entries.values()] == [
        ("my shed", None, None, True),  # it was there: left as it is
        ("battery 1", PIN, "hci1", True),
        ("old", None, None, False),
    ]
    assert house.registry.read_text().startswith("# mine\n")
    settings = load_settings({"JK_ENV_FILE": str(house.folder / "env")}, top=house.folder)
    assert settings.alert_min_level == "error"
    assert settings.influxdb_host == ("influx.house.example", 8087)
    text = (house.folder / "env").read_text()
    assert text.startswith("# mine\nMQTT_USER=me\nALERT_MIN_LEVEL=error\n# From options.json of BatMON\n")
    assert text.count("MQTT_USER") == 1  # the owner's stays
    assert f"MQTT_PASSWORD={SECRET}\n" in text
    assert "MQTT_INVERT_CURRENT=false\n" in text
    assert "PUBLISH_PERIOD=5\n" in text
    assert "JK_BMS_KEEP_ALIVE" not in text  # it is the default

    after = files(house)
    again = house.tool("import", "--from", "batmon", "options.json", "--yes")
    assert again.returncode == 0
    assert "nothing is new" in again.stdout
    assert files(house) == after


def test_without_a_yes_nothing_is_written(house: House) -> None:
    before = files(house)
    done = house.tool("import", "--from", "batmon", "options.json")
    assert done.returncode == 0
    assert "say --yes" in done.stderr
    assert "nothing was written" in done.stdout
    assert files(house) == before


def test_its_meters_are_named_where_they_lie_beside(house: House) -> None:
    (house.folder / "bms_meter_states.json").write_text("{}")
    done = house.tool("import", "--from", "batmon", "options.json", "--yes")
    assert "import --meters bms_meter_states.json" in done.stdout


BAD = {
    "no file": (None, "cannot be read"),
    "a folder": ("", "cannot be read"),
    "cut off": (json.dumps(OPTIONS)[:200], "is it cut off?"),
    "not utf-8": (b"\xff\xfe{", "not UTF-8"),
    "of another program": ('{"broker": "x"}', "names no batteries"),
    "a list": ("[]", "names no batteries"),
    "deep": ("[" * 100_000, "too deep"),
    "two of one alias": (
        json.dumps({"devices": [{"address": f"C8:47:80:11:22:3{n}", "alias": "One"} for n in range(2)]}),
        "two batteries have the alias One",
    ),
    "two of one address": (
        json.dumps({"devices": [{"address": "C8:47:80:11:22:33", "alias": f"a{n}"} for n in range(2)]}),
        "two batteries have the address C8:47:80:11:22:33",
    ),
    "a port that is none": (
        json.dumps({"devices": [{"address": "C8:47:80:11:22:33"}], "mqtt_broker": "x", "mqtt_port": 99999}),
        "MQTT_BROKER",
    ),
    "two lines in a password": (
        json.dumps({"devices": [{"address": "C8:47:80:11:22:33"}], "mqtt_password": "a\nLOG_LEVEL=DEBUG"}),
        "MQTT_PASSWORD: has characters that cannot be seen",
    ),
    "a PIN that is none": (
        json.dumps({"devices": [{"address": "C8:47:80:11:22:33", "adapter": "none such"}]}),
        "expected an adapter's name",
    ),
}


@pytest.mark.parametrize(("content", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_taken_whole_changes_nothing(
    house: House, content: str | bytes | None, said: str
) -> None:
    path = house.folder / "options.json"
    path.unlink()
    if content == "":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = files(house)

    done = house.tool("import", "--from", "batmon", "options.json", "--yes")

    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert files(house) == before


def test_a_name_that_another_battery_has_here_is_refused(house: House) -> None:
    house.registry.write_text("C8:47:80:00:00:01: {alias: Shed}\n")
    before = files(house)
    done = house.tool("import", "--from", "batmon", "options.json", "--yes")
    assert done.returncode == 2
    assert "C8:47:80:11:22:34: C8:47:80:00:00:01 is called shed in" in done.stderr
    assert files(house) == before


def test_what_people_write_into_forms_is_taken_as_it_is_meant() -> None:
    """Numbers as text, a name on two lines; and what makes no sense is told, not taken."""
    address = "C8:47:80:11:22:33"
    devices = [
        {"address": address, "alias": " a\nb: {} ", "pin": 1234, "current_calibration": "1.10"},
        {"address": address[:-1] + "4", "current_calibration": True},
        {"address": address[:-1] + "5", "current_calibration": 1e308},
        {"address": 123}, None, "text",
    ]  # fmt: skip
    plan = planned({"devices": devices, "mqtt_broker": "b", "mqtt_port": "1884"})
    assert plan.entries == [
        {"address": address, "alias": "a b: {}", "pin": "1234", "current_calibration": "1.10"},
        {"address": address[:-1] + "4"},
        {"address": address[:-1] + "5"},
    ]
    assert len(plan.left) == 3
    assert plan.settings == {"MQTT_BROKER": "b:1884"}


def test_its_first_form_is_known(tmp_path: Path) -> None:
    """One battery of each make by a key of its own; a whole configuration of an add-on."""
    plan = planned(
        {"jk_address": "C8:47:80:11:22:33?", "jk_pin": "1234", "daly_address": "", "mqtt_broker": "b"}
    )
    assert plan.entries == [{"address": "C8:47:80:11:22:33", "alias": "jk_bms", "pin": "1234"}]
    assert plan.settings == {"MQTT_BROKER": "b"}
    assert plan.left == plan.broken == []


@pytest.mark.parametrize(
    ("host", "becomes"),
    [
        ("influx:8086", {"INFLUXDB_HOST": "influx:8086"}),
        ("influx", {"INFLUXDB_HOST": "influx"}),
        ("https://vm.example/insert/0/influx",
         {"INFLUXDB_HOST": "vm.example", "INFLUXDB_PATH": "/insert/0/influx", "INFLUXDB_SSL": "true"}),
    ],
)  # fmt: skip
def test_a_server_is_taken_apart(host: str, becomes: dict[str, str]) -> None:
    assert planned({"devices": [], "influxdb_host": host}).settings == becomes


def test_every_name_of_ours_is_a_setting() -> None:
    assert {*SAME.values(), *PORTS.values()} <= {setting.key for setting in SETTINGS}
