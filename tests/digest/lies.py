"""Lies of thirteen kinds about a made day, made of its own facts by program: numbers that are known, of something else.

Each maker returns sentences, English and Ukrainian, that are false of the day; none where the day has nothing to
lie about. It reads the facts themselves and nothing of the proof.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from jk_bms.digest.facts import DayFacts, PackDay
from tests.digest.made_days import KYIV

Maker = Callable[[DayFacts, Random], Iterator[str]]
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UK_DAYS = ("понеділок", "вівторок", "середу", "четвер", "п'ятницю", "суботу", "неділю")


def _at(at: datetime) -> str:
    return f"{at.astimezone(KYIV):%H:%M}"


def _span(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def _uk_span(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60} год {minutes % 60} хв"


def _percents(pack: PackDay) -> list[float]:
    ends = [pack.levels[0], pack.high, pack.last, *(phase.start for phase in pack.phases)]
    return [one.level for one in ends if one]


def swapped(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    assert pack.low
    assert pack.high
    low, high = pack.low, pack.high
    if high.level - low.level > 2:
        yield f"The lowest charge was {high.level:.1f} % at {_at(low.at)}."
        yield f"The minimum was {high.level:.0f} percent."
        yield f"Найнижчий заряд – {high.level:.1f} % о {_at(high.at)}.".replace(".", ",", 1)
        yield f"The charge was {low.level:.1f} % at its highest."
        yield f"Заряд був найвищий, {low.level:.1f} %, о {_at(low.at)}."
    if _at(low.at) != _at(high.at):
        yield f"The minimum, {low.level:.1f} %, was reached at {_at(high.at)}."
        yield f"Мінімальний заряд {low.level:.1f} % о {_at(high.at)}."
    if facts.load and pack.draw and abs(facts.load.value - pack.draw.value) > 200:
        yield f"The highest load of the house was {pack.draw.value:.0f} W."
        yield f"Найбільше споживання дому: {pack.draw.value:.0f} Вт."
        yield f"The battery gave at most {facts.load.value:.0f} W."
    if facts.load and pack.delta:
        yield f"The highest load was {facts.load.value:.0f} W at {_at(pack.delta.at)}."
        yield f"The largest cell difference was {1000 * pack.delta.value:.0f} mV at {_at(facts.load.at)}."
        yield f"Найбільший розбіг комірок: {1000 * pack.delta.value:.0f} мВ о {_at(facts.load.at)}."


def negated(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    if pack.phases:
        yield "The house did not run on the battery."
        yield "The house never switched to autonomous supply."
        yield "Дім не переходив на живлення від батареї."
        yield "На автономне живлення дім не переходив жодного разу."
        yield "There was no switch to autonomous supply."
        if all(phase.full_at for phase in pack.phases):
            yield "The battery was not full again."
            yield "Батарея до повного заряду не дійшла."
            yield "До повного заряду не дійшло."
        if all(phase.end for phase in pack.phases):
            yield "The house is still on battery."
            yield "Дім і досі живиться від батареї."
    if facts.grid:
        yield "The grid was never lost."
        yield "The grid was there all day."
        yield "Мережа не зникала."
        yield "Світло було весь день."
        yield "No outages."
        yield "There were no problems with the grid."
    if any(one.holes for one in facts.packs):
        yield "No data were missing."
        yield "Пропусків у даних не було."
    if any(one.faults for one in facts.packs):
        yield "All cells are in order."
        yield "Усі комірки в порядку."
        yield "No cell is weak."


def ranges(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    assert pack.low
    assert pack.high
    assert pack.last
    low, high = pack.low.level, pack.high.level
    if pack.last.level - low > 3 and high - pack.last.level > 3:
        yield f"The charge moved between {low:.1f} and {pack.last.level:.1f} %."
        yield f"The charge stayed between {pack.last.level:.1f} and {high:.1f} %."
        yield f"Заряд був від {low:.1f} до {pack.last.level:.1f} %.".replace(".", ",", 1)
        yield f"Заряд коливався між {pack.last.level:.0f} і {high:.0f} %."
    if high - low > 3:
        yield f"The charge rose from {low:.1f} to {high:.1f} % and fell below {low:.1f} % again."
        yield f"The charge never fell below {high:.1f} %."
        yield f"The charge was always above {high:.0f} %."
        yield f"Заряд не опускався нижче {high:.1f} %."
        yield f"The charge stayed under {low:.1f} %."
    if pack.coldest and pack.warmest:
        cold, warm = pack.coldest.value, pack.warmest.value
        yield f"Temperature from {warm:.1f} to {cold:.1f} °C."
        yield f"The temperature was above {warm:.1f} °C."
        yield f"Температура була нижче {cold:.1f} °C."
        yield f"The coldest was {warm:.1f} °C."


def dates(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    assert pack.low
    wrong = facts.date + timedelta(days=r.choice((-30, -7, -1, 1, 2, 31)))
    yield f"On {wrong:%d-%m-%Y} the lowest charge was {pack.low.level:.1f} %."
    yield f"{wrong:%d.%m.%Y} найнижчий заряд був {pack.low.level:.1f} %."
    yield f"The lowest charge on {wrong:%B} {wrong.day} was {pack.low.level:.1f} %."
    yield f"Yesterday the lowest charge was {pack.low.level:.1f} %."
    yield f"Учора найнижчий заряд був {pack.low.level:.1f} %."
    yield f"Last week the minimum was {pack.low.level:.1f} %."


def units(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    assert pack.low
    assert pack.charged_kwh is not None
    into = f"{pack.charged_kwh:.1f}"
    yield f"{into} MWh were charged."
    yield f"Заряджено {into} МВт·год."
    yield f"{into} kW were charged."
    yield f"{into} litres of fuel were saved."
    yield f"{into} kWh per hour were charged."
    yield f"{into} kWh worth {into} euros were charged."
    yield f"The lowest charge was {pack.low.level:.1f} V."
    yield f"Найнижчий заряд – {pack.low.level:.1f} А·год."
    if pack.delta and pack.warmest:
        yield f"The largest cell difference was {1000 * pack.delta.value:.0f} V."
        yield f"Розбіг комірок: {1000 * pack.delta.value:.0f} мкВ."
        yield f"The warmest was {pack.warmest.value:.1f} °F."
        yield f"Найтепліше: {pack.warmest.value:.1f} К."


def durations(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    spans = [(phase, phase.end - phase.start.at) for phase in pack.phases if phase.end]
    for phase, span in spans[:1]:
        wrong = span + timedelta(minutes=r.choice((-20, 10, 30, 60)))
        yield f"On battery from {_at(phase.start.at)} for {_span(wrong)}."
        yield f"Живлення від батареї з {_at(phase.start.at)}, {_uk_span(wrong)}."
        yield f"The house ran on battery for {_span(facts.end - phase.start.at + timedelta(minutes=7))}."
        yield f"The battery lasted {_span(span)} longer than usual."
        yield f"On battery from {_at(phase.start.at)}, for more than {_span(span)}."
    for (phase, span), (_, other) in pairwise(spans):
        if span != other:
            yield f"On battery from {_at(phase.start.at)} to {_at(phase.end or facts.end)}, {_span(other)}."
            yield f"Від батареї з {_at(phase.start.at)} до {_at(phase.end or facts.end)} ({_uk_span(other)})."
    if facts.grid and spans:
        away = sum((one.end - one.start for one in facts.grid if one.end), timedelta())
        if away != spans[0][1]:
            yield f"The grid was away for {_span(spans[0][1])}."
            yield f"Мережі не було {_uk_span(spans[0][1])}."
            yield f"The house ran on battery for {_span(away)}."


def direction(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    assert pack.charged_kwh is not None
    assert pack.discharged_kwh is not None
    into, out = f"{pack.charged_kwh:.1f}", f"{pack.discharged_kwh:.1f}"
    if abs(pack.charged_kwh - pack.discharged_kwh) > 1:
        yield f"{out} kWh went in and {into} kWh went out."
        yield f"Energy in: {out} kWh, energy out: {into} kWh."
        yield f"The battery was charged with {out} kWh."
        yield f"It gave {into} kWh."
        yield f"Заряджено {out} кВт·год, віддано {into} кВт·год.".replace(".", ",")[:-1] + "."
        yield f"Віддано {into} кВт·год."
        yield f"Energy: {out} kWh charged, {into} kWh discharged."
    for phase in pack.phases[:1]:
        yield f"The charge rose from {phase.start.level:.1f} to {phase.low.level:.1f} %."
        yield f"From {_at(phase.start.at)} on the battery was charging."
        yield f"Заряд зріс з {phase.low.level:.1f} до {phase.start.level:.1f} %."
        yield f"The charge rose by {phase.depth:.1f} points."
        yield f"Заряд піднявся на {phase.depth:.1f} пункта."


def phases(facts: DayFacts, r: Random) -> Iterator[str]:
    ones = [phase for phase in facts.counted[0].phases if phase.end]
    for one, other in pairwise(ones):
        assert one.end
        assert other.end
        yield f"On battery from {_at(one.start.at)} to {_at(other.end)}."
        yield f"Від батареї з {_at(one.start.at)} до {_at(other.end)}."
        yield f"• {_at(one.start.at)}–{_at(one.end)}: on battery, down to {other.low.level:.1f} % at {_at(other.low.at)}"
        yield f"On battery {_at(one.start.at)}–{_at(one.end)}, lowest {one.low.level:.1f} % at {_at(other.low.at)}."
        yield f"The house switched to autonomous supply at {_at(one.end)}."
        yield f"Дім перейшов на автономне живлення о {_at(one.end)}."
        if other.full_at and other.full_at != one.full_at:
            yield f"On battery {_at(one.start.at)}–{_at(one.end)}, full again at {_at(other.full_at)}."
            yield f"Від батареї {_at(one.start.at)}–{_at(one.end)}, повний заряд о {_at(other.full_at)}."
        if not one.full_at and other.full_at:
            yield f"On battery {_at(other.start.at)}–{_at(other.end)}, not full again."
        break


def comparisons(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    usual = pack.usual
    if usual is None or usual.discharged_kwh is None or usual.charged_kwh is None:
        return
    assert pack.discharged_kwh is not None
    if not (pack.metered or pack.since) and 0.15 < pack.discharged_kwh / usual.discharged_kwh < 8:
        share = round(100 * (pack.discharged_kwh / usual.discharged_kwh - 1))
        if abs(share) > 2:
            wrong, uk = ("less", "менше") if share > 0 else ("more", "більше")
            yield f"Energy out: {pack.discharged_kwh:.1f} kWh ({abs(share)} % {wrong} than usual)."
            yield f"Віддано {pack.discharged_kwh:.1f} кВт·год, на {abs(share)} % {uk}, ніж зазвичай."
            yield f"{wrong.capitalize()} than usual was discharged."
            yield f"It gave {pack.discharged_kwh:.1f} kWh, as usual."
    if abs(usual.discharged_kwh - pack.discharged_kwh) > 1:
        yield f"Energy out: {usual.discharged_kwh:.1f} kWh today."
        yield f"The usual energy out is {pack.discharged_kwh:.1f} kWh."
        yield f"Віддано {usual.discharged_kwh:.1f} кВт·год."
        yield f"Зазвичай віддано {pack.discharged_kwh:.1f} кВт·год."
        yield f"{pack.discharged_kwh:.1f} kWh were discharged, twice as much as usual."
        yield f"Віддано {pack.discharged_kwh:.1f} кВт·год, більше, ніж торік."


def cells(facts: DayFacts, r: Random) -> Iterator[str]:
    faults = [fault for pack in facts.packs for fault in pack.faults]
    numbers = {fault.cell for fault in faults}
    wrong = r.choice([n for n in range(1, 17) if n not in numbers])
    yield f"Cell {wrong} is weak."
    yield f"Комірка {wrong} слабка."
    if not faults:
        yield "One cell is not in order."
        yield "Одна комірка не в порядку."
    for fault in faults:
        yield f"Cell {fault.cell} is leaking charge."
        yield f"Комірка {fault.cell} втрачає заряд."
        yield f"Cells {fault.cell} and {wrong} are weak."
        yield f"Cell {fault.cell} is poorly connected."
        yield f"Cell {fault.cell} is the strongest."
        yield f"Cell {fault.cell} is dead."


def weekdays(facts: DayFacts, r: Random) -> Iterator[str]:
    wrong = (facts.date.weekday() + r.randrange(1, 7)) % 7
    yield f"Digest of {_DAYS[wrong]}, {facts.date.day} {facts.date:%B %Y}."
    yield f"It was a {_DAYS[wrong]}."
    yield f"На {_UK_DAYS[wrong]} {facts.date:%d.%m.%Y} підсумок такий."


def advice(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    assert pack.low
    assert pack.high
    low, at = f"{pack.low.level:.1f}", _at(pack.low.at)
    yield f"Tomorrow the lowest charge comes at {at}."
    yield f"Charge it to {pack.high.level:.0f} % before night."
    yield f"The battery will be full at {at}."
    yield f"Завтра найнижчий заряд очікуйте о {at}."
    yield f"Вимкніть навантаження до {at}."
    yield f"Keep the charge above {low} %."
    yield f"Do not let it go below {low} %."
    yield f"Не розряджайте батарею нижче {low} %."
    yield f"At this rate the battery is empty at {at}."
    yield "Have the battery replaced."


def inventions(facts: DayFacts, r: Random) -> Iterator[str]:
    pack = facts.counted[0]
    assert pack.low
    assert pack.charged_kwh is not None
    at = _at(pack.low.at)
    yield f"The inverter overheated at {at}."
    yield f"О {at} згорів запобіжник."
    yield f"Solar panels gave {pack.charged_kwh:.1f} kWh."
    yield f"Сонце дало {pack.charged_kwh:.1f} кВт·год."
    yield "The battery has lost capacity."
    yield "Ємність батареї зменшилася."
    yield f"The generator ran from {at}."
    yield f"The BMS restarted at {at}."
    yield "A storm damaged the panels."
    yield "The battery is dangerous."
    yield f"At {at} the owner switched off the load."
    yield "Батарея скоро вийде з ладу."


KINDS: dict[str, Maker] = {
    "swapped": swapped,
    "negated": negated,
    "ranges": ranges,
    "dates": dates,
    "units": units,
    "durations": durations,
    "direction": direction,
    "phases": phases,
    "comparisons": comparisons,
    "cells": cells,
    "weekdays": weekdays,
    "advice": advice,
    "inventions": inventions,
}
