"""THE table: every number of a sample, its names outside, its unit and its digits.

Whatever shows, sends or stores a value takes name, unit and digits from here, so that all
places show the same number. A new quantity is a new row, and a new field of ``Sample``.
"""

import math
from typing import Any, NamedTuple

from jk_bms.model.sample import Sample


class Quantity(NamedTuple):
    """One value of a ``Sample`` and what the outside calls it. ``None``: not there."""

    attribute: str  # of Sample; a dot reaches into a part of it
    key: str | None  # in a reading (JSON, YAML, socket); a dot nests
    label: str | None = None  # for people; None: not shown by itself
    unit: str = ""
    digits: int | None = None  # decimals in a reading; None: text, whole number or flag
    text_digits: int | None = None  # decimals for people
    payload: str | None = None  # key in the inverter program's record
    payload_digits: int | None = None  # decimals there

    def value(self, sample: Sample) -> Any:
        """Return the value in ``sample``; None when absent, empty or not of finite numbers."""
        first, _, second = self.attribute.partition(".")
        value: Any = getattr(sample, first)
        if second and value is not None:
            value = getattr(value, second)
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, tuple):
            if not value or (isinstance(value[0], float | int) and not all(map(math.isfinite, value))):
                return None
        elif value == "":
            return None
        return value

    def text(self, value: float) -> str:
        """Return ``value`` as a person reads it, with its unit: ``52.58V``."""
        if isinstance(value, int) or self.text_digits is None:
            return f"{value}{self.unit}"
        return fixed(value, self.text_digits) + self.unit


def fixed(value: float, digits: int) -> str:
    """Return ``value`` with exactly ``digits`` decimals and never a minus before a zero."""
    text = format(value, f".{digits}f")
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def rounded(value: float, digits: int) -> float:
    """Return ``value`` at ``digits`` decimals; never -0.0. Whole numbers stay whole."""
    return value if isinstance(value, int) else round(value, digits) + 0.0


