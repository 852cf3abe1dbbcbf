"""Log lines: one form for all, no second timestamp under systemd, a flood becomes a count."""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import TextIO

from jk_bms.model.foreign_text import harmless, harmless_lines

FLOOD_PERIOD = 60.0  # s in which the same warning is shown once

LONGEST_LINE = 4000  # characters
_SEEN_MOST = 1000  # warnings remembered; a bound, not a tuning


class FloodGuard(logging.Filter):
    """Let the same warning or error through once per ``period`` s, the next time with a count.

    Same means the same level, text and exception. Lines below WARNING always pass.
    """

    def __init__(self, period: float = FLOOD_PERIOD, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._period = period
        self._monotonic = monotonic
        self._seen: dict[tuple[int, str, str], tuple[float, int]] = {}  # shown when, held back since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show the record."""
        if record.levelno < logging.WARNING:
            return True
        error = repr(record.exc_info[1]) if record.exc_info else ""
        key = (record.levelno, record.getMessage(), error)
        now = self._monotonic()
        shown, held = self._seen.pop(key, (-self._period, 0))
        if now - shown < self._period:
            self._seen[key] = (shown, held + 1)
            return False
        while len(self._seen) >= _SEEN_MOST:
            del self._seen[next(iter(self._seen))]  # the one not met for the longest
        self._seen[key] = (now, 0)
        record.held_back = f" ({held} more in the last {now - shown:.0f} s)" if held else ""
        return True


class HarmlessFormatter(logging.Formatter):
    """Keeps a log line one line: the last line of defence against text of others.

    What an exception says stands indented below its line, so that none of it looks like another.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; below it, indented, the traceback."""
        record.message = harmless(record.getMessage(), LONGEST_LINE)
        record.asctime = self.formatTime(record, self.datefmt)
        below = [self.formatException(record.exc_info)] if record.exc_info else []
        below += [self.formatStack(record.stack_info)] if record.stack_info else []
        lines = harmless_lines("\n".join(below), LONGEST_LINE).split("\n") if below else []
        return "\n    ".join([self.formatMessage(record), *lines])


class _Formatter(HarmlessFormatter):
    def __init__(self, form: str, timezone: tzinfo | None) -> None:
        super().__init__(form, defaults={"held_back": ""})
        self._timezone = timezone

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """The time in the owner's zone, whole seconds."""
        return f"{datetime.fromtimestamp(record.created, UTC).astimezone(self._timezone):%Y-%m-%d %H:%M:%S}"


def setup_logging(
    level: str,
    name: str,
    *,
    timezone: tzinfo | None = None,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Send our log lines from ``level`` up to ``stream`` (standard error) under ``name``.

    Other people's libraries are heard from WARNING up. May be called again.
    """
    stream = stream or sys.stderr
    form = f"{name.replace('%', '%%')} - %(levelname)s - %(message)s%(held_back)s"
    if not _to_journal(stream, environ):
        form = "%(asctime)s - " + form
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Formatter(form, timezone))
    handler.addFilter(FloodGuard())
    number = logging.getLevelNamesMapping()[level]
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    for ours in ("jk_bms", name, "__main__"):
        logging.getLogger(ours).setLevel(number)


def log_plainly(level: int, form: str) -> None:
    """Send log lines of everybody from ``level`` up to standard error; for tools and short-lived processes."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HarmlessFormatter(form))
    logging.basicConfig(level=level, handlers=[handler])


def _to_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream ends in the journal, which notes the time itself.

    The variable alone says little: a terminal of a desktop session has it too.
    """
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no file behind it
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
