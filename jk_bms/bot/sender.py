"""Everything that goes out: answers at once, and what must arrive from the queue of ``bot.db``.

Each chat has a lane of its own, so that one which Telegram slows down holds up no other. Telegram
takes about one message a second for a person, twenty a minute for a group; queue and answers leave
some of them to each other, so that neither holds up an alert nor an answer for a minute.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec
from aiohttp import ClientConnectorError

from jk_bms.bot.light_aiogram import (
    BufferedInputFile,
    ClientDecodeError,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramBot,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from jk_bms.bot.outgoing import (
    LONGEST_CAPTION,
    LONGEST_TEXT,
    Outgoing,
    Waiting,
    count_standing,
    length,
    newest_standing,
    pieces,
    plain,
    summary,
)
from jk_bms.bot.pages.page import Button, Page
from jk_bms.bot.store import BotStore
from jk_bms.bot.telegram_errors import NotReached, brief
from jk_bms.errors import StoreError
from jk_bms.texts import Texts

log = logging.getLogger(__name__)

MOST_LANES = 200  # a bound, not a tuning
FEW = 5  # late messages that are still sent one by one

# How Telegram says, as a mere "bad request", that a chat takes nothing from us.
_REFUSING = (
    "chat not found",
    "peer_id_invalid",
    "chat_write_forbidden",
    "rights to send",
    "user is deactivated",
    "group chat was deactivated",
)

_NO_TOPIC = ("message thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")


class Pace(NamedTuple):
    """How fast things go, in s; tests turn it up."""

    minute: float = 60.0  # in which Telegram takes ...
    messages: int = 20  # ... so many for a group,
    answers: int = 50  # so many for a person, when he asks,
    of_queue: int = 15  # of either the queue may use so many, and of a group's the answers
    first_pause: float = 1.0  # after a failure, doubling
    longest_pause: float = 60.0
    patience: float = 65.0  # for an answer to a command: a busy group has its turn within a minute
    timeout: float = 10.0  # of a request
    late: float = 120.0  # a queue older than this was held up: many messages become one


PACE = Pace()


class Undelivered(Exception):
    """Telegram did not take it. ``pause``: s that Telegram asks us to wait."""

    def __init__(self, error: Exception | str, *, doubtful: bool = False, pause: float | None = None) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.doubtful = doubtful  # it may have arrived all the same
        self.pause = pause


class ChatGone(Exception):
    """The chat takes nothing from us any more: the bot was blocked or removed."""


class _Lane:
    """The way to one chat."""

    def __init__(self) -> None:
        self.sent: deque[tuple[float, bool]] = deque()  # when, monotonic; whether from the queue
        self.turn = asyncio.Lock()
        self.task: asyncio.Task[None] | None = None

    def in_use(self, since: float) -> bool:
        """Whether something is on its way, waits for its turn or went out since then (monotonic)."""
        busy = self.turn.locked() or (self.task is not None and not self.task.done())
        return busy or bool(self.sent and self.sent[-1][0] >= since)


class Sender:
    """Sends by ``bot`` what the handlers answer and what waits in ``store``."""

    def __init__(
        self,
        bot: TelegramBot,
        store: BotStore,
        texts_of: Callable[[int], Texts],
        pace: Pace = PACE,
        topic_of: Callable[[int], int | None] = lambda _: None,
        quiet: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self._bot = bot
        self._store = store
        self._texts_of = texts_of
        self._pace = pace
        self._topic_of = topic_of  # of a forum: where a chat wants what the bot sends by itself
        self._quiet = quiet  # whether a chat has its quiet hours now
        self._lanes: dict[int, _Lane] = {}
        self._queued = asyncio.Event()
        self._ending = False
        self._away = False  # the last request did not reach Telegram

    # Answers

    async def reply(self, chat: int, page: Page, *, photo: bytes | None = None, topic: int = 0) -> None:
        """Send ``page``, below ``photo`` (PNG) if any, as an answer to a command: soon or not at all.

        ``topic``: of a forum, in which it was asked.
        """
        message = Outgoing(  # who asks is awake: it rings
            chat=chat, text=page.text, photo=photo, buttons=page.buttons, topic=topic, rings=True
        )
        for part in pieces(message):
            await self._soon(chat, part)

    async def edit(
        self, chat: int, message: int, page: Page, *, photo: bytes | None = None, topic: int = 0
    ) -> None:
        """Put ``page``, below ``photo`` (PNG) if any, in the place of an earlier message.

        One that shows it already is no error.
        """
        if length(plain(page.text)) > (LONGEST_TEXT if photo is None else LONGEST_CAPTION):
            await self.reply(chat, page, photo=photo, topic=topic)
            return
        try:
            async with asyncio.timeout(self._pace.patience):
                await self._put(chat, message, page, photo)
            return
        except TelegramBadRequest as error:
            if "not modified" in error.message:
                return
            # Too old, deleted, or a picture: then it is shown anew.
            log.debug("chat %d: message not edited: %s", chat, error.message)
        except TimeoutError:
            log.warning("chat %d: a page could not be refreshed within %g s", chat, self._pace.patience)
            return
        except TelegramForbiddenError as error:
            log.warning("chat %d: a page was not refreshed: %s", chat, brief(error))
            return
        await self.reply(chat, page, photo=photo, topic=topic)

    async def rebutton(self, chat: int, message: int, rows: Sequence[Sequence[InlineKeyboardButton]]) -> None:
        """Leave below an earlier message only these ``rows`` of its buttons; that it cannot be done is no error."""
        kept = [list(row) for row in rows if row]
        try:
            async with asyncio.timeout(self._pace.patience):
                await self._bot.edit_message_reply_markup(
                    chat_id=chat,
                    message_id=message,
                    reply_markup=InlineKeyboardMarkup(inline_keyboard=kept) if kept else None,
                    request_timeout=round(self._pace.timeout),
                )
        except (TelegramAPIError, ClientDecodeError) as error:
            log.debug("chat %d: buttons not changed: %s", chat, brief(error))
        except TimeoutError:
            log.debug("chat %d: buttons not changed within %g s", chat, self._pace.patience)

    async def _put(self, chat: int, message: int, page: Page, photo: bytes | None) -> None:
        """Edit a message, for as long as it takes. Raises TelegramBadRequest, TelegramForbiddenError."""
        pause = self._pace.first_pause
        while True:
            try:
                if photo is None:
                    await self._bot.edit_message_text(
                        text=page.text,
                        chat_id=chat,
                        message_id=message,
                        reply_markup=_keyboard(page.buttons),
                        request_timeout=round(self._pace.timeout),
                    )
                else:
                    await self._bot.edit_message_media(
                        media=InputMediaPhoto(
                            media=BufferedInputFile(photo, "picture.png"),
                            caption=page.text or None,
                            parse_mode="HTML",
                        ),
                        chat_id=chat,
                        message_id=message,
                        reply_markup=_keyboard(page.buttons),
                        request_timeout=3 * round(self._pace.timeout),  # a picture on a slow line
                    )
                return
            except (TelegramBadRequest, TelegramForbiddenError):
                raise
            except TelegramRetryAfter as error:
                await asyncio.sleep(error.retry_after)
            except (TelegramAPIError, ClientDecodeError) as error:
                log.debug("chat %d: a page was not refreshed yet: %s", chat, brief(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._pace.longest_pause)

    async def answer_press(self, press: str, text: str = "", *, alert: bool = False) -> None:
        """End the waiting mark on a pressed button, with a short ``text``; too late is no error."""
        with contextlib.suppress(TelegramAPIError, ClientDecodeError):
            await self._bot.answer_callback_query(
                press, text=text[:200] or None, show_alert=alert, request_timeout=round(self._pace.timeout)
            )

    async def _soon(self, chat: int, message: Outgoing) -> None:
        pause = self._pace.first_pause
        try:
            async with asyncio.timeout(self._pace.patience):
                while True:
                    try:
                        async with self._turn(chat, self._lane(chat)):
                            await self._send(chat, message)
                        return
                    except TelegramMigrateToChat as error:
                        await self._store.aside(self._store.move_chat, chat, error.migrate_to_chat_id)
                        chat = error.migrate_to_chat_id
                    except Undelivered as error:
                        await asyncio.sleep(pause if error.pause is None else error.pause)
                        pause = min(2 * pause, self._pace.longest_pause)
        except TimeoutError:
            log.warning("chat %d: an answer could not be sent within %g s", chat, self._pace.patience)
        except ChatGone as error:
            await self._forget(chat, error)

    # The queue

    async def run(self) -> None:
        """Deliver what waits in the store until cancelled."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._queued.set)

        self._store.on_queued(wake)
        async with asyncio.TaskGroup() as group:
            while True:
                self._queued.clear()
                try:
                    chats = await self._store.aside(self._store.waiting)
                except StoreError as error:
                    log.error("%s", error)
                    await asyncio.sleep(self._pace.longest_pause)
                    self._queued.set()
                    chats = []
                for chat in chats:
                    lane = self._lane(chat)
                    if lane.task is None or lane.task.done():
                        lane.task = group.create_task(self._empty(chat, lane), name=f"chat {chat}")
                await self._queued.wait()

    async def settle(self, patience: float) -> None:
        """Begin nothing from the queue any more; wait up to ``patience`` s for what is on its way."""
        self._ending = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                for lane in tuple(self._lanes.values()):
                    async with lane.turn:
                        pass

    async def _empty(self, chat: int, lane: _Lane) -> None:
        """Send all that waits for ``chat``, for as long as it takes; a bug or a full disk costs a pause."""
        while True:
            try:
                await self._deliver(chat, lane)
                # Something queued in the last moment did not start a lane, because this one ran.
                if self._ending or chat not in await self._store.aside(self._store.waiting):
                    return
            except StoreError as error:
                log.error("%s", error)
                await asyncio.sleep(self._pace.longest_pause)
            except Exception:
                log.exception("chat %d: unexpected error; trying again", chat)
                await asyncio.sleep(self._pace.longest_pause)

    async def _deliver(self, chat: int, lane: _Lane) -> None:
        store, pause = self._store, self._pace.first_pause
        while not self._ending and (waiting := await self._worth_sending(chat)):
            wait = 0.0
            async with self._turn(chat, lane, queued=True):
                if self._ending:
                    return
                batch, message = self._next(chat, waiting)
                numbers = [one.number for one in batch]
                await store.aside(store.trying, numbers)
                try:
                    await self._send(chat, message)
                    await store.aside(store.done, numbers)
                    pause = self._pace.first_pause
                except ChatGone as error:
                    await self._forget(chat, error)
                except TelegramMigrateToChat as error:
                    await store.aside(store.not_taken, numbers)
                    await store.aside(store.move_chat, chat, error.migrate_to_chat_id)
                    return
                except Undelivered as error:
                    if not error.doubtful:
                        surely = [one.number for one in batch if not one.doubtful]
                        await store.aside(store.not_taken, surely)
                    wait = pause if error.pause is None else error.pause
                    pause = min(2 * pause, self._pace.longest_pause)
            if wait:
                await asyncio.sleep(wait)

    async def _worth_sending(self, chat: int) -> list[Waiting]:
        """What waits for ``chat``, without what came too late for it."""
        now = time.time()
        worth: list[Waiting] = []
        late: list[Waiting] = []
        for one in await self._store.aside(self._store.oldest, chat):
            limit = one.message.keep_for
            (worth if limit is None or now - one.made <= limit else late).append(one)
        for one in late:
            what, hours = one.message.key or "a message", (now - one.made) / 3600
            log.warning("chat %d: %s could not be sent for %.1f h: given up", chat, what, hours)
        if late:
            await self._store.aside(self._store.done, [one.number for one in late])
        return worth

    def _next(self, chat: int, waiting: Sequence[Waiting]) -> tuple[Sequence[Waiting], Outgoing]:
        """Return what is done with next, and the one message that says it."""
        words = [one for one in waiting if not one.message.wordless] or waiting[:1]
        first = words[0]
        if first.doubtful:  # what was handed over together goes again together
            batch = _leading(words, lambda one: one.doubtful)
        else:
            batch = _leading(words, lambda one: bool(one.message.line))
            held_up = len(batch) > FEW and time.time() - first.made > self._pace.late
            if held_up and count_standing(batch) <= FEW and (standing := newest_standing(batch)):
                batch = standing  # what goes on first and whole, then all that is over in one
            elif not held_up and len(batch) <= self._pace.messages:
                key = first.message.key if first.message.line else ""
                batch = _leading(batch, lambda one: one.message.key == key) if key else words[:1]
        message = _as_one(batch, self._texts_of(chat))
        if len(batch) > 1:  # then a picture of one of them tells nothing any more
            last = batch[-1].number
            batch = [*batch, *(one for one in waiting if one.message.wordless and one.number < last)]
        return batch, message

    # Requests

    async def _send(self, chat: int, message: Outgoing) -> None:
        """Hand one message to Telegram. Raises Undelivered, ChatGone or TelegramMigrateToChat."""
        try:
            await self._request(chat, message)
        except TelegramBadRequest as error:
            # General, which has no number, can be closed as well: then there is nothing outside of it.
            if self._topic(chat, message) and any(words in error.message.lower() for words in _NO_TOPIC):
                log.warning("chat %d: its topic takes nothing (%s); sent outside of it", chat, error.message)
                await self._send(chat, msgspec.structs.replace(message, topic=0))
                return
            # A button or a tag that Telegram does not like must not cost the message.
            log.error("chat %d: Telegram refused a message (%s); sending its bare text", chat, error.message)
            bare = msgspec.structs.replace(message, photo=None, buttons=())
            try:
                await self._request(chat, bare, bare=True)
            except TelegramBadRequest as again:
                log.error("chat %d: and its bare text (%s): given up", chat, again.message)

    async def _request(self, chat: int, message: Outgoing, *, bare: bool = False) -> None:
        chat = self._store.present_id(chat)
        mode = None if bare else "HTML"
        text = plain(message.text) if bare else message.text
        topic = self._topic(chat, message)
        silent = message.silent or (not message.rings and self._quiet(chat))
        timeout = round(self._pace.timeout)
        sending: Awaitable[object]
        if message.photo is not None:
            sending = self._bot.send_photo(
                chat,
                BufferedInputFile(message.photo, "picture.png"),
                message_thread_id=topic,
                caption=text or message.caption or None,
                parse_mode=mode,
                reply_markup=_keyboard(message.buttons),
                disable_notification=silent or None,
                request_timeout=3 * timeout,  # a picture on a slow line
            )
        else:
            sending = self._bot.send_message(
                chat,
                text,
                message_thread_id=topic,
                parse_mode=mode,
                reply_markup=_keyboard(message.buttons),
                disable_notification=silent or None,
                request_timeout=timeout,
            )
        try:
            await sending
        except TelegramRetryAfter as error:
            log.info("chat %d: Telegram asks for a pause of %g s", chat, error.retry_after)
            raise Undelivered(error, pause=float(error.retry_after)) from error
        except TelegramEntityTooLarge as error:
            raise TelegramBadRequest(error.method, error.message) from error
        except TelegramBadRequest as error:
            if any(words in error.message.lower() for words in _REFUSING):
                raise ChatGone(error.message) from error
            raise
        except TelegramForbiddenError as error:
            raise ChatGone(error.message) from error
        except TelegramMigrateToChat:
            raise
        except (TelegramAPIError, ClientDecodeError) as error:
            # Away, restarting, or a proxy that answers in its place.
            if not self._away:  # once per outage
                log.warning("Telegram is away: %s", brief(error))
                self._away = True
            reached = not isinstance(error.__cause__, ClientConnectorError | NotReached)
            raise Undelivered(brief(error), doubtful=reached) from error
        if self._away:
            log.info("Telegram is back")
            self._away = False

    def _topic(self, chat: int, message: Outgoing) -> int | None:
        """Return the topic that ``message`` goes to; None: to the chat itself, of a forum to General."""
        topic = self._topic_of(self._store.present_id(chat)) if message.topic is None else message.topic
        return topic or None

    async def _forget(self, chat: int, error: ChatGone) -> None:
        """Drop what waits for a chat that takes nothing, and stop monitoring for it."""
        store = self._store
        waiting = await store.aside(store.oldest, chat)
        log.warning("chat %d takes no messages: %s (%d dropped)", chat, error, len(waiting))
        await store.aside(store.done, [one.number for one in waiting])
        if store.chat(chat).monitoring:
            await store.aside(store.change_chat, chat, monitoring=False)

    def _lane(self, chat: int) -> _Lane:
        if len(self._lanes) > MOST_LANES:  # strangers who were refused: forget those who are long gone
            past = time.monotonic() - self._pace.minute
            self._lanes = {one: lane for one, lane in self._lanes.items() if lane.in_use(past)}
        return self._lanes.setdefault(chat, _Lane())

    @contextlib.asynccontextmanager
    async def _turn(self, chat: int, lane: _Lane, *, queued: bool = False) -> AsyncIterator[None]:
        """Wait for a turn in ``lane``, the way to ``chat``, until the last minute leaves room."""
        while True:
            async with lane.turn:
                now = time.monotonic()
                while lane.sent and now - lane.sent[0][0] >= self._pace.minute:
                    lane.sent.popleft()
                wait = self._wait(chat, lane, now, queued=queued)
                if not wait:
                    lane.sent.append((now, queued))
                    yield
                    return
            await asyncio.sleep(wait)  # outside the turn: an answer may have room where the queue has none

    def _wait(self, chat: int, lane: _Lane, now: float, *, queued: bool) -> float:
        """Return after how many s there is room; 0: there is."""
        pace = self._pace
        sent = [at for at, _ in lane.sent]
        alike = [at for at, of_queue in lane.sent if of_queue == queued]
        if chat < 0:  # groups and channels
            limits = [(alike, pace.of_queue), (sent, pace.messages)]
        else:
            limits = [(alike, pace.of_queue)] if queued else [(sent, pace.answers)]
        full = [times[-limit] for times, limit in limits if len(times) >= limit]
        return max(full) + pace.minute - now if full else 0.0


