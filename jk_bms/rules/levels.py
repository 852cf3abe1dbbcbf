"""From which values on it is bad, as far as the kind of cell decides. Voltages per cell, in V.

Numbers for LFP: our research of other monitors and of what cells bear; NMC and LTO keep the same
distances to their own ends. A limit never belongs to another chemistry than its own.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from jk_bms.model.alarms import Severity
from jk_bms.rules.base import Grade

W, E, C = Severity.WARNING, Severity.ERROR, Severity.CRITICAL


class Bounds(NamedTuple):
    """Where a grade begins and where it ends."""

    set: float
    clear: float


class CellLevels(NamedTuple):
    """The limits of one kind of cell."""

    high_warning: Bounds
    high_critical: Bounds
    before_trip: tuple[float, float]  # V before the BMS trips: warning, critical
    low_warning: Bounds
    low_critical: Bounds
    middle: tuple[float, float]  # mean voltage, from .. to, between which the curve is flat
    middle_warning: Bounds  # spread there
    middle_critical: Bounds
    bottom: float  # below this mean voltage and
    top: float  # above this one the curve is steep
    hot_warning: Bounds  # °C
    hot_critical: Bounds
    charge_in_frost: bool  # whether it may be charged while it freezes
    pack_high: tuple[float, float]  # mean cell voltage: error, critical
    pack_low: tuple[float, float]


# fmt: off
CELLS = {
    "lfp": CellLevels(
        Bounds(3.55, 3.50), Bounds(3.62, 3.55), (0.05, 0.03),
        Bounds(3.05, 3.15), Bounds(2.85, 3.00),
        (3.20, 3.34), Bounds(0.030, 0.020), Bounds(0.060, 0.040), 3.15, 3.40,
        Bounds(45.0, 42.0), Bounds(53.0, 48.0), False,
        (3.60, 3.65), (3.00, 2.80),
    ),
    "nmc": CellLevels(
        Bounds(4.22, 4.17), Bounds(4.25, 4.20), (0.03, 0.015),
        Bounds(3.20, 3.30), Bounds(3.00, 3.15),
        (3.50, 4.00), Bounds(0.050, 0.035), Bounds(0.100, 0.070), 3.40, 4.05,
        Bounds(45.0, 42.0), Bounds(53.0, 48.0), False,
        (4.20, 4.25), (3.20, 3.00),
    ),
    "lto": CellLevels(
        Bounds(2.75, 2.70), Bounds(2.80, 2.74), (0.05, 0.03),
        Bounds(2.00, 2.08), Bounds(1.85, 1.95),
        (2.20, 2.45), Bounds(0.040, 0.025), Bounds(0.080, 0.055), 2.10, 2.55,
        Bounds(55.0, 52.0), Bounds(60.0, 56.0), True,
        (2.75, 2.80), (2.00, 1.80),
    ),
}
# fmt: on
SPREAD_KNEE_WARNING, SPREAD_KNEE_CRITICAL = Bounds(0.120, 0.080), Bounds(0.200, 0.150)


def always(grades: tuple[Grade, ...]) -> Callable[[Any], tuple[Grade, ...]]:
    """Return what answers a rule that asks for its grades where they are the same for every view."""
    return lambda _: grades


def grade(
    severity: Severity, code: int, level: Bounds, *, samples: int = 3, seconds: float = 10.0, digits: int = 3
) -> Grade:
    """Make a grade of ``level``, its limits free of the dust of floating point."""
    return Grade(severity, code, round(level.set, digits), round(level.clear, digits), samples, seconds)
