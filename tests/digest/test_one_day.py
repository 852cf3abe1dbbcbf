"""One day in all its facts, and what a stranger to the proof could say of it, falsely and honestly."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jk_bms.digest.fact_sheet import fact_sheet
from jk_bms.digest.facts import DayFacts, Extreme, FaultyCell, PackDay, Span, Usual
from jk_bms.digest.meaning import unfounded
from jk_bms.digest.phases import Level, Phase
from jk_bms.digest.proof import clean
from tests.digest.made_days import KYIV


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, 14, hour, minute, tzinfo=KYIV).astimezone(UTC)


def level(hour: int, minute: int, percent: float) -> Level:
    return Level(at(hour, minute), percent)


MORNING = Phase(level(7, 10, 71.5), level(9, 40, 52.3), at(9, 50), at(12, 50))
EVENING = Phase(level(18, 20, 96.1), level(21, 30, 41.7), at(21, 40), None)
PACK = PackDay(
    "AA",
    1,
    "shed",
    (
        level(0, 0, 78.2),
        MORNING.start,
        MORNING.low,
        level(12, 50, 99.6),
        EVENING.start,
        EVENING.low,
        level(23, 50, 63.4),
    ),
    low=EVENING.low,
    high=level(12, 50, 99.6),
    last=level(23, 50, 63.4),
    voltage_low=Extreme(51.84, at(21, 28)),
    phases=(MORNING, EVENING),
    charged_kwh=9.3,
    discharged_kwh=11.8,
    draw=Extreme(3420.0, at(19, 5)),
    delta=Extreme(0.062, at(12, 44)),
    warmest=Extreme(24.6, at(20, 10)),
    coldest=Extreme(15.2, at(6, 30)),
    fed=timedelta(hours=5, minutes=50),
    faults=(FaultyCell(7, "weak", False),),
    usual=Usual(6, 8.1, 10.4, 55.0),
    capacity_ah=280.0,
)
OUTAGES = Span(at(7, 5), at(9, 45)), Span(at(14), at(14, 12)), Span(at(18, 15), at(21, 35))
DAY = DayFacts(
    date(2026, 10, 14), at(0), at(23, 59), KYIV, (PACK,), load=Extreme(4150.0, at(8, 15)), grid=OUTAGES
)
KNOWN = fact_sheet(DAY).known

LIES = (
    "The battery fell to its lowest charge of 52.3 % at 09:40.",
    "The lowest charge, 41.7 %, came during the first outage.",
    "After the second time on battery it was full again at 12:50.",
    "The grid was away twice, from 07:05 to 09:45 and from 18:15 to 21:35.",
    "The grid was away from 07:05 to 14:12 and from 18:15 to 21:35.",
    "It was full again after both times on battery.",
    "The house drew at most 3420 W at 19:05.",
    "The battery gave at most 4150 W at 08:15.",
    "9.3 kWh went out and 11.8 kWh went in.",
    "Energy out was 13 % less than usual.",
    "The battery gave less than it usually does.",
    "Cell 7 became weak today.",
    "Cell 7 is leaking.",
    "Cell 7 had a difference of 62 mV at 12:44.",
    "The coldest it got was 15.2 °C at 20:10.",
    "The battery ended the day at 78.2 %.",
    "The day began at 63.4 % and ended at 78.2 %.",
    "The battery was at 96.1 % when the grid came back at 21:35.",
    "The charge fell from 71.5 % to 41.7 % in the first time on battery.",
    "The shorter time on battery was the second one.",
    "The first outage lasted 3 h 20 min.",
    "On average the battery takes in 10.4 kWh a day.",
    "The grid was away in the evening only.",
    "The battery was never below 52.3 %.",
    "The battery is on battery power now.",
    "The second time on battery began at 07:10.",
    "The lowest charge was 52.3 %.",
    "At worst the charge was 52.3 %.",
    "The charge went down to 52.3 % at 09:40 and never went lower.",
    "Minimum: 52.3 % (09:40).",
    "The battery dropped to 52.3 % at 09:40, the lowest of the day.",
    "The charge bottomed out at 52.3 %.",
    "The battery was lowest at 09:40.",
    "The lowest charge usually is 41.7 %.",
    "The lowest charge was lower than usual by 13 %.",
    "The lowest charge was higher than usual.",
    "The battery is weak.",
    "The battery is leaking.",
    "All cells are weak.",
    "Cell 7 was weak for the first time.",
    "Cell 7 is newly weak.",
    "A new fault: cell 7 is weak.",
    "Since today cell 7 is weak.",
    "Cell 7 has the highest voltage difference of 62 mV.",
    "The weak cell 7 caused the 62 mV difference at 12:44.",
    "Because cell 7 is weak, the battery fell to 41.7 %.",
    "The house used 11.8 kWh.",
    "The grid delivered 9.3 kWh.",
    "The grid came back at 09:50.",
    "The grid went away at 07:10.",
    "The grid was away for 2 h 40 min in the evening.",
    "The longest outage lasted 6 h 12 min.",
    "The house was on battery for 6 h 12 min in all.",
    "The battery was full at 09:40.",
    "The battery was full again at 21:30.",
    "The battery was full at the end of the day.",
    "The first time on battery ended at 21:40.",
    "The battery fell by 54.4 points in the morning.",
    "The deepest discharge was the first one.",
    "The battery charged from 41.7 % to 63.4 % by 21:40.",
    "The charge rose from 52.3 % to 99.6 % at 09:50.",
    "The highest load fell on the evening.",
    "The temperature fell to 15.2 °C in the evening at 20:10.",
    "The temperature stayed at 24.6 °C all day.",
    "The temperature of the house was 24.6 °C.",
    "The voltage was 51.84 V at 12:44.",
    "The highest voltage was 51.84 V at 21:28.",
    "It was 24.6 °C outside.",
    "Tomorrow the grid will be away from 07:05 to 09:45.",
    "Charge the battery before 18:15.",
    "The grid was away 3 times, each for 3 h 20 min.",
    "Each outage lasted 12 min.",
    "Three times on battery, from 07:10 to 21:40.",
    "Two cells are weak: cell 7.",
    "Energy in was 15 % more than energy out.",
    "More went in than went out.",
    "The battery gave 15 % more than usual.",
    "Both flows were 13 % above the mean.",
    "Thursday, 14 October: the lowest charge was 41.7 %.",
    "On 14 October the battery was empty at 21:30.",
    "The battery ran empty.",
    "The battery is old.",
    "The recording began at 07:10.",
    "Nothing was recorded from 14:00 to 14:12.",
    "It is not known whether the grid was there from 14:00 to 14:12.",
    "The energy is only known from 07:10.",
    "Найнижчий заряд 52.3 % був о 09:40.",
    "Удень мережа зникала двічі: з 07:05 до 09:45 та з 18:15 до 21:35.",
    "Після другого періоду батарея знову була повна о 12:50.",
    "Батарея прийняла 11.8 кВт·год і віддала 9.3 кВт·год.",
    "Дім споживав щонайбільше 3420 Вт о 19:05.",
    "Комірка 7 стала слабкою сьогодні.",
    "Комірка 7 має поганий контакт.",
    "Найхолодніше було 15.2 °C о 20:10.",
    "Заряд на кінець дня становив 78.2 %.",
    "Батарея віддала на 13 % менше, ніж зазвичай.",
    "Перше відключення тривало 3 год 20 хв.",
    "Довший період на батареї був першим.",
    "Батарея повністю зарядилася двічі.",
    "Увечері мережа була весь час.",
    "Мережі не було з 14:00 до 18:15.",
    "Заряд упав із 96.1 % до 52.3 %.",
    "Зазвичай найнижчий заряд становить 41.7 %.",
    "Другого разу батарея впала на 19.2 пункту.",
    "Найдовше відключення було з 07:05 до 09:45.",
    "Сьогодні батарея прийняла менше, ніж зазвичай.",
    "Мінімум за день: 52.3 % о 09:40.",
    "Заряд опускався щонайбільше до 52.3 %.",
    "Найменший заряд за добу був 52.3 %.",
    "Сьогодні комірка 7 виявилася слабкою.",
    "Комірка 7 нова слабка.",
    "Комірка 7 мала різницю 62 мВ.",
    "Акумулятор розрядився повністю о 21:30.",
    "Мережа з'явилася о 09:50.",
    "Мережа зникла о 07:10.",
    "Від батареї дім жив 6 год 12 хв.",
    "Найдовший період на батареї тривав 2 год 40 хв.",
    "Напруга впала до 51.84 В о 12:44.",
    "Батарея заряджалася з 41.7 % до 99.6 %.",
    "Найвищий заряд 96.1 % був о 18:20.",
    "На початку дня було 63.4 %.",
    "Обидва рази батарея знову була повна.",
    "Мережа зникала тричі, щоразу на 12 хв.",
    "Після 21:40 батарея знову повна.",
    "У середу мережа зникла вночі о 07:05.",
    "Енергії прийнято більше, ніж віддано.",
    "О 12:50 батарея мала 96.1 %.",
    "Потужність батареї досягла 4150 Вт.",
    "Найглибший розряд був вранці, на 54.4 пункту.",
    "Батарея ніколи не була повна.",
    "Мережа не зникала.",
    "Перший період був глибшим.",
    "Мережа зараз відсутня.",
    "Батарея досі не заряджена.",
    "Даних немає з 14:00 до 14:12.",
    "Запис почався о 07:10.",
)

HONEST = (
    "Wednesday, 14 October: the battery fell to 41.7 % at 21:30, its lowest charge.",
    "The grid was away three times, together 6 h 12 min.",
    "The house lived on its battery twice: from 07:10 to 09:50 and from 18:20 to 21:40.",
    "After the first time it was full again at 12:50; after the second one it was not full again.",
    "The house drew 4150 W at 08:15 at most; the battery gave 3420 W at 19:05.",
    "Cell 7 is still weak, as was known before.",
    "Temperatures ranged from 15.2 °C at 06:30 to 24.6 °C at 20:10.",
    "The second time on battery was the longer and the deeper one.",
    "The day ended at 63.4 %.",
    "Середа, 14 жовтня: найнижчий заряд 41.7 % о 21:30.",
    "Мережа зникала тричі: з 07:05 до 09:45, з 14:00 до 14:12 і з 18:15 до 21:35.",
    "Дім двічі жив від батареї: з 07:10 до 09:50 і з 18:20 до 21:40.",
    "Батарея прийняла 9.3 кВт·год і віддала 11.8 кВт·год, тобто більше, ніж зазвичай.",
    "Найбільше навантаження дому: 4150 Вт о 08:15.",
    "Комірка 7 слабка, це було відомо раніше.",
    "Температура була від 15.2 °C о 06:30 до 24.6 °C о 20:10.",
    "Найдовше відключення тривало 3 год 20 хв, з 18:15 до 21:35.",
    "Найнижча напруга становила 51.84 В о 21:28.",
    "The battery took in 15 % more than usual and gave 13 % more.",
)


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_of_the_day_passes(lie: str) -> None:
    assert unfounded(clean(lie), KNOWN)


@pytest.mark.parametrize("text", HONEST)
def test_what_is_true_of_the_day_passes(text: str) -> None:
    assert unfounded(clean(text), KNOWN) == []
