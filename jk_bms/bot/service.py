"""Starting and ending the bot: settings, parts, signals, exit codes."""

import argparse
import asyncio
import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from jk_bms import __version__
from jk_bms.bot.access import Access
from jk_bms.bot.alert_feed import AlertFeed
from jk_bms.bot.choices import is_quiet, quiet_of
from jk_bms.bot.commands import Context
from jk_bms.bot.daily import Daily
from jk_bms.bot.handlers import Handlers
from jk_bms.bot.languages import Languages
from jk_bms.bot.light_aiogram import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBot,
    TelegramRetryAfter,
    TokenValidationError,
)
from jk_bms.bot.menu import set_menus
from jk_bms.bot.monitor import Monitor
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.parts import Parts
from jk_bms.bot.people import People
from jk_bms.bot.requests import TokenMask, make_bot
from jk_bms.bot.sender import PACE, Pace, Sender
from jk_bms.bot.stat_log import StatLog
from jk_bms.bot.store import WITNESS, BotStore, open_store
from jk_bms.bot.telegram_errors import Refusal, brief
from jk_bms.bot.updates import PATIENCE, Patience, Updates
from jk_bms.config.devices import read_registry, selected_entries
from jk_bms.config.settings import OWN_TOKEN, Settings, at_once, load_settings
from jk_bms.config.settings.proxies import proxy_for, proxy_secrets
from jk_bms.ending import end_on_signals, log_end, stay
from jk_bms.errors import ConfigError, JkBmsError, StoreError
from jk_bms.live.sd_notify import Notifier
from jk_bms.logs import setup_logging
from jk_bms.model.snapshot import EventTold, Snapshot
from jk_bms.start import EXIT_CONFIG, EXIT_OK
from jk_bms.texts import escape
from jk_bms.view.live_view import LiveView, News

log = logging.getLogger(__name__)

SERVICE_NAME = "telegram_bot"


SETTLE = 1.5  # s of them to finish what came, and again so long for what is on its way to Telegram
LONGEST_PAUSE = 60.0  # s
BEAT = 60.0  # s between two signs of life to the battery monitor
TAKEN_AGAIN = 86400.0  # s after which people are told again that another program has the token


class _Ended(Exception):
    """The bot was told to end."""


