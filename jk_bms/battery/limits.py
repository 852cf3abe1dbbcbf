"""What the settings of a BMS tell about its pack."""

from collections.abc import Mapping
from typing import Any, NamedTuple

SAME_CAPACITY = 0.01  # share: capacities that differ less are one, rounded


class PackLimits(NamedTuple):
    """Settings of the BMS. ``None``: it did not say. Voltages are per cell, in V."""

    cell_ovp: float | None = None  # over-voltage protection
    cell_uvp: float | None = None  # under-voltage protection
    nominal_ah: float | None = None


def pack_limits(settings: Mapping[str, Any]) -> PackLimits:
    """Return what the settings of a BMS, under their names of the tool, tell about its pack."""
    return PackLimits(
        cell_ovp=settings.get("cell_ovp"),
        cell_uvp=settings.get("cell_uvp"),
        nominal_ah=settings.get("nominal_battery_capacity"),
    )


def is_other_capacity(told: float, known: float) -> bool:
    """Whether ``told`` Ah is another capacity than the ``known`` one."""
    return abs(told - known) > SAME_CAPACITY * known
