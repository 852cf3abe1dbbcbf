"""Durations as a person says them."""

from typing import NamedTuple

NOW = 2.0  # s: an age below it is "just now"


class DurationWords(NamedTuple):
    """The units of time in one language, and how two durations make a range."""

    second: str
    minute: str
    hour: str
    day: str
    between: str  # with the fields first and last
    between_numbers: str  # the same where the first has no unit of its own
    at_most: str  # of a range that begins at once, with the field last
    just_now: str
    decimal: str  # the mark before tenths


ENGLISH = DurationWords(
    "s", "min", "h", "d", "{first} to {last}", "{first} to {last}", "at most {last}", "just now", "."
)


def span(seconds: float, words: DurationWords = ENGLISH) -> str:
    """Return a duration: ``0.4 s``, ``12 s``, ``5 min``, ``1 h 35 min``, ``4 d 2 h``."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} {words.second}".replace(".", words.decimal)
    whole = round(seconds)
    if whole < 120:
        return f"{whole} {words.second}"
    if whole < 3600:
        return f"{whole // 60} {words.minute}"
    hours, minutes = divmod(whole // 60, 60)
    if hours < 48:
        return f"{hours} {words.hour} {minutes} {words.minute}" if minutes else f"{hours} {words.hour}"
    days, hours = divmod(hours, 24)
    return f"{days} {words.day} {hours} {words.hour}" if hours else f"{days} {words.day}"


def span_between(low: float, high: float, words: DurationWords = ENGLISH) -> str:
    """Return a range of durations: ``4 h to 5 h 30 min``, ``16 to 50 min``, ``at most 20 min``.

    One duration where both read the same; the unit is said once where it is the same.
    """
    # A forecast for tomorrow is no more exact than hours.
    step = 60 if high < 7200 else 600 if high < 36000 else 3600
    first, last = span(low // step * step, words), span(-(-high // step) * step, words)
    if low < step and first != last:
        return words.at_most.format(last=last)
    if first == last:
        return first
    (number, *unit), (_, *other) = first.split(), last.split()
    if unit == other and len(unit) == 1:
        return words.between_numbers.format(first=number, last=last)
    return words.between.format(first=first, last=last)


def age(seconds: float) -> str:
    """Return an age in English: ``just now``, ``12 s ago``."""
    return ENGLISH.just_now if seconds < NOW else f"{span(seconds)} ago"
