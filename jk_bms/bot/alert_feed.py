"""From the log of events into the queue of ``bot.db``: alerts, each once, in order, whichever process was away.

The place in the log moves on together with the messages that it leads to. A picture of the cells
follows the words, so that a slow machine never makes an alert late. A chat that began monitoring is
told of grid and silent batteries by the state of the house, as long as that is what the event says.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from jk_bms.actions.delivery import to_be_told
from jk_bms.bot import pages
from jk_bms.bot.child import ChildError
from jk_bms.bot.choices import PICTURES
from jk_bms.bot.hushed import hushed_note, is_hushed
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages import Page
from jk_bms.bot.pages.alerts import acknowledge_all_button, acknowledge_button, wants_acknowledgement
from jk_bms.bot.pages.values import has_data
from jk_bms.bot.picture import NoPicture, Picture, run_chart
from jk_bms.bot.store import BotStore
from jk_bms.config.settings import Settings
from jk_bms.errors import StoreError
from jk_bms.model import Event
from jk_bms.model.alarms import Severity
from jk_bms.model.alert import AlertTold, alert_of
from jk_bms.model.snapshot import BatteryNow, EventTold, Snapshot
from jk_bms.rules.grid import LOST, PRESENT
from jk_bms.rules.telling import Telling, telling_of
from jk_bms.store.bms_db import open_reader
from jk_bms.texts import Texts, escape
from jk_bms.texts.alerts import alert_html, alert_line, mark, open_message
from jk_bms.view.live_view import LiveView, News

log = logging.getLogger(__name__)

UNSAVED = "alerts_unsaved"  # in bot.db: what was told before it was on the disk of the poller
MOST_UNSAVED = 200  # of those that are remembered, the newest
GREETED = "alerts_greeted"  # in bot.db: the chats that were told what was open when they came
NOTE = "alerts_cursor"  # in bot.db: the last event that is done with
PAGE = 200  # events read at once
REMINDER = "alerts:open"  # key of a message about many: the newest tells all
RECENT = timedelta(days=1)  # what happened before that is no news in a database begun anew
LOOK = 30.0  # s between two looks without being woken
PICTURE_PATIENCE = 30.0  # s
PICTURE_KEPT = 3600.0  # s after which cells of then tell nothing
PICTURE_FRESH = timedelta(minutes=5)  # after which cells of now tell nothing of an alert
GOING_ON = frozenset({"raised", "worse", "repeat"})  # steps of an alert that stands
STEPS = frozenset({"alert.raised", "alert.cleared"})  # those that may be shown with the state of the house,
FRESH = timedelta(minutes=1)  # and no later than that
HOUSE_PATIENCE = 1.0  # s for that state: an alert arrives within two


class Shown(NamedTuple):
    """What a chat with monitoring is shown."""

    snapshot: Snapshot
    devices: dict[str, BatteryNow]  # by address; one not read since the poller began as last recorded


class AlertFeed:
    """Follows the events. ``chats``: who is told of alerts; ``monitoring``: those of them that began monitoring.

    ``of_owner``: whether in that chat an owner may press a button, so that it is shown there.
    """

    def __init__(
        self,
        settings: Settings,
        store: BotStore,
        live: LiveView,
        *,
        chats: Callable[[], Sequence[int]],
        monitoring: Callable[[], Collection[int]],
        texts_of: Callable[[int], Texts],
        of_owner: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._of_owner = of_owner
        self._bms_db = settings.bms_db_path
        self._zone = settings.timezone
        self._dashboard_url = settings.dashboard_url
        self._store = store
        self._live = live
        self._chats = chats
        self._monitoring = monitoring
        self._texts_of = texts_of
        self._news = asyncio.Event()
        self._heard: dict[str, Event] = {}  # what the poller cannot write, by ``_name``
        live.listen(self._hear)

    async def run(self) -> None:
        """Queue what happens until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._news.clear()
                # Each for itself.
                for step in (self._know_earlier, self._take, self._tell_unsaved, self._greet):
                    try:
                        for event in _pictured(await step(), datetime.now(UTC)):
                            group.create_task(self._picture(event), name="picture of the cells")
                    except StoreError as error:
                        log.debug("alerts: %s", error)  # no bms.db yet: said elsewhere
                    except Exception:  # one strange event must not end all alerts
                        log.exception("unexpected error while looking for alerts")
                try:
                    async with asyncio.timeout(LOOK):
                        await self._news.wait()
                except TimeoutError:
                    pass

    def wake(self) -> None:
        """Look now: a chat may be new."""
        self._news.set()

    def _hear(self, news: News) -> None:
        unsaved = news.unsaved if isinstance(news, Snapshot) else ()
        if isinstance(news, EventTold) and news.unsaved:
            unsaved = (news,)
        for told in unsaved:
            event = _unsaved_event(told)
            if event is not None and to_be_told(event):
                self._heard[_name(event)] = event
                if len(self._heard) > MOST_UNSAVED:  # what is dropped is told when it is in the log of events
                    del self._heard[next(iter(self._heard))]
        if isinstance(news, Snapshot) or (isinstance(news, EventTold) and news.kind.startswith("alert.")):
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
            known = set(self._store.note(UNSAVED) or ())
            news = [event for _, event in page if to_be_told(event) and _name(event) not in known]
            house = await self._house(news)
            sure = [event for event in news if not self._store.may_have_arrived(event.taken_at)]
            repeated = [event for event in news if self._store.may_have_arrived(event.taken_at)]
            messages = [message for event in repeated for message in self._messages(event, names, house)]
            if messages:
                await self._store.aside(self._store.queue, messages, doubtful=True)
            messages = [message for event in sure for message in self._messages(event, names, house)]
            await self._store.aside(self._store.queue, messages, {NOTE: page[-1][0]})
            for event in news:
                self._heard.pop(_name(event), None)
            told += news

    async def _tell_unsaved(self) -> list[Event]:
        """Tell what the poller says it cannot write, and return it. When it can at last, that is no news any more."""
        known = list(self._store.note(UNSAVED) or ())
        news = [event for name, event in self._heard.items() if name not in known]
        if not news:
            return []
        names = await asyncio.to_thread(self._names)
        messages = [message for event in news for message in self._messages(event, names, None)]
        known += [_name(event) for event in news]
        await self._store.aside(self._store.queue, messages, {UNSAVED: known[-MOST_UNSAVED:]})
        for event in news:
            self._heard.pop(_name(event), None)
        return news

    def _names(self) -> dict[str, str]:
        try:
            with open_reader(self._bms_db) as reader:
                return {one.device.address: one.device.label for one in reader.devices()}
        except StoreError:
            return {}

    async def _know_earlier(self) -> list[Event]:
        """Note as greeted all chats of a version that kept no list: they were told as things happened.

        Only before the place in the log is noted a bot without a list is a new one.
        """
        if self._store.note(GREETED) is None:
            earlier = self._chats() if self._store.note(NOTE) is not None else ()
            await self._store.aside(self._store.set_notes, {GREETED: list(earlier)})
        return []

    async def _greet(self) -> list[Event]:
        """Tell chats that are told of alerts for the first time what is open already; that is no new event."""
        chats = self._chats()
        known = self._store.note(GREETED) or []
        new = [chat for chat in chats if chat not in known]
        if not new:
            if gone := set(known) - set(chats):  # who comes again is new again
                kept = [chat for chat in known if chat not in gone]
                await self._store.aside(self._store.set_notes, {GREETED: kept})
            return []
        snapshot = await self._live.snapshot()
        if snapshot.poller_down:
            return []  # it is not known what is open: when it is
        now = datetime.now(UTC)
        names = snapshot.names
        # What was not yet told comes as news; what is kept quiet on purpose stays so.
        told = [one for one in snapshot.alerts or () if one.told and not one.muted]
        messages = [self._opening(chat, told, names, now) for chat in new if told]
        kept = [chat for chat in known if chat in chats]
        await self._store.aside(self._store.queue, messages, {GREETED: [*kept, *new]})
        return []

    def _opening(
        self, chat: int, told: Sequence[AlertTold], names: Mapping[str, str], now: datetime
    ) -> Outgoing:
        """What is open, in one message, for a chat that is told of alerts for the first time."""
        if len(told) == 1:
            return self._message(chat, replace(told[0], what="repeat"), names.get(told[0].subject), now)
        texts = self._texts_of(chat)
        named = [(replace(one, what="raised"), names.get(one.subject)) for one in told]
        text = open_message(named, texts, self._zone, now)
        urgent = any(wants_acknowledgement(one) for one in told)
        return Outgoing(
            chat=chat,
            text=text,
            key=REMINDER,
            line=text.partition("\n")[0],
            buttons=((acknowledge_all_button(texts),),) if urgent and self._of_owner(chat) else (),
            standing=True,
            rings=any(one.severity == Severity.CRITICAL.word for one in told),
        )

    def _read(self, cursor: int | None) -> tuple[int, dict[str, str], list[tuple[int, Event]]]:
        """Return the place to read on from, the names of the batteries and what comes next. Raises StoreError."""
        with open_reader(self._bms_db) as reader:
            newest = reader.newest_event()
            # The first time, what happened so far is of the past. A place beyond the newest event is one in
            # another file: this one was begun anew, or is a backup, whose old events were told long ago.
            start = newest if cursor is None else cursor
            if start > newest:
                start = reader.id_before(datetime.now(UTC) - RECENT)
            page = reader.events_after(start, PAGE)
            names = {one.device.address: one.device.label for one in reader.devices()} if page else {}
        return start, names, page

    def _messages(self, event: Event, names: dict[str, str], house: Shown | None) -> Iterable[Outgoing]:
        facts = alert_of(event.facts)
        label = None if event.device is None else names.get(event.device, event.device)
        now = datetime.now(UTC)
        monitoring = self._monitoring() if _shown(event, now) else ()
        for chat in self._chats():
            if not self._wanted(chat, event, now):
                continue
            texts = self._texts_of(chat)
            page = self._page(event, house, texts, now) if house and chat in monitoring else None
            told = self._message(chat, facts, label, now, at=event.taken_at)
            if event.kind == "alert.test":
                told = msgspec.structs.replace(told, key="", buttons=())
            if page is not None:
                buttons = (*told.buttons, *page.buttons)
                told = msgspec.structs.replace(told, text=page.text, later=told.text, buttons=buttons)
            yield told

    def _wanted(self, chat: int, event: Event, now: datetime) -> bool:
        """Whether ``chat`` is to hear of ``event``: not what was just done there, nor what it keeps quiet for itself."""
        alert = alert_of(event.facts)
        if event.kind == "alert.acknowledged":
            return alert.origin != chat
        if alert.what not in GOING_ON:
            return True
        hushed = self._store.note(hushed_note(chat)) or {}
        alerts = [alert, *alert.also]
        return not all(is_hushed(hushed, one, now) for one in alerts)

    def _message(
        self,
        chat: int,
        facts: AlertTold,
        label: str | None,
        now: datetime,
        *,
        at: datetime | None = None,
    ) -> Outgoing:
        """One step of an alert for ``chat``; ``at``: when it happened, if that is not ``now``."""
        texts = self._texts_of(chat)
        also = facts.also
        going_on = facts.what in GOING_ON and any(map(wants_acknowledgement, (facts, *also)))
        button = acknowledge_all_button(texts) if also else acknowledge_button(facts, texts)
        reminder = facts.what == "repeat" and also
        line = alert_line(facts, label, texts, self._zone, now, at=at)
        return Outgoing(
            chat=chat,
            text=alert_html(facts, label, texts, self._zone, now, at=at),
            key=REMINDER if reminder else _key(facts),
            line=f"{mark(facts)} {escape(line)}",
            buttons=((button,),) if going_on and self._of_owner(chat) else (),
            standing=facts.what in GOING_ON,
            rings=facts.severity == Severity.CRITICAL.word,
            silent=facts.silent,
        )

    async def _house(self, news: Iterable[Event]) -> Shown | None:
        """The house as it is now, if any news is shown with it; None as well when the poller does not say in time."""
        shown = [event.device for event in news if _shown(event, datetime.now(UTC))]
        if not shown or not self._monitoring():
            return None
        try:
            async with asyncio.timeout(HOUSE_PATIENCE):
                snapshot = await self._live.snapshot()
                if snapshot.poller_down:
                    return None
                devices = {device.address: device for device in snapshot.devices}
                read = {address: device for address, device in devices.items() if has_data(device)}
                if any(device in devices and device not in read for device in shown):
                    recorded = (await self._live.recorded()).devices
                    devices |= {device.address: device for device in recorded} | read
        except TimeoutError:
            return None
        return Shown(snapshot, devices)

    def _page(self, event: Event, house: Shown, texts: Texts, now: datetime) -> Page | None:
        """The news with the state of the house; None when that no longer is what the event says."""
        over = event.kind == "alert.cleared"
        if _telling(event.facts).state == "grid":
            inverter = house.snapshot.inverter
            if inverter is None or inverter.grid.state != (PRESENT if over else LOST):
                return None
            return pages.grid_change(
                over, house.snapshot, texts, self._zone, now, dashboard_url=self._dashboard_url
            )
        device = house.devices.get(event.device or "")
        if device is None or not has_data(device) or house.snapshot.is_old(device.age) == over:
            return None
        if over:
            # The longest silence that was seen: an end that quiet hours held back is told long after it was.
            return pages.bms_back(device, texts, event.facts.get("peak"))
        return pages.bms_lost(device, texts, self._zone, now)

    async def _picture(self, event: Event) -> None:
        """Send the cells as they are now behind the words; without them nothing is lost."""
        snapshot = await self._live.snapshot()
        device = next((one for one in snapshot.devices if one.address == event.device), None)
        if device is None or not (cells := device.told.cells) or snapshot.poller_down:
            return
        found = event.facts.get("facts") or {}
        limits = limits_of(device, event.facts)
        pictures: dict[tuple[str, str], Picture] = {}
        messages = []
        for chat in self._chats():
            tongue = self._texts_of(chat).language
            look = tongue, self._store.chat(chat).choices.pictures or PICTURES[0]
            try:
                if look not in pictures:
                    pictures[look] = await run_chart(
                        {
                            "what": "cells_now",
                            "voltages": cells,
                            "numbers": device.told.cell_numbers or list(range(1, len(cells) + 1)),
                            "label": device.label,
                            "low_limit": limits[0],
                            "high_limit": limits[1],
                            "marked": found.get("cell"),
                            "language": tongue,
                            "theme": look[1],
                        },
                        timeout=PICTURE_PATIENCE,
                    )
            except (ChildError, NoPicture) as error:
                log.warning("no picture of the cells: %s", error)
                return
            messages.append(
                Outgoing(
                    chat=chat,
                    text="",
                    photo=pictures[look].png,
                    caption=escape(pictures[look].caption),
                    keep_for=PICTURE_KEPT,
                    silent=True,
                )
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
        if _telling(event.facts).picture
        and event.kind in ("alert.raised", "alert.worse")
        and now - event.taken_at < PICTURE_FRESH
    }
    return list(newest.values())


