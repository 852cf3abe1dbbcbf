"""THE table of alarms: the names under which all makes of BMS tell them, how bad each is, and what it means.

A make's own bits or numbers become these names where its bytes are decoded. Severity is ours: critical
where the BMS cuts the current to protect the battery, info where nothing is wrong with it.
"""

from enum import IntEnum
from typing import NamedTuple


class Severity(IntEnum):
    """How soon the owner must look."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """Its name as settings, events and texts spell it."""
        return self.name.lower()


class Alarm(NamedTuple):
    """What a BMS says is wrong."""

    name: str
    severity: Severity
    text: str  # in one line, for a person


_C, _W, _I = Severity.CRITICAL, Severity.WARNING, Severity.INFO
UNNAMED = "bit_"  # and its number: an alarm bit that has no name here

# fmt: off
ALARMS: tuple[Alarm, ...] = (
    Alarm("wire_resistance",              _W, "the resistance of a balance wire is too high"),
    Alarm("mos_overtemperature",          _C, "the MOSFETs are too hot"),
    Alarm("cell_count_mismatch",          _W, "the number of cells differs from the setting"),
    Alarm("current_sensor_fault",         _W, "the current sensor does not work"),
    Alarm("cell_overvoltage",             _W, "a cell is full: charging has ended"),  # expected
    Alarm("pack_overvoltage",             _W, "the pack voltage is too high"),
    Alarm("charge_overcurrent",           _C, "the charge current is too high"),
    Alarm("charge_short_circuit",         _C, "short circuit while charging"),
    Alarm("charge_overtemperature",       _C, "the battery is too hot to be charged"),
    Alarm("charge_undertemperature",      _W, "the battery is too cold to be charged"),
    Alarm("internal_communication",       _W, "the parts of the BMS do not talk to each other"),
    Alarm("cell_undervoltage",            _C, "a cell is empty"),
    Alarm("pack_undervoltage",            _C, "the pack is empty"),
    Alarm("discharge_overcurrent",        _C, "the discharge current is too high"),
    Alarm("discharge_short_circuit",      _C, "short circuit while discharging"),
    Alarm("discharge_overtemperature",    _C, "the battery is too hot to be discharged"),
    Alarm("charge_mos_fault",             _C, "the charge MOSFET is broken"),
    Alarm("discharge_mos_fault",          _C, "the discharge MOSFET is broken"),
    Alarm("gps_disconnected",             _I, "the GPS module does not answer"),
    Alarm("change_password",              _I, "the BMS asks for another passcode"),
    Alarm("discharge_on_failed",          _W, "discharging could not be switched on"),
    Alarm("battery_overtemperature",      _C, "the battery is too hot"),
    Alarm("temperature_sensor_fault",     _W, "a temperature sensor does not work"),
    Alarm("parallel_module_fault",        _W, "the parallel module does not work"),
    Alarm("short_circuit_release_failed", _W, "the short circuit could not be released"),
    Alarm("discharge_overcurrent2",       _W, "the discharge current is above the second limit"),
    Alarm("discharge_overcurrent3",       _W, "the discharge current is above the third limit"),
    Alarm("discharge_undertemperature",   _W, "the battery is too cold to be discharged"),
    Alarm("gps_remote_lock",              _I, "the battery is locked from afar"),
)
# fmt: on
_BY_NAME = {alarm.name: alarm for alarm in ALARMS}


def alarm(name: str) -> Alarm:
    """Return the alarm called ``name``; one that is not in the table is a warning."""
    known = _BY_NAME.get(name)
    return known or Alarm(name, _W, f"the BMS raises {name}, which this program does not know")
