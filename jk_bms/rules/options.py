"""What the owner may choose about alerts: in general, and of one alert of one subject."""

from collections.abc import Mapping
from datetime import UTC, time, tzinfo
from types import MappingProxyType
from typing import NamedTuple

from jk_bms.model.alarms import Severity
from jk_bms.rules.base import Grade, Rule
from jk_bms.rules.overrides import ALL, NONE, Override, Overrides, adjusted

CONFIRM, CLEAR = 3, 5  # samples: what the rules were made for


class Options(NamedTuple):
    """Choices that hold for every rule."""

    repeat_hours: float = 12.0  # 0: never
    startup_delay: float = 180.0  # s after the start in which nothing is told
    confirm: int = CONFIRM  # samples before an alert; another number scales those of all grades
    clear: int = CLEAR  # samples before it ends, likewise
    min_level: Severity = Severity.WARNING  # milder ones are recorded, not told
    cleared_notify: bool = True
    off: frozenset[int] = frozenset()  # codes that are never raised
    quiet_hours: tuple[time, time] | None = None  # from .. to, local; critical always passes
    zone: tzinfo = UTC
    overrides: Overrides = MappingProxyType({})  # by subject or ALL, then code

    def override(self, subject: str, code: int) -> Override:
        """Return what is otherwise for an alert of ``subject``: the nearest that says it wins."""
        nearest, usual = (self.overrides.get(who, {}).get(code, NONE) for who in (subject, ALL))
        return nearest.over(usual)

    def is_off(self, subject: str, code: int) -> bool:
        """Whether the alert is never raised for ``subject``."""
        on = self.override(subject, code).on if self.overrides else None
        return code in self.off if on is None else not on

    def wanted(self, subject: str, rule: Rule, grades: tuple[Grade, ...]) -> tuple[Grade, ...]:
        """Return the grades by which ``subject`` is judged, worst first."""
        if not self.overrides:
            return tuple(grade for grade in grades if grade.code not in self.off) if self.off else grades
        kept = tuple(grade for grade in grades if not self.is_off(subject, grade.code))
        others: Mapping[int, Override] = {grade.code: self.override(subject, grade.code) for grade in kept}
        return adjusted(rule, kept, others)

    def repeated_after(self, subject: str, code: int) -> float:
        """Return after how many hours an open alert is told again; 0: never."""
        own = self.override(subject, code).repeat_h if self.overrides else None
        return self.repeat_hours if own is None else own

    def samples_to_raise(self, samples: int) -> int:
        """How many looks in a row a grade needs that was made for ``samples``."""
        return _scaled(samples, self.confirm, CONFIRM)

    def samples_to_clear(self, samples: int) -> int:
        """How many good looks in a row end an alert of a rule that was made for ``samples``."""
        return _scaled(samples, self.clear, CLEAR)

    def in_quiet_hours(self, local: time) -> bool:
        """Whether ``local`` lies in the quiet hours, which may go past midnight."""
        if self.quiet_hours is None:
            return False
        begin, end = self.quiet_hours
        return begin <= local < end if begin <= end else local >= begin or local < end


def _scaled(samples: int, chosen: int, usual: int) -> int:
    return samples if chosen == usual else max(1, round(samples * chosen / usual))
