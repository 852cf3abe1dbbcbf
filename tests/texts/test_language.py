"""One language: templates, plurals, numbers and times as it writes them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jk_bms.texts import LANGUAGES, best, clip, escape, language

KYIV = ZoneInfo("Europe/Kyiv")


def test_the_client_of_a_person_chooses() -> None:
    """A language we do not speak is answered in English."""
    wanted = ("uk", "uk-UA", "UK", "en-GB", "de", "", None)

    assert [best(name).language for name in wanted] == ["uk", "uk", "uk", "en", "en", "en", "en"]


def test_a_language_that_is_no_language_is_named() -> None:
    with pytest.raises(ValueError, match=r"'\.\./x'; expected one of en, uk"):
        language("../x")


@pytest.mark.parametrize(
    ("number", "english", "ukrainian"),
    [
        (0, "0 more", "ще 0 повідомлень"),
        (1, "1 more", "ще 1 повідомлення"),
        (2, "2 more", "ще 2 повідомлення"),
        (5, "5 more", "ще 5 повідомлень"),
        (11, "11 more", "ще 11 повідомлень"),
        (12, "12 more", "ще 12 повідомлень"),
        (21, "21 more", "ще 21 повідомлення"),
        (22, "22 more", "ще 22 повідомлення"),
        (111, "111 more", "ще 111 повідомлень"),
        (112, "112 more", "ще 112 повідомлень"),
    ],
)
def test_plurals(number: int, english: str, ukrainian: str) -> None:
    assert language("en").count("bot.more", number) == english
    assert language("uk").count("bot.more", number) == ukrainian


def test_numbers() -> None:
    en, uk = language("en"), language("uk")

    assert en.quantity(52.583, "V", 2) == "52.58 V"
    assert uk.quantity(52.583, "V", 2) == "52,58 В"
    assert uk.quantity(12.34, "kWh", 1) == "12,3 кВт·год"
    assert en.quantity(-0.004, "A", 1, sign=True) == "0.0 A"
    assert en.quantity(5.2, "A", 1, sign=True) == "+5.2 A"
    assert en.quantity(900, "s") == "15 min"
    assert en.quantity(3, "parsec") == "3 parsec"
    assert en.quantity(3, "") == "3"


def test_times_are_as_short_as_they_can_be() -> None:
    """Today needs no date, this year no year; midnight is that of the owner's zone."""
    now = datetime(2026, 5, 3, 21, 30, tzinfo=UTC)  # 4 May, 0:30 in Kyiv
    moments = [
        (now, "00:30", "00:30"),
        (datetime(2026, 5, 3, 15, 42, tzinfo=UTC), "18:42 yesterday", "18:42 учора"),
        (datetime(2026, 5, 5, 4, 0, tzinfo=UTC), "07:00 tomorrow", "07:00 завтра"),
        (datetime(2026, 4, 1, 4, 0, tzinfo=UTC), "07:00 on 1 Apr", "07:00 1 квітня"),
        (datetime(2025, 12, 31, 4, 0, tzinfo=UTC), "06:00 on 31 Dec 2025", "06:00 31 грудня 2025"),
    ]

    for when, english, ukrainian in moments:
        assert language("en").moment(when, KYIV, now) == english
        assert language("uk").moment(when, KYIV, now) == ukrainian


def test_a_missing_text_is_a_bug_but_can_be_asked_for() -> None:
    texts = language(LANGUAGES[0])

    with pytest.raises(KeyError):
        texts("bot.no such thing")
    assert not texts.known("bot.no such thing")
    assert not texts.known("nowhere.x")
    assert texts.known("units.V")


def test_names_from_outside_are_harmless() -> None:
    assert escape('<b>"A&B"</b>') == "&lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;"
    assert clip("two\nlines\t\x1b[31m and \u202eturned") == "two lines [31m and turned"
    assert clip("x" * 4000, 10) == "x" * 9 + "…"
    assert clip("ten chars!", 10) == "ten chars!"


def test_the_eleventh_hour_begins_with_a_vowel() -> None:
    """What cannot be spoken is not written: it is "об 11:32", and "о" before every other hour."""
    texts = language("uk")
    said = [texts("charts.lowest", value="41 %", time=f"{hour:02d}:32") for hour in range(24)]

    assert [" об " in one for one in said] == [hour == 11 for hour in range(24)]
    assert language("en")("charts.lowest", value="41 %", time="11:32") == "lowest 41 % at 11:32"
