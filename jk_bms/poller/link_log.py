"""What is remembered of links over restarts: outages, counters, and what the repairs of a house have done.

An outage that a run ends in, by our own last rung, by a crash or by a power cut, is the same one in
the next run: it keeps its row, and goes on counting from the last good frame.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from jk_bms.clock import Clock, Mark
from jk_bms.errors import Verdict
from jk_bms.model import Device
from jk_bms.model.outage import OutageRecord
from jk_bms.poller.link_counters import LinkCounters, Write
from jk_bms.repair.causes import telling
from jk_bms.repair.ladder import Rung
from jk_bms.repair.machine import MOST_STEPS, STILL_ITS_DOING
from jk_bms.repair.shared import SharedRepair
from jk_bms.sources.base import Source
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.outages import correct_outage_times, newest_outages, open_outages, put_outage
from jk_bms.store.states import read_state, write_states

STATE = "repair"  # its name in bms.db
LATEST = 50  # outages of a device among which the last that is over is looked for
RESTART = 120.0  # s that one may take; who was away for longer was switched off, which is no outage


class _Earlier(NamedTuple):
    """The outage in which the last run ended; without a verdict it noticed none yet."""

    record: OutageRecord
    boot: str
    ended: Rung  # how that run did

    @property
    def began(self) -> Mark:
        record = self.record
        return Mark(self.boot, record.monotonic, record.began if record.clock_trusted else None)


class LinkLog:
    """Writes outages, counters and the house's state through ``write``; ``open`` first, ``close`` at the end.

    ``ended_by``: how this run ends, to be noted with the next ``keep`` for the run after it.
    ``now`` is the clock of the machines.
    """

    def __init__(
        self,
        house: SharedRepair,
        clock: Clock,
        boot: str,
        write: Write,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ended_by = Rung.NONE
        self._counters = LinkCounters(house, clock, boot, write, now)
        self._house = house
        self._clock = clock
        self._boot = boot
        self._write = write
        self._kept: dict[str, Any] | None = None
        self._opened = 0.0
        self._sources: dict[str, Source] = {}
        self._ended = Rung.NONE  # how the last run did
        self._heard: dict[str, Mark] = {}  # by then
        self._silent: dict[str, Mark] = {}  # since then
        self._earlier: dict[str, _Earlier] = {}

    def open(
        self, own: BmsDb, sources: Sequence[Source], heard: Callable[[str], Mark | None] = lambda _: None
    ) -> None:
        """Go on where the last run ended; ``heard``: when it had the last good frame of a device. Blocks."""
        self._opened = self._clock.monotonic()
        state = read_state(own, STATE) or {}
        self._house.recall(state, self._boot)
        self._ended = Rung(state.get("ended_by", 0))
        for source in sources:
            self._recall(own, source, heard(source.device.address))

    def take_up(self, own: BmsDb, source: Source, heard: Mark | None) -> None:
        """Go on with a battery that comes while others are read; ``heard``: when it had its last good frame. Blocks."""
        self._opened, self._ended = self._clock.monotonic(), Rung.NONE
        self._recall(own, source, heard)

    def give_back(self, address: str, *, for_good: bool) -> None:
        """Forget a battery that is not read any more. ``for_good``: nothing is expected of it, so its outage is over."""
        self._counters.give_back(address)
        for known in (self._sources, self._earlier, self._heard, self._silent):
            known.pop(address, None)
        if for_good:
            self._write(lambda own: _close_all(own, address))

    def heard(self, address: str) -> float | None:
        """Return when a device last gave data to an earlier run, in s since boot, negative before it.

        None: it never did, as far as known.
        """
        mark = self._heard.get(address)
        return None if mark is None else mark.here(self._clock, self._boot)

    def silent_since(self, address: str) -> float | None:
        """Return the same; of a device that never gave data, since when earlier runs looked for it."""
        mark = self._silent.get(address)
        return None if mark is None else mark.here(self._clock, self._boot)

    def outage(self, record: OutageRecord) -> None:
        """Take the newest state of an outage of this run."""
        boot, earlier = self._boot, self._earlier.get(record.device)
        if earlier is not None:
            boot, record = earlier.boot, self._continued(earlier, record)
            if record.over:
                self._close(record)
        self._write(lambda own: put_outage(own, record, boot))

    def happened(self, kind: str, device: Device, facts: Mapping[str, Any]) -> None:
        """Take an event of a link: an earlier outage may be over without a failed attempt of this run."""
        earlier = self._earlier.get(device.address)
        if earlier is None or facts.get("failures") or kind not in ("link.up", "link.released"):
            return
        helped = earlier.ended if earlier.ended is not Rung.NONE else Rung.RECONNECT
        record = msgspec.structs.replace(
            earlier.record,
            over=True,
            lasted=self._before(earlier, self._clock.monotonic()),
            cure=helped.code if kind == "link.up" else None,
        )
        self._close(record)
        if record.verdict:
            self._write(lambda own: put_outage(own, record, earlier.boot))

    def keep(self) -> None:
        """Write what must be known after a restart, if it changed."""
        self._counters.keep()
        state = self._house.remembered(self._boot) | {"ended_by": int(self.ended_by)}
        if state != self._kept:
            self._kept = state
            self._write(lambda own: write_states(own, {STATE: state}))

    def close(self) -> None:
        """Write what is not yet written, for the last time."""
        self.keep()
        self._counters.keep(at_once=True)

    def clock_set(self) -> None:
        """The clock is right now: correct the times that were noted before."""
        for address, earlier in tuple(self._earlier.items()):
            self._sources[address].status.outage_before = self._before(earlier, self._opened)
        self._write(lambda own: correct_outage_times(own, self._clock, self._boot))

    # Inside

    def _recall(self, own: BmsDb, source: Source, heard: Mark | None) -> None:
        """Take up what earlier runs knew of a battery."""
        address = source.device.address
        self._sources[address] = source
        self._counters.open(own, [source])
        if any(one.device.address == address and one.last_seen is not None for one in own.devices()):
            self._house.knows(address)
        self._find_earlier(own, address, heard)
        outages = newest_outages(own, address, LATEST)
        source.status.last_outage = next((one.past() for one in outages if one.over), None)

    def _find_earlier(self, own: BmsDb, address: str, heard: Mark | None) -> None:
        """Find the outage that goes on, and close what turns out to be over."""
        now = self._opened
        for boot, left in open_outages(own, address):
            if address in self._earlier or left.cure is not None or _spoke_since(heard, boot, left):
                cure = left.cure or Rung.RECONNECT.code
                put_outage(own, msgspec.structs.replace(left, over=True, cure=cure), boot)
                continue
            if self._ended is not Rung.NONE:
                steps = (*left.rungs, (self._ended.code, left.lasted, True))[:MOST_STEPS]
                left = msgspec.structs.replace(left, rungs=steps)
            self._earlier[address] = _Earlier(left, boot, self._ended)
        if (earlier := self._earlier.get(address)) is None and heard is not None:
            since = heard.here(self._clock, self._boot)
            if since is not None and now - since <= RESTART:
                earlier = self._earlier[address] = _Earlier(
                    self._blank(address, heard, since), heard.boot, self._ended
                )
        if earlier is not None:
            self._sources[address].status.outage_before = self._before(earlier, now)
            self._silent[address] = earlier.began
        if heard is not None:
            self._heard[address] = self._silent[address] = heard

    def _blank(self, address: str, heard: Mark, since: float) -> OutageRecord:
        clock = self._clock
        return OutageRecord(
            device=address,
            began=heard.time or clock.now() - timedelta(seconds=clock.monotonic() - since),
            monotonic=heard.monotonic,
            clock_trusted=heard.time is not None or clock.trusted(),
            lasted=0.0,
            over=False,
            verdict="",
            message="",
            causes=(),
            rungs=(),
            cure=None,
            attempts=0,
            relapses=0,
        )

    def _before(self, earlier: _Earlier, until: float) -> float:
        """How long an earlier outage had lasted by then, in s since boot; at least that, if that is not known."""
        began = earlier.began.here(self._clock, self._boot)
        return earlier.record.lasted if began is None else max(earlier.record.lasted, until - began)

    def _continued(self, earlier: _Earlier, record: OutageRecord) -> OutageRecord:
        """Return the earlier outage as it is with what this run adds to it."""
        old, before = earlier.record, self._before(earlier, record.monotonic)
        here = earlier.boot == self._boot  # then its time is known better by now
        # The run that saw it go away heard it before: of one verdict it knows the causes best.
        tells = old if old.verdict and _tells(old.verdict) >= _tells(record.verdict) else record
        cure = record.cure
        if cure is not None and earlier.ended is not Rung.NONE:
            helped = record.attempts <= STILL_ITS_DOING and not record.relapses
            cure = earlier.ended.code if helped else cure
        steps = (*old.rungs, *((code, before + at, worked) for code, at, worked in record.rungs))
        return msgspec.structs.replace(
            record,
            began=record.began - timedelta(seconds=before) if here else old.began,
            monotonic=old.monotonic,
            clock_trusted=record.clock_trusted if here else old.clock_trusted,
            lasted=before + record.lasted,
            verdict=tells.verdict,
            message=tells.message,
            causes=tells.causes,
            rungs=steps[:MOST_STEPS],
            cure=cure,
            attempts=old.attempts + record.attempts,
            relapses=old.relapses + record.relapses,
        )

    def _close(self, record: OutageRecord) -> None:
        del self._earlier[record.device]
        status = self._sources[record.device].status
        status.outage_before = 0.0
        if record.verdict:
            status.last_outage = record.past()


def _close_all(own: BmsDb, address: str) -> None:
    for boot, left in open_outages(own, address):
        put_outage(own, msgspec.structs.replace(left, over=True), boot)


def _tells(verdict: str) -> int:
    """How much a verdict explains; 0: there is none yet, or it is of another version of this program."""
    try:
        return telling(Verdict(verdict))
    except ValueError:
        return 0


def _spoke_since(heard: Mark | None, boot: str, left: OutageRecord) -> bool:
    """Whether a device gave data after the last that is known of an outage."""
    if heard is None:
        return False
    if heard.boot == boot:
        return heard.monotonic > left.monotonic + left.lasted
    if heard.time is None or not left.clock_trusted:
        return False
    return heard.time > left.began + timedelta(seconds=left.lasted)
