"""The bot as a program: how it starts and ends, what it makes of Telegram's moods, what it logs."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from jk_bms.bot.requests import MASK
from jk_bms.start import EXIT_CONFIG, EXIT_LATER, EXIT_OK
from tests.bot.bot_program import BotProgram
from tests.bot.telegram_server import OWNER, TOKEN, TelegramServer
from tests.e2e.house import NotifySocket
from tests.scale import PATIENCE, in_time


def answers(telegram: TelegramServer, limit: float = PATIENCE) -> str:
    """Ask for the id of the chat; return the answer."""
    count = len(telegram.messages())
    update = telegram.say("/chatid")
    telegram.await_messages(count + 1, limit=limit)
    telegram.until(lambda: telegram.done_with(update), limit)
    return telegram.shown()[-1]


def test_it_starts_is_ready_and_ends_cleanly(telegram: TelegramServer, tmp_path: Path) -> None:
    with (
        NotifySocket(tmp_path / "notify") as notify,
        BotProgram(tmp_path, telegram, NOTIFY_SOCKET=str(tmp_path / "notify")) as bot,
    ):
        notify.hear("READY=1")
        assert str(OWNER) in answers(telegram)
        code, seconds = bot.end()
        notify.hear("STOPPING=1")

    assert code == EXIT_OK
    assert in_time(seconds, 4)
    assert "unexpected" not in bot.log
    assert "Traceback" not in bot.log


def test_it_is_ready_also_while_telegram_is_away(telegram: TelegramServer, tmp_path: Path) -> None:
    telegram.down()
    with (
        NotifySocket(tmp_path / "notify") as notify,
        BotProgram(tmp_path, telegram, NOTIFY_SOCKET=str(tmp_path / "notify")) as bot,
    ):
        notify.hear("READY=1")
        telegram.until(lambda: "no updates: cannot reach Telegram: " in bot.log)
        telegram.up()
        assert str(OWNER) in answers(telegram)
        assert bot.log.count("no updates: cannot reach Telegram: ") == 1
        assert "ClientConnector" not in bot.log


def test_without_a_token_it_says_so_in_one_line(telegram: TelegramServer, tmp_path: Path) -> None:
    with BotProgram(tmp_path, telegram, TELEGRAM_BOT_TOKEN="") as bot:
        assert bot.wait() == EXIT_CONFIG

    assert len(bot.log.splitlines()) == 1
    assert "TELEGRAM_BOT_TOKEN is not set" in bot.log


def test_a_wrong_token_is_told_and_asked_again(telegram: TelegramServer, tmp_path: Path) -> None:
    """A 401 or 404 may be a mistake of Telegram's: it must not end the bot for good."""
    telegram.token = "1:another"
    with BotProgram(tmp_path, telegram) as bot:
        telegram.until(lambda: "Telegram does not know this token" in bot.log)
        telegram.until(lambda: [name for name, _ in telegram.calls].count("getUpdates") >= 2)
        telegram.token = TOKEN
        assert str(OWNER) in answers(telegram)
        assert TOKEN not in bot.log
        assert bot.log.count("Telegram does not know this token") == 1


@pytest.mark.parametrize("refusal", ["409", "401", "404"])
def test_one_refusal_costs_seconds(telegram: TelegramServer, tmp_path: Path, refusal: str) -> None:
    with BotProgram(tmp_path, telegram) as bot:
        answers(telegram)
        telegram.fail(refusal, "getUpdates")
        telegram.say("/help")  # ends the question that is waiting for something to come
        assert str(OWNER) in answers(telegram)
        assert bot.process.poll() is None
        assert "asking again by itself" in bot.log


def test_a_trial_run_elsewhere_does_not_end_the_installed_bot(
    telegram: TelegramServer, tmp_path: Path
) -> None:
    with BotProgram(tmp_path, telegram) as installed:
        answers(telegram)
        (tmp_path / "other").mkdir()
        with BotProgram(tmp_path / "other", telegram, TELEGRAM_CHAT_ID="5") as trial:
            programs = (installed, trial)
            telegram.until(lambda: any("another program uses the same" in one.log for one in programs))
            time.sleep(3.0)
            assert [one.process.poll() for one in programs] == [None, None]
            trial.end()
        telegram.forget()

        assert str(OWNER) in answers(telegram)  # by itself, and soon


