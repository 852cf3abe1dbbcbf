"""State of charge by counting, and how sure it is.

Every frame's current is integrated over the real time. What that leaves open (what the sensor does
wrong, what the cells really hold, which curve they follow, where the counting began) is held as a sum
of hypotheses (hypotheses.py); full packs and voltages narrow them. The result is a value with a band
that should hold the truth 95 % of the time, and a reason whenever the value jumps.

Each frame costs additions only; voltages are summed up every TICK and weighed every WEIGH seconds.
"""

from collections.abc import Iterable, Mapping
from math import exp, isfinite, sqrt
from typing import Any, NamedTuple

from jk_bms.battery.anchors import FullWatch
from jk_bms.battery.chemistry import Chemistry
from jk_bms.battery.hypotheses import (
    CHARGE,
    FLANK,
    FLANK_WRONG,
    GAIN,
    IDLE,
    LEAST_EFFECT,
    OFFSET,
    SHIFT,
    STEP,
    STEP_WRONG,
    TRUST,
    Belief,
    Hypothesis,
    Sensor,
    VoltageTable,
    believed,
    quantiles,
    thinned,
)
from jk_bms.battery.limits import PackLimits, capacity_of, is_other_capacity
from jk_bms.battery.ohmic import STEP_TIME, Ohmic
from jk_bms.model import Sample

VERSION = 2  # of the state

GAP = 120.0  # s: longer without a sample, and the BMS's own counter knows better
TICK = 5.0  # s between two looks at the cells
WEIGH = 300.0  # s between two weighings of their voltage
JUMP = 1.0  # %: a change as large has a reason
LOW_END, HIGH_END = 0.02, 0.98  # of the sum of hypotheses: the ends of the band
UNANCHORED = 3.5  # %, 1 sigma: before an anchor all hangs on curves, and none need be that of these cells

# What may be wrong at first: weight, gain, and sd of the offset in A + A for each Ah.
SENSORS = (
    (0.40, Belief(0.02, 0.05), (0.06, 0.0005)),
    (0.18, Belief(0.14, 0.06), (0.06, 0.0005)),
    (0.17, Belief(0.28, 0.07), (0.06, 0.0005)),
    (0.10, Belief(-0.09, 0.05), (0.06, 0.0005)),
    (0.05, Belief(-0.20, 0.08), (0.06, 0.0005)),  # declared much too small
    (0.15, Belief(0.03, 0.06), (0.10, 0.0030)),
    (0.08, Belief(0.17, 0.08), (0.10, 0.0030)),
)
IDLE_WRONG = 0.08, 0.0004  # A, and A for each Ah
SHIFTS = ((0.0, 1.5), (-0.015, 1.0), (0.015, 1.0))  # V, weight
SHIFT_WRONG = 0.012  # V, sd around each
STARTS = ((20.0, 14.0, 0.17), (48.0, 14.0, 0.17), (78.0, 14.0, 0.17))  # %, sd, weight
BMS_WRONG, BMS_WEIGHT = 8.0, 0.5  # %: the value of a BMS we have just met
USUAL_CURVE = 2.0  # times as likely as another
MOST_BEFORE, MOST_AFTER = 80, 36  # hypotheses kept before and after an anchor

# How the numbers wander.
CHARGE_A_DAY, CHARGE_MOVED = 0.4, 0.003  # %² a day, %² for each % moved
WARMTH = 0.25, 8.0  # share of an offset that changes with warmth, for how many hours alike
SENSOR_A_DAY = 0.00012  # A for each Ah ...
SENSOR_MOST = 0.1, 0.003  # ... and the most in all, A and A for each Ah: that of a bad sensor
GAIN_A_DAY = 0.003
SHIFT_MOVED, SHIFT_A_DAY, SHIFT_MOST = 2e-6, 0.0025, 0.020  # V² for each %, V a day, V
FLANK_MOVED, STEP_MOVED = 0.02, 0.04  # %² for each % moved

CALM = 0.15  # C: beyond, the voltage is not asked
CURVE_WRONG = 0.014, 0.016  # V: no curve fits a cell better; after an anchor, before
VOLT_NOISE = 0.002  # V
SLOW, SLOW_LAG, SLOW_DOUBT = 0.04, 1500.0, 0.7  # Ohm x Ah, s, share that may be wrong
HYSTERESIS, SETTLES = 0.004, 5.0  # V to either side, % of throughput for most of a change
FADES = 8.0  # % moved until a look at a voltage is another one
LEAST_NEWS = 0.15  # share of a look that must be new
RELAXES = 0.008  # V that cells at rest still move
SHOWN = 0.03  # V: cells that stand so far from where they were looked at are at another charge, whatever was counted
OUT_OF_REACH = 0.045  # V by which no curve and no voltmeter is off: a count beyond is wrong

