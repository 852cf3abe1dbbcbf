"""Cells that are too warm, too cold to be charged, or unevenly warm."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from jk_bms.model import Probe, Sample
from jk_bms.rules import example
from jk_bms.rules.base import Grade, Look, PackView, Rule
from jk_bms.rules.flow import is_charged
from jk_bms.rules.levels import CELLS, Bounds, C, W, always, grade
from jk_bms.rules.telling import Telling

BEFORE_TRIP, BARELY_BEFORE = 5.0, 2.0  # °C before the BMS cuts: warning, critical
COLD_BARELY = 1.0  # °C, likewise: cold comes slowly
COLD_WARNING, COLD_CRITICAL = Bounds(5.0, 8.0), Bounds(1.0, 4.0)  # while charging
SPREAD_WARNING, SPREAD_CRITICAL = Bounds(8.0, 5.0), Bounds(15.0, 10.0)
PAUSE = 600.0  # s: a cloud does not end a charge


@lru_cache(maxsize=32)
def hot_grades(name: str, trip: float | None) -> tuple[Grade, ...]:
    """Return the grades of the warmest probe; a BMS that cuts at ``trip`` °C may make them stricter."""
    levels = CELLS[name]
    warning, critical = levels.hot_warning, levels.hot_critical
    if trip is not None:
        warning, critical = earlier(warning, trip - BEFORE_TRIP), earlier(critical, trip - BARELY_BEFORE)
    return grade(C, 1010, critical, digits=1), grade(W, 1011, warning, digits=1)


def earlier(level: Bounds, limit: float) -> Bounds:
    """Return ``level``, moved down so that it begins at ``limit`` if that comes first."""
    return level if limit >= level.set else Bounds(limit, limit - (level.set - level.clear))


def _hot_grades(view: PackView) -> tuple[Grade, ...]:
    trips = (view.limits.charge_otp, view.limits.discharge_otp)
    return hot_grades(view.chemistry.name, min((trip for trip in trips if trip), default=None))  # 0 is none


def _hot(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or not sample.temperatures:
        return None
    warmest = max(sample.probes, key=_warmth)
    return {"": Look(warmest.temperature, {"probe": warmest.number}, seen=_seen(sample))}


def _warmth(probe: Probe) -> float:
    return probe.temperature


def _seen(sample: Sample) -> Sequence[int]:
    """Return the numbers of the probes that were measured."""
    return [probe.number for probe in sample.probes]


CELL_HOT = Rule(
    "cell_hot",
    PackView,
    _hot_grades,
    _hot,
    rising=True,
    example=lambda: example.pack(temperatures=(31.0, 54.5)),
    unit="°C",
    digits=1,
    clear_seconds=30.0,
    names=("probe",),
    needs=("temperatures",),
    telling=Telling(scaled="scaled"),
)


@lru_cache(maxsize=32)
def cold_grades(name: str, trip: float | None) -> tuple[Grade, ...]:
    """Return the grades of charging in the cold; a BMS that refuses below ``trip`` °C may make them stricter.

    Cells that may be charged in frost have none.
    """
    if CELLS[name].charge_in_frost:
        return ()
    warning, critical = COLD_WARNING, COLD_CRITICAL
    if trip is not None:
        warm, barely = trip + BEFORE_TRIP, trip + COLD_BARELY
        if warm > warning.set:
            warning = Bounds(warm, warm + warning.clear - warning.set)
        if barely > critical.set:
            critical = Bounds(barely, barely + critical.clear - critical.set)
    return grade(C, 1044, critical, digits=1), grade(W, 1029, warning, digits=1)


def _cold_grades(view: PackView) -> tuple[Grade, ...]:
    return cold_grades(view.chemistry.name, view.limits.charge_utp)


def _cold(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or not sample.temperatures or sample.current is None:
        return None
    if not is_charged(view):
        return {}
    coldest = min(sample.probes, key=_warmth)
    facts = {"probe": coldest.number, "current": sample.current}
    return {"": Look(coldest.temperature, facts, seen=_seen(sample))}


CHARGE_COLD = Rule(
    "charge_cold",
    PackView,
    _cold_grades,
    _cold,
    rising=False,
    example=lambda: example.pack(current=30.0, temperatures=(0.4, 1.2)),
    unit="°C",
    digits=1,
    clear_seconds=PAUSE,
    names=("probe",),
    needs=("temperatures",),
    telling=Telling(scaled="scaled"),
)


_SPREAD_GRADES = (
    grade(C, 1037, SPREAD_CRITICAL, seconds=300.0, digits=1),
    grade(W, 1036, SPREAD_WARNING, seconds=300.0, digits=1),
)


def _spread(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or len(sample.temperatures) < 2:
        return None
    warmest, coldest = max(sample.probes, key=_warmth), min(sample.probes, key=_warmth)
    facts = {
        "low": coldest.temperature,
        "high": warmest.temperature,
        "warmest": warmest.number,
        "coldest": coldest.number,
    }
    return {"": Look(round(warmest.temperature - coldest.temperature, 2), facts, seen=_seen(sample))}


TEMPERATURE_SPREAD = Rule(
    "temperature_spread",
    PackView,
    always(_SPREAD_GRADES),
    _spread,
    rising=True,
    example=lambda: example.pack(temperatures=(24.0, 40.0)),
    unit="°C",
    digits=1,
    clear_seconds=60.0,
    names=("warmest", "coldest"),
    needs=("temperatures",),
    least=2,
    telling=Telling(units={"low": ("°C", 1), "high": ("°C", 1)}),
)
