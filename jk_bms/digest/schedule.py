"""When a digest is due: from the wall clock each time it is asked, once for each local date. Pure."""

from collections.abc import Container
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from cronsim import CronSim

MADE_UP = timedelta(hours=6)  # so late a digest is still worth sending
LATE = timedelta(minutes=2)  # from here on it says that it is late
_BACK = timedelta(hours=50)  # of every so many hours one has the time of day, on days of 25 hours too


class Due(NamedTuple):
    """A digest that should be made now."""

    day: date  # local date of the moment it was due: one digest for each
    at: datetime  # that moment, UTC
    late: bool


class Schedule:
    """Every day at local time ``at`` in ``zone``.

    A time that the clocks skip in spring comes when they have skipped it; one that comes twice in
    autumn counts the first time.
    """

    def __init__(self, at: time, zone: tzinfo) -> None:
        self.at = at
        self.zone = zone
        self._cron = f"{at.minute} {at.hour} * * *"
        self._seconds = timedelta(seconds=at.second)

    def last(self, now: datetime) -> datetime:
        """Return the latest moment up to ``now``, in UTC."""
        return max(moment for moment in self._around(now) if moment <= now)

    def next(self, now: datetime) -> datetime:
        """Return the first moment after ``now``, in UTC."""
        return min(moment for moment in self._around(now) if moment > now)

    def date_of(self, moment: datetime) -> date:
        """Return the local date of ``moment``."""
        return moment.astimezone(self.zone).date()

    def due(self, now: datetime, done: Container[date]) -> Due | None:
        """Return what should be made at ``now``, the dates of ``done`` being over; None: nothing."""
        at = self.last(now)
        day = self.date_of(at)
        if day in done or now - at > MADE_UP:
            return None
        return Due(day, at, late=now - at > LATE)

    def _around(self, now: datetime) -> list[datetime]:
        moments = []
        for moment in CronSim(self._cron, (now - _BACK).astimezone(self.zone)):
            moments.append(moment.astimezone(UTC) + self._seconds)
            if moments[-1] > now:
                return moments
        raise AssertionError("every day has its time")
