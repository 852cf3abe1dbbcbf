"""The digest of each day: waits for SUMMARY_TIME, has a child write it, queues it for its chats.

Which dates are over stands in ``bot.db``, written together with the messages: each date has one digest,
and none is lost between making and sending.
"""

import asyncio
import base64
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from jk_bms.bot.child import ChildError, run_child
from jk_bms.bot.choices import PICTURES
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages.page import Page
from jk_bms.bot.store import BotStore
from jk_bms.clock import NOT_BEFORE
from jk_bms.config.settings import Settings
from jk_bms.config.settings.proxies import OPENAI, asks_model, proxy_for
from jk_bms.digest.days import Told, named_zone, told_time
from jk_bms.digest.schedule import Due, Schedule
from jk_bms.errors import StoreError
from jk_bms.texts import Texts, escape

log = logging.getLogger(__name__)

NOTE = "digest_dates"  # in bot.db: the local dates that are over
DATES_KEPT = 40
KEPT_FOR = 12 * 3600.0  # s: so long a digest waits for Telegram
LOOK = 30.0  # s between two looks at the clock, which may be set at any time
AFTER_FAILURE = 300.0  # s: making it again costs a request to the model
TRIES = 3  # of a child that fails, this far apart:
PAUSE = 60.0  # s
PATIENCE = 120.0  # s for facts and picture on a Pi that has just started
MODEL_PAUSES = 750.0  # s that the child waits between its requests to a service that is away
# Four tries, one for a better answer, two for an endpoint that knows no form of answers.
MODEL_REQUESTS = 7
AGAIN = 600.0  # s between two digests on demand
ROW = 60.0  # s that the newest row may go on
LATEST = 55.0  # s in which one on demand is there in our own words, or not at all
SOON = 50.0  # s after which it does not wait for the model any longer
_MIDDAY = time_of_day(12)


class Replies(Protocol):
    """What answers a command; the sender."""

    async def reply(self, chat: int, page: Page, *, photo: bytes | None = None, topic: int = 0) -> None:
        """Send ``page``, below ``photo`` if any, soon or not at all."""


class Made(NamedTuple):
    """A digest, ready to be sent."""

    text: str  # plain
    pictures: Mapping[str, bytes] = {}  # by theme
    why: str = ""  # why it is not by the model that was asked; the end of a key ``digest.why.``
    newest: datetime | None = None  # when its newest data came


