"""A simulated pack living through weeks in seconds: long steps, short ones where something jumps.

The house around it is simple on purpose: it draws at night, is charged by day until the pack is
full, and switches something large now and then, always between two close samples.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from jk_bms.battery.chemistry import CHEMISTRIES, Chemistry
from jk_bms.battery.curves import Curve
from jk_bms.battery.health import Health, HealthReport
from jk_bms.battery.ocv import LFP
from jk_bms.model import Device, Sample
from jk_bms.simulator import SimulatedBms
from jk_bms.simulator.balancer import Balancer
from jk_bms.simulator.inverter import Steady, Terminals
from jk_bms.simulator.pack import Balancing, Faulty
from jk_bms.simulator.sensor import CurrentSensor

DAY = 86_400.0
STEP = 120.0  # s
CLOSE = 2.0  # s: samples around a jump
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
DEVICE = Device(address="C8:47:80:00:00:01", number=1, kind="simulated")
CUT_OFF = 3.1  # V per cell: whatever the BMS believes, here the house stops drawing
STEEP = 3.342  # V per cell: above it the voltage climbs so fast that steps must be shorter
STEEP_STEP = 30.0  # s
SOFT = 3.0  # times the resistance: what keeps a charger steady in spite of long steps


@dataclass
class Habits:
    """How the pack is used; rates in C."""

    lowest: float = 28.0  # %: the house draws down to here
    draw: float = 0.03
    kettle: float = 0.12  # on top, six times a day
    charge: float = 0.16
    charge_days: float = 1.0  # chance of a day with sun enough
    target: float = 3.45  # V per cell


class QuickHouse(Steady):
    """Charging from nine o'clock, drawing from four in the afternoon."""

    def __init__(self, habits: Habits, cells: int, capacity_ah: float, rng: random.Random) -> None:
        super().__init__()
        self.habits, self.cells, self.capacity = habits, cells, capacity_ah
        self.kettle = False
        self._rng = rng
        self._sunny = (0, True)

    def current(self, t: float, dt: float, battery: Terminals) -> float:
        """Return the current in A."""
        habits = self.habits
        day, hour = int(t // DAY), t % DAY / 3600.0
        if self._sunny[0] != day:
            self._sunny = (day, self._rng.random() < habits.charge_days)
        extra = habits.kettle if self.kettle else 0.0
        if 9.0 <= hour < 16.0 and self._sunny[1]:
            room = (habits.target * self.cells - battery.emf) / (SOFT * battery.resistance)
            amps = max(0.0, min(habits.charge * self.capacity, room)) - extra * self.capacity
        else:
            left = battery.soc > habits.lowest and battery.emf > CUT_OFF * self.cells
            amps = -(habits.draw + extra) * self.capacity if left else 0.0
        allowed = battery.charge_allowed if amps > 0 else battery.discharge_allowed
        return amps if allowed else 0.0


class MisledBalancer(Balancer):
    """Works by the voltages that the BMS measures, not by the true ones."""

    def __init__(self, like: Balancer, off: list[float]) -> None:
        super().__init__(like.start, like.trigger, like.current)
        self.enabled = like.enabled
        self._off = off

    def step(self, dt: float, voltages: list[float]) -> Balancing | None:
        """Look at the cells; return what to move during the next ``dt`` s."""
        return super().step(dt, [v + off for v, off in zip(voltages, self._off, strict=True)])


class Step(NamedTuple):
    """A sample and how long after the one before."""

    sample: Sample
    elapsed: float | None


class QuickPack:
    """A pack, its BMS and its quick house."""

    def __init__(
        self,
        seed: int,
        *,
        capacity_ah: float = 280.0,
        cells: int = 16,
        faulty: Faulty | None = None,
        habits: Habits | None = None,
        ambient: float = 21.0,
        spread: float = 1.0,
        balancer: bool = True,
        voltmeter: float = 0.0015,
        astray: dict[int, float] | None = None,
        outages: float = 0.0,
    ) -> None:
        """Draw a pack. ``voltmeter``: V that the inputs of the BMS differ, one standard deviation.

        ``astray``: Ah that a cell, by number, holds more than the others at first. ``outages``: a
        day, in which nobody reads the BMS for up to 30 h.
        """
        rng = random.Random(f"{seed}:quick")
        self.house = QuickHouse(habits or Habits(), cells, capacity_ah, rng)
        self.bms = SimulatedBms(
            seed=seed,
            cells=cells,
            capacity_ah=capacity_ah,
            faulty=faulty,
            surroundings=self.house,
            ambient=ambient,
            spread=spread,
            start_soc=rng.uniform(40.0, 80.0),
            start=datetime(2026, 1, 5),  # noqa: DTZ001  local time
            sensor=CurrentSensor(
                gain=rng.uniform(0.97, 1.03),
                offset=rng.uniform(-0.3, 0.3) * capacity_ah / 280.0,
                dead_band=0.2 * capacity_ah / 280.0,
            ),
        )
        if not balancer:
            self.bms.write(0x1F, 0)
        self._outages = outages
        self._volts_off = [rng.gauss(0.0, voltmeter) for _ in range(cells)]
        self.bms._balancer = MisledBalancer(self.bms._balancer, self._volts_off)
        for number, more in (astray or {}).items():
            self.bms.pack.charge_ah[number - 1] += more
        self._rng = rng
        self._t = 0.0

    def live(self, days: float) -> Iterator[Step]:
        """Let ``days`` pass; yield every sample."""
        end = self._t + days * DAY
        while self._t < end:
            if self._outages and self._rng.random() < self._outages * STEP / DAY:
                gap = self._rng.uniform(0.2, 30.0) * 3600.0
                missed = self._advance(gap)
                yield Step(missed.sample, self._rng.choice((gap, None)))
            elif self._rng.random() < 12 * STEP / DAY:  # switched on or off
                yield self._advance(STEP - 2 * CLOSE)
                yield self._advance(CLOSE)
                self.house.kettle = not self.house.kettle
                yield self._advance(CLOSE)
                yield self._advance(CLOSE)
            else:
                yield self._advance(STEP)

    def _advance(self, seconds: float) -> Step:
        steep = self.bms.pack.emf > STEEP * self.bms.cells
        self.bms.advance(seconds, step=STEEP_STEP if steep else STEP)
        self._t += seconds
        return Step(self.sample(), seconds)

    def sample(self) -> Sample:
        """What the BMS says, as the source would put it."""
        info = self.bms.cell_info()
        return Sample(
            device=DEVICE,
            taken_at=BEGIN + timedelta(seconds=self._t),
            monotonic=self._t,
            voltage=info.voltage,
            current=info.current,
            cell_voltages=tuple(
                round(v + off, 3) for v, off in zip(info.cells, self._volts_off, strict=True)
            ),
            cell_numbers=info.cell_numbers,
            soc=info.soc,
            remaining_ah=info.charge,
            full_ah=info.capacity,
            temperatures=(info.temperature_1,) if info.temperature_1 is not None else (),
            balance_current=info.balance_current,
            balancing=bool(info.balance_action),
        )


def drawn(seed: int, fault: str | None = None) -> tuple[QuickPack, Chemistry]:
    """Draw a pack at random, with one faulty cell (number 5) or none, and the chemistry it is taken for.

    A healthy one may be used in any way; a faulty one so that the fault can show within four weeks.
    """
    rng = random.Random(f"{seed}:drawn")
    capacity = rng.choice((50.0, 100.0, 150.0, 280.0, 314.0, 400.0))
    resistance = 0.1 / capacity
    faulty = {
        None: Faulty(),
        "weak": Faulty(weak={5: rng.uniform(0.78, 0.88)}),
        "leaking": Faulty(leaking={5: capacity * rng.uniform(1e-4, 5e-4)}),  # 7 to 36 % a month
        "bad connection": Faulty(bad_lugs={5: resistance * rng.uniform(0.8, 2.5)}),
    }[fault]
    habits = Habits(
        lowest=rng.uniform(15.0, 70.0 if fault is None else 36.0),
        draw=rng.uniform(0.015, 0.04),
        charge=rng.uniform(0.1, 0.2),
        charge_days=rng.uniform(0.1 if fault is None else 0.6, 1.0),
        target=rng.uniform(3.42, 3.5),
    )
    pack = QuickPack(
        seed,
        capacity_ah=capacity,
        faulty=faulty,
        habits=habits,
        ambient=rng.uniform(4.0, 32.0),
        balancer=rng.random() < 0.8,
        astray={rng.randint(6, 16): 0.01 * capacity * rng.uniform(-3.0, 3.0) for _ in range(2)},
        outages=rng.choice((0.0, 0.0, 0.2)),
    )
    lift, tilt = rng.gauss(0.0, 0.004), rng.gauss(0.0, 0.003)
    curve = Curve((v + lift + tilt * (soc - 50.0) / 50.0, soc) for v, soc in LFP.points)
    return pack, replace(CHEMISTRIES["lfp"], ocv=curve)


def watched(
    pack: QuickPack,
    days: float,
    daily: Callable[[HealthReport, float], None] | None = None,
    chemistry: Chemistry = CHEMISTRIES["lfp"],
    *,
    blind: bool = False,
    beside: Health | None = None,
) -> Health:
    """Let a fresh Health watch ``pack`` for ``days``; ``daily`` is called with its report and the day.

    ``blind``: the BMS does not tell what its balancer moves. ``beside``: another one that is told all.
    """
    health = Health(chemistry, nominal_ah=pack.bms.capacity_ah)
    following = DAY
    for sample, elapsed in pack.live(days):
        if beside is not None:
            beside.feed(sample, elapsed)
        if blind:
            sample = msgspec.structs.replace(sample, balance_current=None)
        health.feed(sample, elapsed)
        if daily is not None and sample.monotonic >= following:
            daily(health.report(), following / DAY)
            following += DAY
    return health
