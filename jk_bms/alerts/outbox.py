"""Events of alerts on their way to the disk, together with the state that says they were told.

Both are written in one transaction, so that a kill in between neither loses an alert nor tells it
twice, and again until that works.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any

from jk_bms.errors import StoreError
from jk_bms.model import Event
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.states import put_states

log = logging.getLogger(__name__)

IDLE = 3600.0  # s after which the state is written although nothing was told: peaks, counts
RETRY = 5.0  # s between two attempts while writing fails
HANGS = 5.0  # s: a disk that takes longer is told of like one that fails
MOST = 1000  # events that wait for the disk; older ones that are not to be told go first
FLUSH_PATIENCE = 0.5  # s that last words wait for history


class Outbox:
    """Writes events to the store given to ``open``; ``told`` gets each one when it is on the disk.

    ``unsaved`` gets those that could not be written, at once: people must hear of what the disk cannot keep.
    It is called after each attempt that failed, with what it does not know yet, perhaps nothing.
    ``flush`` writes all history that waits; ``state`` returns what is kept under ``name``.
    """

    def __init__(
        self,
        name: str,
        *,
        state: Callable[[], dict[str, Any]],
        writer: Executor,
        flush: Callable[[], Awaitable[object]],
        told: Callable[[Event], None],
        unsaved: Callable[[Sequence[Event]], None] = lambda _: None,
    ) -> None:
        self.failure = ""  # why nothing can be written at the moment; empty: it can
        self._name = name
        self._state = state
        self._writer = writer
        self._flush = flush
        self._told = told
        self._unsaved = unsaved
        self._announced = 0  # so many of those that wait were given to ``unsaved``
        self._own: BmsDb | None = None
        self._pending: list[Event] = []
        self._flush_first = False
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()

    def open(self, own: BmsDb) -> None:
        """Take the store to write to."""
        self._own = own

    @property
    def waiting(self) -> tuple[Event, ...]:
        """What is not on the disk yet, oldest first."""
        return tuple(self._pending)

    def add(self, events: Iterable[Event], *, flush_first: bool = False) -> None:
        """Write ``events`` and the state at once; ``flush_first``: history before them."""
        self._pending.extend(events)
        self._bound()
        self._flush_first |= flush_first
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            try:
                async with asyncio.timeout(IDLE):
                    await self._wake.wait()
            except TimeoutError:
                pass
            if not await self.write():
                await asyncio.sleep(RETRY)
                self._wake.set()

    async def write(self) -> bool:
        """Write what waits; return whether that worked. If not, it goes on waiting."""
        own = self._own
        if own is None:
            return False
        async with self._busy:
            if self._flush_first:
                await self._flushed()
            self._wake.clear()
            events, states = tuple(self._pending), self._states()
            writing = asyncio.get_running_loop().run_in_executor(
                self._writer, own.append_all, events, lambda db: put_states(db, states)
            )
            try:
                await asyncio.wait({writing}, timeout=HANGS)
                if not writing.done():
                    self._announce(f"no end of writing within {HANGS:g} s")
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await asyncio.wait([writing])  # it cannot be stopped: know how it ended
                self._ended(events, writing.exception())
                raise
            except Exception as error:
                return self._ended(events, error)
            return self._ended(events, None)

    def _states(self) -> dict[str, dict[str, Any]]:
        """The state as it is to be kept; a fault in it must not hold up the events."""
        try:
            state = self._state()
            json.dumps(state, allow_nan=False)
        except (TypeError, ValueError) as error:
            log.error("alerts: their state cannot be kept: %s", error)
            return {}
        return {self._name: state}

    async def _flushed(self) -> None:
        """Give history a moment to be written; a disk that hangs must not keep the last words."""
        self._flush_first = False
        try:
            async with asyncio.timeout(FLUSH_PATIENCE):
                await self._flush()
        except TimeoutError:
            log.warning("history could not be written within %g s before an alert", FLUSH_PATIENCE)
        except Exception as error:  # whatever it is, the last words matter more
            log.error("history could not be written before an alert: %s", error)

    def _announce(self, failure: str) -> None:
        """Have people told of what cannot be written."""
        self.failure = failure
        news, self._announced = self._pending[self._announced :], len(self._pending)
        self._unsaved(news)

    def _bound(self) -> None:
        """Forget the oldest of too many: first those that are not told."""
        if (over := len(self._pending) - MOST) <= 0 or self._busy.locked():
            return
        quiet = [i for i, event in enumerate(self._pending) if "quiet" in event.facts][:over]
        gone = set(quiet) | set(range(over - len(quiet)))
        self._announced -= sum(i < self._announced for i in gone)
        self._pending = [event for i, event in enumerate(self._pending) if i not in gone]

    def _ended(self, events: tuple[Event, ...], error: BaseException | None) -> bool:
        if error is not None:
            if not self.failure:
                bug = None if isinstance(error, StoreError) else error
                log.error("alerts: not written, will be tried again: %s", error, exc_info=bug)
            self._announce(str(error))
            return False
        if self.failure:
            log.info("alerts: written again")
            self.failure = ""
        del self._pending[: len(events)]
        self._announced = max(0, self._announced - len(events))
        for event in events:
            self._told(event)
        return True
