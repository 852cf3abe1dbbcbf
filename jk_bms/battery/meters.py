"""Energy and charge meters of one pack: what went in, what came out. They only ever grow.

Current and power are taken to run straight from sample to sample (trapezoid). Where they cross
zero in between, each side of the crossing goes to its own meter.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from jk_bms.model import Sample

LONGEST_GAP = 600.0  # s: nothing is known of what flowed in a longer one (or in 2 periods, if more)
SOC_GAP = 3600.0  # s: a longer one is no step of the state of charge
SOC_STEP = 10.0  # %: more is a correction by the BMS, not charge
CHARGE_STEP = 0.5  # Ah from sample to sample: likewise
DAYS_KEPT = 8  # today and the week before it; older days are for the history
SANE = 1e7  # A, W: beyond it (or not a number) a value was not measured

# What is stored, in this order.
_STORED = {
    "sums": (
        "_charged_ws",
        "_discharged_ws",
        "_charged_as",
        "_discharged_as",
        "_cycles",
        "_soc_steps",
        "_abs_charge",
    ),
    "known": ("_measured", "_energy_measured", "_cycles_known", "_soc_known", "_charge_known"),
    "last": ("_current", "_waited", "_power", "_power_waited", "_soc", "_soc_waited", "_remaining"),
}

KWH = 1.0 / 3.6e6  # of a Ws
AH = 1.0 / 3600.0  # of an As


class Totals(NamedTuple):
    """What went in and out of the pack."""

    charged_kwh: float = 0.0
    discharged_kwh: float = 0.0
    charged_ah: float = 0.0
    discharged_ah: float = 0.0


class MeterValues(NamedTuple):
    """The meters as they stand. None: never measured."""

    charged_kwh: float | None
    discharged_kwh: float | None
    charged_ah: float | None
    discharged_ah: float | None
    equivalent_cycles: float | None  # throughput over twice the capacity
    soc_cycles: float | None  # the same from the steps of the BMS's SoC
    abs_diff_charge_ah: float | None  # sum of all changes of the BMS's remaining Ah


class Meters:
    """The meters of one pack and its totals of the last days."""

    def __init__(self, *, zone: tzinfo = UTC, nominal_ah: float | None = None, period: float = 0.0) -> None:
        """Start at zero.

        ``zone``: whose midnight parts the days. ``nominal_ah``: for the equivalent cycles, else the
        BMS's own capacity. ``period``: s that are meant to lie between two samples.
        """
        self._zone = zone
        self._nominal = nominal_ah
        self._longest = max(LONGEST_GAP, 2.0 * period)
        self._charged_ws = self._discharged_ws = 0.0
        self._charged_as = self._discharged_as = 0.0
        self._cycles = self._soc_steps = self._abs_charge = 0.0
        self._measured = self._energy_measured = False
        self._cycles_known = self._soc_known = self._charge_known = False
        # The last measured point and the time since then; None: integration starts anew.
        self._current: float | None = None
        self._power: float | None = None
        self._waited = self._power_waited = 0.0
        self._soc: float | None = None
        self._soc_waited = 0.0
        self._remaining: float | None = None
        # Of today: where the meters stood when it began. "": no day is known yet.
        self._date = ""
        self._dawn = Totals()
        self._days: dict[str, Totals] = {}  # the closed ones, oldest first
        self._from = self._to = datetime.min.replace(tzinfo=UTC)  # today in UTC

    def feed(self, sample: Sample, elapsed: float | None) -> None:
        """Count what flowed since the previous sample, ``elapsed`` s ago; None: not known."""
        taken_at = sample.taken_at
        if not self._from <= taken_at < self._to and sample.clock_trusted:
            self._turn_day(taken_at)
        if elapsed is None or elapsed < 0.0:
            self._break()
            elapsed = 0.0
        current = sample.current
        if current is not None and -SANE < current < SANE:
            self._measured = True
            waited, last = self._waited + elapsed, self._current
            if last is not None and 0.0 < waited <= self._longest:
                into, out = _split(last, current, waited)
                self._charged_as += into
                self._discharged_as += out
                capacity = self._nominal or sample.full_ah
                if capacity:
                    self._cycles_known = True
                    self._cycles += (into + out) / capacity
            self._current, self._waited = current, 0.0
            voltage = sample.voltage
            if voltage is not None and 0.0 <= voltage < SANE:
                self._energy_measured = True
                power = voltage * current
                waited, last = self._power_waited + elapsed, self._power
                if last is not None and 0.0 < waited <= self._longest:
                    into, out = _split(last, power, waited)
                    self._charged_ws += into
                    self._discharged_ws += out
                self._power, self._power_waited = power, 0.0
            else:
                self._power_waited += elapsed
        else:
            self._waited += elapsed
            self._power_waited += elapsed
        self._soc_waited += elapsed
        soc = sample.soc
        if soc is not None:
            self._count_soc(soc)
        remaining = sample.remaining_ah
        if remaining is not None:
            last = self._remaining
            if last is not None and (step := abs(remaining - last)) <= CHARGE_STEP:
                self._abs_charge += step
            self._remaining = remaining
            self._charge_known = True

    def values(self) -> MeterValues:
        """Return the meters as they stand."""
        return MeterValues(
            charged_kwh=self._charged_ws * KWH if self._energy_measured else None,
            discharged_kwh=self._discharged_ws * KWH if self._energy_measured else None,
            charged_ah=self._charged_as * AH if self._measured else None,
            discharged_ah=self._discharged_as * AH if self._measured else None,
            equivalent_cycles=self._cycles * AH / 2.0 if self._cycles_known else None,
            soc_cycles=self._soc_steps / 200.0 if self._soc_known else None,
            abs_diff_charge_ah=self._abs_charge if self._charge_known else None,
        )

    def days(self) -> dict[str, Totals]:
        """Return the totals of the last days by local date, oldest first, today last.

        While the clock is wrong the last known day goes on (the first, if there was none yet); what
        flowed over midnight between two samples is counted to the new day.
        """
        today = {self._date: _less(self._totals(), self._dawn)} if self._date else {}
        return self._days | today

    def preset(self, totals: Totals) -> None:
        """Let the meters stand at ``totals``: taken over from another program, or set by a person."""
        shift = _less(totals, self._totals())
        self._charged_ws, self._discharged_ws = totals.charged_kwh / KWH, totals.discharged_kwh / KWH
        self._charged_as, self._discharged_as = totals.charged_ah / AH, totals.discharged_ah / AH
        self._measured = self._energy_measured = True
        self._dawn = Totals(*(dawn + by for dawn, by in zip(self._dawn, shift, strict=True)))

    def state(self) -> dict[str, Any]:
        """Return everything but the closed days as plain JSON values."""
        return {
            **{kind: [getattr(self, name) for name in names] for kind, names in _STORED.items()},
            "date": self._date,
            "dawn": list(self._dawn),
        }

    def closed_days(self) -> dict[str, Any]:
        """Return the closed days, which change at midnight only, as plain JSON values."""
        return {"days": {day: list(totals) for day, totals in self._days.items()}}

    def restore(self, state: Mapping[str, Any], closed_days: Mapping[str, Any]) -> None:
        """Go on from ``state`` and the ``closed_days`` of the same moment.

        Raises KeyError, TypeError or ValueError when they are none of ours.
        """
        for kind, names in _STORED.items():
            for name, value in zip(names, state[kind], strict=True):
                setattr(self, name, value)
        self._date = str(state["date"])
        self._dawn = Totals(*map(float, state["dawn"]))
        days = state.get("days") or closed_days.get("days", {})  # once they stood in the state
        self._days = {day: Totals(*map(float, totals)) for day, totals in days.items()}
        self._from = self._to = datetime.min.replace(tzinfo=UTC)

    def _break(self) -> None:
        """Integrate nothing between the last sample and the next."""
        self._current = self._power = self._soc = self._remaining = None
        self._waited = self._power_waited = self._soc_waited = 0.0

    def _count_soc(self, soc: float) -> None:
        last = self._soc
        if last is not None and self._soc_waited <= SOC_GAP and (step := abs(soc - last)) <= SOC_STEP:
            self._soc_steps += step
        self._soc, self._soc_waited = soc, 0.0
        self._soc_known = True

    def _totals(self) -> Totals:
        return Totals(
            self._charged_ws * KWH,
            self._discharged_ws * KWH,
            self._charged_as * AH,
            self._discharged_as * AH,
        )

    def _turn_day(self, taken_at: datetime) -> None:
        """Close the day that was and begin that of ``taken_at``, even when the clock went back."""
        midnight = datetime.combine(taken_at.astimezone(self._zone).date(), time.min, self._zone)
        # Midnight comes after 23 or 25 hours when the clocks change, so it is not simply added.
        following = datetime.combine(midnight.date() + timedelta(days=1), time.min, self._zone)
        self._from, self._to = midnight.astimezone(UTC), following.astimezone(UTC)
        date = midnight.date().isoformat()
        if date == self._date:
            return
        now = self._totals()
        if self._date:
            closed = Totals(*(round(value, 6) for value in _less(now, self._dawn)))
            self._days[self._date] = closed
            # Those to come were made by a wrong clock: what they hold belongs to the day into which it went back.
            for wrong in [day for day in self._days if day >= date]:
                now = _less(now, self._days.pop(wrong))
            self._days = dict(sorted(self._days.items())[-DAYS_KEPT + 1 :])
            self._dawn = now
        self._date = date


def _split(first: float, second: float, seconds: float) -> tuple[float, float]:
    """Integrate a straight line from ``first`` to ``second``; return the parts above and below zero."""
    if first >= 0.0 and second >= 0.0:
        return (first + second) * 0.5 * seconds, 0.0
    if first <= 0.0 and second <= 0.0:
        return 0.0, (first + second) * -0.5 * seconds
    share = first / (first - second)  # of the interval that lies before the zero
    before, after = abs(first) * 0.5 * share * seconds, abs(second) * 0.5 * (1.0 - share) * seconds
    return (before, after) if first > 0.0 else (after, before)


def _less(more: Totals, less: Totals) -> Totals:
    return Totals(*(a - b for a, b in zip(more, less, strict=True)))
