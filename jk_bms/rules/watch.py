"""Where one rule stands with one part of one subject, and how a new value moves it.

``ok``: nothing counts. ``pending``: a grade is being confirmed. ``active``: an alert is open.
``clearing``: it is open and good values are being counted. Who is told is not decided here.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from jk_bms.rules.base import Alert, Grade, Rule, beyond
from jk_bms.rules.options import Options


class Tally(msgspec.Struct):
    """Values in a row that say the same."""

    count: int
    since: float  # s since boot


_TIMES = ("raised", "began", "told", "lowered", "ended", "ended_told", "muted", "acknowledged", "unseen_at")


class Watch(msgspec.Struct):
    """The state of one rule and part; plain enough to be stored. Times are s since boot."""

    alert: Alert | None = None
    bad: dict[int, Tally] = msgspec.field(default_factory=dict)  # severity: being confirmed
    good: Tally | None = None
    raised: float = 0.0
    began: float | None = None  # what people are told; None: stored before that was kept
    dated: bool = True  # whether the clock was right when it was raised
    told: float | None = None  # when people were last told of it
    told_severity: int = 0  # the worst that they were told; 0: nothing
    told_code: int = 0
    told_facts: dict[str, Any] = msgspec.field(default_factory=dict)  # what they were told of cell or probe
    repeats: int = 0  # how often a critical one was repeated since it became so
    acknowledged: float | None = None  # when an owner said that he has seen it
    acknowledged_by: str = ""
    acknowledged_severity: int = 0  # a worse one is not acknowledged
    lowered: float | None = None  # when it last became milder
    ended: float | None = None
    ended_told: float | None = None  # when people were last told that it is over ...
    ended_severity: int = 0  # ... and how bad they knew it to be
    ending: Alert | None = None  # over, but people still have to be told
    flaps: int = 0  # how often it came back too soon to be told
    count: int = 0
    unseen: float = 0.0  # s for which the others were measured without the cell or probe that it names
    unseen_at: float | None = None  # when that was last counted
    calm: bool = False  # it is being mended: it is not repeated as urgent
    grouped: bool = False  # kept quiet because people know of something worse of the same cause
    muted: float | None = None  # since when
    muted_for: float | None = None  # s; None: until it is over
    muted_severity: int = 0  # a worse one breaks the silence

    def idle(self, now: float, calm: float) -> bool:
        """Whether nothing of it matters any more, ``calm`` s after it ended."""
        return (
            self.alert is None
            and self.ending is None
            and self.muted is None
            and not self.bad
            and (self.ended is None or now - self.ended >= calm)
        )

    def shift(self, seconds: float, before: float) -> None:
        """Move all times before ``before`` by ``seconds``: the machine was off."""
        for tally in (*self.bad.values(), *([self.good] if self.good else [])):
            if tally.since < before:
                tally.since += seconds
        for name in _TIMES:
            at = getattr(self, name)
            if at is not None and at < before:
                setattr(self, name, at + seconds)


class Change(NamedTuple):
    """What a value did. None: nothing to tell."""

    what: str | None = None  # raised, worse, milder, cleared
    grade: Grade | None = None  # the one that holds now
    since: float = 0.0  # s since boot, when the values in a row began that it took


NOTHING = Change()


def advance(
    watch: Watch,
    rule: Rule,
    grades: Iterable[Grade],
    value: float | None,
    options: Options,
    now: float,
    *,
    proof: bool = True,
) -> Change:
    """Take in a ``value`` (None: on the good side, whatever it is) at ``now`` s.

    Without ``proof`` a good value ends nothing, nor does it make anything milder. The alert itself is
    left to the caller.
    """
    severity = watch.alert.severity if watch.alert else 0
    confirmed = _confirm(watch, rule, grades, value, options, now, severity)
    if confirmed is not None:
        watch.good = None
        return confirmed
    if not severity or rule.once:
        return NOTHING
    held = next((grade for grade in grades if grade.severity == severity), None)
    if value is not None and held is not None and not back(rule, value, held.clear):
        watch.good = None
        return NOTHING
    if not proof:
        watch.good = None
        return NOTHING
    if watch.good is None:
        watch.good = Tally(0, now)
    watch.good.count += 1
    if watch.good.count < options.samples_to_clear(rule.clear_samples):
        return NOTHING
    if now - watch.good.since < rule.clear_seconds:
        return NOTHING
    since, watch.good = watch.good.since, None
    for grade in grades:
        if grade.severity < severity and value is not None and not back(rule, value, grade.clear):
            return Change("milder", grade, since)
    return Change("cleared", None, since)


def _confirm(
    watch: Watch,
    rule: Rule,
    grades: Iterable[Grade],
    value: float | None,
    options: Options,
    now: float,
    severity: int,
) -> Change | None:
    """Count for every grade worse than ``severity``; return the step to the worst that is confirmed."""
    confirmed = None
    for grade in grades:
        if grade.severity <= severity:
            break
        if value is None or not beyond(rule, value, grade.set):
            watch.bad.pop(grade.severity, None)
            continue
        tally = watch.bad.get(grade.severity)
        if tally is None:
            tally = watch.bad[grade.severity] = Tally(0, now)
        tally.count += 1
        if (
            confirmed is None
            and tally.count >= options.samples_to_raise(grade.samples)
            and now - tally.since >= grade.seconds
        ):
            confirmed = grade
    if confirmed is None:
        return None
    counted = [known for known in watch.bad if known <= confirmed.severity]
    since = min(watch.bad.pop(known).since for known in counted)
    return Change("worse" if severity else "raised", confirmed, since)


def back(rule: Rule, value: float, limit: float) -> bool:
    """Whether ``value`` is at ``limit`` or better."""
    return value <= limit if rule.rising else value >= limit
