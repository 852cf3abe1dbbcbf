"""Durations as a person says them."""

from typing import NamedTuple


class DurationWords(NamedTuple):
    """The units of time in one language, and how two durations make a range."""

    second: str
    minute: str
    hour: str
    day: str
    between: str  # with the fields first and last
    at_most: str  # of a range that begins at once, with the field last


ENGLISH = DurationWords("s", "min", "h", "d", "{first} to {last}", "at most {last}")


def span(seconds: float, words: DurationWords = ENGLISH) -> str:
    """Return a duration: ``0.4 s``, ``12 s``, ``5 min``, ``3 h 20 min``, ``4 d 2 h``."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} {words.second}"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} {words.second}"
    minutes = whole // 60
    if minutes < 120:
        return f"{minutes} {words.minute}"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} {words.hour} {minutes} {words.minute}" if minutes else f"{hours} {words.hour}"
    days, hours = divmod(hours, 24)
    return f"{days} {words.day} {hours} {words.hour}" if hours else f"{days} {words.day}"


def span_between(low: float, high: float, words: DurationWords = ENGLISH) -> str:
    """Return a range of durations: ``4 h to 5 h 30 min``, ``at most 20 min``, or one where they read the same."""
    # Nobody wants minutes of a forecast for tomorrow.
    step = 60 if high < 7200 else 600 if high < 36000 else 3600
    first, last = span(low // step * step, words), span(-(-high // step) * step, words)
    if low < step and first != last:
        return words.at_most.format(last=last)
    return first if first == last else words.between.format(first=first, last=last)
