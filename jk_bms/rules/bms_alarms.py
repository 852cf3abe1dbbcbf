"""The alarms that the BMS itself raises, each for itself."""

from collections.abc import Mapping
from functools import lru_cache

from jk_bms.model import Sample
from jk_bms.protocol import alarms
from jk_bms.rules import example
from jk_bms.rules.base import Look, PackView, Rule
from jk_bms.rules.causes import EMPTY
from jk_bms.rules.cells import position
from jk_bms.rules.levels import CELLS, SPREAD_KNEE_WARNING, C, Level, W, always, grade

WARNING, CRITICAL = 1.0, 2.0  # what is measured: how bad the alarm is
CELL_FULL = 1 << 4  # "cell overvoltage": how this BMS ends every full charge
FULL = 99.0  # %
_OF_EMPTY = frozenset({"cell_undervoltage", "pack_undervoltage"})
_GRADES = (
    grade(C, 1030, Level(CRITICAL, WARNING), seconds=0.0),
    grade(W, 1030, Level(WARNING, 0.0), seconds=0.0),
)


def _look(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or sample.problem_code is None:
        return None
    mask = sample.problem_code
    if mask & CELL_FULL and _full_together(view, sample):
        # No news, but not taken back either.
        return {**standing(mask & ~CELL_FULL), alarms.alarm(CELL_FULL.bit_length() - 1).name: None}
    return standing(mask)


def _full_together(view: PackView, sample: Sample) -> bool:
    """Whether all cells are full, so that the end of the charge is no news."""
    cells = sample.cell_voltages
    if not cells or max(cells) - min(cells) >= SPREAD_KNEE_WARNING.set:
        return False  # one that ends the charge of the others is
    top = position(CELLS[view.chemistry.name], sum(cells) / len(cells)) == "top"
    return top or (sample.battery_soc is not None and sample.battery_soc >= FULL)


@lru_cache(maxsize=256)  # a pack shows the same few masks for days
def standing(mask: int) -> Mapping[str, Look]:
    """Return what stands in ``mask``, by the name of the alarm; what is only information is left out."""
    looks = {}
    for bit in range(mask.bit_length()):
        if mask >> bit & 1:
            known = alarms.alarm(bit)
            if known.severity is not alarms.Severity.INFO:
                value = CRITICAL if known.severity is alarms.Severity.CRITICAL else WARNING
                how = {"how": EMPTY} if known.name in _OF_EMPTY else {}
                looks[known.name] = Look(value, {"bit": bit, "text": known.text, **how})
    return looks


BMS_ALARM = Rule(
    "bms_alarm",
    PackView,
    always(_GRADES),
    _look,
    rising=True,
    example=lambda: example.pack(problem_code=1 << 13),
    clear_seconds=5.0,
    needs=("problem_code",),
)
