"""One reading of one pack, whatever its make."""

from datetime import datetime
from itertools import count
from typing import NamedTuple

import msgspec

from jk_bms.model.device import Device

MOST_CELLS = 48  # in series, of one pack: so many have a place in the history


class CellExtreme(NamedTuple):
    """The highest or lowest cell: its voltage in V and its number, 1 = first."""

    voltage: float
    number: int


class Probe(NamedTuple):
    """A battery probe: its number in the maker's app, and its temperature in °C."""

    number: int
    temperature: float


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of one pack. ``None``: the device did not report the value.

    Current and power are positive while charging.
    """

    device: Device
    taken_at: datetime  # aware, UTC
    monotonic: float  # s since boot, when the frame was complete
    clock_trusted: bool = True  # False: ``taken_at`` may be wrong, ``monotonic`` is not

    voltage: float | None = None  # V, at the pack terminals
    current: float | None = None  # A, positive while charging
    cell_voltages: tuple[float, ...] = ()  # V, connected cells only, in order
    cell_numbers: tuple[int, ...] = ()  # their numbers, 1 = first; masks can have gaps
    cell_resistances: tuple[float, ...] = ()  # Ohm, balance wires of the same cells

    soc: float | None = None  # %, as the BMS says
    soc_curve: float | None = None  # %, from the cell voltages
    battery_soc: float | None = None  # %, the one that people are shown
    battery_soc_source: str | None = None  # where it comes from: counted, bms, curve

    soc_counted: float | None = None  # %, our own count of charge
    soc_low: float | None = None  # %, the true value lies above this, 95 times in 100
    soc_high: float | None = None  # %, and below this
    soc_anchor: str | None = None  # what the count last started from: full, empty
    soc_anchor_age: float | None = None  # s since then
    learned_ah: float | None = None  # capacity between two anchors

    charged_kwh: float | None = None  # meters: they only ever grow
    discharged_kwh: float | None = None
    charged_ah: float | None = None
    discharged_ah: float | None = None
    equivalent_cycles: float | None = None
    empty_in: tuple[float, float] | None = None  # s at the usual load, from .. to
    drain: tuple[float, float] | None = (
        None  # % an hour to be ready for, at the usual load or the present: likely, most
    )
    full_in: tuple[float, float] | None = None  # s at the present charge, from .. to

    soh: float | None = None  # %
    remaining_ah: float | None = None
    full_ah: float | None = None  # as learnt by the BMS
    cycles: int | None = None
    cycle_charge_ah: float | None = None

    temperatures: tuple[float, ...] = ()  # degC, battery probes that are present
    probe_numbers: tuple[int, ...] = ()  # their numbers, as the maker's app has them; empty: 1, 2, ...
    mosfet_temperature: float | None = None  # degC

    balance_current: float | None = None  # A, + into the low cell, - out of the high one
    balancing: bool | None = None
    charge_enabled: bool | None = None  # state of the charge MOSFET
    discharge_enabled: bool | None = None
    heating: bool | None = None
    emergency_time: int | None = None  # s that the emergency mode still lasts; 0: it is off

    battery_type: str | None = None  # kind of cells any BMS is set to, in these words: lfp, li-ion, lto
    problem_code: int | None = (
        None  # the alarms as the BMS sends them, for the record; the bits are its maker's
    )
    alarms: tuple[str, ...] | None = None  # names of model.alarms that stand; None: it tells no alarms
    uptime: int | None = None  # s, as the BMS counts it

    @property
    def power(self) -> float | None:
        """Voltage times current in W, positive while charging."""
        if self.voltage is None or self.current is None:
            return None
        return self.voltage * self.current

    @property
    def cell_count(self) -> int | None:
        """How many cells are connected; None when the device reports no cells."""
        return len(self.cell_voltages) or None

    @property
    def cell_min(self) -> CellExtreme | None:
        """The lowest cell, the first of equals."""
        if not self.cell_voltages:
            return None
        v = min(self.cell_voltages)
        return CellExtreme(v, self._number(self.cell_voltages.index(v)))

    @property
    def cell_max(self) -> CellExtreme | None:
        """The highest cell, the first of equals."""
        if not self.cell_voltages:
            return None
        v = max(self.cell_voltages)
        return CellExtreme(v, self._number(self.cell_voltages.index(v)))

    @property
    def cell_delta(self) -> float | None:
        """Highest minus lowest cell voltage, in V."""
        cells = self.cell_voltages
        return max(cells) - min(cells) if cells else None

    @property
    def cell_average(self) -> float | None:
        """Mean cell voltage, in V."""
        cells = self.cell_voltages
        return sum(cells) / len(cells) if cells else None

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The battery probes that are present, by their numbers."""
        return tuple(map(Probe, self.probe_numbers or count(1), self.temperatures))

    @property
    def temperature(self) -> float | None:
        """The warmest battery probe, in degC; the MOSFETs do not count."""
        return max(self.temperatures, default=None)

    def _number(self, position: int) -> int:
        return self.cell_numbers[position] if self.cell_numbers else position + 1
