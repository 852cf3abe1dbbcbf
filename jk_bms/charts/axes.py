"""Where marks stand on an axis: round numbers, and the times a person thinks in. Pure."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
MINUTES = (5, 10, 15, 30)
HOURS = (1, 2, 3, 6, 12)
DAYS = (1, 2, 5, 10, 30, 91, 182, 365)


class Mark(NamedTuple):
    """A mark and what is written at it."""

    at: float
    text: str


class Scale(NamedTuple):
    """From ``low`` to ``high``, both round, with a mark each ``step``."""

    low: float
    high: float
    step: float

    def marks(self) -> list[Mark]:
        """Return the marks, lowest first."""
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        if round(self.step * 10**digits, 6) % 1:  # 2.5 and the like
            digits += 1
        count = round((self.high - self.low) / self.step)
        return [
            Mark(value, f"{value:.{digits}f}")
            for value in (self.low + i * self.step + 0.0 for i in range(count + 1))
        ]


def scale(low: float, high: float, *, marks: int = 5, least: float = 0.0) -> Scale:
    """Return a scale that holds ``low`` and ``high``, at least ``least`` long, with about ``marks`` marks."""
    if high - low < least:
        middle = 0.5 * (low + high)
        low, high = middle - 0.5 * least, middle + 0.5 * least
    if high <= low:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / marks
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in STEPS if each * power >= rough * (1 - 1e-9))
    return Scale(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step)


def time_marks(
    start: float, end: float, zone: tzinfo | None, weekdays: Sequence[str], *, most: float = 8.5
) -> list[Mark]:
    """Return marks at round local times or days between ``start`` and ``end`` (s since 1970).

    ``weekdays``: their short names, Monday first. A day that a clock change makes shorter or
    longer has its marks where the clock shows them.
    """
    span = end - start
    first, last = (datetime.fromtimestamp(each, UTC).astimezone(zone) for each in (start, end))
    for minutes in MINUTES:
        if span / 60 / minutes <= most:
            return _minutes(first, last, minutes)
    for hours in HOURS:
        if span / 3600 / hours <= most:
            return _hours(first, last, hours)
    days = next((each for each in DAYS if span / 86400 / each <= most), DAYS[-1])
    return _days(first, last, days, weekdays if span <= 8.5 * 86400 else None)


def _minutes(first: datetime, last: datetime, minutes: int) -> list[Mark]:
    """Count in true time: within an hour that the clock shows twice there are marks both times."""
    at = first.replace(minute=first.minute // minutes * minutes, second=0, microsecond=0).timestamp()
    marks: list[Mark] = []
    while at <= last.timestamp():
        if at >= first.timestamp():
            marks.append(Mark(at, f"{datetime.fromtimestamp(at, UTC).astimezone(first.tzinfo):%H:%M}"))
        at += 60 * minutes
    return marks


def _hours(first: datetime, last: datetime, hours: int) -> list[Mark]:
    marks: list[Mark] = []
    zone = first.tzinfo
    wall = datetime(first.year, first.month, first.day)  # noqa: DTZ001  what the clock on the wall shows
    while True:
        at = wall.replace(tzinfo=zone) if zone else wall
        moment = at.timestamp()
        if moment > last.timestamp():
            return marks
        shown = datetime.fromtimestamp(moment, UTC).astimezone(zone)
        if moment >= first.timestamp() and shown.hour == wall.hour:  # else the clock skips that hour
            marks.append(Mark(moment, f"{wall:%H:%M}"))
        wall += timedelta(hours=hours)


def _days(first: datetime, last: datetime, days: int, weekdays: Sequence[str] | None) -> list[Mark]:
    marks: list[Mark] = []
    zone = first.tzinfo
    day = first.date()
    day -= timedelta(days=day.toordinal() % days)  # the same marks, however the chart moves on
    while True:
        moment = datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
        if moment > last.timestamp():
            return marks
        if moment >= first.timestamp():
            name = f"{weekdays[day.weekday()]} {day.day}" if weekdays else f"{day:%d.%m}"
            marks.append(Mark(moment, name))
        day += timedelta(days=days)
