"""Whether a pack lasts until a certain time, at what the house usually draws in those hours.

Each of the last days is played through from the present charge, once from the lower end of the
band and once from the upper; together they say how it may go.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

EFFICIENCY = 0.92  # of an inverter, from battery to house
PRESENT_UNSURE = 0.25  # of the present load, where it is not known what is usual
LEAST_DAYS = 3  # to speak of what is usual
LEAST_KNOWN = 0.25  # share of the time of a day that must be known to count it
UNUSUAL = 0.1  # share of the days, at each end, that are left out as unusual


class Stretch(NamedTuple):
    """Some time of one day: how long, in s, and what the battery had to give (negative: got), in W."""

    seconds: float
    watts: float


class Outlook(NamedTuple):
    """What to expect; see ``expect``."""

    verdict: str  # yes: also in the worst case; maybe: only in the better one; no
    until: datetime
    soc_low: float  # % at that time, in the worst case; 0 when it is empty before
    soc_high: float
    empty_first: datetime | None  # when it is empty in the worst case; None: not before
    empty_last: datetime | None  # and in the better one
    load: float  # W out of the battery, mean until then
    days: (
        int | None
    )  # past days that tell what is usual; 0: it is the present load; None: it is the forecast's
    save: float | None  # so many W less, on the average, and it lasts also in the worst case
    share: float = 1.0  # of what the house draws, load and save are this part


class _Course(NamedTuple):
    soc: float
    empty: float | None  # s from now
    lacking: float  # Wh that are missing at the end


def expect(
    now: datetime,
    until: datetime,
    *,
    low: float,
    high: float,
    capacity_wh: float,
    usual: Sequence[Sequence[Stretch]],
    present: float | None,
) -> Outlook | None:
    """Return how it will be at ``until``, from a charge between ``low`` and ``high`` % of ``capacity_wh``.

    ``usual``: the same hours of past days; ``present``: the load of the last minutes in W, for
    when those are few. None when neither is known. The worst and the best tenth of the days
    are left out.
    """
    span = (until - now).total_seconds()
    if span <= 0 or capacity_wh <= 0:
        raise ValueError(
            f"until {until} from {now} with {capacity_wh:g} Wh: expected a later time and a capacity"
        )
    days = [day for day in usual if day]
    if len(days) < LEAST_DAYS:
        if present is None:
            return None
        days = [[Stretch(span, present * factor)] for factor in (1.0 - PRESENT_UNSURE, 1.0 + PRESENT_UNSURE)]
        told = 0
    else:
        told = len(days)
    worst = sorted((_played(day, low, capacity_wh) for day in days), key=_how_bad)
    best = sorted((_played(day, high, capacity_wh) for day in days), key=_how_bad)
    bad = worst[len(worst) - 1 - round(UNUSUAL * (len(worst) - 1))]
    good = best[round(UNUSUAL * (len(best) - 1))]
    verdict = "yes" if bad.empty is None else "maybe" if good.empty is None else "no"
    return Outlook(
        verdict=verdict,
        until=until,
        soc_low=bad.soc,
        soc_high=good.soc,
        empty_first=None if bad.empty is None else now + timedelta(seconds=bad.empty),
        empty_last=None if good.empty is None else now + timedelta(seconds=good.empty),
        load=sum(_mean(day) for day in days) / len(days),
        days=told,
        save=None if bad.empty is None else bad.lacking / (span / 3600.0),
    )


def as_usual(
    days: Sequence[Sequence[tuple[float, float | None]]], present: float | None
) -> list[list[Stretch]]:
    """Return the days of which enough is known, the rest of each filled in; none when they are too few.

    Each: s and W from the same time of the day on; W None: not known. That is taken from the other days at the same
    time; what none of them knows is as at ``present`` (W; None: as on that day on the average).
    """
    told = [day for day in days if _known(day) >= LEAST_KNOWN]
    if len(told) < LEAST_DAYS:
        return []
    filled = []
    for day in told:
        amount = sum(seconds * watts for seconds, watts in day if watts is not None)
        mean = amount / sum(seconds for seconds, watts in day if watts is not None)
        passed, steps = 0.0, []
        for seconds, watts in day:
            if watts is None:
                others = [
                    at for other in told if (at := _watts_at(other, passed + 0.5 * seconds)) is not None
                ]
                watts = sum(others) / len(others) if others else mean if present is None else present
            steps.append(Stretch(seconds, watts))
            passed += seconds
        filled.append(steps)
    return filled


def _known(day: Sequence[tuple[float, float | None]]) -> float:
    total = sum(seconds for seconds, _ in day)
    return sum(seconds for seconds, watts in day if watts is not None) / total if total else 0.0


def _watts_at(day: Sequence[tuple[float, float | None]], moment: float) -> float | None:
    passed = 0.0
    for seconds, watts in day:
        passed += seconds
        if moment < passed:
            return watts
    return None


def foretold(
    now: datetime,
    until: datetime,
    empty_in: tuple[float, float],
    *,
    low: float,
    high: float,
    capacity_wh: float,
) -> Outlook:
    """Return how it will be at ``until`` when a charge between ``low`` and ``high`` % is used up ``empty_in`` so many s."""
    span = (until - now).total_seconds()
    first, last = empty_in
    load = 0.01 * (low + high) * capacity_wh / max(1.0, first + last) * 3600.0
    verdict = "yes" if span < first else "maybe" if span < last else "no"

    def left(soc: float, end: float) -> float:
        return soc * max(0.0, 1.0 - span / end) if end > 0 else 0.0

    return Outlook(
        verdict=verdict,
        until=until,
        soc_low=left(low, first),
        soc_high=left(high, last),
        empty_first=None if span < first else now + timedelta(seconds=first),
        empty_last=None if span < last else now + timedelta(seconds=last),
        load=load,
        days=None,
        save=None if span < first else load * (1.0 - first / span),
    )


def battery_power(load: float, sun: float) -> float:
    """Return what the battery gives, in W, in a house without grid: what the sun does not.

    Negative: the battery gets the rest of the sun.
    """
    missing = load - sun
    return missing / EFFICIENCY if missing > 0 else missing * EFFICIENCY


def _played(day: Sequence[Stretch], soc: float, capacity_wh: float) -> _Course:
    """Let a day happen from ``soc`` %."""
    charge = soc * 0.01 * capacity_wh
    passed = lacking = 0.0
    empty: float | None = None
    for seconds, watts in day:
        needed = watts * seconds / 3600.0
        if needed > charge:
            if empty is None:
                empty = passed + 3600.0 * charge / watts
            lacking += needed - charge
            charge = 0.0
        else:
            charge = min(capacity_wh, charge - needed)
        passed += seconds
    return _Course(100.0 * charge / capacity_wh, empty, lacking)


def _how_bad(course: _Course) -> tuple[float, float]:
    return course.lacking, -course.soc


def _mean(day: Sequence[Stretch]) -> float:
    total = sum(step.seconds for step in day)
    return sum(step.seconds * step.watts for step in day) / total if total else 0.0
