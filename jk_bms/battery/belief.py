"""What we believe of a pack's charge, and how sure we are: five numbers and their covariance.

    0 charge    % of the capacity
    1 offset    A that the sensor reads too much
    2 idle      A that really flow while the sensor reads 0 (its dead band)
    3 gain      how much more of a % one measured Ah is than nominal says: sensor gain and
                capacity in one number, for nothing we can see tells one from the other
    4 unlike    V by which these cells lie above our curve (make, age, hysteresis)

Counting moves the charge by what was measured and widens its error by what the other four may
be wrong. Anchors and voltages then narrow the charge, and through the covariance whatever
has moved it astray: two full packs a week apart teach the offset, a full and an empty one the
gain. Plain Kalman filtering, except for the voltage: its curve bends too much for a tangent,
so its likelihood is weighed on a row of points and matched by mean and variance.
"""

from itertools import pairwise
from math import exp, isfinite, sqrt

from jk_bms.battery.curves import Curve

CHARGE, OFFSET, IDLE, GAIN, UNLIKE = range(5)
SIZE = 5
POINTS = [(i / 4, -0.5 * (i / 4) ** 2) for i in range(-14, 15)]  # standard deviations, log weight
# A row that ends has less variance than a bell; uncorrected, looking often would make sure.
ROW_VARIANCE = sum(exp(p) * u * u for u, p in POINTS) / sum(exp(p) for _, p in POINTS)
WILD = 0.1  # V: no cell lies further from its curve
STEPS = 200  # of the voltage table
BEYOND = 0.08  # V for each % above full or below empty
FAR = 3.0  # standard deviations: beyond, an error is the model's, not the pack's
RESCALE_DOUBT = 0.5  # of what the charge moved for another capacity
RESCALED_SUREST = 0.25  # of the first variance: the owner had a reason to correct the capacity
LEAST_EFFECT = 0.2  # of nominal: no Ah is worth less


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


