"""State of charge by counting, and how sure it is.

Every frame's current is integrated over the real time. What the sensor does wrong (offset, dead
band, gain) is learned whenever the charge is known: at a full or an empty pack. In between, and
before the first of them, the voltage says as much as a curve can say: a lot where it is steep,
next to nothing on a plateau. The result is a value with a band that should hold the truth 95 % of
the time, and a reason whenever the value jumps.

Each frame costs additions only; voltages are looked at every TICK and weighed every WEIGH seconds.
"""

from math import isfinite
from typing import Any, NamedTuple

from jk_bms.battery.anchors import Anchors
from jk_bms.battery.belief import CHARGE, FAR, GAIN, IDLE, OFFSET, UNLIKE, Belief, VoltageTable
from jk_bms.battery.chemistry import Chemistry
from jk_bms.battery.limits import PackLimits, is_other_capacity
from jk_bms.battery.ohmic import STEP_TIME, Ohmic
from jk_bms.model import Sample

VERSION = 1  # of the state

GAP = 120.0  # s: longer without a sample, and the BMS's own counter knows better
TICK = 5.0  # s between two looks at the cells
WEIGH = 60.0  # s between two weighings of their voltage
JUMP = 1.0  # %: a change as large has a reason
BAND = 1.7  # standard deviations from the value to the ends of its band
BEYOND = 12.0  # %: counting may run that far past full or empty before it stops
LEAST_BAND = 1.0  # %: there is nothing better

# How wrong things may be at first, one sigma each.
BMS_WRONG = 13.0  # %: the value of a BMS we have just met
NO_IDEA = 27.0  # %: around the middle, when it says nothing
OFFSET_WRONG = 0.17, 0.0005  # A, and A for each Ah of the pack
IDLE_WRONG = 0.12, 0.0003
GAIN_WRONG = 0.04
# How they wander, per hour.
CHARGE_WANDERS = 0.05**2  # %^2
OFFSET_WANDERS = 0.02**2 / 24.0  # A^2
GAIN_WANDERS = 0.003**2 / 24.0

FULL, FULL_SIGMA = 99.7, 0.5  # %
FULL_FROM = 98.5  # %: what the curve calls that is full
EMPTY_SIGMA = 3.0  # cells differ most where they are empty
REFUSED_SIGMA = 2.0  # a single full cell ended the charge
AGAIN_WIDER = 9.0  # times the variance of an anchor that tells nothing new
CONTRADICTED = 0.2  # share: the capacity is another one when an anchor is as far from what was counted ...
COUNTED_ENOUGH = 20.0  # %: ... and that much was counted
WELL_KNOWN = 0.02  # sigma of the gain from which on the capacity counts as learned

VOLT_NOISE = 0.003  # V
SIDEWAYS = 2.0  # %: our curve may lie that far aside ...
SIDEWAYS_MOST = 0.03  # V: ... where it is steep, up to this
CURVE_SIGMA = 2.0  # %: no curve fits a cell better, so voltages alone make the count no surer ...
LOW_CURVE_SIGMA = 3.0  # %: ... and where nearly empty, makes differ most
STRANGE_MOST = 16.0  # times the variance: curves differ, but all are of one chemistry
CALM = 0.2  # C: beyond, the voltage is not asked
NEWS_AFTER, NEWS_MOVED = 6 * 3600.0, 7.0  # s or %, until another look at a voltage is news

LOST_PER_HOUR = 8.0  # % that a house may move in an unseen hour ...
LOST_MOST = 35.0  # ... and in any number of them
BRIDGE_SIGMA, BRIDGE_SHARE = 0.5, 0.02  # of the BMS's difference: %, and share of it
SET_ANEW = 0.6  # of what we differ from the BMS is our doubt after an hour unseen
END_SIGMA = 2.0  # %: a counter at its end, at best
ENDS = 0.004  # of the capacity: a counter this near its ends was perhaps set, not counted
FASTEST = 1.0  # C: no difference is counted faster
LONGEST_TAUGHT = 7 * 24.0  # h: what went wrong in a longer time unseen has more reasons than the sensor


# What the state holds, by the names of the attributes.
NUMBERS = (
    "anchor_age", "capacity", "current", "volts", "remaining", "ah", "active", "idle",
    "since_tick", "since_weighing", "moved", "ticks", "mean_sum", "lowest_sum", "drop_sum",
)  # fmt: skip
OHMIC_NUMBERS = ("at_25", "steps", "lagged", "warmth")
ANCHOR_NUMBERS = ("full_for", "empty_for")


