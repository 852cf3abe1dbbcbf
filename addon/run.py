"""The add-on of Home Assistant: its options become settings and a registry; poller, page and bot run side by side.

    python addon/run.py                     until SIGTERM; 78: an option is wrong
    python addon/run.py backup-pre          copies of the databases for a backup of Home Assistant
    python addon/run.py backup-post         and away with them

The rest of the project knows nothing of it. Options are called as BatMON's where it has them.
"""

import argparse
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from jk_bms.config.batmon import planned  # noqa: E402
from jk_bms.config.devices import put_entries  # noqa: E402
from jk_bms.config.settings.load import refusal  # noqa: E402
from jk_bms.config.settings.table import SETTINGS  # noqa: E402
from jk_bms.errors import ConfigError  # noqa: E402

WRONG = 78  # exit code: a person must do something first; also that of the poller
BY_HAND = "# by hand"  # first line of a registry that the form leaves alone
SUPERVISOR = "172.30.32.2"  # who alone asks at the ingress
INGRESS, PAGE, METRICS = "0.0.0.0:8099", "8080", 9779
USER = 10001  # of page and bot; the poller is root, since the host's D-Bus asks by number
ASK_PATIENCE = 10.0  # s for the Supervisor's answer
RESTARTS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # s until one that ended is started again
LIVED = 120.0  # s after which a start counts as good
PATIENCE = 20.0  # s for all to end
DATABASES = ("bms", "bot", "web")

# Options that are ours, beside those that BatMON has.
OWN = {
    "influxdb_names": "INFLUXDB_NAMES",
    "mqtt_discovery": "MQTT_DISCOVERY",
    "mqtt_tls": "MQTT_TLS",
    "telegram_bot_token": "TELEGRAM_BOT_TOKEN",
    "telegram_chat_id": "TELEGRAM_CHAT_ID",
    "language": "BOT_LANGUAGE",
    "house": "HOUSE",
    "timezone": "TIMEZONE",
    "log_level": "LOG_LEVEL",
}
_BY_KEY = {setting.key: setting for setting in SETTINGS}


def say(line: str) -> None:
    """Print to the log of the add-on."""
    sys.stdout.write(f"add-on: {line}\n")
    sys.stdout.flush()


class Wanted(NamedTuple):
    """What the options ask for."""

    entries: list[dict[str, str]]
    settings: dict[str, str]
    left: list[str]  # what is left out, with the reason
    faults: list[str]


def wanted(options: Mapping[str, Any]) -> Wanted:
    """Return what the form says."""
    own = {key: options[key] for key in OWN if options.get(key) not in (None, "")}
    plan = planned({key: value for key, value in options.items() if key not in OWN and key != "env"})
    settings = plan.settings | {OWN[key]: str(value).strip() for key, value in own.items()}
    settings = {
        key: ("true" if text == "True" else "false" if text == "False" else text)
        for key, text in settings.items()
    }
    faults = list(plan.broken)
    for line in options.get("env") or ():
        key, equals, text = str(line).partition("=")
        if not equals or key.strip() not in _BY_KEY:
            faults.append(
                f"env: {key.strip()[:60]!r} is no setting; expected KEY=value with a key of docs/settings.md"
            )
        elif key.strip() in settings:
            faults.append(f"env: {key.strip()} is an option of the form already")
        else:
            settings[key.strip()] = text.strip()
    faults += filter(None, (refusal(_BY_KEY[key], text, "the options") for key, text in settings.items()))
    return Wanted(plan.entries, settings, plan.left, faults)


