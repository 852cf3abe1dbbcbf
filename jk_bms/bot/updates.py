"""The way in: ask Telegram for updates, have them handled, remember how far we are."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from weakref import WeakValueDictionary

from pydantic import ValidationError

from jk_bms.bot.light_aiogram import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBot,
    TelegramRetryAfter,
    Update,
)
from jk_bms.bot.store import BotStore
from jk_bms.bot.telegram_errors import Refusal, brief, refusal
from jk_bms.clock import Clock
from jk_bms.errors import StoreError
from jk_bms.texts import durations

log = logging.getLogger(__name__)

KINDS = ["message", "edited_message", "channel_post", "edited_channel_post", "callback_query"]
HELD_OPEN = 25  # s for which Telegram holds a question open
ANSWER = 10  # s more for the answer
SLOW = 1.0  # s after which other chats do not wait any more for one that Telegram holds up
LONGEST_PAUSE = 60.0  # s
AWAY = 300.0  # s without an answer from Telegram, after which an update may not be meant any more
FULL = 100  # updates that one answer has at most: more are waiting


class Patience(NamedTuple):
    """How Telegram's refusals (409, 401, 404) are met, in s; tests turn it up.

    Each question takes away what another program with our token waits for, so they become rare. One
    refusal proves nothing: a trial run elsewhere is over in seconds, and Telegram errs at times.
    """

    first: float = 2.0  # until it is asked again, doubling
    longest: float = 60.0
    confirmed_after: float = 180.0  # of refusals: then a person must know
    rare: float = 300.0  # between two questions from then on
    calm: float = 60.0  # without a refusal, after which it is over: the other program asks more often


PATIENCE = Patience()


class Updates:
    """Hands each update to ``handle``: those of a chat one after another, chats side by side.

    With it goes whether the update may have waited for more than AWAY s. That follows from when
    Telegram last answered, not from dates: a press of a button carries none, and the clock of this
    machine may be wrong.

    Telegram's refusals end nothing: it is asked again, ever more rarely, and ``changed`` is called when
    they are confirmed and when they are over.
    """

    def __init__(
        self,
        bot: TelegramBot,
        store: BotStore,
        handle: Callable[[Update, bool], Awaitable[None]],
        *,
        pause: float,
        first_pause: float = 1.0,
        held_open: int = HELD_OPEN,
        patience: Patience = PATIENCE,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._bot = bot
        self._store = store
        self._handle = handle
        self._pause = pause  # s between two questions that Telegram does not hold open
        self._first_pause = first_pause
        self._held_open = held_open
        self._offset: int | None = store.note("offset")
        self._failures = 0
        self._patience = patience
        self._changed = changed
        self.refused: Refusal | None = None  # confirmed: for so long that a person must know
        self._refusals = 0  # of the present series
        self._refused_since = 0.0  # the first of them, s since boot
        self._calm_since: float | None = None  # the first answer after the last of them
        self._clock = Clock()
        self._answered: float | None = None  # when Telegram last answered, s since boot
        self._late = False  # what the last answer brought may have waited for long
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()  # while a chat waits
        self._ending = False
        self._waiting: asyncio.Timeout | None = None  # for Telegram

    async def run(self) -> None:
        """Go on until ``end``."""
        slow: set[asyncio.Task[None]] = set()
        updates: Sequence[Update] = ()
        async with asyncio.TaskGroup() as group:
            while not self._ending:
                try:
                    async with asyncio.timeout(None) as self._waiting:
                        updates = await self._next(more=len(updates) >= FULL)
                except TimeoutError:  # only ``end`` sets a time
                    return
                finally:
                    self._waiting = None
                slow = {task for task in slow if not task.done()}
                slow |= await self._handle_all(updates, group)
                self._offset = updates[-1].update_id + 1
                try:
                    await self._store.aside(self._store.set_notes, {"offset": self._offset})
                except StoreError as error:  # a full disk: answers are still worth giving
                    log.error("%s", error)

    def end(self) -> None:
        """Ask no more; what came is still handled and noted."""
        self._ending = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def _next(self, *, more: bool) -> Sequence[Update]:
        """Return the next updates, at least one, however long Telegram is away.

        ``more``: the answer before was full, so these have waited as long as those.
        """
        while True:
            asked = self._clock.monotonic()
            # A question that is not held open is answered with what has waited, and with nothing else.
            catching_up = self._answered is None or asked - self._answered > AWAY
            try:
                updates = await self._ask(0 if catching_up else self._held_open)
            except TelegramRetryAfter as error:
                await asyncio.sleep(error.retry_after)
                continue
            except (TelegramAPIError, ClientDecodeError) as error:
                if (refused := refusal(error)) is not None:
                    await asyncio.sleep(self._refuse(refused, brief(error)))
                    continue
                self._failures += 1
                if self._failures == 1:  # once per outage
                    log.warning("no updates: %s", brief(error))
                pause = self._first_pause * 2 ** min(self._failures - 1, 10)
                await asyncio.sleep(min(pause, LONGEST_PAUSE))
                continue
            if self._failures:
                log.info("updates come again, after %d failures", self._failures)
                self._failures = 0
            self._answered = self._clock.monotonic()
            self._answer_to_refusals(self._answered)
            if updates:
                self._late = catching_up or (more and self._late)
                return updates
            more = False
            if not catching_up and self._answered - asked < min(1.0, self._held_open / 2):
                await asyncio.sleep(self._pause)

    @property
    def away(self) -> bool:
        """Whether Telegram cannot be reached now."""
        return self._failures > 0

    def _refuse(self, why: Refusal, said: str) -> float:
        """Note a refusal; return after how many s it is worth asking again."""
        now = self._clock.monotonic()
        if not self._refusals:
            self._refused_since = now
            log.warning("%s (Telegram says: %s); asking again by itself", why.remedy, said)
        self._refusals += 1
        self._calm_since = None
        if now - self._refused_since < self._patience.confirmed_after:
            return min(self._patience.first * 2.0 ** min(self._refusals - 1, 10), self._patience.longest)
        if self.refused is not why:
            self.refused = why
            span = durations.span(now - self._refused_since)
            log.error("for %s now: %s; asking again by itself", span, why.remedy)
            self._changed()
        return self._patience.rare

    def _answer_to_refusals(self, now: float) -> None:
        """Note an answer: refusals are over when none came for a while."""
        if not self._refusals:
            return
        if self._calm_since is None:
            self._calm_since = now
        if now - self._calm_since >= self._patience.calm:
            log.info("Telegram gives us updates again, after %d refusals", self._refusals)
            self._refusals, self._calm_since = 0, None
            if self.refused is not None:
                self.refused = None
                self._changed()

    async def _ask(self, held_open: int) -> Sequence[Update]:
        try:
            return await self._bot.get_updates(
                offset=self._offset,
                timeout=held_open,
                allowed_updates=KINDS,
                request_timeout=held_open + ANSWER,
            )
        except ClientDecodeError as error:
            if isinstance(error.original, ValidationError) and isinstance(error.data, dict):
                return _readable(error.data)
            raise

    async def _handle_all(
        self, updates: Sequence[Update], group: asyncio.TaskGroup
    ) -> set[asyncio.Task[None]]:
        """Handle ``updates``; return what is not finished after SLOW s and goes on beside the next ones."""
        chats: dict[int, list[Update]] = defaultdict(list)
        for update in updates:
            chats[_chat_of(update)].append(update)
        tasks = [
            group.create_task(
                self._handle_chat(some, self._turns.setdefault(chat, asyncio.Lock()), self._late)
            )
            for chat, some in chats.items()
        ]
        _, unfinished = await asyncio.wait(tasks, timeout=SLOW)
        return unfinished

    async def _handle_chat(self, updates: Sequence[Update], turn: asyncio.Lock, late: bool) -> None:
        async with turn:  # behind what came before, if that takes long
            for update in updates:
                try:
                    await self._handle(update, late)
                except Exception:  # one update that meets a bug must not stop the bot
                    log.exception("an update was not handled")


def _readable(answer: dict[str, object]) -> list[Update]:
    """Those updates of an answer that aiogram understands; one that it does not must not block the rest."""
    updates = []
    found = answer.get("result")
    for raw in found if isinstance(found, list) else []:
        try:
            updates.append(Update.model_validate(raw))
        except ValidationError as error:
            number = raw.get("update_id") if isinstance(raw, dict) else None
            log.error("update %s is not understood and left out: %s", number, error.errors()[0]["msg"])
            if isinstance(number, int):
                updates.append(Update(update_id=number))
    return updates


def _chat_of(update: Update) -> int:
    press = update.callback_query
    message = (
        update.message or update.edited_message or update.channel_post or update.edited_channel_post
    ) or (press.message if press else None)
    return message.chat.id if message else 0