class Belief:
    """Mean and covariance."""

    def __init__(self, per_ah: float, mean: list[float], deviations: list[float]) -> None:
        self.per_ah = per_ah  # % for each Ah, by the nominal capacity
        self.mean = mean
        self.cov = [[deviations[i] ** 2 if i == j else 0.0 for j in range(SIZE)] for i in range(SIZE)]

    def state(self) -> dict[str, list[float]]:
        """Everything, for JSON: the mean and the lower half of the covariance, row by row."""
        return {
            "mean": list(self.mean),
            "cov": [self.cov[i][j] for i in range(SIZE) for j in range(i + 1)],
        }

    def restore(self, state: dict[str, list[float]]) -> None:
        """Take back what ``state()`` gave; ValueError when it cannot be that."""
        mean, half = [float(x) for x in state["mean"]], [float(x) for x in state["cov"]]
        if len(mean) != SIZE or len(half) != SIZE * (SIZE + 1) // 2:
            raise ValueError(f"a belief has {SIZE} numbers and {SIZE * (SIZE + 1) // 2} covariances")
        if not all(isfinite(x) for x in mean + half):
            raise ValueError("a number of the belief is not finite")
        values = iter(half)
        for i in range(SIZE):
            for j in range(i + 1):
                self.cov[i][j] = self.cov[j][i] = next(values)
        self.mean = mean

    @property
    def deviation(self) -> float:
        """Standard deviation of the charge, in %."""
        return sqrt(self.cov[0][0])

    @property
    def effective(self) -> float:
        """% for each measured Ah."""
        return self.per_ah * max(LEAST_EFFECT, 1.0 + self.mean[GAIN])

    @property
    def by_gain(self) -> float:
        """How far the charge, in %, leans on the gain: what was counted since it was last known."""
        variance = self.cov[GAIN][GAIN]
        return self.cov[0][GAIN] / variance if variance > 0.0 else 0.0

    def rescale(self, per_ah: float, unsure: float) -> bool:
        """Go over to another nominal capacity; return whether what was learned of the gain fits it.

        ``unsure`` is the standard deviation of a gain of which nothing was learned. The charge follows
        as far as it was counted by the old capacity.
        """
        before, by_gain, old = self.effective, self.by_gain, self.per_ah
        variance, first = self.cov[GAIN][GAIN], unsure**2
        # The mean lies between nominal and what was learned, by how sure that was.
        learned = max(0.0, 1.0 - variance / first)
        found = old * (1.0 + self.mean[GAIN] / learned) / per_ah - 1.0 if learned else 0.0
        fits = learned > 0.0 and abs(found) <= FAR * unsure
        self.per_ah = per_ah
        self.mean[GAIN] = learned * found if fits else 0.0
        for i in range(SIZE):
            self.cov[i][GAIN] = self.cov[GAIN][i] = 0.0
        self.cov[GAIN][GAIN] = max(RESCALED_SUREST * first, variance) if fits else first
        moved = by_gain * (self.effective - before) / old
        self.mean[CHARGE] = min(100.0, max(0.0, self.mean[CHARGE] + moved))
        self.widen(CHARGE, (RESCALE_DOUBT * moved) ** 2)
        return fits

    def count(self, ah: float, active: float, idle: float) -> None:
        """Move by ``ah`` measured in ``active`` hours of current and ``idle`` hours of zero."""
        mean, cov = self.mean, self.cov
        per_ah = self.effective
        net = ah - mean[OFFSET] * active + mean[IDLE] * idle
        mean[CHARGE] += per_ah * net
        slopes = (1.0, -per_ah * active, per_ah * idle, self.per_ah * net, 0.0)
        row = [
            cov[0][j] + slopes[1] * cov[1][j] + slopes[2] * cov[2][j] + slopes[3] * cov[3][j]
            for j in range(SIZE)
        ]
        row[0] += slopes[1] * row[1] + slopes[2] * row[2] + slopes[3] * row[3]
        cov[0] = row
        for j in range(1, SIZE):
            cov[j][0] = row[j]

    def widen(self, index: int, variance: float, most: float | None = None) -> None:
        """Be less sure of one number, at ``most`` that unsure."""
        grown = self.cov[index][index] + variance
        if most is None or grown <= most:
            self.cov[index][index] = grown

    def measure(self, charge: float, variance: float) -> None:
        """Take in that the charge is ``charge`` %.

        It may be wrong the same way each time, so the count becomes no surer than it is itself.
        """
        surest = min(self.cov[0][0], variance)
        spread = self.cov[0][0] + variance
        error = charge - self.mean[0]
        if error * error > FAR * FAR * spread:
            # More than counting can explain: believe the charge, learn little from it.
            extra = error * error / (FAR * FAR) - spread
            self.cov[0][0] += extra
            spread += extra
        gains = [self.cov[0][i] / spread for i in range(SIZE)]
        row = list(self.cov[0])
        for i in range(SIZE):
            self.mean[i] += gains[i] * error
            for j in range(SIZE):
                self.cov[i][j] -= gains[i] * row[j]
        self.cov[0][0] = max(self.cov[0][0], surest)

    def weigh(
        self, volts: float, table: VoltageTable, noise: float, share: float, *, surest: float, teach: bool
    ) -> None:
        """Take in the voltage of a cell without its drops.

        ``noise`` is its variance in V^2; ``share`` (0..1) of an independent look: what is seen
        twice counts once. ``surest`` is the variance of the charge, in %^2, that no voltage goes
        below. Without ``teach``, offset, idle and gain stay as they are.
        """
        mean, cov = self.mean, self.cov
        variance = cov[0][0]
        deviation = sqrt(variance)
        along = cov[0][UNLIKE] / variance
        own = max(1e-9, cov[UNLIKE][UNLIKE] - along * cov[0][UNLIKE])
        charge, unlike = mean[CHARGE], mean[UNLIKE]
        spread = own + noise / share
        gain = own / spread
        logs, charges, unlikes = [], [], []
        for u, prior in POINTS:
            d = u * deviation
            error = volts - unlike - along * d - table.at(charge + d)
            miss = error * error / spread
            if miss > FAR * FAR:  # no tail of a bell: a wrong model is likelier than this
                miss = FAR * (2.0 * sqrt(miss) - FAR)
            logs.append(prior - 0.5 * miss)
            charges.append(d)
            unlikes.append(along * d + gain * max(-WILD, min(WILD, error)))
        top = max(logs)
        weights = [exp(each - top) for each in logs]
        scale = 1.0 / sum(weights)
        dc = scale * sum([w * c for w, c in zip(weights, charges, strict=True)])
        du = scale * sum([w * x for w, x in zip(weights, unlikes, strict=True)])
        cc = cu = uu = 0.0
        for w, c, x in zip(weights, charges, unlikes, strict=True):
            c -= dc
            x -= du
            cc += w * c * c
            cu += w * c * x
            uu += w * x * x
        scale /= ROW_VARIANCE
        cc = max(cc * scale, min(variance, surest))
        self._match(dc, du, cc, cu * scale, uu * scale + own * (1.0 - gain), teach)

    def _match(self, dc: float, du: float, cc: float, cu: float, uu: float, teach: bool) -> None:
        """Give charge and unlike this shift and covariance, and the others what follows from it."""
        mean, cov = self.mean, self.cov
        a, b, d = cov[0][0], cov[0][UNLIKE], cov[UNLIKE][UNLIKE]
        det = max(a * d - b * b, 1e-14)
        # Lost covariance: what the others lose in proportion.
        la, lb, ld = a - cc, b - cu, d - uu
        ks = []
        for i in (OFFSET, IDLE, GAIN):
            p, q = cov[i][0], cov[i][UNLIKE]
            ks.append((i, (p * d - q * b) / det, (q * a - p * b) / det))
        # Less sure is told to all, or charge and sensor would no longer fit together.
        less_sure = la < 0.0 or ld < 0.0 or la * ld < lb * lb
        for n, (i, kp, kq) in enumerate(ks):
            if teach:
                mean[i] += kp * dc + kq * du
            elif not less_sure:
                break
            for j, jp, jq in ks[n:]:
                lost = kp * (la * jp + lb * jq) + kq * (lb * jp + ld * jq)
                cov[i][j] -= lost
                if i != j:
                    cov[j][i] -= lost
        for i, kp, kq in ks:
            cov[i][0] = cov[0][i] = kp * cc + kq * cu
            cov[i][UNLIKE] = cov[UNLIKE][i] = kp * cu + kq * uu
        mean[CHARGE] += dc
        mean[UNLIKE] += du
        cov[0][0], cov[UNLIKE][UNLIKE] = cc, uu
        cov[0][UNLIKE] = cov[UNLIKE][0] = cu
