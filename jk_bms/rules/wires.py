"""Balance wires of too high resistance, as the BMS measures them."""

from collections.abc import Mapping

from jk_bms.model.sample import MOST_CELLS
from jk_bms.rules import example
from jk_bms.rules.base import Look, PackView, Rule
from jk_bms.rules.cells import cell_number
from jk_bms.rules.levels import Bounds, C, E, always, grade

CRITICAL, ERROR = Bounds(0.5, 0.45), Bounds(0.3, 0.27)  # Ohm
_GRADES = (grade(C, 1018, CRITICAL, seconds=60.0), grade(E, 1019, ERROR, seconds=60.0))


def _look(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or not sample.cell_resistances:
        return None
    ohms = sample.cell_resistances
    all_seen = len(ohms) >= (view.limits.cell_count or 0)
    if max(ohms) <= ERROR.clear and all_seen:
        return {}
    looks: dict[str, Look | None] = {}
    if not all_seen:  # the wire of a cell that is not measured any more has not become better
        looks = dict.fromkeys(str(cell) for cell in range(1, MOST_CELLS + 1))
    for position, value in enumerate(ohms):
        cell = cell_number(sample, position)
        looks[str(cell)] = Look(value, {"cell": cell})
    return looks


WIRE = Rule(
    "wire",
    PackView,
    always(_GRADES),
    _look,
    rising=True,
    example=lambda: example.pack(cell_resistances=(0.06,) * 6 + (0.62,) + (0.06,) * 9),
    unit="Ω",
    digits=3,
    clear_seconds=60.0,
    needs=("cell_resistances",),
)
