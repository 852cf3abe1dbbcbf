"""The counters of links over restarts: a state for each device in ``bms.db``, written when it changed.

What changes with each frame is left out, so that a link that is held costs no writing.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from jk_bms.clock import Clock, Mark
from jk_bms.model.link import LinkStatus
from jk_bms.repair.machine import HOUR, LinkMachine
from jk_bms.repair.shared import SharedRepair
from jk_bms.sources.base import Source
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.states import read_states, write_states

log = logging.getLogger(__name__)

PREFIX = "link:"  # of the names in bms.db; an address follows
PERIOD = 60.0  # s between two looks whether something changed: so much is lost by a kill
COUNTED = ("refused", "discarded", "commands")  # in ``LinkStatus``

Write = Callable[[Callable[[BmsDb], object]], None]


class LinkCounters:
    """Keeps what the links of ``house`` count; ``open`` first. ``now`` is the clock of its machines."""

    def __init__(
        self,
        house: SharedRepair,
        clock: Clock,
        boot: str,
        write: Write,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._house = house
        self._clock = clock
        self._boot = boot
        self._write = write
        self._now = now
        self._links: dict[str, tuple[LinkMachine, LinkStatus]] = {}
        self._kept: dict[str, dict[str, Any]] = {}
        self._due = now() + PERIOD

    def open(self, own: BmsDb, sources: Sequence[Source]) -> None:
        """Count on from where the last run ended. Blocks."""
        states = read_states(own, PREFIX)
        for source in sources:
            address = source.device.address
            machine = self._house.machine(address)
            if machine is None:
                continue
            self._links[address] = (machine, source.status)
            if (state := states.get(PREFIX + address)) is not None:
                try:
                    self._recall(machine, source.status, state)
                except (KeyError, TypeError, ValueError) as error:
                    log.error("%s: what was counted of its link is of no use: %s", address, error)

    def keep(self, *, at_once: bool = False) -> None:
        """Write what changed, once in a while."""
        if self._now() < self._due and not at_once:
            return
        self._due = self._now() + PERIOD
        self._put(tuple(self._links))

    def give_back(self, address: str) -> None:
        """Write what a link that ends has counted, and forget it."""
        if address in self._links:
            self._put((address,))
            del self._links[address]

    def _put(self, addresses: Iterable[str]) -> None:
        changed = {}
        for address in addresses:
            state = self._state(*self._links[address])
            if state != self._kept.get(address):
                self._kept[address] = changed[PREFIX + address] = state
        if changed:
            self._write(lambda own: write_states(own, changed))

    def _state(self, machine: LinkMachine, status: LinkStatus) -> dict[str, Any]:
        clock, now = self._clock, self._now()
        since_boot = clock.monotonic()

        def stored(at: float) -> int:
            return round(since_boot - (now - at) * clock.speed)

        heard = machine.signals[-1] if machine.signals else None
        booted = (clock.now() - timedelta(seconds=since_boot)).replace(second=0, microsecond=0)
        return {
            "boot": self._boot,  # all times below are s since then
            "booted": booted.isoformat() if clock.trusted() else None,
            "connects": machine.connects,
            **{name: getattr(status, name) for name in COUNTED},
            "signal": heard and [stored(heard.at), heard.rssi],
            "commands_day": [[stored(at), count] for at, count in machine.commands.hours(now)],
        }

    def _recall(self, machine: LinkMachine, status: LinkStatus, state: Mapping[str, Any]) -> None:
        clock, now = self._clock, self._now()
        booted = state["booted"] and datetime.fromisoformat(state["booted"])

        def recalled(at: float) -> float | None:
            time = booted and booted + timedelta(seconds=at)
            here = Mark(state["boot"], at, time).here(clock, self._boot)
            return None if here is None else now - (clock.monotonic() - here) / clock.speed

        machine.connects += state["connects"]
        for name in COUNTED:
            setattr(status, name, getattr(status, name) + state[name])
        if state["signal"] and (at := recalled(state["signal"][0])) is not None:
            machine.seen(state["signal"][1], at)
        for then, count in state["commands_day"]:
            # By the beginning of its hour: the middle may still lie ahead, and what was to come is unknown.
            if (at := recalled(then - HOUR / 2 * clock.speed)) is not None:
                machine.commands.add(min(at + HOUR / 2, now), count)
        status.connects = machine.connects
        status.rssi = machine.signals[-1].rssi if machine.signals else None
        status.commands_day = machine.commands.last_day(now)
