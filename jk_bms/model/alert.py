"""One step of an alert as everybody is told of it, and an alert that is open: fields, whoever said them.

The facts of an event in ``bms.db`` and the open alerts of the poller's snapshot have the same keys.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


def _told(value: Any) -> Any:
    """A field that is told also when it is not known: programs that read the socket may count on it."""
    return msgspec.field(default_factory=lambda: value)


class AlertTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is told of an alert. Times are ISO 8601; values are in ``unit``."""

    rule: str = _told("")
    code: int | None = _told(None)
    severity: str = _told("")  # one of model.alarms.Severity
    part: str = _told("")  # cell, probe, alarm ...
    subject: str = _told("")  # address of a battery, inverter, host, house
    value: float | None = _told(None)
    set: float | None = _told(None)  # the limit that it is beyond
    clear: float | None = _told(None)  # the one at which it ends
    peak: float | None = _told(None)  # the worst so far
    since: str | None = _told(None)
    unit: str | None = _told("")
    digits: int = _told(0)
    count: int = _told(1)  # samples
    facts: dict[str, Any] = msgspec.field(default_factory=lambda: {})  # what its rule found out
    seen: str | None = None  # when its facts were last so
    told: str | None = None  # when people were first told
    lasted: float | None = None  # s, of one that is over
    acknowledged: str | None = None
    acknowledged_by: str | None = None
    inverter: str | None = None  # the name of its inverter, where that is one of several

    # Of a step, in an event.
    what: str = ""  # raised, worse, repeat, cleared, test, acknowledged
    also: tuple["AlertTold", ...] = ()  # the others that the same message names
    label: str | None = None  # what people call the battery, of one of those
    silent: bool = False  # it makes no sound
    quiet: str | None = None  # why it is not told at all: a key of rules.facts.QUIET
    origin: int | None = None  # the chat in which it was acknowledged
    test: bool = False

    # Of one that is open.
    muted: bool | None = None
    muted_until: str | None = None
    overridden: bool = False  # the owner wants other limits or another severity than its rule has

    @property
    def name(self) -> tuple[str, str, str]:
        """What is its own as long as it is open."""
        return self.subject, self.rule, self.part

    @property
    def since_time(self) -> datetime | None:
        """When it began; None when that is not told, or not understood."""
        return moment_of(self.since)


def moment_of(told: str | None) -> datetime | None:
    """Return an aware time of an alert; None when it is not told, or not understood."""
    try:
        moment = datetime.fromisoformat(told) if told else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def alert_of(facts: Mapping[str, Any]) -> AlertTold:
    """Return the ``facts`` of an event in fields; what is in none of the forms that this version knows is left out."""
    also = facts.get("also")
    known = {key: facts[key] for key in AlertTold.__struct_fields__ if key in facts and key != "also"}
    try:
        alert = msgspec.convert(known, AlertTold)
    except msgspec.ValidationError:
        alert = msgspec.convert({key: value for key, value in known.items() if _fits(key, value)}, AlertTold)
    if not isinstance(also, list | tuple) or not also:
        return alert
    others = tuple(alert_of(one) for one in also if isinstance(one, Mapping))
    return msgspec.structs.replace(alert, also=others)


def _fits(key: str, value: Any) -> bool:
    try:
        msgspec.convert({key: value}, AlertTold)
    except msgspec.ValidationError:
        return False
    return True
