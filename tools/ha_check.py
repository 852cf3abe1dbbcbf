#!/usr/bin/env python3
# ruff: noqa: T201
"""Have a real Home Assistant judge what we tell it by MQTT.

    tools/ha_check.py [--python python3.14] [--folder build/ha] [--batteries 2]

Makes an environment with the newest Home Assistant that this Python can run (once; some 400 MB), then starts mosquitto,
the battery service with simulated batteries and Home Assistant, each with folders of their own below a temporary one.
Good is: every component of every discovery message became an entity, none besides, and no line of its log names MQTT.
Prints which release judged. Needs the project's environment (make setup) and mosquitto; exits with 1 where it is not good.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

import asyncio  # noqa: E402

from tests.page.house import made  # noqa: E402
from tests.sinks.mqtt_house import Broker, retained  # noqa: E402

PATIENCE = 300.0  # s: at its first start it fetches what its integrations need
SETTLED = 10.0  # s without a new entity
MADE = "2026-11-01T00:00:00+00:00"


def environment(folder: Path, python: str) -> Path:
    """Return the folder of programs of an environment with Home Assistant; it is made where there is none."""
    programs = folder / "bin"
    if not (programs / "hass").exists():
        print(f"ha-check: making {folder} with {python}", flush=True)
        subprocess.run([sys.executable, "-m", "uv", "venv", "-q", "--python", python, folder], check=True)
        install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(programs / "python")]
        subprocess.run([*install, "homeassistant"], check=True)
    return programs


def configure(folder: Path, port: int) -> Path:
    """Write a configuration that knows the broker, as its settings dialogue would; return it."""
    (folder / ".storage").mkdir(parents=True)
    (folder / "configuration.yaml").write_text("logger:\n  default: warning\n", encoding="utf-8")
    entry: dict[str, Any] = {
        "created_at": MADE, "modified_at": MADE, "data": {"broker": "127.0.0.1", "port": port}, "disabled_by": None,
        "discovery_keys": {}, "domain": "mqtt", "entry_id": "1", "version": 1, "minor_version": 2,
        "options": {"discovery": True}, "pref_disable_new_entities": False, "pref_disable_polling": False,
        "source": "user", "subentries": [], "title": "broker", "unique_id": None,
    }  # fmt: skip
    told = {"version": 1, "minor_version": 5, "key": "core.config_entries", "data": {"entries": [entry]}}
    (folder / ".storage" / "core.config_entries").write_text(json.dumps(told), encoding="utf-8")
    return folder


def entities(folder: Path) -> set[tuple[str, str]]:
    """Return platform and unique id of each entity that came by MQTT."""
    try:
        registry = json.loads((folder / ".storage" / "core.entity_registry").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not yet, or being written
        return set()
    return {
        (one["entity_id"].partition(".")[0], one["unique_id"])
        for one in registry["data"]["entities"]
        if one["platform"] == "mqtt"
    }


def wanted(broker: Broker) -> set[tuple[str, str]]:
    """Return the same of each component that was told."""
    messages = asyncio.run(retained(broker))
    components = [
        component
        for topic, text in messages.items()
        if topic.startswith("homeassistant/device/") and text
        for component in json.loads(text)["components"].values()
    ]
    return {(one["platform"], one["unique_id"]) for one in components}


def judge(programs: Path, top: Path, batteries: int) -> list[str]:
    """Start everything; return what is wrong."""
    for name in ("broker", "house"):
        (top / name).mkdir()
    broker = Broker(top / "broker")
    broker.start()
    log = top / "hass.log"
    try:
        house = made(top / "house", batteries, env={"MQTT_BROKER": f"127.0.0.1:{broker.port}"})
        folder = configure(top / "config", broker.port)
        with house.service() as service, log.open("w") as out:
            service.streaming(batteries)
            hass = subprocess.Popen(
                [programs / "hass", "-c", folder, "--log-no-color"], stdout=out, stderr=out
            )
            try:
                end, still, before = time.monotonic() + PATIENCE, time.monotonic(), set[tuple[str, str]]()
                while time.monotonic() < end and (not before or time.monotonic() - still < SETTLED):
                    if hass.poll() is not None:
                        return [f"Home Assistant ended by itself: {log.read_text()[-2000:]}"]
                    if (now := entities(folder)) != before:
                        still, before = time.monotonic(), now
                    time.sleep(1)
                told = wanted(broker)
            finally:
                hass.terminate()
                hass.wait()
    finally:
        broker.stop()
    print(f"ha-check: {len(told)} components were told, {len(before)} became entities")
    wrong = [f"no entity: {platform} {name}" for platform, name in sorted(told - before)]
    wrong += [f"told by nobody: {platform} {name}" for platform, name in sorted(before - told)]
    wrong += [line for line in log.read_text(encoding="utf-8").splitlines() if "mqtt" in line.lower()]
    return wrong if told else ["nothing was told"]


def main() -> int:
    """Judge; print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", default=sys.executable, help="for Home Assistant: 2026.11 needs 3.14")
    parser.add_argument("--folder", type=Path, default=TOP / "build" / "ha", help="of its environment")
    parser.add_argument("--batteries", type=int, default=2)
    given = parser.parse_args()
    programs = environment(given.folder, given.python)
    asked = [str(programs / "python"), "-c", "import homeassistant.const as const; print(const.__version__)"]
    release = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as name:
        wrong = judge(programs, Path(name), given.batteries)
    for line in wrong:
        print(f"ha-check: {line}")
    print(f"ha-check: Home Assistant {release}: {'NOT good' if wrong else 'good'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
