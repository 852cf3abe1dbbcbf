"""Packs drawn at random, weeks of their lives, and how far the counted charge is from the truth.

Used by bench/soc.py and by tests/battery/test_soc_packs.py. Everything that spoils counting is in it:
a sensor with gain, offset and dead band, a BMS that starts 20 points wrong, days and weeks without a
full charge, nights down to nothing, frost, hours in which nobody listened.
"""

import dataclasses
import math
import random
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from jk_bms.battery.chemistry import chemistry
from jk_bms.battery.curves import Curve
from jk_bms.battery.limits import PackLimits
from jk_bms.battery.low_charge import soc_for_warnings
from jk_bms.battery.soc import GAP, SocCounter
from jk_bms.model import Device, Sample
from jk_bms.protocol import to_sample
from jk_bms.simulator.bms import SimulatedBms
from jk_bms.simulator.chemistry import CHEMISTRIES
from jk_bms.simulator.house import DAY, REFERENCE_WH, House
from jk_bms.simulator.inverter import RESERVE, SimulatedInverter, Terminals
from jk_bms.simulator.sensor import CurrentSensor

STEP = 20.0  # s between two samples
NOTED = 60.0  # s between two notes for the score
CELLS = 8
WARNINGS = {20.0: 26.0, 25.0: 30.0}  # %: a warning below; and where it is armed again
LATEST = 12.0  # % of true charge: no warning by here is a missed one
EARLIEST = 35.0  # % of true charge: a warning above is early, ...
WIDE = 20.0  # %: ... which only a band so wide excuses
NEVER = 101.0  # %: a cap that does not cap
AWARE = datetime(2026, 1, 1, tzinfo=UTC)
DEVICE = Device(address="simulated")


class DayKind(NamedTuple):
    """What the weather and the grid allow on a day, in % of true charge."""

    cap: float  # charging ends here
    floor: float  # the night may go down to here


class Drawn(NamedTuple):
    """One pack."""

    seed: int
    chemistry: str
    capacity_ah: float
    sensor: CurrentSensor
    start: float  # %, true
    told: float  # %, by the BMS
    ambient: float
    days: tuple[DayKind, ...]
    dark: tuple[tuple[float, float], ...]  # s from the start: nobody listens from .. to
    sure_of_time: bool  # how long it was dark is known


class Note(NamedTuple):
    """One moment."""

    day: float
    true: float
    value: float
    low: float
    high: float
    anchored: bool
    age: float  # s since the last anchor; inf = none yet
    bms: float


@dataclass
class Life:
    """What became of a pack."""

    pack: Drawn
    notes: list[Note] = field(default_factory=list)
    # By threshold, true % when a warning came, once anchored; and where one should have come.
    warnings: dict[float, list[float]] = field(default_factory=lambda: {at: [] for at in WARNINGS})
    missed: dict[float, list[float]] = field(default_factory=lambda: {at: [] for at in WARNINGS})
    # How many came above a true EARLIEST though the band was below WIDE: a wide one may warn early.
    early: dict[float, int] = field(default_factory=lambda: dict.fromkeys(WARNINGS, 0))
    jumps: list[str] = field(default_factory=list)
    unexplained: float = 0.0  # %: largest change between two samples that had no reason


