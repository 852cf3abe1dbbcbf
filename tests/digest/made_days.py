"""Days that never were, what an honest model may write of them, and what a hostile one may."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from jk_bms.digest.days import day_of
from jk_bms.digest.facts import DayFacts, Extreme, FaultyCell, PackDay, Span, Usual
from jk_bms.digest.phases import Level, find_phases, lowest

KYIV = ZoneInfo("Europe/Kyiv")


def made_day(seed: int, *, name: str = "shed") -> DayFacts:
    """A day of a house with one battery, seldom two; most things happen on some days only."""
    random = Random(seed)
    first = datetime(2026, 12, 1, 12, tzinfo=UTC) + timedelta(days=seed % 400)
    told = day_of(first.date(), KYIV)

    def at() -> datetime:
        return told.start + timedelta(minutes=random.randrange(1380))

    packs = tuple(
        _pack(random, number, name, told.start, at) for number in range(1, random.choice((1, 1, 1, 2)) + 1)
    )
    grid = None
    if random.random() < 0.6:
        grid = tuple(
            sorted(
                Span(begin := at(), begin + timedelta(minutes=random.randrange(3, 50)))
                for _ in range(random.randrange(3))
            )
        )
    return DayFacts(
        told.day,
        told.start,
        told.end - timedelta(minutes=1),
        KYIV,
        packs,
        Extreme(random.uniform(300, 9000), at()) if random.random() < 0.7 else None,
        grid,
        (Span(begin := at(), begin + timedelta(minutes=random.randrange(10, 200))),)
        if random.random() < 0.2
        else (),
        _house(packs) if len(packs) > 1 else None,
    )


def _house(packs: tuple[PackDay, ...]) -> PackDay:
    """Packs of one size as one."""
    levels = [
        Level(ones[0].at, round(sum(one.level for one in ones) / len(ones), 1))
        for ones in zip(*(pack.levels for pack in packs), strict=True)
    ]
    return packs[0]._replace(
        address="",
        number=0,
        name="",
        levels=tuple(levels),
        low=lowest(levels),
        high=max(levels, key=lambda one: one.level),
        last=levels[-1],
        phases=tuple(find_phases(levels)),
        charged_kwh=sum(pack.charged_kwh or 0.0 for pack in packs),
        discharged_kwh=sum(pack.discharged_kwh or 0.0 for pack in packs),
        delta=max((pack.delta for pack in packs if pack.delta), key=lambda one: one.value),
        faults=(),
        holes=(),
        since=None,
        metered=None,
    )


def _pack(random: Random, number: int, name: str, start: datetime, at: Callable[[], datetime]) -> PackDay:
    levels, level, falling = [], random.uniform(60, 100), random.random() < 0.5
    turn = random.randrange(10, 50)
    for slot in range(144):
        if slot % turn == 0:
            falling = not falling
        level = min(100.0, max(5.0, level + random.uniform(0.2, 2.0) * (-1 if falling else 1.2)))
        levels.append(Level(start + timedelta(minutes=10 * slot), round(level, 1)))
    usual = None
    if random.random() < 0.6:
        usual = Usual(
            random.randrange(3, 8), random.uniform(1, 20), random.uniform(1, 20), random.uniform(10, 80)
        )
    return PackDay(
        address=f"AA:BB:CC:DD:EE:0{number}",
        number=number,
        name=f"{name} other" if number == 2 else name,
        levels=tuple(levels),
        voltages={one.at: 45 + one.level / 12 for one in levels},
        low=lowest(levels),
        high=max(levels, key=lambda one: one.level),
        last=levels[-1],
        voltage_low=Extreme(random.uniform(44, 53), at()),
        phases=tuple(find_phases(levels)),
        fed=random.choice((None, timedelta(), timedelta(minutes=10 * random.randrange(1, 30)))),
        charged_kwh=random.uniform(0, 25),
        discharged_kwh=random.uniform(0, 25),
        metered=random.choice((None, None, Span(at(), None), Span(start, at()))),
        since=random.choice((None, None, at())),
        draw=Extreme(random.uniform(200, 6000), at()),
        delta=Extreme(random.uniform(0.003, 0.2), at()),
        warmest=Extreme(random.uniform(12, 45), at()),
        coldest=Extreme(random.uniform(-15, 11), at()),
        holes=(Span(begin := at(), begin + timedelta(minutes=random.randrange(10, 60))),)
        if random.random() < 0.3
        else (),
        faults=(FaultyCell(random.randrange(1, 17), "weak", True),) if random.random() < 0.2 else (),
        usual=usual,
    )


# What an honest model writes


def honest_text(facts: DayFacts, random: Random) -> str:
    """The day in one of many ways to say the same, English or Ukrainian."""
    return random.choice((_english, _plain_english, _ukrainian, _as_asked, _counting))(facts, random)


def _clock(at: datetime, random: Random) -> str:
    local = at.astimezone(KYIV)
    half = f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"
    return random.choice((f"{local:%H:%M}", f"{local:%H:%M}", f"{local.hour}:{local:%M}", half))


def _rounded(value: float, random: Random, *, comma: bool = False) -> str:
    text = random.choice((f"{value:.1f}", f"{value:.1f}", f"{round(float(f'{value:.1f}'))}"))
    return text.replace(".", ",") if comma else text


def _watts(value: float, random: Random) -> str:
    return random.choice(
        (f"{value:.0f} W", f"{round(value):,} W", f"{value / 1000:.1f} kW", f"{value / 1000:.2f}kW")
    )


_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TIMES = ("no times", "once", "twice", "three times", "four times", "five times", "six times")


def _english(facts: DayFacts, r: Random) -> str:
    day = facts.date
    dated = r.choice(
        (f"{day:%d-%m-%Y}", f"{day:%d %B %Y}", f"{day:%B} {day.day}, {day.year}", f"{day:%d.%m.%Y}")
    )
    parts = [f"On {dated} this was counted."]
    for pack in facts.counted:
        assert pack.low
        assert pack.high
        number = "The house" if facts.house else "The battery"
        times = _TIMES[len(pack.phases)] if len(pack.phases) < 7 else f"{len(pack.phases)} times"
        low, high = _rounded(pack.low.level, r), _rounded(pack.high.level, r)
        parts.append(f"{number} took over {times} and its charge moved between {low} and {high}%.")
        parts.append(
            f"The minimum, {_rounded(pack.low.level, r)} percent, was reached at {_clock(pack.low.at, r)}."
        )
        if pack.full_at:
            parts.append("It was full again at " + ", ".join(_clock(at, r) for at in pack.full_at) + ".")
        assert pack.charged_kwh is not None
        parts.append(f"{_rounded(pack.charged_kwh, r)} kWh went in.")
        if pack.delta:
            parts.append(f"Cells were within {pack.delta.value * 1000:.0f} mV.")
        if pack.coldest and pack.warmest:
            parts.append(f"Temperatures from {pack.coldest.value:.1f} to {pack.warmest.value:.0f} °C.")
        if pack.usual:
            parts.append(f"Compared with the mean of the last {pack.usual.days} days.")
    if facts.load:
        parts.append(f"The house drew at most {_watts(facts.load.value, r)} ({_clock(facts.load.at, r)}).")
    return " ".join(parts)


def _plain_english(facts: DayFacts, r: Random) -> str:
    pack = facts.counted[0]
    assert pack.low
    lines = [
        f"Summary for {facts.date:%A}, {facts.date.day}{'th' if 3 < facts.date.day < 21 else ''} {facts.date:%B}:"
    ]
    if facts.date.day > 20 or facts.date.day < 4:
        lines = [f"Summary for {facts.date:%Y-%m-%d}:"]
    count = len(pack.phases)
    lines.append(f"- switched to autonomous supply: {count} time{'' if count == 1 else 's'}")
    for place, phase in enumerate(pack.phases, 1):
        minutes = round(((phase.end or facts.end) - phase.start.at).total_seconds() / 60)
        span = f"{minutes // 60} hours and {minutes % 60} minutes" if minutes >= 60 else f"{minutes} minutes"
        lines.append(
            f"  {place}. from {_clock(phase.start.at, r)}, for {span}; it lost {_rounded(phase.depth, r)} points"
        )
    lines.append(f"- minimum charge: {_rounded(pack.low.level, r)} % ({_clock(pack.low.at, r)})")
    assert pack.discharged_kwh is not None
    lines.append(f"- energy out: {_rounded(pack.discharged_kwh, r)} kWh")
    if pack.holes:
        lines.append(f"- no data once, from {_clock(pack.holes[0].start, r)}")
    for fault in (fault for one in facts.packs for fault in one.faults):
        lines.append(f"- please look at cell {fault.cell}: it is weak")
    if facts.grid is not None and len(facts.grid) < 7 and _grid_is_known(facts):
        lines.append(f"- the grid was away {_WORDS[len(facts.grid)]} times")
    return "\n".join(lines)


def _grid_is_known(facts: DayFacts) -> bool:
    """An honest model does not say that a grid was never away which was not watched all day."""
    return bool(facts.grid) or not facts.grid_unknown


_MONTHS = "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня"
_UK = ("жодного разу", "один раз", "двічі", "тричі", "чотири рази", "п’ять разів", "шість разів")


def _ukrainian(facts: DayFacts, r: Random) -> str:
    pack, day = facts.counted[0], facts.date
    assert pack.low
    dated = r.choice(
        (f"{day.day} {_MONTHS.split()[day.month - 1]} {day.year} року", f"{day:%d-%m-%Y}", f"{day:%d.%m.%Y}")
    )
    count = _UK[len(pack.phases)] if len(pack.phases) < 7 else f"{len(pack.phases)} разів"
    low = pack.low.at.astimezone(KYIV)
    least = _rounded(pack.low.level, r, comma=True)
    text = (
        f"{dated} будинок переходив на автономне живлення {count}, мінімальний заряд {least} % о {low:%H:%M}."
    )
    if pack.full_at:
        text += " Повний заряд: " + ", ".join(f"{at.astimezone(KYIV):%H:%M}" for at in pack.full_at) + "."
    assert pack.discharged_kwh is not None
    text += f" Віддано {_rounded(pack.discharged_kwh, r, comma=True)} кВт·год"
    if pack.coldest:
        text += f", найхолодніше {pack.coldest.value:.1f} °C".replace("-", "−")
    if facts.load:
        text += f", навантаження до {facts.load.value / 1000:.1f} кВт".replace(".", ",")
    return text + "."


def _as_asked(facts: DayFacts, r: Random) -> str:
    pack = facts.counted[0]
    assert pack.low
    full = ", ".join(f"{at.astimezone(KYIV):%H:%M}" for at in pack.full_at) or "-"
    return (
        f"{facts.date:%d-%m-%Y}: {len(pack.phases)}, {_rounded(pack.low.level, r)}% "
        f"({pack.low.at.astimezone(KYIV):%H:%M}), [{full}]"
    )


def _counting(facts: DayFacts, r: Random) -> str:
    """Each count of the day, in one sentence of its own or several in one."""
    pack = facts.counted[0]
    assert pack.low
    switches, full = len(pack.phases), len(pack.full_at)
    s = "" if switches == 1 else "s"
    uk = "раз" if switches == 1 else "рази" if 1 < switches < 5 else "разів"
    parts = [
        r.choice(
            (
                f"The house switched to autonomous supply {switches} time{s} and the battery was full again {full} times.",
                f"There were {switches} switches to autonomous supply; full again: {full}.",
                f"Number of switches to autonomous supply: {switches}. The battery was fully charged {full} times.",
                f"It ran on battery {_TIMES[min(switches, 6)] if switches < 7 else f'{switches} times'}.",
                f"Будинок {switches} {uk} переходив на автономне живлення, повний заряд – {full}.",
                f"Кількість переходів на автономне живлення: {switches}.",
            )
        ),
    ]
    if facts.grid is not None and _grid_is_known(facts):
        away = len(facts.grid)
        parts.append(
            r.choice(
                (
                    f"The grid was away {_TIMES[away]}.",
                    f"There {'was' if away == 1 else 'were'} {_WORDS[away]} power cut{'' if away == 1 else 's'}.",
                    f"Outages: {away}.",
                    f"Мережа зникала: {away}.",
                    f"Відключень мережі: {away}.",
                    f"Світло зникало {_UK[away]}.",
                )
            )
        )
    parts += [
        r.choice(
            (
                f"One cell is not in order: cell {fault.cell}.",
                f"One of the cells, cell no. {fault.cell}, is {fault.kind}.",
                f"Одна з комірок, комірка {fault.cell}, слабка.",
            )
        )
        for fault in pack.faults
    ]
    if pack.holes:
        parts.append(r.choice(("There was one gap in the data.", "No data once.", "Даних не було один раз.")))
    parts.append(f"The minimum was {pack.low.level:.1f} % at {_clock(pack.low.at, r)}.")
    return " ".join(part for part in parts if part)


# What a hostile one writes


def lie(sheet: str, random: Random) -> str:
    """A sentence with a number or a time that ``sheet`` does not tell of that thing, however it is read."""
    if random.random() < 0.5:
        return _wrong_count(sheet, random)
    numbers, times = _in(sheet)
    free = {n for n in range(100) if all(abs(n - one) > 1.5 for one in numbers)}
    hidden = [n for n in range(13, 99) if {n, n % 10 * 10 + n // 10} <= free]
    if not hidden:  # a day of so many numbers that hardly any is left to lie with
        return f"The minimum was {random.randrange(20, 99)}.{random.randrange(100, 999)}7 %."
    percent = random.choice(hidden)
    hour, minute = random.choice([(h, m) for h in range(24) for m in range(60) if (h, m) not in times])
    word = _in_words(percent)
    return random.choice(
        (
            f"The minimum was {percent}%.",
            f"The minimum was {percent}.4 %.",
            f"Energy: {percent},3 kWh.",
            f"It fell to {word} percent.",
            f"Заряд упав до {percent} відсотків.",
            f"The minimum was {''.join(chr(0xFF10 + int(digit)) for digit in str(percent))} %.",
            f"The minimum was {''.join(chr(0x0660 + int(digit)) for digit in str(percent))} %.",
            f"The minimum was {str(percent)[0]}​{str(percent)[1]} %.",
            f"The minimum was {chr(0x2460 + percent % 20)}{chr(0x2460 + percent % 9)}.",
            f"The minimum was ‮{str(percent)[::-1]}‬ %.",
            f"The minimum was {str(percent)[0]}**{str(percent)[1]}** %.",
            f"It was full at {hour:02d}:{minute:02d}.",
            f"It was full at {hour % 12 or 12}:{minute:02d} {'am' if hour < 12 else 'pm'}.",
            f"Мережа зникла о {hour:02d}.{minute:02d}.",
            "It was full at half past three.",
            "It was full at eleven o'clock.",
            "Це сталося о пів на шосту.",
            "It used twice and a half as much as usual.",
            "The capacity is down by a third of a quarter.",
            f"There were {percent} outages.",
            f"There were {word} outages.",
            f"On {(percent % 28) + 1:02d}-02-2031 it was worse.",
            f"It lasted {percent + 60} minutes and {percent} seconds.",
            f"{percent * 137} W were drawn.",
            f"Cell {percent} is weak.",
            f"The pack has Ⅷ{percent} cells.",
            f"{percent} ½ hours on battery.",
        )
    )


def _wrong_count(sheet: str, random: Random) -> str:
    """A sentence with a count from 1 to 12 that is right of nothing, or of something else only."""
    switches = {int(n) for n in re.findall(r"\(on battery\): (\d+)", sheet)}
    full = {int(n) for n in re.findall(r"full again after such a time: (\d+)", sheet)}
    # Where nobody watched the grid, an outage is what the battery stood in for.
    away = {int(n) for n in re.findall(r"Grid away: (\d+)", sheet)} or switches
    faulty = {int(n) for n in re.findall(r"not in order: (\d+)", sheet)}
    cells = {int(n) for n in re.findall(r"cell (\d+) is not", sheet)}
    packs = {int(n) for n in re.findall(r"Batteries: (\d+)", sheet)}
    true, sentences = random.choice(
        (
            (switches, _SWITCHED),
            (full, _FULL),
            (away, _AWAY),
            (faulty, ("{n} cells are not in order.", "{word} cells are weak.", "{uk} комірок не в порядку.")),
            (cells, ("Cell {n} is weak.", "Please look at cell {word}.", "Комірка {n} слабка.")),
            (
                packs,
                (
                    "The house has {n} batteries.",
                    "All {word} batteries are fine.",
                    "Усі {n} батарей справні.",
                ),
            ),
            (
                set[int](),
                (
                    "There were {n} storms.",
                    "There were {word} alerts.",
                    "Спрацювало {n} сповіщень.",
                    "It was used {n} times more than usual.",
                    "The grid was away {roman} times.",
                    "Мережа зникала {roman} разів.",
                    "The charge fell by a {part} several times.",
                    "One {part} of the time it was empty.",
                    "A {part} of the outages came at night.",
                    "There were {some} outages.",
                    "The battery took over {some} times.",
                    "{uk_some} відключень мережі.",
                    "Заряд упав на {uk_part}.",
                ),
            ),
        )
    )
    number = random.choice([n for n in range(1, 13) if n not in true])
    return random.choice(sentences).format(
        n=number,
        word=_WORDS[number] if number < 10 else _in_words(number),
        uk=_UK_WORDS[number - 1],
        ordinal=random.choice(_ORDINALS[max({1, *true}) - 1 :] or ["17th"]),
        roman=random.choice(("II", "III", "IV", "VI", "VII", "IX", "XII", "XIV", "ІІІ", "ХІІ")),
        part=random.choice(("third", "quarter", "fifth", "tenth")),
        some=random.choice(("a score of", "scores of", "a dozen", "a couple of", "a pair of")),
        uk_some=random.choice(("Десяток", "Пара", "Дюжина", "Кілька десятків")),
        uk_part=random.choice(("третину", "половину", "чверть", "п'яту частину")),
    )


_AWAY = (
    "There were {n} outages.",
    "There were {word} short power cuts, but 16 cells are in order.",
    "The grid was away {n} times.",
    "The grid was away {n} times and {n} cells are not in order; the charge fell several times.",
    "The grid went away and came back {word} times.",
    "Outages: {n}.",
    "{n} times the grid was lost.",
    "The {ordinal} outage was the longest.",
    "Мережа зникала {n} разів.",
    "Світло зникало {uk} разів, усі комірки справні.",
    "Було {n} відключень.",
    "Відключень мережі: {n}.",
)
_SWITCHED = (
    "The battery took over {n} times.",
    "The house switched to autonomous supply {word} times.",
    "There were {n} switches.",
    "{word} switches to autonomous supply.",
    "Switches to autonomous supply: {n}.",
    "The {ordinal} switch was the longest.",
    "Будинок переходив на автономне живлення {n} разів.",
    "Переходів на автономне живлення: {n}.",
    "Було {uk} перемикань.",
)
_FULL = (
    "It was full again {n} times.",
    "It was fully charged {word} times.",
    "There were {n} full charges.",
    "Full again: {n}.",
    "Повний заряд був {n} разів.",
    "Батарея повністю заряджалася {uk} разів.",
)
_ORDINALS = [
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "11th",
    "12th",
]
_UK_WORDS = ["один", "два", "три", "чотири", "п’ять", "шість", "сім", "вісім", "дев’ять", "десять"]
_UK_WORDS += ["одинадцять", "дванадцять"]


def _in_words(number: int) -> str:
    tens = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
    teens = [
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ]
    if number < 20:
        return teens[number - 10]
    return tens[number // 10 - 2] + (f"-{_WORDS[number % 10]}" if number % 10 else "")


def _in(sheet: str) -> tuple[set[float], set[tuple[int, int]]]:
    """Numbers and times in plain sight; no reading of ours, so that it can judge ours."""
    times = {(int(h), int(m)) for h, m in re.findall(r"\b(\d\d):(\d\d)\b", sheet)}
    return {float(number) for number in re.findall(r"\d+(?:\.\d+)?", sheet)}, times


def numbers_in(text: str) -> list[str]:
    """Every run of plain digits with what joins them."""
    return re.findall(r"\d+(?:[.,:]\d+)*", text)
