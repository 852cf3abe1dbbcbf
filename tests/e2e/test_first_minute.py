"""The first minute of a newcomer: a clone, nothing configured, `make run`; a day is there, and git sees nothing."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from jk_bms.tool.clone import keep_out_of_git
from tests.e2e.house import until
from tests.scale import PATIENCE
from tests.test_readme import screen

TOP = Path(__file__).resolve().parents[2]
# What the house of this very day may show besides; the page has no password there ("It has ...").
NOT_ALWAYS = {"Alerts", "  Alarms", "Page", "  It"}


class Clone:
    """A copy of the project that knows no settings but its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(TOP / "jk_bms", folder / "jk_bms", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("jk_bms_service.py", "jk_devices.yaml", ".gitignore"):
            shutil.copy2(TOP / name, folder)
        ours = ("JK_", "BMS_", "DB_", "TELEGRAM_", "NOTIFY_", "WATCHDOG_")
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        self.env["WEB_PORT"] = "0"

    def tool(self, *words: str, check: bool = True, errors: bool = False) -> str:
        """What it says; with ``errors`` also what it says on standard error."""
        done = subprocess.run(
            [sys.executable, "jk_bms/jk-util.py", *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=check,
        )
        return done.stdout + (done.stderr if errors else "")

    def charge(self) -> float:
        """The charge that is shown, in %."""
        device: dict[str, dict[str, float]] = json.loads(self.tool("status", "--json"))["devices"][0]
        return device["reading"]["battery_soc"]

    @contextmanager
    def running(self) -> Iterator[None]:
        """The demonstration, until it reads its battery and its house."""
        command = [sys.executable, "jk_bms_service.py", "--interactive"]
        log = self.folder / "demo.log"
        with (
            log.open("a") as out,
            subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=out, stderr=out) as process,
        ):
            try:
                until((self.folder / "demo" / "poller.sock").is_socket, PATIENCE)
                until(
                    lambda: re.search(
                        r"Grid .*(present|lost).*Records .*inserted",
                        self.tool("status", check=False),
                        re.DOTALL,
                    ),
                    PATIENCE,
                )
                yield
            finally:
                process.send_signal(signal.SIGINT)
                assert process.wait(PATIENCE) == 0, log.read_text()
        log.unlink()

    def stored(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "demo" / "bms.db")) as db:
            return db.execute(query).fetchall()


def labels(lines: list[str]) -> list[str]:
    """The first word of each line of a status, with its indentation."""
    return [found[0] for line in lines if (found := re.match(r" {0,2}[A-Z]\w+", line))]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_a_day_is_there_and_no_alert_of_it(clone: Clone) -> None:
    with clone.running():
        status = clone.tool("status").splitlines()
        history = clone.tool("history")
        digest = clone.tool("digest")
        config = clone.tool("config")
        released = clone.tool("release")
        charge = clone.charge()

    shown = screen()
    usual, there = labels(shown[shown.index("") + 1 :]), labels(status)
    rest = iter(there)
    assert [label for label in usual if label not in rest] == []  # the same, in the same order
    assert set(there) - set(usual) <= NOT_ALWAYS
    assert re.search(r"Battery SOC: .* to .*, last \d", history)
    assert "kWh charged" in digest
    assert re.search(r"DB_PATH = .*/demo/inverter.db", config)
    assert "Simulated battery" in released
    events = clone.stored("SELECT kind, time FROM events ORDER BY id")
    kinds = [str(kind) for kind, _ in events]
    assert kinds[0] == "service.start"  # nothing before it, nor dated so
    assert min(str(time) for _, time in events) == events[0][1]
    assert not any(kind.startswith(("soc.", "clock.", "history.")) for kind in kinds)  # the joint is smooth
    boots = clone.stored("SELECT count(*) FROM boots")

    stopped = {
        word: clone.tool(word, check=False, errors=True) for word in ("status", "config", "check", "release")
    }
    assert all(
        "/demo/" in told and str(clone.folder / "poller.sock") not in told for told in stopped.values()
    )
    assert stopped["release"].endswith("start it with: make run\n")
    assert "a made-up battery; find yours with: python3 " in stopped["check"]
    assert not (clone.folder / "demo" / "jk_devices.yaml").exists()  # so it is named nowhere:
    assert "demo/jk_devices.yaml" not in stopped["check"]

    with clone.running():  # again: nothing is made up, and nothing of it is told as a crash
        assert clone.charge() == pytest.approx(charge, abs=2.0)  # it goes on from where it was

    assert clone.stored("SELECT count(*) FROM boots") == boots
    assert "after_crash" not in str(clone.stored("SELECT facts FROM events"))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_sees_nothing_of_it(clone: Clone) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        return subprocess.run(
            ["git", *who, *words], cwd=clone.folder, capture_output=True, text=True, check=True
        ).stdout

    git("init", "-q")
    git("add", "--all")
    git("commit", "-q", "-m", "clone")

    with clone.running():
        (clone.folder / ".env").write_text("TIMEZONE=UTC\n")
    clone.tool("--address", "simulated")
    keep_out_of_git(clone.folder / "jk_devices.yaml", clone.folder)  # as a scan does, which needs a radio
    with (clone.folder / "jk_devices.yaml").open("a", encoding="utf-8") as file:
        file.write("AA:BB:CC:DD:EE:FF:\n  pin: '123456'\n")

    assert git("status", "--porcelain") == ""