class Bot:
    """All parts of the bot, run side by side until ``stop``."""

    def __init__(
        self,
        settings: Settings,
        store: BotStore,
        telegram: TelegramBot,
        pace: Pace = PACE,
        patience: Patience = PATIENCE,
        load: Callable[[], Settings] | None = None,
    ) -> None:
        """``load`` reads the settings again; None: they stay."""
        self.settings = settings
        self.fresh: Settings | None = None  # with which to begin anew, when it stops for that
        self._load = load or (lambda: settings)
        self.pace = pace
        self.patience = patience
        self.store = store
        self.telegram = telegram
        self.stop = asyncio.Event()
        self.access = Access(settings, store)
        self.live = LiveView(settings, _addresses(settings))
        self.stat_log = (
            StatLog(settings.log_file, settings.timezone, keep_days=settings.log_keep_days)
            if settings.log_file
            else None
        )
        self._notifier = Notifier()
        self._news = asyncio.Event()  # the battery monitor is to hear of us

    async def run(self) -> None:
        """Run until ``stop`` is set. Raises an ExceptionGroup of bugs."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._run_in(group)
                raise _Ended  # and with us all that still goes on
        except* _Ended:
            pass

    async def _run_in(self, group: asyncio.TaskGroup) -> None:
        languages = Languages(self.store, self.settings.bot_language)
        parts = Parts(self.settings, self.store, self.access, self.live, languages)
        sender = Sender(
            self.telegram,
            self.store,
            languages.of,
            self.pace,
            self.access.topic_of,
            lambda chat: is_quiet(
                quiet_of(self.store.chat(chat).choices.quiet, self.settings.alert_quiet_hours),
                datetime.now(UTC),
                self.settings.timezone,
            ),
        )
        chats = self.access.told_of_alerts
        daily = Daily(self.settings, self.store, sender, chats, languages.of)

        def began(chat: int) -> None:
            monitor.began(chat)
            feed.wake()  # it may be new to alerts as well

        handlers = Handlers(Context(parts, People(parts), daily.on_demand, began), sender, group)
        monitor = Monitor(parts, self.stat_log)
        feed = AlertFeed(
            self.settings,
            self.store,
            self.live,
            chats=chats,
            monitoring=lambda: {chat.id for chat in self.access.monitoring()},
            texts_of=languages.of,
            of_owner=self.access.of_owner,
        )
        updates = self.updates = Updates(
            self.telegram,
            self.store,
            handlers.handle,
            pause=self.settings.polling_interval,
            patience=self.patience,
            changed=self._news.set,
        )
        handlers.username = str(self.store.note("username", "")).lower()
        group.create_task(self.live.run(), name="live")
        group.create_task(sender.run(), name="sender")
        group.create_task(monitor.run(), name="monitor")
        group.create_task(feed.run(), name="alerts")
        group.create_task(daily.run(), name="digest")
        group.create_task(self._introduce(handlers), name="introduction")
        group.create_task(self._report(languages), name="signs of life")
        group.create_task(self._watchdog(), name="watchdog")
        group.create_task(self.store.look_after(), name="file")
        self.live.listen(self._look_at_settings)
        asking = group.create_task(updates.run(), name="updates")
        self._notifier.ready()
        log.info("ready")
        await self.stop.wait()
        if self.fresh is None:
            self._notifier.stopping()
        updates.end()
        await asyncio.wait({asking}, timeout=SETTLE)
        await sender.settle(SETTLE)

    def _look_at_settings(self, news: News) -> None:
        """Begin anew by other settings where the poller tells of a change, perhaps one that was missed."""
        changed = isinstance(news, Snapshot) or (
            isinstance(news, EventTold) and news.kind == "config.changed"
        )
        if not changed or self.stop.is_set():
            return
        try:
            fresh = self._load()
        except ConfigError as error:
            log.debug("the settings stay as they are: %s", error)
            return
        if at_once(fresh) != at_once(self.settings):
            log.info("settings were changed: going on with them")
            self.fresh = fresh
            self.stop.set()

    async def _report(self, languages: Languages) -> None:
        """Tell the battery monitor who we are and how we do: every minute, and at once when that changes."""
        self.live.listen(lambda told: self._news.set() if isinstance(told, Snapshot) else None)
        while True:
            self._news.clear()
            try:
                await self._tell_of_refusal(languages)
                await self.live.request(
                    "telegram",
                    username=str(self.store.note("username", "")),
                    claimed=self.access.claimed,
                    state=self._state(),
                )
            except JkBmsError as error:
                log.debug("the battery monitor was not told of the bot: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._news.wait()

    def _state(self) -> str:
        if self.updates.refused is not None:
            return self.updates.refused
        return "away" if self.updates.away else "well"

    async def _tell_of_refusal(self, languages: Languages) -> None:
        """Tell people, at most once a day, that another program takes their commands: sending still works."""
        told = float(self.store.note("taken_told", 0.0))
        if self.updates.refused not in (Refusal.TAKEN, Refusal.WEBHOOK) or time.time() - told < TAKEN_AGAIN:
            return
        messages = []
        for chat in self.access.told_of_alerts():
            text = f"⚠️ {escape(languages.of(chat)('delivery.token_taken'))}"
            messages.append(Outgoing(chat=chat, text=text, line=text, key="token"))
        await self.store.aside(self.store.queue, messages, {"taken_told": time.time()})

    async def _introduce(self, handlers: Handlers) -> None:
        """Learn our own name and give Telegram the menus."""
        pause = 1.0
        while True:
            try:
                me = await self.telegram.get_me(request_timeout=10)
                await set_menus(self.telegram, self.store, self.settings.bot_language)
                await self.store.aside(self.store.set_notes, {"username": me.username or ""})
            except TelegramRetryAfter as error:
                await asyncio.sleep(error.retry_after)
            except (TelegramAPIError, ClientDecodeError) as error:
                log.debug("not introduced yet: %s", brief(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except StoreError as error:
                log.error("%s", error)
                await asyncio.sleep(LONGEST_PAUSE)
            else:
                log.info("serving as @%s", me.username)
                handlers.username = (me.username or "").lower()
                self._news.set()
                return

    async def _watchdog(self) -> None:
        period = self._notifier.watchdog_period or 30.0
        while True:
            self._notifier.watchdog()
            chats = len(self.access.told_of_alerts())
            self._notifier.status(
                f"{chats} chats; battery monitor {'here' if self.live.connected else 'away'}"
            )
            await asyncio.sleep(min(period / 3, 10.0))


async def serve(settings: Settings, load: Callable[[], Settings]) -> Settings | None:
    """Run the bot until SIGTERM or SIGINT; return the settings with which to begin anew, where they were changed.

    ``load`` reads them again. Raises ConfigError, StoreError.
    """
    assert settings.bot_token is not None
    try:
        telegram = make_bot(
            settings.bot_token,
            settings.telegram_api,
            proxy=proxy_for(settings, settings.telegram_api),
            log_requests=settings.log_http_requests,
        )
    except TokenValidationError as error:
        raise ConfigError(
            "TELEGRAM_BOT_TOKEN: expected a token as @BotFather shows it, such as 1234567890:AA..., "
            "without blanks or quotes"
        ) from error
    with open_store(settings.bot_db_path, _witness(settings)) as store:
        bot = Bot(settings, store, telegram, load=load)
        end_on_signals(bot.stop.set)
        try:
            await bot.run()
        finally:
            await telegram.session.close()
        return bot.fresh


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bot as configured; return the exit code."""
    arguments = _parser().parse_args(argv)
    setup_logging("INFO", SERVICE_NAME)
    try:
        load = partial(load_settings, env_file=arguments.env_file)
        settings = load()
        setup_logging(settings.log_level, SERVICE_NAME, timezone=settings.timezone)
        for warning in settings.warnings:
            log.warning("%s", warning)
        if not settings.bot_token:
            raise ConfigError(
                f"{OWN_TOKEN if settings.env_shared else 'TELEGRAM_BOT_TOKEN'} is not set, so there is no bot: "
                "make one with @BotFather in Telegram and put its token into .env"
            )
        log.info("easun-jkbms %s: Telegram bot, database %s", __version__, settings.bot_db_path)
        wanted: Settings | None = settings
        while wanted is not None:
            for handler in logging.getLogger().handlers:
                handler.addFilter(TokenMask(wanted.bot_token or "", *proxy_secrets(wanted)))
            logging.getLogger().setLevel(wanted.log_level)
            wanted = asyncio.run(serve(wanted, load))
    except (JkBmsError, ExceptionGroup) as error:
        code = log_end(error)
        if arguments.stay and code == EXIT_CONFIG:
            stay("the bot")
        return code
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="telegram_bot.py",
        description="Answer commands in Telegram, deliver alerts and the daily digest.",
    )
    parser.add_argument(
        "--env-file", metavar="FILE", help="settings file (default: .env in the project's folder)"
    )
    parser.add_argument(
        "--stay",
        action="store_true",
        help="when only a person can help (exit code 78), wait for the end instead of ending: for "
        "containers, which are started anew whatever the exit code says",
    )
    parser.add_argument("--version", action="version", version=f"easun-jkbms {__version__}")
    return parser


def _witness(settings: Settings) -> Path:
    """Where it is noted that bot.db cannot be written: on no disk, if there is such a place."""
    folder = os.environ.get("RUNTIME_DIRECTORY") or os.environ.get("XDG_RUNTIME_DIR")
    path = settings.bot_db_path.absolute()
    name = f"{WITNESS}-{hashlib.blake2s(str(path).encode(), digest_size=4).hexdigest()}"
    return (Path(folder.split(":")[0]) if folder else path.parent) / name


def _addresses(settings: Settings) -> frozenset[str]:
    """The batteries that are read; empty: not known, the poller will say."""
    try:
        entries = selected_entries(read_registry(settings.devices_file), settings.address)
    except JkBmsError as error:
        log.warning("%s", error)
        return frozenset()
    return frozenset(entry.address for entry in entries)
