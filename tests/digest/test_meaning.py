"""A text is believed only if each number is of what the words beside it say: lies of thirteen kinds, honest texts."""

import time
from collections import Counter
from random import Random

import pytest

from jk_bms.digest.fact_sheet import fact_sheet
from jk_bms.digest.facts import DayFacts
from jk_bms.digest.local_text import local_text
from jk_bms.digest.meaning import unfounded
from jk_bms.digest.proof import clean
from jk_bms.texts import language
from tests.digest.lies import KINDS
from tests.digest.made_days import honest_text, made_day
from tests.scale import scaled

OF_A_KIND = 24  # lies: 312 in all


# Of one day, written by hand after the makers: half-truths, causes, bounds, wholes and parts.
SLY = (
    "The battery was at 65.6 % at the end.",
    "It ended the day full.",
    "The day began with 100 %.",
    "At 23:50 the charge was 65.6 %.",
    "At 00:00 the battery was full.",
    "The lowest charge of the second time on battery was 72.0 %.",
    "The first time on battery was the longest, 4 h 20 min.",
    "The shortest time on battery lasted 4 h 10 min.",
    "The house ran on battery for 4 h 10 min in total.",
    "The grid was away three times, 49 min together.",
    "The grid was away for 49 min from 06:29.",
    "The grid came back at 06:57.",
    "The grid was lost at 07:14.",
    "The grid was lost while the battery was full.",
    "The grid was away at 12:20, so the house switched to autonomous supply.",
    "The battery took over at 06:29.",
    "The battery took over because the grid was away.",
    "The battery was charged from the grid at 11:30.",
    "The battery was full again at 11:30, 19:10 and 23:50.",
    "The battery was full again three times.",
    "After all three times on battery it was full again.",
    "After each time on battery the battery was full again.",
    "It was full again after 23:50.",
    "The house load peaked at 742 W.",
    "The load peaked at 12:24.",
    "At 12:27 the battery gave 6053 W.",
    "The battery delivered 6053 W at most.",
    "Cells were within 173 mV all day.",
    "The cell difference was 173 mV, the lowest at 21:48.",
    "The temperature fell to 28.2 °C.",
    "The temperature was 5.1 °C at 17:18.",
    "It was warm: 28.2 °C at 13:45.",
    "The voltage peaked at 50.16 V.",
    "The mean voltage was 50.16 V.",
    "13.3 kWh were charged, less than usual.",
    "Only 2.7 kWh were charged, 13.3 kWh is usual.",
    "15.4 kWh were discharged.",
    "The usual lowest charge is 65.6 %.",
    "The charge fell to 32.9 %.",
    "Lower than usual, the minimum was 65.6 %.",
    "The whole day is known.",
    "Recording began at 02:35.",
    "Nothing was missing.",
    "Energy was recorded from 05:32.",
    "The house is on grid now.",
    "The third time on battery ended at 23:50.",
    "On battery since 12:20, still going on.",
    "On battery since 20:40 for 4 h 20 min.",
    "The battery fell by 26.1 points from 98.0 %.",
    "From 100.0 % down to 65.6 % the second time.",
    "Найнижчий заряд другого разу – 65,6 %.",
    "Батарея повністю зарядилась о 23:50.",
    "Мережа зникла о 07:14 і з'явилася о 06:29.",
    "Мережі не було 4 год 10 хв.",
    "Дім споживав щонайбільше 742 Вт.",
    "Батарея віддала 13,3 кВт·год, а прийняла 2,2 кВт·год.",
    "Віддано більше, ніж зазвичай.",
    "Наприкінці заряд був 65,6 %.",
    "На початку заряд був 80,0 %.",
    "Третій раз живлення від батареї закінчилося о 23:50.",
    "О 12:24 будинок спожив 6053 Вт.",
    "Заряд упав на 26,1 % до 72,0 %.",
    "Усі три рази батарея зарядилася повністю.",
    "Найбільший розбіг комірок 173 мВ о 12:24.",
    "Температура весь день була 28,2 °C.",
    "Даних вистачало за весь день.",
    "The battery supplied the house for 18 h 27 min.",
    "The digest covers 4 h 10 min.",
    "The day had 3 outages.",
    "The battery needs 3 h 19 min to be full again.",
    "The charge stood at 100 % for 3 h 19 min.",
    "Two times on battery: 04:10-08:20 and 12:20-16:40.",
)
HONEST = (
    "The house ran on battery from 04:10 to 08:20, down to 72.0 % at 08:10, and it was full again at 11:30.",
    "The house switched to autonomous supply 3 times.",
    "There were three switches to battery power; the grid was lost twice, for 49 min in total.",
    "The grid was away from 06:29 to 07:14 and from 06:57 to 07:01.",
    "The minimum charge was 65.6 % at 00:00, and at the end of the day it was 80.0 %.",
    "The charge dropped to 65.6 % at midnight.",
    "The highest charge was 100 % at 11:30.",
    "13.3 kWh went in and 2.2 kWh went out.",
    "Energy in: 13.3 kWh; energy out: 2.2 kWh.",
    "The battery was charged with 13.3 kWh and discharged 2.2 kWh.",
    "The highest load of the house was 6053 W at 12:27.",
    "The house drew up to 6.1 kW at 12:27.",
    "The battery gave at most 742 W at 12:24.",
    "The lowest voltage was 50.16 V at 19:02.",
    "The largest difference between cells was 173 mV at 21:48.",
    "The temperature ranged from 5.1 to 28.2 °C.",
    "It was coldest at 13:45, 5.1 °C, and warmest at 17:18, 28.2 °C.",
    "The third time on battery began at 20:40 and is still going on.",
    "The second time on battery lasted 4 h 20 min.",
    "The battery was full again at 11:30 and 19:10.",
    "The battery was fully recharged twice: at 11:30 and at 19:10.",
    "On battery since 20:40, down to 80.0 % at 23:50, not full again.",
    "On average 15.4 kWh went out and 2.7 kWh went in.",
    "Recording began at 05:32.",
    "Energy is not known before 02:35.",
    "Saturday, 19 December 2026: three times on battery, two outages.",
    "Дім тричі переходив на живлення від батареї.",
    "Найнижчий заряд – 65,6 % о 00:00, наприкінці 80,0 %.",
    "Мінімальний заряд становив 66 % опівночі.",
    "Мережа зникала двічі, разом на 49 хв: 06:29–07:14 та 06:57–07:01.",
    "Перший раз від батареї: з 04:10 до 08:20, заряд упав з 98,0 % до 72,0 %, повний заряд об 11:30.",
    "Другий раз дім перейшов на автономне живлення о 12:20, на 4 год 20 хв.",
    "Заряджено 13,3 кВт·год, віддано 2,2 кВт·год.",
    "Зазвичай заряджається 2,7 кВт·год, а віддається 15,4 кВт·год.",
    "Найбільше навантаження дому – 6053 Вт о 12:27.",
    "Найбільший розбіг комірок – 173 мВ о 21:48.",
    "Температура була від 5,1 до 28,2 °C.",
    "Батарея знову була повна об 11:30 та о 19:10.",
    "Дім і досі живиться від батареї, з 20:40.",
    "Запис почався о 05:32.",
    "Найнижча напруга – 50,16 В о 19:02.",
    "Світла не було двічі, загалом 49 хв.",
)
OF_THAT_DAY = 18


