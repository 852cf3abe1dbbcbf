"""A charge or discharge switch of the BMS that is off without a reason that we know.

A protection that tripped is a reason, and has its own alert; a full or an empty pack is one too.
"""

from collections.abc import Mapping

from jk_bms.model import Sample
from jk_bms.protocol import alarms
from jk_bms.rules import example
from jk_bms.rules.base import Grade, Look, PackView, Rule
from jk_bms.rules.levels import CELLS, C, Level, W, grade

OFF, OFF_PERHAPS_ON_BATTERY, OFF_ON_BATTERY = 1.0, 1.5, 2.0  # what is measured: how bad it is
FULL = 99.0  # %
NEVER_CUT = frozenset({"wire_resistance"})  # of the alarms that are more than information
_GRADES = (
    grade(C, 1045, Level(OFF_ON_BATTERY, OFF), samples=2, seconds=20.0),
    grade(W, 1032, Level(OFF, 0.0), samples=2, seconds=20.0),
)


def _grades(view: PackView) -> tuple[Grade, ...]:
    return _GRADES


def _look(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None:
        return None
    charge, discharge = sample.charge_enabled, sample.discharge_enabled
    if charge and discharge:
        return {}
    # Only a switch that is on ends an alert: one that is off and explained meanwhile stays as it was.
    looks: dict[str, Look | None] = {}
    value = {True: OFF_ON_BATTERY, None: OFF_PERHAPS_ON_BATTERY, False: OFF}[view.on_battery]
    if not charge:
        known = charge is not None and not _full(view, sample)
        looks["charge"] = Look(value, {"setting": view.settings.get("charge_switch")}) if known else None
    if not discharge:
        known = discharge is not None and not _empty(view, sample)
        looks["discharge"] = (
            Look(value, {"setting": view.settings.get("discharge_switch")}) if known else None
        )
    return looks


def _tripped(sample: Sample) -> bool:
    """Whether an alarm stands that may have cut the current.

    Some boards ask for another passcode all their life: that explains nothing.
    """
    return any(
        alarm.severity is not alarms.Severity.INFO and alarm.name not in NEVER_CUT
        for alarm in alarms.alarms(sample.problem_code or 0)
    )


def _full(view: PackView, sample: Sample) -> bool:
    """Whether the BMS may well have ended a charge."""
    if _tripped(sample):
        return True
    if sample.battery_soc is not None and sample.battery_soc >= FULL:
        return True
    return bool(sample.cell_voltages) and max(sample.cell_voltages) >= view.chemistry.charge


def _empty(view: PackView, sample: Sample) -> bool:
    """Whether the BMS may well have ended a discharge."""
    if _tripped(sample):
        return True
    low = CELLS[view.chemistry.name].low_critical.set
    return bool(sample.cell_voltages) and min(sample.cell_voltages) <= low


SWITCH_OFF = Rule(
    "switch_off",
    PackView,
    _grades,
    _look,
    rising=True,
    example=lambda: example.pack(discharge_enabled=False, current=0.0),
    clear_seconds=5.0,
)
