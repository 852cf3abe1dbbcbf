"""How much charge is left, and whether anything fills it up. How long it lasts is judged in ``forecast``."""

from collections.abc import Mapping

from jk_bms.rules import example
from jk_bms.rules.base import Emptying, Grade, Look, PackView, Rule
from jk_bms.rules.flow import going_on, is_charged, others_facts, supply
from jk_bms.rules.left import soc_to_judge
from jk_bms.rules.levels import Bounds, C, E, W, always, grade
from jk_bms.rules.telling import Telling

_SOC_GRADES = (
    grade(C, 1001, Bounds(12.0, 18.0), digits=1),
    grade(W, 1002, Bounds(25.0, 30.0), digits=1),
)
# While another battery feeds the house on, the owner is not woken for one that is nearly empty.
_SOC_GRADES_OF_ONE = (_SOC_GRADES[0]._replace(severity=E), _SOC_GRADES[1])
_NOT_CHARGED = Bounds(29.9, 32.0)
_NOT_CHARGED_GRADES = (grade(W, 1003, _NOT_CHARGED, seconds=600.0, digits=1),)
CHARGED = 0.5  # A: more of it is a charge


def _soc_grades(view: PackView) -> tuple[Grade, ...]:
    return _SOC_GRADES_OF_ONE if going_on(view) else _SOC_GRADES


def _soc(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None:
        return None
    soc = soc_to_judge(sample)
    if soc is None:
        return None
    shown = {} if soc == sample.battery_soc else {"soc": sample.battery_soc}
    return {"": Look(round(soc, 1), shown | others_facts(view) | supply(view), calm=is_charged(view))}


SOC_LOW = Rule(
    "soc_low",
    PackView,
    _soc_grades,
    _soc,
    rising=False,
    example=lambda: example.pack(
        soc=13.0,
        battery_soc=13.0,
        soc_counted=13.0,
        soc_low=11.0,
        soc_high=15.0,
        soc_anchor="full",
        soc_anchor_age=90_000.0,
    ),
    unit="%",
    digits=1,
    clear_seconds=60.0,
    needs=("battery_soc", "soc_counted"),
    emptying=Emptying(90),
    telling=Telling(listed="soc"),
)


def _not_charged(view: PackView) -> Mapping[str, Look | None] | None:
    """Measure the SoC of a pack that is not charged although grid or sun could."""
    sample = view.sample
    if sample is None or sample.current is None or (soc := soc_to_judge(sample)) is None:
        return None
    if sample.current > CHARGED:
        return {}
    held = Look(round(soc, 1), {"current": sample.current})
    if soc >= _NOT_CHARGED.clear or view.could_be_charged:
        return {"": held}
    return None  # there is nothing to charge it with, or that is not known


NOT_CHARGED = Rule(
    "not_charged",
    PackView,
    always(_NOT_CHARGED_GRADES),
    _not_charged,
    rising=False,
    below=True,
    example=lambda: example.pack(soc=28.0, battery_soc=28.0, current=0.0)._replace(
        on_battery=False, could_be_charged=True
    ),
    unit="%",
    digits=1,
    clear_seconds=60.0,
    hidden_by=("soc_low",),
    needs=("battery_soc", "soc_counted"),
    emptying=Emptying(100),
)
