"""What is remembered of links over restarts: their outages, and what the repairs of a house have done."""

from collections.abc import Callable, Sequence
from typing import Any

from jk_bms.clock import Clock
from jk_bms.model import Device
from jk_bms.model.outage import OutageRecord
from jk_bms.repair.house import House
from jk_bms.repair.ladder import Rung
from jk_bms.repair.machine import STILL_ITS_DOING
from jk_bms.sources.base import Source
from jk_bms.store.outages import correct_outage_times, finish_left_open, newest_outages, put_outage
from jk_bms.store.own import OwnStore
from jk_bms.store.states import read_state, write_states

STATE = "repair"  # its name in bms.db
LATEST = 50  # outages of a device among which one that was left open is looked for

Write = Callable[[Callable[[OwnStore], object]], None]


class LinkLog:
    """Writes outages and the house's state through ``write``; ``open`` first.

    ``ended_by``: how the last run ended, to be noted with the next ``keep`` for the run after this.
    """

    def __init__(self, house: House, clock: Clock, boot: str, write: Write) -> None:
        self.ended_by = Rung.NONE
        self._house = house
        self._clock = clock
        self._boot = boot
        self._write = write
        self._kept: dict[str, Any] | None = None
        self._left_open: dict[str, Rung] = {}  # device -> how the run ended that left it so

    def open(self, own: OwnStore, sources: Sequence[Source]) -> None:
        """Go on where the last run ended. Blocks."""
        state = read_state(own, STATE) or {}
        self._house.recall(state, self._boot)
        ended = Rung(state.get("ended_by", 0))
        known = {stored.device.address for stored in own.devices() if stored.last_seen is not None}
        for source in sources:
            address = source.device.address
            if address in known:
                self._house.knows(address)
            outages = newest_outages(own, address, LATEST)
            source.status.last_outage = next((one.facts() for one in outages if one.over), None)
            if any(not one.over for one in outages):
                self._left_open[address] = ended

    def outage(self, record: OutageRecord) -> None:
        """Take the newest state of an outage."""
        self._write(lambda own: put_outage(own, record, self._boot))

    def back(self, device: Device, failures: int) -> None:
        """A device gives data, after so many failed attempts in this run."""
        ended = self._left_open.pop(device.address, None)
        if ended is None:
            return
        helped = ended is not Rung.NONE and failures <= STILL_ITS_DOING
        cure = ended if helped else Rung.RECONNECT
        self._write(lambda own: finish_left_open(own, device.address, cure.code, self._clock, self._boot))

    def keep(self) -> None:
        """Write what the house must know after a restart, if it changed."""
        state = self._house.remembered(self._boot) | {"ended_by": int(self.ended_by)}
        if state != self._kept:
            self._kept = state
            self._write(lambda own: write_states(own, {STATE: state}))

    def clock_set(self) -> None:
        """The clock is right now: correct the times that were noted before."""
        self._write(lambda own: correct_outage_times(own, self._clock, self._boot))
