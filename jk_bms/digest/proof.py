"""Whether every number and time in a text is known: what a model may say of a day. Pure.

The reader of a digest trusts its numbers, and a model may invent some, or be talked into it by a
device's name. So its text is taken apart here: dates, times, durations, numbers with their units,
numbers in words. Each must be one of those that were counted, give or take its rounding; a count must
be that of the same thing. Where a reading is in doubt the text is refused: the digest in our own words
is always there.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from jk_bms.digest.counts import BATTERY_NUMBER, CELL_NUMBER, PLACE, Subjects
from jk_bms.digest.number_words import (
    ADVERBS,
    BATTERY,
    CARDINALS,
    EVENTS,
    LATIN,
    MIDNIGHT,
    MONTHS,
    NEVER,
    NO_FACT,
    NO_NOUN,
    NOON,
    NOT_ONCE,
    ORDINALS,
    PART,
    PICTURES,
    PRONOUNS,
    ROMAN,
    UNITS,
    VAGUE,
    WANTS_NUMBER,
    WEEKDAYS,
    Unit,
)

TIME = "time"
_DURATION = ("hour", "minute", "second")
_ROUND_HUNDREDS = ("power", "energy")  # of these one says "1200" for 1234


class Value(NamedTuple):
    """A number that was counted, exactly as the fact sheet shows it."""

    kind: str  # of Unit.kind; durations are in s under "duration"; counts: of Subject.kind
    number: Decimal


class Bond(NamedTuple):
    """What a value is of: the lowest charge, the end of the second time on battery."""

    topic: str  # a time on battery is a "phase", see fact_sheet
    nth: int  # of several of one topic, from 1
    role: str  # value, at, start, end and the like
    value: Value  # a time of the day is in minutes, of kind "time"
    pack: int = 0  # number of the battery; 0: the house, or its only battery


class Known(NamedTuple):
    """What may be said."""

    values: frozenset[Value]
    times: frozenset[tuple[int, int]]  # hour and minute, local
    dates: frozenset[date]
    bonds: frozenset[Bond] = frozenset()
    names: frozenset[str] = frozenset()  # of batteries


class Claim(NamedTuple):
    """A number, a time or a date in a text."""

    text: str  # as written
    start: int
    proved: bool
    value: Value | None = None  # None: a time or a date, or nothing that can be read
    fits: frozenset[Value] = frozenset()  # values of Known and times that it may mean
    kind: str = ""  # of the number or time


class _Number(NamedTuple):
    """A number in a text, its unit not yet known."""

    start: int
    end: int
    text: str
    readings: tuple[Decimal, ...]  # 1,234 has two
    in_words: bool = False
    unit: Unit | None = None
    inherited: bool = False  # the unit is that of a neighbour
    listed: bool = False  # and the number may have none


def clean(text: str) -> str:
    """Return ``text`` as it will be shown: plain, without what cannot be seen or turns a line around.

    Marks of emphasis go, for 4**1** reads as 41; line ends are kept.
    """
    lines = []
    for line in re.split(r"\r\n|[\r\n]", text.replace("\t", " ")):
        line = "".join(c for c in line if unicodedata.category(c) not in _HIDDEN)
        line = re.sub(r"^\s*\* ", "• ", re.sub(r"^\s*#+\s+", "", line))
        lines.append(re.sub(r"[*`~]|__+", "", line).rstrip())
    return "\n".join(lines).strip()


def unproved(text: str, known: Known) -> list[str]:
    """Return what ``text`` says that is not ``known``, as written; empty when all is."""
    return [claim.text for claim in claims(text, known) if not claim.proved]


def claims(text: str, known: Known) -> list[Claim]:
    """Return every number, time and date of a ``clean`` text, in order."""
    rest, found = plain(text)
    for read in (_vague, _nevers, _weekdays, _dates, _times, _durations, _whole_hours):
        here = list(read(rest, known))
        for claim in here:
            end = claim.start + len(claim.text)
            rest = rest[: claim.start] + _BLANK * len(claim.text) + rest[end:]
        found += here
    found += _numbers(rest, known)
    return sorted(found, key=lambda claim: claim.start)


# Reading, in the order in which a text is taken apart. What was read is blanked out, so that
# nothing is read twice.


def plain(text: str) -> tuple[str, list[Claim]]:
    """Return plain digits, spaces and dashes, and claims for the characters that cannot be judged."""
    odd: list[Claim] = []
    parts: list[str] = []
    length = 0
    for char in text:
        part = _PLAIN.get(char)
        if part is None:
            category = unicodedata.category(char)
            if category == "Nd":
                part = str(unicodedata.digit(char))
            elif (
                unicodedata.numeric(char, None) is not None
                or char in PICTURES
                # It would be read from right to left, and the numbers beside it as well.
                or unicodedata.bidirectional(char) in ("R", "AL", "AN")
            ):
                part = _BLANK
                odd.append(Claim(char, length, False))
            else:
                part = "" if category in ("Mn", "Me") else unicodedata.normalize("NFKC", char)
        parts.append(part)
        length += len(part)
    return "".join(parts), odd


def _vague(text: str, known: Known) -> Iterator[Claim]:
    for found in VAGUE.finditer(text):
        yield Claim(found[0], found.start(), False)
    for found in ROMAN.finditer(text.translate(LATIN)):
        yield Claim(text[found.start() : found.end()], found.start(), False)

    for found in NO_FACT.finditer(text):
        yield Claim(found[0], found.start(), False)


def _nevers(text: str, known: Known) -> Iterator[Claim]:
    for kind, pattern in NEVER.items():
        none = Value(kind, Decimal(0)) in known.values
        for found in pattern.finditer(text):
            if not none:
                yield Claim(found[0], found.start(), False)


def _weekdays(text: str, known: Known) -> Iterator[Claim]:
    for found in _WEEKDAY.finditer(text):
        day = WEEKDAYS[found["day"].lower()]
        yield Claim(found[0], found.start(), any(one.weekday() == day for one in known.dates))


def _dates(text: str, known: Known) -> Iterator[Claim]:
    for pattern in _DATES:
        for found in pattern.finditer(text):
            parts = found.groupdict()
            named = MONTHS.get(parts["m"].lower())
            day, month = int(parts["d"]), named or int(parts["m"])
            year = parts.get("y")
            proved = any(
                ((one.day, one.month) == (day, month) or (not named and (one.month, one.day) == (day, month)))
                and (year is None or int(year) in (one.year, one.year % 100))
                for one in known.dates
            )
            yield Claim(found[0], found.start(), proved)
        text = pattern.sub(_blanked, text)
    for found in _SHORT_DATE.finditer(text):  # 25.12 may be a number as well
        shorts = {(one.day, one.month) for one in known.dates}
        if (
            (int(found["d"]), int(found["m"])) in shorts
            and _unit_after(text, found.end()) is None
            and not _AT.search(text, 0, found.start())
        ):
            yield Claim(found[0], found.start(), True)


def _times(text: str, known: Known) -> Iterator[Claim]:
    for found in _TIME.finditer(text):
        hour, half = int(found["h"]), found["half"]
        if half is not None:
            hour = hour % 12 + (12 if half in "pP" else 0) if 1 <= hour <= 12 else -1
        time = hour % 24, int(found["min"])
        proved = time in known.times and hour >= 0 and not int(found["s"] or 0)
        yield _timed(found[0], found.start(), proved, [time])
    for found in _HALF_DAY.finditer(text):
        hour = int(found["h"])
        here = hour % 12 + (12 if found["half"] in "pP" else 0)
        yield _timed(found[0], found.start(), 1 <= hour <= 12 and (here, 0) in known.times, [(here, 0)])
    for pattern, time in ((MIDNIGHT, (0, 0)), (NOON, (12, 0))):
        for found in pattern.finditer(text):
            yield _timed(found[0], found.start(), time in known.times, [time])


def _timed(text: str, start: int, proved: bool, times: Iterable[tuple[int, int]]) -> Claim:
    fits = frozenset(time_value(*time) for time in times)
    return Claim(text, start, proved, None, fits, TIME)


def time_value(hour: int, minute: int) -> Value:
    """Return a time of the day as a value."""
    return Value(TIME, Decimal(60 * hour + minute))


def _durations(text: str, known: Known) -> Iterator[Claim]:
    """Hours with minutes; either alone is a number like others."""
    for found in _HOURS_MINUTES.finditer(text):
        hours, minutes = int(found["h"]), int(found["min"])
        seconds = Value("duration", Decimal(3600 * hours + 60 * minutes))
        clock = (hours, minutes) in known.times and _AT.search(text, 0, found.start())  # "о 6 год 10 хв"
        fits = frozenset([time_value(hours, minutes)] if clock else [seconds])
        proved = bool(clock) or seconds in known.values
        yield Claim(found[0], found.start(), proved, seconds, fits, TIME if clock else "duration")


def _whole_hours(text: str, known: Known) -> Iterator[Claim]:
    """A time that is only an hour: ``at 6``, ``о 18``; in words it is not understood."""
    for found in _AT_HOUR.finditer(text):
        unit = _unit_after(text, found.end())
        if unit is None or (unit.kind == "hour" and found["at"].lower() != "at"):  # о 6 годині
            hour = int(found["h"])
            either = {(hour % 24, 0), (hour % 12 + 12, 0)} if hour <= 12 else {(hour % 24, 0)}
            yield _timed(found[0], found.start(), hour <= 24 and not either.isdisjoint(known.times), either)
    for found in _AT_POINT.finditer(text):
        if _unit_after(text, found.end()) is None:
            time = int(found["h"]), int(found["min"])
            yield _timed(found[0], found.start(), time in known.times, [time])
    for found in _AT_WORD.finditer(text):
        if _unit_after(text, found.end()) is None:
            yield Claim(found[0], found.start(), False)


def _numbers(text: str, known: Known) -> Iterator[Claim]:
    bare = sorted([*_in_digits(text), *_in_words(text)], key=lambda number: number.start)
    numbers = _with_units(text, bare)
    subjects = Subjects(text)
    yield from (_judged(text, number, known, subjects) for number in numbers)
    ends = {number.end for number in numbers}
    for found in WANTS_NUMBER.finditer(text):
        end = len(text[: found.start()].rstrip(" -\n"))
        if end not in ends and text[max(0, end - 1) : end] != _BLANK:
            yield Claim(found[0], found.start(), False)  # its number is in words that we do not know
    for place, pattern in enumerate(ORDINALS, 1):
        for found in pattern.finditer(text):
            kind = subjects.placed(found.end())
            if found[0].lower().endswith("ого") and _FEMININE.match(text, found.end()):
                kind = None  # "після третього батарея була повна": not of the third battery
            article = PART.search(text, max(0, found.start() - 9), found.start())
            part = place > 2 and article and (kind is None or _OF.match(text, found.end()))
            yield Claim(found[0], found.start(), not part and _is_place(Decimal(place), kind, known))


def _is_place(place: Decimal, kind: str | None, known: Known) -> bool:
    """Whether there are so many of ``kind``; of None: of anything that is told one after the other."""
    if kind == CELL_NUMBER:
        return Value(kind, place) in known.values
    kinds: tuple[str, ...] = (*EVENTS, BATTERY)
    if kind is not None:
        kinds = (kind, BATTERY) if kind == BATTERY_NUMBER else (kind,)
    return place <= max((value.number for value in known.values if value.kind in kinds), default=Decimal(1))


def _in_digits(text: str) -> Iterator[_Number]:
    for found in _DIGITS.finditer(text):
        sign = -1 if found[0].startswith("-") or _MINUS.search(text, 0, found.start()) else 1
        readings = tuple(dict.fromkeys(sign * reading for reading in _readings(found[0].lstrip("+-"))))
        yield _Number(found.start(), found.end(), found[0], readings)


def _readings(digits: str) -> Iterator[Decimal]:
    digits = digits.replace(" ", "").replace("'", "")
    if digits.count(",") + digits.count(".") <= 1:
        yield Decimal(digits.replace(",", "."))
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        yield Decimal(digits.replace(",", ""))
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", digits):
        yield Decimal(digits.replace(".", "").replace(",", "."))


def _in_words(text: str) -> Iterator[_Number]:
    for found in _WORDS.finditer(text):
        value = _in_one([CARDINALS[word.lower()] for word in re.split(r"[\s-]+", found[0])])
        yield _Number(found.start(), found.end(), found[0], () if value is None else (value,), in_words=True)


def _in_one(words: list[int]) -> Decimal | None:
    """The number that ``words`` make together; None when they are several, or too much for us."""
    match words:
        case [one]:
            return Decimal(one)
        case [tens, units] if 20 <= tens < 100 and units < 10:
            return Decimal(tens + units)
        case [some, 100 | 1000 as many] if some < 100:
            return Decimal(some * many)
        case [100 | 200 | 300 | 400 | 500 | 600 | 700 | 800 | 900 as hundreds, *rest]:
            small = _in_one(rest)
            return hundreds + small if small is not None and small < 100 else None
    return None


def unit_end(text: str, end: int) -> int:
    """Return where the unit of a number that ends at ``end`` ends; ``end`` where it has none."""
    found = _UNIT.match(text, end)
    return end if found is None else found.end()


def _unit_after(text: str, end: int) -> Unit | None:
    found = _UNIT.match(text, end)
    return None if found is None or found.lastindex is None else UNITS[found.lastindex - 1]


def _with_units(text: str, numbers: list[_Number]) -> list[_Number]:
    """Give each number its unit, or that of the other end of its range or list.

    ``41 to 95 %``, ``from 95 % to 41``; in ``2, 41 %`` the first may as well be a number of its own.
    """
    result = [number._replace(unit=_unit_after(text, number.end)) for number in numbers]
    for index in range(len(result) - 2, -1, -1):
        number, following = result[index], result[index + 1]
        if number.unit is not None or following.unit is None:
            continue
        between = text[number.end : following.start]
        if _JOINT.fullmatch(between):
            listed = following.listed or not between.strip(" ,;")
            result[index] = number._replace(unit=following.unit, inherited=True, listed=listed)
    for index in range(1, len(result)):
        before, number = result[index - 1], result[index]
        if number.unit is not None or before.unit is None or before.inherited:
            continue
        taken = _UNIT.match(text, before.end)
        if taken and _RANGE.fullmatch(text[taken.end() : number.start]):
            result[index] = number._replace(unit=before.unit, inherited=True)
    return result


def _judged(text: str, number: _Number, known: Known, subjects: Subjects) -> Claim:
    unit = number.unit
    if _stands_alone(text, number):
        if number.listed and (counted := _counted(text, number, known, subjects)).fits:
            return counted
        fits = frozenset() if unit is None else _fitting(number.readings, unit, known)
        if unit is not None and fits:
            kind = "duration" if unit.kind in _DURATION else unit.kind
            return Claim(number.text, number.start, True, _valued(number), fits, kind)
        if unit is None or number.listed:
            return _counted(text, number, known, subjects)
    return Claim(number.text, number.start, False, _valued(number))


def _counted(text: str, number: _Number, known: Known, subjects: Subjects) -> Claim:
    """A number that may be a count: that of what the words around it name."""
    word = number.text.lower()
    ending = _ENDING.match(text, number.end)
    if ending and not number.in_words:  # 3rd
        kind = subjects.placed(ending.end())
        return Claim(number.text, number.start, any(_is_place(one, kind, known) for one in number.readings))
    if word == "once" and NOT_ONCE.match(text, number.start):
        return Claim(number.text, number.start, True)
    if word in ADVERBS:
        kind, named = subjects.told(number.start, number.end)
    else:
        kind, named = subjects.of(number.start, number.end)
    alone = not named or _OF.match(text, number.end)
    if word in PRONOUNS and alone and not _ANNOUNCED.search(text, max(0, number.start - 4), number.start):
        return Claim(number.text, number.start, True)
    rest = _MORE.match(text, number.end)
    if kind == PLACE or rest:
        places = [one if kind == PLACE else one + 1 for one in number.readings]
        return Claim(number.text, number.start, any(_is_place(one, None, known) for one in places))
    value = Value(kind, number.readings[0]) if kind is not None and number.readings else None
    fits = frozenset(one for one in known.values if one.kind == kind and one.number in number.readings)
    if fits:
        return Claim(number.text, number.start, True, value, fits, kind or "")
    # A word behind it that names nothing counted may be a unit: 12.4 MWh.
    other = not named and (
        kind is not None or not (number.text.isdigit() or _WORD_BEHIND.match(text, number.end))
    )
    return Claim(number.text, number.start, other and _known_without_unit(text, number, known), value)


def _valued(number: _Number) -> Value | None:
    unit = number.unit
    if unit is None or not number.readings:
        return None
    return Value("duration" if unit.kind in _DURATION else unit.kind, number.readings[0] * unit.size)


def _stands_alone(text: str, number: _Number) -> bool:
    """Whether no letter touches it but a unit or the ending of an ordinal: not 16s, jk2, 1o0."""
    before = text[max(0, number.start - 1) : number.start]
    if before.isalpha() or before in ("_", _BLANK):
        return False
    after = text[number.end : number.end + 1]
    if not (after.isalnum() or after in ("_", _BLANK)):
        return True
    return bool(_UNIT.match(text, number.end) or _ENDING.match(text, number.end))


def _fitting(readings: Iterable[Decimal], unit: Unit, known: Known) -> frozenset[Value]:
    """The known values that a number with ``unit`` may be rounded from."""
    kind = "duration" if unit.kind in _DURATION else unit.kind
    fits = set()
    for reading in readings:
        slack = Decimal(0) if kind == "day" else _rounding(reading, kind) * unit.size / 2
        said = reading * unit.size if kind == "temperature" else abs(reading) * unit.size
        fits |= {
            value
            for value in known.values
            if value.kind == kind
            # "0 kW" for 400 W is rounded, and wrong.
            and (said == value.number or (abs(said - value.number) <= slack and said != 0))
        }
    return frozenset(fits)


def _rounding(reading: Decimal, kind: str) -> Decimal:
    """The step to which a number as written was rounded."""
    _, digits, exponent = reading.as_tuple()
    assert isinstance(exponent, int)  # nothing here is infinite
    if exponent < 0:
        return Decimal(1).scaleb(exponent)
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    if kind in _ROUND_HUNDREDS and len(digits) - zeros >= 2:
        return Decimal(1).scaleb(zeros)
    return Decimal(1)


def _known_without_unit(text: str, number: _Number, known: Known) -> bool:
    """A number with a point that is known exactly; a year; a time written with a point."""
    if number.in_words or not number.readings:
        return False
    reading = abs(number.readings[0])
    if re.fullmatch(r"\d+", number.text):
        return any(one.year == reading for one in known.dates)
    clock = re.fullmatch(r"([0-2]\d)\.([0-5]\d)", number.text)
    if clock and (int(clock[1]), int(clock[2])) in known.times:
        return True
    if re.match(r"0\d", number.text):
        return False  # so one writes a time, and it is none
    return _MULTIPLE.match(text, number.end) is None and any(
        value.number in (reading, reading / 1000, reading * 1000) for value in known.values
    )


def _blanked(found: re.Match[str]) -> str:
    return _BLANK * len(found[0])


_BLANK = "\x00"
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_PLAIN = dict.fromkeys(map(chr, (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)), " ")
_PLAIN |= dict.fromkeys(map(chr, (*range(0x2010, 0x2016), 0x2212, 0xFE63, 0xFF0D)), "-")
_PLAIN |= dict.fromkeys(map(chr, (0xB4, 0x2BC, 0x2018, 0x2019)), "'")
_PLAIN["№"] = "#"

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_CARDINAL = "|".join(sorted(CARDINALS, key=len, reverse=True))
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\w.,])(?P<y>\d{4})(?P<sep>[-./])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})(?!\d|[.,]\d)",
        r"(?<![\w.,])(?P<d>\d{1,2})(?P<sep>[-./])(?P<m>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})(?!\w|[.,]\d)",
        rf"(?<![\w.,:])(?P<d>\d{{1,2}})(?:st|nd|rd|th|-?го|-?е)?(?: of)?\s+(?P<m>{_MONTH})(?!\w)\.?"
        r"(?:,?\s+(?P<y>\d{4})(?![\d:]))?",
        rf"(?<!\w)(?P<m>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\w:%]|[.,]\d)"
        r"(?:,?\s+(?P<y>\d{4})(?![\d:]))?",
    )
)
_WEEKDAY = re.compile(rf"(?<!\w)(?P<day>{'|'.join(WEEKDAYS)})(?:'s)?(?![\w'])", re.IGNORECASE)
_SHORT_DATE = re.compile(r"(?<![\w.,:])(?P<d>\d{1,2})\.(?P<m>\d{2})(?![\w.,]\d|\w)")
_TIME = re.compile(
    r"(?<![\d:.,])(?P<h>[01]?\d|2[0-4]):(?P<min>[0-5]\d)(?::(?P<s>[0-5]\d)(?:\.\d+)?)?(?!:?\d)"
    r"(?:\s*(?P<half>[ap])\.?m\b\.?)?",
    re.IGNORECASE,
)
_HALF_DAY = re.compile(r"(?<![\w:.,])(?P<h>\d{1,2})\s*(?P<half>[ap])\.?m\b\.?", re.IGNORECASE)
_HOURS_MINUTES = re.compile(
    r"(?<![\w.,:])(?P<h>\d{1,3})[\s-]*(?:hours?|hrs?|h|годин\w*|год\.?)[\s,]*(?:and|та|і|й)?\s*"
    r"(?P<min>\d{1,2})[\s-]*(?:minutes?|mins?|min|m|хвилин\w*|хв\.?)(?!\w)",
    re.IGNORECASE,
)
_AT = re.compile(r"(?<!\w)(?:at|о|об)\s+\Z", re.IGNORECASE)
_AT_HOUR = re.compile(r"(?<!\w)(?P<at>at|о|об)\s+(?P<h>\d{1,2})(?![\w:.,]\d|\w)", re.IGNORECASE)
_AT_POINT = re.compile(r"(?<!\w)(?:at|о|об)\s+(?P<h>\d{1,2})\.(?P<min>\d\d)(?![\w:.,]\d|\w)", re.IGNORECASE)
_AT_WORD = re.compile(rf"(?<!\w)at\s+(?!once)(?:{_CARDINAL})(?![\w'])", re.IGNORECASE)
_WORDS = re.compile(rf"(?<![\w'])(?:{_CARDINAL})(?:[\s-]+(?:{_CARDINAL}))*(?![\w'])", re.IGNORECASE)
_DIGITS = re.compile(
    r"(?:(?<![\w%°.,)-])[-+](?=\d))?(?:\d{1,3}(?:[ ']\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*)"
)
_MINUS = re.compile(r"(?:minus|мінус)\s*\Z", re.IGNORECASE)
_UNIT = re.compile(
    r"[\s-]{0,2}(?:" + "|".join(f"({unit.pattern})" for unit in UNITS) + r")(?![\w'])", re.IGNORECASE
)
_ENDING = re.compile(r"(?:st|nd|rd|th|-?(?:й|го|му|ша|га|тя|та|ий|я|а|е|у|х|ти|ма))(?![\w'])", re.IGNORECASE)
_ANNOUNCED = re.compile(r"(?::|\w -)\s*\Z")  # "outages: one"
_MORE = re.compile(  # the end of a list: "and 2 more", "і ще 2 рази"
    r"(?: more|(?<=ще \d) раз(?:и|ів)?|(?<=ще \d\d) разів)(?=\s*(?:[.,;)\n]|\Z))", re.IGNORECASE
)
_FEMININE = re.compile(r"\s+батаре", re.IGNORECASE)
_OF = re.compile(r"\s+(?:of|з|із|зі)(?!\w)", re.IGNORECASE)
_WORD_BEHIND = re.compile(rf"\s?(?!(?:{NO_NOUN})(?![\w'])|\d)[^\W\d]", re.IGNORECASE)
_MULTIPLE = re.compile(r"\s*(?:times|x\b|×|fold|-fold|раз)", re.IGNORECASE)
_JOINT = re.compile(r"\s*(?:-|\.\.\.?|…|→|->|to|and|or|,|;|/|до|і|й|та|або|чи|, and|, or)?\s*", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:-|→|->|to|down to|up to|до)\s*", re.IGNORECASE)
