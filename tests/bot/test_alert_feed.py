"""Alerts from the poller's log of events to the chats: a real database, real pictures, a Bot API server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jk_bms.bot.alert_feed import NOTE, AlertFeed
from jk_bms.bot.light_aiogram import TelegramBot
from jk_bms.bot.live import LiveView
from jk_bms.bot.sender import Sender
from jk_bms.bot.store import BotStore
from jk_bms.clock import Clock
from jk_bms.model import Device, Event
from jk_bms.rules.base import Moment
from jk_bms.rules.engine import Engine
from jk_bms.rules.facts import notice_facts
from jk_bms.rules.options import Options
from jk_bms.settings import Settings, load_settings
from jk_bms.store.own import OwnStore, open_writer
from jk_bms.texts import language
from tests.bot.conftest import QUICK, Poller, soon
from tests.bot.telegram_server import OWNER, TelegramServer

OTHER = 88
PACK = Device(address="AA:BB:CC:DD:EE:01", name="<Main> & co")
PNG = b"\x89PNG"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        {"BMS_DB_PATH": str(tmp_path / "bms.db"), "BMS_SOCKET": str(tmp_path / "s")}, top=tmp_path
    )


@pytest.fixture
def own(settings: Settings) -> Iterator[OwnStore]:
    with open_writer(settings.bms_db_path, Clock()) as store:
        store.remember_device(PACK)
        yield store


class Feeding:
    """The feed with a sender behind it, and the events it follows."""

    def __init__(self, settings: Settings, store: BotStore, bot: TelegramBot, own: OwnStore) -> None:
        self.settings = settings
        self.store = store
        self.own = own
        self.chats = [OWNER]
        self.monitoring: set[int] = set()
        self.live = LiveView(settings)
        texts = {OWNER: language("en"), OTHER: language("uk")}
        self.sender = Sender(bot, store, texts.__getitem__, QUICK)
        self.feed = AlertFeed(
            settings,
            store,
            self.live,
            chats=lambda: self.chats,
            monitoring=lambda: self.monitoring,
            texts_of=texts.__getitem__,
        )
        self.engine = Engine(Options())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(part.run(), name=str(part)) for part in (self.live, self.feed, self.sender)
        ]
        await soon(lambda: self.store.note(NOTE) is not None)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def happen(
        self, code: int, *, kind: str = "alert.raised", ago: timedelta = timedelta(0), **facts: Any
    ) -> float:
        """Write an alert as the poller does; return when."""
        now = datetime.now(UTC) - ago
        found = self.engine.find(code)
        assert found is not None
        notice = self.engine.example(code, Moment(1.0, now), PACK.address)
        told = notice_facts(notice, found[0]) | {"what": kind.partition(".")[2]}
        told["facts"].pop("test", None)
        self.own.append(
            Event(kind=kind, taken_at=now, monotonic=1.0, device=PACK.address, facts=told | facts)
        )
        at = time.monotonic()
        self.feed._hear({"type": "event", "kind": kind})
        return at


@pytest.fixture
def feeding(settings: Settings, store: BotStore, bot: TelegramBot, own: OwnStore) -> Feeding:
    return Feeding(settings, store, bot, own)


async def test_an_alert_reaches_every_chat_in_its_language_within_two_seconds(
    feeding: Feeding, telegram: TelegramServer
) -> None:
    feeding.chats = [OWNER, OTHER]
    feeding.happen(1006)  # before the bot was first started: of the past
    async with feeding.running():
        at = feeding.happen(1014)
        await soon(lambda: telegram.shown(OWNER) and telegram.shown(OTHER))

    assert time.monotonic() - at < 2
    assert len(telegram.shown(OWNER)) == len(telegram.shown(OTHER)) == 1
    assert "<Main> & co" in telegram.shown(OWNER)[0]
    assert "1014" in telegram.shown(OWNER)[0]
    assert telegram.shown(OWNER) != telegram.shown(OTHER)


async def test_quiet_ones_are_nobodys_business(feeding: Feeding, telegram: TelegramServer) -> None:
    async with feeding.running():
        feeding.happen(1014, quiet="muted")
        feeding.own.append(Event(kind="link.up", taken_at=datetime.now(UTC), monotonic=1.0))
        feeding.happen(1015)
        await soon(lambda: telegram.shown(OWNER))
        await soon(lambda: feeding.store.note(NOTE) == feeding.own.newest_event())

    assert len(telegram.shown(OWNER)) == 1
    assert "1015" in telegram.shown(OWNER)[0]


async def test_ten_at_once_all_arrive_in_order(feeding: Feeding, telegram: TelegramServer) -> None:
    codes = [1001, 1014, 1034, 1040, 1041, 2002, 1010, 1016, 1018, 1026]
    async with feeding.running():
        for code in codes:
            feeding.happen(code)
        await soon(lambda: len([one for one in telegram.shown(OWNER) if one]) == len(codes))

    shown = [one for one in telegram.shown(OWNER) if one]
    assert [str(code) in text for code, text in zip(codes, shown, strict=True)] == [True] * len(codes)


async def test_a_restart_tells_nothing_twice_and_misses_nothing(
    feeding: Feeding, telegram: TelegramServer
) -> None:
    async with feeding.running():
        feeding.happen(1014)
        # Shown is not yet remembered: between the two a stop rightly means that it is sent again.
        await soon(lambda: telegram.shown(OWNER) and not feeding.store.waiting())
    feeding.happen(1015)
    feeding.happen(1015, kind="alert.cleared")
    async with feeding.running():
        await soon(lambda: not feeding.store.waiting() and len(telegram.shown(OWNER)) > 1)

    assert sum("1014" in text for text in telegram.shown(OWNER)) == 1
    assert "✅" in telegram.shown(OWNER)[-1]


async def test_a_picture_follows_an_alert_about_cells(
    feeding: Feeding, telegram: TelegramServer, poller: Poller
) -> None:
    """First the words, so that a slow machine does not keep them; then the cells, without a sound."""
    poller.snapshot["devices"][0]["address"] = PACK.address
    async with feeding.running():
        await soon(lambda: feeding.live.connected)
        feeding.happen(1006)
        await soon(lambda: len(telegram.messages(OWNER)) == 2)

    words, picture = telegram.messages(OWNER)
    assert "1006" in words.shown
    assert not words.photo
    assert picture.photo.startswith(PNG)
    assert str(picture.fields.get("disable_notification")).lower() == "true"


async def test_of_many_alerts_only_the_newest_has_a_picture(
    feeding: Feeding, telegram: TelegramServer, poller: Poller
) -> None:
    """After an outage: the cells as they are now say nothing of an old alert, and once is enough."""
    poller.snapshot["devices"][0]["address"] = PACK.address
    async with feeding.running():
        await soon(lambda: feeding.live.connected)
    for minutes in (200, 100, 50):
        feeding.happen(1006, ago=timedelta(minutes=minutes))
    feeding.happen(1006)
    feeding.happen(1006, kind="alert.worse")
    async with feeding.running():
        await soon(lambda: len([one for one in telegram.messages(OWNER) if one.photo]) == 1)
        await asyncio.sleep(0.5)

    assert len([one for one in telegram.messages(OWNER) if one.photo]) == 1


async def test_without_the_poller_there_is_no_picture_of_other_cells(
    feeding: Feeding, telegram: TelegramServer
) -> None:
    async with feeding.running():
        feeding.happen(1006)
        await soon(lambda: telegram.shown(OWNER))
        await asyncio.sleep(0.3)

    assert len(telegram.messages(OWNER)) == 1


async def test_what_the_monitor_tells_is_not_told_twice(feeding: Feeding, telegram: TelegramServer) -> None:
    """A chat with monitoring hears of grid and silent batteries there; of worse and of repeats here."""
    feeding.chats, feeding.monitoring = [OWNER, OTHER], {OWNER}
    async with feeding.running():
        feeding.happen(2001)
        feeding.happen(2001, kind="alert.repeat")
        feeding.happen(1031, kind="alert.worse")
        await soon(lambda: len(telegram.shown(OWNER)) == 2 and not feeding.store.waiting())

    assert ["2001" in telegram.shown(OWNER)[0], "1031" in telegram.shown(OWNER)[1]] == [True, True]


async def test_what_came_and_went_while_the_bot_was_away_is_told(
    feeding: Feeding, telegram: TelegramServer
) -> None:
    """The monitor, which tells what is, never saw it; what goes on is still the monitor's to tell."""
    feeding.monitoring = {OWNER}
    async with feeding.running():
        pass
    for kind, minutes in (("alert.raised", 50), ("alert.cleared", 40), ("alert.raised", 30)):
        feeding.happen(2001, kind=kind, ago=timedelta(minutes=minutes))
    async with feeding.running():
        await soon(lambda: feeding.store.note(NOTE) == feeding.own.newest_event())
        await soon(lambda: telegram.shown(OWNER) and not feeding.store.waiting())

    shown = "\n".join(telegram.shown(OWNER))
    assert shown.count("2001") == 1  # its end, which stands for both
    assert "✅" in shown


async def test_a_database_that_was_begun_anew_is_followed_from_its_beginning(
    feeding: Feeding, telegram: TelegramServer
) -> None:
    feeding.store.set_notes({NOTE: 4711})
    async with feeding.running():
        await soon(lambda: feeding.store.note(NOTE) == 0)
        feeding.happen(1014)
        await soon(lambda: telegram.shown(OWNER))


async def test_no_database_yet(settings: Settings, store: BotStore, bot: TelegramBot, tmp_path: Path) -> None:
    """The poller was never started: nothing to tell, and no noise."""
    live = LiveView(settings)
    feed = AlertFeed(settings, store, live, chats=list, monitoring=set, texts_of=lambda _: language("en"))
    task = asyncio.create_task(feed.run())
    await asyncio.sleep(0.1)

    assert not task.done()
    task.cancel()