class SocEstimate(NamedTuple):
    """What a sample is worth. In % unless it says otherwise."""

    value: float
    low: float
    high: float
    anchor: str | None  # kind of the last one: full, empty; None = none yet
    anchor_age: float | None  # s
    capacity_ah: float | None  # as this sensor counts it; None = not learned yet
    jump: str | None  # why the value is not where counting had led it


class SocCounter:
    """Count the charge of one pack.

    ``nominal_ah`` is the capacity in use; ``rescaled`` says that it became another one and what that
    did to the charge, until the caller takes it away.
    """

    def __init__(self, chemistry: Chemistry, *, nominal_ah: float | None) -> None:
        """``nominal_ah``: as sold; ``None``: taken from the BMS's settings or its samples."""
        self.rescaled: str | None = None
        self._chemistry = chemistry
        self._table = VoltageTable(chemistry.ocv)
        self._knee = chemistry.ocv.ocv(15.0)  # below, the lowest cell decides
        self._owners = self._nominal = nominal_ah if nominal_ah and nominal_ah > 0.0 else None
        self._anchors = Anchors(chemistry)
        self._belief: Belief | None = None
        self._ohmic = Ohmic(chemistry, self._nominal or 100.0)
        self._anchor: str | None = None
        self._anchor_age: float | None = None
        self._capacity: float | None = None
        # The sample before.
        self._current: float | None = None
        self._volts: float | None = None
        self._remaining: float | None = None
        # Counted, but not yet in the belief.
        self._ah = self._active = self._idle = 0.0  # Ah, h, h
        self._since_tick = self._since_weighing = 0.0  # s
        self._moved = NEWS_MOVED  # % since a voltage was last weighed: the first one is news
        self._beyond = 0.0  # % counted past BEYOND since the last anchor
        self._ticks = 0
        self._mean_sum = self._lowest_sum = self._drop_sum = 0.0  # V
        self._shown: tuple[float, float] | None = None  # value of the belief, % per Ah: made once
        self._deviation = 0.0

    def limits(self, limits: PackLimits) -> None:
        """Take over what the BMS's settings say."""
        self._anchors.limits(limits)
        if self._owners is None and limits.nominal_ah:
            self._use_nominal(limits.nominal_ah)

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
        belief = self._belief
        if belief is None:
            return self._start(sample, current)
        jump = None
        cells = sample.cell_voltages
        volts = sample.voltage / len(cells) if sample.voltage is not None and cells else None
        before = self._current
        if elapsed is None or elapsed > GAP or elapsed < 0.0 or before is None:
            jump = self._bridge(belief, sample, elapsed)
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
            if self._anchor_age is not None:
                self._anchor_age += elapsed
            amps = current - before
            if (amps > ohmic.step or amps < -ohmic.step) and volts and self._volts and elapsed < STEP_TIME:
                ohmic.stepped(amps, volts - self._volts)
            self._since_tick += elapsed
            if self._since_tick >= TICK and cells:
                jump = self._look(belief, sample, current)
        self._current, self._volts = current, volts
        if sample.remaining_ah is not None:
            self._remaining = sample.remaining_ah
        return self._estimate(belief, jump)

    def state(self) -> dict[str, Any]:
        """Everything learned and half counted, in plain JSON values."""
        return {
            "version": VERSION,
            "nominal_ah": self._nominal,
            "belief": None if self._belief is None else self._belief.state(),
            "anchor": self._anchor,
            "numbers": {name: getattr(self, f"_{name}") for name in NUMBERS},
            "beyond": self._beyond,
            "ohmic": {name: getattr(self._ohmic, name) for name in OHMIC_NUMBERS},
            "anchors": {name: getattr(self._anchors, name) for name in ANCHOR_NUMBERS},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where ``state()`` was taken. Raises ValueError, and changes nothing, when it is damaged."""
        try:
            belief = self._restored(state)
            beyond = _number(state.get("beyond")) or 0.0  # older states have none
            for name in NUMBERS:
                _number(state["numbers"][name])
            for part, names in (("ohmic", OHMIC_NUMBERS), ("anchors", ANCHOR_NUMBERS)):
                for name in names:
                    if _number(state[part][name]) is None:
                        raise ValueError(f"{part}.{name} is missing")
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"state of charge: not a state of this counter: {error!r}") from error
        self._belief = belief
        self._nominal = _number(state["nominal_ah"])
        self._anchor = state["anchor"]
        self._ohmic = Ohmic(self._chemistry, self._nominal or 100.0)
        for name in NUMBERS:
            setattr(self, f"_{name}", _number(state["numbers"][name]))
        for name in OHMIC_NUMBERS:
            setattr(self._ohmic, name, state["ohmic"][name])
        for name in ANCHOR_NUMBERS:
            setattr(self._anchors, name, state["anchors"][name])
        self._beyond = beyond
        self._shown = None
        if self._owners is not None:
            self._use_nominal(self._owners)

    def _use_nominal(self, nominal: float) -> None:
        """Count on with another nominal capacity, when it is one: the owner has corrected it."""
        known, belief = self._nominal, self._belief
        if known is not None and not is_other_capacity(nominal, known):
            return
        self._nominal = nominal
        if known is None or belief is None:
            return
        learned, self._ohmic = self._ohmic, Ohmic(self._chemistry, nominal)
        for name in OHMIC_NUMBERS if learned.steps else ("lagged", "warmth"):
            setattr(self._ohmic, name, getattr(learned, name))
        self._settle(belief)
        before = belief.mean[CHARGE]
        if not belief.rescale(100.0 / nominal, GAIN_WRONG):
            self._capacity = None
        self._shown = None
        self.rescaled = (
            f"capacity of {known:g} Ah corrected to {nominal:g} Ah: "
            f"{before:.1f} % became {belief.mean[CHARGE]:.1f} %"
        )

    @staticmethod
    def _restored(state: dict[str, Any]) -> Belief | None:
        if state["version"] != VERSION:
            raise ValueError(f"state of charge: state has version {state['version']!r}; expected {VERSION}")
        if state["anchor"] not in (None, "full", "empty"):
            raise ValueError(f"state of charge: anchor is {state['anchor']!r}")
        if state["belief"] is None:
            return None
        nominal = _number(state["nominal_ah"])
        if not nominal or nominal <= 0.0:
            raise ValueError(f"state of charge: nominal_ah is {nominal!r}")
        belief = Belief(100.0 / nominal, [0.0] * 5, [0.0] * 5)
        belief.restore(state["belief"])
        return belief

    def _start(self, sample: Sample, current: float) -> SocEstimate | None:
        nominal = self._nominal or sample.full_ah
        if not nominal:
            return None
        self._nominal = nominal
        self._ohmic = Ohmic(self._chemistry, nominal)
        told = sample.soc if sample.soc is not None and 0.0 <= sample.soc <= 100.0 else None
        belief = Belief(
            100.0 / nominal,
            [50.0 if told is None else told, 0.0, 0.0, 0.0, 0.0],
            [
                NO_IDEA if told is None else BMS_WRONG,
                OFFSET_WRONG[0] + OFFSET_WRONG[1] * nominal,
                IDLE_WRONG[0] + IDLE_WRONG[1] * nominal,
                GAIN_WRONG,
                self._chemistry.unlike,
            ],
        )
        self._belief = belief
        cells = sample.cell_voltages
        self._ohmic.temperature(sample.temperature)
        self._ohmic.lagged = current
        if cells:
            self._sum_up(cells, self._ohmic.drop(current))
            self._weigh(belief, current)
        self._current = current
        self._volts = sample.voltage / len(cells) if sample.voltage is not None and cells else None
        self._remaining = sample.remaining_ah
        return self._estimate(belief, "first sample: no anchor yet")

    def _estimate(self, belief: Belief, jump: str | None) -> SocEstimate:
        if self._shown is None:
            self._shown = belief.mean[CHARGE], belief.effective
            self._deviation = belief.deviation
        charge, per_ah = self._shown
        value = charge + per_ah * (
            self._ah - belief.mean[OFFSET] * self._active + belief.mean[IDLE] * self._idle
        )
        reach = BAND * self._deviation
        if reach < LEAST_BAND:
            reach = LEAST_BAND
        low, high = value - reach, value + reach
        if value > 100.0:  # counted too much: the truth is as far on the other side
            low -= 2.0 * (value - 100.0)
        elif value < 0.0:
            high -= 2.0 * value
        return SocEstimate(
            0.0 if value < 0.0 else 100.0 if value > 100.0 else value,
            0.0 if low < 0.0 else 99.0 if low > 99.0 else low,
            100.0 if high > 100.0 else 1.0 if high < 1.0 else high,
            self._anchor,
            self._anchor_age,
            self._capacity,
            jump,
        )

    def _look(self, belief: Belief, sample: Sample, current: float) -> str | None:
        """Look at the cells; return the reason when the value jumped."""
        dt, self._since_tick = self._since_tick, 0.0
        self._since_weighing += dt
        ohmic, anchors, nominal = self._ohmic, self._anchors, self._nominal or 100.0
        cells = sample.cell_voltages
        drop = ohmic.drop(current)
        mean, lowest, highest = sum(cells) / len(cells), min(cells), max(cells)
        self._sum_up(cells, drop)
        rate = current / nominal
        if anchors.full(dt, rate, mean, highest, sample.charge_enabled):
            wide = FULL_SIGMA if mean >= anchors.full_level else REFUSED_SIGMA
            # Steep curves know that a careful charger stops short of full; LFP is full where it is held.
            held = self._chemistry.ocv.soc((mean if mean >= anchors.full_level else highest) - drop)
            charge = FULL if held >= FULL_FROM else held
            return self._anchored(belief, "full", charge, wide, f"cells at {mean:.3f} V with {current:.1f} A")
        at_rest = lowest - drop
        if anchors.empty(dt, rate, at_rest):
            ocv, doubt = self._chemistry.ocv, ohmic.doubt * abs(drop)
            wide = EMPTY_SIGMA + (ocv.soc(at_rest + doubt) - ocv.soc(at_rest - doubt)) / 2.0
            return self._anchored(belief, "empty", ocv.soc(at_rest), wide, f"lowest cell at {at_rest:.3f} V")
        if self._since_weighing < WEIGH:
            return None
        ohmic.temperature(sample.temperature)
        self._settle(belief)
        before = belief.mean[CHARGE]
        self._weigh(belief, current)
        return _jump(before, belief.mean[CHARGE], "cell voltage")

    def _sum_up(self, cells: tuple[float, ...], drop: float) -> None:
        self._ticks += 1
        self._mean_sum += sum(cells) / len(cells) - drop
        self._lowest_sum += min(cells) - drop
        self._drop_sum += abs(drop)

    def _settle(self, belief: Belief) -> None:
        """Put what was counted into the belief."""
        hours = self._active + self._idle
        before = belief.mean[CHARGE]
        belief.count(self._ah, self._active, self._idle)
        self._ah = self._active = self._idle = 0.0
        moved = abs(belief.mean[CHARGE] - before)
        self._moved += moved
        self._wander(belief, hours, moved)
        # Beyond the ends is no clip: at the next anchor, what is too much teaches once, not each minute.
        counted = belief.mean[CHARGE]
        belief.mean[CHARGE] = min(100.0 + BEYOND, max(-BEYOND, counted))
        if (over := counted - belief.mean[CHARGE]) and self._anchor is not None:
            self._beyond += over
            belief.widen(CHARGE, (belief.deviation + abs(over)) ** 2 - belief.deviation**2)
        self._shown = None

    def _wander(self, belief: Belief, hours: float, moved: float) -> None:
        belief.widen(CHARGE, CHARGE_WANDERS * hours)
        belief.widen(OFFSET, OFFSET_WANDERS * hours)
        belief.widen(IDLE, OFFSET_WANDERS * hours)
        belief.widen(GAIN, GAIN_WANDERS * hours)
        strange = self._strange(belief)
        belief.widen(
            UNLIKE, strange * self._chemistry.bend * moved, strange * 1.5 * self._chemistry.unlike**2
        )

    def _strange(self, belief: Belief) -> float:
        """How many times the usual variance our curve has for these cells, at least 1.

        Cells that lie far from it have a curve of another shape, not the same one shifted.
        """
        return min(STRANGE_MOST, max(1.0, (belief.mean[UNLIKE] / self._chemistry.unlike) ** 2))

    def _weigh(self, belief: Belief, current: float) -> None:
        """Let the voltages since the last time say what they can."""
        ticks, self._ticks = self._ticks, 0
        share = min(1.0, self._since_weighing / NEWS_AFTER + self._moved / NEWS_MOVED)
        self._since_weighing = self._moved = 0.0
        mean, lowest = self._mean_sum / ticks, self._lowest_sum / ticks
        drop = self._drop_sum / ticks
        self._mean_sum = self._lowest_sum = self._drop_sum = 0.0
        if abs(current) <= CALM * (self._nominal or 100.0):
            low = lowest < self._knee
            volts = lowest if low else mean
            at = self._chemistry.ocv.soc(volts - belief.mean[UNLIKE])
            lean = min(SIDEWAYS_MOST, self._table.at(at + SIDEWAYS) - self._table.at(at - SIDEWAYS))
            noise = VOLT_NOISE**2 + (self._ohmic.doubt * drop) ** 2 + lean**2
            surest = self._strange(belief) * (LOW_CURVE_SIGMA if low else CURVE_SIGMA) ** 2
            # Before an anchor, there is no telling a strange curve from a wrong sensor.
            belief.weigh(volts, self._table, noise, share, surest=surest, teach=self._anchor is not None)
        self._shown = None

    def _anchored(self, belief: Belief, kind: str, charge: float, sigma: float, why: str) -> str | None:
        self._settle(belief)
        before = belief.mean[CHARGE]
        # Looking again at what stands still makes the count no surer.
        known = belief.cov[CHARGE][CHARGE] <= sigma**2
        wrong = self._contradiction(belief, charge - before, sigma)
        belief.measure(charge, sigma**2 * (AGAIN_WIDER if known else 1.0))
        belief.widen(GAIN, wrong**2)
        self._beyond = 0.0
        self._shown = None
        self._anchor, self._anchor_age = kind, 0.0
        if belief.cov[GAIN][GAIN] < WELL_KNOWN**2:
            self._capacity = 100.0 / belief.effective
        return _jump(before, belief.mean[CHARGE], f"{kind}: {why}")

    def _contradiction(self, belief: Belief, error: float, sigma: float) -> float:
        """Share by which the capacity must be another one to explain an anchor; 0: it need not be."""
        counted = belief.by_gain
        if self._anchor is None or abs(counted) < COUNTED_ENOUGH:
            return 0.0
        believable = error * error <= FAR * FAR * (belief.deviation**2 + sigma**2)
        if believable and abs(self._beyond) < COUNTED_ENOUGH:
            return 0.0
        wrong = (error - self._beyond) / counted
        return wrong if abs(wrong) >= CONTRADICTED else 0.0

    def _bridge(self, belief: Belief, sample: Sample, elapsed: float | None) -> str | None:
        """Get over a time without samples by the BMS's own counter, or be less sure."""
        self._settle(belief)
        before = belief.mean[CHARGE]
        known = elapsed is not None and elapsed >= 0.0
        hours = elapsed / 3600.0 if elapsed is not None and known else 24.0
        nominal = self._nominal or 100.0
        unseen = f"{hours:.1f} h unseen" if known else "unknown time unseen"
        lost = min(LOST_MOST, LOST_PER_HOUR * hours)
        moved = None
        if self._remaining is not None and sample.remaining_ah is not None:
            moved = sample.remaining_ah - self._remaining
        full = sample.full_ah or nominal
        if moved is None:
            why = f"{unseen}: the BMS counts nothing"
            belief.widen(CHARGE, lost**2)
        elif not self._counted(moved, sample.remaining_ah or 0.0, full, hours):
            # Set at an end or by its protection: then it knows better than what we had.
            why = f"{unseen}: the BMS's counter was perhaps set anew"
            wrong = BMS_WRONG
            if abs(moved) <= FASTEST * full * hours:
                # It went to an end and may have stopped there: one that agreed with us is as good as we were.
                apart = abs(100.0 * (self._remaining or 0.0) / full - before)
                wrong = min(wrong, max(END_SIGMA, apart + belief.deviation))
            belief.widen(CHARGE, LOST_MOST**2)
            belief.measure(100.0 * (sample.remaining_ah or 0.0) / full, wrong**2)
        else:
            why = f"{unseen}: bridged by the BMS's counter, {moved:+.1f} Ah"
            # Where we differ from it, it may have been set in between, and have counted on.
            apart = 100.0 * (self._remaining or 0.0) / full - before
            taught = min(LONGEST_TAUGHT, hours)
            belief.count(moved, taught if known else 0.0, 0.0)
            drift = (belief.cov[OFFSET][OFFSET] + belief.mean[OFFSET] ** 2) ** 0.5 * belief.effective
            belief.widen(CHARGE, min(LOST_MOST, drift * (hours - taught)) ** 2)
            sigma = BRIDGE_SIGMA + BRIDGE_SHARE * 100.0 * abs(moved) / nominal
            set_anew = SET_ANEW * apart * min(1.0, hours)
            belief.widen(CHARGE, sigma**2 + set_anew**2)
        self._wander(belief, min(LONGEST_TAUGHT, hours), abs(belief.mean[CHARGE] - before))
        self._moved = NEWS_MOVED
        if self._anchor_age is not None and known:
            self._anchor_age += elapsed or 0.0
        self._anchors.full_for = self._anchors.empty_for = 0.0
        if sample.current is not None:
            self._ohmic.lagged = sample.current
        self._since_tick = 0.0
        self._shown = None
        belief.mean[CHARGE] = min(100.0, max(0.0, belief.mean[CHARGE]))
        return _jump(before, belief.mean[CHARGE], why)

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