BEYOND, BEYOND_SIGMA = 0.8, 0.6  # %: charge that far past an end is drawn back
DOUBTED, DOUBTED_MOST = 2.0, 40.0  # times the square that it went beyond unseen is doubt; %: the most
FULL_SURER = 0.75  # a second look at one full pack counts if its sd is below this times the first's
STAY_ENDS = 2.0  # % moved below full
KNOWN_EMPTY = 10.0  # %: cells that show a charge surely below that are as good as an anchor
WELL_KNOWN = 0.025  # sd of the gain from which on the capacity counts as learned

LOST_PER_HOUR = 8.0  # % that a house may move in an unseen hour ...
LOST_MOST = 35.0  # ... and in any number of them
BRIDGE_SIGMA, BRIDGE_SHARE = 0.5, 0.02  # of the BMS's difference: %, and share of it
SET_ANEW = 0.6  # of what we differ from the BMS is our doubt after an hour unseen ...
SET_BACK = 0.25  # ... but no more than what it moved, and this share of what may have flowed against that
END_SIGMA = 2.0  # %: a counter at its end, at best
SET_WRONG = 13.0  # %: a counter that was set anew
ENDS = 0.004  # of the capacity: a counter this near its ends was perhaps set, not counted
FASTEST = 1.0  # C: no difference is counted faster
SHORT = 900.0  # s: after a gap as short the cells are looked at as ever
LONGEST_TAUGHT = 7 * 24.0  # h: what went wrong in a longer time unseen has more reasons than the sensor


# What the state holds, by the names of the attributes.
NUMBERS = (
    "anchor_age", "capacity", "current", "volts", "remaining", "ah", "active", "idle",
    "since_tick", "since_weighing", "ticks", "mean_sum", "drop_sum", "slow_sum",
    "slow", "rested", "side", "seen", "full_sigma", "stay", "seen_at", "seen_doubt", "walked", "unseen",
    "gaps",
)  # fmt: skip
MAYBE = frozenset({"anchor_age", "capacity", "current", "volts", "remaining", "full_sigma", "seen_at"})
LATER = {
    "seen_at": None,
    "seen_doubt": 0.0,
    "walked": 0.0,
    "unseen": 0.0,
    "gaps": 0.0,
}  # older states do not have them
OHMIC_NUMBERS = ("at_25", "steps", "lagged", "warmth")
FULL_NUMBERS = ("charged_for", "held_for")


class SocEstimate(NamedTuple):
    """What a sample is worth. In % unless it says otherwise."""

    value: float
    low: float
    high: float
    anchor: str | None  # kind of the last one: full, empty; None = none yet
    anchor_age: float | None  # s
    capacity_ah: float | None  # as this sensor counts it; None = not learned yet
    jump: str | None  # why the value is not where counting had led it


class Grounds(NamedTuple):
    """What a charge is counted by: the estimate, and what is believed of sensor, pack and cells."""

    estimate: SocEstimate
    offset: Belief  # A that the sensor reads too much
    idle: Belief  # A that flow while it reads 0
    capacity: Belief  # Ah, as this sensor counts them
    shift: Belief  # V by which the cells lie above the curve of their kind


