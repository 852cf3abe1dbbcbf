"""An event loop whose time runs fast, for patience of minutes on real sockets.

Everything that waits by the loop's clock (timeouts, pauses, silence) waits ``speed`` times shorter;
sockets and other processes are as they are, and so is the work of this one. ``run`` is ``asyncio.run`` with such a loop.
"""

import asyncio
import selectors
import time
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.BaseSelector):
    """The usual selector, told to wait less; ``saved``: s that its waits were shorter than what they stood for.

    Only a wait counts ``speed`` times, and at most as long as it was asked for: what a busy machine takes from
    this process, in its work or after a timer has run out, is no time of the loop.
    """

    def __init__(self, speed: float) -> None:
        self._selector = selectors.DefaultSelector()
        self._speed = speed
        self.saved = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        began = time.monotonic()
        wait = timeout if timeout is None else timeout / self._speed
        ready = self._selector.select(wait)
        waited = time.monotonic() - began
        self.saved += max(0.0, waited if wait is None else min(waited, wait)) * (self._speed - 1.0)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._selector.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._selector.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._selector.modify(fileobj, events, data)

    def close(self) -> None:
        self._selector.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._selector.get_map()


class FastLoop(asyncio.SelectorEventLoop):
    """``time()`` runs ``speed`` times as fast as it does outside, while it waits."""

    def __init__(self, speed: float) -> None:
        self._fast = _Selector(speed)
        super().__init__(self._fast)

    def time(self) -> float:
        return time.monotonic() + self._fast.saved


class _NoWait(_Selector):
    """Never waits: moves the clock of its loop instead."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.ahead = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._selector.select(0)
        if not ready and timeout is not None:
            self.ahead += max(timeout, 0.0)
        elif not ready:
            return self._selector.select(None)  # only the outside can wake it
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Nothing is waited for: time is what the next timer says. For what has no sockets."""

    def __init__(self) -> None:
        self._time = _NoWait()
        super().__init__(self._time)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return 1000.0 + self._time.ahead


def run(work: Coroutine[Any, Any, T], speed: float) -> T:
    """Run ``work`` to its end; its time is ``speed`` times as fast."""
    with asyncio.Runner(loop_factory=lambda: FastLoop(speed)) as runner:
        return runner.run(work)


def simulate(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end, without waiting for anything."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(work)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
