"""What ``/release`` was asked for: how long, and which battery. Pure."""

import re
from typing import NamedTuple

DEFAULT = 600.0  # s
SHORTEST, LONGEST = 60.0, 86_400.0  # s
SECONDS = {"s": 1.0, "с": 1.0, "m": 60.0, "min": 60.0, "хв": 60.0, "h": 3600.0, "год": 3600.0}

_TIME = re.compile(rf"(?:^|\s)(\d{{1,6}}(?:[.,]\d+)?)\s?({'|'.join(SECONDS)})(?=\s|$)", re.IGNORECASE)


class Turn(NamedTuple):
    """A battery is lent for ``seconds``; ``battery``: what was said of which, "" for nothing."""

    seconds: float
    battery: str


def wanted_turn(text: str) -> Turn | None:
    """Read ``10m``, ``2h Main``, ``Main 90s`` or nothing; None: not from one minute to a day.

    A bare number is that of a battery.
    """
    found = _TIME.search(text)
    if found is None:
        return Turn(DEFAULT, " ".join(text.split()))
    seconds = float(found[1].replace(",", ".")) * SECONDS[found[2].lower()]
    if not SHORTEST <= seconds <= LONGEST:
        return None
    return Turn(seconds, " ".join(f"{text[: found.start()]} {text[found.end() :]}".split()))
