"""The health of each cell of one pack: which one is weak, leaks or is badly connected.

Three things are watched for weeks. Resistance, from jumps of the current. Size and loss of
charge, from the differences between the cells where the OCV curve is steep. And what the
balancer moves, so that it can neither hide a leaking cell nor make a good one look like it.

Per sample only sums are kept; a look at the cells is taken every ten minutes at most.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from math import erf, hypot, inf, sqrt
from statistics import fmean, median, pstdev
from typing import Any, NamedTuple

from jk_bms.battery.cell_charge import CellCharge, CellShare, Seen
from jk_bms.battery.cell_resistance import JUMP, SPAN, STEADY, CellResistance
from jk_bms.battery.chemistry import CHEMISTRIES, Chemistry
from jk_bms.battery.health_report import (
    HOLDS_LESS,
    LOSES_CHARGE,
    POORLY_CONNECTED,
    CellFault,
    CellHealth,
    HealthReport,
    Week,
)
from jk_bms.battery.limits import is_other_capacity
from jk_bms.battery.own_slope import BIN, OwnSlope
from jk_bms.model import Sample

__all__ = ["Health", "HealthReport", "stored_report"]

WINDOW = 600.0  # s: voltages are averaged over so long
LEAST = 4  # samples in it
CALM, SWINGING = 0.05, 0.03  # C: more current, or more up and down, and voltages tell too little
UNKNOWN_CALM = 0.01  # C: as long as the resistances are unknown
CHORD = 0.002  # V to both sides: over this the slope of the curve is taken
BLUR = 0.001  # V: how well a cell's voltage repeats, after averaging
RESISTANCE_UNSURE = 0.2
STEEP = 0.6  # %: what BLUR may be worth in SoC, else a look says nothing
UNSHOWN = 0.5  # of a charge read from a slope that the pack has not shown
VAGUE = 3.0  # %: a cell of which less is known is not judged by that look
VAGUE_SHARE = 0.6  # but of one that is far off, so much of the difference may be open
FINEST = 0.35  # %: what one look is trusted at most: the next one, at another charge, errs in its own way
APART = 12 / 24  # days between looks in one band of SoC, unless one is much clearer
CLEARER = 0.6
SOC_BAND = 20.0  # %
EMPTY = 1.0  # %: below it the curve ends before the differences do
UNSEEN_HOURS = 2.0  # a day, in which an unwatched balancer works for one cell
UNSEEN_AMPS = 1.0  # A: of a balancer that does not say how much
UNSEEN_LEAST = 0.1  # % a day, whatever the balancer
HOUR, DAY = 3600.0, 86_400.0
LONGEST_GAP = 600.0  # s
BALANCING = 0.05  # A: the balancer works
PULLED = 0.006  # V: a cell dips so far while the balancer pulls it, and another one seems to be the highest

# What makes a fault: the estimate beyond the first, certainly beyond the second.
WEAK = (-7.5, -5.0)  # % of capacity against the typical cell
LEAK = (4.0 / 30.0, 2.7 / 30.0)  # % a day more than the typical cell: 4 % a month
LUG = (0.5, 0.35)  # of the typical resistance on top
SURE = 0.95
# A pack has many cells, judged each day for years: 95 in 100 accuses good ones, and 99 finds weak ones a week later.
SURE_OF_CELL = 0.98
LIKELY = 0.5  # a leak
PERSISTS = 3.0  # days that it must have been beyond both, without a break
CURED = 0.7  # of the first: a fault that falls below it is over
LEAST_DAYS = 7.0  # to watch before a loss is a leak
LEAST_BATCHES = 3
SIZE_KNOWN, LOSS_KNOWN = 3.0, 0.06  # standard deviations up to which something is called known
KNOWN_SHARE = 0.4  # and that share of the value
VOLTMETERS_DIFFER = 0.0015  # V, 1 sigma: the inputs of the BMS from each other; it never averages out
VOLTMETER_UNSURE = 1.0  # % of size that this is worth at least
LOOKS_LAST = (
    60.0  # days in which the looks that tell a size must have been made: older ones have drifted apart
)
LEAST_SPAN = 40.0  # %: closer looks show a small error of the voltmeter as a large one of the size
SIZES_DIFFER = (
    2.0  # %, 1 sigma: good cells of a pack; where they seem to differ by more, they are read wrongly
)
RESISTANCES_DIFFER = 0.03  # likewise, of a resistance

WEEKS_KEPT, WEEKS_SINGLE = 104, 26  # of the older ones one in four
TREND_WEEKS = 4  # at least, to speak of a trend
FIRST_WEEK = date(2024, 1, 1).toordinal()  # a Monday: weeks are numbered from it


class _Before(NamedTuple):
    """A sample that a jump may be measured from."""

    current: float
    voltages: tuple[float, ...]


class Health:
    """What is known of the cells of one pack."""

    def __init__(self, chemistry: Chemistry, *, nominal_ah: float | None = None) -> None:
        """Know nothing yet. Without ``nominal_ah`` the capacity that the BMS tells is taken."""
        self.learned_ah: float | None = None  # the counter may set it: for the trends
        self._curve = chemistry.ocv
        self._lag = 1.0 + chemistry.lag
        self._guess = chemistry.resistance
        self._unlike = chemistry.unlike
        self._curves = (chemistry.ocv, *chemistry.others)
        self._top, self._full = chemistry.left, 0.5 * (chemistry.left + chemistry.held)
        self._steep, self._knee = chemistry.full_wrong > 0.0, chemistry.knee
        self._slope = OwnSlope()
        self._nominal = nominal_ah
        self._capacity = nominal_ah or 0.0
        self._jump = JUMP * self._capacity
        self._numbers: tuple[int, ...] = ()
        self._cells = 0
        self._charge = CellCharge(0)
        self._resistance = CellResistance()
        self._day = 0.0  # days of life so far
        self._looked: dict[int, tuple[float, float]] = {}  # band of SoC: when (day), how clear (%)
        self._faults: dict[tuple[int, str], str | None] = {}  # position and kind: date since when
        self._suspects: dict[tuple[int, str], float] = {}  # what may become a fault: day since when
        self._weeks: list[Week] = []
        self._week: int | None = None
        self._balancer_amps = 0.0  # the most it was seen to move
        self._balancer_blind = False  # it works, but the BMS does not tell how much
        self._last: _Before | None = None
        self._earlier: _Before | None = None
        self._span = 0.0  # s between these two
        self._range: list[tuple[float, float]] = []  # of SoC: the week before, this week
        self._sums: list[float] = []
        self._clear()

    def nominal(self, nominal_ah: float | None) -> None:
        """Take over the capacity as sold, perhaps corrected; None: not told."""
        if nominal_ah is not None and is_other_capacity(nominal_ah, self._capacity):
            self._capacity, self._jump = nominal_ah, JUMP * nominal_ah

    def feed(self, sample: Sample, elapsed: float | None, soc: float | None = None) -> None:
        """Take in a sample, ``elapsed`` s after the one before (None: not known), at ``soc`` %."""
        voltages, current = sample.cell_voltages, sample.current
        if current is None or not voltages:
            if elapsed is not None:
                self._seconds += max(0.0, elapsed)
            self._last = self._earlier = None
            return
        if len(voltages) != self._cells or (self._nominal is None and not self._capacity):
            self._meet(sample)
        if elapsed is None or not 0.0 <= elapsed <= LONGEST_GAP:
            self._gap(elapsed)
            elapsed = 0.0
        self._sums = [a + b for a, b in zip(self._sums, voltages, strict=True)]
        self._count += 1
        self._amps += current
        self._squares += current * current
        self._seconds += elapsed
        balancing = sample.balance_current
        if balancing is not None:
            if balancing > BALANCING or balancing < -BALANCING:
                self._balance(voltages, abs(balancing), elapsed)
        elif sample.balancing:
            self._balancer_blind = True
        earlier, last = self._earlier, self._last
        if earlier is not None and last is not None and self._jump:
            step = current - earlier.current
            if step > self._jump or step < -self._jump:
                self._try_jump(sample, step, current - last.current, elapsed)
        self._earlier, self._last, self._span = last, _Before(current, voltages), elapsed
        if self._seconds >= WINDOW:
            self._close(sample, soc)

    def report(self, capacity_ah: float | None = None) -> HealthReport:
        """Return what is known; ``capacity_ah``: as learned between two anchors."""
        capacity = self._capacity or None
        shares = self._shares()
        scatter = _scatter(shares)
        by_size = sorted(range(self._cells), key=lambda i: -shares[i].size)
        rank = {cell: place for place, cell in enumerate(by_size, 1)}
        ohms = self._resistance.ohms
        size_known, loss_known = [self._size_known(s) for s in shares], [self._loss_known(s) for s in shares]
        cells = []
        for i, share in enumerate(shares):
            full, full_sigma = self._charge.difference(i, 100.0)
            chances = self._chances(i, share, scatter)
            cells.append(
                CellHealth(
                    number=self._numbers[i],
                    faults=tuple(
                        CellFault(kind, since, round(min(0.99, chances[kind]), 2))
                        for (cell, kind), since in sorted(self._faults.items())
                        if cell == i
                    ),
                    sure=round(min(0.99, 1.0 - max(chances.values())), 2),
                    resistance=ohms[i] if ohms else None,
                    resistance_excess=self._resistance.excess[i] if ohms else None,
                    resistance_trend=self._resistance_trend(i),
                    size=share.size if size_known[i] else None,
                    size_sigma=share.size_sigma if size_known[i] else None,
                    size_rank=rank[i] if all(size_known) else None,
                    loss_month=30.0 * share.loss if loss_known[i] else None,
                    loss_month_sigma=30.0 * share.loss_sigma if loss_known[i] else None,
                    ahead_when_full=full if full_sigma <= SIZE_KNOWN else None,
                    ahead_when_full_ah=0.01 * full * capacity
                    if capacity and full_sigma <= SIZE_KNOWN
                    else None,
                )
            )
        learned = capacity_ah or self.learned_ah
        return HealthReport(
            cells=tuple(cells),
            days=self._day,
            looks=self._charge.looks,
            nominal_ah=capacity,
            learned_ah=learned,
            temperature=self._resistance.band,
            balancer_unseen=self._balancer_blind,
            soc_range=(min(low for low, _ in self._range), max(high for _, high in self._range))
            if self._range
            else None,
            weeks=tuple(self._weeks),
        )

    def state(self) -> dict[str, Any]:
        """Return what changes from sample to sample, as plain JSON values: it stays small for ever."""
        return {
            "capacity": self._capacity,
            "day": self._day,
            "charge": self._charge.state(),
            "week": self._week,
            "balancer": [self._balancer_amps, self._balancer_blind],
            "learned": self.learned_ah,
            "window": [self._sums, self._count, self._amps, self._squares, self._seconds, self._balanced],
            "last": [None if each is None else list(each) for each in (self._earlier, self._last)],
            "span": self._span,
            "range": [list(each) for each in self._range],
            "walk": self._slope.state(),
        }

    def learnt(self) -> dict[str, dict[str, Any]]:
        """Return the rest in parts, as plain JSON values.

        ``health`` changes with a look, a batch of jumps, a fault or a week, ``jumps`` with each jump and
        each calm stretch of a discharge or charge.
        """
        health = {
            "numbers": list(self._numbers),
            "charge": self._charge.learnt(),
            "resistance": self._resistance.learnt(),
            "looked": [[band, *when] for band, when in self._looked.items()],
            "faults": [[cell, kind, since] for (cell, kind), since in self._faults.items()],
            "suspects": [[cell, kind, day] for (cell, kind), day in self._suspects.items()],
            "weeks": [list(week) for week in self._weeks],
        }
        return {"health": health, "jumps": {**self._resistance.jumps(), "slope": self._slope.learnt()}}

    def restore(self, state: Mapping[str, Any], learnt: Mapping[str, Mapping[str, Any]]) -> None:
        """Go on from ``state`` and what was ``learnt`` at the same moment.

        Raises KeyError, TypeError or ValueError when they are none of ours.
        """
        if "weeks" not in state:  # all stood in the state before it was parted
            health = learnt["health"]
            state = {
                **health,
                **state,
                "charge": {**health["charge"], **state["charge"]},
                "resistance": {**health["resistance"], **learnt["jumps"]},
                "slope": learnt["jumps"].get("slope", []),  # kept, as the walk, since this release
            }
        self._capacity = float(state["capacity"])
        self._jump = JUMP * self._capacity
        self._numbers = tuple(state["numbers"])
        self._cells = len(self._numbers)
        self._day = float(state["day"])
        self._charge.restore(state["charge"])
        self._resistance.restore(state["resistance"])
        self._looked = {band: (when, sigma) for band, when, sigma in state["looked"]}
        self._faults = {(cell, kind): since for cell, kind, since in state["faults"]}
        self._suspects = {(cell, kind): day for cell, kind, day in state["suspects"]}
        self._week = state["week"]
        self._balancer_amps, self._balancer_blind = state["balancer"]
        self.learned_ah = state["learned"]
        sums, self._count, self._amps, self._squares, self._seconds, *balanced = state["window"]
        self._balanced = balanced[0] if balanced else 0.0  # kept since this release
        self._sums = list(sums)
        self._earlier, self._last = (
            None if each is None else _Before(each[0], tuple(each[1])) for each in state["last"]
        )
        self._span = float(state["span"])
        self._range = [(low, high) for low, high in state["range"]]
        self._weeks = [Week(*week) for week in state["weeks"]]
        self._slope = OwnSlope()
        self._slope.restore(state.get("slope", []), state.get("walk"))

    # Sample by sample

    def _meet(self, sample: Sample) -> None:
        """Begin anew with a pack of other cells, or learn how large the pack is."""
        count = len(sample.cell_voltages)
        if not self._capacity and (capacity := self._nominal or sample.full_ah):
            self._capacity, self._jump = capacity, JUMP * capacity
        if count == self._cells:
            return
        self._cells = count
        self._charge, self._resistance, self._slope = CellCharge(count), CellResistance(), OwnSlope()
        self._numbers = sample.cell_numbers or tuple(range(1, count + 1))
        self._looked, self._faults, self._suspects = {}, {}, {}
        self._weeks, self._week, self._day = [], None, 0.0
        self._last = self._earlier = None
        self._clear()

    def _gap(self, elapsed: float | None) -> None:
        """It was not watched, perhaps for long: the balancer may have worked."""
        self._last = self._earlier = None
        unseen = 1.0 if elapsed is None else max(0.0, elapsed) / DAY
        self._charge.doubt(self._unseen_share() * min(1.0, unseen))
        self._charge.touch(range(self._cells), self._balanced)
        self._slope.lost()
        self._pass((self._seconds + (elapsed or 0.0)) / DAY)
        self._clear()

    def _unseen_share(self) -> float:
        """What the balancer may do to a cell on a day on which it is not watched, in %."""
        amps = UNSEEN_AMPS if self._balancer_blind else 0.5 * self._balancer_amps
        return max(UNSEEN_LEAST, 100.0 * amps * UNSEEN_HOURS / self._capacity if self._capacity else 0.0)

    def _pass(self, days: float) -> None:
        self._day += days
        self._charge.wait(days)

    def _clear(self) -> None:
        self._sums = [0.0] * self._cells
        self._count = 0
        self._amps = self._squares = self._seconds = self._balanced = 0.0

    def _balance(self, voltages: tuple[float, ...], amps: float, seconds: float) -> None:
        """Book what the balancer moves. It does not say between which cells: the highest and lowest.

        It takes half of the time and gives the other half, so on average half of its current flows.
        """
        self._balancer_amps = max(self._balancer_amps, amps)
        if self._capacity:
            share = 100.0 * 0.5 * amps * seconds / HOUR / self._capacity
            self._charge.move(voltages.index(max(voltages)), voltages.index(min(voltages)), share)
            self._balanced += share

    def _try_jump(self, sample: Sample, step: float, rest: float, elapsed: float) -> None:
        before = self._earlier
        if before is None or abs(rest) > STEADY * abs(step) or self._span + elapsed > SPAN:
            return
        if self._resistance.jump(before.voltages, sample.cell_voltages, step, sample.temperature):
            self._judge(sample)

    # Every ten minutes

    def _close(self, sample: Sample, soc: float | None) -> None:
        """Take a look at the cells if the last minutes were calm and the curve is steep there."""
        count, seconds = self._count, self._seconds
        volts = [each / count for each in self._sums]
        amps = self._amps / count
        swing = sqrt(max(0.0, self._squares / count - amps * amps))
        if self._balanced:
            above, below = max(volts) - PULLED, min(volts) + PULLED
            self._charge.touch([i for i, v in enumerate(volts) if v >= above or v <= below], self._balanced)
        self._clear()
        self._pass(seconds / DAY)
        if self._capacity:
            self._slope.flow(100.0 * amps * seconds / HOUR / self._capacity)
        if self._balancer_blind:
            self._charge.doubt(self._unseen_share() * seconds / DAY)
        turned = self._turn_week(sample)
        if soc is not None:
            low, high = self._range.pop() if self._range and not turned else (soc, soc)
            self._range = [*self._range, (round(min(low, soc), 1), round(max(high, soc), 1))][-2:]
        if count >= LEAST and self._capacity:
            known = self._resistance.known
            if abs(amps) <= (CALM if known else UNKNOWN_CALM) * self._capacity and (
                swing <= SWINGING * self._capacity
            ):
                self._look(volts, amps, sample, soc)

    def _look(self, volts: list[float], amps: float, sample: Sample, soc: float | None) -> None:
        drop = amps * self._guess / self._capacity  # V: as much may be wrong with unknown connections
        blur = hypot(BLUR, drop)
        if (typical := self._resistance.typical) is not None:
            drop = amps * typical
            blur = hypot(BLUR, RESISTANCE_UNSURE * drop)
            volts = [
                v - drop * self._lag - drop * over
                for v, over in zip(volts, self._resistance.excess, strict=True)
            ]
        middle = median(volts)
        self._slope.moment(middle, min(volts))
        if middle >= self._full:
            self._slope.full()
        if middle >= self._top:
            at, per_volt, unsure = self._at_top(volts, middle)
        elif self._slope.known(middle) and (level := self._level(middle, soc)) is not None:
            at, per_volt, unsure = self._by_own_slope(volts, middle, level)
        else:
            return
        clear = median(per_volt) * BLUR
        if clear > STEEP or self._curve.soc(middle) < EMPTY:
            return
        band = int(min(median(at), 99.0) / SOC_BAND)  # beyond full is no other end
        when, before = self._looked.get(band, (None, 0.0))
        if when is not None and self._day - when < APART and clear > CLEARER * before:
            return
        self._looked[band] = (self._day, clear)
        sigma = [hypot(max(FINEST, k * blur), each) for k, each in zip(per_volt, unsure, strict=True)]
        usual = median(at)
        self._charge.look(
            Seen(
                at,
                per_volt,
                [
                    s if s <= max(VAGUE, VAGUE_SHARE * abs(x - usual)) else None
                    for s, x in zip(sigma, at, strict=True)
                ],
            )
        )
        self._judge(sample)

    def _at_top(self, volts: list[float], middle: float) -> tuple[list[float], list[float], list[float]]:
        """Charge (%) of each cell near the end of charge, % for each V, and how unsure it is.

        There each curve ends within a percent or two, so what the published ones say together will do.
        """
        spread = [
            [curve.soc(v + off) for v in volts]
            for curve in self._curves
            for off in (-self._unlike, 0.0, self._unlike)
        ]
        typical = [
            curve.soc(middle + off) for curve in self._curves for off in (-self._unlike, 0.0, self._unlike)
        ]
        usual = fmean(typical)
        at, unsure, per_volt = [], [], []
        for i, v in enumerate(volts):
            away = [found[i] - of for found, of in zip(spread, typical, strict=True)]
            mean = fmean(away)
            at.append(usual + mean)
            unsure.append(pstdev(away, mean))
            per_volt.append(fmean(c.soc(v + CHORD) - c.soc(v - CHORD) for c in self._curves) / (2.0 * CHORD))
        return at, per_volt, unsure

    def _level(self, middle: float, soc: float | None) -> float | None:
        """Charge of the pack in %, ``soc`` as counted elsewhere; None: not known.

        The plateau of one maker lies where another's flank is, so on a flat curve it is counted from full, else
        it is known only where no plateau lies.
        """
        by_curve = self._curve.soc(middle)
        if self._steep:
            return by_curve
        if (counted := self._slope.level) is not None:
            return counted
        return by_curve if soc is None and by_curve <= self._knee else soc

    def _by_own_slope(
        self, volts: list[float], middle: float, level: float
    ) -> tuple[list[float], list[float], list[float]]:
        """The same at ``level`` %, where the pack has shown what a millivolt is worth."""
        at, per_volt, unsure = [], [], []
        for v in volts:
            away, vague = self._between(middle, v)
            at.append(level + away)
            unsure.append(vague)
            per_volt.append(self._worth(v)[0])
        return at, per_volt, unsure

    def _between(self, begin: float, end: float) -> tuple[float, float]:
        """Charge from one voltage to another, in %, and how unsure it is."""
        sign = 1.0 if end >= begin else -1.0
        first, last = self._curve.points[0].v, self._curve.points[-1].v  # beyond there is no charge
        v, high = max(first, min(begin, end)), min(last, max(begin, end))
        total = vague = 0.0
        while v < high:
            following = min(high, (int(v / BIN) + 1) * BIN + 1e-9)
            worth, own = self._worth(0.5 * (v + following))
            total += worth * (following - v)
            vague += 0.0 if own else UNSHOWN * worth * (following - v)
            v = following
        return sign * total, vague

    def _worth(self, v: float) -> tuple[float, bool]:
        """% for each V, and whether the pack has shown it itself."""
        own = self._slope.per_volt(v)
        if own is not None:
            return own, True
        soc = self._curve.soc
        return max(0.0, soc(v + CHORD) - soc(v - CHORD)) / (2.0 * CHORD), False

    def _judge(self, sample: Sample) -> None:
        """Find new faults, and those that are over."""
        today = sample.taken_at.date().isoformat() if sample.clock_trusted else None
        shares = self._shares()
        scatter = _scatter(shares)
        for i, share in enumerate(shares):
            measured = {
                HOLDS_LESS: (share.size, WEAK[0]),
                LOSES_CHARGE: (share.loss, LEAK[0]),
                POORLY_CONNECTED: (self._excess(i), LUG[0]),
            }
            for kind, chance in self._chances(i, share, scatter).items():
                value, limit = measured[kind]
                beyond = value / limit
                if (i, kind) in self._faults:
                    if beyond < CURED:
                        del self._faults[i, kind]
                    elif self._faults[i, kind] is None:
                        self._faults[i, kind] = today
                elif beyond < 1.0 or chance < (SURE if kind == POORLY_CONNECTED else SURE_OF_CELL):
                    self._suspects.pop((i, kind), None)
                elif self._day - self._suspects.setdefault((i, kind), self._day) >= PERSISTS:
                    self._faults[i, kind] = today
                    del self._suspects[i, kind]

    def _chances(self, cell: int, share: CellShare, scatter: float) -> dict[str, float]:
        """How likely each fault is; 0 for what cannot be told yet. ``scatter``: of the sizes of the pack, see there."""
        size_sigma = hypot(share.size_sigma, self._voltmeter_unsure(), scatter)
        over_sigma = hypot(self._resistance.sigma(cell), RESISTANCES_DIFFER)
        weak = _below((WEAK[1] - share.size) / size_sigma)
        # Old age raises the resistance too: that is then no fault of the connection.
        lug = _below((self._excess(cell) - LUG[1]) / over_sigma) if weak < SURE else 0.0
        if not self._size_known(share):
            weak = 0.0
        leak = _below((share.loss - LEAK[1]) / share.loss_sigma) if self._loss_known(share) else 0.0
        return {
            # What leaks has fallen behind, and is no longer seen at the end of charge: that tells nothing of its size.
            HOLDS_LESS: weak if leak < LIKELY else 0.0,
            LOSES_CHARGE: leak,
            POORLY_CONNECTED: lug if self._resistance.batches >= LEAST_BATCHES else 0.0,
        }

    def _size_known(self, share: CellShare) -> bool:
        """Whether it is: both ends of this cell must have been seen, for at one end size looks like charge."""
        known = SIZE_KNOWN + KNOWN_SHARE * abs(share.size)
        return (
            self._long_enough()
            and self._fresh_span() >= LEAST_SPAN
            and share.seen_over >= SOC_BAND
            and hypot(share.size_sigma, self._voltmeter_unsure()) <= known
        )

    def _loss_known(self, share: CellShare) -> bool:
        known = LOSS_KNOWN + KNOWN_SHARE * abs(share.loss)
        return self._long_enough() and share.loss_sigma <= known

    def _long_enough(self) -> bool:
        """Whether it was watched for days, and not at one charge only: there one error looks like the next."""
        return self._charge.watched >= LEAST_DAYS and len(self._looked) >= 2

    def _shares(self) -> list[CellShare]:
        """Return what is known of each cell, its balancer's unseen doings included."""
        return self._charge.cells(self._unseen_share() if self._balancer_blind else 0.0)

    def _voltmeter_unsure(self) -> float:
        """Return what the voltmeters' differences may be worth as a size, in %.

        A size is the difference of two looks, far apart: the closer they are and the flatter the
        curve is there, the more a millivolt of one input looks like a small cell.
        """
        clear = self._fresh()
        if not (span := self._fresh_span()):
            return inf  # all looks at one charge
        low, high = min(clear), max(clear)
        unclear = hypot(clear[low], clear[high]) / BLUR  # % for each V
        return max(VOLTMETER_UNSURE, VOLTMETERS_DIFFER * unclear * 100.0 / span)

    def _fresh(self) -> dict[int, float]:
        """Return the bands of SoC that were looked at of late, and how clear (%) each look was."""
        since = self._day - LOOKS_LAST
        return {band: clear for band, (when, clear) in self._looked.items() if when >= since}

    def _fresh_span(self) -> float:
        """Return from which to which SoC there were looks of late, in %."""
        bands = self._fresh()
        return SOC_BAND * (max(bands) - min(bands)) if bands else 0.0

    def _excess(self, cell: int) -> float:
        return self._resistance.excess[cell] if self._resistance.known else 0.0

    # Week by week

    def _turn_week(self, sample: Sample) -> bool:
        """Keep a line of each week that is over; True: a new one begins."""
        if not sample.clock_trusted:
            return False
        week = (sample.taken_at.toordinal() - FIRST_WEEK) // 7
        if self._week is not None and week > self._week and self._charge.looks:
            shares = self._shares()
            line = Week(
                week=self._week,
                temperature=self._resistance.band,
                micro_ohms=[round(1e6 * each) for each in self._resistance.ohms],
                sizes=[round(share.size, 1) for share in shares],
                losses=[round(30.0 * share.loss, 1) for share in shares],
                learned_ah=None if self.learned_ah is None else round(self.learned_ah, 1),
            )
            oldest, single = self._week - WEEKS_KEPT, self._week - WEEKS_SINGLE
            kept = [w for w in self._weeks if w.week > single or (w.week > oldest and w.week % 4 == 0)]
            self._weeks = [*kept, line]
        if self._week is None or week > self._week or week < self._week - 1:
            self._week = week
            return True
        return False

    def _resistance_trend(self, cell: int) -> float | None:
        """Change of its resistance in the present band of temperature, in % a week."""
        band = self._resistance.band
        points = [
            (week.week, week.micro_ohms[cell])
            for week in self._weeks
            if week.micro_ohms and week.temperature == band
        ]
        if len(points) < TREND_WEEKS:
            return None
        x = sum(each[0] for each in points) / len(points)
        y = sum(each[1] for each in points) / len(points)
        spread = sum((each[0] - x) ** 2 for each in points)
        return 100.0 * sum((each[0] - x) * (each[1] - y) for each in points) / spread / y


def stored_report(state: Mapping[str, Any], learnt: Mapping[str, Mapping[str, Any]]) -> HealthReport:
    """Return what a stored state knows. Raises KeyError, TypeError or ValueError when it is none."""
    health = Health(CHEMISTRIES["lfp"])  # the curve matters only to what is yet to be seen
    health.restore(state, learnt)
    return health.report()


def _scatter(shares: Sequence[CellShare]) -> float:
    """Return by how much (%, 1 sigma) the sizes of a pack's cells differ beyond what cells do.

    Most cells of a pack are alike; where half of them seem to differ, it is the reading. Weak cells among them count
    little: it is taken from the middle of the differences.
    """
    if not shares:
        return 0.0
    usual = median(share.size for share in shares)
    seen = 1.4826 * median(abs(share.size - usual) for share in shares)
    return sqrt(max(0.0, seen * seen - SIZES_DIFFER * SIZES_DIFFER))


def _below(sigmas: float) -> float:
    """Chance of a normal variable to lie below so many standard deviations."""
    return 0.5 * (1.0 + erf(sigmas / sqrt(2.0)))