class AddOn:
    """The container.

    ``root``: where /data, /config and /tmp are, for tests; ``supervisor``: its address; ``period``: s between two
    questions for the broker, which may come later or have another password.
    """

    def __init__(self, root: Path, supervisor: str, period: float) -> None:
        self._period = period
        self._data, self._config, self._run = root / "data", root / "config", root / "tmp" / "easun-jkbms"
        self._supervisor = supervisor
        self._users = root == Path("/") and os.geteuid() == 0  # else all run as who started it
        self._broker: dict[str, str] = {}
        self._stop = threading.Event()

    # Options

    def run(self) -> int:
        """Run until SIGTERM; return the exit code."""
        try:
            options = json.loads((self._data / "options.json").read_text(encoding="utf-8"))
            if not isinstance(options, dict):
                raise ValueError("expected an object")
            found = wanted(options)
            if not found.faults:
                self._write_registry(found.entries)
        except (OSError, ValueError) as error:
            say(f"the options cannot be read: {error}")
            return WRONG
        except ConfigError as error:
            found = Wanted([], {}, [], str(error).splitlines())
        for fault in found.faults:
            say(fault)
        if found.faults:
            say("nothing was started: correct the options and start again")
            return WRONG
        for line in found.left:
            say(f"left out: {line}")
        self._restore()
        self._run.mkdir(parents=True, exist_ok=True)
        self._hand_over(self._run)
        self._hand_over(self._data)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        return self._keep_running(found.settings)

    def _write_registry(self, entries: list[dict[str, str]]) -> None:
        path = self._config / "jk_devices.yaml"
        if path.exists() and path.read_text(encoding="utf-8", errors="replace").startswith(BY_HAND):
            say(f"{path.name} begins with {BY_HAND!r}: the batteries of the form are left aside")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        put_entries(path, entries, alone=True)

    def _hand_over(self, folder: Path) -> None:
        """Have page and bot write beside the poller there."""
        if self._users:
            os.chown(folder, 0, USER)
            folder.chmod(0o2770)

    # Programs

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        ours = {
            "BMS_DB_PATH": str(self._data / "bms.db"),
            "BOT_DB_PATH": str(self._data / "bot.db"),
            "WEB_DB_PATH": str(self._data / "web.db"),
            "DB_PATH": str(self._data / "inverter.db"),
            "SETTINGS_FILE": str(self._data / "settings.env"),
            "JK_DEVICES_FILE": str(self._config / "jk_devices.yaml"),
            "HOUSE_FILE": str(self._config / "house.yaml"),
            "RUNTIME_DIRECTORY": str(self._run),
            "BMS_SOCKET": str(self._run / "poller.sock"),
            "WEB_PORT": PAGE,
            "WEB_INGRESS_BIND": INGRESS,
            "WEB_TRUSTED_PROXIES": SUPERVISOR,
            "PYTHONUNBUFFERED": "1",
        }
        kept = {key: text for key, text in os.environ.items() if key != "SUPERVISOR_TOKEN"}
        return {**kept, **ours, **self._broker, **settings}

    def _keep_running(self, settings: dict[str, str]) -> int:
        own_broker = "MQTT_BROKER" in settings
        if not own_broker:
            self._broker = self._asked_broker() or {}
        group = {"group": USER, "extra_groups": []} if self._users else {}
        other = group | ({"user": USER} if self._users else {})
        poller = Program("poller", ["jk_bms_service.py"], group)
        programs = [poller, Program("page", ["-m", "jk_bms.web"], other)]
        if settings.get("TELEGRAM_BOT_TOKEN"):
            programs.append(Program("bot", ["telegram_bot.py"], other))
        ask_at = time.monotonic() + self._period
        code = 0
        try:
            while not self._stop.is_set():
                for program in programs:
                    ended = program.look(self._environment(settings))
                    if program is poller and ended == WRONG:
                        say("the poller says what is wrong above; nothing else can be done here")
                        code = WRONG
                        self._stop.set()
                if not own_broker and time.monotonic() >= ask_at:
                    ask_at = time.monotonic() + self._period
                    told = self._asked_broker()
                    if told is not None and told != self._broker:
                        self._broker = told
                        say("the broker of Home Assistant is another now: the poller begins anew")
                        poller.end()
                self._stop.wait(0.5)
        finally:
            for program in programs:
                program.end()
            for program in programs:
                program.gone()
        return code

    def _asked_broker(self) -> dict[str, str] | None:
        """The broker that Home Assistant has; {}: it has none; None: it did not say. Never logged, written nowhere."""
        token = os.environ.get("SUPERVISOR_TOKEN", "")
        address = f"{self._supervisor}/services/mqtt"
        request = Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - of the Supervisor
        try:
            with urlopen(request, timeout=ASK_PATIENCE) as answer:  # noqa: S310
                said = json.load(answer)
            if said.get("result") != "ok":
                return {}
            data = said["data"]
            told = {
                "MQTT_BROKER": f"{data['host']}:{int(data['port'])}",
                "MQTT_USER": str(data.get("username") or ""),
                "MQTT_PASSWORD": str(data.get("password") or ""),
                "MQTT_TLS": "true" if data.get("ssl") else "false",
            }
        except URLError as error:
            return {} if getattr(error, "code", 0) in (400, 404) else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return {key: text for key, text in told.items() if text}

    # Backups of Home Assistant

    def backup(self) -> int:
        """Copy the databases as SQLite does it: whole, whatever is written meanwhile."""
        for source, copy in self._copies():
            if source.exists():
                with (
                    contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as read,
                    contextlib.closing(sqlite3.connect(copy)) as write,
                ):
                    read.backup(write)
        return 0

    def forget(self) -> int:
        """Take the copies away."""
        for _, copy in self._copies():
            copy.unlink(missing_ok=True)
        return 0

    def _restore(self) -> None:
        """After Home Assistant restored a backup there are the copies only."""
        for database, copy in self._copies():
            if copy.exists() and not database.exists():
                say(f"{database.name} is taken from the backup")
                copy.rename(database)
            copy.unlink(missing_ok=True)

    def _copies(self) -> Iterator[tuple[Path, Path]]:
        for name in DATABASES:
            yield self._data / f"{name}.db", self._data / f"copy-of-{name}.sqlite"


