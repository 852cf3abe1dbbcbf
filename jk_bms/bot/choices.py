"""What a chat may choose with /settings, and what a choice means. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime, time, tzinfo

import msgspec

from jk_bms.texts import LANGUAGES


class Choices(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a chat chose with /settings; None: as the settings of the house say."""

    step: float | None = None  # of the level that is told, in percentage points; 0: none is
    quiet: str | None = None  # "22:00-07:00": only critical alerts ring then; "": all may ring
    language: str | None = None
    pictures: str | None = None  # "light", "dark"


NIGHT = "22:00-07:00"  # when the level makes no sound where a chat chose no quiet hours
STEPS = ("0", "5", "10", "20")  # points that a button offers; any number from 0.1 to 100 can be typed
QUIET = ("off", "2100-0600", "2200-0700", "2300-0800")
PICTURES = ("light", "dark")
AUTO = "auto"  # as the person's Telegram, or BOT_LANGUAGE
# The names that may be typed, in both languages, for each field of Choices.
FIELDS = {
    "step": ("level", "step", "рівень", "крок"),
    "quiet": ("quiet", "тиша"),
    "language": ("language", "мова"),
    "pictures": ("pictures", "графіки"),
}
_OFF = ("off", "no", "none", "0", "вимк", "ні")
_NUMBER = re.compile(r"(\d{1,3}(?:[.,]\d+)?) ?%?")
_SPAN = re.compile(r"(\d{1,2})[:.]?(\d{2})? ?[-–] ?(\d{1,2})[:.]?(\d{2})?")


def chosen(choices: Choices, words: Sequence[str]) -> Choices | None:
    """Return ``choices`` with what ``words`` say (``quiet 22:00-07:00``, ``level 10``); None: not understood."""
    name, value = words[0].lower(), " ".join(words[1:]).lower()
    field = next((field for field, names in FIELDS.items() if name in (field, *names)), None)
    match field:
        case "step":
            step = _step(value)
            return None if step is None else msgspec.structs.replace(choices, step=step)
        case "quiet":
            quiet = _quiet(value)
            return None if quiet is None else msgspec.structs.replace(choices, quiet=quiet)
        case "language" if value in (*LANGUAGES, AUTO):
            return msgspec.structs.replace(choices, language=None if value == AUTO else value)
        case "pictures" if value in PICTURES:
            return msgspec.structs.replace(choices, pictures=value)
    return None


def _step(value: str) -> float | None:
    if value in _OFF:
        return 0.0
    found = _NUMBER.fullmatch(value)
    step = float(found[1].replace(",", ".")) if found else 0.0
    return step if 0.1 <= step <= 100 else None


def _quiet(value: str) -> str | None:
    if value in _OFF:
        return ""
    found = _SPAN.fullmatch(value)
    if found is None:
        return None
    hours, minutes = (int(found[1]) % 24, int(found[3]) % 24), (int(found[2] or 0), int(found[4] or 0))
    if (
        max(int(found[1]), int(found[3])) > 24
        or max(minutes) > 59
        or (hours[0], minutes[0]) == (hours[1], minutes[1])
    ):
        return None
    return f"{hours[0]:02d}:{minutes[0]:02d}-{hours[1]:02d}:{minutes[1]:02d}"


def quiet_of(chosen: str | None, house: tuple[time, time] | None, *, else_: str = "") -> str:
    """Return the quiet hours of a chat: its own choice, else those of the house, else ``else_``."""
    if chosen is not None:
        return chosen
    return else_ if house is None else "-".join(f"{at:%H:%M}" for at in house)


def is_quiet(quiet: str | None, now: datetime, zone: tzinfo | None) -> bool:
    """Whether ``now`` lies in the quiet hours ("22:00-07:00", which may go over midnight)."""
    if not quiet:
        return False
    start, end = (time.fromisoformat(part) for part in quiet.split("-"))
    at = now.astimezone(zone).time()
    return start <= at < end if start < end else at >= start or at < end
