"""What a BMS is set to, as far as anything here is judged by it."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

CAPACITIES = 1.0, 20_000.0  # Ah of a pack: what is told beyond is no capacity
CELLS = 0.5, 5.0  # V of a cell, likewise
SAME_CAPACITY = 0.01  # share: capacities that differ less are one, rounded


class PackLimits(NamedTuple):
    """Settings of the BMS, whatever its make. ``None``: it did not say. Voltages are per cell, in V."""

    cell_ovp: float | None = None  # over-voltage protection
    cell_uvp: float | None = None  # under-voltage protection
    charge_current: float | None = None  # A, beyond which it cuts
    discharge_current: float | None = None  # A, likewise
    charge_otp: float | None = None  # °C: over-temperature protection while charging
    discharge_otp: float | None = None  # °C, and while discharging
    charge_utp: float | None = None  # °C: under-temperature protection while charging
    mosfet_otp: float | None = None  # °C, of its MOSFETs
    cell_count: int | None = None  # cells in series
    nominal_ah: float | None = None


def pack_limits(settings: Mapping[str, Any]) -> PackLimits:
    """Return what ``settings`` tell about a pack: the one place that knows their names in the tool and in bms.db."""
    cells = _number(settings, "cell_count")
    return PackLimits(
        cell_ovp=_within(CELLS, _number(settings, "cell_ovp")),
        cell_uvp=_within(CELLS, _number(settings, "cell_uvp")),
        charge_current=_number(settings, "max_charge_current"),
        discharge_current=_number(settings, "max_discharge_current"),
        charge_otp=_number(settings, "charge_otp"),
        discharge_otp=_number(settings, "discharge_otp"),
        charge_utp=_number(settings, "charge_utp"),
        mosfet_otp=_number(settings, "mos_otp"),
        cell_count=None if cells is None else int(cells),
        nominal_ah=capacity_of(_number(settings, "nominal_battery_capacity")),
    )


def _number(settings: Mapping[str, Any], name: str) -> float | None:
    """A setting that is a number; None when the BMS did not tell it."""
    value = settings.get(name)
    return (
        value if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) else None
    )


def _within(range_: tuple[float, float], value: float | None) -> float | None:
    return value if value is not None and range_[0] <= value <= range_[1] else None


def capacity_of(told: float | None) -> float | None:
    """Return ``told`` Ah if a pack can hold them; None: it cannot, or nothing was told."""
    return _within(CAPACITIES, told)


def is_other_capacity(told: float, known: float) -> bool:
    """Whether ``told`` Ah is another capacity than the ``known`` one."""
    return abs(told - known) > SAME_CAPACITY * known