def believed(text: str, facts: DayFacts) -> bool:
    return not unfounded(clean(text), fact_sheet(facts).known)


def lies_of(kind: str, wanted: int) -> list[tuple[str, DayFacts]]:
    """So many different lies of a kind, of many days, a few of each."""
    told: list[tuple[str, DayFacts]] = []
    seed = 0
    while len(told) < wanted:
        facts, random = made_day(seed), Random(seed)
        lies = list(KINDS[kind](facts, random))
        told += [(lie, facts) for lie in random.sample(lies, min(3, len(lies)))]
        seed += 1
    return told[:wanted]


@pytest.mark.parametrize("kind", KINDS)
def test_hardly_a_lie_of_any_kind_passes(kind: str) -> None:
    lies = lies_of(kind, scaled(400, OF_A_KIND))

    passed = [lie for lie, facts in lies if believed(lie, facts)]

    assert len(passed) <= 0.01 * len(lies), passed


@pytest.mark.parametrize("lie", SLY)
def test_no_sly_lie_passes(lie: str) -> None:
    assert not believed(lie, made_day(OF_THAT_DAY))


def test_honest_sentences_pass() -> None:
    facts = made_day(OF_THAT_DAY)

    refused = [said for said in HONEST if not believed(said, facts)]

    assert len(refused) <= 0.05 * len(HONEST), refused


@pytest.mark.parametrize(
    ("said", "is_believed"),
    [
        ("Battery 1 (dead): lowest charge 65.6 % at 00:00.", True),
        ("The lowest charge of “Dead” was 65.6 %.", True),
        ("The battery is dead.", False),
        ("Dead: lowest charge 65.6 %.", False),
    ],
)
def test_a_name_is_a_name_only_where_names_stand(said: str, is_believed: bool) -> None:
    """A device that names itself must not teach a model what it may say."""
    assert believed(said, made_day(OF_THAT_DAY, name="Dead")) is is_believed


def test_a_lie_in_an_honest_text_is_found() -> None:
    for seed in range(scaled(200, 10)):
        facts, random = made_day(seed), Random(seed)
        kind = random.choice([kind for kind in KINDS if list(KINDS[kind](facts, random))])
        lie = random.choice(list(KINDS[kind](facts, random)))
        assert not believed(f"{honest_text(facts, random)}\n{lie}", facts), lie


def test_honest_texts_pass() -> None:
    tried, refused = scaled(2000, 100), Counter[str]()
    for seed in range(tried):
        facts = made_day(seed)
        reasons = unfounded(clean(honest_text(facts, Random(seed))), fact_sheet(facts).known)
        refused.update(reasons[:1])

    assert refused.total() <= 0.02 * tried, refused


@pytest.mark.parametrize("name", ["en", "uk"])
def test_our_own_digest_passes(name: str) -> None:
    """It comes from the same facts by another way, and says all that there is to say."""
    tried, refused = scaled(1000, 50), Counter[str]()
    for seed in range(tried):
        facts = made_day(seed)
        refused.update(unfounded(local_text(facts, language(name)), fact_sheet(facts).known)[:1])

    assert refused.total() <= 0.02 * tried, refused


@pytest.mark.parametrize(
    "part", ["the minimum ", "41 % and ", "no ", "від 1 до ", "(", "[1] ", "06:10-", "• 1. "]
)
def test_a_long_answer_of_nonsense_is_judged_quickly(part: str) -> None:
    known = fact_sheet(made_day(1)).known
    begun = time.perf_counter()

    unfounded(clean(part * (4096 // len(part))), known)

    assert time.perf_counter() - begun < 20.0


def test_anything_can_be_judged() -> None:
    random, known = Random(7), fact_sheet(made_day(1)).known
    words = ["the", "minimum", "68.8 %", "02:10", ",", "(", ")", ":", "from", "to", "no", "never", "mean"]
    words += ["-", "and", "\n", "•", "full", "off", "кВт·год", "до", "від", "не", "7.", "battery 1"]
    for _ in range(scaled(4000, 200)):
        text = " ".join(random.choice(words) for _ in range(random.randrange(30)))
        assert isinstance(unfounded(clean(text), known), list)
