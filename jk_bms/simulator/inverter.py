"""What stands between house and battery: an off-grid inverter with charger.

Days: the sun first, what it leaves over goes into the battery; from ten o'clock the grid helps
to be full by the evening. Evenings and nights: the house lives on the battery down to a reserve,
then on the grid. In a cut always on the battery. Charging is constant current, then constant
voltage until the current has faded, then float.
"""

import math
from enum import Enum
from typing import NamedTuple, Protocol

from jk_bms.simulator.chemistry import Chemistry
from jk_bms.simulator.house import DAY, House
from jk_bms.simulator.noise import Noise


class Terminals(NamedTuple):
    """The battery as the inverter meets it."""

    emf: float  # V at no current
    resistance: float  # Ohm
    soc: float  # %, as the BMS says
    charge_allowed: bool  # the MOSFETs
    discharge_allowed: bool


class Surroundings(Protocol):
    """Whatever is connected to the battery."""

    def current(self, t: float, dt: float, battery: Terminals) -> float:
        """The current that flows during the ``dt`` s from ``t`` on, in A, positive = charging."""


class Steady:
    """A constant current, settable at any time: for trials."""

    def __init__(self, amps: float = 0.0) -> None:
        self.amps = amps

    def current(self, t: float, dt: float, battery: Terminals) -> float:
        """Return the current as set."""
        return self.amps


class Stage(Enum):
    """Where the charger is; the values are the codes of the cell-info frame."""

    BULK = 0
    ABSORPTION = 1
    FLOAT = 2


EFFICIENCY = 0.93
IDLE = 58.0  # W the inverter takes for itself, per scale
CHARGE_RATE = 0.32  # C: most that the charger gives
GRID_RATE = 0.15  # C: most that it takes from the grid
TAIL_RATE = 0.035  # C: below it absorption is over ...
TAIL_TIME = 150.0  # ... after as many seconds
ABSORPTION_MOST = 2 * 3600.0
EVENING, MORNING, GRID_HELPS = 16.5, 6.0, 10.0  # o'clock
RESERVE = 28.0  # %: left for cuts
RESERVE_BACK = 34.0
ALARMED = 18.0  # %: below it the grid charges at any hour
REBULK = 92.0  # %
RIPPLE, FLOAT_RIPPLE = 0.0006, 0.0028  # C
SLOWNESS = 2.5  # s the charger needs to follow


class SimulatedInverter:
    """The inverter of a house with a battery of ``cells`` cells."""

    def __init__(self, house: House, chemistry: Chemistry, cells: int, capacity_ah: float, seed: int) -> None:
        self.house = house
        self.stage = Stage.BULK
        self.stage_time = 0.0  # s
        self.dark = False  # no power in the house
        self.cut_off = chemistry.cut_off  # V a cell, below which it switches the house off
        self._chemistry = chemistry
        self._cells = cells
        self._capacity = capacity_ah
        self._noise = Noise(f"{seed}:ripple")
        self._reserved = False  # down to the reserve: the grid carries the house
        self._rescuing = False
        self._charging = 0.0  # A, what the charger gives now
        self._tail = 0.0  # s below the tail current

    def current(self, t: float, dt: float, battery: Terminals) -> float:
        """The battery current in A, positive = charging."""
        hour = t % DAY / 3600.0
        load, sun, grid = self.house.load(t), self.house.sun(t), self.house.grid(t)
        voltage = battery.emf
        idle = IDLE * self.house.scale
        self._watch_reserve(battery.soc)
        self._watch_voltage(voltage, grid, sun > load + idle, battery.discharge_allowed)
        if self.dark:
            return 0.0
        evening = hour >= EVENING or hour < MORNING
        on_battery = not grid or (
            not self._reserved and (evening or (hour < GRID_HELPS and battery.soc > 50.0))
        )
        if on_battery:
            offered = sun - load / EFFICIENCY - idle  # W, negative: the battery gives
        else:
            offered = sun
            helps = GRID_HELPS <= hour < EVENING or self._rescuing
            if helps or self.stage is not Stage.BULK:
                offered += GRID_RATE * self._capacity * voltage
        # Holding the voltage of a full pack a cheap charger hunts; small currents never rest.
        hunting = FLOAT_RIPPLE if self.stage is Stage.FLOAT else RIPPLE
        ripple = self._noise.at(t, 2.3) * hunting * self._capacity
        if offered <= 0.0:
            self._charging = 0.0
            self._enter(Stage.BULK, dt, battery.soc < REBULK)
            wanted = (offered - (0.0 if on_battery else idle)) / _loaded(voltage, offered, battery.resistance)
            amps = min(0.0, wanted * (1.0 + 0.004 * self._noise.at(t, 1.9)) + ripple)
            return amps if battery.discharge_allowed else 0.0
        amps = self._charge(dt, battery, offered / voltage, idle / voltage) + ripple
        if amps > 0.0:
            return amps if battery.charge_allowed else 0.0
        return amps if battery.discharge_allowed else 0.0

    def _charge(self, dt: float, battery: Terminals, offered: float, idle: float) -> float:
        """Constant current, constant voltage, float; never less than what the inverter itself takes."""
        cell = self._chemistry.hold if self.stage is Stage.FLOAT else self._chemistry.charge
        ceiling = (cell * self._cells - battery.emf) / battery.resistance
        goal = min(offered, CHARGE_RATE * self._capacity)
        self._charging += (goal - self._charging) * -math.expm1(-dt / SLOWNESS)
        limited = ceiling <= self._charging
        amps = max(-idle, min(ceiling, self._charging))
        self._charging = max(0.0, amps)
        self.stage_time += dt
        if self.stage is Stage.FLOAT:
            self._enter(Stage.BULK, dt, battery.soc < REBULK)
        elif limited:
            self._enter(Stage.ABSORPTION, dt, self.stage is Stage.BULK)
            self._tail = self._tail + dt if amps < TAIL_RATE * self._capacity else 0.0
            if self._tail >= TAIL_TIME or self.stage_time > ABSORPTION_MOST:
                self._enter(Stage.FLOAT, dt, True)
        else:
            self._tail = 0.0
        return amps

    def _enter(self, stage: Stage, dt: float, when: bool) -> None:
        if when and self.stage is not stage:
            self.stage, self.stage_time, self._tail = stage, 0.0, 0.0

    def _watch_reserve(self, soc: float) -> None:
        self._reserved = soc < (RESERVE_BACK if self._reserved else RESERVE)
        self._rescuing = soc < (RESERVE if self._rescuing else ALARMED)

    def _watch_voltage(self, voltage: float, grid: bool, sunny: bool, fed: bool) -> None:
        cell = voltage / self._cells
        if grid or sunny:
            self.dark = False
        elif not fed:  # the BMS has cut it off
            self.dark = True
        elif self.dark:
            self.dark = cell < self._chemistry.restart
        else:
            self.dark = cell < self.cut_off


def _loaded(emf: float, watts: float, resistance: float) -> float:
    """The terminal voltage while the battery gives ``-watts``; one step of the iteration is enough."""
    return max(0.6 * emf, emf + watts / emf * resistance)