class Program:
    """One that is started again whenever it ends."""

    def __init__(self, name: str, arguments: list[str], who: Mapping[str, Any]) -> None:
        self.name, self._arguments, self._who = name, arguments, who
        self._process: subprocess.Popen[bytes] | None = None
        self._began = self._again_at = 0.0
        self._fails = 0

    def look(self, environment: Mapping[str, str]) -> int | None:
        """Start it where it does not run; return the exit code with which it has just ended."""
        now = time.monotonic()
        ended = self._process.poll() if self._process else None
        if self._process is not None and ended is not None:
            self._process = None
            self._fails = 0 if now - self._began > LIVED else self._fails + 1
            wait = RESTARTS[min(self._fails, len(RESTARTS) - 1)]
            self._again_at = now + wait
            say(f"{self.name} ended with exit code {ended}; started again in {wait:g} s")
            return ended
        if self._process is None and now >= self._again_at:
            self._began = now
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments], cwd=TOP, env=dict(environment), umask=0o007, **self._who
            )
        return None

    def end(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def gone(self) -> None:
        """Wait until it ended, and have it end."""
        if self._process is not None:
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="easun-jkbms as an add-on of Home Assistant")
    parser.add_argument("what", nargs="?", default="run", choices=("run", "backup-pre", "backup-post"))
    parser.add_argument("--root", type=Path, default=Path("/"), help="folder that holds data, config and tmp")
    parser.add_argument("--supervisor", default="http://supervisor", help="address of the Supervisor")
    parser.add_argument("--period", type=float, default=60.0, help="s between two questions for the broker")
    given = parser.parse_args()
    addon = AddOn(given.root, given.supervisor, given.period)
    return {"run": addon.run, "backup-pre": addon.backup, "backup-post": addon.forget}[given.what]()


if __name__ == "__main__":
    sys.exit(main())
