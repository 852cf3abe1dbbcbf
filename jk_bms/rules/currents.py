"""Currents close to where the BMS cuts them. Without its limits there is nothing to judge.

That no current flows because the BMS has cut it is no relief.
"""

from collections.abc import Mapping
from functools import lru_cache

from jk_bms.rules import example
from jk_bms.rules.base import Grade, Look, PackView, Rule
from jk_bms.rules.flow import is_charged, shows_power
from jk_bms.rules.levels import Bounds, C, E, grade
from jk_bms.rules.telling import Telling

AT_LIMIT, NEAR_LIMIT = Bounds(1.0, 0.95), Bounds(0.9, 0.85)  # of the limit


@lru_cache(maxsize=32)
def current_grades(limit: float | None, critical: int, error: int) -> tuple[Grade, ...]:
    """Return the grades under these codes of a current that the BMS cuts at ``limit`` A."""
    if not limit or limit < 0.0:
        return ()
    return (
        grade(C, critical, Bounds(AT_LIMIT.set * limit, AT_LIMIT.clear * limit), digits=2),
        grade(E, error, Bounds(NEAR_LIMIT.set * limit, NEAR_LIMIT.clear * limit), digits=2),
    )


def _charge_grades(view: PackView) -> tuple[Grade, ...]:
    return current_grades(view.limits.charge_current, 1012, 1013)


def _discharge_grades(view: PackView) -> tuple[Grade, ...]:
    return current_grades(view.limits.discharge_current, 1014, 1015)


def _charge(view: PackView) -> Mapping[str, Look | None] | None:
    if view.sample is None or (current := view.sample.current) is None:
        return None
    limit = {"limit": view.limits.charge_current}
    return {"": Look(current, limit, proof=view.sample.charge_enabled is not False)}


def _discharge(view: PackView) -> Mapping[str, Look | None] | None:
    if view.sample is None or (current := view.sample.current) is None:
        return None
    limit = {"limit": view.limits.discharge_current}
    proof = is_charged(view) or view.on_battery is False or shows_power(view)
    return {"": Look(-current, limit, proof=proof)}


CHARGE_CURRENT = Rule(
    "charge_current",
    PackView,
    _charge_grades,
    _charge,
    rising=True,
    example=lambda: example.pack(current=141.0),
    unit="A",
    digits=1,
    clear_seconds=30.0,
    needs=("current",),
    telling=Telling(scaled="scaled_bms"),
)
DISCHARGE_CURRENT = Rule(
    "discharge_current",
    PackView,
    _discharge_grades,
    _discharge,
    rising=True,
    example=lambda: example.pack(current=-205.0),
    unit="A",
    digits=1,
    clear_seconds=30.0,
    needs=("current",),
    telling=Telling(scaled="scaled_bms"),
)
