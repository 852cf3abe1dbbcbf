"""The emergency mode of a BMS, in which it feeds although a protection would cut: how long it still lasts."""

from collections.abc import Mapping

from jk_bms.rules import example
from jk_bms.rules.base import Emptying, Look, PackView, Rule
from jk_bms.rules.flow import scarce
from jk_bms.rules.levels import Bounds, C, E, always, grade
from jk_bms.rules.telling import Telling

# The BMS counts whole seconds: less than five minutes begins at 299.
_GRADES = (
    grade(C, 1024, Bounds(299.0, 300.0), digits=0),
    grade(E, 1025, Bounds(599.0, 600.0), digits=0),
)


def _look(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or sample.emergency_time is None:
        return None
    if not sample.emergency_time:  # the mode is off
        return {}
    return {"": Look(float(sample.emergency_time), scarce(view))}


EMERGENCY = Rule(
    "emergency",
    PackView,
    always(_GRADES),
    _look,
    rising=False,
    below=True,
    example=lambda: example.pack(emergency_time=280),
    unit="s",
    needs=("emergency_time",),
    emptying=Emptying(30),
    telling=Telling(valued=False),
)
