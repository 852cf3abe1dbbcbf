"""What the owner may choose about alerts in general."""

from datetime import UTC, time, tzinfo
from typing import NamedTuple

from jk_bms.model.alarms import Severity

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
