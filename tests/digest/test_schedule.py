"""Digests are due once for each local date, whatever clocks and power do."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from jk_bms.digest.days import day_of, told_time
from jk_bms.digest.schedule import Due, Schedule

KYIV = ZoneInfo("Europe/Kyiv")
EVENING = Schedule(time(23, 59), KYIV)


def local(text: str, zone: tzinfo = KYIV) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "zone"),
    [
        (time(23, 59), KYIV),
        (time(3, 30), KYIV),  # skipped in spring, twice in autumn
        (time(0, 0), ZoneInfo("America/St_Johns")),
        (time(21, 15, 30), ZoneInfo("Asia/Kathmandu")),
        (time(12, 0), UTC),
    ],
)
def test_a_year_has_each_date_once(at: time, zone: tzinfo) -> None:
    """Both days on which the clocks change are in it; somebody looks each half minute, or less often."""
    schedule = Schedule(at, zone)
    now = local("2026-01-01 00:00:00", zone) - timedelta(seconds=1)
    end = local("2027-01-01 00:00:00", zone) - timedelta(seconds=1)
    done: list[date] = [schedule.date_of(schedule.last(now))]
    made: list[Due] = []
    while now < end:
        if due := schedule.due(now, done):
            made.append(due)
            done.append(due.day)
        now = min(max(schedule.next(now), now + timedelta(seconds=30)), now + timedelta(hours=5))

    assert [due.day for due in made] == [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert not any(due.late for due in made)
    skipped = 0
    for due in made:
        here = due.at.astimezone(zone)
        skipped += here.time() != at
    assert skipped <= 1  # only a time that the clocks skip in spring


def test_restart_at_the_last_moment() -> None:
    now = local("2026-03-01 23:58:59.9")

    assert EVENING.due(now, {date(2026, 2, 28)}) is None
    assert EVENING.next(now) == local("2026-03-01 23:59:00")
    due = EVENING.due(now + timedelta(seconds=0.1), {date(2026, 2, 28)})
    assert due == Due(date(2026, 3, 1), local("2026-03-01 23:59:00"), late=False)


@pytest.mark.parametrize(
    ("now", "day", "late"),
    [
        ("2026-03-02 00:00:30", date(2026, 3, 1), False),
        ("2026-03-02 00:05:00", date(2026, 3, 1), True),
        ("2026-03-02 05:58:59", date(2026, 3, 1), True),
        ("2026-03-02 05:59:01", None, False),  # six hours are over
        ("2026-03-02 12:00:00", None, False),
    ],
)
def test_a_missed_one_is_made_up_for_six_hours(now: str, day: date | None, late: bool) -> None:
    due = EVENING.due(local(now), set())

    assert (due.day if due else None, due.late if due else False) == (day, late)


def test_a_clock_that_jumps_two_hours_makes_no_second_one_and_loses_none() -> None:
    done = {date(2026, 2, 28)}
    forward = EVENING.due(local("2026-03-01 22:30:00") + timedelta(hours=2), done)
    assert forward
    assert (forward.day, forward.late) == (date(2026, 3, 1), True)
    done.add(forward.day)

    back = local("2026-03-02 00:30:00") - timedelta(hours=2)
    for minute in range(240):
        assert EVENING.due(back + timedelta(minutes=minute), done) is None


def test_two_days_without_power_bring_one_digest() -> None:
    due = EVENING.due(local("2026-03-04 01:00:00"), {date(2026, 3, 1)})

    assert due
    assert (due.day, due.late) == (date(2026, 3, 3), True)


@pytest.mark.parametrize(
    ("now", "at", "kind", "expected"),
    [
        ("2026-03-01 23:59", time(23, 59), "day", ("2026-03-01", "2026-03-01 00:00", "2026-03-01 23:59")),
        ("2026-03-02 00:00", time(0, 0), "day", ("2026-03-01", "2026-03-01 00:00", "2026-03-02 00:00")),
        ("2026-03-02 07:00", time(7, 0), "24h", ("2026-03-02", "2026-03-01 07:00", "2026-03-02 07:00")),
        # The day on which the clocks change has 23 hours, the last 24 have 24.
        ("2026-03-29 23:59", time(23, 59), "24h", ("2026-03-29", "2026-03-28 22:59", "2026-03-29 23:59")),
    ],
)
def test_what_time_it_tells(now: str, at: time, kind: str, expected: tuple[str, str, str]) -> None:
    told = told_time(local(now), at, kind, KYIV)

    day, start, end = expected
    assert told == (date.fromisoformat(day), local(start), local(end))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_is_as_long_as_it_is(day: str, hours: int) -> None:
    told = day_of(date.fromisoformat(day), KYIV)

    assert told.end - told.start == timedelta(hours=hours)
