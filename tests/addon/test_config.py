"""What Home Assistant reads of the add-on: its rules, and that every option is told, translated and has a reader."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from PIL import Image

from addon import run as add_on
from jk_bms import __version__
from jk_bms.config.batmon import PORTS, SAME
from jk_bms.config.settings.table import SETTINGS
from jk_bms.texts import LANGUAGES
from tests.addon.supervisor_rules import faults, misfit
from tests.packaging.commands import PROJECT, needs

FOLDER = PROJECT / "addon"
CONFIG: dict[str, Any] = yaml.safe_load((FOLDER / "config.yaml").read_text(encoding="utf-8"))
KEYS = {setting.key for setting in SETTINGS}


def changed(**how: Any) -> dict[str, Any]:
    return {key: value for key, value in (CONFIG | how).items() if value is not None}


def test_the_supervisor_takes_it() -> None:
    assert list(faults(CONFIG)) == []
    assert CONFIG["version"] == __version__
    assert f'io.hass.version="{__version__}"' in (FOLDER / "Dockerfile").read_text(encoding="utf-8")


def test_it_asks_for_no_right_that_it_does_not_need() -> None:
    asked = {key for key in CONFIG if CONFIG[key] is True}
    assert asked == {"init", "host_dbus", "tmpfs", "ingress", "ingress_stream", "panel_admin", "apparmor"}
    assert not {"privileged", "devices", "full_access", "hassio_role"} & CONFIG.keys()


WRONG: dict[str, Callable[[], dict[str, Any]]] = {
    "no slug": lambda: changed(slug=None),
    "another key": lambda: changed(hostdbus=True),
    "a flag that is text": lambda: changed(ingress="yes"),
    "an architecture of yesterday": lambda: changed(arch=["armv7"]),
    "a service that there is not": lambda: changed(services=["mqtt:maybe"]),
    "a watchdog without a host": lambda: changed(watchdog="http://localhost:8099/"),
    "a port that is none": lambda: changed(ports={"8080/http": None}),
    "a folder that there is not": lambda: changed(map=[{"type": "etc"}]),
    "no port of the ingress": lambda: changed(ingress_port=None),
    "a word that there is not": lambda: changed(schema=CONFIG["schema"] | {"house": "text?"}),
    "one that must be given": lambda: changed(schema=CONFIG["schema"] | {"more": "str"}),
    "a default that does not fit": lambda: changed(options=CONFIG["options"] | {"publish_period": 0.1}),
    "a default of nothing": lambda: changed(options=CONFIG["options"] | {"other": 1}),
    "too deep": lambda: changed(schema=CONFIG["schema"] | {"devices": [{"a": {"b": "str"}}]}),
}


@pytest.mark.parametrize("made", WRONG.values(), ids=WRONG)
def test_the_judge_sees_what_is_wrong(made: Callable[[], dict[str, Any]]) -> None:
    assert list(faults(made()))


def test_every_option_has_a_reader() -> None:
    readers = {**SAME, **PORTS, **add_on.OWN, "influxdb_host": "INFLUXDB_HOST"}
    options = CONFIG["schema"].keys() - {"devices", "env"}
    assert options <= readers.keys()
    assert {readers[key] for key in options} <= KEYS


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_option_is_told_in_each_language(name: str) -> None:
    told = yaml.safe_load((FOLDER / "translations" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert told["configuration"].keys() == CONFIG["schema"].keys()
    assert told["configuration"]["devices"]["fields"].keys() == CONFIG["schema"]["devices"][0].keys()
    assert told["network"].keys() == CONFIG["ports"].keys()
    texts = [*told["configuration"].values(), *told["configuration"]["devices"]["fields"].values()]
    assert all(each["name"] and each["description"] for each in texts)
    if name == "uk":
        assert all(re.search("[а-яіїєґ]", each["description"].lower()) for each in texts)


def test_every_option_stands_in_the_documents() -> None:
    rows = re.findall(r"^\| (`.+?`) \|", (FOLDER / "DOCS.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"`(\w+)`", row)} == CONFIG["schema"].keys()


def test_what_batmon_has_as_default_fits() -> None:
    theirs = {
        "devices": [{"address": "C8:47:80:11:22:33", "type": "jk", "alias": "battery1", "pin": "1234", "debug": False}],
        "mqtt_broker": "core-mosquitto", "mqtt_user": "u", "mqtt_password": "p", "concurrent_sampling": False,
        "keep_alive": True, "sample_period": 1.0, "publish_period": 1.0, "invert_current": False,
        "expire_values_after": 20, "watchdog": False, "telemetry": True, "influxdb_host": "h",
    }  # fmt: skip
    kept = {key: value for key, value in theirs.items() if key in CONFIG["schema"]}
    assert {key: misfit(CONFIG["schema"][key], value) for key, value in kept.items()} == dict.fromkeys(
        kept, ""
    )
    found = add_on.wanted(theirs)
    assert (found.faults, found.left) == ([], [])
    assert found.settings["MQTT_INVERT_CURRENT"] == "false"


@pytest.mark.parametrize(("name", "size"), [("icon.png", (128, 128)), ("logo.png", (250, 100))])
def test_pictures_have_their_sizes(name: str, size: tuple[int, int]) -> None:
    with Image.open(FOLDER / name) as picture:
        assert picture.size == size


@needs("apparmor_parser")
def test_the_profile_can_be_read_and_is_of_the_add_on() -> None:
    path = FOLDER / "apparmor.txt"
    command = ["apparmor_parser", "-Q", "--skip-kernel-load", "--skip-cache", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "Cache read/write disabled" not in line]
    assert (done.returncode, said) == (0, [])
    assert f"\nprofile {CONFIG['slug']} " in path.read_text(encoding="utf-8")


@needs("git")
def test_the_folder_that_is_made_holds_all_that_its_image_copies(tmp_path: Any) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", PROJECT, clone], check=True)
    subprocess.run(["make", "-s", "addon"], cwd=clone, check=True, capture_output=True)
    made = clone / "build" / CONFIG["slug"]
    text = (made / "Dockerfile").read_text(encoding="utf-8")
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((made / source).exists() for source in sources.split()), sources
    assert {"config.yaml", "apparmor.txt", "translations", "DOCS.md", "icon.png"} <= {
        p.name for p in made.iterdir()
    }