Q = Quantity  # short, so that a row is a line
# fmt: off
# Keys of readings are those of the tool's JSON output; payload keys those of the inverter
# program's page, charts and bot. Both are promises: change neither.
QUANTITIES = (
    # attribute              key                   label            unit, digits, for people, payload, digits
    Q("voltage",             "voltage",            "Total Voltage",    "V",  3, 2, "battery_voltage", 1),
    Q("current",             "current",            "Current",          "A",  3, 3, "battery_current", 1),
    Q("power",               "power",              "Power",            "W",  3, 0, "battery_power", 0),
    Q("battery_soc",         "battery_soc",        "Battery SOC",      "%",  1, 1, "battery_soc", 0),
    Q("temperature",         "temperature",        "Temperature",      "°C", 1, 1, "temperature", 0),
    Q("cell_count",          "cell_count",         "Cell Count",       payload="bms_cell_count"),
    Q("cell_min.voltage",    None,                 None,               "V",  3, 3, "bms_cell_min_v", 3),
    Q("cell_max.voltage",    None,                 None,               "V",  3, 3, "bms_cell_max_v", 3),
    Q("cell_delta",          "cell_delta",         "Delta",            "V",  3, 3, "bms_cell_delta_v", 3),
    Q("cell_voltages",       "cells",              "Cells",            "V",  3, 3, "bms_cells", 3),
    Q("battery_soc_source",  "battery_soc_source", "SOC source",       payload="battery_soc_source"),
    Q("soc_curve",           "soc_curve",          "SOC by voltage",   "%",  1, 1, "bms_soc_curve", 1),
    Q("soc",                 "soc",                "SOC",              "%",  1, 1, "bms_soc", 1),
    Q("soc_counted",         "soc_counted",        "SOC counted",      "%",  1, 1, "bms_soc_counted", 1),
    Q("soc_low",             "soc_low",            "SOC at least",     "%",  1, 1, "bms_soc_low", 1),
    Q("soc_high",            "soc_high",           "SOC at most",      "%",  1, 1, "bms_soc_high", 1),
    Q("device.name",         "device.name",        "Name",             payload="bms_name"),
    Q("device.address",      "device.address",     "Address",          payload="bms_address"),
    Q("taken_at",            "time",               "Time",             payload="bms_updated_at"),

    Q("clock_trusted",       "clock_trusted"),  # only when it is not
    Q("device.number",       "device.number",      "Battery"),
    Q("device.kind",         "device.type",        "Type"),
    Q("device.model",        "device.model",       "Model"),
    Q("device.hw_version",   "device.hw_version",  "Hardware"),
    Q("device.sw_version",   "device.sw_version",  "Software"),
    Q("device.serial",       "device.serial",      "Serial"),
    Q("device.balancer",     "device.balancer"),  # only when it is one
    Q("cell_numbers",        "cell_numbers"),  # which cells these are: a harness may have gaps
    Q("cell_resistances",    "cell_resistances",   "Wire Resistances", "Ω",  3, 3),
    Q("cell_min",            "cell_min",           "Min Cell",         "V",  3, 3),
    Q("cell_max",            "cell_max",           "Max Cell",         "V",  3, 3),
    Q("cell_average",        "cell_average",       "Average",          "V",  3, 3),
    Q("soc_anchor",          "soc_anchor",         "SOC counted from"),
    Q("soc_anchor_age",      "soc_anchor_age",     None,               "s",  0, 0),
    Q("learned_ah",          "learned_capacity",   "Capacity Learned", "Ah", 1, 1),
    Q("charged_kwh",         "meters.charged_kwh", "Energy In",        "kWh", 3, 1),
    Q("discharged_kwh",      "meters.discharged_kwh", "Energy Out",    "kWh", 3, 1),
    Q("charged_ah",          "meters.charged_ah",  "Charge In",        "Ah", 3, 1),
    Q("discharged_ah",       "meters.discharged_ah", "Charge Out",     "Ah", 3, 1),
    Q("equivalent_cycles",   "meters.equivalent_cycles", "Equivalent Cycles", "", 3, 1),
    Q("empty_in",            "empty_in",           "Empty in",         "s",  0, 0),
    Q("full_in",             "full_in",            "Full in",          "s",  0, 0),
    Q("soh",                 "soh",                "SOH",              "%",  1, 1),
    Q("remaining_ah",        "charge",             "Capacity Left",    "Ah", 3, 1),
    Q("full_ah",             "capacity",           "Capacity Total",   "Ah", 3, 1),
    Q("cycles",              "cycles",             "Cycles"),
    Q("cycle_charge_ah",     "cycle_charge",       "Cycle Charge",     "Ah", 3, 1),
    Q("temperatures",        "temperatures",       "Temperatures",     "°C", 1, 1),
    Q("probe_numbers",       "probe_numbers"),  # which probes these are, as the app numbers them
    Q("mosfet_temperature",  "mos_temperature",    "MOS Temperature",  "°C", 1, 1),
    Q("balance_current",     "balance_current",    "Balance Current",  "A",  3, 3),
    Q("charge_enabled",      "switches.charge",    "Charge Switch"),
    Q("discharge_enabled",   "switches.discharge", "Discharge Switch"),
    Q("balancing",           "switches.balance",   "Balancing"),
    Q("heating",             "heating",            "Heating"),
    Q("emergency_time",      "emergency_time",     "Emergency Time",   "s"),
    Q("battery_type",        "battery_type"),  # what kind of cells the BMS is set to
    Q("problem_code",        "problem_code"),
    Q("alarms",              "alarms",             "Warnings"),
    Q("uptime",              "uptime",             "Uptime",           "s"),
)
# fmt: on

BY_ATTRIBUTE = {quantity.attribute: quantity for quantity in QUANTITIES}
MERGED = tuple(quantity for quantity in QUANTITIES if quantity.payload)
