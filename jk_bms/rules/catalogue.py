"""All rules. A new one is a file, or a place in the file of its subject, and a line here."""

from jk_bms.rules.aging import CYCLES, SOH_LOW
from jk_bms.rules.base import Rule
from jk_bms.rules.bms_alarms import BMS_ALARM
from jk_bms.rules.cell_health import CELL_FAULT
from jk_bms.rules.cells import CELL_HIGH, CELL_LOW, CELL_SPREAD, PACK_HIGH, PACK_LOW
from jk_bms.rules.charge import NOT_CHARGED, SOC_LOW
from jk_bms.rules.currents import CHARGE_CURRENT, DISCHARGE_CURRENT
from jk_bms.rules.emergency import EMERGENCY
from jk_bms.rules.forecast import GOING_DARK, PACK_ENDING, RUNTIME
from jk_bms.rules.grid import GRID_LOST, INVERTER_STALE
from jk_bms.rules.host import (
    ADAPTER_STUCK,
    BAD_CONFIGURATION,
    CLOCK_JUMP,
    DATABASE_FAILING,
    DISK_FULL,
    STARTED_AFTER_CRASH,
)
from jk_bms.rules.house import DARK
from jk_bms.rules.link import BMS_FROZEN, BMS_IMPLAUSIBLE, BMS_SILENT
from jk_bms.rules.mosfet import MOSFET_HOT
from jk_bms.rules.switches import PACK_CUT, SWITCH_OFF
from jk_bms.rules.temperatures import CELL_HOT, CHARGE_COLD, TEMPERATURE_SPREAD
from jk_bms.rules.wires import WIRE

# fmt: off
RULES: tuple[Rule, ...] = (
    CELL_HIGH,            # 1009 warning, 1008 critical
    CELL_LOW,             # 1007 warning, 1006 critical
    CELL_SPREAD,          # 1005 warning, 1004 critical
    PACK_HIGH,            # 1021 error, 1020 critical
    PACK_LOW,             # 1023 error, 1022 critical
    CELL_HOT,             # 1011 warning, 1010 critical
    CHARGE_COLD,          # 1029 warning, 1044 critical
    TEMPERATURE_SPREAD,   # 1036 warning, 1037 critical
    MOSFET_HOT,           # 1034 warning, 1035 critical
    SOC_LOW,              # 1002 warning, 1001 critical
    NOT_CHARGED,          # 1003 warning
    RUNTIME,              # 1038 warning, 1039 critical
    GOING_DARK,           # 1042 critical
    PACK_ENDING,          # 1050 error
    PACK_CUT,             # 1051 error
    CHARGE_CURRENT,       # 1013 error, 1012 critical
    DISCHARGE_CURRENT,    # 1015 error, 1014 critical
    SWITCH_OFF,           # 1032 warning, 1045 critical
    BMS_ALARM,            # 1030 warning or critical, by the alarm
    EMERGENCY,            # 1025 error, 1024 critical
    WIRE,                 # 1019 error, 1018 critical
    SOH_LOW,              # 1016 error, 1017 critical
    CYCLES,               # 1027 info, 1026 warning
    CELL_FAULT,           # 1041 warning
    BMS_SILENT,           # 1031 warning, 1043 critical
    BMS_FROZEN,           # 1040 error, 1046 critical
    BMS_IMPLAUSIBLE,      # 1047 warning
    GRID_LOST,            # 2001 critical
    INVERTER_STALE,       # 2002 error
    DARK,                 # 2012 critical
    DISK_FULL,            # 3002 warning
    CLOCK_JUMP,           # 3003 warning
    DATABASE_FAILING,     # 3004 error
    ADAPTER_STUCK,        # 3005 warning, 3006 error
    STARTED_AFTER_CRASH,  # 3001 info
    BAD_CONFIGURATION,    # 3009 error
)
# fmt: on


def all_codes() -> list[int]:
    """Return the code of every grade of every rule, in order."""
    return sorted({grade.code for rule in RULES for grade in rule.grades(rule.example())})
