"""What we believe of a pack's charge: a few hypotheses about its cells, each a mean and a covariance.

A single best guess cannot be honest about cells that were never modelled: whether a resting voltage of
3.27 V means 30 % or 60 % depends on the maker's curve, and no frame says which that is. So some
hypotheses stand beside each other. Each takes one published curve for granted and keeps seven numbers:

    0 charge    % of the capacity
    1 offset    A that the sensor reads too much
    2 idle      A that really flow while the sensor reads 0 (its dead band)
    3 gain      how much more of a % one measured Ah is than nominal says: sensor gain and
                capacity in one number, for nothing a BMS measures tells one from the other
    4 shift     V by which these cells, as this voltmeter sees them, lie above the curve
    5 flank     % by which the low flank of the curve is moved to higher charge
    6 step      % by which its step at about 70 % is moved

Counting moves the charge and widens it by what the others may be wrong. Voltages and full packs narrow
it, and weigh the hypotheses against each other. Since every hypothesis is wrong in ways it does not
know, evidence between them counts less than its face value (TRUST).
"""

import struct
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import erf, exp, isfinite, log, sqrt
from typing import Any, NamedTuple

from jk_bms.battery.curves import Curve

CHARGE, OFFSET, IDLE, GAIN, SHIFT, FLANK, STEP = range(7)
SIZE = 7
# Points of the row on which a voltage is weighed: standard deviations and log weight.
POINTS = tuple((i * 0.35, -0.5 * (i * 0.35) ** 2) for i in range(-9, 10))
ROW_SUM = sum(exp(p) for _, p in POINTS)
# A row that ends has less variance than a bell; uncorrected, looking often would make sure.
ROW_VARIANCE = sum(exp(p) * u * u for u, p in POINTS) / ROW_SUM
FAR = 3.0  # standard deviations: beyond, an error is the model's, not the pack's
TRUST = 0.3  # of the evidence between hypotheses that is taken
HOPELESS = 7.0  # log weight below the best: forgotten
STEPS = 400  # of a curve's table
BEYOND = 0.08  # V for each % above full or below empty
LEAST_EFFECT = 0.2  # of nominal: no Ah is worth less
# How far a curve may be displaced where it bends: % and the sd of that.
FLANK_WRONG, STEP_WRONG = 3.5, 4.0
MERGE_NEAR, MERGE_ALIKE = 0.6, 2.2  # of the larger sd; ratio of the variances


class VoltageTable:
    """Voltage of a curve in even steps of charge, for quick looking up; steep beyond both ends."""

    def __init__(self, curve: Curve) -> None:
        volts = [curve.ocv(100.0 * i / STEPS) for i in range(STEPS + 1)]
        self.rows = [(a, b - a) for a, b in pairwise(volts)]
        self.empty, self.full = volts[0], volts[-1]

    def at(self, soc: float) -> float:
        """Voltage in V."""
        if soc >= 100.0:
            return self.full + (soc - 100.0) * BEYOND
        if soc <= 0.0:
            return self.empty + soc * BEYOND
        place = soc * (STEPS / 100.0)
        i = int(place)
        v, rise = self.rows[i]
        return v + (place - i) * rise


class Belief(NamedTuple):
    """What is believed of one of the seven numbers: mean and standard deviation."""

    mean: float
    sigma: float


class Sensor(NamedTuple):
    """One way in which sensor and capacity may be wrong, and how likely that is."""

    weight: float
    gain: Belief
    offset: Belief  # A
    idle: Belief  # A


