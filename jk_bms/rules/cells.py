"""Cells that are too full, too empty, or too far apart; and the pack as a whole."""

from collections.abc import Mapping
from functools import lru_cache

from jk_bms.model import Sample
from jk_bms.rules import example
from jk_bms.rules.base import Grade, Look, PackView, Rule
from jk_bms.rules.levels import (
    CELLS,
    SPREAD_KNEE_CRITICAL,
    SPREAD_KNEE_WARNING,
    C,
    CellLevels,
    E,
    Level,
    W,
    grade,
    number,
)

CALM = 0.1  # C: with more current a spread in the middle is that of the resistances
BACK = 0.01  # of the pack voltage: so much better ends an alert


def cell_number(sample: Sample, position: int) -> int:
    """Return the number, 1 = first, of the cell at ``position``."""
    return sample.cell_numbers[position] if sample.cell_numbers else position + 1


# Too high


@lru_cache(maxsize=32)
def high_grades(name: str, trip: float | None, most: float) -> tuple[Grade, ...]:
    """Return the grades of a cell of chemistry ``name`` whose BMS trips at ``trip`` V.

    A BMS that would let it go beyond ``most`` V, where nobody charges such a cell, is not believed.
    """
    levels = CELLS[name]
    warning, critical = levels.high_warning, levels.high_critical
    if trip:  # 0 is no limit
        end = min(trip, most)
        early, late = (end - margin for margin in levels.before_trip)
        warning = Level(early, early - (warning.set - warning.clear))
        critical = Level(late, late - (critical.set - critical.clear))
    return grade(C, 1008, critical), grade(W, 1009, warning)


def _high_grades(view: PackView) -> tuple[Grade, ...]:
    return high_grades(view.chemistry.name, view.limits.cell_ovp, view.chemistry.ovp)


