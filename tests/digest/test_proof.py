"""What a model may say: exactly what was counted, in whatever way people write it."""

import time
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from jk_bms.digest.fact_sheet import fact_sheet
from jk_bms.digest.facts import DayFacts
from jk_bms.digest.local_text import local_text
from jk_bms.digest.proof import Known, Value, clean, unproved
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
            ("day", "6"),
            ("switch", "3"),
            ("full", "4"),
            ("grid", "2"),
            ("hole", "1"),
            ("cell", "2"),
            ("cell number", "7"),
            ("cell number", "16"),
            ("battery", "1"),
            ("battery number", "1"),
        )
    ),
    frozenset({(6, 10), (18, 0), (22, 0), (0, 0)}),
    frozenset({date(2024, 12, 25), date(2026, 12, 4)}),
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
    "06:10", "06:10: full", "6:10", "6:10 am", "6:10 a.m.", "at 6 pm", "6 pm", "о 18 годині", "at 18:00", "о 06.10",
    "midnight", "опівночі", "24:00",
    "25-12-2024", "2024-12-25", "25.12.2024", "25/12/24", "25 December 2024", "December 25, 2024", "Dec 25",
    "25th of December",
    "25 грудня 2024 року", "25.12.", "on 25.12 it", "in 2024", "2024-12-25T06:10",
    "3 times", "three times", "thrice", "тричі", "3 рази", "no data once", "the first, the third", "3rd", "1-й", "7 days",
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
    "4 times", "four times", "чотири рази", "twice", "2 рази", "fifth", "5th", "12.4 times more", "8 days", "1e3",
    "41.3.1 %", "4 1.3 %", "16s", "jk2", "1o0 %", "x41 %", "41x", "½", "Ⅷ", "③", "三", "४१.४ %", "４２ %", "4²", "א 41 %",
    "one two", "twenty-three hundred", "3 dozen", "hundreds", "41.3 A", "41 Hz", "3 Ah", "minus 41 °C", "v1.2.3",
    "41.3.2024",
    "шестьдесят процентов", "soixante %", "XLI %", "💯", "at 🕒", "quarante kWh", "1‰",
)  # fmt: skip


# A count is one of something. That of another thing proves nothing.
COUNTS = (
    "The battery took over three times.",
    "On battery 3 times, full again 4 times.",
    "The grid was away twice, and the battery took over three times.",
    "The grid was away 2 times and 2 cells are not in order",
    "There were two outages.",
    "There were 2 short power cuts and 3 battery switches.",
    "Number of switches to autonomous supply: 3.",
    "Grid away: 2. Full again: 4.",
    "switched to autonomous supply: 3 times",
    "Cell 7 is weak; cell 16 too.",
    "Cells 7 and 16 are weak.",
    "Two cells are not in order.",
    "One of the cells is weak.",
    "Cells:\n  - One of them is weak.",
    "No one was there; one could say a quiet day.",
    "It was full again four times: 18:00 and 22:00.",
    "No data once, at 06:10.",
    "There was one gap in the data.",
    "04-12-2026: 3, 41% (06:10), [22:00]",
    "The third switch was the longest; the second outage too.",
    "Once the grid was back, charging began at once.",
    "the mean of 6 days of the last 7 days",
    "Battery 1 took over three times.",
    "The only battery was fine. One battery.",
    "DC power was fine.",
    "1. from 06:10\n2. from 18:00\n3. from 22:00",
    "- Outages: 2\n- Times on battery: 3\n- Times full: 4",
    "Both outages were short.",
    "Both the grid and the sun were weak.",
    "3 times on autonomous supply",
    "It switched to autonomous supply a third time at 18:00.",
    "In total, the house switched to autonomous supply 3 times.",
    "Будинок переходив на автономне живлення тричі, мережа зникала двічі.",
    "Було 3 перемикання та 2 відключення мережі.",
    "Дві комірки не в порядку: комірки 7 і 16.",
    "Одна з комірок слабка.",
    "Світло зникало 2 рази, повний заряд 4 рази.",
    "Кількість переходів на автономне живлення: 3",
    "Живлення від батареї – 3 рази:",
    "Батарея повністю заряджалася 4 рази.",
    "Один раз не було даних. Це один із найкращих днів.",
    "Обидва відключення були короткими.",
    "У 2026 році було гарно.",
    "За добу відбулося 3 переходи на автономне живлення. Мережа зникала 2 рази.",
    "Було зафіксовано 3 випадки переходу на автономне живлення.",
    "Будинок 3 рази переходив на автономне живлення, мінімальний заряд 41% о 06:10.",
    "Акумулятор був повністю заряджений о 18:00 та о 22:00.",
    "It switched to autonomous supply 3 times, with a minimum of 41.3% at 06:10, and was full again at 18:00 and 22:00.",
    "On 04-12-2026, there were 3 switches to autonomous supply, the lowest charge was 41.3% at 06:10.",
    "The grid was unavailable 2 times.",
    "Grid power was lost twice.",
    "The battery reached full charge 4 times.",
    "Recharged to full 4 times.",
    "There was one interruption in data recording at 06:10.",
    "There are 2 cells of concern: cell 7 (weak) and cell 16 (leaking).",
    "Please check cells #7 and #16.",
    "Two cells, number 7 and number 16, are not in order.",
    "• Cells: 7 and 16 not in order",
    "Комірка №7 слабка, комірка № 16 втрачає заряд.",
    "Усього було три автономні періоди. Одна перерва в даних о 06:10.",
    "Електроенергія була відсутня 2 рази; на автономне живлення система перейшла тричі.",
    "The system operated on battery 3 times.",
    "Система переходила на батарею 3 рази.",
)

