"""The digest from the real bot: its process, its child, a model's service and Telegram's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jk_bms.bot.daily import NOTE
from jk_bms.bot.store import open_store
from tests.bot.bot_program import BotProgram
from tests.bot.telegram_server import OWNER, TelegramServer
from tests.charts.lived_house import live
from tests.digest.chat_server import ChatServer, choosing

KEY = "sk-canary-271828"
HOUR = timedelta(hours=1)


@pytest.fixture
def model() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


def due(now: datetime) -> datetime:
    """A summary time an hour or so ago, UTC, on a whole minute."""
    return (now - HOUR).replace(second=0, microsecond=0)


def test_on_demand_with_a_model(telegram: TelegramServer, model: ChatServer, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    live(tmp_path / "bms.db", now, 1.2)
    model.answers = [choosing("temperature", "energy", tone="friendly")]
    env = {
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": model.url,
        "TIMEZONE": "UTC",
        "LOG_HTTP_REQUESTS": "true",
    }
    env["DIGEST_PERIOD"] = "24h"  # today is empty just after midnight
    with BotProgram(tmp_path, telegram, **env) as bot:
        telegram.say("/digest")
        waiting, digest = telegram.await_messages(2)[:2]
        telegram.say("/digest")
        again = telegram.await_messages(3)[2]
        log = bot.log

    assert waiting.shown != digest.shown
    title, hello, first = digest.shown.splitlines()[:3]
    assert title.startswith("Digest of ")
    assert hello == "Hello! This was the day:"
    assert first.startswith("Temperature ")
    assert digest.photo
    assert digest.photo.startswith(b"\x89PNG")
    assert "once in ten minutes" in again.shown
    assert KEY not in log
    assert KEY not in str(telegram.messages())
    assert len(model.requests) == 1


def test_a_missed_one_comes_once_over_a_kill(telegram: TelegramServer, tmp_path: Path) -> None:
    """The machine was off at the summary time; then the bot is killed right after it has told."""
    now = datetime.now(UTC)
    at = due(now)
    live(tmp_path / "bms.db", now, 2.2)
    with open_store(tmp_path / "bot.db") as store:
        store.set_notes({NOTE: [(at - timedelta(days=1)).date().isoformat()]})
    env = {"SUMMARY_TIME": f"{at:%H:%M}", "TIMEZONE": "UTC"}

    with BotProgram(tmp_path, telegram, **env) as bot:
        [digest] = telegram.await_messages(1, chat=OWNER)
        bot.kill()
    with BotProgram(tmp_path, telegram, **env) as bot:
        telegram.say("/chatid")
        telegram.until(lambda: any(str(OWNER) in text for text in telegram.shown()))
        log = bot.log

    assert digest.shown.startswith(
        f"This digest is late: the program was not running at {at:%H:%M}.\n\nDigest of "
    )
    others = [text for text in telegram.shown() if "Digest of" in text]
    assert len(others) <= 2  # killed before it knew that Telegram had it, it may say it once more, marked
    assert "digest of" not in log
