"""The add-on's container without a container: a Supervisor that answers, options as its form writes them, real programs."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jk_bms.config.devices import read_registry
from jk_bms.live.client import LiveClient
from tests.bare_environment import bare
from tests.e2e.house import until
from tests.packaging.commands import PROJECT
from tests.scale import PATIENCE
from tests.sinks.mqtt_house import Broker, listening
from tests.sinks.mqtt_house import until as heard_of
from tests.web.program import asked_at

pytestmark = pytest.mark.long

TOKEN, CANARY = "supervisor-canary-4711", "broker-canary-4711"
SIMULATED = {"address": "simulated", "type": "simulated", "alias": "try"}
# Ports of this machine, and its own address in place of the Supervisor's.
HERE = ["WEB_PORT=0", "WEB_BIND=127.0.0.1", "WEB_INGRESS_BIND=127.0.0.1:0", "WEB_TRUSTED_PROXIES=127.0.0.1"]
OPTIONS: dict[str, Any] = {"devices": [SIMULATED], "keep_alive": True, "log_level": "INFO", "env": HERE}


class Supervisor:
    """Says what the broker is. ``status``: with which it answers."""

    def __init__(self) -> None:
        outer = self
        self.status, self.port, self.asked = 400, 0, 0
        self.data: dict[str, Any] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                good = self.headers["Authorization"] == f"Bearer {TOKEN}" and self.path == "/services/mqtt"
                body = json.dumps({"result": "ok", "data": outer.data}).encode()
                self.send_response(outer.status if good else 403)
                self.end_headers()
                self.wfile.write(body if good and outer.status == 200 else b'{"result": "error"}')

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Container:
    """The folders of a container, and what runs there."""

    def __init__(self, root: Path, supervisor: Supervisor) -> None:
        self.root, self._supervisor = root, supervisor
        for name in ("data", "config", "tmp"):
            (root / name).mkdir()
        self.registry = root / "config" / "jk_devices.yaml"
        self._process: subprocess.Popen[bytes] | None = None

    def set(self, options: Any) -> None:
        text = options if isinstance(options, str) else json.dumps(options)
        (self.root / "data" / "options.json").write_text(text)

    def command(self, *what: str) -> list[str]:
        return [sys.executable, str(PROJECT / "addon" / "run.py"), *what, "--root", str(self.root),
                "--supervisor", self._supervisor.url, "--period", "1"]  # fmt: skip

    def start(self) -> None:
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), env=bare(SUPERVISOR_TOKEN=TOKEN), stdout=log, stderr=log, cwd=self.root
            )

    def end(self) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE)

    @property
    def log(self) -> str:
        return (self.root / "log").read_text(encoding="utf-8")

    def reading(self) -> dict[str, Any] | None:
        """The first reading of the running poller."""
        try:
            with LiveClient(self.root / "tmp" / "easun-jkbms" / "poller.sock") as client:
                devices = client.plain_snapshot()["devices"]
        except Exception:
            return None
        return next((one["reading"] for one in devices if one.get("reading")), None)

    def child(self, what: str) -> int:
        """The number of a running program of ours."""
        assert self._process is not None

        def found() -> int | None:
            path = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")  # type: ignore[union-attr]
            for number in path.read_text().split():
                with contextlib.suppress(OSError):
                    if what.encode() in Path(f"/proc/{number}/cmdline").read_bytes():
                        return int(number)
            return None

        return until(found)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    made = Supervisor()
    yield made
    made.close()


@pytest.fixture
def container(tmp_path: Path, supervisor: Supervisor) -> Iterator[Container]:
    made = Container(tmp_path, supervisor)
    yield made
    if made._process is not None:
        made.end()


def test_it_shows_something_at_its_first_start_and_ends_when_asked(
    container: Container, supervisor: Supervisor
) -> None:
    container.set(OPTIONS)
    container.start()

    assert until(container.reading)["voltage"] > 10
    port = int(until(lambda: re.findall(r"Home Assistant is answered at port (\d+)", container.log))[0])
    within = {"X-Ingress-Path": "/api/hassio_ingress/x", "X-Forwarded-For": "192.168.7.9"}
    assert until(lambda: b'"soc"' in asked_at(port, "GET", "/api/state", **within)[2])
    assert asked_at(port, "GET", "/api/health?strict", **within)[0] == 200
    assert supervisor.asked >= 1
    assert container.end() == 0
    assert TOKEN not in container.log


@pytest.mark.parametrize("what", ["jk_bms_service.py", "jk_bms.web"])
def test_what_is_killed_is_started_again(container: Container, what: str) -> None:
    container.set(OPTIONS)
    container.start()
    until(container.reading)
    killed = container.child(what)
    os.kill(killed, signal.SIGKILL)

    until(lambda: "started again in" in container.log)
    assert container.child(what) != killed
    until(container.reading)


WRONG = {
    "no json": ("{", "the options cannot be read"),
    "no object": ("[]", "the options cannot be read: expected an object"),
    "two of one name": (
        {"devices": [SIMULATED, SIMULATED | {"address": "two"}]},
        "two batteries have the alias",
    ),
    "another key": ({"devices": [SIMULATED], "env": ["LOG_LEVLE=DEBUG"]}, "'LOG_LEVLE' is no setting"),
    "a key of the form": (
        {"devices": [SIMULATED], "log_level": "INFO", "env": ["LOG_LEVEL=DEBUG"]},
        "already",
    ),
    "a value that is none": ({"devices": [SIMULATED], "env": ["ALERT_CONFIRM=x"]}, "ALERT_CONFIRM"),
    "an adapter that is none": ({"devices": [SIMULATED | {"adapter": "?"}]}, "expected an adapter"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_and_nothing_started(container: Container, options: Any, said: str) -> None:
    container.set(options)
    container.start()
    assert container._process is not None
    assert container._process.wait(PATIENCE) == 78
    assert said in container.log
    assert "Traceback" not in container.log
    assert "started again" not in container.log


def test_the_form_and_what_was_written_by_hand_live_together(container: Container) -> None:
    """Keys that the form does not have stay; a battery that it no longer has is switched off and never deleted."""
    container.registry.write_text(
        "# mine\nC8:47:80:11:22:33:\n  alias: old name\n  battery: 7  # my number\nC8:47:80:11:22:44: {alias: other}\n"
    )
    container.set(
        OPTIONS | {"devices": [SIMULATED, {"address": "c8:47:80:11:22:33", "type": "jk", "alias": "shed"}]}
    )
    container.start()
    until(lambda: container.registry.read_text().count("simulated") >= 2)

    entries = {one.address: one for one in read_registry(container.registry).entries}
    assert (entries["C8:47:80:11:22:33"].alias, entries["C8:47:80:11:22:33"].battery) == ("shed", 7)
    assert "# mine\n" in container.registry.read_text()
    assert "# my number" in container.registry.read_text()
    assert not entries["C8:47:80:11:22:44"].enabled
    assert entries["simulated"].enabled
    until(container.reading)
    container.end()

    before = container.registry.read_text()
    container.start()
    until(container.reading)
    container.end()
    assert container.registry.read_text() == before

    container.set(OPTIONS | {"devices": [SIMULATED, {"address": "C8:47:80:11:22:44", "type": "jk"}]})
    container.start()

    def enabled() -> set[str]:
        return {one.address for one in read_registry(container.registry).entries if one.enabled}

    until(lambda: enabled() == {"simulated", "C8:47:80:11:22:44"})


def test_a_registry_by_hand_is_not_touched(container: Container) -> None:
    text = "# by hand\nmine: {type: simulated}\n"
    container.registry.write_text(text)
    container.set(OPTIONS)
    container.start()
    until(container.reading)
    assert container.registry.read_text() == text
    assert "left aside" in container.log


def test_a_backup_holds_whole_copies_and_gives_them_back(container: Container) -> None:
    container.set(OPTIONS | {"env": [*HERE, "HISTORY_COMMIT=5"]})
    container.start()
    until(container.reading)
    database = container.root / "data" / "bms.db"

    def events(path: Path) -> int:
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as own:
                assert own.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                return int(own.execute("SELECT count(*) FROM events").fetchone()[0])
        except sqlite3.OperationalError:
            return 0

    until(lambda: events(database))
    subprocess.run(container.command("backup-pre"), check=True, env=bare())  # while everything writes
    copy = container.root / "data" / "copy-of-bms.sqlite"
    kept = events(copy)
    assert kept
    assert container.end() == 0
    for each in container.root.glob("data/*.db*"):
        each.unlink()  # the backup has none of them
    container.start()
    until(container.reading)

    assert "bms.db is taken from the backup" in container.log
    assert events(database) >= kept
    assert not copy.exists()
    subprocess.run(container.command("backup-pre"), check=True, env=bare())
    assert copy.exists()
    subprocess.run(container.command("backup-post"), check=True, env=bare())
    assert not copy.exists()


async def test_the_broker_of_home_assistant_may_come_later_and_change(
    container: Container, supervisor: Supervisor, tmp_path: Path
) -> None:
    """Entities by what the Supervisor says; its password stands nowhere."""
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    container.set(OPTIONS)
    container.start()
    await asyncio.to_thread(until, container.reading)
    with contextlib.closing(contextlib.ExitStack()) as stack:
        broker.start()
        stack.callback(broker.stop)
        async with listening(broker) as heard:
            supervisor.data = {
                "host": "127.0.0.1", "port": str(broker.port), "ssl": False, "username": "addons", "password": CANARY,
                "protocol": "3.1.1",
            }  # fmt: skip
            supervisor.status = 200
            await heard_of(lambda: heard.last("homeassistant/device/try/config"))
            await heard_of(lambda: heard.last("try/soc/soc_percent"))
            assert float(heard.last("try/soc/soc_percent") or 0) > 0
            supervisor.data = supervisor.data | {"password": CANARY + "-new"}
            await heard_of(lambda: container.log.count("the poller begins anew") == 2)
            supervisor.status = 500  # a Supervisor that is ill changes nothing
            asked = supervisor.asked
            await heard_of(lambda: supervisor.asked > asked + 2)
            assert container.log.count("the poller begins anew") == 2
    container.end()
    assert CANARY not in container.log
    held = [
        each for each in container.root.rglob("*") if each.is_file() and CANARY.encode() in each.read_bytes()
    ]
    assert held == []
