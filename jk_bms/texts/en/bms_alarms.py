"""The alarm bits of a BMS, in the words of the table of all makes."""

from jk_bms.model.alarms import ALARMS

TEXTS = {f"bms_alarms.{alarm.name}": alarm.text for alarm in ALARMS} | {
    "bms_alarms.unknown": "alarm {bit}, which this program does not know",
}
