"""The lines of ``stat.log``, as other programs have read them for years. Pure."""

import re
from datetime import datetime, tzinfo
from typing import NamedTuple

LONGEST_LINE = 1000  # characters

_CHAT = re.compile(r"Chat ID:\s*(-?[0-9]{1,20})")
_BATTERY = re.compile(r"Voltage:\s*(-?[0-9.]{1,20})\s*V,\s*Battery Level:\s*(-?[0-9.]{1,20})\s*%")


class Line(NamedTuple):
    """One line: what it says, and of that what we know."""

    at: datetime  # aware
    text: str
    chat: int | None = None
    voltage: float | None = None  # V
    level: float | None = None  # %


def log_line(at: datetime, text: str, zone: tzinfo | None) -> str:
    """Return ``<local time with microseconds and offset>;<text>``, as in ``stat.log``; ``zone`` None: the system's."""
    return f"{at.astimezone(zone).isoformat(timespec='microseconds')};{text}"


def battery_text(voltage: float, level: float) -> str:
    """Return what a log line says of a battery; V and %."""
    return f"Voltage: {voltage:.3f} V, Battery Level: {level:.1f}%"


def chat_text(chat: int) -> str:
    """Return what a log line says of a registered chat."""
    return f"Chat ID: {chat}"


def read_line(line: str, zone: tzinfo | None) -> Line | None:
    """Return what a line says; None for one that is broken. A time without offset is of ``zone``."""
    stamp, mark, text = line.strip().partition(";")
    if not mark or len(line) > LONGEST_LINE:
        return None
    try:
        at = datetime.fromisoformat(stamp.strip())
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone) if zone else at.astimezone()
    text = text.strip()
    if chat := _CHAT.fullmatch(text):
        return Line(at, text, chat=int(chat[1]))
    if battery := _BATTERY.fullmatch(text):
        try:
            return Line(at, text, voltage=float(battery[1]), level=float(battery[2]))
        except ValueError:  # 1.2.3
            return None
    return Line(at, text)
