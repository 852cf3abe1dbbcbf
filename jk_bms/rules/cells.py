"""Cells that are too full, too empty, or too far apart; and the pack as a whole."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from jk_bms.battery.chemistry import Chemistry
from jk_bms.battery.limits import PackLimits
from jk_bms.model import Sample
from jk_bms.rules import example
from jk_bms.rules.base import Emptying, Grade, Look, PackView, Rule
from jk_bms.rules.flow import capacity, is_charged, others_facts, scarce, shows_power, supply
from jk_bms.rules.levels import (
    CELLS,
    SPREAD_KNEE_CRITICAL,
    SPREAD_KNEE_WARNING,
    Bounds,
    C,
    CellLevels,
    E,
    W,
    grade,
)
from jk_bms.rules.telling import Telling

CALM = 0.1  # C: with more current a spread in the middle is that of the resistances
# s for which a spread must last, by where it is seen: nearer the steep ends it means more.
SPREAD_SECONDS = {
    "bottom": 120.0,
    "low": 300.0,
    "middle": 600.0,
    "high": 300.0,
    "top": 120.0,
    "loaded": 120.0,
}
BACK = 0.01  # of the pack voltage: so much better ends an alert


def cell_number(sample: Sample, position: int) -> int:
    """Return the number, 1 = first, of the cell at ``position``."""
    return sample.cell_numbers[position] if sample.cell_numbers else position + 1


def cell_numbers(sample: Sample) -> Sequence[int]:
    """Return the numbers of the cells that were measured."""
    return sample.cell_numbers or range(1, len(sample.cell_voltages) + 1)


def _recovers(view: PackView, volts: float) -> bool:
    """Whether a low cell that is at ``volts`` again is so because the pack is charged or bears its load.

    When the BMS has cut the load off, or the inverter has switched off, it rises by itself, but not to
    where a cell is that still holds something.
    """
    sample = view.sample
    holds = volts >= CELLS[view.chemistry.name].middle[0]
    uncut = sample is not None and sample.discharge_enabled is not False
    return view.on_battery is False or is_charged(view) or shows_power(view) or (holds and uncut)


# Too high


@lru_cache(maxsize=32)
def high_grades(name: str, trip: float | None, most: float) -> tuple[Grade, ...]:
    """Return the grades of a cell of chemistry ``name`` whose BMS trips at ``trip`` V.

    A BMS that would let it go beyond ``most`` V, where no charger charges such a cell, is not believed.
    """
    levels = CELLS[name]
    warning, critical = levels.high_warning, levels.high_critical
    if trip:  # 0 is no limit
        end = min(trip, most)
        early, late = (end - margin for margin in levels.before_trip)
        warning = Bounds(early, early - (warning.set - warning.clear))
        critical = Bounds(late, late - (critical.set - critical.clear))
    return grade(C, 1008, critical), grade(W, 1009, warning)


def _high_grades(view: PackView) -> tuple[Grade, ...]:
    return high_grades(view.chemistry.name, view.limits.cell_ovp, view.chemistry.ovp)


def _high(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or not sample.cell_voltages:
        return None
    volts = max(sample.cell_voltages)
    facts = {"cell": cell_number(sample, sample.cell_voltages.index(volts)), "limit": view.limits.cell_ovp}
    return {"": Look(volts, facts, seen=cell_numbers(sample))}


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
    names=("cell",),
    needs=("cell_voltages",),
    telling=Telling(scaled="scaled", picture="high"),
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
            warning = Bounds(early, early + warning.clear - warning.set)
        if late > critical.set:
            critical = Bounds(late, late + critical.clear - critical.set)
    return grade(C, 1006, critical), grade(W, 1007, warning)


def _low_grades(view: PackView) -> tuple[Grade, ...]:
    return low_grades(view.chemistry.name, view.limits.cell_uvp)


def _low(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or not sample.cell_voltages:
        return None
    volts = min(sample.cell_voltages)
    facts = {"cell": cell_number(sample, sample.cell_voltages.index(volts)), "limit": view.limits.cell_uvp}
    return {
        "": Look(
            volts,
            facts | others_facts(view) | supply(view),
            proof=_recovers(view, volts),
            seen=cell_numbers(sample),
            calm=is_charged(view),
        )
    }


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
    names=("cell",),
    needs=("cell_voltages",),
    emptying=Emptying(50),
    telling=Telling(scaled="scaled", picture="low"),
)


def cell_limits(chemistry: Chemistry, limits: PackLimits) -> tuple[float, float]:
    """Return below and above which V a cell is told of, as far as the settings of its BMS are known."""
    low = low_grades(chemistry.name, limits.cell_uvp)
    high = high_grades(chemistry.name, limits.cell_ovp, chemistry.ovp)
    return max(one.set for one in low), min(one.set for one in high)


# Too far apart


def position(levels: CellLevels, mean: float) -> str:
    """Return where on its curve a cell of ``mean`` V is: bottom, low, middle, high or top."""
    low, high = levels.middle
    if mean > levels.top:
        return "top"
    if mean < levels.bottom:
        return "bottom"
    if mean > high:
        return "high"
    return "low" if mean < low else "middle"


def spread_place(view: PackView) -> tuple[str, float] | None:
    """Return where a pack is judged, and how near the knee that is: 0 the flat middle, 1 the knee; None: no cells.

    With more than a little current, or one that is not known, voltages in the middle also show what the
    cells resist: then only what would be too much in the knees counts, wherever it is.
    """
    sample = view.sample
    if sample is None or len(sample.cell_voltages) < 2:
        return None
    levels = CELLS[view.chemistry.name]
    mean = sum(sample.cell_voltages) / len(sample.cell_voltages)
    where = position(levels, mean)
    if where in ("top", "bottom"):
        return where, 1.0
    size = capacity(view, sample)
    if sample.current is None or not size or abs(sample.current) >= CALM * size:
        return "loaded", 1.0
    low, high = levels.middle
    if where == "high":
        return where, (mean - high) / (levels.top - high)
    if where == "low":
        return where, (low - mean) / (low - levels.bottom)
    return where, 0.0


@lru_cache(maxsize=128)
def spread_grades(name: str, where: str, near: float) -> tuple[Grade, ...]:
    """Return the grades of the spread of chemistry ``name``, ``near`` the knee: from 0, flat, to 1, steep."""
    levels = CELLS[name]
    seconds = SPREAD_SECONDS[where]
    return tuple(
        grade(
            severity,
            code,
            Bounds(flat.set + near * (knee.set - flat.set), flat.clear + near * (knee.clear - flat.clear)),
            seconds=seconds,
        )
        for severity, code, flat, knee in (
            (C, 1004, levels.middle_critical, SPREAD_KNEE_CRITICAL),
            (W, 1005, levels.middle_warning, SPREAD_KNEE_WARNING),
        )
    )


def _spread_grades(view: PackView) -> tuple[Grade, ...]:
    place = spread_place(view)
    return () if place is None else spread_grades(view.chemistry.name, place[0], round(place[1], 2))


def _spread(view: PackView) -> Mapping[str, Look | None] | None:
    sample, place = view.sample, spread_place(view)
    if sample is None or place is None:
        return None
    cells = sample.cell_voltages
    low, high = min(cells), max(cells)
    facts = {
        "low": cell_number(sample, cells.index(low)),
        "high": cell_number(sample, cells.index(high)),
        "mean": round(sum(cells) / len(cells), 3),
    } | scarce(view)
    # What is seen at one place of the curve says nothing of the others: the flat middle hides
    # what the top shows.
    looks: dict[str, Look | None] = dict.fromkeys(SPREAD_SECONDS)
    looks[place[0]] = Look(round(high - low, 4), facts, seen=cell_numbers(sample))
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
    names=("low", "high"),
    one_voice=True,
    needs=("cell_voltages",),
    least=2,
    emptying=Emptying(110, parts=("bottom", "loaded")),
    telling=Telling(millivolts=True, units={"mean": ("V", 3)}, scaled="scaled_cells", picture="cells"),
)


# The pack as a whole


@lru_cache(maxsize=32)
def pack_grades(name: str, cells: int, *, high: bool) -> tuple[Grade, ...]:
    """Return the grades of the voltage of ``cells`` cells in series."""
    levels = CELLS[name]
    error, critical = levels.pack_high if high else levels.pack_low
    codes, back = ((1020, 1021), 1.0 - BACK) if high else ((1022, 1023), 1.0 + BACK)
    return tuple(
        grade(severity, code, Bounds(cells * volts, cells * volts * back), digits=2)
        for severity, code, volts in zip((C, E), codes, (critical, error), strict=True)
    )


def _cells_in_series(view: PackView) -> int:
    if view.sample is not None and view.sample.cell_voltages:
        return len(view.sample.cell_voltages)
    return view.limits.cell_count or 0


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


def _pack_low(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None or sample.voltage is None:
        return None
    cells = _cells_in_series(view)
    proof = _recovers(view, sample.voltage / cells if cells else 0.0)
    return {"": Look(sample.voltage, supply(view), proof=proof, calm=is_charged(view))}


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
    needs=("voltage",),
    telling=Telling(scaled="scaled_pack"),
)
PACK_LOW = Rule(
    "pack_low",
    PackView,
    _pack_low_grades,
    _pack_low,
    rising=False,
    example=lambda: example.pack(voltage=44.0, cell_voltages=(2.75,) * 16),
    unit="V",
    digits=2,
    clear_seconds=20.0,
    needs=("voltage",),
    emptying=Emptying(60),
    telling=Telling(scaled="scaled_pack"),
)
