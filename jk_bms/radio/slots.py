"""Connection slots: an adapter keeps only so many links open, and a house may have more batteries.

With ``count`` slots and more devices than that, ``count`` - 1 links are held and the last slot goes
round among the rest, one sample for each; with a single slot all go round. ``Slots`` decides and
knows no clock; ``Turns`` lets tasks wait for its decisions.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

SYSFS = Path("/sys/class/bluetooth")
ON_USB, ON_BOARD = 3, 1  # connections that work side by side, by how the radio is attached
KEEP = 30.0  # s for which a held link that was lost finds its slot free
MOST_FAILURES = 5  # that count against a device
REVISIT = 30.0  # s, at the longest, until a device that goes round wants its next turn


def usual_connections(adapter: str, sysfs: Path = SYSFS) -> int:
    """Return how many links the adapter of that name (hci0) keeps without trouble.

    A dongle keeps three. The radio of a Raspberry Pi hangs on a serial line and shares its antenna
    with Wi-Fi: one. Where the system does not tell, it is taken for a dongle.
    """
    place = str((sysfs / adapter / "device").resolve())
    if re.search(r"/usb\d", place):  # asked first: USB itself may be a part of the platform
        return ON_USB
    return ON_BOARD if re.search(r"uart|serial|tty|/platform/|mmc", place) else ON_USB


class Slots:
    """Who may be connected, and who must leave after a sample. Times are s of any clock that never steps.

    A device joins, asks, is granted a slot, and gives it back; the order among those who wait is by
    the age of what is known of them, and those that failed wait longer.
    """

    def __init__(self, count: int, *, keep: float = KEEP) -> None:
        if count < 1:
            raise ValueError(f"count is {count}; expected at least 1")
        self.count = count
        self._keep = keep
        self._served: dict[str, float] = {}  # device -> its last sample, or when it joined or failed
        self._failures: dict[str, int] = {}  # in a row
        self._heard: set[str] = set()  # gave a sample on the link that is open
        self._waiting: dict[str, float] = {}  # device -> since
        self._active: list[str] = []  # the longest first; the foremost hold their links
        self._kept: dict[str, float] = {}  # device whose held link was lost -> until when

    @property
    def active(self) -> tuple[str, ...]:
        """Devices that have a slot, the longest first."""
        return tuple(self._active)

    @property
    def crowded(self) -> bool:
        """More devices than slots."""
        return len(self._served) > self.count

    def join(self, device: str, now: float) -> None:
        """Reckon with a device from now on."""
        self._served.setdefault(device, now)
        self._failures.setdefault(device, 0)

    def part(self, device: str) -> None:
        """Reckon with it no longer: it is reached by another adapter now, or not read any more."""
        for known in (self._served, self._failures, self._waiting, self._kept):
            known.pop(device, None)
        self._heard.discard(device)
        if device in self._active:
            self._active.remove(device)

    def ask(self, device: str, now: float) -> None:
        """The device wants a slot."""
        self.join(device, now)
        self._waiting.setdefault(device, now)

    def withdraw(self, device: str) -> None:
        """It does not want one any more."""
        self._waiting.pop(device, None)

    def grants(self, now: float) -> list[str]:
        """Give slots to those whose turn it is; return them."""
        self._kept = {device: until for device, until in self._kept.items() if until > now}
        granted = []
        for device in sorted(self._waiting, key=lambda device: self._urgency(device, now), reverse=True):
            kept = sum(other != device for other in self._kept)
            if len(self._active) + kept < self.count:
                granted.append(device)
                del self._waiting[device]
                if self._kept.pop(device, None) is None:
                    self._active.append(device)
                else:  # it holds its link again
                    self._active.insert(0, device)
        return granted

    def must_leave(self, device: str) -> bool:
        """Whether the slot is to be given back after the next sample, because others wait for theirs."""
        if not self.crowded:
            return False
        return device not in self._active[: max(0, self.count - 1 - len(self._kept))]

    def sampled(self, device: str, now: float) -> None:
        """A sample came."""
        self._served[device] = now
        self._failures[device] = 0
        self._heard.add(device)

    def give_back(self, device: str, now: float, *, failed: bool) -> None:
        """The link is closed. ``failed``: it was lost, or never came about."""
        if device not in self._active:
            return
        held = self._failures[device] == 0 and not self.must_leave(device)
        self._active.remove(device)
        if failed:
            if held and self.crowded and device in self._heard:
                self._kept[device] = now + self._keep
            self._failures[device] += 1
            if self._failures[device] > 1:  # once may happen to everybody
                self._served[device] = now
        self._heard.discard(device)

    def next_due(self) -> float | None:
        """When ``grants`` may give more although nothing was given back; None: not before."""
        return min(self._kept.values(), default=None) if self._waiting else None

    def _urgency(self, device: str, now: float) -> float:
        """How long nothing is known of it; after failures the same wait counts for less.

        A battery that is switched off takes its slot for the whole patience of a search, so it gets
        a turn when no other battery waits, and every few minutes in any case.
        """
        failures = max(0, min(self._failures[device], MOST_FAILURES) - 1)
        return (now - self._served[device]) / (1 + failures)


class Turn:
    """A slot that a task has. ``visiting``: leave after the next sample."""

    def __init__(self, slots: Slots, device: str) -> None:
        self._slots = slots
        self._device = device

    @property
    def visiting(self) -> bool:
        """Others wait: take one sample and leave. May change while the link is open."""
        return self._slots.must_leave(self._device)

    def sampled(self) -> None:
        """A sample came."""
        self._slots.sampled(self._device, asyncio.get_running_loop().time())


class Turns:
    """``Slots`` for tasks of one event loop."""

    def __init__(self, count: int) -> None:
        self.slots = Slots(count)
        self._granted: dict[str, asyncio.Future[None]] = {}
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, device: str) -> AsyncIterator[Turn]:
        """Wait for a slot and have it while in here. An exception that passes through is a failure."""
        clock = asyncio.get_running_loop().time
        granted = self._granted[device] = asyncio.get_running_loop().create_future()
        self.slots.ask(device, clock())
        self._deal()
        failed = True
        try:
            await granted
            yield Turn(self.slots, device)
            failed = False
        except asyncio.CancelledError:
            failed = False  # ended on purpose, by a release or at the end of all
            raise
        finally:
            del self._granted[device]
            self.slots.withdraw(device)
            self.slots.give_back(device, clock(), failed=failed)
            self._deal()

    def part(self, device: str) -> None:
        """Reckon with a device no longer: its place is for the others."""
        self.slots.part(device)
        self._deal()

    def _deal(self) -> None:
        loop = asyncio.get_running_loop()
        for device in self.slots.grants(loop.time()):
            if not (granted := self._granted[device]).done():  # else it was cancelled just now
                granted.set_result(None)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if (due := self.slots.next_due()) is not None:
            self._alarm = loop.call_at(due, self._deal)
