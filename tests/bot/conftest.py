"""A Bot API server and the parts of the bot that speak to it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from jk_bms.bot.light_aiogram import AiohttpSession, DefaultBotProperties, TelegramAPIServer, TelegramBot
from jk_bms.bot.sender import Pace
from jk_bms.bot.store import BotStore, open_store
from tests.bot.telegram_server import TOKEN, TelegramServer

# A second for a minute and less: what a test waits for is a rule, not a duration.
QUICK = Pace(minute=1.0, first_pause=0.02, longest_pause=0.1, patience=2.0, timeout=1.0, late=0.3)


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BotStore]:
    with open_store(tmp_path / "bot.db") as opened:
        yield opened


@pytest.fixture
async def bot(telegram: TelegramServer) -> AsyncIterator[TelegramBot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
    made = TelegramBot(TOKEN, session=session, default=DefaultBotProperties(parse_mode="HTML"))
    yield made
    await session.close()


async def soon(what: object, limit: float = 10.0) -> None:
    """Wait in the event loop until ``what()`` is true."""
    assert callable(what)
    async with asyncio.timeout(limit):
        while not what():
            await asyncio.sleep(0.005)
