"""The alarms that the BMS itself raises, each for itself."""

from collections.abc import Mapping
from functools import lru_cache

from jk_bms.protocol import alarms
from jk_bms.rules import example
from jk_bms.rules.base import Grade, Look, PackView, Rule
from jk_bms.rules.levels import C, Level, W, grade

WARNING, CRITICAL = 1.0, 2.0  # what is measured: how bad the alarm is
_GRADES = (
    grade(C, 1030, Level(CRITICAL, WARNING), seconds=0.0),
    grade(W, 1030, Level(WARNING, 0.0), seconds=0.0),
)


def _grades(view: PackView) -> tuple[Grade, ...]:
    return _GRADES


def _look(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or sample.problem_code is None:
        return None
    return standing(sample.problem_code)


@lru_cache(maxsize=256)  # a pack shows the same few masks for days
def standing(mask: int) -> Mapping[str, Look]:
    """Return what stands in ``mask``, by the name of the alarm; what is only information is left out."""
    looks = {}
    for bit in range(mask.bit_length()):
        if mask >> bit & 1:
            known = alarms.alarm(bit)
            if known.severity is not alarms.Severity.INFO:
                value = CRITICAL if known.severity is alarms.Severity.CRITICAL else WARNING
                looks[known.name] = Look(value, {"bit": bit, "text": known.text})
    return looks


BMS_ALARM = Rule(
    "bms_alarm",
    PackView,
    _grades,
    _look,
    rising=True,
    example=lambda: example.pack(problem_code=1 << 13),
    clear_seconds=5.0,
)
