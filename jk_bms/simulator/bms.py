"""A BMS on a simulated pack: what it measures, counts, protects and would say.

The pack knows the truth, the BMS a version of it: its current sensor has a gain, an offset and
a dead band, its counter drifts until the pack is full or empty, its voltages wiggle.
"""

import random
from datetime import UTC, date, datetime
from math import fsum  # sum() of floats rounds in its own way in each Python
from typing import NamedTuple

import msgspec

from jk_bms.protocol import CellInfo, DeviceInfo, Settings, Variant
from jk_bms.simulator.balancer import Balancer
from jk_bms.simulator.boards import BALANCER, BOARDS, device_info, factory_settings, without_protections
from jk_bms.simulator.chemistry import CHEMISTRIES
from jk_bms.simulator.house import DAY, REFERENCE_WH, House
from jk_bms.simulator.inverter import SimulatedInverter, Surroundings, Terminals
from jk_bms.simulator.noise import Noise
from jk_bms.simulator.pack import Faulty, Pack
from jk_bms.simulator.protections import Measured, Protections
from jk_bms.simulator.sensor import CurrentSensor

MIDSUMMER = datetime(2026, 6, 15, 7, 30, tzinfo=UTC)  # read as local time
CLOCK_EPOCH = date(2020, 1, 1).toordinal() * DAY
CLOCK_LAST = 2**32 - 1  # s of that clock; a house may begin in 1970, as a Raspberry Pi does
AGE = 41 * DAY  # s the BMS had run before we met it

FINE, COARSE = 1.0, 5.0  # s, steps of the physics
LONG = 60.0  # s: from here on steps are coarse
SYNC_TIME = 60.0  # s a sign of full or empty must last before the counter believes it
SYNC_RATE = 0.05  # C: above it the voltage means nothing

MOS_LAG = 300.0  # s
MOS_HEAT = 18.0  # K above the pack at 0.5C

CHARGE_SWITCH, DISCHARGE_SWITCH, BALANCE_SWITCH = 0x1D, 0x1E, 0x1F
JK04_BALANCE_SWITCH = 0x6C


class Truth(NamedTuple):
    """What no BMS knows. Tuples are by position: 0 = first cell. V, A, Ah, Ohm, %, °C, W."""

    t: float  # s of local time since the first day of the calendar
    soc: float  # of the pack: from its first empty cell to its first full one
    remaining_ah: float
    usable_ah: float
    cell_soc: tuple[float, ...]
    cell_full_ah: tuple[float, ...]
    cell_ocv: tuple[float, ...]
    resistances: tuple[float, ...]  # ohmic, at 25 °C
    lag_resistances: tuple[float, ...]
    leaks: tuple[float, ...]
    voltage: float
    current: float
    temperature: float
    load: float | None  # of the house; None without a house
    sun: float | None
    grid: bool | None


