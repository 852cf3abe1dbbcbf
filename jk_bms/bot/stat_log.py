"""``stat.log``: a line for each check of the level, a file for each local day.

Other programs read these files: format and names are those of ``docs/digest.md``.
"""

import logging
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

from jk_bms.digest.log_lines import LONGEST_LINE, Line, battery_text, chat_text, log_line, read_line
from jk_bms.errors import reason

log = logging.getLogger(__name__)

_BEGINS = re.compile(rb"\d[\d T:.+-]{0,39}(?:;|$)")  # with a time, be the line torn


class StatLog:
    """The writer, for any thread. A file that cannot be written, or is no such log, is told once in the log of the bot,
    and costs lines of that time but nothing else.

    ``zone`` None: the system's.
    """

    def __init__(self, path: Path, zone: tzinfo | None, *, keep_days: int = 90) -> None:
        self.path = path
        self._zone = zone
        self._keep = timedelta(days=keep_days)
        self._day: date | None = None  # of what is in the file
        self._lock = threading.Lock()
        self._failing = False

    def battery(self, now: datetime, voltage: float, level: float, chats: Iterable[int] = ()) -> None:
        """Note V and %; ``chats`` are those that a new file begins with."""
        self._append(now, [battery_text(voltage, level)], chats)

    def registered(self, now: datetime, chat: int, chats: Iterable[int] = ()) -> None:
        """Note that a chat registered now."""
        self._append(now, [chat_text(chat)], [one for one in chats if one != chat])

    def turn(self, now: datetime, chats: Iterable[int] = ()) -> None:
        """Put the file of another day aside and begin that of today; between midnights it costs nothing."""
        if self._day != self._date(now):
            self._append(now, [], chats)

    def _append(self, now: datetime, texts: list[str], chats: Iterable[int]) -> None:
        with self._lock:
            try:
                self._write(now, texts, chats)
            except OSError as error:
                if not self._failing:
                    log.error("%s: cannot be written: %s (LOG_FILE_PATH)", self.path, reason(error))
                self._failing = True
            else:
                if self._failing:
                    log.info("%s: can be written again", self.path)
                self._failing = False

    def _write(self, now: datetime, texts: list[str], chats: Iterable[int]) -> None:
        today = self._date(now)
        _refuse_others(self.path)
        # The owner, or a program that rotates logs, may take the file away at any time.
        if self._day != today or not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._put_aside(today)
            if not self.path.exists():
                texts = [*map(chat_text, dict.fromkeys(chats)), *texts]
        with self.path.open("ab") as file:
            lines = "".join(log_line(now, text, self._zone) + "\n" for text in texts)
            file.write((b"" if _ends_whole(self.path) else b"\n") + lines.encode())
        self._day = today

    def _put_aside(self, today: date) -> None:
        """Rename a file of another day after that day; remove what is too old."""
        day = self._content_day()
        if day is not None and day != today:
            archive = self._archive(day)
            if archive.exists():  # the clock was set back over midnight
                _refuse_others(archive)
                with archive.open("ab") as file:
                    file.write(self.path.read_bytes())
                self.path.unlink()
            else:
                self.path.rename(archive)
        for old in self.path.parent.glob(f"{self.path.stem}.*{self.path.suffix}"):
            of_day = self._day_of(old)
            if of_day is not None and of_day < today - self._keep:
                old.unlink(missing_ok=True)

    def _content_day(self) -> date | None:
        """The local date of the last good line; without one, of the last change; None: there is no file."""
        try:
            if not self.path.stat().st_size:
                self.path.unlink()  # an empty one has no day, and no chats either
                return None
            changed = datetime.fromtimestamp(self.path.stat().st_mtime, self._zone)
        except FileNotFoundError:
            return None
        day = self._date(changed.astimezone())
        for line in read_lines(self.path, self._zone):
            day = self._date(line.at)
        return day

    def _archive(self, day: date) -> Path:
        return self.path.with_name(f"{self.path.stem}.{day:%d-%m-%Y}{self.path.suffix}")

    def _day_of(self, archive: Path) -> date | None:
        found = re.fullmatch(r"(\d\d)-(\d\d)-(\d{4})", archive.stem.removeprefix(f"{self.path.stem}."))
        with suppress(ValueError):
            return date(int(found[3]), int(found[2]), int(found[1])) if found else None
        return None

    def _date(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()


def read_lines(path: Path, zone: tzinfo | None) -> Iterator[Line]:
    """Yield the lines of a log that can be read, unknown texts too; broken ones are passed over.

    Raises OSError.
    """
    with path.open("rb") as file:
        for raw in iter(lambda: file.readline(LONGEST_LINE), b""):
            line = read_line(raw.decode("utf-8", "replace"), zone)
            if line is not None:
                yield line


def _refuse_others(path: Path) -> None:
    """Raise FileExistsError, in words, unless there is nothing at ``path``, or a log that begins with a time."""
    if not path.exists():
        return
    begins = b"a folder or a device"
    if path.is_file():
        with path.open("rb") as file:
            begins = file.read(LONGEST_LINE).strip(b"\0\r\n\t ")  # a power cut may leave zero bytes
    if begins and not _BEGINS.match(begins.splitlines()[0]):
        raise FileExistsError(17, "a file that is not ours is in the way: move it away, or name another")


def _ends_whole(path: Path) -> bool:
    """False when a power cut tore the last line."""
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"
