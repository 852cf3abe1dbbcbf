"""Bot and page as children of `make run`: its lines become ours, its end is told, and it never outlives us."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jk_bms.config.settings import TOP, load_settings
from jk_bms.poller import children
from jk_bms.poller.children import BOT, beside
from tests.scale import PATIENCE

SETTINGS = load_settings({"TELEGRAM_BOT_TOKEN": "1:abc", "JK_ENV_FILE": "/dev/null"})
SLEEPING = "import time; print('up', flush=True); time.sleep(60)"


def bot(tmp_path: Path, code: str) -> list[str]:
    """A program in place of the bot."""
    script = tmp_path / "bot.py"
    script.write_text(code)
    return [sys.executable, str(script)]


async def until(what: Callable[[], object], limit: float = PATIENCE) -> None:
    async with asyncio.timeout(limit):
        while not what():
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process still runs; one that only waits to be collected does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def test_its_lines_are_logged_as_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At the level it gave; what follows without one, as a traceback does, has the level before it."""
    caplog.set_level("DEBUG")
    code = (
        "print('2026-11-21 10:00:00 - telegram_bot - INFO - ready')\n"
        "print('telegram_bot - ERROR - broken')\nprint('  File \"x.py\"')\nprint('x' * 100000)\n"
        "print('2026-11-21 10:00:01 - telegram_bot - DEBUG - on', flush=True)\nimport time; time.sleep(60)"
    )

    async with beside(BOT, SETTINGS, bot(tmp_path, code)):
        await until(lambda: "bot: on" in caplog.messages)

    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert ("INFO", "bot: ready") in told
    assert ("ERROR", "bot: broken") in told
    assert ("ERROR", 'bot:   File "x.py"') in told
    assert told[-1] == ("DEBUG", "bot: on")  # ended by us: nothing to complain of


async def test_it_is_told_where_our_settings_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of our own talk with systemd."""
    caplog.set_level("INFO")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/ours")
    env = tmp_path / "house.env"
    env.write_text("TELEGRAM_BOT_TOKEN=1:abc\n")
    settings = load_settings({}, env, top=tmp_path)
    code = (
        "import os; print(os.environ['JK_ENV_FILE'], os.environ.get('NOTIFY_SOCKET'), flush=True)\n"
        + SLEEPING
    )

    async with beside(BOT, settings, bot(tmp_path, code)):
        await until(lambda: "bot: up" in caplog.messages)

    assert f"bot: {env} None" in caplog.messages


async def test_one_that_dies_is_started_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(children, "RESTART", 0.01)

    async with beside(BOT, SETTINGS, bot(tmp_path, "print('here'); raise SystemExit(1)")):
        await until(lambda: caplog.messages.count("bot: here") >= 2)

    assert "bot: ended with exit code 1; started again in 0.01 s" in caplog.messages


async def test_one_that_waits_for_a_person_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reason stands in the log, and the batteries are read on."""
    caplog.set_level("INFO")
    monkeypatch.setattr(children, "RESTART", 0.01)

    async with beside(BOT, SETTINGS, bot(tmp_path, "print('wrong token'); raise SystemExit(78)")):
        await until(lambda: "bot: stopped" in caplog.text)
        await asyncio.sleep(0.2)

    assert caplog.messages[0] == "bot: wrong token"
    assert len(caplog.messages) == 2


async def test_it_ends_with_us(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SIGTERM first, and no line of complaint when it obeys."""
    caplog.set_level("INFO")
    code = (
        "import signal, sys\nsignal.signal(15, lambda *_: (print('bye', flush=True), sys.exit(0)))\n"
        + SLEEPING
    )

    async with beside(BOT, SETTINGS, bot(tmp_path, code)):
        await until(lambda: "bot: up" in caplog.messages)
        began = time.monotonic()

    assert time.monotonic() - began < 1.5
    assert "bot: ended" not in caplog.text


async def test_one_that_does_not_obey_is_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(children, "STOP_PATIENCE", 0.2)
    code = "import os, signal\nsignal.signal(15, signal.SIG_IGN)\nprint(os.getpid(), flush=True)\n" + SLEEPING

    async with beside(BOT, SETTINGS, bot(tmp_path, code)):
        await until(lambda: "bot: up" in caplog.messages)

    pid = int(caplog.messages[0].removeprefix("bot: "))
    assert not alive(pid)
    assert "bot: did not end within 0.2 s" in caplog.messages


async def test_interrupt_of_the_terminal_comes_to_us_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in a process group of its own: we end it, in order."""
    caplog.set_level("INFO")
    code = "import os\nprint(os.getpgid(0), flush=True)\n" + SLEEPING

    async with beside(BOT, SETTINGS, bot(tmp_path, code)):
        await until(lambda: "bot: up" in caplog.messages)

    assert int(caplog.messages[0].removeprefix("bot: ")) != os.getpgid(0)


async def test_without_its_packages_it_is_not_started(caplog: pytest.LogCaptureFixture) -> None:
    async with beside(BOT._replace(packages=("no_such_package",)), SETTINGS):
        pass

    assert caplog.record_tuples == [
        (
            "jk_bms.poller.children",
            logging.ERROR,
            "bot: not started, no_such_package is not installed; `make run` installs it",
        )
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_it_does_not_outlive_one_who_was_killed(tmp_path: Path) -> None:
    """kill -9 of the poller: a bot left over would fight the next one for the token."""
    child = bot(
        tmp_path, f"import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n" + SLEEPING
    )
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import asyncio\nfrom jk_bms.config.settings import load_settings\n"
        "from jk_bms.poller.children import BOT, beside\n"
        "async def main():\n"
        "    settings = load_settings({'TELEGRAM_BOT_TOKEN': '1:abc', 'JK_ENV_FILE': '/dev/null'})\n"
        f"    async with beside(BOT, settings, {child!r}):\n        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen([sys.executable, parent], cwd=TOP, env=os.environ | {"PYTHONPATH": str(TOP)})
    deadline = time.monotonic() + PATIENCE
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pid = int((tmp_path / "pid").read_text())

    process.send_signal(signal.SIGKILL)
    process.wait()

    while alive(pid):
        assert time.monotonic() < deadline + PATIENCE, "the bot still runs"
        time.sleep(0.02)