def _shown(event: Event, now: datetime) -> bool:
    """Whether chats with monitoring are told of ``event`` with the state of the house."""
    fresh = event.kind in STEPS and now - event.taken_at <= FRESH
    return fresh and bool(_telling(event.facts).state)


def _telling(facts: Mapping[str, Any]) -> Telling:
    return telling_of(str(facts.get("rule")))


def _unsaved_event(told: EventTold) -> Event | None:
    """An event as the socket tells it; None when it has no time that is understood."""
    try:
        taken_at = datetime.fromisoformat(told.time)
    except ValueError:
        return None
    return Event(
        kind=told.kind,
        taken_at=taken_at,
        monotonic=told.monotonic,
        device=told.device,
        text=told.text,
        facts=told.facts,
    )


def _name(event: Event) -> str:
    """The same for an event from the socket and from the log."""
    named = f"{event.kind}|{event.monotonic!r}|{event.text}"
    return hashlib.blake2s(named.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _key(alert: AlertTold) -> str:
    return ":".join(("alert", *alert.name))


def limits_of(device: BatteryNow, facts: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return below and above which V a cell of ``device`` is drawn red: what an alert set stands for its side.

    None: the poller does not tell.
    """
    low, high = device.cell_limits or (None, None)
    match _telling(facts).picture:
        case "low":
            return facts.get("set", low), high
        case "high":
            return low, facts.get("set", high)
    return low, high
