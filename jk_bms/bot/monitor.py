"""What the bot says without being asked, alerts and digest apart: the level, and a poller that is silent.

What was said last stands in ``bot.db``, so a restart says nothing twice and misses no change.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from jk_bms.bot import pages
from jk_bms.bot.choices import NIGHT, is_quiet, quiet_of
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages import Page
from jk_bms.bot.parts import Parts
from jk_bms.bot.stat_log import StatLog
from jk_bms.config.settings import Settings
from jk_bms.errors import StoreError
from jk_bms.model.snapshot import Snapshot
from jk_bms.texts import Texts, escape
from jk_bms.view.house import house_of

log = logging.getLogger(__name__)

POLLER_LOST = 300.0  # s without an answer: a restart or an update is over by then
RESTART = "sudo systemctl restart easun-jkbms"  # as the service of install.sh is called
DEFAULT_MINIMUM = 20.0  # V, of MIN_VOLTAGE: the owner did not tune it
LOWEST, HIGHEST = 0.9, 1.1  # of MIN_VOLTAGE, MAX_VOLTAGE: where the pack must lie for them to be meant for it
SUSPICIOUS = 1.6  # times the pack voltage: MIN_VOLTAGE was meant for something else


class BankLevel(NamedTuple):
    """How full the house is."""

    voltage: float | None  # V, mean of the packs
    percent: float  # with LEVEL_SOURCE=voltage not limited to 0..100


def level_of(snapshot: Snapshot, settings: Settings) -> BankLevel | None:
    """Return the level of the house; None when no pack can be counted on."""
    house = house_of(snapshot)
    if by_voltage(house.voltage, settings):
        span = settings.max_voltage - settings.min_voltage
        if house.voltage is None or span == 0:
            return None
        return BankLevel(house.voltage, 100.0 * (house.voltage - settings.min_voltage) / span)
    return None if house.soc is None else BankLevel(house.voltage, house.soc)


def by_voltage(voltage: float | None, settings: Settings) -> bool:
    """Whether the level is that of the voltage: as LEVEL_SOURCE says, else where both limits fit the pack."""
    if settings.level_source is not None:
        return settings.level_source == "voltage"
    return limits_set(settings) and (voltage is None or fits(voltage, settings))


def limits_set(settings: Settings) -> bool:
    """Whether the owner set both limits."""
    return all(settings.sources.get(key, "default") != "default" for key in ("MIN_VOLTAGE", "MAX_VOLTAGE"))


def fits(voltage: float, settings: Settings) -> bool:
    """Whether a pack of ``voltage`` V may be the one that the limits are meant for."""
    return LOWEST * settings.min_voltage <= voltage <= HIGHEST * settings.max_voltage


class Monitor:
    """Looks whether the poller answers every BOT_POLL_INTERVAL and at the level every CHECK_INTERVAL."""

    def __init__(
        self,
        parts: Parts,
        stat_log: StatLog | None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._unfitting = False  # it was said that the limits do not fit
        self._settings, self._store, self._access, self._live, self._languages = parts
        self._log = stat_log
        self._monotonic = monotonic
        self._check_due = monotonic()
        self._wake = asyncio.Event()
        self._began: list[int] = []  # chats that are not in the log file yet

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._keep_log()
                snapshot = await self._live.snapshot()
                await self.look(snapshot)
                if (now := self._monotonic()) >= self._check_due:
                    # Set before the check: a chat that begins meanwhile asks for another one.
                    self._check_due = now + self._settings.check_interval
                    if not await self.check(snapshot):
                        self._check_due = now
            except StoreError as error:
                log.error("%s", error)
            except Exception:  # what one house does not have must not end all watching
                log.exception("unexpected error while looking at the house")
            try:
                async with asyncio.timeout(self._settings.bot_poll_interval):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def began(self, chat: int) -> None:
        """A chat began monitoring: it gets its first level at once."""
        self._check_due = self._monotonic()
        if self._log is not None:
            self._began.append(chat)
        self._wake.set()

    async def look(self, snapshot: Snapshot) -> None:
        """Tell when the poller is gone for long, and when it is back."""
        down, told = snapshot.poller_down, bool(self._store.note("poller_lost"))
        since = self._live.down_since
        if down == told or (down and (since is None or self._monotonic() - since < POLLER_LOST)):
            return
        await self._tell("poller", lambda texts: self._poller_page(snapshot, texts), {"poller_lost": down})

    async def check(self, snapshot: Snapshot) -> bool:
        """Tell and note the level; False when it is not known now."""
        level = level_of(snapshot, self._settings)
        if level is None:
            return False
        messages, notes = [], {}
        now, house = self._now(), self._settings.alert_quiet_hours
        for chat in self._access.monitoring():
            name = f"level:{chat.id}"
            last = self._store.note(name)
            step = self._settings.change_step if chat.choices.step is None else chat.choices.step
            # Half a tenth less than a step counts as one: 5.0 of 95.3 - 90.3 is 4.999...
            if not step or (last is not None and abs(level.percent - last) < step - 1e-6):
                continue
            text = pages.level_change(
                level.voltage,
                level.percent,
                self._languages.of(chat.id),
                rising=None if last is None else level.percent > last,
            )
            texts = self._languages.of(chat.id)
            told = [text, *pages.level_packs(snapshot, texts, self._settings.timezone, datetime.now(UTC))]
            silent = is_quiet(quiet_of(chat.choices.quiet, house, else_=NIGHT), now, self._settings.timezone)
            messages.append(
                Outgoing(chat=chat.id, text="\n".join(told), line=text, key="level", silent=silent)
            )
            notes[name] = level.percent
        await self._store.aside(self._store.queue, messages, notes)
        await self._warn_of_limits(level)
        if self._log is not None and level.voltage is not None:
            now, chats = datetime.now(UTC), self._access.told_of_alerts()
            try:
                await asyncio.to_thread(self._log.battery, now, level.voltage, level.percent, chats)
            except StoreError as error:
                log.error("%s", error)
        return True

    async def _keep_log(self) -> None:
        """Note new chats in the log file, and begin a new one at midnight."""
        if self._log is None:
            return
        now, chats = datetime.now(UTC), self._access.told_of_alerts()
        try:
            while self._began:
                await asyncio.to_thread(self._log.registered, now, self._began.pop(0), chats)
            await asyncio.to_thread(self._log.turn, now, chats)
        except StoreError as error:  # a full disk must not keep the level from being told
            log.error("%s", error)

    def _poller_page(self, snapshot: Snapshot, texts: Texts) -> Page:
        down = snapshot.poller_down
        key = "delivery.poller_lost" if down else "delivery.poller_back"
        header = f"{'⚠️' if down else '✅'} <b>{escape(texts(key))}</b>\n"
        if down:
            header += f"{escape(texts('delivery.poller_lost_do'))} <code>{RESTART}</code>\n"
        zone, now = self._settings.timezone, datetime.now(UTC)
        return pages.status(snapshot, texts, zone, now, header=header)

    async def _warn_of_limits(self, level: BankLevel) -> None:
        minimum = self._settings.min_voltage
        self._warn_of_unfitting(level)
        told = self._store.note("limits_warned") == minimum
        unused = minimum == DEFAULT_MINIMUM and self._settings.level_source != "voltage"
        if level.voltage is None or minimum <= SUSPICIOUS * level.voltage or told or unused:
            return
        log.warning(
            "MIN_VOLTAGE is %g V, but the pack measures %.1f V; expected the voltage of an empty pack",
            minimum,
            level.voltage,
        )
        voltage = level.voltage
        await self._tell(
            "limits", lambda texts: pages.limits_warning(minimum, voltage, texts), {"limits_warned": minimum}
        )

    def _warn_of_unfitting(self, level: BankLevel) -> None:
        """Say once that two limits were set and are not used."""
        settings, voltage = self._settings, level.voltage
        unclear = settings.level_source is None and limits_set(settings)
        if self._unfitting or voltage is None or not unclear or fits(voltage, settings):
            return
        self._unfitting = True
        log.warning(
            "MIN_VOLTAGE=%g and MAX_VOLTAGE=%g do not fit a pack of %.1f V, so the level is its state of charge; "
            "correct them, or set LEVEL_SOURCE=soc or voltage",
            settings.min_voltage,
            settings.max_voltage,
            voltage,
        )

    async def _tell(self, key: str, page: Callable[[Texts], Page], notes: dict[str, Any]) -> None:
        """Queue ``page`` for every chat that gets alerts, and note that it was told, in one step."""
        shown = [(chat, page(self._languages.of(chat))) for chat in self._access.told_of_alerts()]
        if not shown:  # the first chat that is met will be told
            return
        messages = [
            Outgoing(chat=chat, text=one.text, line=one.text.split("\n", 1)[0], key=key, buttons=one.buttons)
            for chat, one in shown
        ]
        await self._store.aside(self._store.queue, messages, notes)
