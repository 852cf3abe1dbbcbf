"""The bot goes on with settings that were changed while it runs, without a new process."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from jk_bms.bot.light_aiogram import TelegramBot
from jk_bms.bot.service import Bot
from jk_bms.bot.store import BotStore
from jk_bms.config.settings import Settings
from jk_bms.errors import ConfigError
from jk_bms.model.snapshot import EventTold
from tests.bot.conftest import QUICK, QUICK_PATIENCE, Configure, Poller, soon


def changed() -> EventTold:
    return EventTold(
        kind="config.changed", time="2026-12-01T12:00:00+00:00", text="a setting is another one now"
    )


def running(settings: Settings, store: BotStore, bot: TelegramBot, load: Callable[[], Settings]) -> Bot:
    return Bot(settings, store, bot, QUICK, QUICK_PATIENCE, load=load)


async def test_a_change_has_it_begin_anew(
    configure: Configure, store: BotStore, bot: TelegramBot, poller: Poller
) -> None:
    settings = configure()
    known = [settings]
    made = running(settings, store, bot, lambda: known[0])
    going = asyncio.create_task(made.run())
    await soon(lambda: made.live.connected)

    poller.server.send(changed())
    known[0] = msgspec.structs.replace(settings, change_step=7.0)
    poller.server.send(changed())

    async with asyncio.timeout(60):
        await going
    assert made.fresh is known[0]


@pytest.mark.parametrize("wrong", [False, True])
async def test_what_waits_for_the_next_start_or_is_wrong_changes_nothing(
    wrong: bool, configure: Configure, store: BotStore, bot: TelegramBot, poller: Poller, tmp_path: Path
) -> None:
    settings, asked = configure(), []

    def load() -> Settings:
        asked.append(1)
        if wrong:
            raise ConfigError("settings: SUMMARY_TIME='late': expected a time of day")
        return msgspec.structs.replace(settings, bot_db_path=tmp_path / "other.db")

    made = running(settings, store, bot, load)
    going = asyncio.create_task(made.run())
    await soon(lambda: asked)
    poller.server.send(changed())
    await soon(lambda: len(asked) > 1)

    assert not made.stop.is_set()
    made.stop.set()
    await going
    assert made.fresh is None
