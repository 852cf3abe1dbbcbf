"""Alerts to browsers that are closed: each subscription follows the log of events by itself, from its own place in it.

Best effort: what became of a push is known to this channel alone, and no rule, repeat or other channel looks at it.
What is told, together, at night and muted is as on every channel; what is older than its life is not told any more.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jk_bms import __version__
from jk_bms.actions.delivery import is_loud, to_be_told, together
from jk_bms.actions.follow import EventLog, Numbered
from jk_bms.clock import Clock
from jk_bms.config.settings import Settings
from jk_bms.errors import StoreError
from jk_bms.model import Event
from jk_bms.model.snapshot import Snapshot
from jk_bms.store.bms_db import BmsDbReader
from jk_bms.texts import language
from jk_bms.texts.alerts import severity_of
from jk_bms.web.access import Access, Who
from jk_bms.web.archive import Archive
from jk_bms.web.push.keyfile import KeyFile, installed
from jk_bms.web.push.message import ERROR, STEPS, Notice, encoded, life_of, notice_of, size_for
from jk_bms.web.push.services import Fate, Outcome, PushServices
from jk_bms.web.web_db import Subscription, WebStore

if TYPE_CHECKING:
    from jk_bms.web.push.crypto import PrivateKey

log = logging.getLogger(__name__)

WAITS = (60.0, 300.0, 1800.0)  # s between two attempts while a service does not do what it is there for
REFUSED_FOR = 86400.0  # s that a service which refused us is left alone, unless something of ours changed
DEAD = 14 * 86400.0  # s after which a service that never answers, while others do, is given up
TOLD_FOR = 14 * 86400.0  # s that the owner is told that a browser of his gets nothing any more
TOKEN_LIFE, TOKEN_KEPT = 12 * 3600, 6 * 3600.0  # s that a signature is good, and is used again
LOOK_PERIOD = 60.0  # s between two looks who is to be told, without being woken
CONTACT = "push_contact"  # in web.db: the one that was given on the page


class Push:
    """The channel. ``snapshot`` returns the house as it is known now."""

    def __init__(
        self,
        settings: Settings,
        store: WebStore,
        archive: Archive,
        access: Access,
        snapshot: Callable[[], Snapshot],
        *,
        clock: Clock | None = None,
        services: PushServices | None = None,
    ) -> None:
        self.key = KeyFile(settings.web_db_path)
        self._settings = settings
        self._store = store
        self._access = access
        self._snapshot = snapshot
        self._clock = clock or Clock()
        self._services = services or PushServices(settings.push_hosts, now=self._clock.now)
        self._log = EventLog(
            lambda after, limit: archive.ask(lambda reader: reader.events_after(after, limit)),
            lambda: archive.ask(BmsDbReader.newest_event),
        )
        self._changed = asyncio.Event()
        self._tasks: dict[bytes, asyncio.Task[None]] = {}
        self._signed: dict[tuple[str, str, bytes], tuple[float, str]] = {}  # by service, contact and key
        self._signing = asyncio.Lock()
        self._said: set[str] = set()  # refusals that the log has

    # What the page and the battery service are told

    @property
    def contact(self) -> str | None:
        """How push services reach who sends; None: the owner was not asked yet."""
        return self._settings.push_contact or self._store.notes.get(CONTACT)

    @property
    def only(self) -> bool:
        """Whether no other channel is configured."""
        return not (self._settings.bot_token or self._settings.alert_urls)

    @property
    def trouble(self) -> str:
        """Why browsers are not pushed to, as their services said; "": nothing is known to be wrong."""
        return next((one.refusal for one in self._store.subscriptions.values() if self._is_refused(one)), "")

    def told(self) -> dict[str, Any]:
        """Return what the battery service is told of this channel."""
        ended = ""
        for one in self._store.ended.values():
            if one.ended is not None and self.now() - one.ended < TOLD_FOR:
                session = self._store.sessions.get(one.session)  # None: it is being ended
                browser = (session and session.browser) or "a browser"
                at = datetime.fromtimestamp(one.ended, self._settings.timezone)
                ended = f"{browser}: ended {at:%Y-%m-%d %H:%M} ({one.refusal}); turn it on again there"
        return {"browsers": len(self._store.subscriptions), "trouble": self.trouble, "ended": ended}

    def now(self) -> float:
        """The present time, in s since 1970."""
        return self._clock.now().timestamp()

    async def newest(self) -> int:
        """Return the place of one who begins now."""
        return await self._log.newest(0)

    # Work

    def wake(self) -> None:
        """Look into the log of events now."""
        self._log.wake()

    def change(self) -> None:
        """Look who is to be told now."""
        self._changed.set()

    async def run(self) -> None:
        """Tell every browser until cancelled."""
        self._access.on_end(self.change)
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                await self._end_others()
                there = self._store.subscriptions
                for session in [one for one in self._tasks if one not in there or self._tasks[one].done()]:
                    self._tasks.pop(session).cancel()
                for session in there:
                    if session not in self._tasks:
                        self._tasks[session] = group.create_task(self._guarded(session), name="push")
                try:
                    async with asyncio.timeout(LOOK_PERIOD):
                        await self._changed.wait()
                except TimeoutError:
                    pass

    async def _end_others(self) -> None:
        """End what was made for another key of ours: no push service takes it."""
        try:
            if self._store.subscriptions:
                key = await self._store.aside(self.key.public)
                others = {one.session for one in self._store.subscriptions.values() if one.key != key}
                if others:
                    log.warning(
                        "push: our key is a new one; %d browsers subscribe anew when opened", len(others)
                    )
                    await self._end(others, "the key of this house is a new one")
        except StoreError as error:
            self._say(str(error))

    async def _guarded(self, session: bytes) -> None:
        """Tell one browser; a fault in that must not end the page, and is tried again later."""
        while True:
            try:
                return await self._serve(session)
            except StoreError as error:
                self._say(str(error))
            except Exception:
                log.exception("push: unexpected error")
            await asyncio.sleep(WAITS[-1])

    async def _serve(self, session: bytes) -> None:
        """Tell one browser what happens, until its subscription ends."""
        failures, place = 0, self._store.subscriptions[session].place
        while (told := self._store.subscriptions.get(session)) is not None:
            news = self._log.news
            known = await self._log.newest(place)
            place = min(place, known)  # a database that was begun anew counts from 1
            if not (self._clock.trusted() and installed() and self.contact):
                await self._log.wait(news)  # a signature of a wrong time is worth nothing
                continue
            if not self._access.still(Who(session=self._store.sessions[session])):
                await self._farewell(told)
                continue
            events, place = await self._log.next(place, self._wanted)
            if not events or self._is_refused(told):
                place = events[-1][0] if events else place
                await self._log.wait(news)
                continue
            taken = events[: together([event for _, event in events], self._clock.now())]
            outcome = await self._tell(told, self._notice(told, taken))
            if self._store.subscriptions.get(session, told).endpoint != told.endpoint:
                continue  # it subscribed anew meanwhile
            if outcome.fate in (Fate.TROUBLE, Fate.WAIT):
                failures += 1
                await self._note_trouble(told, outcome, failures)
                if outcome.fate is Fate.WAIT:
                    await asyncio.sleep(outcome.after)
                else:
                    await self._log.rest(WAITS[min(failures, len(WAITS)) - 1], known, self._wanted)
                continue
            failures, place = 0, taken[-1][0]
            await self._note_answer(told, outcome, place)

    def _wanted(self, event: Event) -> bool:
        if event.kind not in STEPS or not to_be_told(event) or not is_loud(event):
            return False
        severity = str(event.facts.get("severity"))
        if event.kind != "alert.test" and severity_of(severity) < severity_of(self._settings.push_min_level):
            return False
        return 0.0 <= self._age(event) < life_of(severity)

    def _age(self, event: Event) -> float:
        """How long ago ``event`` was, in s; negative: that is not known, or in another boot."""
        if event.clock_trusted:
            return max(0.0, (self._clock.now() - event.taken_at).total_seconds())
        return self._clock.monotonic() - event.monotonic

    def _notice(self, told: Subscription, events: list[Numbered]) -> Notice:
        names: Mapping[str, str] = self._snapshot().names
        zone, now = self._settings.timezone, self._clock.now()
        return notice_of(events, names, language(told.language), zone, now)

    async def _farewell(self, told: Subscription) -> None:
        """Say that nothing comes any more: this browser was not used for so long that it is signed out."""
        texts = language(told.language)
        notice = Notice(texts("api.push_over"), texts("api.push_over_body"), tag="over", severity=ERROR)
        await self._tell(told, notice)
        await self._store.aside(self._store.unsubscribe, {told.session})  # last: it ends this task

    async def _tell(self, told: Subscription, notice: Notice) -> Outcome:
        """Hand over ``notice``; where it is too large, its title alone."""
        outcome = await self._hand_over(told, notice)
        if outcome.fate is Fate.TOO_LARGE:
            log.warning("push: %s; sent again without its body", outcome.why)
            code = {"code": notice.facts.get("code")}
            outcome = await self._hand_over(told, notice._replace(body="", facts=code))
        return outcome

    async def _hand_over(self, told: Subscription, notice: Notice) -> Outcome:
        from jk_bms.web.push.crypto import encrypted

        text = encoded(notice, told.origin, told.language, self._badge())
        body = encrypted(text, told.p256dh, told.auth, size_for(text))
        host = urlsplit(told.endpoint).hostname or ""
        headers = {"Authorization": await self._signature(host, told.key), **notice.headers}
        return await self._services.post(told.endpoint, headers, body)

    def _badge(self) -> int | None:
        alerts = self._snapshot().alerts
        return None if alerts is None else len(alerts)

    async def _signature(self, host: str, key: bytes) -> str:
        """Return what says that a push is ours; the same one for hours. Raises StoreError."""
        from jk_bms.web.push.crypto import signed

        signer = f"https://{host}", self.contact or "", key
        async with self._signing:  # many browsers are told at the same time
            made, value = self._signed.get(signer, (0.0, ""))
            if not 0.0 <= (now := self.now()) - made < TOKEN_KEPT:
                private = await self._store.aside(self._loaded, key)
                value = signed(private, *signer[:2], int(now) + TOKEN_LIFE)
                self._signed[signer] = now, value
        return value

    def _loaded(self, key: bytes) -> "PrivateKey":
        """Return the private half of ``key``. Raises StoreError."""
        from jk_bms.web.push.crypto import loaded, point_of

        try:
            private = loaded(self.key.read())
        except ValueError as error:
            raise StoreError(f"{self.key.path}: holds no key that can be used: {error}; remove it") from error
        if point_of(private) != key:
            raise StoreError(f"{self.key.path}: was exchanged; the browsers subscribe anew")
        return private

    # What came of it

    async def _note_answer(self, told: Subscription, outcome: Outcome, place: int) -> None:
        now = self.now()
        if outcome.fate is Fate.GONE:
            log.info("push: a browser is gone: %s", outcome.why)
            await self._end({told.session}, outcome.why)
            return
        fields: dict[str, Any] = {
            "place": place,
            "answered": now,
            "failing": None,
            "refused": None,
            "refusal": "",
        }
        if outcome.fate is Fate.REFUSED:
            self._say(f"refused, and not tried again before tomorrow: {outcome.why}")
            fields |= {"refused": now, "refusal": outcome.why, "refused_as": self._ours}
        await self._note(told, **fields)

    async def _note(self, told: Subscription, **fields: Any) -> None:
        try:
            await self._store.aside(self._store.note_push, told.session, **fields)
        except StoreError as error:  # nothing is told twice for that, as long as this process lives
            self._say(str(error))

    async def _note_trouble(self, told: Subscription, outcome: Outcome, failures: int) -> None:
        now = self.now()
        (log.warning if failures == 1 else log.debug)("push: will be tried again: %s", outcome.why)
        if told.failing is None:
            await self._note(told, failing=now)
            return
        host = urlsplit(told.endpoint).hostname
        others = any(
            one.answered > told.failing and urlsplit(one.endpoint).hostname != host
            for one in self._store.subscriptions.values()
        )
        if now - told.failing > DEAD and others:
            log.warning("push: a browser is given up, its service fails for two weeks: %s", outcome.why)
            await self._end({told.session}, outcome.why)

    async def _end(self, sessions: set[bytes], why: str) -> None:
        """Push to these no more, and keep that for their owner."""
        for session in sessions:
            await self._store.aside(self._store.note_push, session, ended=self.now(), refusal=why)

    @property
    def _ours(self) -> str:
        """What a refusal is about; another key ends the subscription anyway."""
        return f"{__version__} {self.contact}"

    def _is_refused(self, told: Subscription) -> bool:
        if told.refused is None or told.refused_as != self._ours:
            return False
        return 0.0 <= self.now() - told.refused < REFUSED_FOR

    def _say(self, what: str) -> None:
        """Say once in the log what does not change by itself."""
        if what not in self._said:
            self._said.add(what)
            log.error("push: %s", what)
