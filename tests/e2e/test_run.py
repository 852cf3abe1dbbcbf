"""`make run`: one command starts poller, page and, with a token, bot, and one signal ends them all."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from jk_bms import __version__
from tests.e2e.house import TOP, House, until
from tests.scale import PATIENCE, in_time

NOBODY = "http://127.0.0.1:9"  # no Bot API there


def bot_of(parent: int) -> int | None:
    """The process of the bot that ``parent`` started."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if b"telegram_bot.py" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    return None


@pytest.fixture
def with_token(simulated: House) -> House:
    simulated.env |= {"TELEGRAM_BOT_TOKEN": "123:no-such-token", "TELEGRAM_API_URL": NOBODY}
    return simulated


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_run_and_both_end(number: signal.Signals, with_token: House) -> None:
    with with_token.service("--interactive") as service:
        service.streaming()
        until(lambda: re.search(r"bot: .*(no updates from|cannot reach) Telegram", service.log))
        bot = bot_of(service.process.pid)
        code, seconds = service.end(number)

    assert (code, in_time(seconds, 5)) == (0, True), service.log
    assert bot is not None
    assert not Path(f"/proc/{bot}").exists()
    assert with_token.bms_db.with_name("bot.db").exists()
    assert "no-such-token" not in service.log
    assert "Traceback" not in service.log


def test_batteries_are_read_on_without_the_bot(with_token: House) -> None:
    """A setting that only the bot refuses ends the bot, not the poller, and both say so."""
    with with_token.service("--interactive", SUMMARY_TIME="late") as service:
        until(lambda: "bot: stopped; the batteries are read on" in service.log)
        service.streaming()
        code, _ = service.end()

    assert code == 0
    assert re.search(
        r"WARNING - settings: SUMMARY_TIME='late': .*the bot will not start with it", service.log
    )
    assert "ERROR - bot: settings: SUMMARY_TIME='late': expected a time of day" in service.log


def test_the_page_runs_as_well(simulated: House) -> None:
    """It says where it is and with which code it is opened; one Ctrl-C ends all."""
    with simulated.service("--interactive") as service:
        service.streaming()
        until(lambda: re.search(r"the page has no password yet: open http://\S+/start#\w{10}", service.log))
        found = re.search(r"page: ready: http://[^:]+:(\d+)", service.log)
        assert found
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/api/health", timeout=PATIENCE) as answer:
            assert json.load(answer)["status"] == "ok"
        code, seconds = service.end(signal.SIGINT)

    assert (code, in_time(seconds, 5)) == (0, True), service.log
    assert "Traceback" not in service.log


def test_without_a_token_there_is_no_bot(simulated: House) -> None:
    with simulated.service("--interactive") as service:
        service.streaming()
        assert bot_of(service.process.pid) is None
        service.end()

    assert "bot:" not in service.log


def test_an_installed_service_starts_none(with_token: House) -> None:
    """There the bot has a unit of its own."""
    with with_token.service() as service:
        service.streaming()
        assert bot_of(service.process.pid) is None
        service.end()


@pytest.mark.parametrize("command", [("telegram_bot.py",), ("-m", "jk_bms.bot")], ids=" ".join)
def test_ways_to_start_the_bot(command: tuple[str, ...]) -> None:
    """By its file, and without it where another program has one of that name."""
    done = subprocess.run(
        [sys.executable, *command, "--version"], cwd=TOP, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, f"easun-jkbms {__version__}\n", "")