class _OnDemand:
    """The last digest that was asked for, in one language."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.at: float | None = None  # monotonic
        self.digest: Made | None = None
        self.shown: dict[int, int] = {}  # the chats that have it, each with the topic in which it asked


class Daily:
    """Makes digests when they are due, and on demand.

    ``chats`` says to whom they go; ``texts_of`` in which language. ``child`` runs the module of that
    name with a request within so many s. ``now``, ``sleep`` and ``look`` are for tests.
    """

    def __init__(
        self,
        settings: Settings,
        store: BotStore,
        replies: Replies,
        chats: Callable[[], Sequence[int]],
        texts_of: Callable[[int], Texts],
        *,
        child: Callable[..., Awaitable[bytes]] = run_child,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        look: float = LOOK,
        soon: float = SOON,
    ) -> None:
        self._settings = settings
        self._store = store
        self._replies = replies
        self._chats = chats
        self._texts_of = texts_of
        self._child = child
        self._now = now
        self._sleep = sleep
        self._look = look
        self._soon = soon
        self._zone = named_zone(settings.timezone)
        self._schedule = Schedule(settings.summary_time, self._zone)
        self._asked: dict[str, _OnDemand] = {}  # by language
        self._late: set[asyncio.Task[None]] = set()  # models that are still waited for

    async def run(self) -> None:
        """Make each digest when it is due, until cancelled."""
        while True:
            pause = self._look
            try:
                await self._turn()
            except StoreError as error:
                log.error("digest: %s", error)
                pause = AFTER_FAILURE
            except Exception:  # one digest that cannot be made must not be the last
                log.exception("digest: unexpected error; trying again")
                pause = AFTER_FAILURE
            now = self._now()
            until = (self._schedule.next(now) - now).total_seconds()
            await self._sleep(min(pause, max(until, 0.1)))

    async def on_demand(self, chat: int, topic: int = 0) -> None:
        """Answer ``/digest``: today so far, in our own words where the model takes long; its words then follow.

        It is made at most once in ten minutes for each language; other chats get the same, the one that has it
        is told to wait.
        """
        texts = self._texts_of(chat)
        made, asked = self._asked.setdefault(texts.language, _OnDemand()), time.monotonic()
        async with made.turn:  # who asks while it is being made gets that one
            fresh = made.at is not None and asked - made.at < AGAIN
            if fresh and chat in made.shown and made.at is not None:
                span = texts.span(max(60.0, AGAIN - (asked - made.at)))
                await self._say(chat, topic, texts("bot.digest.wait", span=span))
                return
            if not fresh or made.digest is None:
                await self._say(chat, topic, texts("bot.digest.making"))
                told = told_time(self._now(), _MIDDAY, self._settings.digest_period, self._zone)
                try:
                    await self._make_soon(made, told, texts, self._themes([*self._chats(), chat]))
                except ChildError as error:
                    log.error("digest: %s", error)
                    made.at = None
                    await self._say(chat, topic, self._failed(told, texts))
                    return
                made.at = time.monotonic()
            made.shown[chat] = topic
            digest = made.digest
        assert digest is not None
        await self._replies.reply(
            chat,
            Page(escape(self._dated(digest, texts))),
            photo=digest.pictures.get(self._theme(chat)),
            topic=topic,
        )

    async def _make_soon(self, made: _OnDemand, told: Told, texts: Texts, themes: set[str]) -> None:
        """Fill in ``made``: our own words at once, those of the model if they come in time. Raises ChildError."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(LATEST):
                ours = await self._make(told, texts, themes, model=False)
        except TimeoutError as error:  # other children have all the room
            raise ChildError(f"jk_bms.digest: not done within {LATEST:g} s") from error
        made.digest, made.shown = ours, {}
        if not asks_model(self._settings):
            return
        asking = asyncio.create_task(self._make(told, texts, set()))
        try:
            left = began + self._soon - asyncio.get_running_loop().time()
            await asyncio.wait([asking], timeout=max(0.0, left))
        except asyncio.CancelledError:
            asking.cancel()
            raise
        if asking.done():
            made.digest = _with_pictures(ours, await asking)
            return
        made.digest = ours._replace(text=f"{ours.text}\n\n{texts('digest.later')}")
        follow = asyncio.create_task(self._follow(made, ours, asking, texts))
        self._late.add(follow)
        follow.add_done_callback(self._late.discard)

    async def _follow(self, made: _OnDemand, ours: Made, asking: asyncio.Task[Made], texts: Texts) -> None:
        """Send the words of the model, or why there are none, to the chats that have ``ours``."""
        waiting = made.digest
        try:
            late = await asking
        except ChildError as error:
            log.error("digest: %s", error)
            late = Made("", why="failing")
        finally:
            asking.cancel()
        if made.digest is not waiting:
            return  # it has been made anew meanwhile
        made.digest = ours if late.why else _with_pictures(ours, late)
        note = texts("digest.note", why=texts(f"digest.why.{late.why}")) if late.why else None
        for chat, topic in list(made.shown.items()):
            await self._say(chat, topic, note or self._dated(late, texts))

    def _dated(self, digest: Made, texts: Texts) -> str:
        """The text with the age of its data."""
        if digest.newest is None:
            return digest.text
        ago = texts.ago(max(0.0, (self._now() - digest.newest).total_seconds() - ROW))
        return f"{digest.text}\n\n{texts('digest.age', ago=ago)}"

    def _theme(self, chat: int) -> str:
        """In which colours that chat wants its pictures."""
        return self._store.chat(chat).choices.pictures or PICTURES[0]

    def _themes(self, chats: Sequence[int]) -> set[str]:
        return {self._theme(chat) for chat in chats}

    async def _say(self, chat: int, topic: int, text: str) -> None:
        await self._replies.reply(chat, Page(escape(text)), topic=topic)

    async def _turn(self) -> None:
        now = self._now()
        if now < NOT_BEFORE:
            return  # the clock is wrong: the day is not known
        over = self._store.note(NOTE)
        if over is None:
            # A new bot tells nothing of a day that it did not see.
            await self._over([], self._schedule.date_of(self._schedule.last(now)), ())
            return
        due = self._schedule.due(now, {date.fromisoformat(day) for day in over})
        if due is not None:
            await self._tell(due, over)

    async def _tell(self, due: Due, over: list[str]) -> None:
        told = told_time(due.at, self._schedule.at, self._settings.digest_period, self._zone)
        chats = list(dict.fromkeys(self._settings.digest_chats or self._chats()))
        if not chats:
            log.info("digest of %s: there is no chat to send it to", told.day)
        by_language: dict[str, list[int]] = {}
        for chat in chats:
            by_language.setdefault(self._texts_of(chat).language, []).append(chat)
        messages = []
        for some in by_language.values():
            texts = self._texts_of(some[0])
            made = await self._made_patiently(told, texts, self._themes(some))
            text = made.text
            if due.late:
                at = f"{due.at.astimezone(self._zone):%H:%M}"
                text = f"{texts('digest.late', at=at)}\n\n{text}"
            messages += [
                Outgoing(
                    chat=chat,
                    text=escape(text),
                    photo=made.pictures.get(self._theme(chat)),
                    keep_for=KEPT_FOR,
                    key=f"digest:{due.day}",
                    topic=getattr(chat, "topic", None),  # DIGEST_CHAT_ID may name one
                )
                for chat in some
            ]
        await self._over(over, due.day, messages)
        log.info("digest of %s: made for %d chats%s", told.day, len(chats), ", late" if due.late else "")

    async def _made_patiently(self, told: Told, texts: Texts, themes: set[str]) -> Made:
        """The digest, or, so that no chat waits for it in vain, why there is none."""
        for left in reversed(range(TRIES)):
            try:
                return await self._make(told, texts, themes)
            except ChildError as error:
                log.error("digest of %s: %s%s", told.day, error, "; trying again" if left else "")
            if left:
                await self._sleep(PAUSE)
        return Made(self._failed(told, texts))

    async def _make(self, told: Told, texts: Texts, themes: set[str], *, model: bool = True) -> Made:
        settings = self._settings
        service: dict[str, Any] | None = None
        patience = PATIENCE
        if model and asks_model(settings):
            service = {
                "key": settings.openai_key,
                "url": settings.openai_url,
                "model": settings.openai_model,
                "prompt": settings.openai_prompt,
                "timeout": settings.digest_timeout,
                "max_chars": settings.digest_max_chars,
                "proxy": proxy_for(settings, settings.openai_url or OPENAI),
            }
            patience += MODEL_PAUSES + MODEL_REQUESTS * settings.digest_timeout
        request = {
            "bms_db": str(settings.bms_db_path),
            "day": told.day.isoformat(),
            "start": told.start.isoformat(),
            "end": told.end.isoformat(),
            "timezone": settings.timezone.key if isinstance(settings.timezone, ZoneInfo) else None,
            "language": texts.language,
            "pictures": sorted(themes),
            "service": service,
        }
        out = await self._child("jk_bms.digest", request, timeout=patience)
        return _understood(out)

    def _failed(self, told: Told, texts: Texts) -> str:
        noon = told.start + timedelta(hours=12)
        return texts("digest.failed", date=texts.date(noon, self._zone))

    async def _over(self, over: Sequence[str], day: date, messages: Sequence[Outgoing]) -> None:
        dates = [*over, day.isoformat()][-DATES_KEPT:]
        await self._store.aside(self._store.queue, messages, {NOTE: dates})


def _with_pictures(drawn: Made, written: Made) -> Made:
    return written._replace(pictures=drawn.pictures)


def _understood(out: bytes) -> Made:
    try:
        told: Mapping[str, Any] = json.loads(out)
        pictures = {theme: base64.b64decode(picture) for theme, picture in told["pictures"].items()}
        newest = datetime.fromisoformat(told["newest"]) if told["newest"] else None
        made = Made(told["text"], pictures, told["why"], newest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChildError(f"jk_bms.digest: {error!r}; expected a digest") from error
    if made.why:
        log.warning("digest: not by the model: %s", made.why)
    return made
