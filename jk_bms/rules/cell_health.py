"""Cells that health has judged: weak, leaking or badly connected."""

from collections.abc import Mapping

from jk_bms.battery.health_report import HOLDS_LESS
from jk_bms.rules import example
from jk_bms.rules.base import Look, PackView, Rule
from jk_bms.rules.levels import Bounds, W, always, grade
from jk_bms.rules.telling import Telling

LOOKS = 900.0  # s: cells are judged every ten minutes, and not at once after a start
_GRADES = (grade(W, 1041, Bounds(1.0, 0.0), seconds=0.0),)


def _look(view: PackView) -> Mapping[str, Look | None] | None:
    if not view.faults:
        return {} if view.sample is not None else None
    return {f"{cell} {kind}": Look(1.0, {"cell": cell, "kind": kind}) for cell, kind in view.faults}


CELL_FAULT = Rule(
    "cell_fault",
    PackView,
    always(_GRADES),
    _look,
    rising=True,
    example=lambda: example.pack(faults=((7, HOLDS_LESS),)),
    clear_seconds=LOOKS,
    telling=Telling(picture="cells"),
)
