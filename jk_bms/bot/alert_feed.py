"""From the log of events into the queue of ``bot.db``: alerts, each once, in order, whoever was away.

The place in the log moves on together with the messages that it leads to. A picture of the cells
follows the words, so that a slow machine never makes an alert late.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from jk_bms.actions.delivery import to_be_told
from jk_bms.bot.child import ChildError, run_child
from jk_bms.bot.live import LiveView
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.store import BotStore
from jk_bms.errors import StoreError
from jk_bms.model import Event
from jk_bms.settings import Settings
from jk_bms.store.own import open_reader
from jk_bms.texts import Texts, escape
from jk_bms.texts.alerts import alert_html, alert_line, mark

log = logging.getLogger(__name__)

NOTE = "alerts_cursor"  # in bot.db: the last event that is done with
PAGE = 200  # events read at once
LOOK = 30.0  # s between two looks when nobody wakes us
PICTURED = frozenset({"cell_high", "cell_low", "cell_spread", "cell_fault"})  # rules about cells
PICTURE_PATIENCE = 30.0  # s
PICTURE_KEPT = 3600.0  # s after which cells of then tell nothing
PICTURE_FRESH = timedelta(minutes=5)  # after which cells of now tell nothing of an alert
# A chat with monitoring hears of these at once and in its own words (monitor.py), which tells what is, but
# not what came and went while the bot was away.
MONITORED = frozenset({"grid_lost", "bms_silent"})
MONITORED_STEPS = frozenset({"alert.raised", "alert.cleared"})


class AlertFeed:
    """Follows the events. ``chats``: who is told of alerts; ``monitoring``: those of them that the monitor tells too."""

    def __init__(
        self,
        settings: Settings,
        store: BotStore,
        live: LiveView,
        *,
        chats: Callable[[], Sequence[int]],
        monitoring: Callable[[], Collection[int]],
        texts_of: Callable[[int], Texts],
    ) -> None:
        self._bms_db = settings.bms_db_path
        self._zone = settings.timezone
        self._store = store
        self._live = live
        self._chats = chats
        self._monitoring = monitoring
        self._texts_of = texts_of
        self._began = datetime.now(UTC)
        self._news = asyncio.Event()
        live.listen(self._hear)

    async def run(self) -> None:
        """Queue what happens until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._news.clear()
                try:
                    for event in _pictured(await self._take(), datetime.now(UTC)):
                        group.create_task(self._picture(event), name="picture of the cells")
                except StoreError as error:
                    log.debug("alerts: %s", error)  # no bms.db yet, or no room in bot.db: said elsewhere
                except Exception:  # one strange event must not end all alerts
                    log.exception("unexpected error while looking for alerts")
                try:
                    async with asyncio.timeout(LOOK):
                        await self._news.wait()
                except TimeoutError:
                    pass

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "snapshot" or str(message.get("kind", "")).startswith("alert."):
            self._news.set()

    async def _take(self) -> list[Event]:
        """Queue all that is new; return what was told."""
        told: list[Event] = []
        while True:
            cursor, names, page = await asyncio.to_thread(self._read, self._store.note(NOTE))
            if cursor != self._store.note(NOTE) and not page:
                await self._store.aside(self._store.set_notes, {NOTE: cursor})
            if not page:
                return told
            news = [event for _, event in page if to_be_told(event)]
            missed = _over_by(self._began, news)
            messages = [
                message
                for event in news
                for message in self._messages(event, names, missed=any(event is one for one in missed))
            ]
            await self._store.aside(self._store.queue, messages, {NOTE: page[-1][0]})
            told += news

    def _read(self, cursor: int | None) -> tuple[int, dict[str, str], list[tuple[int, Event]]]:
        """Return the place to read on from, the names of the batteries and what comes next. Raises StoreError."""
        with open_reader(self._bms_db) as reader:
            newest = reader.newest_event()
            # The first time, what happened so far is of the past; a database begun anew counts from 1.
            start = newest if cursor is None else min(cursor, newest)
            page = reader.events_after(start, PAGE)
            names = {one.device.address: one.device.label for one in reader.devices()} if page else {}
        return start, names, page

    def _messages(self, event: Event, names: dict[str, str], *, missed: bool) -> Iterable[Outgoing]:
        facts = event.facts
        label = None if event.device is None else names.get(event.device, event.device)
        told_already: Collection[int] = ()
        if facts.get("rule") in MONITORED and event.kind in MONITORED_STEPS and not missed:
            told_already = self._monitoring()
        now = datetime.now(UTC)
        key = _key(event)
        for chat in self._chats():
            if chat in told_already:
                continue
            texts = self._texts_of(chat)
            line = alert_line(facts, label, texts, self._zone, now, at=event.taken_at)
            yield Outgoing(
                chat=chat,
                text=alert_html(facts, label, texts, self._zone, now, at=event.taken_at),
                key="" if event.kind == "alert.test" else key,
                line=f"{mark(facts)} {escape(line)}",
            )

    async def _picture(self, event: Event) -> None:
        """Send the cells as they are now behind the words; without them nothing is lost."""
        snapshot = await self._live.snapshot()
        device = next((one for one in snapshot["devices"] if one["address"] == event.device), None)
        reading = (device or {}).get("reading") or {}
        cells = reading.get("cells")
        if device is None or not cells or snapshot.get("poller_down"):
            return
        found = event.facts.get("facts") or {}
        pictures: dict[str, bytes] = {}
        messages = []
        for chat in self._chats():
            tongue = self._texts_of(chat).language
            try:
                if tongue not in pictures:
                    pictures[tongue] = await run_child(
                        "jk_bms.charts",
                        {
                            "what": "cells_now",
                            "voltages": cells,
                            "numbers": reading.get("cell_numbers") or list(range(1, len(cells) + 1)),
                            "label": device.get("name") or device["address"],
                            "limit": event.facts.get("set")
                            if event.facts.get("rule") != "cell_spread"
                            else None,
                            "marked": found.get("cell"),
                            "language": tongue,
                        },
                        timeout=PICTURE_PATIENCE,
                    )
            except ChildError as error:
                log.warning("no picture of the cells: %s", error)
                return
            messages.append(
                Outgoing(chat=chat, text="", photo=pictures[tongue], keep_for=PICTURE_KEPT, silent=True)
            )
        try:
            await self._store.aside(self._store.queue, messages)
        except StoreError as error:
            log.error("%s", error)


def _pictured(told: Sequence[Event], now: datetime) -> list[Event]:
    """Those after which the cells are shown: of each battery and rule the newest, unless it is of long ago."""
    newest = {
        (event.device, event.facts.get("rule")): event
        for event in told
        if event.facts.get("rule") in PICTURED
        and event.kind in ("alert.raised", "alert.worse")
        and now - event.taken_at < PICTURE_FRESH
    }
    return list(newest.values())


def _over_by(began: datetime, news: Sequence[Event]) -> list[Event]:
    """Alerts that began and ended before ``began``, each with its end."""
    missed: list[Event] = []
    raised: dict[str, Event] = {}
    for event in news:
        if event.taken_at >= began:
            break
        if event.kind == "alert.raised":
            raised[_key(event)] = event
        elif event.kind == "alert.cleared" and (beginning := raised.pop(_key(event), None)) is not None:
            missed += [beginning, event]
    return missed


def _key(event: Event) -> str:
    return ":".join(("alert", *(str(event.facts.get(name, "")) for name in ("subject", "rule", "part"))))
