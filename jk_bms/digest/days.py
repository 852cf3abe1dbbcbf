"""From when to when a digest tells. Pure; light enough for the bot, which leaves the rest to a child."""

import os
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

EARLY = time(3)  # a summary time before it tells the day that has just ended


class Told(NamedTuple):
    """What a digest is of."""

    day: date  # local
    start: datetime  # UTC
    end: datetime


def told_time(now: datetime, at: time, kind: str, zone: tzinfo) -> Told:
    """Return what a digest at ``now`` tells of.

    ``kind`` day: from local midnight on; 24h: the last 24 hours. With a summary time ``at`` in the
    small hours it is the whole day that has just ended.
    """
    end = now.astimezone(UTC)
    today = now.astimezone(zone).date()
    if kind == "24h":
        return Told(today, end - timedelta(hours=24), end)
    if at < EARLY:
        return day_of(today - timedelta(days=1), zone)
    return Told(today, day_of(today, zone).start, end)


def day_of(day: date, zone: tzinfo) -> Told:
    """Return ``day`` and its local midnights, in UTC: 23 to 25 hours."""
    following = day + timedelta(days=1)
    return Told(
        day,
        datetime.combine(day, time.min, zone).astimezone(UTC),
        datetime.combine(following, time.min, zone).astimezone(UTC),
    )


def named_zone(zone: tzinfo | None) -> tzinfo:
    """Return ``zone``; for None the system's, with its changes of summer time where it names them."""
    if zone is not None:
        return zone
    with suppress(KeyError, OSError, ValueError):
        return ZoneInfo(os.environ["TZ"].removeprefix(":"))
    try:
        with Path("/etc/localtime").open("rb") as rules:
            return ZoneInfo.from_file(rules)
    except (OSError, ValueError):
        return datetime.now(UTC).astimezone().tzinfo or UTC
