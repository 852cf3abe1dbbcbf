"""A switch of the BMS that is off: without a reason that we know, or of one of several packs that feed the house.

A protection that tripped is a reason, and has its own alert; a full or an empty pack is one too.
"""

from collections.abc import Mapping

from jk_bms.model import Sample
from jk_bms.model.alarms import Severity, alarm
from jk_bms.rules import example
from jk_bms.rules.base import Look, Other, PackView, Rule
from jk_bms.rules.causes import HOUSE_DARK
from jk_bms.rules.causes import PACK_CUT as PACK_CUT_RULE
from jk_bms.rules.flow import is_charged, others_facts
from jk_bms.rules.levels import CELLS, Bounds, C, E, W, always, grade

OFF, OFF_PERHAPS_ON_BATTERY, OFF_ON_BATTERY = 1.0, 1.5, 2.0  # what is measured: how bad it is
FULL = 99.0  # %
NEVER_CUT = frozenset({"wire_resistance"})  # of the alarms that are more than information
_GRADES = (
    grade(C, 1045, Bounds(OFF_ON_BATTERY, OFF), samples=2, seconds=20.0),
    grade(W, 1032, Bounds(OFF, 0.0), samples=2, seconds=20.0),
)
_CUT_GRADES = (grade(E, 1051, Bounds(OFF, 0.0), samples=2, seconds=20.0),)


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
        looks["charge"] = Look(value) if known else None
    if not discharge:
        known = discharge is not None and not _empty(view, sample)
        looks["discharge"] = Look(value, others_facts(view)) if known else None
    return looks


def _cut(view: PackView) -> Mapping[str, Look | None] | None:
    """Measure whether a pack has cut itself off while others feed the house on.

    Only a switch that is on ends it: a grid that comes and goes meanwhile makes no second cut of it.
    """
    sample = view.sample
    if sample is None or sample.discharge_enabled is None:
        return None
    if sample.discharge_enabled:
        return {}
    if view.on_battery is False or is_charged(view) or not _empty(view, sample):
        return None
    others = others_facts(view)
    return {"": Look(OFF, others) if others else Look(OFF, {"how": "alone"}, news=False)}


def _tripped(sample: Sample) -> bool:
    """Whether an alarm stands that may have cut the current.

    Some boards ask for another passcode all their life: that explains nothing.
    """
    return any(
        name not in NEVER_CUT and alarm(name).severity is not Severity.INFO for name in sample.alarms or ()
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
    always(_GRADES),
    _look,
    rising=True,
    example=lambda: example.pack(discharge_enabled=False, current=0.0),
    clear_seconds=5.0,
)
PACK_CUT = Rule(
    PACK_CUT_RULE,
    PackView,
    always(_CUT_GRADES),
    _cut,
    rising=True,
    example=lambda: example.pack(
        discharge_enabled=False, current=0.0, battery_soc=0.0, **example.with_cell(7, 2.49, 2.81)
    )._replace(others=(Other("Garage", 80.0),)),
    clear_seconds=5.0,
    passing=True,  # what ends it is a charge or the grid, and that is told
    hidden_by=(HOUSE_DARK,),
)
