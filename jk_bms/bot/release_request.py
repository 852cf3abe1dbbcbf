"""What ``/release`` and ``/until`` were asked for: how long, until when, and which battery. Pure."""

import re
from collections.abc import Sequence
from typing import NamedTuple

DEFAULT = 600.0  # s
# The bot lends a battery for an hour at most: what a phone's owner forgets is soon read again. The tool,
# which only who has the machine can use, may longer.
SHORTEST, LONGEST = 60.0, 3600.0  # s
UNITS = {
    1.0: ("s", "sec", "с", "сек"),
    60.0: ("m", "min", "mins", "minutes", "хв", "м"),
    3600.0: ("h", "hr", "hour", "hours", "год", "г"),
}
SECONDS = {word: seconds for seconds, words in UNITS.items() for word in words}

_PART = rf"\d{{1,6}}(?:[.,]\d+)?\s?(?:{'|'.join(SECONDS)})"
_TIME = re.compile(rf"(?:^|(?<=\s))(?:{_PART}\s?)+(?=\s|$)", re.IGNORECASE)
_NUMBER = re.compile(
    rf"(\d{{1,6}}(?:[.,]\d+)?)\s?({'|'.join(sorted(SECONDS, key=len, reverse=True))})", re.IGNORECASE
)
_CLOCK = re.compile(r"(\d{1,2})(?:[:.]?([0-5]\d))?\s?(am|pm)?", re.IGNORECASE)


class ReleaseRequest(NamedTuple):
    """A battery is lent for ``seconds``; ``battery``: what was said of which, "" for nothing."""

    seconds: float
    battery: str


def wanted_release(text: str) -> ReleaseRequest | None:
    """Read ``10m``, ``2m30s``, ``1h Main``, ``Main 90s`` or nothing; None: not from one minute to an hour.

    A bare number is that of a battery.
    """
    found = _TIME.search(text)
    if found is None:
        return ReleaseRequest(DEFAULT, " ".join(text.split()))
    seconds = sum(
        float(number.replace(",", ".")) * SECONDS[unit.lower()] for number, unit in _NUMBER.findall(found[0])
    )
    if not SHORTEST <= seconds <= LONGEST:
        return None
    return ReleaseRequest(seconds, " ".join(f"{text[: found.start()]} {text[found.end() :]}".split()))


class Clock(NamedTuple):
    """A time on the clock on the wall; ``rest``: the words behind it."""

    hour: int
    minute: int
    rest: tuple[str, ...]


def wanted_clock(words: Sequence[str]) -> Clock | None:
    """Read ``07:00``, ``7``, ``730``, ``7am``, ``7 pm`` or ``24:00`` at the front; None: there is no time."""
    for count in (2, 1):  # "7 am" before "7"
        found = _CLOCK.fullmatch(" ".join(words[:count])) if len(words) >= count else None
        if found is None or (count == 2 and found[3] is None):
            continue
        hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
        if half:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if half == "pm" else 0)
        if hour == 24 and minute == 0:
            hour = 0
        return Clock(hour, minute, tuple(words[count:])) if hour <= 23 else None
    return None