class Hypothesis:
    """One curve taken for granted, and what follows from it."""

    __slots__ = ("cov", "curve", "log", "mean")

    def __init__(self, curve: int, log_weight: float, mean: list[float], cov: list[list[float]]) -> None:
        self.curve = curve  # its place in the list of curves
        self.log = log_weight
        self.mean = mean
        self.cov = cov

    @classmethod
    def of(
        cls, curve: int, weight: float, mean: Mapping[int, float], sigma: Mapping[int, float]
    ) -> "Hypothesis":
        """Return one whose numbers know nothing of each other; those that are not named are 0 and sure."""
        cov = [[0.0] * SIZE for _ in range(SIZE)]
        for i, each in sigma.items():
            cov[i][i] = each * each
        return cls(curve, log(weight), [mean.get(i, 0.0) for i in range(SIZE)], cov)

    def with_sensor(self, sensor: Sensor) -> "Hypothesis":
        """Return a copy, by the sensor's weight as likely, whose sensor is wrong in that way."""
        made = Hypothesis(
            self.curve, self.log + log(sensor.weight), list(self.mean), [list(row) for row in self.cov]
        )
        for i, (value, sigma) in ((GAIN, sensor.gain), (OFFSET, sensor.offset), (IDLE, sensor.idle)):
            made.mean[i] = value
            made.cov[i] = [0.0] * SIZE
            for row in made.cov:
                row[i] = 0.0
            made.cov[i][i] = sigma * sigma
        return made

    def count(self, per_ah: float, ah: float, active: float, idle: float) -> None:
        """Take in ``ah`` measured Ah, in ``active`` hours of current and ``idle`` hours of none."""
        mean, cov = self.mean, self.cov
        net = ah - mean[OFFSET] * active + mean[IDLE] * idle
        effective = per_ah * max(LEAST_EFFECT, 1.0 + mean[GAIN])
        mean[CHARGE] += effective * net
        by_offset, by_idle, by_gain = -effective * active, effective * idle, per_ah * net
        offset, none, gain, row = cov[OFFSET], cov[IDLE], cov[GAIN], cov[CHARGE]
        new = [row[j] + by_offset * offset[j] + by_idle * none[j] + by_gain * gain[j] for j in range(SIZE)]
        new[0] += by_offset * new[OFFSET] + by_idle * new[IDLE] + by_gain * new[GAIN]
        cov[CHARGE] = new
        for j in range(1, SIZE):
            cov[j][CHARGE] = new[j]

    def widen(self, index: int, variance: float, most: float | None = None) -> None:
        """Be less sure of one number, at ``most`` that unsure."""
        grown = self.cov[index][index] + variance
        if most is None or grown <= most:
            self.cov[index][index] = grown

    def measure(self, charge: float, variance: float) -> float:
        """Take in that the charge is ``charge`` %; return the log of how likely that was."""
        mean, cov = self.mean, self.cov
        spread = cov[0][0] + variance
        error = charge - mean[0]
        miss = error * error / spread
        if miss > FAR * FAR:
            # More than counting can explain: believe the charge, learn little from it.
            extra = error * error / (FAR * FAR) - spread
            cov[0][0] += extra
            likely = -0.5 * log(spread) - 0.5 * FAR * (2.0 * sqrt(miss) - FAR)
            spread += extra
        else:
            likely = -0.5 * log(spread) - 0.5 * miss
        row = list(cov[0])
        for i in range(SIZE):
            gain = row[i] / spread
            mean[i] += gain * error
            for j in range(SIZE):
                cov[i][j] -= gain * row[j]
        return likely

    def move(self, charge: float) -> None:
        """Take the charge for ``charge`` %, and what goes with it along, but be no surer of anything."""
        mean, row = self.mean, self.cov[CHARGE]
        away = (charge - mean[CHARGE]) / row[CHARGE]
        for i in range(SIZE):
            mean[i] += row[i] * away

    def weigh(self, volts: float, table: VoltageTable, variance: float, sideways: float) -> float:
        """Take in the rested voltage of a cell; return the log of how likely it was.

        ``variance`` in V² is of its error, the share of it that is new accounted for; ``sideways`` is
        how far, in %, the curve may be displaced in ways that flank and step do not tell.
        """
        mean, cov = self.mean, self.cov
        at = mean[CHARGE]
        flank, step = flank_at(at), step_at(at)
        # y is the charge at which the curve has to be read; pairs with shift.
        ys = [cov[i][CHARGE] + flank * cov[i][FLANK] + step * cov[i][STEP] for i in range(SIZE)]
        bs = cov[SHIFT]
        vy = max(1e-6, ys[CHARGE] + flank * ys[FLANK] + step * ys[STEP])
        yb, vb = ys[SHIFT], bs[SHIFT]
        center = at + flank * mean[FLANK] + step * mean[STEP]
        deviation = sqrt(vy)
        along = yb / vy
        own = max(1e-9, vb - along * yb)
        # A curve is less sure where it is steep; how steep, is read where the voltage would put us.
        lean = (
            0.5
            * sideways
            * abs(table.at(center + sideways) - table.at(center - sideways))
            / max(sideways, 1e-6)
        )
        lean = min(0.02, lean)
        spread = own + variance + lean * lean
        gain = own / spread
        shift = mean[SHIFT]
        logs, errors = [], []
        for u, prior in POINTS:
            d = u * deviation
            error = volts - shift - along * d - table.at(center + d)
            miss = error * error / spread
            if miss > FAR * FAR:  # no tail of a bell: a wrong model is likelier than this
                miss = FAR * (2.0 * sqrt(miss) - FAR)
            logs.append(prior - 0.5 * miss)
            errors.append(along * d + gain * max(-0.1, min(0.1, error)))
        top = max(logs)
        weights = [exp(each - top) for each in logs]
        total = sum(weights)
        likely = top + log(total / ROW_SUM) - 0.5 * log(spread)
        dy = db = yy = yb_ = bb = 0.0
        for w, (u, _), e in zip(weights, POINTS, errors, strict=True):
            d = u * deviation
            dy += w * d
            db += w * e
            yy += w * d * d
            yb_ += w * d * e
            bb += w * e * e
        dy, db = dy / total, db / total
        yy = max(1e-4, (yy / total - dy * dy) / ROW_VARIANCE)
        yb_ = (yb_ / total - dy * db) / ROW_VARIANCE
        bb = max(1e-10, (bb / total - db * db) / ROW_VARIANCE + own * (1.0 - gain))
        if yb_ * yb_ > 0.998 * yy * bb:  # keep it a covariance
            yb_ = sqrt(0.998 * yy * bb) * (1.0 if yb_ > 0.0 else -1.0)
        # The others follow by regression on (y, shift).
        det = max(vy * vb - yb * yb, 1e-12)
        ky = [(ys[i] * vb - bs[i] * yb) / det for i in range(SIZE)]
        kb = [(bs[i] * vy - ys[i] * yb) / det for i in range(SIZE)]
        ly, lyb, lb = vy - yy, yb - yb_, vb - bb
        for i in range(SIZE):
            mean[i] += ky[i] * dy + kb[i] * db
            a, b = ky[i] * ly + kb[i] * lyb, ky[i] * lyb + kb[i] * lb
            row = cov[i]
            for j in range(SIZE):
                row[j] -= a * ky[j] + b * kb[j]
        for i in range(SIZE):
            cov[i][i] = max(cov[i][i], FLOORS[i])
        return likely

    def rescale(self, old: float, new: float, usual: Belief) -> None:
        """Go over from ``old`` to ``new`` % for each Ah: the nominal capacity was corrected.

        What was learned of the gain is of the pack and stays; of what was not, the ``usual`` is believed.
        The charge follows as far as it was counted by the old capacity.
        """
        mean, cov = self.mean, self.cov
        variance, first = cov[GAIN][GAIN], usual.sigma * usual.sigma
        counted = cov[CHARGE][GAIN] / variance if variance > 0.0 else 0.0
        learned = max(0.0, 1.0 - variance / first)
        found = old * (1.0 + mean[GAIN]) / new - 1.0
        fits = learned > 0.0 and abs(found - usual.mean) <= FAR * usual.sigma
        gain = usual.mean + learned * (found - usual.mean) if fits else usual.mean
        moved = counted * (new * (1.0 + gain) / old - (1.0 + mean[GAIN]))
        for i in range(SIZE):
            cov[i][GAIN] = cov[GAIN][i] = 0.0
        mean[GAIN] = gain
        cov[GAIN][GAIN] = max(0.25 * first, variance) if fits else first
        mean[CHARGE] = min(100.0, max(0.0, mean[CHARGE] + moved))
        cov[CHARGE][CHARGE] += (0.5 * moved) ** 2

    def round(self) -> None:
        """Keep of each number what ``state()`` keeps, so that a restart goes on bit for bit."""
        self._take(_PACKED.unpack(self._packed()))

    def state(self) -> list[Any]:
        """Everything, for JSON: the curve, and the rest as 32-bit numbers (the state is written each minute)."""
        return [self.curve, b64encode(self._packed()).decode()]

    @classmethod
    def restored(cls, state: Sequence[Any]) -> "Hypothesis":
        """Return what ``state()`` was taken of. ValueError when it cannot be that."""
        curve, packed = state
        if not isinstance(curve, int) or isinstance(curve, bool) or curve < 0 or not isinstance(packed, str):
            raise ValueError(f"a hypothesis begins with its curve, not {curve!r}")
        try:
            numbers = _PACKED.unpack(b64decode(packed, validate=True))
        except (struct.error, ValueError) as error:
            raise ValueError(f"a hypothesis has {_PACKED.size} bytes of numbers: {error}") from error
        if not all(map(isfinite, numbers)):
            raise ValueError("a number of a hypothesis is not finite")
        empty = cls(curve, 0.0, [0.0] * SIZE, [[0.0] * SIZE for _ in range(SIZE)])
        empty._take(numbers)
        return empty

    def _packed(self) -> bytes:
        return _PACKED.pack(
            self.log, *self.mean, *[each for i, row in enumerate(self.cov, 1) for each in row[:i]]
        )

    def _take(self, numbers: Sequence[float]) -> None:
        self.log, self.mean = numbers[0], list(numbers[1 : SIZE + 1])
        at = SIZE + 1
        for i in range(SIZE):
            for j in range(i + 1):
                self.cov[i][j] = self.cov[j][i] = numbers[at]
                at += 1


