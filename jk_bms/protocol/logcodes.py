"""What the codes of the BMS's own log mean. Source: the ESPHome component for JK boards."""

_SINGLE = {
    0x01: "boot",
    0x02: "shutdown",
    0x03: "app_charge_off",
    0x04: "app_charge_on",
    0x05: "app_discharge_off",
    0x06: "app_discharge_on",
    0x07: "remote_charge_off",
    0x08: "remote_charge_on",
    0x09: "remote_discharge_off",
    0x0A: "remote_discharge_on",
    0x27: "watchdog",
    0x28: "short_circuit_protection_2",
    0x29: "emergency_1",
    0x2A: "emergency_2",
    0x2B: "emergency_3",
    0x2C: "off_by_app",
    0x2D: "off_by_button",
    0x2E: "off_failed",
    0x2F: "off_by_rs485",
    0x30: "can_charge_off",
    0x31: "can_charge_on",
    0x32: "can_discharge_off",
    0x33: "can_discharge_on",
    0x34: "rs485_charge_off",
    0x35: "rs485_charge_on",
    0x36: "rs485_discharge_off",
    0x37: "rs485_discharge_on",
    0x38: "sleep",
    0x39: "mos_fault_1",
    0x3A: "mos_fault_2",
    0x3B: "clock_set",
    0x3C: "cell_count",
    0x3D: "button_1",
    0x3E: "button_2",
    0x3F: "button_3",
    0x40: "discharge_overcurrent2",
    0x41: "discharge_overcurrent3",
    0x42: "short_circuit_release_failed",
    0x43: "preset_1",
    0x44: "preset_2",
    0x45: "preset_3",
    0x46: "remote_emergency_1",
    0x47: "remote_emergency_2",
}

# These come in pairs: the alarm is raised, then it goes.
_PAIRS = {
    0x0B: "mos_overtemperature",
    0x0D: "current_sensor_fault",
    0x0F: "coprocessor_fault",
    0x11: "cell_overcharge",
    0x13: "pack_overcharge",
    0x15: "charge_overcurrent",
    0x17: "charge_short_circuit",
    0x19: "charge_overtemperature",
    0x1B: "charge_undertemperature",
    0x1D: "cell_undervoltage",
    0x1F: "pack_undervoltage",
    0x21: "discharge_overcurrent",
    0x23: "discharge_short_circuit",
    0x25: "discharge_overtemperature",
    0x48: "discharge_undertemperature",
}

# One code for each cell: first code of 32.
_CELLS = {0x64: "overcharge", 0xC8: "overdischarge"}

EVENTS: dict[int, str] = (
    _SINGLE
    | {code: f"{name}_set" for code, name in _PAIRS.items()}
    | {code + 1: f"{name}_clear" for code, name in _PAIRS.items()}
    | {first + cell: f"cell_{cell + 1}_{name}" for first, name in _CELLS.items() for cell in range(32)}
)


def event_name(code: int) -> str:
    """Return what ``code`` means; ``code_N`` for an unknown one."""
    return EVENTS.get(code, f"code_{code}")
