"""What a model may say: exactly what was counted, in whatever way people write it."""

import time
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from jk_bms.digest.fact_sheet import fact_sheet
from jk_bms.digest.local_text import local_text
from jk_bms.digest.proof import COUNT, Known, Value, clean, unproved
from jk_bms.texts import language
from tests.digest.made_days import honest_text, lie, made_day
from tests.scale import scaled

KNOWN = Known(
    frozenset(
        Value(kind, Decimal(number))
        for kind, number in (
            ("percent", "41.3"),
            ("percent", "95.5"),
            ("energy", "12400"),
            ("power", "3124"),
            ("voltage", "0.024"),
            ("temperature", "-3.6"),
            ("temperature", "24.1"),
            ("duration", "29400"),
            ("day", "7"),
            (COUNT, "3"),
            (COUNT, "1"),
        )
    ),
    frozenset({(6, 10), (18, 0), (0, 0)}),
    frozenset({date(2024, 12, 25)}),
)

TRUE = (
    "41.3 %", "41.3%", "41,3 %", "41 %", "41%", "41 percent", "41.30 %", "forty-one percent", "сорок один відсоток",
    "41,3 відсотка", "95 %", "96 %", "from 95.5 to 41.3 %", "41.3–95.5 %", "from 95.5 % down to 41", "95.5 % → 41.3 %",
    "Minimum: 41.3 (06:10)", "between 41 and 96 %", "it fell to 41-percent",
    "12.4 kWh", "12,4 кВт·год", "12 kWh", "12400 Wh", "12.4kWh", "12 kilowatt-hours", "12.4 кВт*год",
    "3124 W", "3,124 W", "3 124 W", "3.1 kW", "3,1 кВт", "3.12 kW", "3120 W", "3100 W", "3 kW",
    "24 mV", "0.024 V", "24 мВ",
    "-3.6 °C", "−3.6 °C", "minus 4 degrees", "мінус 3,6 градуса", "24.1 °C", "24°", "from -3.6 to 24.1 °C",
    "8 h 10 min", "8 hours and 10 minutes", "8 hours", "8.2 h", "490 minutes", "8 год 10 хв", "8-hour",
    "06:10", "6:10", "6:10 am", "6:10 a.m.", "at 6 pm", "6 pm", "о 18 годині", "at 18:00", "о 06.10",
    "midnight", "опівночі", "24:00",
    "25-12-2024", "2024-12-25", "25.12.2024", "25/12/24", "25 December 2024", "December 25, 2024", "Dec 25",
    "25th of December",
    "25 грудня 2024 року", "25.12.", "on 25.12 it", "in 2024", "2024-12-25T06:10",
    "3 times", "three times", "thrice", "тричі", "3 рази", "once", "the first, the third", "3rd", "1-й", "7 days",
    "the 7-day mean",
    "nothing at all", "LFP cells are fine",
)  # fmt: skip

FALSE = (
    "42 %", "41.4 %", "40 %", "14.3 %", "4.13 %", "413 %", "forty-two percent", "сорок два відсотки", "41.3 kWh", "41.3 W",
    "from 95.5 to 42 %", "2–41.3 %", "from 2 to 41 %", "95.5 % down to 40",
    "12.4 %", "12.5 kWh", "124 kWh", "12.4 Wh", "12.4 kW", "1 kWh", "0 kWh", "3124 kW", "3000 W", "3130 W", "2 kW", "3124 V",
    "25 mV", "24 V", "3.6 °C", "-24.1 °C", "4 degrees", "minus 24.1 °C",
    "8 h 11 min", "9 hours", "8 h 1 min", "10 minutes", "8.3 h", "6 hours", "6 h 10 min of nothing at 7",
    "06:11", "16:10", "6:10 pm", "at 7", "7 am", "о 7 годині", "о 06.11", "о 19", "noon", "12:00", "18:00:30", "06:1",
    "half past three", "at three", "three o'clock", "о пів на шосту", "о третій", "чверть на третю", "a half",
    "вдвічі більше",
    "26-12-2024", "25-12-2023", "25 November 2024", "25 листопада", "26.12.", "December 26", "in 2023", "01.01.2024",
    "4 times", "four times", "чотири рази", "twice", "2 рази", "fourth", "4th", "12.4 times more", "8 days", "1e3",
    "41.3.1 %", "4 1.3 %", "16s", "jk2", "1o0 %", "x41 %", "41x", "½", "Ⅷ", "③", "三", "४१.४ %", "４２ %", "4²", "א 41 %",
    "one two", "twenty-three hundred", "3 dozen", "hundreds", "41.3 A", "41 Hz", "3 Ah", "minus 41 °C", "v1.2.3",
    "41.3.2024",
    "шестьдесят процентов", "soixante %", "XLI %", "💯", "at 🕒", "quarante kWh", "1‰",
)  # fmt: skip


@pytest.mark.parametrize("said", TRUE)
def test_what_was_counted_may_be_said(said: str) -> None:
    assert unproved(clean(said), KNOWN) == []


@pytest.mark.parametrize("said", FALSE)
def test_what_was_not_counted_may_not(said: str) -> None:
    assert unproved(clean(said), KNOWN) != []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("4​1 %", "41 %"),
        ("‮31.4‬ %", "31.4 %"),
        ("4**1**.3 %", "41.3 %"),
        ("## Day\n* **41 %**\r\n`06:10`", "Day\n• 41 %\n06:10"),
        ("  \n41 %\x00\x07\n ", "41 %"),
    ],
)
def test_what_is_judged_is_what_is_shown(written: str, shown: str) -> None:
    assert clean(written) == shown


@pytest.mark.parametrize(
    "part",
    [
        "1 ",
        "1, ",
        "1 to ",
        "41 % - ",
        "one ",
        "1:",
        "1.",
        "-",
        "о 1 ",
        "minus 1 ",
        "1 h ",
        "may 1 ",
        "\u200b1",
        "%",
    ],
)
def test_a_long_answer_of_nonsense_is_judged_quickly(part: str) -> None:
    """An answer may be anything of 4096 characters."""
    begun = time.perf_counter()

    unproved(clean(part * (4096 // len(part))), KNOWN)

    assert time.perf_counter() - begun < 5.0


def test_anything_can_be_judged() -> None:
    random = Random(7)
    alphabet = "0123456789.,:;-+%°/ \n''abCехоMVWh№½٣４²‮\u200b🕒()*_\x00"
    for _ in range(scaled(40_000, 2000)):
        text = clean("".join(random.choice(alphabet) for _ in range(random.randrange(60))))
        assert isinstance(unproved(text, KNOWN), list)


def test_honest_texts_mostly_pass() -> None:
    """However they put it; at least nine of ten must, else nobody would read a model's text."""
    tried, passed = 0, 0
    for seed in range(scaled(4000, 200)):
        facts = made_day(seed)
        text = honest_text(facts, Random(seed))
        tried += 1
        passed += not unproved(clean(text), fact_sheet(facts).known)

    assert passed >= 0.95 * tried


def test_no_lie_passes() -> None:
    for seed in range(scaled(8000, 400)):
        sheet = fact_sheet(made_day(seed % 400))
        said = lie(sheet.text, Random(seed))
        assert unproved(clean(said), sheet.known), said


@pytest.mark.parametrize("name", ["en", "uk"])
def test_our_own_text_tells_nothing_but_the_facts(name: str) -> None:
    """The digest in our words and the sheet come from the same facts by different ways."""
    for seed in range(scaled(2000, 100)):
        facts = made_day(seed)
        text = local_text(facts, language(name))
        assert unproved(text, fact_sheet(facts).known) == [], text