def test_without_a_token_a_container_waits_instead_of_being_started_again_and_again(
    telegram: TelegramServer, tmp_path: Path
) -> None:
    """Compose restarts whatever ends."""
    with BotProgram(tmp_path, telegram, "--stay", TELEGRAM_BOT_TOKEN="") as bot:
        telegram.until(lambda: "start the bot anew" in bot.log)
        assert "TELEGRAM_BOT_TOKEN is not set" in bot.log
        with pytest.raises(subprocess.TimeoutExpired):
            bot.wait(1.5)
        code, _ = bot.end()

    assert code == EXIT_CONFIG


def test_two_bots_never_share_a_database(telegram: TelegramServer, tmp_path: Path) -> None:
    with BotProgram(tmp_path, telegram) as first:
        answers(telegram)
        with BotProgram(tmp_path, telegram) as second:
            assert second.wait() == EXIT_LATER
        assert f"another bot (pid {first.process.pid}) writes it" in second.log
        assert str(OWNER) in answers(telegram)


MOODS = ["500", "html", "close", "429", "slow"]


@pytest.mark.parametrize("mood", MOODS)
def test_it_outlives_telegrams_moods(telegram: TelegramServer, tmp_path: Path, mood: str) -> None:
    with BotProgram(tmp_path, telegram) as bot:
        answers(telegram)
        for _ in range(2):
            seconds = 1.0 if mood == "slow" else 0.0
            telegram.fail(mood, "getUpdates", retry_after=1 if mood == "429" else 0, seconds=seconds)
        assert str(OWNER) in answers(telegram)
        assert str(OWNER) in answers(telegram)
        assert bot.process.poll() is None


def test_an_update_that_nobody_understands_blocks_nothing(telegram: TelegramServer, tmp_path: Path) -> None:
    with BotProgram(tmp_path, telegram) as bot:
        answers(telegram)
        telegram.add_update(message={"message_id": "what", "date": {}, "chat": None})
        assert str(OWNER) in answers(telegram)

    assert "is not understood and left out" in bot.log


def test_what_was_asked_while_it_was_dead_is_answered(telegram: TelegramServer, tmp_path: Path) -> None:
    with BotProgram(tmp_path, telegram) as bot:
        answers(telegram)
        bot.kill()
    telegram.say("/help")
    telegram.say("/status", ago=400.0)
    with BotProgram(tmp_path, telegram):
        telegram.await_messages(2)
        assert str(OWNER) in answers(telegram)

    assert len(telegram.messages()) == 3


def test_the_token_is_in_no_line_of_the_log(telegram: TelegramServer, tmp_path: Path) -> None:
    with BotProgram(tmp_path, telegram, LOG_HTTP_REQUESTS="true", LOG_LEVEL="DEBUG") as bot:
        for mood in ("500", "close", "html"):
            telegram.fail(mood, "sendMessage")
            answers(telegram)
        telegram.down()
        time.sleep(1.5)
        telegram.up()
        answers(telegram)
        bot.end()

    secret = TOKEN.partition(":")[2]
    assert secret not in bot.log
    assert "sendMessage to chat 77: ok in" in bot.log
    assert "getUpdates: TelegramNetworkError" in bot.log


def test_the_token_is_masked_wherever_a_line_comes_from(caplog: pytest.LogCaptureFixture) -> None:
    import logging

    from jk_bms.bot.requests import TokenMask

    caplog.handler.addFilter(TokenMask(TOKEN))
    try:
        raise ValueError(f"https://api.telegram.org/bot{TOKEN}/getMe")
    except ValueError:
        logging.getLogger("aiohttp").exception("at %s", f"/bot{TOKEN}/sendMessage")

    assert TOKEN.partition(":")[2] not in caplog.text
    assert MASK in caplog.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_while_telegram_hangs(
    telegram: TelegramServer, tmp_path: Path, number: signal.Signals
) -> None:
    with BotProgram(tmp_path, telegram) as bot:
        answers(telegram)
        telegram.fail("hang", "sendMessage")
        telegram.say("/help")
        telegram.until(lambda: any(name == "sendMessage" for name, _ in telegram.calls[2:]))
        code, seconds = bot.end(number)

    assert code == EXIT_OK
    assert in_time(seconds, 5.5)
