"""The live view of ``make run``: the state of the house, redrawn in place."""

import asyncio
import collections
import contextlib
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from jk_bms.status_text import status_lines

KEPT_LOG_LINES = 6


class Console(logging.Handler):
    """Draws the snapshot every second with the newest log lines below it."""

    def __init__(
        self, snapshot: Callable[[], dict[str, Any]], *, head: list[str], out: TextIO = sys.stdout
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
        if others:
            self.setFormatter(others[0].formatter)
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
        lines = [*self._head, "", *status_lines(self._snapshot(), color=True), "", *self._log]
        # Home, then each line with the rest of it cleared, then everything below: no flicker.
        shown = lines[: size.lines - 1]
        self._out.write(
            "\x1b[H" + "".join(f"{_cut(line, size.columns)}\x1b[K\n" for line in shown) + "\x1b[J"
        )
        self._out.flush()


def _cut(line: str, width: int) -> str:
    """Shorten a line without colours to ``width``; coloured ones are short by themselves."""
    return line if "\x1b" in line or len(line) <= width else line[: width - 1] + "…"