_PACKED = struct.Struct(f"<{1 + SIZE + SIZE * (SIZE + 1) // 2}f")  # log weight, mean, lower half of cov

FLOORS = (0.01, 1e-8, 1e-8, 1e-6, 1e-8, 0.01, 0.01)  # variances that nothing goes below


def flank_at(soc: float) -> float:
    """Share of ``flank`` that counts at this charge: all of it below 40 %, nothing above 55."""
    return 1.0 if soc <= 40.0 else 0.0 if soc >= 55.0 else (55.0 - soc) / 15.0


def step_at(soc: float) -> float:
    """Share of ``step`` that counts: all of it from 57 to 83 %, nothing below 45 and above 93."""
    if soc <= 45.0 or soc >= 93.0:
        return 0.0
    if soc < 57.0:
        return (soc - 45.0) / 12.0
    return 1.0 if soc <= 83.0 else (93.0 - soc) / 10.0


def thinned(hypotheses: Iterable[Hypothesis], most: int) -> list[Hypothesis]:
    """Return at ``most`` of them with weights that sum to 1: the hopeless dropped, what is alike joined."""
    ranked = sorted(hypotheses, key=lambda h: -h.log)
    best = ranked[0].log
    kept: list[Hypothesis] = []
    for h in ranked:
        if h.log < best - HOPELESS:
            break
        twin = next((k for k in kept if k.curve == h.curve and _alike(k, h)), None)
        if twin is not None:
            _join(twin, h)
        elif len(kept) < most:
            kept.append(h)
    total = log(sum(exp(h.log - best) for h in kept)) + best
    for h in kept:
        h.log -= total
    return kept


