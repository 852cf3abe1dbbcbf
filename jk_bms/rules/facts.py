"""An alert as everybody is told of it: the facts of its event, and one plain sentence for the log."""

from collections.abc import Sequence
from typing import Any

from jk_bms.rules.base import Alert, Notice, Rule

QUIET = {  # why the owner is not told, for log and tool
    "startup": "too soon after the start (ALERT_STARTUP_DELAY)",
    "hours": "quiet hours (ALERT_QUIET_HOURS)",
    "muted": "muted",
    "flapping": "it comes and goes",
    "severity": "milder than ALERT_MIN_LEVEL",
    "first": "the first that is known of it",
    "hidden": "another alert says more",
    "grouped": "a worse one of the same cause was told",
    "known": "it was told already",
    "untold": "nobody knew of it",
    "off": "its end is no news",
}
STATE = "alerts"  # the name in bms.db under which the poller keeps the engine's state


def alert_facts(alert: Alert, rule: Rule) -> dict[str, Any]:
    """Return ``alert`` as plain JSON values; units and digits are those of its ``rule``."""
    facts = {
        "rule": alert.rule,
        "code": alert.code,
        "severity": alert.severity.word,
        "part": alert.part,
        "subject": alert.subject,
        "value": alert.value,
        "set": alert.set,
        "clear": alert.clear,
        "peak": alert.peak,
        "since": alert.since.isoformat(timespec="seconds"),
        "unit": rule.unit,
        "digits": rule.digits,
        "count": alert.count,
        "facts": dict(alert.facts),
    }
    if alert.seen is not None:
        facts["seen"] = alert.seen.isoformat(timespec="seconds")
    if alert.told is not None:
        facts["told"] = alert.told.isoformat(timespec="seconds")
    if alert.acknowledged is not None:
        facts["acknowledged"] = alert.acknowledged.isoformat(timespec="seconds")
        facts["acknowledged_by"] = alert.acknowledged_by
    return facts if alert.lasted is None else facts | {"lasted": round(alert.lasted, 1)}


def notice_facts(notice: Notice, rule: Rule, also: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return the facts of the event of ``notice``; ``quiet`` only when it is not to be told.

    ``silent``: what is told makes no sound. ``also``: the facts of the other alerts that it names, each with
    the ``label`` of its battery.
    """
    facts = alert_facts(notice.alert, rule) | {"what": notice.what}
    if also:
        facts["also"] = list(also)
    if notice.silent:
        facts["silent"] = True
    return facts if notice.quiet is None else facts | {"quiet": notice.quiet}


def sentence(notice: Notice, rule: Rule, label: str) -> str:
    """Return ``notice`` in one line: ``shed: cell_low 3 raised: 2.84 V (limit 2.85 V, code 1006)``.

    One that was made up for a test begins with saying so.
    """
    alert = notice.alert
    what = " ".join(part for part in (alert.rule, alert.part, notice.what) if part)
    unit = f" {rule.unit}" if rule.unit else ""
    value, limit = (f"{number:.{rule.digits}f}{unit}" for number in (alert.value, alert.set))
    quiet = f", not told: {QUIET.get(notice.quiet, notice.quiet)}" if notice.quiet else ""
    test = "TEST, nothing is wrong: " if alert.facts.get("test") else ""
    return f"{test}{label}: {what}: {value} (limit {limit}, code {alert.code}{quiet})"
