"""The alarms that the BMS itself raises, each for itself."""

from collections.abc import Mapping
from functools import lru_cache

from jk_bms.model import Sample
from jk_bms.model.alarms import Severity, alarm
from jk_bms.rules import example
from jk_bms.rules.base import Emptying, Look, PackView, Rule
from jk_bms.rules.cells import position
from jk_bms.rules.levels import CELLS, SPREAD_KNEE_WARNING, Bounds, C, W, always, grade

WARNING, CRITICAL = 1.0, 2.0  # what is measured: how bad the alarm is
EMPTY = "empty"  # ``how`` of an alarm that says that a cell or the pack is empty
CELL_FULL = "cell_overvoltage"  # how some BMS end every full charge
FULL = 99.0  # %
_OF_EMPTY = frozenset({"cell_undervoltage", "pack_undervoltage"})
_GRADES = (
    grade(C, 1030, Bounds(CRITICAL, WARNING), seconds=0.0),
    grade(W, 1030, Bounds(WARNING, 0.0), seconds=0.0),
)


def _look(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or sample.alarms is None:
        return None
    looks = standing(sample.alarms)
    if CELL_FULL in looks and _full_together(view, sample):
        return {**looks, CELL_FULL: None}  # no news, but not taken back either
    return looks


def _full_together(view: PackView, sample: Sample) -> bool:
    """Whether all cells are full, so that the end of the charge is no news."""
    cells = sample.cell_voltages
    if not cells or max(cells) - min(cells) >= SPREAD_KNEE_WARNING.set:
        return False  # one that ends the charge of the others is
    top = position(CELLS[view.chemistry.name], sum(cells) / len(cells)) == "top"
    return top or (sample.battery_soc is not None and sample.battery_soc >= FULL)


@lru_cache(maxsize=256)  # a pack shows the same few for days
def standing(names: tuple[str, ...]) -> Mapping[str, Look | None]:
    """Return what is measured where the alarms ``names`` stand; what is only information is left out."""
    return {name: _measured(name) for name in names if alarm(name).severity is not Severity.INFO}


def _measured(name: str) -> Look:
    value = CRITICAL if alarm(name).severity is Severity.CRITICAL else WARNING
    return Look(value, {"how": EMPTY} if name in _OF_EMPTY else {})


BMS_ALARM = Rule(
    "bms_alarm",
    PackView,
    always(_GRADES),
    _look,
    rising=True,
    example=lambda: example.pack(alarms=("discharge_overcurrent",)),
    clear_seconds=5.0,
    needs=("alarms",),
    emptying=Emptying(70, how=EMPTY),
)
