"""Marks stand where a person expects them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jk_bms.charts.axes import scale, time_marks

KYIV = ZoneInfo("Europe/Kyiv")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0.0, 100.0, ["0", "20", "40", "60", "80", "100"]),
        (3.21, 3.46, ["3.20", "3.25", "3.30", "3.35", "3.40", "3.45", "3.50"]),
        (-6160.0, 3700.0, ["-8000", "-6000", "-4000", "-2000", "0", "2000", "4000"]),
        (0.0, 9.0, ["0", "2", "4", "6", "8", "10"]),
        (0.0, 11.5, ["0.0", "2.5", "5.0", "7.5", "10.0", "12.5"]),
    ],
)
def test_values_have_round_marks(low: float, high: float, marks: list[str]) -> None:
    made = scale(low, high)

    assert [mark.text for mark in made.marks()] == marks
    assert made.low <= low
    assert made.high >= high


def test_a_line_that_stands_still_gets_an_axis_all_the_same() -> None:
    assert scale(21.0, 21.0, least=10.0).high - scale(21.0, 21.0, least=10.0).low >= 10.0
    assert scale(21.0, 21.0).high > scale(21.0, 21.0).low


def test_a_day_has_marks_at_full_hours_of_the_local_clock() -> None:
    end = datetime(2026, 11, 20, 21, 30, tzinfo=KYIV)

    marks = time_marks((end - timedelta(days=1)).timestamp(), end.timestamp(), KYIV, DAYS)

    assert [mark.text for mark in marks] == [
        "00:00",
        "03:00",
        "06:00",
        "09:00",
        "12:00",
        "15:00",
        "18:00",
        "21:00",
    ]
    assert marks[0].at == datetime(2026, 11, 20, tzinfo=KYIV).timestamp()


def test_a_week_has_marks_at_local_midnights() -> None:
    end = datetime(2026, 11, 20, 21, 30, tzinfo=KYIV)

    marks = time_marks((end - timedelta(days=7)).timestamp(), end.timestamp(), KYIV, DAYS)

    assert [mark.text for mark in marks] == [
        "Sat 14",
        "Sun 15",
        "Mon 16",
        "Tue 17",
        "Wed 18",
        "Thu 19",
        "Fri 20",
    ]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29, tzinfo=KYIV), 23), (datetime(2026, 10, 25, tzinfo=KYIV), 25)],
    ids=["spring", "autumn"],
)
def test_on_days_of_a_clock_change_marks_show_what_the_clock_shows(day: datetime, hours: int) -> None:
    begin, end = day.timestamp(), (day + timedelta(days=1)).timestamp()

    marks = time_marks(begin, end, KYIV, DAYS)

    assert end - begin == hours * 3600
    assert [mark.text for mark in marks if mark.at < end][-1] == "21:00"
    for at, text in marks:
        assert f"{datetime.fromtimestamp(at, UTC).astimezone(KYIV):%H:%M}" == text
    assert [at for at, _ in marks] == sorted({at for at, _ in marks})


def test_marks_of_a_month_keep_their_days_while_the_chart_moves_on() -> None:
    end = datetime(2026, 11, 20, 21, 30, tzinfo=KYIV)
    first = time_marks((end - timedelta(days=30)).timestamp(), end.timestamp(), KYIV, DAYS)
    end += timedelta(days=1)
    second = time_marks((end - timedelta(days=30)).timestamp(), end.timestamp(), KYIV, DAYS)

    assert {mark.text for mark in second} - {mark.text for mark in first} in (set(), {"21.11", "25.11"})
    assert len({mark.text for mark in first} & {mark.text for mark in second}) >= 5


@pytest.mark.parametrize(
    ("begin", "minutes", "shown"),
    [
        ("2026-11-20T10:02", 18, ["10:05", "10:10", "10:15", "10:20"]),
        ("2026-11-20T23:55", 12, ["23:55", "00:00", "00:05"]),
        ("2026-11-20T10:01", 59, ["10:10", "10:20", "10:30", "10:40", "10:50", "11:00"]),
        ("2026-11-20T10:00", 100, ["10:00", "10:15", "10:30", "10:45", "11:00", "11:15", "11:30"]),
        ("2026-11-20T10:10", 240, ["10:30", "11:00", "11:30", "12:00", "12:30", "13:00", "13:30", "14:00"]),
    ],
)
def test_minutes_have_marks(begin: str, minutes: int, shown: list[str]) -> None:
    start = datetime.fromisoformat(begin).replace(tzinfo=KYIV).timestamp()

    assert [mark.text for mark in time_marks(start, start + 60 * minutes, KYIV, DAYS)] == shown


def test_an_hour_that_comes_twice_has_marks_both_times() -> None:
    start = datetime(2026, 10, 25, 1, 2, tzinfo=UTC).timestamp()  # 03:02 in Kyiv, for the second time

    assert [mark.text for mark in time_marks(start, start + 720, KYIV, DAYS)] == ["03:05", "03:10"]