WRONG_COUNTS = (
    "One cell leads the pack.",
    "The grid was away 7 times and 7 cells are not in order",
    "There were 16 outages.",
    "16 cells",
    "cells 7 outages",
    "The grid was away for the third time.",
    "one in three",
    "Outages: one",
    "There was one alert.",
    "2026 storms",
    "The grid was away XIV times",
    "The grid was away II times",
    "a score of outages",
    "The charge fell by a third several times.",
    "by a third",
    "one third of the charge",
    "half of the time",
    "a couple of outages",
    "a pair of outages",
    "на третину",
    "половина дня",
    "десяток відключень",
    "пара відключень",
    "пару разів зникало світло",
    "третя частина заряду",
    "Мережа зникала ХІV разів",
    "3 outages",
    "There were three outages.",
    "The grid was away three times",
    "The battery took over twice",
    "Grid away: 3",
    "Full again: 3 times",
    "1 outage",
    "One outage.",
    "The grid was away once.",
    "Світло зникало тричі.",
    "Мережа зникала один раз.",
    "Було 4 відключення.",
    "3 storms",
    "7 alerts",
    "Seven alerts",
    "Cell 3 is weak",
    "three cells are weak",
    "2 batteries",
    "the fifth outage",
    "the third outage",
    "3 times more than usual",
    "twice as much as usual",
    "3 рази більше",
    "Батарея переходила двічі",
    "Дві батареї",
    "7 відключень",
    "1 day",
    "2026 outages",
    "There was a single outage",
    "Both switches were short",
    "1. from 06:10\n2. from 18:00\n5. from 22:00",
    "7 times the grid was away",
    "cell 7 outages",
    "Outages: 16.",
    "dozen",
    "16 times away was the grid",
    "It was 12 times full.",
    "two thirds",
    "threefold",
    "The battery was full two times",
)