class SimulatedBms:
    """A pack, what it is connected to, and the BMS between them."""

    def __init__(
        self,
        *,
        seed: int = 1,
        cells: int = 16,
        capacity_ah: float = 280.0,
        chemistry: str = "lfp",
        variant: Variant = Variant.JK02_32S,
        start_soc: float = 62.0,
        start: datetime = MIDSUMMER,
        ambient: float = 21.0,
        spread: float = 1.0,
        faulty: Faulty | None = None,
        sensor: CurrentSensor | None = None,
        surroundings: Surroundings | None = None,
        counter_soc: float | None = None,
        balancer: bool = False,
    ) -> None:
        """Make a BMS; ``start`` is local time, its zone is ignored.

        ``surroundings``: what is connected, by default a house to the size of the pack.
        ``counter_soc``: what the BMS believes at first, by default about the truth.
        ``balancer``: an active one, which has no current sensor and no switches.
        Raises ValueError when the values do not go together.
        """
        if chemistry not in CHEMISTRIES:
            raise ValueError(f"chemistry is {chemistry!r}; expected one of {', '.join(CHEMISTRIES)}")
        if balancer and variant is not Variant.JK02_32S:
            raise ValueError(f"balancer is true with variant {variant}; expected {Variant.JK02_32S}")
        self._board = BALANCER if balancer else BOARDS[variant]
        if not 1 <= cells <= self._board.cells:
            raise ValueError(f"cells is {cells}; {variant} has inputs for 1 to {self._board.cells}")
        if not 1.0 <= capacity_ah <= 5000.0:
            raise ValueError(f"capacity_ah is {capacity_ah:g}; expected 1 to 5000 Ah")
        if not 0.0 <= start_soc <= 100.0:
            raise ValueError(f"start_soc is {start_soc:g}; expected 0 to 100 %")
        faulty = faulty or Faulty()
        for name in ("weak", "leaking", "bad_lugs"):
            if unknown := [number for number in getattr(faulty, name) if not 1 <= number <= cells]:
                raise ValueError(f"{name} names cell {unknown[0]}; the pack has cells 1 to {cells}")
        rng = random.Random(f"{seed}:bms")
        self.variant = variant
        self.chemistry = CHEMISTRIES[chemistry]
        self.capacity_ah = capacity_ah
        self.pack = Pack(
            self.chemistry,
            cells,
            capacity_ah,
            rng,
            soc=start_soc,
            spread=spread,
            faulty=faulty,
            ambient=ambient,
        )
        self.sensor = sensor or CurrentSensor.usual(capacity_ah)
        self.t = start.toordinal() * DAY + start.hour * 3600.0 + start.minute * 60.0 + start.second
        self.house: House | None = None
        self.surroundings: Surroundings
        if surroundings is None:
            scale = cells * self.chemistry.nominal * capacity_ah / REFERENCE_WH
            self.house = House(seed, scale=scale)
            self.surroundings = SimulatedInverter(self.house, self.chemistry, cells, capacity_ah, seed)
        else:
            self.surroundings = surroundings
        self.current = 0.0  # A, true
        self.measured_current = 0.0
        self.mos_temperature = ambient + 3.0
        self.cycle_charge_ah = capacity_ah * rng.uniform(30.0, 60.0)
        believed = start_soc if counter_soc is None else counter_soc
        self.counter_ah = capacity_ah * believed / 100.0  # what the BMS thinks is left
        self.syncs = 0  # how often the counter was set by full or empty
        self._settings = factory_settings(variant, self.chemistry, cells, capacity_ah)
        self.apply(self._settings)
        self._wires = tuple(round(rng.uniform(0.052, 0.071), 3) for _ in range(cells))
        self._noise = Noise(f"{seed}:adc")
        self._uptime = float(AGE)
        self._full_for = self._empty_for = 0.0

    @property
    def cells(self) -> int:
        """How many cells are connected."""
        return len(self.pack.full_ah)

    def advance(self, seconds: float, step: float | None = None) -> None:
        """Let ``seconds`` pass, in steps of at most ``step`` s (1 s; 5 s from a minute on)."""
        size = step or (FINE if seconds < LONG else COARSE)
        while seconds > 1e-9:
            dt = min(size, seconds)
            self._step(dt)
            seconds -= dt

    def apply(self, settings: Settings) -> None:
        """Take over ``settings``: thresholds and switches. Tripped protections let go."""
        self._settings = settings
        self._protections = Protections(settings)
        self._balancer = Balancer(
            _number(settings.start_balance_voltage),
            _number(settings.balance_trigger_voltage),
            _number(settings.max_balance_current),
        )
        self._balancer.enabled = bool(settings.balancer_switch)

    def write(self, register: int, value: int) -> bool:
        """Do what a command asks for; False for a register that the simulation does not know."""
        switch = _SWITCHES[self.variant].get(register)
        if switch is None:
            return False
        self._settings = msgspec.structs.replace(self._settings, **{switch: bool(value)})
        self._balancer.enabled = bool(self._settings.balancer_switch)
        return True

    @property
    def charge_on(self) -> bool:
        """Whether the charge MOSFET conducts."""
        return bool(self._settings.charge_switch) and self._protections.charge_allowed

    @property
    def discharge_on(self) -> bool:
        """Whether the discharge MOSFET conducts."""
        return bool(self._settings.discharge_switch) and self._protections.discharge_allowed

    @property
    def alarm_mask(self) -> int:
        """The alarm bits that stand now."""
        mismatch = 1 << 2 if self._settings.cell_count != self.cells else 0
        return self._protections.mask | mismatch

    @property
    def truth(self) -> Truth:
        """What is really there."""
        pack = self.pack
        house, t = self.house, self.t
        return Truth(
            t=t,
            soc=pack.soc,
            remaining_ah=pack.remaining_ah,
            usable_ah=pack.usable_ah,
            cell_soc=tuple(pack.cell_soc),
            cell_full_ah=tuple(pack.full_ah),
            cell_ocv=tuple(pack.ocv),
            resistances=tuple(pack.resistances),
            lag_resistances=tuple(pack.lag_resistances),
            leaks=tuple(pack.leaks),
            voltage=fsum(pack.voltages(self.current)),
            current=self.current,
            temperature=pack.temperature,
            load=house.load(t) if house else None,
            sun=house.sun(t) if house else None,
            grid=house.grid(t) if house else None,
        )

    def settings(self) -> Settings:
        """The settings as they are now."""
        return without_protections(self._settings) if self._board is BALANCER else self._settings

    def device_info(self) -> DeviceInfo:
        """What the BMS says of itself."""
        return device_info(self._board, self.variant, int(self._uptime))

    def cell_info(self) -> CellInfo:
        """What the BMS would say now, at the resolution of its frames."""
        digits = 6 if self.variant is Variant.JK04 else 3
        tick = int(self.t * 2.0)
        volts = self.pack.voltages(self.current)
        cells = tuple(
            round(v + 0.0007 * self._noise.pick(37 * tick + 5 * i), digits) for i, v in enumerate(volts)
        )
        action, balance_current = self._balancer.shown(self.t)
        common = CellInfo(
            self.variant,
            cells=cells,
            cell_numbers=tuple(range(1, len(cells) + 1)),
            cell_resistances=self._wires,
            cell_average_bms=round(fsum(cells) / len(cells), digits),
            cell_delta_bms=round(max(cells) - min(cells), digits),
            balance_action=action,
            balance_current=round(balance_current, 3),
            uptime=int(self._uptime),
        )
        if self.variant is Variant.JK04:
            return common
        values = self._jk02(fsum(volts), tick)
        if self._board is BALANCER:
            values = {name: value if name in _OF_BALANCER else 0 for name, value in values.items()}
            values |= dict.fromkeys(("temperature_2", "temperature_3", "temperature_4", "temperature_5"), 0.0)
        return msgspec.structs.replace(common, **values)

    def _jk02(self, voltage: float, tick: int) -> dict[str, float | None]:
        """What only the newer variants tell."""
        left = self._protections.release_in
        warmth = self.pack.temperature
        wiggle = self._noise.pick
        voltage += 0.003 * wiggle(tick)
        board = self._board
        probes: dict[str, float | None] = {
            f"temperature_{n}": round(warmth + 0.35 * (n - 2.5) + 0.06 * wiggle(tick // 8 + n), 1)
            for n in board.probes
        }
        values: dict[str, float | None] = probes | {
            "voltage": round(voltage, 3),
            "current": self.measured_current,
            "power_bms": round(abs(voltage * self.measured_current), 3),
            "charge": round(self.counter_ah, 3),
            "capacity": round(self.capacity_ah, 3),
            "soc": int(100.0 * self.counter_ah / self.capacity_ah + 1e-9),
            "soh": 100,
            "cycles": int(self.cycle_charge_ah / self.capacity_ah),
            "cycle_charge": round(self.cycle_charge_ah, 3),
            "mos_temperature": round(self.mos_temperature, 1),
            "problem_code": self.alarm_mask,
            "charge_on": self.charge_on,
            "discharge_on": self.discharge_on,
            "release_discharge_overcurrent": left(13),
            "release_charge_overcurrent": left(6),
            "sensor_mask": board.sensor_mask,
            "heating": False,
            "voltage_correction": 2.97,
        }
        if self.variant is Variant.JK02_32S:
            stage = self.surroundings.stage.value if isinstance(self.surroundings, SimulatedInverter) else 0
            spent = self.surroundings.stage_time if isinstance(self.surroundings, SimulatedInverter) else 0.0
            values |= {
                "voltage_check": round(voltage, 2),
                "charger_plugged": self.measured_current > 0.0,
                "ticks": int(self._uptime * 10.0),
                "clock_seconds": min(max(0, int(self.t - CLOCK_EPOCH)), CLOCK_LAST),
                "battery_type_code": self.chemistry.battery_type,
                "charge_stage_code": stage,
                "charge_stage_time": min(65_535, int(spent)),
            }
        return values

    def _step(self, dt: float) -> None:
        pack = self.pack
        terminals = Terminals(
            pack.emf,
            pack.resistance,
            100.0 * self.counter_ah / self.capacity_ah,
            self.charge_on,
            self.discharge_on,
        )
        current = self.surroundings.current(self.t, dt, terminals)
        if not (terminals.charge_allowed if current > 0.0 else terminals.discharge_allowed):
            current = 0.0
        pack.step(dt, current, self._balancer.pair)
        self.current = current
        self.t += dt
        self._uptime += dt
        volts = pack.voltages(current)
        self._count(dt, current, volts)
        heat = MOS_HEAT * (current / (0.5 * self.capacity_ah)) ** 2
        self.mos_temperature += (pack.temperature + 2.0 + heat - self.mos_temperature) * min(
            1.0, dt / MOS_LAG
        )
        self._balancer.step(dt, volts)
        self._protections.step(
            dt,
            Measured(max(volts), min(volts), self.measured_current, pack.temperature, self.mos_temperature),
        )

    def _count(self, dt: float, current: float, volts: list[float]) -> None:
        """Count the charge that the sensor sees; full and empty packs set the counter right."""
        measured = self.measured_current = self.sensor.read(current)
        moved = measured * dt / 3600.0
        self.counter_ah = min(self.capacity_ah, max(0.0, self.counter_ah + moved))
        if moved < 0.0:
            self.cycle_charge_ah -= moved
        calm = abs(measured) <= SYNC_RATE * self.capacity_ah
        mean = fsum(volts) / len(volts)
        full = measured > 0.0 and calm and mean >= _number(self._settings.soc_100_voltage)
        empty = measured < 0.0 and min(volts) <= _number(self._settings.soc_0_voltage)
        self._full_for = self._full_for + dt if full or self._protections.mask & 1 << 4 else 0.0
        self._empty_for = self._empty_for + dt if empty or self._protections.mask & 1 << 11 else 0.0
        if self._full_for >= SYNC_TIME and self.counter_ah < self.capacity_ah:
            self.counter_ah = self.capacity_ah
            self.syncs += 1
        if self._empty_for >= SYNC_TIME and self.counter_ah > 0.0:
            self.counter_ah = 0.0
            self.syncs += 1


_OF_BALANCER = frozenset({"voltage", "temperature_1", "sensor_mask"})

_SWITCHES = {
    Variant.JK04: {JK04_BALANCE_SWITCH: "balancer_switch"},
    Variant.JK02_24S: {
        CHARGE_SWITCH: "charge_switch",
        DISCHARGE_SWITCH: "discharge_switch",
        BALANCE_SWITCH: "balancer_switch",
    },
}
_SWITCHES[Variant.JK02_32S] = _SWITCHES[Variant.JK02_24S]


def _number(value: float | None) -> float:
    """A setting that ours always have."""
    if value is None:
        raise ValueError("settings of a simulated BMS must be complete")
    return value
