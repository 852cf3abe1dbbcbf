"""Waiting for work that may never end, or never let itself be ended.

Calls over D-Bus have no time limit of their own, and the clean-up after a cancelled one is
such a call again. ``asyncio.timeout`` alone would wait for that clean-up for ever.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

CLEAN_UP = 4.0  # s that cancelled work gets to tidy up; BlueZ takes 2 s to disconnect
LAST_WORD = 1.0  # s more, once its tidying was cancelled too

T = TypeVar("T")
_abandoned: set[asyncio.Task[Any]] = set()  # so that they are not collected while pending


async def within(limit: float, work: Coroutine[Any, Any, T], what: str) -> T:
    """Return what ``work`` returns; raise TimeoutError after ``limit`` seconds.

    Comes back a few seconds after the limit, or after its own cancellation, whatever
    ``work`` does then: its tidying is awaited, but not for ever.
    """
    task = asyncio.create_task(work, name=what)
    try:
        done, _ = await asyncio.wait({task}, timeout=limit)
    except asyncio.CancelledError:
        await _end(task)
        raise
    if not done:
        await _end(task)
        raise TimeoutError(f"{what} took longer than {limit:g} s")
    return task.result()


async def finish(limit: float, work: Coroutine[Any, Any, Any], what: str) -> bool:
    """Run a closing step to its end, even when cancelled meanwhile; say if it succeeded.

    The cancellation is raised afterwards. A step that fails or exceeds ``limit`` seconds
    is logged, not raised: there is nothing left to do for it.
    """
    task = asyncio.create_task(work, name=what)
    try:
        await _settle(task, limit)
    finally:
        if not task.done():
            await _end(task)
        failure: object = None
        if not task.done() or task.cancelled():
            failure = f"not done within {limit:g} s"
        elif error := task.exception():
            failure = error
        if failure:
            log.debug("%s: %s", what, failure)
    return not failure


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel; if its tidying hangs, cancel that; if nothing helps, leave it behind."""
    put_off: asyncio.CancelledError | None = None
    for limit in (CLEAN_UP, LAST_WORD):
        task.cancel()
        try:
            await _settle(task, limit)
        except asyncio.CancelledError as cancelled:
            put_off = cancelled
        if task.done():
            break
    if not task.done():
        log.warning("%s cannot be cancelled; left behind", task.get_name())
        _abandoned.add(task)
        task.add_done_callback(_forget)
    elif not task.cancelled():
        task.exception()  # looked at, so that asyncio does not complain
    if put_off is not None:
        raise put_off


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()


async def _settle(task: asyncio.Task[Any], limit: float) -> None:
    """Wait until ``task`` is done, at most ``limit`` seconds; put our own cancellation off."""
    clock = asyncio.get_running_loop().time
    until = clock() + limit
    put_off: asyncio.CancelledError | None = None
    while not task.done() and (left := until - clock()) > 0:
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError as cancelled:
            put_off = cancelled
    if put_off is not None:
        raise put_off
