"""What the words about stored data share: settings, the time that is meant, progress."""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jk_bms.config.devices import named, read_registry, selected_entries
from jk_bms.config.settings import Settings, load_settings
from jk_bms.demo import in_use
from jk_bms.errors import ConfigError, StoreError, reason
from jk_bms.store import backlog, journal
from jk_bms.store.backlog import NAME as WAITING
from jk_bms.store.first_bytes import may_replace
from jk_bms.store.history_query import Track
from jk_bms.store.journal import NAME as JOURNAL
from jk_bms.tool.output import note


def stored_settings(given: argparse.Namespace) -> Settings:
    """Return the settings, or those of the demonstration (see ``in_use``); say what is odd. Raises ConfigError."""
    settings = load_settings(env_file=given.env_file, forgiving=True)
    for warning in settings.warnings:
        note(warning)
    return in_use(settings)


def local_now(settings: Settings) -> datetime:
    """The present time in the zone that times are shown in."""
    return datetime.now(settings.timezone).astimezone(settings.timezone)


def stamp(now: datetime) -> str:
    """``now`` as a part of a file name."""
    return f"{now:%Y%m%dT%H%M%S}"


def uncommitted(settings: Settings) -> list[Path]:
    """Return the files of what the service has not yet written into the database; it takes them up
    when it starts. Raises StoreError when it cannot be told.
    """
    there = []
    for name, first in ((WAITING, backlog.FIRST_BYTES), (JOURNAL, journal.FIRST_BYTES)):
        path = settings.socket_path.parent / name
        try:
            path.stat()
            if not may_replace(path, first):
                continue  # another program's, by chance of that name
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be looked at: {reason(error)}; the service may have left there what it could "
                "not write yet: become the service's user, or root with sudo"
            ) from error
        there.append(path)
    return there


class Progress:
    """A line on standard error that says how far something is; silent where there is no terminal."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._shown = ""
        self._seen = sys.stderr.isatty()

    def __call__(self, done: float, total: float) -> None:
        """Show that ``done`` of ``total`` is done."""
        if self._seen:
            self._show(f"{self._doing}: {100 * done / total:3.0f} %" if total else self._doing)

    def count(self, done: int, what: str) -> None:
        """Show how many are done where the total is not known."""
        if self._seen:
            self._show(f"{self._doing}: {done} {what}")

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = ""

    def _show(self, text: str) -> None:
        if text != self._shown:
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = text


YEARS = range(2000, 2100)  # of times that a person may mean; with others no calendar can reckon
LONGEST = timedelta(days=50 * 365)


def megabytes(size: float) -> str:
    """``size`` in bytes as a person reads it."""
    for unit, least in (("GB", 1e9), ("MB", 1e6)):
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size / 1e3:.1f} kB"


def add_time_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say of which time one wants to know."""
    parser.add_argument(
        "--from", dest="start", type=_time, metavar="TIME", help="such as 2026-12-01 or 2026-12-01T06:00"
    )
    parser.add_argument("--to", dest="end", type=_time, metavar="TIME", help="up to then (default: now)")


def length(text: str) -> timedelta:
    """Return what ``text`` such as 24h, 7d or 1y says. Raises ArgumentTypeError."""
    found = re.fullmatch(r"([0-9]{1,5})\s*(m|h|d|w|y)", text.strip().lower())
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number and m, h, d, w or y, such as 24h")
    wanted = int(found[1]) * _LENGTHS[found[2]]
    if wanted > LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r}: expected at most {LONGEST.days // 365}y")
    return wanted


def wanted_time(
    given: argparse.Namespace, settings: Settings, last: timedelta | None
) -> tuple[datetime | None, datetime]:
    """Return from when to when; without --from it is ``last`` before the end (None: from the beginning).

    Raises ConfigError.
    """
    end = _in_zone(given.end, settings) if given.end else datetime.now(UTC)
    start = _in_zone(given.start, settings) if given.start else None if last is None else end - last
    if start is not None and start >= end:
        raise ConfigError(f"from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}: expected a later end")
    return start, end


def track_labels(there: Sequence[Track], settings: Settings) -> dict[str, str]:
    """Return what a person calls each track, the batteries by their numbers first; no two are the same.

    Raises ConfigError, and StoreError when there is none.
    """
    if not there:
        raise StoreError(f"{settings.bms_db_path}: no history yet; the service writes it")
    registry = read_registry(settings.devices_file)
    entries = selected_entries(registry, settings.address, settings.device_name)
    labels = {entry.address: entry.label for entry in (*entries, *registry.entries)}
    names = sorted((track.name for track in there), key=[*labels, *(track.name for track in there)].index)
    found = Counter(labels.get(name, name).casefold() for name in names)
    return {
        name: label if found[(label := labels.get(name, name)).casefold()] == 1 else name for name in names
    }


def chosen_track(wanted: str | None, there: Sequence[Track], settings: Settings) -> tuple[str, str]:
    """Return the track of a device, by its name, address or number, and what a person calls it.

    Without a name it is battery 1, else the first there is. Raises ConfigError, StoreError.
    """
    labels = track_labels(there, settings)
    if wanted is None:
        name = next(iter(labels))
    else:
        registry = read_registry(settings.devices_file)
        entries = selected_entries(registry, settings.address, settings.device_name)
        entry = named(entries, wanted) or registry.find(wanted)
        address = (
            entry.address if entry else next((n for n in labels if n.casefold() == wanted.casefold()), None)
        )
        if address not in labels:
            raise ConfigError(f"--device {wanted}: no history of it; there is {', '.join(labels.values())}")
        name = address
    return name, labels[name]


_LENGTHS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.year not in YEARS:
            raise ValueError(text)
        return time
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a time such as 2026-12-01 or 2026-12-01T06:00"
        ) from None


def _in_zone(time: datetime, settings: Settings) -> datetime:
    if time.tzinfo is not None:
        return time
    return time.replace(tzinfo=settings.timezone) if settings.timezone else time.astimezone()
