"""What happens on each command and each pressed button: access first, then a page."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from jk_bms.bot import pages
from jk_bms.bot.access import Access
from jk_bms.bot.asked import Asked, command_text, person, person_name, topic
from jk_bms.bot.child import ChildError
from jk_bms.bot.choices import PICTURES, chosen
from jk_bms.bot.hushed import hush, hushed_note
from jk_bms.bot.light_aiogram import CallbackQuery, Message, Update
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages import COMMANDS, Button, Page
from jk_bms.bot.pages.callbacks import ALL_ALERTS, alert_key, find_alert, press, pressed
from jk_bms.bot.pages.values import label
from jk_bms.bot.parts import Parts
from jk_bms.bot.people import People, codes_in, looks_like_code
from jk_bms.bot.picture import NoPicture, run_chart
from jk_bms.bot.release_request import wanted_clock, wanted_release
from jk_bms.bot.roles import Role
from jk_bms.bot.sender import Sender
from jk_bms.bot.store import BotStore
from jk_bms.bot.updates import AWAY
from jk_bms.charts.wanted import SPANS
from jk_bms.config.settings import Settings
from jk_bms.errors import JkBmsError, LiveError, StoreError
from jk_bms.model.health import HealthTold
from jk_bms.model.snapshot import BatteryNow, Snapshot
from jk_bms.store.bms_db import open_reader
from jk_bms.texts import LANGUAGES, Texts, best, durations, escape, language
from jk_bms.view.live_view import LiveView
from jk_bms.view.until import outlook

log = logging.getLogger(__name__)

CHART_PATIENCE = 60.0  # s; a Pi that just started needs some
CHARTS = ("soc", "power", "cells", "temperature")
CHART_SPANS = ("24h", "7d", "30d")

_COMMAND = re.compile(r"/(\w+)(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)

# What changes something for others than who asks. In a group, so does what the group is sent.
FOR_OWNERS = frozenset({"release", "resume", "users", "mute", "ack"})
FOR_OWNERS_IN_GROUPS = frozenset({"start", "stop", "settings"})

Digest = Callable[[int, int], Awaitable[None]]  # makes today's digest for a chat and topic


class Handlers:
    """Answers updates. What takes long goes on beside, in ``group``."""

    def __init__(
        self,
        settings: Settings,
        store: BotStore,
        access: Access,
        sender: Sender,
        live: LiveView,
        group: asyncio.TaskGroup,
        *,
        digest: Digest,
        started: Callable[[int], None],
    ) -> None:
        self.username = ""  # of the bot, in small letters; "": not known yet
        self._settings = settings
        self._store = store
        self._access = access
        self._sender = sender
        self._live = live
        self._group = group
        self._digest = digest
        self._started = started  # told of each /start
        self._commands: dict[str, Callable[[Asked], Awaitable[None]]] = {
            "start": self._start,
            "stop": self._stop,
            "status": self._status,
            "battery": self._one_battery("battery"),
            "cells": self._one_battery("cells"),
            "health": self._one_battery("health"),
            "alerts": self._alerts,
            "link": self._link,
            "release": self._release,
            "resume": self._resume,
            "until": self._until,
            "chart": self._chart,
            "digest": self._make_digest,
            "settings": self._choices,
            "users": self._users,
            "chatid": self._chat_id,
            "help": self._help,
        }
        self._people = People(Parts(settings, store, access, live, self.texts_of))
        assert set(self._commands) == set(COMMANDS)

    async def handle(self, update: Update, late: bool) -> None:
        """Answer one update; whatever else Telegram sends is ignored.

        ``late``: it may have waited for long, and not be meant any more.
        """
        if update.callback_query is not None:
            await self._press(update.callback_query, late)
            return
        message = update.message or update.edited_message or update.channel_post or update.edited_channel_post
        if message is not None:
            await self._message(message, late)

    def texts_of(self, chat: int) -> Texts:
        """The language of messages that the bot sends by itself."""
        return self._texts_for(None, chat)

    # Messages

    async def _message(self, message: Message, late: bool) -> None:
        if message.migrate_to_chat_id is not None:
            await self._moved(message.chat.id, message.migrate_to_chat_id)
            return
        text = command_text(message)
        found = _COMMAND.fullmatch(text)
        name = found[1].lower() if found else ""
        asked = self._asked(message, tuple((found[3] or "").split()) if found else ())
        # However it got there, and however late we see it: a code that others could read lets in no chat.
        if not asked.private and (codes := codes_in(message)) and await self._people.burn(asked, codes):
            await self._show(asked, pages.plain(asked.texts, "access.code_in_group"))
            return
        if not text:
            return
        if late and (age := _age(message).total_seconds()) > AWAY:
            log.info("chat %d: a message of %s ago is left out", message.chat.id, durations.span(age))
            return
        if found and found[2] and self.username and found[2].lower() != self.username:
            return  # meant for another bot
        command = self._commands.get(name)
        if command is None and not asked.private:
            return
        if asked.role is Role.STRANGER:
            await self._stranger(asked, name)
            return
        await self._remember_language(asked, asked.spoken)
        if command is None:
            note = pages.plain(asked.texts, "bot.unknown_command").text if found else ""
            shown = self._help_page(asked)
            await self._show(asked, Page(f"{note}\n\n{shown.text}".strip(), shown.buttons))
            return
        # Who brings a code asks to be let in.
        brings_code = name == "start" and bool(asked.arguments) and looks_like_code(asked.arguments[0])
        if not brings_code and not self._may(asked, name):
            await self._show(asked, pages.plain(asked.texts, self._refusal()))
            return
        await self._answer(asked, command)

    def _asked(self, message: Message, arguments: tuple[str, ...]) -> Asked:
        """Who wrote ``message`` and what he may do."""
        user, chat = person(message), message.chat
        spoken = message.from_user.language_code if message.from_user else None
        return Asked(
            chat=chat.id,
            user=user,
            kind=chat.type,
            title=chat.title or chat.full_name or "",
            name=person_name(message),
            texts=self._texts_for(spoken, chat.id),
            role=self._access.role(chat.id, user, chat.type),
            spoken=spoken,
            topic=topic(message),
            arguments=arguments,
        )

    def _may(self, asked: Asked, what: str) -> bool:
        """Whether who asks, who is served, may do that. A channel is written by its owners alone."""
        alone = asked.private or asked.kind == "channel"
        if what in FOR_OWNERS or (what in FOR_OWNERS_IN_GROUPS and not alone):
            return asked.role is Role.OWNER
        return True

    def _refusal(self) -> str:
        """What a guest is told; in a house without an owner, how to become one."""
        return "access.owner_only" if self._access.owners() else "access.no_owner"

    async def _stranger(self, asked: Asked, name: str) -> None:
        """A person who is not served may bring a code; else he is told no, once an hour."""
        if name == "start" and asked.arguments:
            await self._answer(asked, self._claim)
            return
        if not self._access.refuse_now(asked.sender):
            return
        log.warning("chat %d: user %s is not allowed and was refused", asked.chat, asked.user)
        key = "bot.refused" if self._access.claimed else "bot.claim_needed"
        await self._show(asked, pages.plain(asked.texts, key))

    async def _claim(self, asked: Asked) -> None:
        page, greeting = await self._people.claim(asked, asked.arguments[0])
        if page is None:
            role = self._access.role(asked.chat, asked.user, asked.kind)
            await self._start(asked._replace(arguments=(), role=role), greeting)
        elif page.text:
            await self._show(asked, page)

    async def _poller_down(self) -> bool:
        return (await self._live.snapshot()).poller_down

    async def _moved(self, old: int, new: int) -> None:
        """A group became a supergroup: what it may it may on."""
        if self._store.chat(old).allowed or old in self._settings.chat_ids:
            await self._store.aside(self._store.move_chat, old, new)

    # Buttons

    async def _press(self, query: CallbackQuery, late: bool) -> None:
        message = query.message
        if message is None or query.data is None:
            await self._sender.answer_press(query.id)
            return
        chat = message.chat
        asked = Asked(
            chat=chat.id,
            user=query.from_user.id,
            kind=chat.type,
            title=chat.title or chat.full_name or "",
            name=person_name(query),
            texts=self._texts_for(query.from_user.language_code, chat.id),
            role=self._access.role(chat.id, query.from_user.id, chat.type),
            spoken=query.from_user.language_code,
            topic=topic(message),
            edits=message.message_id,
        )
        if asked.role is Role.STRANGER:
            text = asked.texts("bot.refused") if self._access.refuse_now(query.from_user.id) else ""
            await self._sender.answer_press(query.id, text)
            return
        if late:
            await self._sender.answer_press(query.id, asked.texts("bot.press_again"))
            return
        page, arguments = pressed(query.data)
        asked = asked._replace(arguments=arguments)
        if not self._may(asked, page):
            await self._sender.answer_press(query.id, asked.texts(self._refusal()), alert=True)
            return
        if page in ("mute", "hush"):
            change = self._mute if page == "mute" else self._hush
            await self._answer(asked, lambda asked: change(asked, query.id))
            return
        if page == "ack":
            rows = getattr(getattr(message, "reply_markup", None), "inline_keyboard", None) or ()
            left = tuple(tuple(one for one in row if not _is_ack(one.callback_data)) for row in rows)
            await self._answer(asked, lambda asked: self._acknowledge(asked, query.id, left))
            return
        if page == "chart":
            await self._sender.answer_press(query.id, asked.texts("bot.chart.making"))
            # A picture takes the place of the one below which the button is; a page stays.
            pictured = bool(getattr(message, "photo", None))
            await self._answer(asked if pictured else asked._replace(edits=None), self._chart)
            return
        command = self._commands.get(page)
        if command is None or page in ("start", "stop", "digest"):  # of an older version, or made up
            await self._sender.answer_press(query.id)
            return
        await asyncio.gather(self._answer(asked, command), self._sender.answer_press(query.id))

    async def _mute(self, asked: Asked, query: str) -> None:
        how, key = (*asked.arguments, "", "")[:2]
        alert = find_alert((await self._live.snapshot()).alerts or (), key)
        told = "bot.alert_over"
        if alert is not None:
            wanted: dict[str, Any] = {"subject": alert.subject, "rule": alert.rule, "part": alert.part}
            wanted |= _how_long(how)
            try:
                await self._live.request("mute", **wanted)
                told = "bot.unmuted" if how == "off" else "bot.muted"
            except LiveError as error:
                log.info("chat %d: not muted: %s", asked.chat, error)
                told = "bot.try_later" if await self._poller_down() else "bot.alert_over"
        await asyncio.gather(self._alerts(asked), self._sender.answer_press(query, asked.texts(told)))

    async def _hush(self, asked: Asked, query: str) -> None:
        """Keep an alert quiet in the private chat of who asks, and nowhere else."""
        how, key = (*asked.arguments, "", "")[:2]
        listed = (await self._live.snapshot()).alerts or ()
        alert, told = find_alert(listed, key), "bot.alert_over"
        if alert is not None and asked.private:
            store, name = self._store, hushed_note(asked.chat)
            keys = {alert_key(one) for one in listed}
            kept = hush(store.note(name) or {}, alert, how, datetime.now(UTC), keys)
            await store.aside(store.set_notes, {name: kept})
            told = "bot.unmuted" if how == "off" else "bot.hushed"
        await asyncio.gather(self._alerts(asked), self._sender.answer_press(query, asked.texts(told)))

    async def _acknowledge(self, asked: Asked, query: str, left: Sequence[Sequence[Any]]) -> None:
        """Tell the poller that an owner has seen an alert, or all; the feed tells it to every other chat.

        ``left``: the buttons that the message keeps.
        """
        key, place = (*asked.arguments, "", "")[:2]
        alert = find_alert((await self._live.snapshot()).alerts or (), key)
        told = "bot.alert_over"
        try:
            if key == ALL_ALERTS:
                done = await self._live.request("acknowledge", all=True, by=asked.name, origin=asked.chat)
                told = "bot.acknowledged" if done.get("count") else "bot.nothing_to_acknowledge"
            elif alert is not None:
                wanted = {"subject": alert.subject, "rule": alert.rule, "part": alert.part}
                await self._live.request("acknowledge", **wanted, by=asked.name, origin=asked.chat)
                told = "bot.acknowledged"
        except LiveError as error:
            log.info("chat %d: not acknowledged: %s", asked.chat, error)
        if told != "bot.acknowledged" and await self._poller_down():
            told = "bot.try_later"
        await self._sender.answer_press(query, asked.texts(told))
        if place == "page":
            await self._alerts(asked)
        elif told != "bot.try_later" and asked.edits is not None:
            await self._sender.rebutton(asked.chat, asked.edits, left)

    # Commands

    async def _start(self, asked: Asked, greeting: str = "") -> None:
        if asked.arguments and looks_like_code(asked.arguments[0]):
            if asked.private and asked.role is Role.OWNER:  # who opens his own invitation must not use it up
                await self._show(asked, pages.plain(asked.texts, "access.owner_already"))
            else:
                await self._claim(asked)
            return
        known = msgspec.structs.replace(
            self._store.chat(asked.chat),
            kind=asked.kind,
            title=asked.title,
            monitoring=True,
            topic=asked.topic or None,
        )
        hears = self._access.hears(known)
        if not hears:
            told = asked.texts("bot.monitoring_not_here", id=asked.chat)
        elif self._access.alerted(asked.chat):
            told = asked.texts("bot.monitoring_on_alerts")
        else:
            told = asked.texts("bot.monitoring_on")
        hello = [greeting or asked.texts("bot.hello"), told]
        header = "\n".join(escape(line) for line in hello) + "\n"
        await self._show(asked, await self._status_page(asked, header))
        store = self._store
        if not hears:
            return
        began = not store.chat(asked.chat).monitoring
        if began:  # noted last: the first level comes below the greeting
            await store.aside(store.set_notes, {f"level:{asked.chat}": None})
        await store.aside(store.remember, known)
        if began:
            self._started(asked.chat)

    async def _stop(self, asked: Asked) -> None:
        if self._store.chat(asked.chat).monitoring:
            await self._store.aside(self._store.change_chat, asked.chat, monitoring=False)
        key = "bot.monitoring_off_alerts" if self._access.alerted(asked.chat) else "bot.monitoring_off"
        await self._show(asked, pages.plain(asked.texts, key))

    async def _status(self, asked: Asked) -> None:
        await self._show(asked, await self._status_page(asked))

    async def _status_page(self, asked: Asked, header: str = "") -> Page:
        snapshot = await self._live.snapshot()
        return pages.status(
            snapshot,
            asked.texts,
            self._settings.timezone,
            datetime.now(UTC),
            header=header,
            dashboard_url=self._settings.dashboard_url,
        )

    def _one_battery(self, name: str) -> Callable[[Asked], Awaitable[None]]:
        async def show(asked: Asked) -> None:
            snapshot = await self._live.snapshot()
            zone, now = self._settings.timezone, datetime.now(UTC)
            if name == "battery" and self._whole_house(snapshot, asked.arguments):
                await self._show(asked, pages.house(snapshot, asked.texts, zone, now))
                return
            device = await self._chosen(asked, snapshot, name, asked.arguments)
            if device is None:
                return
            match name:
                case "battery":
                    page = pages.battery(snapshot, device, asked.texts, zone, now)
                case "cells":
                    page = pages.cells(snapshot, device, asked.texts, zone, now)
                case _:
                    page = await self._health_page(asked, device)
            await self._show(asked, page)

        return show

    async def _health_page(self, asked: Asked, device: BatteryNow) -> Page:
        try:
            reports = await self._live.request("health", device=device.address)
        except LiveError:
            return pages.plain(asked.texts, "bot.try_later")
        report = msgspec.convert(reports.get(device.address), HealthTold | None)
        return pages.health(device, report, asked.texts)

    async def _alerts(self, asked: Asked) -> None:
        snapshot = await self._live.snapshot()
        of_guest = asked.private and asked.role is not Role.OWNER
        hushed = self._store.note(hushed_note(asked.chat)) or {} if of_guest else None
        page = pages.alerts(snapshot, asked.texts, self._settings.timezone, datetime.now(UTC), hushed=hushed)
        await self._show(asked, page)

    async def _link(self, asked: Asked) -> None:
        snapshot = await self._live.snapshot()
        page = pages.link(snapshot, asked.texts, self._settings.timezone, datetime.now(UTC))
        await self._show(asked, page)

    async def _release(self, asked: Asked) -> None:
        turn = wanted_release(" ".join(asked.arguments))
        if turn is None:
            await self._show(asked, pages.plain(asked.texts, "link.usage"))
            return
        snapshot = await self._live.snapshot()
        chosen = await self._some(asked, snapshot, "release", turn.battery, f"{turn.seconds:g}s")
        if chosen:
            self._beside(asked, self._let_go(asked, chosen, turn.seconds))

    async def _let_go(self, asked: Asked, devices: Sequence[BatteryNow], seconds: float) -> None:
        now = datetime.now(UTC)
        if await self._turn(asked, "release", devices, seconds=seconds):
            until, zone = now + timedelta(seconds=seconds), self._settings.timezone
            await self._show(asked, pages.released(devices, until, asked.texts, zone, now))
            await self._tell_others(
                asked, lambda texts: pages.lent(devices, until, asked.name, texts, zone, now)
            )

    async def _tell_others(self, asked: Asked, text: Callable[[Texts], str]) -> None:
        """Have the other chats hear, without a sound, what was done from this one."""
        messages = [
            Outgoing(chat=chat, text=told, line=told, key="turn", silent=True)
            for chat in self._access.told_of_alerts()
            if chat != asked.chat and (told := text(self.texts_of(chat)))
        ]
        try:
            await self._store.aside(self._store.queue, messages)
        except StoreError as error:
            log.error("%s", error)

    async def _resume(self, asked: Asked) -> None:
        snapshot = await self._live.snapshot()
        down, named = snapshot.poller_down, " ".join(asked.arguments)
        waiting = [one for one in snapshot.devices if one.released]
        if not named and not down:  # only these can be meant
            snapshot = snapshot.of(waiting)
        chosen: Sequence[BatteryNow] = waiting
        if waiting or down:
            chosen = await self._some(asked, snapshot, "resume", named)
            if not chosen:
                return
        chosen = [one for one in chosen if one in waiting]
        if not chosen:
            await self._show(asked, pages.plain(asked.texts, "link.nothing_released"))
        elif await self._turn(asked, "resume", chosen):
            await self._show(asked, pages.resumed(chosen, asked.texts))
            await self._tell_others(asked, lambda texts: pages.taken_back(chosen, asked.name, texts))

    async def _turn(self, asked: Asked, action: str, devices: Sequence[BatteryNow], **fields: Any) -> bool:
        """Have the service let go of batteries, or take them up again; say so when it did not."""
        # None: all that it reads.
        device = devices[0].address if len(devices) == 1 else None
        try:
            await self._live.request(action, device=device, **fields)
        except JkBmsError as error:
            log.warning("chat %d: %s: %s", asked.chat, action, error)
            down = await self._poller_down()
            await self._show(asked, pages.plain(asked.texts, "bot.try_later" if down else "link.unconfirmed"))
            return False
        return True

    async def _until(self, asked: Asked) -> None:
        found = wanted_clock(asked.arguments)
        if found is None:
            await self._show(asked, pages.plain(asked.texts, "bot.until.usage"))
            return
        time = f"{found.hour:02d}{found.minute:02d}"
        snapshot = await self._live.snapshot()
        device = None
        if not self._whole_house(snapshot, found.rest):
            device = await self._chosen(asked, snapshot, "until", found.rest, time)
            if device is None:
                return
        zone, now = self._settings.timezone, datetime.now(UTC)
        until = _next(found.hour, found.minute, now.astimezone(zone))

        def expect() -> Any:
            with open_reader(self._settings.bms_db_path) as reader:
                return outlook(reader, snapshot, device, until, now, zone)

        try:
            expected = await asyncio.to_thread(expect)
        except StoreError as error:
            log.warning("%s", error)
            expected = None
        await self._show(asked, pages.until(snapshot, device, expected, asked.texts, zone, now))

    async def _chart(self, asked: Asked) -> None:
        words = [word.lower() for word in asked.arguments]
        span = next((word for word in words if word in SPANS), CHART_SPANS[0])
        what = next((word for word in words if word in CHARTS), CHARTS[0])
        others = [
            word for word, low in zip(asked.arguments, words, strict=True) if low not in (*SPANS, *CHARTS)
        ]
        snapshot = await self._live.snapshot()
        devices = snapshot.devices
        if not devices:
            await self._show(asked, pages.plain(asked.texts, "bot.nothing_known"))
            return
        named = " ".join(others)
        if named and named.casefold() != pages.ALL:
            device = _named(devices, named)
            if device is None:
                usage = "bot.chart.usage"
                page = pages.choice(
                    devices, "chart", asked.texts, span, what, or_all=True, unknown=named, usage=usage
                )
                await self._show(asked, page)
                return
            devices = (device,)
        self._beside(asked, self._draw(asked, devices, span, what))

    async def _draw(self, asked: Asked, devices: Sequence[BatteryNow], span: str, what: str) -> None:
        """Answer with the picture of a battery, or of the house when it has several."""
        zone = self._settings.timezone
        request = {
            "bms_db": str(self._settings.bms_db_path),
            "packs": [(device.address, label(device, asked.texts)) for device in devices],
            "span": span,
            "what": what,
            "language": asked.texts.language,
            "timezone": getattr(zone, "key", None),
            "theme": self._store.chat(asked.chat).choices.pictures or PICTURES[0],
        }
        try:
            picture = await run_chart(request, timeout=CHART_PATIENCE)
        except NoPicture as error:
            await self._show(asked._replace(edits=None), Page(escape(str(error))))
            return
        except ChildError as error:
            log.warning("no chart: %s", error)
            why = pages.plain(asked.texts, "bot.chart.failed")
            await self._show(asked._replace(edits=None), why)
            return
        number = devices[0].number if len(devices) == 1 else pages.ALL
        spans = [
            Button(
                _marked(asked.texts(f"bot.button.span_{one}"), one == span), press("chart", one, what, number)
            )
            for one in CHART_SPANS
        ]
        kinds = [
            Button(_marked(asked.texts(f"charts.{one}"), one == what), press("chart", span, one, number))
            for one in CHARTS
        ]
        page = Page(escape(picture.caption), (tuple(spans), tuple(kinds[:2]), tuple(kinds[2:])))
        await self._show(asked, page, photo=picture.png)

    async def _make_digest(self, asked: Asked) -> None:
        self._beside(asked, self._digest(asked.chat, asked.topic))

    async def _users(self, asked: Asked) -> None:
        await self._show(asked, await self._people.page(asked))

    async def _choices(self, asked: Asked) -> None:
        known = self._store.chat(asked.chat)
        if asked.arguments:
            choices = chosen(known.choices, asked.arguments)
            if choices is None:
                await self._show(asked, pages.plain(asked.texts, "choices.usage"))
                return
            store = self._store
            known = await store.aside(
                store.change_chat, asked.chat, choices=choices, kind=asked.kind, title=asked.title
            )
            asked = asked._replace(texts=self._texts_for(asked.spoken, asked.chat))
        step, house = self._settings.change_step, self._settings.alert_quiet_hours
        await self._show(asked, pages.choices(known.choices, step, house, asked.texts))

    async def _chat_id(self, asked: Asked) -> None:
        number = f"{asked.chat}:{asked.topic}" if asked.topic else str(asked.chat)
        await self._show(asked, pages.plain(asked.texts, "bot.chat_id", id=number))

    async def _help(self, asked: Asked) -> None:
        await self._show(asked, self._help_page(asked))

    def _help_page(self, asked: Asked) -> Page:
        return pages.help_page(asked.texts, lambda name: self._may(asked, name))

    # What they share

    async def _answer(self, asked: Asked, command: Callable[..., Awaitable[None]], *more: str) -> None:
        """Carry out a command; a bug in it is told, and logged."""
        try:
            await command(asked, *more)
        except Exception:
            log.exception("chat %d: a command went wrong", asked.chat)
            await self._show(asked._replace(edits=None), pages.plain(asked.texts, "bot.trouble"))

    def _beside(self, asked: Asked, work: Awaitable[None]) -> None:
        """Let ``work`` go on while other commands are answered."""

        async def run() -> None:
            async def wait(_: Asked) -> None:
                await work

            await self._answer(asked, wait)

        task: Coroutine[Any, Any, None] = run()
        self._group.create_task(task, name=f"chat {asked.chat}: slow answer")

    async def _show(self, asked: Asked, page: Page, *, photo: bytes | None = None) -> None:
        if asked.private and asked.role is not Role.OWNER:
            page = _for_guest(page)
        if asked.edits is None:
            await self._sender.reply(asked.chat, page, photo=photo, topic=asked.topic)
        else:
            await self._sender.edit(asked.chat, asked.edits, page, photo=photo, topic=asked.topic)

    async def _chosen(
        self, asked: Asked, snapshot: Snapshot, name: str, wanted: Any, *arguments: str
    ) -> BatteryNow | None:
        """Return the battery that is meant; None after having asked which, or said that there is none."""
        devices = snapshot.devices
        if not devices:
            await self._show(asked, pages.plain(asked.texts, "bot.nothing_known"))
            return None
        if named := " ".join(wanted):
            device = _named(devices, named)
            if device is None:
                usage = "link.usage" if name == "release" else ""
                page = pages.choice(devices, name, asked.texts, *arguments, unknown=named, usage=usage)
                await self._show(asked, page)
            return device
        if len(devices) == 1:
            return devices[0]
        await self._show(asked, pages.choice(devices, name, asked.texts, *arguments))
        return None

    @staticmethod
    def _whole_house(snapshot: Snapshot, wanted: Sequence[str]) -> bool:
        """Whether all batteries together are meant: no name was given, and there are several."""
        return len(snapshot.devices) > 1 and " ".join(wanted).casefold() in ("", pages.ALL)

    async def _some(
        self, asked: Asked, snapshot: Snapshot, name: str, wanted: str, *arguments: str
    ) -> Sequence[BatteryNow]:
        """Return the battery that is meant, or all; [] after having asked which, or said why there is none."""
        if snapshot.poller_down:  # what it should do, it cannot be told
            await self._show(asked, pages.plain(asked.texts, "bot.try_later"))
            return []
        devices = snapshot.devices
        if devices and wanted.casefold() in (pages.ALL, asked.texts("link.all").casefold()):
            return devices
        if not wanted and len(devices) > 1:
            await self._show(asked, pages.choice(devices, name, asked.texts, *arguments, or_all=True))
            return []
        device = await self._chosen(asked, snapshot, name, wanted.split(), *arguments)
        return [] if device is None else [device]

    def _texts_for(self, spoken: str | None, chat: int) -> Texts:
        known = self._store.chat(chat)
        fixed = known.choices.language or self._settings.bot_language
        return language(fixed) if fixed in LANGUAGES else best(spoken or known.language)

    async def _remember_language(self, asked: Asked, spoken: str | None) -> None:
        """Note in which language a person is spoken to when he did not ask."""
        known = self._store.chat(asked.chat)
        if spoken and known.language != spoken and (asked.private or known.language is None):
            try:
                await self._store.aside(
                    self._store.change_chat, asked.chat, language=spoken, kind=asked.kind, title=asked.title
                )
            except StoreError as error:  # a full disk: he is answered all the same
                log.error("%s", error)


def _age(message: Message) -> timedelta:
    written = message.edit_date or message.date
    at = written if isinstance(written, datetime) else datetime.fromtimestamp(written, UTC)
    return datetime.now(UTC) - at


def _named(devices: Sequence[BatteryNow], wanted: str) -> BatteryNow | None:
    """The battery of that number or name."""
    named = wanted.casefold()
    for device in devices:
        if named in (str(device.number), (device.name or "").casefold()):
            return device
    return None


def _for_guest(page: Page) -> Page:
    """Return ``page`` without the buttons that only owners may press."""
    rows = (tuple(one for one in row if pressed(one.data).page not in FOR_OWNERS) for row in page.buttons)
    return Page(page.text, tuple(row for row in rows if row))


def _is_ack(data: str | None) -> bool:
    """Whether a button says that an alert was seen."""
    return pressed(data).page == "ack"


def _how_long(how: str) -> dict[str, Any]:
    if how == "off":
        return {"off": True}
    return {"seconds": int(how)} if how.isdigit() else {"until_cleared": True}


def _next(hour: int, minute: int, now: datetime) -> datetime:
    """The next time that the clock on the wall shows so."""
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def _marked(label: str, chosen: bool) -> str:
    return f"• {label}" if chosen else label