def _high(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or not sample.cell_voltages:
        return None
    volts = max(sample.cell_voltages)
    facts = {"cell": cell_number(sample, sample.cell_voltages.index(volts)), "limit": view.limits.cell_ovp}
    return {"": Look(volts, facts)}


CELL_HIGH = Rule(
    "cell_high",
    PackView,
    _high_grades,
    _high,
    rising=True,
    example=lambda: example.pack(current=20.0, **example.with_cell(7, 3.64, 3.46)),
    unit="V",
    digits=3,
    clear_seconds=20.0,
)


# Too low


@lru_cache(maxsize=32)
def low_grades(name: str, trip: float | None) -> tuple[Grade, ...]:
    """Return the grades of a cell of chemistry ``name`` whose BMS trips at ``trip`` V."""
    levels = CELLS[name]
    warning, critical = levels.low_warning, levels.low_critical
    if trip is not None:  # only ever earlier: deep down there is nothing left to gain
        early, late = (trip + margin for margin in levels.before_trip)
        if early > warning.set:
            warning = Level(early, early + warning.clear - warning.set)
        if late > critical.set:
            critical = Level(late, late + critical.clear - critical.set)
    return grade(C, 1006, critical), grade(W, 1007, warning)


def _low_grades(view: PackView) -> tuple[Grade, ...]:
    return low_grades(view.chemistry.name, view.limits.cell_uvp)


def _low(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or not sample.cell_voltages:
        return None
    volts = min(sample.cell_voltages)
    facts = {"cell": cell_number(sample, sample.cell_voltages.index(volts)), "limit": view.limits.cell_uvp}
    return {"": Look(volts, facts)}


CELL_LOW = Rule(
    "cell_low",
    PackView,
    _low_grades,
    _low,
    rising=False,
    example=lambda: example.pack(**example.with_cell(7, 2.81, 3.02)),
    unit="V",
    digits=3,
    clear_seconds=20.0,
)


# Too far apart


def position(levels: CellLevels, mean: float) -> str | None:
    """Return where on its curve a cell of ``mean`` V is: bottom, middle, top; None in between."""
    if mean > levels.top:
        return "top"
    if mean < levels.bottom:
        return "bottom"
    low, high = levels.middle
    return "middle" if low <= mean <= high else None


@lru_cache(maxsize=32)
def spread_grades(name: str, where: str | None) -> tuple[Grade, ...]:
    """Return the grades of the spread ``where`` on the curve of chemistry ``name``."""
    levels = CELLS[name]
    if where is None:
        return ()
    if where == "middle":
        return (
            grade(C, 1004, levels.middle_critical, seconds=600.0),
            grade(W, 1005, levels.middle_warning, seconds=600.0),
        )
    return grade(C, 1004, SPREAD_KNEE_CRITICAL, seconds=120.0), grade(
        W, 1005, SPREAD_KNEE_WARNING, seconds=120.0
    )


def _spread_grades(view: PackView) -> tuple[Grade, ...]:
    sample = view.sample
    if sample is None or not sample.cell_voltages:
        return ()
    cells = sample.cell_voltages
    name = view.chemistry.name
    return spread_grades(name, position(CELLS[name], sum(cells) / len(cells)))


def _spread(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or len(sample.cell_voltages) < 2:
        return None
    cells = sample.cell_voltages
    mean = sum(cells) / len(cells)
    where = position(CELLS[view.chemistry.name], mean)
    if where is None:
        return None
    if where == "middle":
        capacity = view.limits.nominal_ah or sample.full_ah
        if sample.current is None or not capacity or abs(sample.current) >= CALM * capacity:
            return None
    low, high = min(cells), max(cells)
    facts = {
        "low": cell_number(sample, cells.index(low)),
        "high": cell_number(sample, cells.index(high)),
        "mean": round(mean, 3),
    }
    # What is seen at one place of the curve says nothing of the others: the flat middle hides
    # what the top shows.
    looks: dict[str, Look | None] = {"bottom": None, "middle": None, "top": None}
    looks[where] = Look(round(high - low, 4), facts)
    return looks


CELL_SPREAD = Rule(
    "cell_spread",
    PackView,
    _spread_grades,
    _spread,
    rising=True,
    example=lambda: example.pack(current=20.0, **example.with_cell(7, 3.62, 3.41)),
    unit="V",
    digits=3,
    clear_seconds=60.0,
)


# The pack as a whole


@lru_cache(maxsize=32)
def pack_grades(name: str, cells: int, *, high: bool) -> tuple[Grade, ...]:
    """Return the grades of the voltage of ``cells`` cells in series."""
    levels = CELLS[name]
    error, critical = levels.pack_high if high else levels.pack_low
    codes, back = ((1020, 1021), 1.0 - BACK) if high else ((1022, 1023), 1.0 + BACK)
    return tuple(
        grade(severity, code, Level(cells * volts, cells * volts * back), digits=2)
        for severity, code, volts in zip((C, E), codes, (critical, error), strict=True)
    )


def _cells_in_series(view: PackView) -> int:
    if view.sample is not None and view.sample.cell_voltages:
        return len(view.sample.cell_voltages)
    return int(number(view.settings, "cell_count") or 0)


def _pack_high_grades(view: PackView) -> tuple[Grade, ...]:
    count = _cells_in_series(view)
    return pack_grades(view.chemistry.name, count, high=True) if count else ()


def _pack_low_grades(view: PackView) -> tuple[Grade, ...]:
    count = _cells_in_series(view)
    return pack_grades(view.chemistry.name, count, high=False) if count else ()


def _pack_voltage(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or sample.voltage is None:
        return None
    return {"": Look(sample.voltage)}


PACK_HIGH = Rule(
    "pack_high",
    PackView,
    _pack_high_grades,
    _pack_voltage,
    rising=True,
    example=lambda: example.pack(voltage=58.8, cell_voltages=(3.675,) * 16),
    unit="V",
    digits=2,
    clear_seconds=20.0,
)
PACK_LOW = Rule(
    "pack_low",
    PackView,
    _pack_low_grades,
    _pack_voltage,
    rising=False,
    example=lambda: example.pack(voltage=44.0, cell_voltages=(2.75,) * 16),
    unit="V",
    digits=2,
    clear_seconds=20.0,
)