class SocCounter:
    """Count the charge of one pack.

    ``nominal_ah`` is the capacity in use; ``rescaled`` says that it became another one and what that
    did to the charge, until the caller takes it away.
    """

    def __init__(self, chemistry: Chemistry, *, nominal_ah: float | None) -> None:
        """``nominal_ah``: as sold; ``None``: taken from the BMS's settings or its samples."""
        self.rescaled: str | None = None
        self._chemistry = chemistry
        self._tables = [VoltageTable(curve) for curve in (chemistry.ocv, *chemistry.others)]
        self._owners = self._nominal = nominal_ah if nominal_ah and nominal_ah > 0.0 else None
        self._full_watch = FullWatch(chemistry)
        self._beliefs: list[Hypothesis] = []
        self._ohmic = Ohmic(chemistry, self._nominal or 100.0)
        self._anchor: str | None = None
        self._anchor_age: float | None = None
        self._capacity: float | None = None
        # The sample before.
        self._current: float | None = None
        self._volts: float | None = None
        self._remaining: float | None = None
        # Counted, but not yet in the hypotheses.
        self._ah = self._active = self._idle = 0.0  # Ah, h, h
        self._since_tick = self._since_weighing = 0.0  # s
        self._ticks = 0
        self._mean_sum = self._drop_sum = self._slow_sum = 0.0  # V
        self._rested = 0.0  # V, the mean cell at the last look, without its drops; 0: not looked at yet
        self._slow = 0.0  # A, the current of the last SLOW_LAG
        self._side = 0.0  # of the hysteresis: 1 after charging, -1 after discharging
        self._seen = 0.0  # 1/V²: how sharply the voltage has been looked at around here
        self._seen_at: float | None = None  # V that were seen then ...
        self._seen_doubt = 0.0  # ... V that the drops may have been wrong by
        self._walked = self._unseen = (
            0.0  # % counted since, and % that may have moved without being counted ...
        )
        self._gaps = 0.0  # ... or in gaps, 1 sigma
        self._full_sigma: float | None = None  # %: of the full pack that is being looked at
        self._stay = 0.0  # % moved since it was full
        # Value, and how it goes on per Ah, active hour and idle hour; ends of the band.
        self._line = (0.0, 0.0, 0.0, 0.0)
        self._band = (0.0, 0.0)
        self._fresh = False

    def limits(self, limits: PackLimits) -> None:
        """Take over what the BMS's settings say."""
        self._full_watch.limits(limits)
        if self._owners is None and (told := capacity_of(limits.nominal_ah)):
            self._use_nominal(told)

    @property
    def nominal_ah(self) -> float | None:
        """The capacity that is taken to be nominal; ``None``: not told."""
        return self._nominal

    def feed(self, sample: Sample, elapsed: float | None) -> SocEstimate | None:
        """Count ``sample``, ``elapsed`` s after the one before (``None``: not known).

        ``None`` when the device does not tell its current, or nothing tells its capacity.
        """
        current = sample.current
        if current is None:
            return None
        if not self._beliefs:
            return self._start(sample, current)
        jump = None
        cells = sample.cell_voltages
        volts = sample.voltage / len(cells) if sample.voltage is not None and cells else None
        before = self._current
        if elapsed is None or elapsed > GAP or elapsed < 0.0 or before is None:
            jump = self._bridge(sample, elapsed)
            if elapsed is not None and 0.0 < elapsed <= SHORT and cells:
                self._since_tick = elapsed
                jump = "; ".join(filter(None, (jump, self._look(sample, current)))) or None
        else:
            hours = elapsed / 3600.0
            self._ah += 0.5 * (before + current) * hours
            if current == 0.0:
                if before == 0.0:
                    self._idle += hours
                else:
                    self._idle += 0.5 * hours
                    self._active += 0.5 * hours
            elif before == 0.0:
                self._idle += 0.5 * hours
                self._active += 0.5 * hours
            else:
                self._active += hours
            ohmic = self._ohmic
            ohmic.flow(elapsed, current)
            self._slow += (current - self._slow) * elapsed / (SLOW_LAG + elapsed)
            if self._anchor_age is not None:
                self._anchor_age += elapsed
            amps = current - before
            if (amps > ohmic.step or amps < -ohmic.step) and volts and self._volts and elapsed < STEP_TIME:
                ohmic.stepped(amps, volts - self._volts)
            self._since_tick += elapsed
            if self._since_tick >= TICK and cells:
                jump = self._look(sample, current)
        self._current, self._volts = current, volts
        if sample.remaining_ah is not None:
            self._remaining = sample.remaining_ah
        return self._estimate(jump)

    def grounds(self) -> Grounds | None:
        """Return what the charge is counted by, for a person who asks why; None: nothing was counted yet."""
        if not self._beliefs:
            return None
        _, offset, idle, gain, shift, *_ = believed(self._beliefs)
        effective = max(LEAST_EFFECT, 1.0 + gain.mean)
        capacity = (self._nominal or 100.0) / effective
        return Grounds(
            self._estimate(None), offset, idle, Belief(capacity, capacity * gain.sigma / effective), shift
        )

    def state(self) -> dict[str, Any]:
        """Return what changes from sample to sample, in plain JSON values."""
        return {
            "version": VERSION,
            "nominal_ah": self._nominal,
            "anchor": self._anchor,
            "numbers": {name: getattr(self, f"_{name}") for name in NUMBERS},
            "ohmic": {name: getattr(self._ohmic, name) for name in OHMIC_NUMBERS},
            "full": {name: getattr(self._full_watch, name) for name in FULL_NUMBERS},
        }

    def learnt(self) -> dict[str, Any]:
        """Return the hypotheses: as of the same moment as ``state()``, but they change every WEIGH s only."""
        if self._beliefs and not self._fresh:
            self._draw_line()
        return {"hypotheses": [each.state() for each in self._beliefs]}

    def restore(self, state: Mapping[str, Any], learnt: Mapping[str, Any]) -> None:
        """Go on where both were taken. Raises ValueError, and changes nothing, when they are damaged."""
        try:
            if state["version"] == 1:
                state, learnt = self._of_version_1(state)
            beliefs = self._restored(state, learnt)
            numbers = {**LATER, **state["numbers"]}
            for name in NUMBERS:
                if _number(numbers[name]) is None and name not in MAYBE:
                    raise ValueError(f"state of charge: numbers.{name} is missing")
            for part, names in (("ohmic", OHMIC_NUMBERS), ("full", FULL_NUMBERS)):
                for name in names:
                    if _number(state[part][name]) is None:
                        raise ValueError(f"state of charge: {part}.{name} is missing")
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"state of charge: not a state of this counter: {error!r}") from error
        self._beliefs = beliefs
        self._nominal = _number(state["nominal_ah"])
        self._anchor = state["anchor"]
        self._ohmic = Ohmic(self._chemistry, self._nominal or 100.0)
        for name in NUMBERS:
            setattr(self, f"_{name}", _number(numbers[name]))
        for name in OHMIC_NUMBERS:
            setattr(self._ohmic, name, state["ohmic"][name])
        for name in FULL_NUMBERS:
            setattr(self._full_watch, name, state["full"][name])
        self._fresh = False
        if self._owners is not None:
            self._use_nominal(self._owners)

    def _of_version_1(self, state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a counter with one belief of five numbers knew, as state and hypotheses of seven."""
        old, numbers = state["belief"], state["numbers"]
        beliefs: list[Any] = []
        if old is not None:
            charge, offset, idle, gain, _ = old["mean"]
            sds = [sqrt(max(0.0, old["cov"][i * (i + 3) // 2])) for i in range(5)]
            sensor = Sensor(
                1.0, Belief(gain, max(0.02, sds[3])), Belief(offset, sds[1]), Belief(idle, sds[2])
            )
            spread = self._spread([(charge, max(1.0, 1.5 * sds[0]), 1.0)])
            beliefs = [each.with_sensor(sensor).state() for each in spread]
        fresh = {name: getattr(self, f"_{name}") for name in NUMBERS}
        kept = {name: value for name, value in numbers.items() if name in fresh}
        for name in ("since_weighing", "ticks", "mean_sum", "drop_sum"):
            kept.pop(name, None)  # were summed up otherwise
        now = {"version": VERSION, "numbers": {**fresh, **kept}, "full": dict.fromkeys(FULL_NUMBERS, 0.0)}
        return {**state, **now}, {"hypotheses": beliefs}

    def _restored(self, state: Mapping[str, Any], learnt: Mapping[str, Any]) -> list[Hypothesis]:
        if state["version"] != VERSION:
            raise ValueError(f"state of charge: state has version {state['version']!r}; expected {VERSION}")
        if state["anchor"] not in (None, "full", "empty"):
            raise ValueError(f"state of charge: anchor is {state['anchor']!r}")
        beliefs = [Hypothesis.restored(each) for each in learnt["hypotheses"]]
        nominal = _number(state["nominal_ah"])
        if beliefs and (not nominal or nominal <= 0.0):
            raise ValueError(f"state of charge: nominal_ah is {nominal!r}")
        # A curve that is no longer in the list (the owner gave his own) is read as the first.
        for each in beliefs:
            if each.curve >= len(self._tables):
                each.curve = 0
        return beliefs

    def _use_nominal(self, nominal: float) -> None:
        """Count on with another nominal capacity, when it is one: it has been corrected."""
        known = self._nominal
        if known is not None and not is_other_capacity(nominal, known):
            return
        self._settle()
        self._nominal = nominal
        if known is None or not self._beliefs:
            return
        learned, self._ohmic = self._ohmic, Ohmic(self._chemistry, nominal)
        for name in OHMIC_NUMBERS if learned.steps else ("lagged", "warmth"):
            setattr(self._ohmic, name, getattr(learned, name))
        before = self._value()
        for each in self._beliefs:
            each.rescale(100.0 / known, 100.0 / nominal, SENSORS[0][1])
        self._learn_capacity()
        self._fresh = False
        self.rescaled = f"capacity of {known:g} Ah corrected to {nominal:g} Ah: {before:.1f} % became {self._value():.1f} %"

    def _start(self, sample: Sample, current: float) -> SocEstimate | None:
        nominal = self._nominal or sample.full_ah
        if not nominal:
            return None
        self._nominal = nominal
        self._ohmic = Ohmic(self._chemistry, nominal)
        told = sample.soc if sample.soc is not None and 0.0 <= sample.soc <= 100.0 else None
        starts = [*STARTS, *([] if told is None else [(told, BMS_WRONG, BMS_WEIGHT)])]
        self._beliefs = self._spread(starts)
        cells = sample.cell_voltages
        self._ohmic.temperature(sample.temperature)
        self._ohmic.lagged = self._slow = current
        if cells:
            self._sum_up(cells, current)
            self._weigh(current)
        # A voltage says nothing of the sensor: what that may do wrong comes in afterwards.
        idle = IDLE_WRONG[0] + IDLE_WRONG[1] * nominal
        sensors = [
            Sensor(weight, gain, Belief(0.0, a + b * nominal), Belief(0.0, idle))
            for weight, gain, (a, b) in SENSORS
        ]
        self._beliefs = [each.with_sensor(one) for each in self._beliefs for one in sensors]
        self._thin()
        self._current = current
        self._volts = sample.voltage / len(cells) if sample.voltage is not None and cells else None
        self._remaining = sample.remaining_ah
        return self._estimate("first sample: no anchor yet")

    def _spread(self, starts: Iterable[tuple[float, float, float]]) -> list[Hypothesis]:
        """Return a hypothesis for each curve, shift and start: %, its standard deviation, weight."""
        vary, bent = self._chemistry.vary, self._chemistry.bent
        return [
            Hypothesis.of(
                curve,
                (USUAL_CURVE if curve == 0 else 1.0) * shift_weight * start_weight,
                {CHARGE: charge, SHIFT: shift * vary},
                {
                    CHARGE: charge_sd,
                    SHIFT: SHIFT_WRONG * vary,
                    FLANK: FLANK_WRONG * bent,
                    STEP: STEP_WRONG * bent,
                },
            )
            for curve in range(len(self._tables))
            for shift, shift_weight in SHIFTS
            for charge, charge_sd, start_weight in starts
        ]

    def _estimate(self, jump: str | None) -> SocEstimate:
        if not self._fresh:
            self._draw_line()
        charge, per_ah, active, idle = self._line
        moved = per_ah * self._ah + active * self._active + idle * self._idle
        value = charge + moved
        low, high = self._band[0] + moved, self._band[1] + moved
        return SocEstimate(
            0.0 if value < 0.0 else 100.0 if value > 100.0 else value,
            0.0 if low < 0.0 else 98.0 if low > 98.0 else low,
            100.0 if high > 100.0 else 2.0 if high < 2.0 else high,
            self._anchor,
            self._anchor_age,
            self._capacity,
            jump,
        )

    def _draw_line(self) -> None:
        """Work out the value, the band, and how they go on until the next settling."""
        for each in self._beliefs:
            each.round()
        nominal = 100.0 / (self._nominal or 100.0)
        charge = per_ah = active = idle = 0.0
        for w, each in self._weighted():
            mean = each.mean
            effect = w * nominal * max(LEAST_EFFECT, 1.0 + mean[GAIN])
            charge += w * mean[CHARGE]
            per_ah += effect
            active -= effect * mean[OFFSET]
            idle += effect * mean[IDLE]
        surest = self._chemistry.surest
        if self._anchor is None:
            surest = max(surest, UNANCHORED * self._chemistry.bent)
        low, high = self._ends(surest)
        self._line = charge, per_ah, active, idle
        self._band = min(charge, low), max(charge, high)
        self._fresh = True

    def _weighted(self) -> list[tuple[float, Hypothesis]]:
        """Each hypothesis with its share of all weight."""
        weights = [exp(each.log) for each in self._beliefs]
        total = sum(weights)
        return [(w / total, each) for w, each in zip(weights, self._beliefs, strict=True)]

    def _ends(self, surest: float) -> tuple[float, float]:
        """Return between which charges, in %, most of the weight lies, if none is surer than ``surest`` (1 sigma)."""
        least = surest * surest
        parts = [
            (w, each.mean[CHARGE], sqrt(each.cov[CHARGE][CHARGE] + least)) for w, each in self._weighted()
        ]
        return quantiles(parts, LOW_END, HIGH_END)

    def _value(self) -> float:
        """The charge as it is shown."""
        return self._estimate(None).value

    def _look(self, sample: Sample, current: float) -> str | None:
        """Look at the cells; return the reason when the value jumped."""
        dt, self._since_tick = self._since_tick, 0.0
        self._since_weighing += dt
        cells = sample.cell_voltages
        rested = self._sum_up(cells, current)
        mean = sum(cells) / len(cells)
        nominal = self._nominal or 100.0
        found = self._full_watch.full(dt, current / nominal, mean, rested, max(cells), sample.charge_enabled)
        if found is not None:
            return self._full(*found, f"cells at {mean:.3f} V with {current:.1f} A")
        if self._full_sigma is not None and self._stay > STAY_ENDS and mean < self._chemistry.left:
            self._full_sigma = None
        if self._since_weighing < WEIGH:
            return None
        self._ohmic.temperature(sample.temperature)
        before = self._value()
        self._settle()
        self._weigh(current)
        jump = _jump(before, self._value(), "cell voltage")
        self._name_empty()
        return jump

    def _sum_up(self, cells: tuple[float, ...], current: float) -> float:
        """Add a look at the cells; return what the mean one would show at rest, in V."""
        drop = self._ohmic.drop(current)
        slow = SLOW / (self._nominal or 100.0) * self._ohmic.warmth * self._slow
        rested = self._rested = sum(cells) / len(cells) - drop - slow - HYSTERESIS * self._side
        self._ticks += 1
        self._mean_sum += rested
        self._drop_sum += abs(drop)
        self._slow_sum += abs(slow)
        return rested

    def _settle(self) -> None:
        """Put what was counted into the hypotheses."""
        if not self._beliefs:
            return
        hours, ah = self._active + self._idle, self._ah
        per_ah = 100.0 / (self._nominal or 100.0)
        for each in self._beliefs:
            before = each.mean[CHARGE]
            each.count(per_ah, ah, self._active, self._idle)
            self._wander(each, hours, abs(each.mean[CHARGE] - before))
            self._draw_back(each)
        self._ah = self._active = self._idle = 0.0
        self._moved_by(per_ah * ah)
        self._unseen += self._below_sight(hours)
        self._fresh = False

    def _draw_back(self, each: Hypothesis) -> None:
        """No pack holds more than full or less than empty: draw a count back that went beyond.

        Where the cells do not look it, it is the count that is wrong, and by more than it went beyond.
        """
        charge = each.mean[CHARGE]
        end = 100.0 + BEYOND if charge > 100.0 + BEYOND else -BEYOND if charge < -BEYOND else None
        if end is None:
            return
        before = each.cov[CHARGE][CHARGE]
        each.log -= TRUST * min(8.0, 0.5 * (charge - end) ** 2 / (before + BEYOND_SIGMA**2))
        if charge > end and self._full_sigma is not None:
            each.measure(end, BEYOND_SIGMA**2)
            return
        # That the count is wrong is all that is known, not that the pack is at its end.
        each.move(end)
        if charge > end or not self._looks_empty():
            each.widen(CHARGE, DOUBTED * (charge - end) ** 2, DOUBTED_MOST**2)

    def _below_sight(self, hours: float) -> float:
        """How much, in %, may have flowed in that time without a sensor that shows it."""
        nominal = self._nominal or 100.0
        return 100.0 / nominal * (IDLE_WRONG[0] + IDLE_WRONG[1] * nominal) * hours

    def _looks_empty(self) -> bool:
        """Whether the mean cell, at its last look, was as low as on the flank at which a pack ends."""
        kind = self._chemistry
        return 0.0 < self._rested < kind.ocv.ocv(kind.knee)

    def _moved_by(self, moved: float) -> None:
        """Forget what was seen at another charge."""
        self._walked += abs(moved)
        self._seen *= exp(-abs(moved) / FADES)
        self._stay += abs(moved)
        if moved:
            self._side += ((1.0 if moved > 0.0 else -1.0) - self._side) * (1.0 - exp(-abs(moved) / SETTLES))

    def _wander(self, each: Hypothesis, hours: float, moved: float) -> None:
        nominal = self._nominal or 100.0
        days, bent = hours / 24.0, self._chemistry.bent
        warm = WARMTH[0] * each.mean[OFFSET] * 100.0 / nominal
        each.widen(CHARGE, CHARGE_A_DAY * days + CHARGE_MOVED * moved + warm * warm * WARMTH[1] * hours)
        sensor = (SENSOR_A_DAY * nominal) ** 2 * days
        each.widen(OFFSET, sensor, (SENSOR_MOST[0] + SENSOR_MOST[1] * nominal) ** 2)
        each.widen(IDLE, sensor, (IDLE_WRONG[0] + IDLE_WRONG[1] * nominal) ** 2)
        each.widen(GAIN, GAIN_A_DAY**2 * days)
        each.widen(
            SHIFT, SHIFT_MOVED * moved + SHIFT_A_DAY**2 * days, (SHIFT_MOST * self._chemistry.vary) ** 2
        )
        each.widen(FLANK, FLANK_MOVED * moved, (FLANK_WRONG * bent) ** 2)
        each.widen(STEP, STEP_MOVED * moved, (STEP_WRONG * bent) ** 2)

    def _weigh(self, current: float) -> None:
        """Let the voltages since the last time say what is new in them."""
        ticks, self._ticks = self._ticks, 0
        self._since_weighing = 0.0
        volts, drop, slow = self._mean_sum / ticks, self._drop_sum / ticks, self._slow_sum / ticks
        self._mean_sum = self._drop_sum = self._slow_sum = 0.0
        if abs(current) > CALM * (self._nominal or 100.0):
            return
        wrong = CURVE_WRONG[self._anchor is None] * self._chemistry.vary
        doubt = self._ohmic.doubt * drop + SLOW_DOUBT * slow
        variance = wrong**2 + VOLT_NOISE**2 + doubt**2
        self._seen *= exp(-self._shown_elsewhere(volts, doubt) / FADES)
        self._reach(volts, doubt)
        share = 1.0 - self._seen * variance
        if share < LEAST_NEWS:
            return
        self._seen, self._seen_at, self._seen_doubt = 1.0 / variance, volts, doubt
        self._walked = self._unseen = self._gaps = 0.0
        for each in self._beliefs:
            table, at = self._tables[each.curve], each.mean[CHARGE]
            sideways = 1.5 if at < self._chemistry.knee else 0.35 if at > 96.0 else 3.0
            each.log += TRUST * each.weigh(volts, table, variance / share, sideways)
        self._thin()

    def _shown_elsewhere(self, volts: float, doubt: float) -> float:
        """How far, in %, the charge has moved since the last look without being counted, by what the cells show.

        A little is of cells that come to rest, and somewhat more no further than what may have flowed unseen.
        """
        if self._seen_at is None:
            return 0.0
        curve = self._chemistry.ocv
        moved = max(0.0, abs(curve.soc(volts) - curve.soc(self._seen_at)) - self._walked)
        apart, vary = abs(volts - self._seen_at), self._chemistry.vary
        if apart <= RELAXES * vary:
            return 0.0
        surely = apart - 2.0 * (doubt + self._seen_doubt) > SHOWN * vary
        return moved if surely else min(moved, self._unseen)

    def _reach(self, volts: float, doubt: float) -> None:
        """Be unsure of a count that no cell at ``volts`` V can have, whoever made it: a sensor may have died."""
        kind = self._chemistry
        off = OUT_OF_REACH * kind.vary + 2.0 * doubt
        curves = (kind.ocv, *kind.others)
        least = min(curve.soc(volts - off) for curve in curves)
        most = max(curve.soc(volts + off) for curve in curves)
        low, high = self._ends(kind.surest)
        if low <= most and high >= least:
            return
        for each in self._beliefs:
            charge = each.mean[CHARGE]
            each.widen(CHARGE, min(DOUBTED_MOST, max(least - charge, charge - most, 0.0)) ** 2)
        self._seen = 0.0
        self._fresh = False

    def _thin(self) -> None:
        self._beliefs = thinned(self._beliefs, MOST_BEFORE if self._anchor is None else MOST_AFTER)
        self._fresh = False

    def _full(self, charge: float, sigma: float, why: str) -> str | None:
        """Take in a full pack, if it says more than what was already seen of this one."""
        if self._full_sigma is not None and sigma > FULL_SURER * self._full_sigma:
            return None
        before = self._value()
        self._settle()
        for each in self._beliefs:
            each.log += TRUST * each.measure(charge, sigma * sigma)
        self._full_sigma, self._stay = sigma, 0.0
        self._anchor, self._anchor_age = "full", 0.0
        self._thin()
        self._learn_capacity()
        return _jump(before, self._value(), f"full: {why}")

    def _name_empty(self) -> None:
        """Call it an anchor that a pack shows itself empty: on the steep flank all curves agree on that."""
        if not self._looks_empty() or self._ends(self._chemistry.surest)[1] > KNOWN_EMPTY:
            return
        if self._anchor != "empty" or (self._anchor_age or 0.0) > 6 * 3600.0:
            self._anchor, self._anchor_age = "empty", 0.0
            self._fresh = False
            self._learn_capacity()

    def _learn_capacity(self) -> None:
        """Say what the pack holds once the hypotheses agree on it."""
        gain = believed(self._beliefs)[GAIN]
        known = gain.sigma < WELL_KNOWN
        self._capacity = (self._nominal or 100.0) / max(LEAST_EFFECT, 1.0 + gain.mean) if known else None

    def _bridge(self, sample: Sample, elapsed: float | None) -> str | None:
        """Get over a time without samples by the BMS's own counter, or be less sure."""
        before = self._value()
        self._settle()
        known = elapsed is not None and elapsed >= 0.0
        hours = elapsed / 3600.0 if elapsed is not None and known else 24.0
        nominal = self._nominal or 100.0
        per_ah = 100.0 / nominal
        shown = f"{hours:.1f} h" if hours >= 1.0 else f"{60.0 * hours:.0f} min"
        unseen = f"{shown} unseen" if known else "unknown time unseen"
        lost = min(LOST_MOST, LOST_PER_HOUR * hours)
        remaining = sample.remaining_ah or 0.0
        moved = None
        if self._remaining is not None and sample.remaining_ah is not None:
            moved = remaining - self._remaining
        full = sample.full_ah or nominal
        if moved is None:
            why = f"{unseen}: the BMS counts nothing"
            unsure = lost
            for each in self._beliefs:
                each.widen(CHARGE, lost**2)
        elif not self._counted(moved, remaining, full, hours):
            # Set at an end or by its protection: then it knows better than what we had.
            why = f"{unseen}: the BMS's counter was perhaps set anew"
            wrong, unsure = SET_WRONG, lost
            if abs(moved) <= FASTEST * full * hours:
                # It went to an end and may have stopped there: one that agreed with us is as good as we were.
                apart = abs(100.0 * (self._remaining or 0.0) / full - before)
                wrong = min(wrong, max(END_SIGMA, apart + 0.25 * (self._band[1] - self._band[0])))
            for each in self._beliefs:
                each.widen(CHARGE, LOST_MOST**2)
                each.log += TRUST * each.measure(100.0 * remaining / full, wrong**2)
        else:
            why = f"{unseen}: bridged by the BMS's counter, {moved:+.1f} Ah"
            # Where we differ from it, it may have been set in between, and have counted on.
            apart = 100.0 * (self._remaining or 0.0) / full - before
            taught = min(LONGEST_TAUGHT, hours)
            sigma = BRIDGE_SIGMA * sqrt(min(1.0, hours)) + BRIDGE_SHARE * per_ah * abs(moved)
            set_anew = SET_ANEW * abs(apart) * min(1.0, hours)
            # What stands where it stood was set only if as much flowed the other way.
            set_anew = min(set_anew, per_ah * abs(moved) + SET_BACK * lost)
            unsure = sqrt(sigma**2 + set_anew**2) + self._below_sight(hours)
            for each in self._beliefs:
                each.count(per_ah, moved, taught if known else 0.0, 0.0)
                drift = sqrt(each.cov[OFFSET][OFFSET] + each.mean[OFFSET] ** 2) * per_ah
                each.widen(CHARGE, min(LOST_MOST, drift * (hours - taught)) ** 2)
                each.widen(CHARGE, sigma**2 + set_anew**2)
        for each in self._beliefs:
            self._wander(each, min(LONGEST_TAUGHT, hours), abs(per_ah * (moved or 0.0)))
            each.mean[CHARGE] = min(100.0, max(0.0, each.mean[CHARGE]))
        self._moved_by(per_ah * (moved or 0.0))
        # A look at a charge at which it still is stays one look.
        # Gaps err to both sides, so that many short ones are less than their sum.
        before_gap, self._gaps = self._gaps, sqrt(self._gaps**2 + unsure**2)
        self._seen *= exp(-(self._gaps - before_gap) / FADES)
        self._stay += self._gaps - before_gap
        if self._stay > STAY_ENDS:
            self._full_sigma = None
        if self._anchor_age is not None and known:
            self._anchor_age += elapsed or 0.0
        # What the cells showed before is no part of what they show now.
        self._ticks = 0
        self._mean_sum = self._drop_sum = self._slow_sum = 0.0
        if not known or hours * 3600.0 > SHORT:
            self._since_weighing = 0.0
            self._full_watch.charged_for = self._full_watch.held_for = 0.0
        if sample.current is not None:
            self._ohmic.lagged = self._slow = sample.current
        self._since_tick = 0.0
        self._thin()
        return _jump(before, self._value(), why)

    @staticmethod
    def _counted(moved: float, remaining: float, full: float, hours: float) -> bool:
        """Whether ``moved`` Ah were counted, as far as one can tell, and not set."""
        if abs(moved) > FASTEST * full * hours:
            return False
        at_end = remaining >= full * (1.0 - ENDS) or remaining <= full * ENDS
        return not at_end or abs(moved) <= ENDS * full


def _number(value: Any) -> float | None:
    """``value`` if it is a finite number or None, else ValueError; integers stay such."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"state of charge: {value!r} is no finite number")
    return value


def _jump(before: float, after: float, why: str) -> str | None:
    if abs(after - before) < JUMP:
        return None
    return f"{why}: {before:.1f} % became {after:.1f} %"
