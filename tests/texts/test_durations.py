"""Durations read as a person says them."""

import pytest

from jk_bms.texts import language
from jk_bms.texts.durations import age, span, span_between


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "1 h 59 min"),
        (3600, "1 h"),
        (7200, "2 h"),
        (12000, "3 h 20 min"),
        (172800, "2 d"),
        (180000, "2 d 2 h"),
        (-1, "0.0 s"),
    ],
)
def test_span(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1000, 3000, "16 to 50 min"),
        (15000, 19900, "4 h 10 min to 5 h 40 min"),
        (90000, 100000, "25 to 28 h"),
        (3600, 3600, "1 h"),
        (5700, 13_440, "1 h 30 min to 3 h 50 min"),
        (0, 6600, "at most 1 h 50 min"),
        (30, 90, "at most 2 min"),
        (0, 30, "at most 60 s"),
    ],
)
def test_span_between(low: float, high: float, text: str) -> None:
    """The further away, the coarser; the range never gets narrower by rounding."""
    assert span_between(low, high) == text


def test_in_ukrainian() -> None:
    texts = language("uk")

    assert texts.span(12000) == "3 год 20 хв"
    assert texts.span_between(15000, 19900) == "4 год 10 хв – 5 год 40 хв"
    assert texts.ago(180000) == "2 д 2 год тому"
    assert texts.span(4.2) == "4,2 с"
    assert texts.span_between(1000, 3000) == "16–50 хв"
    assert texts.span_between(0, 1100) == "менш ніж 19 хв"


def test_an_age_of_nothing_is_just_now() -> None:
    assert [age(seconds) for seconds in (0.0, 1.9, 2.0, 75.0)] == [
        "just now",
        "just now",
        "2.0 s ago",
        "75 s ago",
    ]
    assert [language(name).ago(0.3) for name in ("en", "uk")] == ["just now", "щойно"]