def draw(seed: int, weeks: float = 4.0, kind: str = "lfp") -> Drawn:
    """Return the pack of ``seed``."""
    rng = random.Random(f"{seed}:drawn")
    count = round(7 * weeks)
    first_dull = rng.randrange(0, max(1, count // 2))
    if seed % 3 == 0:
        first_dull = 0  # no full charge since we came
    dull = range(first_dull, first_dull + rng.randint(count // 4, count // 2))
    days = []
    for day in range(count):
        full = day not in dull and rng.random() < 0.6
        deep = rng.random() < 0.2
        days.append(
            DayKind(
                NEVER if full else rng.uniform(68, 93), rng.uniform(3, 10) if deep else rng.uniform(18, 50)
            )
        )
    dark = []
    for day in range(count):
        if rng.random() < 0.15:
            begin = (day + rng.random()) * DAY
            dark.append((begin, begin + rng.uniform(0.1, 10.0) * 3600.0))
    start = rng.uniform(22, 90)
    wrong = rng.choice((-20.0, 20.0))
    if not 0.0 <= start + wrong <= 100.0:
        wrong = -wrong
    return Drawn(
        seed=seed,
        chemistry=kind,
        capacity_ah=round(rng.uniform(50, 400)),
        sensor=CurrentSensor(rng.uniform(0.97, 1.03), rng.uniform(-0.3, 0.3), 0.2),
        start=start,
        told=min(100.0, max(0.0, start + wrong)),
        ambient=0.0 if rng.random() < 0.3 else rng.uniform(8, 28),
        days=tuple(days),
        dark=tuple(dark),
        sure_of_time=rng.random() < 0.75,
    )


class Weather:
    """An inverter that may charge only up to the day's cap, and discharge to its floor."""

    def __init__(self, pack: Drawn) -> None:
        self.pack = pack
        self.bms: SimulatedBms | None = None
        self.begin = 0.0
        self.chemistry = chemistry(pack.chemistry)

    def join(self, bms: SimulatedBms) -> None:
        """Know whose true charge decides."""
        pack = self.pack
        scale = CELLS * bms.chemistry.nominal * pack.capacity_ah / REFERENCE_WH
        self.inverter = SimulatedInverter(
            House(pack.seed, scale=scale), bms.chemistry, CELLS, pack.capacity_ah, pack.seed
        )
        self.bms, self.begin = bms, bms.t - bms.t % DAY
        bms.surroundings = self

    def current(self, t: float, dt: float, battery: Terminals) -> float:
        """What flows."""
        assert self.bms is not None
        today = min(int((t - self.begin) // DAY), len(self.pack.days) - 1)
        cap, floor = self.pack.days[today]
        true = self.bms.pack.soc
        seen = min(100.0, max(0.0, RESERVE + true - floor))
        amps = self.inverter.current(t, dt, battery._replace(soc=seen))
        return min(amps, 0.0) if true >= cap else amps


class Seen(NamedTuple):
    """One moment of a pack's life: what its BMS says, and the truth."""

    at: float  # s from the start
    elapsed: float | None  # s since the one before; None: nobody knows
    sample: Sample
    true: float


def lived(pack: Drawn, step: float = STEP) -> Iterator[Seen]:
    """Let the pack live, a sample every ``step`` s."""
    weather = Weather(pack)
    bms = SimulatedBms(
        seed=pack.seed,
        cells=CELLS,
        capacity_ah=pack.capacity_ah,
        chemistry=pack.chemistry,
        start_soc=pack.start,
        ambient=pack.ambient,
        sensor=pack.sensor,
        counter_soc=pack.told,
        surroundings=weather,
    )
    bms.apply(replace(bms.settings(), charge_utp=-20, charge_utp_recovery=-18))  # heated, or careless
    weather.join(bms)
    dark = list(pack.dark)
    at, end = 0.0, len(pack.days) * DAY
    elapsed: float | None = None
    while at < end:
        sample = to_sample(bms.cell_info(), device=DEVICE, taken_at=AWARE, monotonic=at)
        yield Seen(at, elapsed, sample, bms.pack.soc)
        passed = step
        if dark and at >= dark[0][0]:
            begin, until = dark.pop(0)
            passed = max(step, until - begin)
        bms.advance(passed, step)
        at += passed
        elapsed = None if passed > step and not pack.sure_of_time else passed


def counter_for(pack: Drawn, curve: Curve | None = None) -> SocCounter:
    """Return a counter that knows what the service would tell it; ``curve``: the owner's own."""
    kind, cells = CHEMISTRIES[pack.chemistry], chemistry(pack.chemistry, curve)
    # PyBaMM's cells are Prada's: what the counter knows of those would be knowing the answer.
    cells = dataclasses.replace(cells, others=(*cells.others[:2], *cells.others[3:]))
    counter = SocCounter(cells, nominal_ah=pack.capacity_ah)
    counter.limits(
        PackLimits(
            cell_ovp=kind.ovp,
            cell_uvp=kind.uvp,
            nominal_ah=pack.capacity_ah,
        )
    )
    return counter


def counted(pack: Drawn, moments: Iterable[Seen], curve: Curve | None = None) -> Life:
    """Count ``moments``; return what came out beside what was true."""
    counter, life = counter_for(pack, curve), Life(pack)
    noted, last = -NOTED, None
    armed = dict.fromkeys(WARNINGS, False)
    for at, elapsed, sample, true in moments:
        estimate = counter.feed(sample, elapsed)
        assert estimate is not None
        if estimate.jump:
            life.jumps.append(f"day {at / DAY:.2f}: {estimate.jump}")
        elif last is not None:
            life.unexplained = max(life.unexplained, abs(estimate.value - last))
        last = estimate.value
        if estimate.anchor is not None:
            judged = soc_for_warnings(estimate.value, estimate.low, estimate.high)
            if judged is None:  # people are shown the BMS's value instead
                judged = sample.soc
            assert judged is not None
            heard = elapsed is not None and elapsed <= GAP
            for at_soc, again in WARNINGS.items():
                if armed[at_soc] and judged < at_soc:
                    armed[at_soc] = False
                    if heard or true >= LATEST:  # while nobody listened, no warning could come
                        life.warnings[at_soc].append(true)
                        life.early[at_soc] += true > EARLIEST and estimate.high - estimate.low < WIDE
                elif armed[at_soc] and true < LATEST and heard:
                    armed[at_soc] = False
                    life.missed[at_soc].append(true)
                elif judged > again and true > again:
                    armed[at_soc] = True
        if at - noted >= NOTED:
            noted = at
            age = math.inf if estimate.anchor_age is None else estimate.anchor_age
            anchored = estimate.anchor is not None
            note = Note(
                at / DAY, true, estimate.value, estimate.low, estimate.high, anchored, age, sample.soc or 0.0
            )
            life.notes.append(note)
    return life


def live(pack: Drawn, step: float = STEP) -> Life:
    """Let the pack live and count."""
    return counted(pack, lived(pack, step))


class Score(NamedTuple):
    """Of many moments, in points of SoC."""

    hours: float
    rmse: float
    p95: float
    worst: float
    covered: float  # share of the time
    width: float  # median


def score(notes: Iterable[Note]) -> Score | None:
    """Return how good ``notes`` are; None when there are none."""
    notes = list(notes)
    if not notes:
        return None
    errors = sorted(abs(n.value - n.true) for n in notes)
    return Score(
        hours=len(notes) * NOTED / 3600.0,
        rmse=math.sqrt(statistics.fmean(e * e for e in errors)),
        p95=errors[int(0.95 * (len(errors) - 1))],
        worst=errors[-1],
        covered=statistics.fmean(n.low <= n.true <= n.high for n in notes),
        width=statistics.median(n.high - n.low for n in notes),
    )


def three_days_after(notes: Iterable[Note]) -> list[Note]:
    """The notes made two and a half to three and a half days after an anchor."""
    return [n for n in notes if 2.5 * DAY <= n.age <= 3.5 * DAY]
