"""The live view of ``make run``: the state of the house, redrawn in place."""

import asyncio
import collections
import contextlib
import logging
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import TextIO

from jk_bms.logs import HarmlessFormatter
from jk_bms.model.snapshot import Snapshot
from jk_bms.texts.qr import qr_lines
from jk_bms.view.status_text import status_lines

KEPT_LOG_LINES = 8


class Console(logging.Handler):
    """Draws the snapshot every second with the newest log lines below it."""

    def __init__(
        self, snapshot: Callable[[], Snapshot], *, head: list[str], out: TextIO = sys.stdout
    ) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._head = head
        self._out = out
        self._log: collections.deque[str] = collections.deque(maxlen=KEPT_LOG_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a log line for the next drawing."""
        self._log.append(self.format(record))

    @contextlib.contextmanager
    def instead_of_log_lines(self) -> Iterator[None]:
        """Take the place of the other log handlers: their lines would tear the picture."""
        root = logging.getLogger()
        others = root.handlers[:]
        for guard in (guard for other in others for guard in other.filters):
            self.addFilter(guard)  # floods are counted here as well
        self.setFormatter(HarmlessFormatter("%(asctime)s  %(message)s", "%H:%M:%S"))
        root.handlers[:] = [self]
        try:
            yield
        finally:
            root.handlers[:] = others

    async def run(self) -> None:
        """Draw until cancelled; the last picture stays on the screen."""
        while True:
            self.draw()
            await asyncio.sleep(1.0)

    def draw(self) -> None:
        """Draw once."""
        size = shutil.get_terminal_size((80, 40))
        log = [
            part
            for line in self._log
            for part in textwrap.wrap(line, size.columns, subsequent_indent=" " * 10)
        ][-KEPT_LOG_LINES:]
        snapshot = self._snapshot()
        lines = [*self._head, "", *status_lines(snapshot, color=True), ""]
        # In a low terminal the newest log line matters more than the end of the picture.
        room = max(size.lines - 1, 1)
        page = snapshot.web
        if page is not None and page.code and page.link:  # a phone reads it off the screen
            code = qr_lines(page.link)
            if code and len(code[0]) <= size.columns and len(lines) + len(code) + KEPT_LOG_LINES < room:
                lines += [*code, ""]
        lines = lines[: room - bool(log)]
        shown = [_cut(line, size.columns) for line in lines + log[len(lines) - room :]]
        # Home, then each line with the rest of it cleared, then everything below: no flicker.
        self._out.write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in shown) + "\x1b[J")
        self._out.flush()


def _cut(line: str, columns: int) -> str:
    """Return ``line`` as far as it fits; codes of the terminal take no room."""
    left = columns
    parts = []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            parts.append(part)
        else:
            parts.append(part[:left])
            left -= len(parts[-1])
    return "".join(parts)
