"""What time does to a pack, as its BMS counts it: state of health and cycles."""

from collections.abc import Mapping

from jk_bms.model.alarms import Severity
from jk_bms.rules import example
from jk_bms.rules.base import Look, PackView, Rule
from jk_bms.rules.levels import Bounds, C, E, W, always, grade

_SOH_GRADES = (
    grade(C, 1017, Bounds(79.9, 81.0), digits=1),
    grade(E, 1016, Bounds(89.9, 91.0), digits=1),
)
# The BMS counts whole cycles: more than 2000 begins at 2001.
_CYCLE_GRADES = (
    grade(W, 1026, Bounds(2001.0, 0.0), digits=0),
    grade(Severity.INFO, 1027, Bounds(1501.0, 0.0), digits=0),
)


def _soh(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or not sample.soh:  # 0: this BMS does not judge
        return None
    return {"": Look(round(sample.soh, 1))}


SOH_LOW = Rule(
    "soh_low",
    PackView,
    always(_SOH_GRADES),
    _soh,
    rising=False,
    below=True,
    example=lambda: example.pack(soh=78.0),
    unit="%",
    digits=0,
    clear_seconds=60.0,
    needs=("soh",),
)


def _cycles(view: PackView) -> Mapping[str, Look | None] | None:
    if view.sample is None or view.sample.cycles is None:
        return None
    return {"": Look(float(view.sample.cycles))}


CYCLES = Rule(
    "cycles",
    PackView,
    always(_CYCLE_GRADES),
    _cycles,
    rising=True,
    example=lambda: example.pack(cycles=2001),
    once=True,
)
