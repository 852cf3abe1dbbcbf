"""Alerts in the poller: what is seen goes to the rules, what comes of it into the log of events."""

from jk_bms.alerts.alerts import HOST, HOUSE, Alerts, Known

__all__ = ["HOST", "HOUSE", "Alerts", "Known"]
