"""What a setting does that can be changed on the page, in the words of a household; the table of settings has the rest."""

TEXTS = {
    "settings.BMS_MERGE_MAX_AGE": "How old a reading may be that is still written into the inverter program’s record",
    "settings.BMS_SOC_SOURCE": (
        "Where the charge comes from: counted here, from the BMS, from the cell voltages, or the first of these that "
        "is there"
    ),
    "settings.BMS_SOC_CURVE": "Charge by the mean cell voltage, for the choice “curve”",
    "settings.BMS_INVERT_CURRENT": "Turn the sign of current and power in the inverter program’s record",
    "settings.BMS_MERGE_ERROR_ROWS": "Write battery values also into records with an error of the inverter",
    "settings.BMS_MERGE_CELLS": "Write the voltages of all cells into the inverter program’s record",
    "settings.BMS_MERGE_FIELDS": "What is written there: what its page shows, or all",
    "settings.BOT_LANGUAGE": "Language of the bot, of alerts and of the digest",
    "settings.TELEGRAM_CHANGE_STEP": "After what change of the charge the bot sends a message",
    "settings.LEVEL_SOURCE": "What the level in those messages is: the charge, or the voltage",
    "settings.CHECK_INTERVAL": "How often the level is checked and noted in the log file",
    "settings.DASHBOARD_URL": "Address behind the button under /status",
    "settings.ALERT_MIN_LEVEL": "The least severity that is sent",
    "settings.ALERT_REPEAT_HOURS": "After how long an alert that is still open is sent again; 0: never",
    "settings.ALERT_STARTUP_DELAY": "For how long after its start the monitor sends no alerts",
    "settings.ALERT_CONFIRM": "How many bad readings in a row raise an alert",
    "settings.ALERT_CLEAR": "How many good readings in a row end it",
    "settings.ALERT_CLEARED_NOTIFY": "Send a message when an alert is over",
    "settings.ALERT_QUIET_HOURS": "Hours in which only critical alerts are sent",
    "settings.ALERTS_OFF": "Codes of alerts that are never raised, even where the battery’s life depends on them",
    "settings.SUMMARY_TIME": "When the digest of the day is sent",
    "settings.DIGEST_PERIOD": "What the digest tells of: the day since midnight, or the last 24 hours",
    "settings.LOG_LEVEL": "How much stands in the log",
}
