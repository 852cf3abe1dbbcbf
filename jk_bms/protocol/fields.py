"""Where each number stands in a frame: the facts of the three variants.

Sources: the maker's register map (RS485 Modbus V1.1; a BLE frame holds the same memory images,
six bytes further on), the ESPHome component syssi/esphome-jk-bms, patman15/aiobmsble and
captured frames. Where the open decoders disagree, the maker's map decides. All numbers are
little-endian. docs/protocol.md shows these tables; a test keeps both in step.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from jk_bms.protocol.values import Variant


class Field(NamedTuple):
    """One number in a frame; ``raw / divisor`` is in the unit of the name."""

    name: str
    at: int  # byte offset in the whole frame
    code: str  # struct code; ``?`` is a byte that is a switch
    divisor: int = 1  # divided, not multiplied by 0.001: that misrounds


class Text(NamedTuple):
    """A text in a frame, ended by a zero or by its length."""

    name: str
    at: int
    size: int


class CellArrays(NamedTuple):
    """Where a cell-info frame has its cells and the mask that says which are connected."""

    inputs: int  # how many cells the layout has room for
    code: str  # struct code of one voltage or resistance
    cells: int
    resistances: int
    mask: int
    divisor: int = 1


# fmt: off
CELL_ARRAYS: Mapping[Variant, CellArrays] = MappingProxyType({
    Variant.JK04:     CellArrays(24, "f", cells=6, resistances=102, mask=214),
    Variant.JK02_24S: CellArrays(24, "H", cells=6, resistances=64,  mask=54, divisor=1000),
    Variant.JK02_32S: CellArrays(32, "H", cells=6, resistances=80,  mask=70, divisor=1000),
})

CELL_INFO_32S: tuple[Field, ...] = (
    Field("cell_mask",                         70, "I"),        # bit 0 = cell 1; gaps happen
    Field("cell_average_bms",                  74, "H", 1000),  # V
    Field("cell_delta_bms",                    76, "H", 1000),  # V
    Field("cell_max_number_bms",               78, "B"),        # sent counting from 0
    Field("cell_min_number_bms",               79, "B"),        # sent counting from 0
    Field("mos_temperature",                  144, "h", 10),    # degC
    Field("wire_warning_mask",                146, "I"),
    Field("voltage",                          150, "I", 1000),  # V; 16 bits end at 65.5 V
    Field("power_bms",                        154, "I", 1000),  # W, without sign
    Field("current",                          158, "i", 1000),  # A, positive while charging
    Field("temperature_1",                    162, "h", 10),    # degC
    Field("temperature_2",                    164, "h", 10),    # degC
    Field("problem_code",                     166, "I"),
    Field("balance_current",                  170, "h", 1000),  # A
    Field("balance_action",                   172, "B"),        # 0 off, 1 into the low cell, 2 from the high
    Field("soc",                              173, "B"),        # %
    Field("charge",                           174, "i", 1000),  # Ah left
    Field("capacity",                         178, "I", 1000),  # Ah, as learnt
    Field("cycles",                           182, "I"),
    Field("cycle_charge",                     186, "I", 1000),  # Ah
    Field("soh",                              190, "B"),        # %, 0 = not computed
    Field("precharge",                        191, "B"),
    Field("user_alarm",                       192, "H"),
    Field("uptime",                           194, "I"),        # s; three bytes would wrap after 194 days
    Field("charge_on",                        198, "?"),
    Field("discharge_on",                     199, "?"),
    Field("user_alarm2",                      200, "H"),
    Field("release_discharge_overcurrent",    202, "H"),        # s
    Field("release_discharge_short_circuit",  204, "H"),
    Field("release_charge_overcurrent",       206, "H"),
    Field("release_charge_short_circuit",     208, "H"),
    Field("release_undervoltage",             210, "H"),
    Field("release_overvoltage",              212, "H"),
    Field("sensor_mask",                      214, "B"),        # 1 = present
    Field("heating",                          215, "?"),
    Field("emergency_time",                   218, "H"),        # s
    Field("current_correction",               220, "H"),
    Field("charge_sensor_voltage",            222, "H", 1000),  # V
    Field("discharge_sensor_voltage",         224, "H", 1000),  # V
    Field("voltage_correction",               226, "f"),
    Field("voltage_check",                    234, "H", 100),   # V
    Field("heating_current",                  236, "h", 1000),  # A; noise while not heating
    Field("charger_plugged",                  245, "?"),
    Field("ticks",                            246, "I"),        # 0.1 s
    Field("temperature_3",                    254, "h", 10),    # degC
    Field("temperature_4",                    256, "h", 10),    # degC, firmware 14 and later
    Field("temperature_5",                    258, "h", 10),    # degC, firmware 14 and later
    Field("clock_seconds",                    262, "I"),        # s since 2020, local
    Field("log_count",                        266, "I"),
    Field("time_to_sleep",                    270, "I"),        # s, 86400 = not counting
    Field("parallel_limiter",                 274, "?"),
    Field("battery_type_code",                275, "B"),        # firmware 15 and later
    Field("charge_stage_time",                278, "H"),        # s, firmware 15 and later
    Field("charge_stage_code",                280, "B"),        # firmware 15 and later
    Field("dry_contact_bits",                 281, "B"),
)

CELL_INFO_24S: tuple[Field, ...] = (
    Field("cell_mask",                         54, "I"),
    Field("cell_average_bms",                  58, "H", 1000),
    Field("cell_delta_bms",                    60, "H", 1000),
    Field("cell_max_number_bms",               62, "B"),
    Field("cell_min_number_bms",               63, "B"),
    Field("wire_warning_mask",                114, "I"),
    Field("voltage",                          118, "I", 1000),
    Field("power_bms",                        122, "I", 1000),
    Field("current",                          126, "i", 1000),
    Field("temperature_1",                    130, "h", 10),
    Field("temperature_2",                    132, "h", 10),
    Field("mos_temperature",                  134, "h", 10),
    Field("problem_code",                     136, "H"),        # the lower half of the 32S mask
    Field("balance_current",                  138, "h", 1000),
    Field("balance_action",                   140, "B"),
    Field("soc",                              141, "B"),
    Field("charge",                           142, "i", 1000),
    Field("capacity",                         146, "I", 1000),  # as configured
    Field("cycles",                           150, "I"),
    Field("cycle_charge",                     154, "I", 1000),
    Field("soh",                              158, "B"),
    Field("precharge",                        159, "B"),
    Field("user_alarm",                       160, "H"),        # a constant of the device
    Field("uptime",                           162, "I"),
    Field("charge_on",                        166, "?"),
    Field("discharge_on",                     167, "?"),
    Field("user_alarm2",                      168, "H"),        # a constant of the device
    Field("release_discharge_overcurrent",    170, "H"),
    Field("release_discharge_short_circuit",  172, "H"),
    Field("release_charge_overcurrent",       174, "H"),
    Field("release_charge_short_circuit",     176, "H"),
    Field("release_undervoltage",             178, "H"),
    Field("release_overvoltage",              180, "H"),
    Field("sensor_mask",                      182, "B"),
    Field("heating",                          183, "?"),
    Field("current_correction",               188, "H"),
    Field("charge_sensor_voltage",            190, "H", 1000),
    Field("discharge_sensor_voltage",         192, "H", 1000),
    Field("voltage_correction",               194, "f"),
)

CELL_INFO_JK04: tuple[Field, ...] = (
    Field("cell_average_bms",                 202, "f"),        # V
    Field("cell_delta_bms",                   206, "f"),        # V
    Field("cell_mask",                        214, "I"),
    Field("cell_max_number_bms",              218, "B"),        # sent counting from 0
    Field("cell_min_number_bms",              219, "B"),        # sent counting from 0
    Field("balance_action",                   220, "B"),
    Field("balance_current",                  222, "f"),        # A
    Field("uptime",                           286, "I"),        # s
)

_SETTINGS_JK02: tuple[Field, ...] = (
    Field("smart_sleep_voltage",                 6, "I", 1000),  # V
    Field("cell_uvp",                           10, "I", 1000),
    Field("cell_uvpr",                          14, "I", 1000),
    Field("cell_ovp",                           18, "I", 1000),
    Field("cell_ovpr",                          22, "I", 1000),
    Field("balance_trigger_voltage",            26, "I", 1000),
    Field("soc_100_voltage",                    30, "I", 1000),
    Field("soc_0_voltage",                      34, "I", 1000),
    Field("cell_request_charge_voltage",        38, "I", 1000),
    Field("cell_request_float_voltage",         42, "I", 1000),
    Field("power_off_voltage",                  46, "I", 1000),
    Field("max_charge_current",                 50, "I", 1000),  # A
    Field("charge_ocp_delay",                   54, "I"),        # s
    Field("charge_ocp_recovery",                58, "I"),
    Field("max_discharge_current",              62, "I", 1000),
    Field("discharge_ocp_delay",                66, "I"),
    Field("discharge_ocp_recovery",             70, "I"),
    Field("short_circuit_protection_recovery",  74, "I"),
    Field("max_balance_current",                78, "I", 1000),
    Field("charge_otp",                         82, "i", 10),    # degC
    Field("charge_otp_recovery",                86, "i", 10),
    Field("discharge_otp",                      90, "i", 10),
    Field("discharge_otp_recovery",             94, "i", 10),
    Field("charge_utp",                         98, "i", 10),
    Field("charge_utp_recovery",               102, "i", 10),
    Field("mos_otp",                           106, "i", 10),
    Field("mos_otp_recovery",                  110, "i", 10),
    Field("cell_count",                        114, "I"),
    Field("charge_switch",                     118, "?"),
    Field("discharge_switch",                  122, "?"),
    Field("balancer_switch",                   126, "?"),
    Field("nominal_battery_capacity",          130, "I", 1000),  # Ah
    Field("short_circuit_protection_delay",    134, "I"),        # us
    Field("start_balance_voltage",             138, "I", 1000),
)

SETTINGS: Mapping[Variant, tuple[Field, ...]] = MappingProxyType({
    Variant.JK04: (
        Field("cell_count",                     34, "B"),
        Field("power_off_voltage",              38, "f"),        # V
        Field("adc_reference",                  74, "f"),        # V
        Field("start_balance_voltage",          98, "f"),
        Field("balance_trigger_voltage",       106, "f"),
        Field("max_balance_current",           110, "f"),        # A
        Field("balancer_switch",               114, "?"),
    ),
    Variant.JK02_24S: _SETTINGS_JK02,
    Variant.JK02_32S: (
        *_SETTINGS_JK02,
        Field("device_address",                270, "I"),
        Field("precharge_time",                274, "I"),        # s
        Field("controls_bitmask",              282, "H"),        # see values.CONTROL_BITS
        Field("heating_start",                 284, "b"),        # degC, firmware 11.26 and later
        Field("heating_stop",                  285, "b"),        # degC, firmware 11.26 and later
        Field("smart_sleep_hours",             286, "B"),
        Field("field_enable",                  287, "B"),
        Field("discharge_utp",                 296, "b"),        # degC, firmware 15 and later
        Field("discharge_utp_recovery",        297, "b"),        # degC, firmware 15 and later
    ),
})

# Resistances of the connection wires in a settings frame: offset, how many u32, in uOhm.
CONNECTION_WIRES: Mapping[Variant, tuple[int, int]] = MappingProxyType({
    Variant.JK02_24S: (158, 24),
    Variant.JK02_32S: (142, 32),
})

INFO_TEXTS: tuple[Text, ...] = (
    Text("model",               6, 16),
    Text("hw_version",         22,  8),
    Text("sw_version",         30,  8),
    Text("name",               46, 16),
    Text("manufacturing_date", 78,  8),
    Text("serial",             86, 16),  # 10 or 11 characters up to firmware 15, 15 from 19 on
    Text("user_data",         102, 16),
    Text("user_data2",        134, 16),
)

# Sent in clear to every device in range. Nothing but "set" or "not set" leaves the decoder.
# What follows a short serial number, up to its 16 bytes, may be a passcode too.
INFO_SECRETS: tuple[Text, ...] = (
    Text("passcode",           62, 16),
    Text("setup_passcode",    118, 16),
)
INFO_COUNTERS: tuple[Field, ...] = (
    Field("uptime",                38, "I"),      # s
    Field("power_on_count",        42, "I"),
)

# JK02_32S only: elsewhere everything behind the setup passcode is zero.
INFO_NUMBERS: tuple[Field, ...] = (
    Field("uart1_protocol",       184, "B"),
    Field("can_protocol",         185, "B"),
    Field("uart1_protocols",      186, "16s"),    # bit n = protocol n may be chosen
    Field("can_protocols",        202, "16s"),
    Field("uart2_protocol",       218, "B"),
    Field("uart2_protocols",      219, "15s"),
    Field("buzzer_trigger",       234, "B"),
    Field("dry1_trigger",         235, "B"),
    Field("dry2_trigger",         236, "B"),
    Field("uart_library_version", 237, "B"),
    Field("buzzer_trigger_value", 238, "i"),
    Field("buzzer_release_value", 242, "i"),
    Field("dry1_trigger_value",   246, "i"),
    Field("dry1_release_value",   250, "i"),
    Field("dry2_trigger_value",   254, "i"),
    Field("dry2_release_value",   258, "i"),
    Field("log_period",           262, "i"),      # s
    Field("absorption_time",      266, "B", 10),  # h
    Field("float_time",           267, "B", 10),  # h
    Field("can_library_version",  268, "B"),
    Field("emergency_duration",   269, "B"),      # min, firmware 15 and later
    Field("uart3_protocol",       270, "B"),      # firmware 19
    Field("uart3_protocols",      271, "7s"),
    Field("rebulk_soc",           278, "B"),      # %, firmware 19
)
# fmt: on

INFO_TAIL = 134  # first byte behind the setup passcode

LOG_COUNT = Field("count", 6, "I")
LOG_FIRST = 11  # offset of the first entry; byte 10 is unknown
LOG_ENTRY = "IB"  # s of run time, code