NO_FACTS = (
    "On Monday all was well.", "У понеділок усе було добре.", "12.4 MWh", "12,4 МВт·год", "41.3 litres", "41.3 km",
    "41.3 euros", "$41.3", "41.3 € were saved", "41.3 bar", "24.1 °F", "24 mV per day", "3.1 kW per hour", "3.1 kW/h",
    "Tomorrow it is full at 18:00.", "It will be empty at 06:10.", "The battery should last until 22:00.",
    "I recommend 95.5 %.", "Завтра о 18:00 знову.", "О 18:00 буде повний заряд.", "Рекомендую зарядити до 95,5 %.",
    "Прогноз: 41 %.", "The grid was never lost.", "No outages.", "There were no power cuts.", "Мережа не зникала.",
    "День минув без відключень.", "The house did not run on the battery.", "Дім не переходив на батарею.",
    "It was never fully charged.", "All cells are fine.", "Усі комірки справні.", "There were no gaps.",
)  # fmt: skip


@pytest.mark.parametrize("said", NO_FACTS)
def test_what_is_no_fact_or_contradicts_one_is_refused(said: str) -> None:
    assert unproved(clean(said), KNOWN) != []


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("grid", "The grid was never lost."),
        ("grid", "Мережа не зникала."),
        ("switch", "The house did not run on the battery."),
        ("full", "It was never full again."),
        ("hole", "There were no gaps."),
        ("cell", "All cells are fine."),
        ("cell", "Усі комірки справні."),
    ],
)
def test_what_was_counted_and_never_was_may_be_said(kind: str, said: str) -> None:
    assert unproved(clean(said), KNOWN._replace(values=KNOWN.values | {Value(kind, Decimal(0))})) == []


def test_a_day_of_the_week_is_that_of_the_date() -> None:
    assert unproved("On Wednesday, 25 December 2024, all was well.", KNOWN) == []
    assert unproved("У середу, 25 грудня 2024 року, усе було добре.", KNOWN) == []
    assert unproved("У неділю, 25 грудня 2024 року, усе було добре.", KNOWN) == ["неділю"]


@pytest.mark.parametrize("said", TRUE + COUNTS)
def test_what_was_counted_may_be_said(said: str) -> None:
    assert unproved(clean(said), KNOWN) == []


@pytest.mark.parametrize("said", FALSE + WRONG_COUNTS)
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
    """However they put it; at least 99 of 100 must, else nobody would read a model's text."""
    tried, passed = 0, 0
    for seed in range(scaled(4000, 200)):
        facts = made_day(seed)
        text = honest_text(facts, Random(seed))
        tried += 1
        passed += not unproved(clean(text), fact_sheet(facts).known)

    assert passed >= 0.99 * tried


def test_no_lie_passes() -> None:
    for seed in range(scaled(8000, 400)):
        sheet = fact_sheet(made_day(seed % 400))
        said = lie(sheet.text, Random(seed))
        assert unproved(clean(said), sheet.known), said


def test_a_day_with_two_outages_has_no_seven() -> None:
    """A week has seven days, but nothing else that nobody counted."""
    seed = next(seed for seed in range(100) if _has_two_outages(made_day(seed)))
    sheet = fact_sheet(made_day(seed))
    text = "The grid was away 7 times and 7 cells are not in order; the charge fell by a third several times."

    assert unproved(text, sheet.known) == ["7", "7", "third"]
    assert unproved("The grid was away 2 times.", sheet.known) == []


def _has_two_outages(facts: DayFacts) -> bool:
    seven = any(fault.cell == 7 for pack in facts.packs for fault in pack.faults)
    return facts.grid is not None and len(facts.grid) == 2 and not seven


def test_where_nobody_watched_the_grid_the_battery_tells_of_outages() -> None:
    facts = next(
        day for day in map(made_day, range(100)) if day.grid is None and len(day.counted[0].phases) == 3
    )

    assert unproved("Світло зникало 3 рази.", fact_sheet(facts).known) == []
    assert unproved("Світло зникало 12 разів.", fact_sheet(facts).known) == ["12"]


@pytest.mark.parametrize("name", ["en", "uk"])
def test_our_own_text_tells_nothing_but_the_facts(name: str) -> None:
    """The digest in our words and the sheet come from the same facts by different ways."""
    for seed in range(scaled(2000, 100)):
        facts = made_day(seed)
        text = local_text(facts, language(name))
        assert unproved(text, fact_sheet(facts).known) == [], text
