"""One language: its texts, and how it writes numbers, times and durations."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from functools import cached_property, lru_cache
from importlib import import_module
from typing import Any

from jk_bms.called import tool
from jk_bms.texts.durations import NOW, DurationWords, span, span_between

SPANS = {"s": 1.0, "min": 60.0, "h": 3600.0}  # units that read better as a duration, in s
LANGUAGES = ("en", "uk")  # the first is taken for a person whose language we do not speak

_BEFORE_ELEVEN = re.compile(r"\b([оО])(?= 11:)")


class Texts:
    """What the program says in one language.

    ``texts("bot.hello", name="Ann")`` fills a template; a missing key or field is a bug and raises
    KeyError. ``{tool}`` is the tool's command on this machine, everywhere. Topics are loaded when they are first needed.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._topics: dict[str, dict[str, str]] = {}

    def __call__(self, key: str, /, **values: Any) -> str:
        """Return the text ``key`` with ``values`` in the places of its fields."""
        return self.filled(self.template(key), values)

    def filled(self, template: str, values: Mapping[str, Any]) -> str:
        """Return ``template`` with ``values`` in the places of its fields, as this language joins them."""
        return self.spoken(template.format_map({"tool": tool(), **values}))

    def spoken(self, text: str) -> str:
        """Return a filled ``text`` as this language says it."""
        # "о 11:32" cannot be spoken: before the eleventh hour, which begins with a vowel, it is "об".
        return _BEFORE_ELEVEN.sub(r"\1б", text) if self.language == "uk" else text

    def template(self, key: str) -> str:
        """Return the text ``key`` as it stands in the catalogue."""
        topic = key.partition(".")[0]
        texts = self._topics.get(topic)
        if texts is None:
            texts = import_module(f"jk_bms.texts.{self.language}.{topic}").TEXTS
            self._topics[topic] = texts
        return texts[key]

    def known(self, key: str) -> bool:
        """Whether there is a text ``key``: rules of a newer version may have none yet."""
        try:
            self.template(key)
        except (KeyError, ModuleNotFoundError):
            return False
        return True

    def count(self, key: str, number: int, /, **values: Any) -> str:
        """Return the form of text ``key`` that goes with ``number`` (field ``count``).

        The forms stand in one template, parted by ``|``: English has two, Ukrainian three.
        """
        forms = self.template(key).split("|")
        return self.filled(forms[plural_form(self.language, number)], {"count": number} | values)

    # Numbers and times

    def unit(self, unit: str) -> str:
        """Return ``unit`` (``V``, ``kWh``, ``°C``) as this language writes it; a strange one as it is."""
        key = f"units.{unit}"
        return self.template(key) if self.known(key) else unit

    def quantity(self, value: float, unit: str, digits: int = 0, *, sign: bool = False) -> str:
        """Return ``value`` with its unit: ``52.58 V``; whole seconds, minutes and hours as a duration.

        ``sign``: a plus is written too.
        """
        if unit in SPANS and not digits:
            return self.span(value * SPANS[unit])
        number = self.number(value, digits, sign=sign)
        return f"{number} {self.unit(unit)}" if unit else number

    def number(self, value: float, digits: int = 0, *, sign: bool = False) -> str:
        """Return ``value`` as this language writes numbers in sentences and pictures: ``3.285``, ``3,285``.

        Never for a log, a payload, a file or a command: there the point is part of the form.
        """
        number = f"{value:{'+' if sign else ''}.{digits}f}"
        if float(number) == 0:  # never "-0.0", and nothing is "+0"
            number = f"{0:.{digits}f}"
        return self.decimal(number)

    def decimal(self, number: str) -> str:
        """Return ``number``, written with a point, with the decimal mark of this language."""
        return number.replace(".", self.template("units.decimal"))

    @cached_property
    def durations(self) -> DurationWords:
        """The words of ``span``."""
        return DurationWords(*(self.template(f"units.{name}") for name in DurationWords._fields))

    def span(self, seconds: float) -> str:
        """Return a duration: ``12 s``, ``3 h 20 min``."""
        return span(seconds, self.durations)

    def span_between(self, low: float, high: float) -> str:
        """Return a range of durations: ``4 h to 5 h 30 min``."""
        return span_between(low, high, self.durations)

    def ago(self, seconds: float) -> str:
        """Return an age: ``just now``, ``12 s ago``."""
        if seconds < NOW:
            return self("units.just_now")
        return self("units.ago", span=self.span(seconds))

    def moment(self, when: datetime, zone: tzinfo | None, now: datetime) -> str:
        """Return when something was or will be: ``18:42``, ``18:42 yesterday``, ``18:42 on 3 May``.

        The year is said when it is not this one. ``zone`` None: the system's.
        """
        local, today = when.astimezone(zone), now.astimezone(zone).date()
        time = f"{local:%H:%M}"
        if local.date() == today:
            return time
        if local.date() == today - timedelta(days=1):
            return self("units.yesterday", time=time)
        if local.date() == today + timedelta(days=1):
            return self("units.tomorrow", time=time)
        year = f" {local.year}" if local.year != today.year else ""
        return self("units.dated", time=time, date=self.date(when, zone) + year)

    def date(self, when: datetime, zone: tzinfo | None) -> str:
        """Return a day without its year: ``3 May``."""
        local = when.astimezone(zone)
        return f"{local.day} {self('units.months').split()[local.month - 1]}"


def plural_form(language: str, number: int) -> int:
    """Return which of its forms ``language`` takes beside a whole ``number``, counted from 0."""
    number = abs(number)
    if language != "uk":
        return 0 if number == 1 else 1
    if number % 10 == 1 and number % 100 != 11:
        return 0
    return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2


@lru_cache
def language(name: str) -> Texts:
    """Return the texts of ``name``. Raises ValueError for one that is not in LANGUAGES."""
    if name not in LANGUAGES:
        raise ValueError(f"language is {name!r}; expected one of {', '.join(LANGUAGES)}")
    return Texts(name)


def best(wanted: str | None) -> Texts:
    """Return the texts for a person whose client says ``wanted`` (``uk``, ``uk-UA``, ``de``, nothing)."""
    name = (wanted or "").replace("_", "-").partition("-")[0].lower()
    return language(name if name in LANGUAGES else LANGUAGES[0])
