"""MOSFETs that are too hot."""

from collections.abc import Mapping
from functools import lru_cache

from jk_bms.rules import example
from jk_bms.rules.base import Grade, Look, PackView, Rule
from jk_bms.rules.levels import Bounds, C, W, grade
from jk_bms.rules.telling import Telling
from jk_bms.rules.temperatures import BARELY_BEFORE, BEFORE_TRIP, earlier

WARNING, CRITICAL = Bounds(75.0, 68.0), Bounds(88.0, 80.0)  # °C


@lru_cache(maxsize=32)
def mosfet_grades(trip: float | None) -> tuple[Grade, ...]:
    """Return the grades; a BMS that cuts at ``trip`` °C may make them stricter."""
    warning, critical = WARNING, CRITICAL
    if trip:  # 0 is no limit
        warning, critical = earlier(warning, trip - BEFORE_TRIP), earlier(critical, trip - BARELY_BEFORE)
    return grade(C, 1035, critical, digits=1), grade(W, 1034, warning, digits=1)


def _grades(view: PackView) -> tuple[Grade, ...]:
    return mosfet_grades(view.limits.mosfet_otp)


def _look(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or sample.mosfet_temperature is None:
        return None
    return {"": Look(sample.mosfet_temperature, {"limit": view.limits.mosfet_otp})}


MOSFET_HOT = Rule(
    "mosfet_hot",
    PackView,
    _grades,
    _look,
    rising=True,
    example=lambda: example.pack(current=-150.0, mosfet_temperature=91.0),
    unit="°C",
    digits=1,
    clear_seconds=30.0,
    needs=("mosfet_temperature",),
    telling=Telling(scaled="scaled_bms"),
)