def _alike(a: Hypothesis, b: Hypothesis) -> bool:
    for i in (CHARGE, OFFSET, GAIN, SHIFT):
        va, vb = a.cov[i][i], b.cov[i][i]
        if va > MERGE_ALIKE * vb or vb > MERGE_ALIKE * va:
            return False
        if (a.mean[i] - b.mean[i]) ** 2 > MERGE_NEAR * MERGE_NEAR * max(va, vb):
            return False
    return True


def _join(a: Hypothesis, b: Hypothesis) -> None:
    """Make ``a`` the mean and covariance of both."""
    share = 1.0 / (1.0 + exp(a.log - b.log))  # of b
    apart = [y - x for x, y in zip(a.mean, b.mean, strict=True)]
    for i in range(SIZE):
        row, other = a.cov[i], b.cov[i]
        for j in range(SIZE):
            row[j] += share * (other[j] - row[j]) + share * (1.0 - share) * apart[i] * apart[j]
    for i in range(SIZE):
        a.mean[i] += share * apart[i]
    a.log += log(1.0 + exp(b.log - a.log))


def believed(hypotheses: Sequence[Hypothesis]) -> tuple[Belief, ...]:
    """Return what all of them together believe of each number, in their order; there must be one at least."""
    weights = [exp(h.log) for h in hypotheses]
    total = sum(weights)
    found = []
    for i in range(SIZE):
        mean = sum(w * h.mean[i] for w, h in zip(weights, hypotheses, strict=True)) / total
        variance = (
            sum(w * (h.cov[i][i] + (h.mean[i] - mean) ** 2) for w, h in zip(weights, hypotheses, strict=True))
            / total
        )
        found.append(Belief(mean, sqrt(variance)))
    return tuple(found)


def quantiles(parts: Sequence[tuple[float, float, float]], low: float, high: float) -> tuple[float, float]:
    """Return both quantiles of a sum of bells, within .01: (weight, mean, standard deviation) of each."""
    bells = [(w, m, d * sqrt(2.0)) for w, m, d in parts]
    left = min(m - 5.0 * d for _, m, d in parts)
    right = max(m + 5.0 * d for _, m, d in parts)
    # Of a weight w below x: (1 + erf) / 2, so that the sum of w erf is 2 x share - 1.
    return _quantile(bells, left, right, 2.0 * low - 1.0), _quantile(bells, left, right, 2.0 * high - 1.0)


def _quantile(bells: Sequence[tuple[float, float, float]], left: float, right: float, wanted: float) -> float:
    while right - left > 0.01:
        middle = 0.5 * (left + right)
        if sum([w * erf((middle - m) / d) for w, m, d in bells]) < wanted:
            left = middle
        else:
            right = middle
    return 0.5 * (left + right)
