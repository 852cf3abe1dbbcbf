"""What a decoded frame says. ``None``: this variant or firmware does not tell it.

Names, units and signs are those of the JSON output: V, A, W, Ah, %, °C, Ohm, s; currents
are positive while charging. Numbers that follow from others are properties.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from jk_bms.model import CellExtreme
from jk_bms.protocol.alarms import alarm_names
from jk_bms.protocol.logcodes import event_name


class Variant(StrEnum):
    """How a BMS lays out its frames; each firmware knows one of them."""

    JK04 = "JK04"
    JK02_24S = "JK02_24S"
    JK02_32S = "JK02_32S"


CLOCK_EPOCH = datetime(2020, 1, 1)  # noqa: DTZ001 - local time of the BMS, which knows no zone
CLOCK_SET = int(timedelta(days=31).total_seconds())  # earlier than February 2020: it was never set

BATTERY_TYPES: Mapping[int, str] = MappingProxyType({0: "lfp", 1: "li-ion", 2: "lto"})
CHARGE_STAGES: Mapping[int, str] = MappingProxyType({0: "bulk", 1: "absorption", 2: "float"})

# The switches in ``controls_bitmask``, by the number of the bit.
CONTROL_BITS: Mapping[str, int] = MappingProxyType(
    {
        "heating_enabled": 0,
        "disable_temperature_sensors": 1,
        "gps_heartbeat": 2,
        "port_rs485": 3,  # else CAN
        "display_always_on": 4,
        "special_charger": 5,
        "smart_sleep": 6,
        "disable_pcl_module": 7,
        "timed_stored_data": 8,
        "charging_float_mode": 9,
        "emergency_button": 10,
        "dry_contact_intermittent": 11,
        "discharge_ocp2": 12,
        "discharge_ocp3": 13,
        "gps_locked_charging": 14,
        "gps_locked_discharging": 15,
    }
)


class Switches(NamedTuple):
    """The state of the MOSFETs."""

    charge: bool
    discharge: bool


class ReleaseTimers(NamedTuple):
    """Seconds until each protection lets go; 0 = not tripped."""

    discharge_overcurrent: int
    discharge_short_circuit: int
    charge_overcurrent: int
    charge_short_circuit: int
    undervoltage: int
    overvoltage: int


class CellInfo(msgspec.Struct, frozen=True):
    """The live values, sent about twice a second. Build it by keyword.

    The decoder alone relies on the order of the fields: it makes one for every frame.
    """

    variant: Variant
    counter: int = 0  # byte 5 of the frame, shared by all kinds

    cells: tuple[float, ...] = ()  # V, connected cells only
    cell_numbers: tuple[int, ...] = ()  # their numbers, 1 = first; empty = no gaps
    cell_resistances: tuple[float, ...] = ()  # Ohm, balance wires of the same cells

    # scaled numbers
    voltage: float | None = None  # V, pack; JK04 sends none: the sum of its cells
    current: float | None = None  # A
    power_bms: float | None = None  # W, without sign, lags
    cell_average_bms: float | None = None  # V, from another instant than the cells
    cell_delta_bms: float | None = None  # V, likewise
    charge: float | None = None  # Ah left
    capacity: float | None = None  # Ah when full; 32S: as learnt
    cycle_charge: float | None = None  # Ah, all cycles together
    balance_current: float | None = None  # A, + into the low cell, - out of the high one
    mos_temperature: float | None = None  # °C
    temperature_1: float | None = None  # °C, battery probes
    temperature_2: float | None = None
    temperature_3: float | None = None  # mostly a copy of the MOSFETs', and then absent
    temperature_4: float | None = None
    temperature_5: float | None = None
    voltage_check: float | None = None  # V, pack once more, in steps of 10 mV
    heating_current: float | None = None  # A, only while heating
    charge_sensor_voltage: float | None = None  # V
    discharge_sensor_voltage: float | None = None  # V

    # numbers as sent
    cell_mask: int | None = None  # bit 0 = cell 1
    cell_max_number_bms: int | None = None  # 1 = first
    cell_min_number_bms: int | None = None
    wire_warning_mask: int | None = None
    problem_code: int | None = None  # alarm bits
    balance_action: int | None = None  # 0 off, 1 charging the low cell, 2 discharging the high
    soc: int | None = None  # %
    soh: int | None = None  # %
    cycles: int | None = None
    precharge: int | None = None
    user_alarm: int | None = None
    user_alarm2: int | None = None
    uptime: int | None = None  # s since the first power-on
    charge_on: bool | None = None  # the MOSFET conducts
    discharge_on: bool | None = None
    release_discharge_overcurrent: int | None = None  # s
    release_discharge_short_circuit: int | None = None
    release_charge_overcurrent: int | None = None
    release_charge_short_circuit: int | None = None
    release_undervoltage: int | None = None
    release_overvoltage: int | None = None
    sensor_mask: int | None = None  # bit 0 MOSFET, 1..5 probes; 1 = present
    heating: bool | None = None
    emergency_time: int | None = None  # s left
    charger_plugged: bool | None = None
    ticks: int | None = None  # 0.1 s
    clock_seconds: int | None = None  # s since 2020 in the local time of the BMS
    log_count: int | None = None
    time_to_sleep: int | None = None  # s
    parallel_limiter: bool | None = None
    battery_type_code: int | None = None
    charge_stage_time: int | None = None  # s
    charge_stage_code: int | None = None
    dry_contact_bits: int | None = None  # bit 1 first contact, bit 2 second
    current_correction: int | None = None
    voltage_correction: float | None = None

    @property
    def cell_count(self) -> int:
        """How many cells are connected; 0: the board has power but no cells."""
        return len(self.cells)

    @property
    def cell_sum(self) -> float:
        """The connected cells in series, in V."""
        return sum(self.cells)

    @property
    def cell_min(self) -> CellExtreme | None:
        """The lowest cell, the first of equals."""
        if not self.cells:
            return None
        v = min(self.cells)
        return CellExtreme(v, self._number(self.cells.index(v)))

    @property
    def cell_max(self) -> CellExtreme | None:
        """The highest cell, the first of equals."""
        if not self.cells:
            return None
        v = max(self.cells)
        return CellExtreme(v, self._number(self.cells.index(v)))

    @property
    def cell_delta(self) -> float | None:
        """Highest minus lowest cell voltage, in V."""
        return max(self.cells) - min(self.cells) if self.cells else None

    @property
    def cell_average(self) -> float | None:
        """Mean cell voltage, in V."""
        return sum(self.cells) / len(self.cells) if self.cells else None

    @property
    def power(self) -> float | None:
        """Pack voltage times current in W, positive while charging."""
        if self.voltage is None or self.current is None:
            return None
        return self.voltage * self.current

    @property
    def temperatures(self) -> tuple[float, ...]:
        """The battery probes that are present, in °C, in order."""
        return tuple(t for t in self._probes if t is not None)

    @property
    def probe_numbers(self) -> tuple[int, ...]:
        """The numbers of the same probes, as the maker's app has them."""
        return tuple(number for number, t in enumerate(self._probes, 1) if t is not None)

    @property
    def _probes(self) -> tuple[float | None, ...]:
        return (
            self.temperature_1,
            self.temperature_2,
            self.temperature_3,
            self.temperature_4,
            self.temperature_5,
        )

    @property
    def alarms(self) -> tuple[str, ...] | None:
        """The names of the alarms that stand in ``problem_code``, lowest bit first; None: the frame has none."""
        return None if self.problem_code is None else alarm_names(self.problem_code)

    @property
    def switches(self) -> Switches | None:
        """The state of the charge and discharge MOSFETs."""
        if self.charge_on is None or self.discharge_on is None:
            return None
        return Switches(self.charge_on, self.discharge_on)

    @property
    def release_timers(self) -> ReleaseTimers | None:
        """The release timers of the protections."""
        timers = (
            self.release_discharge_overcurrent,
            self.release_discharge_short_circuit,
            self.release_charge_overcurrent,
            self.release_charge_short_circuit,
            self.release_undervoltage,
            self.release_overvoltage,
        )
        known = tuple(t for t in timers if t is not None)
        return ReleaseTimers(*known) if len(known) == len(timers) else None

    @property
    def clock(self) -> datetime | None:
        """The clock of the BMS: naive, its own local time; None when it was never set."""
        if self.clock_seconds is None or self.clock_seconds < CLOCK_SET:
            return None
        return CLOCK_EPOCH + timedelta(seconds=self.clock_seconds)

    @property
    def battery_type(self) -> str | None:
        """``lfp``, ``li-ion`` or ``lto``, as set in the BMS."""
        return None if self.battery_type_code is None else BATTERY_TYPES.get(self.battery_type_code)

    @property
    def charge_stage(self) -> str | None:
        """``bulk``, ``absorption`` or ``float``."""
        return None if self.charge_stage_code is None else CHARGE_STAGES.get(self.charge_stage_code)

    @property
    def dry_contacts(self) -> tuple[bool, bool] | None:
        """Whether each of the two dry contacts is closed."""
        bits = self.dry_contact_bits
        return None if bits is None else (bool(bits & 2), bool(bits & 4))

    def _number(self, position: int) -> int:
        return self.cell_numbers[position] if self.cell_numbers else position + 1


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The thresholds and switches that a person set. JK04 has only a few of them."""

    variant: Variant
    counter: int = 0

    smart_sleep_voltage: float | None = None  # V
    cell_uvp: float | None = None  # V: under-voltage protection, ...r its release
    cell_uvpr: float | None = None
    cell_ovp: float | None = None  # V
    cell_ovpr: float | None = None
    balance_trigger_voltage: float | None = None  # V, difference
    soc_100_voltage: float | None = None  # V, per cell
    soc_0_voltage: float | None = None
    cell_request_charge_voltage: float | None = None
    cell_request_float_voltage: float | None = None
    power_off_voltage: float | None = None  # V, per cell
    max_charge_current: float | None = None  # A
    charge_ocp_delay: int | None = None  # s: over-current protection
    charge_ocp_recovery: int | None = None
    max_discharge_current: float | None = None  # A
    discharge_ocp_delay: int | None = None  # s
    discharge_ocp_recovery: int | None = None
    short_circuit_protection_recovery: int | None = None  # s
    max_balance_current: float | None = None  # A
    charge_otp: float | None = None  # °C: over-temperature protection
    charge_otp_recovery: float | None = None
    discharge_otp: float | None = None
    discharge_otp_recovery: float | None = None
    charge_utp: float | None = None  # °C: under-temperature protection
    charge_utp_recovery: float | None = None
    mos_otp: float | None = None
    mos_otp_recovery: float | None = None
    cell_count: int | None = None
    charge_switch: bool | None = None
    discharge_switch: bool | None = None
    balancer_switch: bool | None = None
    nominal_battery_capacity: float | None = None  # Ah
    short_circuit_protection_delay: int | None = None  # µs
    start_balance_voltage: float | None = None  # V
    connection_wire_resistances: tuple[float, ...] | None = None  # Ohm, every input
    device_address: int | None = None
    precharge_time: int | None = None  # s
    controls_bitmask: int | None = None  # see CONTROL_BITS
    heating_start: int | None = None  # °C
    heating_stop: int | None = None
    smart_sleep_hours: int | None = None
    field_enable: int | None = None
    discharge_utp: int | None = None  # °C
    discharge_utp_recovery: int | None = None
    adc_reference: float | None = None  # V, JK04

    @property
    def controls(self) -> dict[str, bool] | None:
        """The bits of ``controls_bitmask`` by name."""
        mask = self.controls_bitmask
        return None if mask is None else {name: bool(mask >> bit & 1) for name, bit in CONTROL_BITS.items()}


class DeviceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the BMS is. It sends its passcodes along; they end in the decoder."""

    variant: Variant | None = None  # this frame alone may not tell
    counter: int = 0

    model: str = ""
    hw_version: str = ""
    sw_version: str = ""
    uptime: int = 0  # s since the first power-on
    power_on_count: int = 0
    name: str = ""
    manufacturing_date: str | None = None  # YYMMDD as sent
    serial: str | None = None
    user_data: str | None = None
    user_data2: str | None = None
    passcode_set: bool = False
    setup_passcode_set: bool = False

    uart1_protocol: int | None = None
    can_protocol: int | None = None
    uart2_protocol: int | None = None
    uart3_protocol: int | None = None
    uart1_protocols: int | None = None  # which may be chosen: bit n = protocol n
    can_protocols: int | None = None
    uart2_protocols: int | None = None
    uart3_protocols: int | None = None
    buzzer_trigger: int | None = None
    dry1_trigger: int | None = None
    dry2_trigger: int | None = None
    uart_library_version: int | None = None
    can_library_version: int | None = None
    buzzer_trigger_value: int | None = None
    buzzer_release_value: int | None = None
    dry1_trigger_value: int | None = None
    dry1_release_value: int | None = None
    dry2_trigger_value: int | None = None
    dry2_release_value: int | None = None
    log_period: int | None = None  # s
    absorption_time: float | None = None  # h
    float_time: float | None = None  # h
    emergency_duration: int | None = None  # min
    rebulk_soc: int | None = None  # %


class LogEntry(msgspec.Struct, frozen=True):
    """One line of the BMS's own log."""

    time: int  # s of run time
    code: int

    @property
    def event(self) -> str:
        """What the code means; ``code_N`` for an unknown one."""
        return event_name(self.code)


class Logbook(msgspec.Struct, frozen=True, kw_only=True):
    """The BMS's own log: what it did and when, by its run time."""

    variant: Variant | None = None
    counter: int = 0
    count: int = 0  # as the BMS counts; one frame carries at most 57
    entries: tuple[LogEntry, ...] = ()


Decoded = CellInfo | Settings | DeviceInfo | Logbook
