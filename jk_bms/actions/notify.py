"""Alerts to any of Apprise's services (``ALERT_URLS``), whether a bot runs or not.

Each address has its own place in the log of events, so that one that is down holds up no other:
at least once, in order, after an outage together. The place is noted before and after sending;
what a kill left in between is sent again and marked.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from jk_bms.actions.delivery import is_loud, to_be_told, together
from jk_bms.actions.follow import EventLog, Numbered, Wanted
from jk_bms.clock import Clock
from jk_bms.config.settings import TOP, Settings
from jk_bms.config.settings.proxies import environment
from jk_bms.errors import StoreError
from jk_bms.hub import InWriter, Item, Part, PartContext, Unsaved
from jk_bms.model import Event
from jk_bms.model.alert import alert_of
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.states import read_state, write_states
from jk_bms.texts import language
from jk_bms.texts.alerts import Message, alert_message, several_message

log = logging.getLogger(__name__)

STATE = "channel:notify"  # its name in bms.db
SENDER = "jk_bms.actions.apprise_send"
PATIENCE = 60.0  # s for one message; then its process is ended
FIRST_REST, LONGEST_REST = 1.0, 60.0  # s between two attempts: it doubles with each that fails
UNSAVED_PATIENCE = 4.0  # s that an alert waits for the disk before it is told from memory


class Outcome(NamedTuple):
    """How a message went. ``unknown``: it may have arrived."""

    ok: bool
    error: str = ""
    unknown: bool = False
    refused: bool = False  # the address is no good
    missing: bool = False  # Apprise is not installed


class Address:
    """One of ``ALERT_URLS``."""

    def __init__(self, number: int, url: str) -> None:
        self.number = number
        self.url = url
        self.key = hashlib.sha256(url.encode()).hexdigest()[:16]  # names it without telling it
        self.cursor = 0  # the last event that is done with
        self.sending: int | None = None  # the last event of a message whose fate is not known
        self.told_unsaved: set[tuple[str, float, str]] = set()  # sent before they were on the disk

    @property
    def label(self) -> str:
        """What may be said of it: position and scheme."""
        found = re.match(r"([a-z][a-z0-9+.-]{0,19})://", self.url, re.IGNORECASE)
        return f"ALERT_URLS: address {self.number} ({found[1].lower() if found else 'unreadable'})"


class Messenger(Part):
    """Tells the services. ``open`` before the first event of this run, then ``run``; ``wake`` when there is news.

    ``label`` names a battery; ``waiting`` returns the alerts that could not be written yet.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        in_writer: InWriter,
        label: Callable[[str | None], str | None],
        waiting: Callable[[], Sequence[Event]],
    ) -> None:
        self._environment = environment(settings, os.environ)
        self._addresses = [Address(number, url) for number, url in enumerate(settings.alert_urls, 1)]
        self._clock = clock
        self._in_writer = in_writer
        self._label = label
        self._waiting = waiting
        self._zone = settings.timezone
        self._texts = language(settings.bot_language or "en")
        self._log = EventLog(
            lambda after, limit: in_writer(partial(BmsDb.events_after, after=after, limit=limit)),
            lambda: in_writer(BmsDb.newest_event),
        )
        self._one = asyncio.Lock()  # one child at a time: they are large

    def configured(self, settings: Settings) -> None:
        """Write in this language from now on."""
        self._texts = language(settings.bot_language or "en")

    def open(self, own: BmsDb) -> None:
        """Take up the places of the last run; a new address begins with what happens from now on. Blocks."""
        kept = read_state(own, STATE) or {}
        newest = own.newest_event()
        for address in self._addresses:
            place = kept.get(address.key) or {}
            cursor = place.get("cursor", newest)
            address.cursor = min(cursor, newest)  # a database that was begun anew counts from 1
            address.sending = place.get("sending")
        write_states(own, {STATE: self._places()})  # now: a kill before the first message must not lose it

    def accept(self, item: Item) -> None:
        """Look into the log of events soon after something happened."""
        if isinstance(item, Event | Unsaved):
            self.wake()

    def wake(self) -> None:
        """Look into the log of events now."""
        self._log.wake()

    async def run(self) -> None:
        """Tell every address until cancelled."""
        async with asyncio.TaskGroup() as group:
            for address in self._addresses:
                group.create_task(self._serve(address), name=address.label)

    async def _serve(self, address: Address) -> None:
        looked_at = await self._send(address, None)
        if looked_at.missing:
            log.error("%s: %s; pip install -r requirements-bot.txt brings it", address.label, looked_at.error)
            return
        if looked_at.refused:
            log.error("%s: refused by Apprise: %s", address.label, looked_at.error)
            return
        failures, wanted = 0, self._wanted(address)
        while True:
            news = self._log.news
            known = await self._log.newest(address.cursor)
            events = await self._pending(address, wanted)
            if not events:
                await self._log.wait(news)
                continue
            taken = events[: together([event for _, event in events], self._clock.now())]
            last = max(number for number, _ in taken)
            again = address.sending is not None and taken[0][0] <= address.sending
            await self._note(address, sending=last)
            outcome = await self._send(address, self._message([event for _, event in taken], again=again))
            if outcome.ok:
                if failures:
                    log.info("%s: works again", address.label)
                failures = 0
                if last:
                    await self._note(address, cursor=last)
                else:
                    address.told_unsaved.update(map(_key, (event for _, event in taken)))
                continue
            if not outcome.unknown and not again:
                address.sending = None  # it did not arrive: the next attempt is no repeat
            failures += 1
            if failures == 1:
                log.warning("%s: not sent, will be tried again: %s", address.label, outcome.error)
            await self._log.rest(rest(failures), known, wanted)

    async def _pending(self, address: Address, wanted: Wanted) -> list[Numbered]:
        """What ``address`` has to be told, oldest first, with the ids of events; 0: not on the disk yet."""
        # The place is kept with the next message: until then it costs a look.
        found, address.cursor = await self._log.next(address.cursor, wanted)
        if found:
            return found
        now = self._clock.monotonic()
        return [
            (0, event)
            for event in self._waiting()
            if now - event.monotonic > UNSAVED_PATIENCE and wanted(event)
        ]

    @staticmethod
    def _wanted(address: Address) -> Wanted:
        return lambda event: to_be_told(event) and is_loud(event) and _key(event) not in address.told_unsaved

    def _message(self, events: Sequence[Event], *, again: bool) -> tuple[Message, str]:
        now, newest = self._clock.now(), events[-1]
        told = alert_of(newest.facts)
        kind = "over" if told.what == "cleared" else told.severity
        if len(events) == 1:
            label = self._label(newest.device)
            message = alert_message(
                told,
                label,
                self._texts,
                self._zone,
                now,
                at=newest.taken_at,
                perhaps_again=again,
            )
            return message, kind
        steps = [(alert_of(event.facts), self._label(event.device), event.taken_at) for event in events]
        return several_message(steps, self._texts, self._zone, now), kind

    async def _note(self, address: Address, *, cursor: int | None = None, sending: int | None = None) -> None:
        address.cursor = address.cursor if cursor is None else cursor
        address.sending = sending or None
        places = self._places()
        with contextlib.suppress(StoreError):  # said aloud elsewhere; a kill now costs at most a repeat
            await self._in_writer(lambda own: write_states(own, {STATE: places}))

    def _places(self) -> dict[str, dict[str, int | None]]:
        return {one.key: {"cursor": one.cursor, "sending": one.sending} for one in self._addresses}

    async def _send(self, address: Address, message: tuple[Message, str] | None) -> Outcome:
        """Have a child send ``message``; None: only have the address looked at."""
        asked: dict[str, Any] = {"url": address.url}
        if message is not None:
            (title, body), kind = message
            asked |= {"title": title, "body": body, "kind": kind}
        async with self._one:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                SENDER,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=TOP,
                env=self._environment,
            )
            try:
                async with asyncio.timeout(PATIENCE):
                    said, _ = await child.communicate(json.dumps(asked).encode())
            except TimeoutError:
                return Outcome(ok=False, error=f"no end within {PATIENCE:g} s", unknown=True)
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.wait()
        return _outcome(said)


def rest(failures: int) -> float:
    """Return for how long, in s, an address is left alone after so many failures in a row."""
    return min(FIRST_REST * 2.0 ** min(failures - 1, 20), LONGEST_REST)


def _outcome(said: bytes) -> Outcome:
    try:
        answer: Mapping[str, Any] = json.loads(said)
    except ValueError:
        return Outcome(ok=False, error="its process ended without an answer", unknown=True)
    return Outcome(
        ok=bool(answer.get("ok")),
        error=str(answer.get("error")),
        refused=bool(answer.get("refused")),
        missing=bool(answer.get("missing")),
    )


def _key(event: Event) -> tuple[str, float, str]:
    return event.kind, event.monotonic, event.text


def messenger(context: PartContext) -> Messenger:
    """Return the messenger of ``ALERT_URLS``."""
    return Messenger(
        context.settings,
        context.clock,
        in_writer=context.in_writer,
        label=context.label,
        waiting=context.waiting,
    )
