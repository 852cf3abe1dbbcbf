"""The alarm bits of a BMS, in the words of the protocol's table."""

from jk_bms.protocol.alarms import ALARMS

TEXTS = {f"bms_alarms.{alarm.name}": alarm.text for alarm in ALARMS} | {
    "bms_alarms.unknown": "alarm {bit}, which this program does not know",
}
