"""A whole sink, as small as it can be: the file to begin with for a new one (docs/adding.md).

This one writes a line for each sample, link state, word of the inverter and alert into a text file.
"""

import asyncio
from collections import deque
from pathlib import Path

from jk_bms.hub import Item, LinkChange, Part, PartContext, PartRow, Unsaved
from jk_bms.model import Event, InverterSample, Sample

MOST = 1000  # lines that wait for a slow disk; then the oldest are lost


class TextSink(Part):
    """``accept`` only notes, ``run`` writes: who publishes never waits for a disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: deque[str] = deque(maxlen=MOST)
        self._early: deque[Event] = deque(maxlen=MOST)  # alerts that came before bms.db had them
        self._news = asyncio.Event()

    def accept(self, item: Item) -> None:
        """Take what is of interest, leave the rest."""
        if isinstance(item, Sample):
            self._lines.append(f"{item.device.label}: {item.voltage} V")
        elif isinstance(item, LinkChange):
            self._lines.append(f"{item.device.label}: {item.status.state}")
        elif isinstance(item, InverterSample):
            self._lines.append(f"inverter: {item.load_power} W")
        elif isinstance(item, Unsaved):
            self._early.append(item.event)
            self._lines.append(f"alert: {item.event.text}")
        elif isinstance(item, Event) and item.kind.startswith("alert."):
            if item in self._early:  # the same again, now that it is written
                self._early.remove(item)
                return
            self._lines.append(f"alert: {item.text}")
        else:
            return
        self._news.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            lines = "".join(f"{self._lines.popleft()}\n" for _ in range(len(self._lines)))
            await asyncio.to_thread(self._write, lines)

    def _write(self, lines: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(lines)


def text_sink(context: PartContext) -> TextSink:
    """Return the sink; the file stands beside bms.db."""
    return TextSink(context.settings.bms_db_path.with_name("lines.txt"))


# The row. In ``sinks/__init__.py`` it would stand among SINKS, behind a setting of its own.
ROW = PartRow("text", "tests.examples.sink:text_sink")
