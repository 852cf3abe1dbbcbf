"""The alarm bits of a cell-info frame, as names of ``model.alarms``.

Order of the bits: the maker's register map (0 to 23) and the ESPHome component (24 to 28); the older
24S boards send the first sixteen.
"""

from functools import lru_cache

from jk_bms.model.alarms import UNNAMED

BITS = (
    "wire_resistance",  # bit 0
    "mos_overtemperature",
    "cell_count_mismatch",
    "current_sensor_fault",
    "cell_overvoltage",
    "pack_overvoltage",
    "charge_overcurrent",
    "charge_short_circuit",
    "charge_overtemperature",  # bit 8
    "charge_undertemperature",
    "internal_communication",
    "cell_undervoltage",
    "pack_undervoltage",
    "discharge_overcurrent",
    "discharge_short_circuit",
    "discharge_overtemperature",
    "charge_mos_fault",  # bit 16
    "discharge_mos_fault",
    "gps_disconnected",
    "change_password",
    "discharge_on_failed",
    "battery_overtemperature",
    "temperature_sensor_fault",
    "parallel_module_fault",
    "short_circuit_release_failed",  # bit 24
    "discharge_overcurrent2",
    "discharge_overcurrent3",
    "discharge_undertemperature",
    "gps_remote_lock",
)


@lru_cache(maxsize=256)  # a pack shows the same few masks for days
def alarm_names(mask: int) -> tuple[str, ...]:
    """Return the names of the alarms that stand in ``mask``, lowest bit first; ``bit_N`` for an unknown one."""
    return tuple(
        BITS[bit] if bit < len(BITS) else f"{UNNAMED}{bit}"
        for bit in range(mask.bit_length())
        if mask >> bit & 1
    )
