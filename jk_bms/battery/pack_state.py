"""All that is known of one pack over time: charge counted, energy metered, cells judged.

Every accepted frame passes through here before any other part sees it. The state is plain JSON, is
committed with the history and, between two commits, follows from the journal: feeding the
same samples to the same state gives the same numbers. What changes from sample to sample is kept
apart from what was learnt meanwhile, so that the first, written each minute, stays small.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any, NamedTuple, TypeVar

import msgspec

from jk_bms.battery.chemistry import CHEMISTRIES, Chemistry
from jk_bms.battery.curves import Curve
from jk_bms.battery.health import Health, HealthReport
from jk_bms.battery.limits import PackLimits, capacity_of
from jk_bms.battery.meters import Meters, Totals
from jk_bms.battery.runtime import Beliefs, Runtime
from jk_bms.battery.soc import Grounds, SocCounter
from jk_bms.battery.soc_source import soc_by_curve, soc_to_show
from jk_bms.battery.wall_time import WallTime
from jk_bms.battery.which_cells import WhichCells
from jk_bms.clock import Mark
from jk_bms.model import Sample

T = TypeVar("T")

VERSION = 1  # of the state
LEARNT = ("health", "jumps", "days", "charge")
LATE = 600.0  # s after a boot in which the time may be confirmed to tell how long the machine was off


class _Gap(NamedTuple):
    """A boot of which it is not yet known how long it took."""

    soc: tuple[dict[str, Any], dict[str, Any]]  # state before it, and what was learnt
    since: datetime
    until: float  # s since boot: later, the answer is of no use


class PackState:
    """One pack's memory. ``feed`` every accepted frame, in order.

    ``boot`` names this boot of the machine: only within one boot does the time since boot
    tell how long ago the previous sample was. Over two, the wall clock must be ``confirmed`` by
    another one. ``chemistry``: what the owner says the cells are, None: nothing. ``source`` and
    ``curve``: see ``soc_to_show``.
    ``jump`` is why the last sample's SoC was not where counting had led it, ``anchored`` the
    kind of an anchor it has just met; None mostly.
    """

    def __init__(
        self,
        chemistry: Chemistry | None,
        *,
        nominal_ah: float | None = None,
        boot: str,
        zone: tzinfo,
        source: str = "auto",
        curve: Curve,
        confirmed: Callable[[], bool] = bool,
    ) -> None:
        self.jump: str | None = None
        self.anchored: str | None = None
        self._boot = boot
        self._source = source
        self._curve = curve
        self._nominal = nominal_ah
        self._which = WhichCells(chemistry)
        self._limits = PackLimits()
        self._meters = Meters(zone=zone, nominal_ah=nominal_ah)
        self._runtime = Runtime()
        self._begin()
        self._stopped = False  # counting, until it is known what the cells are
        self._last: tuple[str, float, datetime | None] | None = None  # boot, monotonic, time if sure
        self._clock = WallTime(confirmed)
        self._resumed = False

    @property
    def chemistry(self) -> Chemistry:
        """Of which kind the cells are taken to be."""
        return self._which.kind or CHEMISTRIES["lfp"]

    @property
    def doubt(self) -> str:
        """Why the charge is not counted, in words: what does not fit together of the cells; empty: it is."""
        if self._which.kind is None:
            return "nothing says of which kind the cells are, and their voltage is not that of lfp"
        return self._which.contradiction

    def show(self, source: str, curve: Curve) -> None:
        """Show another state of charge from now on; see ``soc_to_show``."""
        self._source, self._curve = source, curve

    def limits(self, limits: PackLimits) -> None:
        """Take over what the BMS's own settings say."""
        self._limits = limits
        if self._which.limits(limits):
            self._another_kind()
        self._soc.limits(limits)
        self._health.nominal(self._soc.nominal_ah)

    def _begin(self) -> None:
        """Know nothing of the charge and the cells."""
        self._kind = self.chemistry
        self._soc = SocCounter(self._kind, nominal_ah=self._nominal)
        self._health = Health(self._kind, nominal_ah=self._nominal)
        self._gap: _Gap | None = None
        self._anchor_age: float | None = None

    def _another_kind(self) -> str | None:
        """Begin anew if the cells are of another kind than was thought; return that in words."""
        before = self._kind
        if self.chemistry == before:
            return None
        self._begin()
        self._soc.limits(self._limits)
        return f"cells are {self._kind.name}, not {before.name}: counting begins anew"

    def feed(self, sample: Sample, boot: str | None = None) -> Sample:
        """Count ``sample``; return it with everything filled in that follows from the past.

        ``boot``: given for a sample of an earlier boot.
        """
        if sample.full_ah is not None and capacity_of(sample.full_ah) is None:
            sample = msgspec.structs.replace(sample, full_ah=None)  # -1 and the like: it does not know
        clock = self._clock
        clock.take(sample, boot or self._boot, now=boot is None)
        before = self._last
        elapsed = self._elapsed(sample, boot or self._boot)
        if elapsed is None and before is not None and before[2] is not None and not clock.sure:
            self._gap = _Gap((self._soc.state(), self._soc.learnt()), before[2], sample.monotonic + LATE)
        dated = sample
        if sample.clock_trusted and not clock.dates:
            dated = msgspec.structs.replace(sample, clock_trusted=False)
        changed = self._which.feed(sample, elapsed, self._soc.nominal_ah or sample.full_ah)
        another = self._another_kind() if changed else None
        stopped, self._stopped = self._stopped, bool(self.doubt)
        estimate = None
        if not self._stopped:
            estimate = self._soc.feed(sample, None if stopped else self._unseen(sample, elapsed))
        # What flowed while we did not look is the SoC's business; a meter shows what it measured.
        measured = None if self._resumed else elapsed
        self._resumed = False
        self._meters.feed(dated, measured)
        meters = self._meters.values()
        low = high = counted = age = learned = None
        anchor = None
        self.jump = self.anchored = None
        if estimate is not None:
            counted, low, high, anchor, age, learned, self.jump = estimate
            if age is not None and (self._anchor_age is None or age < self._anchor_age):
                self.anchored, self._gap = anchor, None
            self._anchor_age = age
        if another is not None:
            self.jump = another
        if boot is None and (rescaled := self._soc.rescaled):
            self.jump = f"{rescaled}; {self.jump}" if self.jump else rescaled
            self._soc.rescaled = None
        self._health.learned_ah = learned
        self._health.feed(dated, elapsed, counted)
        capacity = learned or sample.full_ah
        forecast = self._runtime.feed(dated, low, high, capacity, measured, self._believed)
        by_curve = soc_by_curve(sample, self._curve)
        band = None if low is None or high is None else (low, high)
        shown, source = soc_to_show(
            sample,
            source=self._source,
            by_curve=by_curve,
            counted=counted,
            band=band,
            anchored=anchor is not None,
        )
        span = None if forecast is None else (forecast.low, forecast.high)
        return msgspec.structs.replace(
            sample,
            soc_curve=by_curve,
            battery_soc=shown,
            battery_soc_source=source,
            soc_counted=counted,
            soc_low=low,
            soc_high=high,
            soc_anchor=anchor,
            soc_anchor_age=age,
            learned_ah=learned,
            charged_kwh=meters.charged_kwh,
            discharged_kwh=meters.discharged_kwh,
            charged_ah=meters.charged_ah,
            discharged_ah=meters.discharged_ah,
            equivalent_cycles=meters.equivalent_cycles,
            empty_in=span if forecast is not None and forecast.what == "empty" else None,
            drain=None if forecast is None else forecast.drain,
            full_in=span if forecast is not None and forecast.what == "full" else None,
        )

    def _believed(self) -> Beliefs | None:
        """What is believed of sensor and capacity; None: nothing was counted yet."""
        grounds = self._soc.grounds()
        return None if grounds is None else Beliefs(grounds.offset, grounds.capacity)

    @property
    def heard(self) -> Mark | None:
        """When the last sample was taken, also by an earlier run; None: there was none."""
        return self._last and Mark(*self._last)

    def days(self) -> dict[str, Totals]:
        """Return what went in and out on the last days, by local date; today is the last."""
        return self._meters.days()

    def report(self) -> HealthReport:
        """Judge the cells."""
        return self._health.report()

    def state(self) -> dict[str, Any]:
        """Return what changes from sample to sample, as plain JSON values."""
        last = self._last
        return {
            "version": VERSION,
            "last": last and [last[0], last[1], last[2] and last[2].isoformat()],
            "clock": self._clock.state(),
            "anchor_age": self._anchor_age,
            "kind": self._kind.name,
            "doubt": self.doubt if self._stopped else "",
            "cells": self._which.state(),
            "soc": self._soc.state(),
            "meters": self._meters.state(),
            "runtime": self._runtime.state(),
            "health": self._health.state(),
        }

    def learnt(self) -> dict[str, dict[str, Any]]:
        """Return the rest, in the parts LEARNT; none of them changes with each sample."""
        return {**self._health.learnt(), "days": self._meters.closed_days(), "charge": self._soc.learnt()}

    def restore(self, state: Mapping[str, Any], learnt: Mapping[str, Mapping[str, Any]]) -> None:
        """Go on from ``state`` and what was ``learnt`` at the same moment, after a restart.

        Raises KeyError, TypeError or ValueError when they are none of ours.
        """
        if state["version"] != VERSION:
            raise ValueError(f"state of version {state['version']}; expected {VERSION}")
        if (cells := state.get("cells")) is not None:
            self._which.restore(cells)
            self._another_kind()
        same = state.get("kind", self._kind.name) == self._kind.name
        if same:
            self._soc.restore(state["soc"], learnt.get("charge", {}))
        self._stopped = bool(state.get("doubt"))
        self._meters.restore(state["meters"], learnt.get("days", {}))
        self._runtime.restore(state["runtime"])
        if same:
            self._health.restore(state["health"], learnt)
            self._anchor_age = state["anchor_age"]
        self._health.nominal(self._soc.nominal_ah)
        last = state["last"]
        self._last = last and (last[0], last[1], last[2] and datetime.fromisoformat(last[2]))
        self._clock.restore(state.get("clock"), self._last and self._last[2])

    def resumed(self) -> None:
        """The next sample is the first after a time in which nothing was measured."""
        self._resumed = True

    def _unseen(self, sample: Sample, elapsed: float | None) -> float | None:
        """Seconds to be counted; once the time is confirmed after a boot, all since the last sample before."""
        gap = self._gap
        if gap is None or elapsed is None:
            return elapsed
        if sample.monotonic > gap.until or gap.soc[0]["nominal_ah"] != self._soc.nominal_ah:
            self._gap = None
        elif self._clock.sure:
            self._gap = None
            if sample.taken_at >= gap.since:
                self._soc.restore(*gap.soc)
                return (sample.taken_at - gap.since).total_seconds()
        return elapsed

    def _elapsed(self, sample: Sample, boot: str) -> float | None:
        """Seconds since the previous sample; None: not known for sure, or there was none."""
        last = self._last
        taken_at = sample.taken_at if self._clock.sure else None
        self._last = (boot, sample.monotonic, taken_at)
        if last is None:
            return None
        if last[0] == boot and sample.monotonic >= last[1]:
            return sample.monotonic - last[1]
        if last[2] is None or taken_at is None or taken_at < last[2]:
            return None
        return (taken_at - last[2]).total_seconds()


def stored_grounds(state: Mapping[str, Any], learnt: Mapping[str, Mapping[str, Any]]) -> Grounds | None:
    """Return what a stored state counts the charge by. Raises KeyError, TypeError or ValueError when it is none."""
    counter = SocCounter(CHEMISTRIES[state.get("kind", "lfp")], nominal_ah=None)
    counter.restore(state["soc"], learnt.get("charge", {}))
    return counter.grounds()


def stored_names(address: str) -> dict[str, str]:
    """Return under which names the parts of what was learnt of a pack are stored, by part."""
    return {part: f"{part}:{address}" for part in LEARNT}


def learnt_of(address: str, stored: Mapping[str, T]) -> dict[str, T]:
    """Return the parts of what was learnt of a pack, out of all ``stored`` ones by name."""
    return {part: stored[name] for part, name in stored_names(address).items() if name in stored}