def _leading(waiting: Sequence[Waiting], fits: Callable[[Waiting], bool]) -> Sequence[Waiting]:
    """The messages at the front for which ``fits`` holds."""
    for count, one in enumerate(waiting):
        if not fits(one):
            return waiting[:count]
    return waiting


def _as_one(batch: Sequence[Waiting], texts: Texts) -> Outgoing:
    """Return the message that stands for ``batch``; one that may have arrived before says so."""
    newest = batch[-1].as_of(time.time())
    notes: list[str] = []
    if len(batch) > 1 and all(one.message.key == newest.key for one in batch):
        notes.append(texts.count("delivery.before", len(batch) - 1))
        message = newest
    elif len(batch) > 1:
        shown = summary(batch)
        lines = [f"<b>{texts.count('delivery.away', len(batch))}</b>", *shown.lines]
        if shown.left_out:
            lines.append(texts.count("delivery.more", shown.left_out))
        rings = any(one.message.rings for one in batch)
        message = Outgoing(chat=newest.chat, text="\n".join(lines), rings=rings)
    else:
        message = newest
    if any(one.doubtful for one in batch):
        notes.append(texts("delivery.repeat"))
    return msgspec.structs.replace(message, text="\n".join([message.text, *notes]).strip())


def _keyboard(buttons: Sequence[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [InlineKeyboardButton(text=one.label, callback_data=one.data, url=one.url) for one in row]
            for row in buttons
        ]
    )
