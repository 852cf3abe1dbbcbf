"""The alarm bits of a cell-info frame: name, how bad, and one line for a person.

Order of the bits: the maker's register map (0 to 23) and the ESPHome component (24 to 28);
the older 24S boards send the first sixteen. Severity is ours: critical where the BMS cuts the
current to protect the battery, info where nothing is wrong with it.
"""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Severity(StrEnum):
    """How soon the owner must look."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Alarm(NamedTuple):
    """One alarm bit."""

    name: str
    severity: Severity
    text: str


_C, _W, _I = Severity.CRITICAL, Severity.WARNING, Severity.INFO

# fmt: off
ALARMS: tuple[Alarm, ...] = (
    Alarm("wire_resistance",              _W, "the resistance of a balance wire is too high"),  # bit 0
    Alarm("mos_overtemperature",          _C, "the MOSFETs are too hot"),
    Alarm("cell_count_mismatch",          _W, "the number of cells differs from the setting"),
    Alarm("current_sensor_fault",         _W, "the current sensor does not work"),
    Alarm("cell_overvoltage",             _W, "a cell is full: charging has ended"),  # expected
    Alarm("pack_overvoltage",             _W, "the pack voltage is too high"),
    Alarm("charge_overcurrent",           _C, "the charge current is too high"),
    Alarm("charge_short_circuit",         _C, "short circuit while charging"),
    Alarm("charge_overtemperature",       _C, "the battery is too hot to be charged"),  # bit 8
    Alarm("charge_undertemperature",      _W, "the battery is too cold to be charged"),
    Alarm("internal_communication",       _W, "the parts of the BMS do not talk to each other"),
    Alarm("cell_undervoltage",            _C, "a cell is empty"),
    Alarm("pack_undervoltage",            _C, "the pack is empty"),
    Alarm("discharge_overcurrent",        _C, "the discharge current is too high"),
    Alarm("discharge_short_circuit",      _C, "short circuit while discharging"),
    Alarm("discharge_overtemperature",    _C, "the battery is too hot to be discharged"),
    Alarm("charge_mos_fault",             _C, "the charge MOSFET is broken"),  # bit 16
    Alarm("discharge_mos_fault",          _C, "the discharge MOSFET is broken"),
    Alarm("gps_disconnected",             _I, "the GPS module does not answer"),
    Alarm("change_password",              _I, "the BMS asks for another passcode"),
    Alarm("discharge_on_failed",          _W, "discharging could not be switched on"),
    Alarm("battery_overtemperature",      _C, "the battery is too hot"),
    Alarm("temperature_sensor_fault",     _W, "a temperature sensor does not work"),
    Alarm("parallel_module_fault",        _W, "the parallel module does not work"),
    Alarm("short_circuit_release_failed", _W, "the short circuit could not be released"),  # bit 24
    Alarm("discharge_overcurrent2",       _W, "the discharge current is above the second limit"),
    Alarm("discharge_overcurrent3",       _W, "the discharge current is above the third limit"),
    Alarm("discharge_undertemperature",   _W, "the battery is too cold to be discharged"),
    Alarm("gps_remote_lock",              _I, "the battery is locked from afar"),
)
# fmt: on


def alarm(bit: int) -> Alarm:
    """Return the alarm of ``bit``; one named ``bit_N``, a warning, for an unknown one."""
    if bit < len(ALARMS):
        return ALARMS[bit]
    return Alarm(
        f"bit_{bit}", Severity.WARNING, f"the BMS raises alarm {bit}, which this program does not know"
    )


@lru_cache(maxsize=256)  # a pack shows the same few masks for days
def alarms(mask: int) -> tuple[Alarm, ...]:
    """Return the alarms that stand in ``mask``, lowest bit first."""
    return tuple(alarm(bit) for bit in range(mask.bit_length()) if mask >> bit & 1)


@lru_cache(maxsize=256)
def alarm_names(mask: int) -> tuple[str, ...]:
    """Return the names of the alarms that stand in ``mask``, lowest bit first."""
    return tuple(a.name for a in alarms(mask))
