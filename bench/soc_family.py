"""Packs that share nothing with our simulator or with the curves in `jk_bms/battery`.

The opposition of the counted charge: packs drawn at random in named scenarios, each living some
weeks in a house of its own. Curves, physics, sensors, chargers and loads are written anew here; from
the product comes only the form of a Sample. The judge knows the true charge, the counter sees what a
BMS would have sent: about 33,000 samples in thirty days, 3 and 8 s after each step of the load, every
30 s while the charger holds its voltage, else every minute and a half.

A pack is made of its scenario's name and a number and is the same each time. A scenario pushes one
thing to its end and leaves the others as they are drawn for everybody.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from jk_bms.model import Device, Sample

AWARE = datetime(2026, 1, 1, tzinfo=UTC)
DEVICE = Device(address="family")
CELLS = 4  # stand for all cells of the pack: what a counter asks of them is mean, lowest and highest
DAY = 86_400.0
HOUR = 3600.0

# Rested voltage of one LFP cell, in V, over the charge in %. Measured and published tables of different
# makers and authors: 18650 power cell at C/32, 26650 cell, table of a controller, table of a model-maker,
# parameters of a physical model, chart that sellers print.
AT = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 65, 70, 75, 80, 85, 90, 95, 98, 99, 100)
# fmt: off
LFP = {
    "power":  (2.010, 3.072, 3.203, 3.216, 3.241, 3.262, 3.278, 3.295, 3.299, 3.303, 3.307, 3.316, 3.333, 3.337,
               3.339, 3.341, 3.343, 3.348, 3.370, 3.470),
    "26650":  (2.000, 3.050, 3.189, 3.211, 3.231, 3.251, 3.267, 3.290, 3.299, 3.303, 3.305, 3.309, 3.314, 3.325,
               3.339, 3.342, 3.344, 3.350, 3.375, 3.470),
    "board":  (2.833, 3.132, 3.177, 3.190, 3.213, 3.226, 3.240, 3.262, 3.265, 3.271, 3.275, 3.283, 3.296, 3.304,
               3.308, 3.309, 3.314, 3.361, 3.376, 3.440),
    "model":  (2.900, 3.102, 3.172, 3.193, 3.208, 3.226, 3.237, 3.263, 3.270, 3.275, 3.278, 3.280, 3.293, 3.305,
               3.310, 3.315, 3.319, 3.345, 3.380, 3.460),
    "prada":  (1.997, 2.785, 2.978, 3.108, 3.168, 3.186, 3.206, 3.253, 3.266, 3.269, 3.270, 3.274, 3.293, 3.310,
               3.313, 3.314, 3.316, 3.350, 3.415, 3.500),
    "seller": (2.500, 2.900, 3.080, 3.160, 3.205, 3.222, 3.240, 3.258, 3.268, 3.280, 3.288, 3.300, 3.310, 3.318,
               3.324, 3.332, 3.345, 3.365, 3.385, 3.450),
}
NMC = {
    "18650":  (3.000, 3.380, 3.460, 3.515, 3.555, 3.580, 3.600, 3.640, 3.690, 3.790, 3.840, 3.890, 3.940, 3.990,
               4.035, 4.075, 4.115, 4.150, 4.165, 4.185),
    "21700":  (2.693, 3.175, 3.370, 3.446, 3.500, 3.553, 3.585, 3.650, 3.725, 3.838, 3.885, 3.933, 3.980, 4.022,
               4.060, 4.085, 4.118, 4.140, 4.155, 4.175),
    "pouch":  (3.200, 3.440, 3.540, 3.590, 3.620, 3.635, 3.650, 3.675, 3.710, 3.770, 3.820, 3.880, 3.940, 4.000,
               4.050, 4.100, 4.140, 4.165, 4.180, 4.195),
}
LTO = {
    "prism":  (1.750, 2.050, 2.115, 2.150, 2.175, 2.195, 2.215, 2.245, 2.275, 2.310, 2.335, 2.360, 2.390, 2.420,
               2.455, 2.495, 2.545, 2.600, 2.640, 2.700),
    "round":  (1.800, 2.080, 2.140, 2.170, 2.190, 2.205, 2.220, 2.245, 2.265, 2.290, 2.310, 2.335, 2.370, 2.410,
               2.450, 2.500, 2.560, 2.620, 2.660, 2.720),
}
# fmt: on
CURVES = {"lfp": LFP, "nmc": NMC, "lto": LTO}


class Kind(NamedTuple):
    """What a chemistry means for chargers and protections. V are per cell."""

    knee: float  # %: the low flank of the curve ends here ...
    step: float  # %: ... and the step between its two plateaus lies here
    resistance: float  # Ohm x Ah
    ovp: float
    uvp: float
    stop: float  # the inverter stops discharging at this voltage
    balance: float  # the balancer works above
    entropy: float  # V for each degree


KINDS = {
    "lfp": Kind(12.0, 70.0, 0.11, 3.65, 2.60, 2.85, 3.40, 0.00010),
    "nmc": Kind(8.0, 55.0, 0.14, 4.23, 2.90, 3.25, 4.00, 0.00015),
    "lto": Kind(8.0, 70.0, 0.07, 2.80, 1.80, 1.95, 2.45, 0.00010),
}


class Charger(NamedTuple):
    """How a charger ends. Voltages per cell, in V, for LFP; currents in C."""

    absorb: float
    leave: float  # C: absorption ends below it; 0: never by current
    longest: float  # h: absorption ends after it
    hold: float  # V afterwards


CHARGERS = {
    "careful": Charger(3.45, 0.020, 9.0, 3.35),
    "fixed current, low": Charger(3.45, 12.0 / 280.0, 9.0, 3.375),
    "fixed current, high": Charger(3.55, 0.070, 9.0, 3.40),
    "holds": Charger(3.45, 0.0, 99.0, 3.45),
    "no absorption": Charger(3.60, 1.0, 0.0, 3.35),
    "low for an hour": Charger(3.40, 0.0, 1.0, 3.38),
    "high float": Charger(3.50, 0.050, 3.0, 3.45),
}
# What the same chargers do with other cells, in V.
CHARGED_AT = {"lfp": 3.45, "nmc": 4.15, "lto": 2.65}
CHARGER_SPAN = {"lfp": 1.0, "nmc": 0.6, "lto": 0.8}  # of the differences to that


@dataclass(frozen=True)
class Made:
    """One pack in its house. Currents in A, positive while charging."""

    scenario: str
    number: int
    days: int
    chemistry: str
    curve: str
    shift: float  # V
    knee_moved: float  # %: low flank, to higher charge
    step_moved: float  # %
    steepness: float  # times the height of the low flank below its knee
    hysteresis: float  # V to either side
    settles: float  # % of throughput for most of a change between the two sides
    resistance: float  # Ohm x Ah at 25 °C, instant
    quick: tuple[float, float]  # share of that, s
    slow: tuple[float, float]
    nominal_ah: float  # as declared
    capacity_ah: float  # as it is
    start: float  # %, true
    gain: float  # of the current sensor
    offset: float  # A
    offset_warm: float  # A for each degree
    offset_wander: float  # A: how far it wanders within hours
    dead_band: float  # A: reads 0 below
    idle: float  # A that the house draws when it draws nothing
    warmth: float  # °C, mean
    swing: float  # °C between day and night, half
    told: float  # %: the BMS begins with
    bms_jumps: tuple[tuple[float, float], ...]  # s, % by which the BMS's counter is set aside
    leak: tuple[float, ...]  # %/day that each cell loses
    apart: tuple[float, ...]  # % of each cell at the start
    channel: tuple[float, ...]  # V by which each channel reads wrong
    channel_warm: tuple[float, ...]  # V for each degree
    noise: float  # V
    charger: Charger
    full_every: float  # days between full charges; inf: never
    first_full: float  # days until the first
    deep: float  # share of the nights that go down to little
    floor: float  # %: other nights end about here
    dark: tuple[tuple[float, float], ...]  # s: nobody listens from .. to
    sure_of_time: bool


class Pace(NamedTuple):
    """How often a pack is looked at, in s; besides after each step of the load."""

    usual: float  # at most
    limited: float  # while the charger holds its voltage


USUAL_PACE = Pace(95.0, 30.0)


class Seen(NamedTuple):
    """One moment: what a BMS says, and the truth."""

    at: float  # s from the start
    elapsed: float | None  # s since the moment before; None: nobody knows
    sample: Sample
    true: float  # %


Override = Callable[[random.Random, Made], Made]


def _usual(rng: random.Random, scenario: str, number: int, days: int, chemistry: str) -> Made:
    nominal = float(rng.choice((50, 100, 100, 150, 200, 280, 280, 304, 314, 400)))
    kind = KINDS[chemistry]
    start = rng.uniform(20.0, 92.0)
    wrong = rng.uniform(-25.0, 25.0)
    jumps: list[tuple[float, float]] = []
    if rng.random() < 0.25:
        jumps.append((rng.uniform(2.0, days) * DAY, rng.choice((-1, 1)) * rng.uniform(15.0, 30.0)))
    dark = []
    for _ in range(rng.choice((0, 0, 1, 2))):
        begin = rng.uniform(0.5, days) * DAY
        dark.append((begin, begin + rng.uniform(0.2, 8.0) * HOUR))
    usual_gap = rng.gauss(0.0, 1.0)
    return Made(
        scenario=scenario,
        number=number,
        days=days,
        chemistry=chemistry,
        curve=rng.choice(sorted(CURVES[chemistry])),
        shift=rng.gauss(0.0, 0.008),
        knee_moved=rng.gauss(0.0, 1.2),
        step_moved=rng.gauss(0.0, 2.0),
        steepness=rng.uniform(0.8, 1.2),
        hysteresis=rng.uniform(0.003, 0.008),
        settles=rng.uniform(3.0, 9.0),
        resistance=kind.resistance * rng.uniform(0.6, 1.7),
        quick=(rng.uniform(0.3, 0.6), rng.uniform(30.0, 150.0)),
        slow=(rng.uniform(0.2, 0.6), rng.uniform(8.0, 60.0) * 60.0),
        nominal_ah=nominal,
        capacity_ah=nominal * rng.uniform(0.85, 1.03),
        start=start,
        gain=min(1.04, max(0.96, rng.gauss(1.0, 0.018))),
        offset=nominal * rng.gauss(0.0, 0.0006),
        offset_warm=nominal * rng.gauss(0.0, 0.00002),
        offset_wander=nominal * abs(rng.gauss(0.0, 0.0001)),
        dead_band=rng.uniform(0.1, 0.4),
        idle=rng.uniform(0.0, 0.25),
        warmth=rng.uniform(10.0, 27.0),
        swing=rng.uniform(0.5, 3.0),
        told=min(100.0, max(0.0, start + wrong)),
        bms_jumps=tuple(jumps),
        leak=tuple(abs(rng.gauss(0.0, 0.03)) for _ in range(CELLS)),
        apart=tuple(rng.gauss(0.0, 0.6) for _ in range(CELLS)),
        channel=tuple(rng.gauss(0.0, 0.0015) for _ in range(CELLS)),
        channel_warm=tuple(rng.gauss(0.0, 0.00005) for _ in range(CELLS)),
        noise=rng.uniform(0.0002, 0.001),
        charger=CHARGERS[rng.choice(sorted(CHARGERS))],
        full_every=rng.choice((1.0, 1.0, 2.0, 4.0, 7.0)),
        first_full=abs(usual_gap) * 2.0,
        deep=rng.choice((0.05, 0.2, 0.4)),
        floor=rng.uniform(18.0, 55.0),
        dark=tuple(sorted(dark)),
        sure_of_time=rng.random() < 0.7,
    )


def _small(rng: random.Random, made: Made) -> Made:
    """Small errors: what most houses have, as far as anybody measured."""
    return replace(
        made,
        shift=rng.gauss(0.0, 0.005),
        knee_moved=rng.gauss(0.0, 0.6),
        step_moved=rng.gauss(0.0, 1.0),
        curve=rng.choice(("power", "26650")),
        steepness=rng.uniform(0.95, 1.05),
        gain=rng.gauss(1.0, 0.012),
        capacity_ah=made.nominal_ah * rng.uniform(0.92, 1.03),
        offset=made.nominal_ah * rng.gauss(0.0, 0.0003),
        offset_warm=0.0,
        charger=CHARGERS[rng.choice(("careful", "holds", "high float"))],
    )


def _charged_by(name: str) -> Override:
    return lambda rng, made: replace(made, charger=CHARGERS[name])


def _with(**fixed: object) -> Override:
    return lambda rng, made: replace(made, **fixed)  # type: ignore[arg-type]


def _drawn(**drawn: Callable[[random.Random, Made], object]) -> Override:
    return lambda rng, made: replace(made, **{n: draw(rng, made) for n, draw in drawn.items()})  # type: ignore[arg-type]


# Each scenario pushes one thing to its end.
SCENARIOS: dict[str, tuple[str, Override]] = {
    # name: (chemistry, what is different)
    "usual": ("lfp", _with()),
    "small errors": ("lfp", _small),
    "shift +25 mV": ("lfp", _drawn(shift=lambda r, m: r.uniform(0.020, 0.030))),
    "shift -25 mV": ("lfp", _drawn(shift=lambda r, m: -r.uniform(0.020, 0.030))),
    "shift +15 mV": ("lfp", _drawn(shift=lambda r, m: r.uniform(0.010, 0.020))),
    "shift -15 mV": ("lfp", _drawn(shift=lambda r, m: -r.uniform(0.010, 0.020))),
    "hysteresis 10 mV": ("lfp", _with(hysteresis=0.010)),
    "capacity 76 %": ("lfp", _drawn(capacity_ah=lambda r, m: m.nominal_ah * r.uniform(0.75, 0.78))),
    "capacity 105 %": ("lfp", _drawn(capacity_ah=lambda r, m: m.nominal_ah * 1.05)),
    "declared too little": ("lfp", _drawn(capacity_ah=lambda r, m: m.nominal_ah * 1.12)),
    "gain 0.94": ("lfp", _with(gain=0.94)),
    "gain 1.06": ("lfp", _with(gain=1.06)),
    "offset 0.5 % C": ("lfp", _drawn(offset=lambda r, m: r.choice((-1, 1)) * 0.005 * m.nominal_ah)),
    "offset with warmth": (
        "lfp",
        _drawn(offset_warm=lambda r, m: r.choice((-1, 1)) * 0.0002 * m.nominal_ah, swing=lambda r, m: 6.0),
    ),
    "wide dead band": (
        "lfp",
        _drawn(dead_band=lambda r, m: 0.004 * m.nominal_ah + 0.2, idle=lambda r, m: 0.003 * m.nominal_ah),
    ),
    "cold": ("lfp", _drawn(warmth=lambda r, m: r.uniform(-3.0, 3.0))),
    "hot": ("lfp", _drawn(warmth=lambda r, m: r.uniform(36.0, 42.0))),
    "unequal cells": ("lfp", _drawn(apart=lambda r, m: tuple(r.gauss(0.0, 4.0) for _ in range(CELLS)))),
    "BMS jumps": (
        "lfp",
        _drawn(
            bms_jumps=lambda r, m: tuple(
                (d * DAY + r.uniform(0, DAY), r.uniform(-30, 30)) for d in range(1, m.days, 3)
            )
        ),
    ),
    "full each day": ("lfp", _with(full_every=1.0, first_full=0.2)),
    "full each fortnight": ("lfp", _with(full_every=14.0, first_full=1.0)),
    "full once": ("lfp", _drawn(full_every=lambda r, m: 99.0, first_full=lambda r, m: r.uniform(1.0, 4.0))),
    "never full": ("lfp", _with(full_every=math.inf, first_full=math.inf)),
    "often low": ("lfp", _with(deep=0.85, full_every=3.0, first_full=1.0)),
    **{f"charger: {name}": ("lfp", _charged_by(name)) for name in CHARGERS},
    "nmc": ("nmc", _with()),
    "nmc, often low": ("nmc", _with(deep=0.8)),
    "lto": ("lto", _with()),
}


def draw(scenario: str, number: int, days: int = 30) -> Made:
    """Return the pack of that name and number."""
    chemistry, override = SCENARIOS[scenario]
    rng = random.Random(f"{scenario}:{number}")
    return override(rng, _usual(rng, scenario, number, days, chemistry))


class OwnCurve:
    """The rested voltage of this pack's cells: its maker's table, shifted and bent its own way."""

    def __init__(self, made: Made) -> None:
        kind, table = KINDS[made.chemistry], CURVES[made.chemistry][made.curve]
        fine = [i * 0.5 for i in range(201)]
        volts = []
        knee = _linear(AT, table, kind.knee)
        for soc in fine:
            # The flank and the step move sideways, what lies between and beyond them is stretched.
            moved = soc - made.knee_moved * _fade(soc, 40.0, 55.0) - made.step_moved * _hill(soc)
            v = _linear(AT, table, min(100.0, max(0.0, moved)))
            if v < knee:
                v = knee - (knee - v) * made.steepness
            volts.append(v + made.shift)
        for i in range(1, len(volts)):  # a warp may not turn a plateau downhill
            volts[i] = max(volts[i], volts[i - 1] + 1e-5)
        self.volts = volts
        self.top = 0.09  # V for each % beyond full
        self.bottom = 0.25

    def at(self, soc: float) -> float:
        """Voltage, in V, at ``soc`` %; beyond both ends it goes on steeply."""
        if soc >= 100.0:
            return self.volts[-1] + (soc - 100.0) * self.top
        if soc <= 0.0:
            return self.volts[0] + soc * self.bottom
        place = soc * 2.0
        i = int(place)
        v = self.volts[i]
        return v + (place - i) * (self.volts[i + 1] - v)


def _linear(xs: tuple[float, ...], ys: tuple[float, ...], x: float) -> float:
    i = min(len(xs) - 1, max(1, bisect_right(xs, x)))
    return ys[i - 1] + (x - xs[i - 1]) / (xs[i] - xs[i - 1]) * (ys[i] - ys[i - 1])


def _fade(x: float, begin: float, end: float) -> float:
    """1 below ``begin``, 0 above ``end``."""
    return min(1.0, max(0.0, (end - x) / (end - begin)))


def _hill(x: float) -> float:
    """1 around the step at 70 %, 0 below 45 and above 93."""
    return min(1.0, max(0.0, (x - 45.0) / 12.0)) * min(1.0, max(0.0, (93.0 - x) / 10.0))


class _Day(NamedTuple):
    """What happens from one midnight to the next; charges in % of the true capacity."""

    sun: float  # C at noon
    cap: float  # charging ends here
    floor: float  # discharging ends here
    busy: float  # times the usual load
    cuts: tuple[tuple[float, float], ...]  # s of the day without grid


def _days(made: Made, rng: random.Random) -> list[_Day]:
    next_full, out = made.first_full, []
    for day in range(made.days):
        full = day >= next_full
        if full:
            next_full = day + made.full_every
        cuts = []
        at = rng.uniform(0.0, 6.0)
        while at < 24.0:
            length = rng.uniform(0.5, 7.0)
            cuts.append((at * HOUR, min(24.0, at + length) * HOUR))
            at += length + rng.uniform(2.0, 12.0)
        deep = rng.random() < made.deep
        out.append(
            _Day(
                sun=rng.uniform(0.28, 0.45)
                if full
                else rng.uniform(0.03, 0.12)
                if deep
                else rng.uniform(0.08, 0.4),
                cap=1000.0 if full else rng.uniform(60.0, 92.0),
                floor=rng.uniform(2.0, 11.0) if deep else made.floor + rng.uniform(-6.0, 6.0),
                busy=rng.uniform(1.3, 2.2) if deep else 1.0,
                cuts=tuple(cuts),
            )
        )
    return out


def family_loads(made: Made, rng: random.Random) -> Iterator[tuple[float, float]]:
    """Yield (s from the start, load in A) at every step of the load."""
    scale = made.nominal_ah
    base = rng.uniform(0.008, 0.03) * scale
    fridge, on = rng.uniform(0.01, 0.03) * scale, False
    period = rng.uniform(900.0, 2400.0)
    at, extra, until = 0.0, 0.0, 0.0
    next_fridge = 0.0
    while at < made.days * DAY:
        hour = at % DAY / HOUR
        if at >= next_fridge:
            on = not on
            next_fridge = at + period * rng.uniform(0.6, 1.5)
        if at >= until:
            lively = (
                0.2 + 0.8 * math.exp(-(((hour - 19.5) / 3.0) ** 2)) + 0.4 * math.exp(-(((hour - 8) / 2) ** 2))
            )
            if rng.random() < 0.5 * lively:
                extra = rng.choice((0.03, 0.06, 0.12, 0.25, 0.45)) * scale * rng.uniform(0.7, 1.2)
                until = at + rng.uniform(60.0, 500.0 if extra > 0.1 * scale else 5000.0)
            else:
                extra = 0.0
                until = at + rng.uniform(300.0, 5000.0)
        quiet = 1.5 <= hour < 5.0 and rng.random() < 0.25
        yield at, 0.0 if quiet else base + (fridge if on else 0.0) + extra
        at = max(at + 20.0, min(next_fridge, until))


class Cells:
    """The cells of one pack: charge, hysteresis, polarisation, voltages."""

    def __init__(self, made: Made) -> None:
        self.made, self.curve = made, OwnCurve(made)
        self.kind = KINDS[made.chemistry]
        self.charge = made.start  # % of the mean cell
        self.apart = list(made.apart)
        self.side = 0.0  # -1 came by discharging, 1 by charging
        self.quick = self.slow = 0.0  # V
        self.warmth = made.warmth
        self.balance_amps: float | None = None  # what the BMS tells of its balancer
        self.balancing: bool | None = None

    @property
    def ohm(self) -> float:
        """Resistance of a cell now; about double at 0 °C, and higher where it is nearly empty."""
        cold = math.exp(0.024 * (25.0 - self.warmth))
        low = 1.0 + max(0.0, 12.0 - self.charge) * 0.06
        return self.made.resistance / self.made.nominal_ah * cold * low

    def rested(self) -> float:
        """What the mean cell would show without current now, polarisation included."""
        entropy = self.kind.entropy * (self.warmth - 25.0)
        return (
            self.curve.at(self.charge) + self.made.hysteresis * self.side + self.quick + self.slow + entropy
        )

    def flow(self, amps: float, seconds: float) -> None:
        """Let ``amps`` flow."""
        made, ohm = self.made, self.ohm
        moved = 100.0 * amps * seconds / HOUR / made.capacity_ah
        self.charge += moved
        if moved:
            towards = 1.0 if moved > 0.0 else -1.0
            self.side += (towards - self.side) * -math.expm1(-abs(moved) / made.settles)
        for name, (share, tau) in (("quick", made.quick), ("slow", made.slow)):
            v = getattr(self, name)
            setattr(self, name, v + (share * ohm * amps - v) * -math.expm1(-seconds / tau))
        for i, leak in enumerate(made.leak):
            self.apart[i] -= leak * seconds / DAY
        mean = sum(self.apart) / len(self.apart)
        self.charge += mean
        self.apart = [a - mean for a in self.apart]

    def volts(self, amps: float) -> list[float]:
        """True voltage of each cell."""
        common = self.rested() - self.curve.at(self.charge) + self.ohm * amps
        return [self.curve.at(self.charge + a) + common for a in self.apart]

    def warm(self, at: float) -> None:
        """Take on the warmth of that moment."""
        self.warmth = self.made.warmth + self.made.swing * math.sin((at % DAY / DAY - 0.4) * 2.0 * math.pi)

    def balance(self, seconds: float, amps: float) -> int | None:
        """Let the balancer work for ``seconds`` while ``amps`` flow; return the cell it pulls, None: none."""
        if amps < 0.0 or self.rested() <= self.kind.balance or max(self.apart) - min(self.apart) < 0.15:
            return None
        high = max(range(CELLS), key=self.apart.__getitem__)
        low = min(range(CELLS), key=self.apart.__getitem__)
        move = 100.0 * seconds / HOUR / self.made.capacity_ah  # 1 A
        self.apart[high] -= move
        self.apart[low] += move
        return high


class _Source:
    """A charger with its phases."""

    def __init__(self, made: Made) -> None:
        around, span = CHARGED_AT[made.chemistry], CHARGER_SPAN[made.chemistry]
        c = made.charger
        self.absorb = around + (c.absorb - 3.45) * span
        self.hold = around + (c.hold - 3.45) * span
        self.leave, self.longest = c.leave * made.nominal_ah, c.longest * HOUR
        self.holding, self.absorbed, self.below = False, 0.0, 0.0

    def amps(self, offered: float, cells: Cells) -> tuple[float, bool]:
        """Return what flows of ``offered`` A, and whether the voltage limits it."""
        target = self.hold if self.holding else self.absorb
        allowed = (target - cells.rested()) / cells.ohm
        return (offered, False) if allowed >= offered else (max(0.0, allowed), True)

    def passed(self, seconds: float, amps: float, limited: bool, cells: Cells) -> None:
        """Go on to the next phase when it is time."""
        if self.holding:
            if cells.rested() < self.hold - 0.06 or cells.charge < 92.0:
                self.holding, self.absorbed, self.below = False, 0.0, 0.0
            return
        if not limited:
            self.absorbed = self.below = 0.0
            return
        self.absorbed += seconds
        self.below = self.below + seconds if amps < self.leave else 0.0
        if self.absorbed > self.longest or self.below > 60.0:
            self.holding = True


def lived(
    made: Made,
    cells: Cells | None = None,
    pace: Pace = USUAL_PACE,
    house: Iterator[tuple[float, float]] | None = None,
) -> Iterator[Seen]:
    """Let the pack live; yield what its BMS would have sent, beside the truth.

    ``cells``: others than usual. ``house``: the loads, as ``family_loads`` yields them; None: those.
    """
    rng = random.Random(f"{made.scenario}:{made.number}:life")
    cells, source = cells or Cells(made), _Source(made)
    kind, days = KINDS[made.chemistry], _days(made, rng)
    loads = house or family_loads(made, rng)
    remaining = made.told * 0.01 * made.nominal_ah
    jumps, dark = list(made.bms_jumps), list(made.dark)
    at, last_sent = 0.0, 0.0
    elapsed: float | None = None
    load, (next_load, coming) = 0.0, next(loads)
    after: list[float] = []  # looks soon after a step of the load
    offset = made.offset
    wander = 0.0
    may_charge = may_discharge = True
    resting = False  # discharged to the floor: the inverter passes the grid through
    silent_until = 0.0
    end = made.days * DAY - 1.0
    while at < end:
        day = days[int(at // DAY)]
        t = at % DAY
        if at >= next_load:
            load = coming
            next_load, coming = next(loads, (math.inf, 0.0))
            after = [at + 3.0, at + 8.0]
        # What the house does.
        grid = not any(a <= t < b for a, b in day.cuts)
        shine = day.sun * made.nominal_ah * max(0.0, math.sin((t / DAY - 0.25) * 2.0 * math.pi))
        sun = shine * (0.75 + 0.25 * math.sin(at / 700.0 + made.number))
        limited = False
        if sun > load * day.busy or (grid and day.cap > 100.0 and t > 0.55 * DAY):
            offered = max(
                sun - load * day.busy,
                0.15 * made.nominal_ah if grid and day.cap > 100.0 and t > 0.55 * DAY else 0.0,
            )
            if cells.charge >= day.cap or not may_charge:
                amps = 0.0
            else:
                amps, limited = source.amps(offered, cells)
        else:
            wanted = load * day.busy - sun
            if resting and (grid or cells.charge > day.floor + 6.0):
                resting = cells.charge <= day.floor + 6.0
            low = cells.charge <= day.floor or cells.rested() - wanted * cells.ohm < kind.stop
            resting = resting or low
            amps = 0.0 if resting or not may_discharge else -wanted
        if amps <= 0.0 and not limited:
            amps -= made.idle if cells.charge > 0.5 and may_discharge else 0.0
        # When is it looked at next?
        following = at + (pace.limited if limited else pace.usual * (0.7 + 0.3 * rng.random()))
        following = min([following, max(next_load, at + 1.0), *after[:1]])
        if after and following >= after[0]:
            after.pop(0)
        seconds = following - at
        # Physics.
        cells.warm(at)
        cells.flow(amps, seconds)
        source.passed(seconds, amps, limited, cells)
        pulled = cells.balance(seconds, amps)
        true_volts = cells.volts(amps)
        if max(true_volts) > kind.ovp:
            may_charge = False
        elif max(true_volts) < kind.ovp - 0.10 * CHARGER_SPAN[made.chemistry]:
            may_charge = True
        if min(true_volts) < kind.uvp:
            may_discharge = False
        elif min(true_volts) > kind.uvp + 0.25:
            may_discharge = True
        # What the BMS makes of it.
        wander += rng.gauss(0.0, made.offset_wander) * math.sqrt(seconds / HOUR) - wander * seconds / (
            5 * HOUR
        )
        warm = cells.warmth - 25.0
        measured = made.gain * amps + offset + wander + made.offset_warm * warm
        measured = 0.0 if abs(measured) < made.dead_band else round(measured, 3)
        remaining += measured * seconds / HOUR
        if jumps and following >= jumps[0][0]:
            remaining += jumps.pop(0)[1] * 0.01 * made.nominal_ah
        if max(true_volts) > kind.ovp:
            remaining = made.nominal_ah
        remaining = min(made.nominal_ah, max(0.0, remaining))
        at = following
        if dark and at >= dark[0][0]:
            silent_until = dark.pop(0)[1]
        if at < silent_until:
            continue
        seen = []
        for i, v in enumerate(true_volts):
            dip = 0.004 if pulled == i and int(at) % 30 < 15 else 0.0
            error = made.channel[i] + made.channel_warm[i] * warm + rng.gauss(0.0, made.noise)
            seen.append(round(max(0.0, v - dip + error), 3))
        passed = at - last_sent
        elapsed = None if last_sent == 0.0 or (passed > 200.0 and not made.sure_of_time) else passed
        last_sent = at
        soc = int(100.0 * remaining / made.nominal_ah)
        yield Seen(
            at,
            elapsed,
            Sample(
                device=DEVICE,
                taken_at=AWARE,
                monotonic=at,
                current=measured,
                voltage=round(sum(seen), 3),
                cell_voltages=tuple(seen),
                soc=soc,
                remaining_ah=round(remaining, 3),
                full_ah=made.nominal_ah,
                temperatures=(round(cells.warmth, 1),),
                balance_current=cells.balance_amps,
                balancing=cells.balancing,
                charge_enabled=may_charge,
                discharge_enabled=may_discharge,
            ),
            min(100.0, max(0.0, cells.charge)),
        )


def rests(made: Made, to: float, *, hours: float = 12.0) -> Iterator[Seen]:
    """Charge the pack full, draw it down to ``to`` % at a fifth of C, and let it rest for ``hours``.

    While it rests the sensor reads 0: what the house draws idly lies below its dead band.
    """
    cells = Cells(replace(made, start=97.0))
    full = CHARGED_AT[made.chemistry]
    at, amps, resting, holding = 0.0, 0.03 * made.nominal_ah, 0.0, 0.0
    while resting < hours * HOUR:
        seconds = 20.0
        if amps > 0.0:
            amps = max(0.0, min(amps, (full - cells.rested()) / cells.ohm))
            holding += seconds if amps < 0.01 * made.nominal_ah else 0.0
            if holding > 1800.0:
                amps = -0.2 * made.nominal_ah
        elif amps < -made.idle and cells.charge <= to:
            amps = -made.idle
        if holding > 1800.0 and amps == -made.idle:
            resting += seconds
        cells.flow(amps, seconds)
        at += seconds
        measured = made.gain * amps + made.offset
        measured = 0.0 if abs(measured) < made.dead_band or resting else round(measured, 3)
        volts = tuple(round(v, 3) for v in cells.volts(amps))
        yield Seen(
            at,
            seconds,
            Sample(
                device=DEVICE,
                taken_at=AWARE,
                monotonic=at,
                current=measured,
                voltage=round(sum(volts), 3),
                cell_voltages=volts,
                soc=50.0,
                full_ah=made.nominal_ah,
                temperatures=(round(cells.warmth, 1),),
            ),
            min(100.0, max(0.0, cells.charge)),
        )
