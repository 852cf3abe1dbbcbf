"""Make the pictures of the README from a house that runs: what the bot would send, on a phone.

    PYTHONPATH=. .venv/bin/python tools/readme_pictures.py SOCKET BMS_DB TIMEZONE

The house is that of a trial (`jk_bms_service.py --speed 60`, a day or two of it): its service is ended, so
that all is on the disk. The words come from the bot's own pages and digest, the chart from its own charts; only the bubble
around them is drawn here, with the DejaVu fonts of the system. Run by hand when one of them has
changed; writes docs/pictures/.
"""

import html
import os
import re
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image, ImageDraw, ImageFont

from jk_bms.bot import pages
from jk_bms.charts.make import make_chart
from jk_bms.charts.wanted import Pack, Wanted
from jk_bms.digest.days import day_of
from jk_bms.digest.facts import read_facts
from jk_bms.digest.local_text import local_text
from jk_bms.live.client import LiveClient
from jk_bms.store.bms_db import open_reader
from jk_bms.texts import language

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures"
FONTS = Path("/usr/share/fonts/truetype/dejavu")
OVER = 2  # drawn twice as large, for smooth edges
WIDTH, MARGIN, LINE = 640, 22, 30
GROUND, BUBBLE, INK, QUIET, BUTTON = "#0e1621", "#182533", "#f0f4f8", "#8fa3b5", "#2b5278"
MARKS = {"🟢": "#4bc46b", "🟡": "#f0c83c", "🟠": "#f28c28", "🔴": "#e4483d"}
_TAG = re.compile(r"<(/?)(b|i|pre|code)>")


def font(*, mono: bool = False, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the letters of a message."""
    name = ("DejaVuSansMono" if mono else "DejaVuSans") + ("-Bold" if bold else "")
    return ImageFont.truetype(FONTS / f"{name}.ttf", 20 * OVER)


def message(text: str, buttons: tuple[tuple[pages.Button, ...], ...] = ()) -> Image.Image:
    """Return a bubble with ``text`` in Telegram's HTML and the buttons below it."""
    lines: list[list[tuple[str, bool, bool]]] = [[]]  # runs: text, fixed width, bold
    mono = bold = False
    for part in _TAG.split(text.replace("<pre>", "\0pre\0").replace("</pre>", "\0/pre\0")):
        for piece in re.split("(\0/?pre\0)", part or ""):
            if piece == "\0pre\0":
                mono = True
            elif piece == "\0/pre\0":
                mono = False
            elif piece in ("b", "i", "code", "/", "pre"):
                continue
            else:
                first, *rest = html.unescape(piece).split("\n")
                lines[-1].append((first, mono, bold))
                lines += [[(each, mono, bold)] for each in rest]
        if part == "b":
            bold = not bold
    lines = [wrapped for line in lines for wrapped in _wrap(line)]
    height = 2 * MARGIN + LINE * len(lines) + (52 * len(buttons) + 8 if buttons else 0)
    image = Image.new("RGB", (WIDTH * OVER, (height + 2 * MARGIN) * OVER), GROUND)
    draw = ImageDraw.Draw(image)
    bottom = MARGIN + 2 * MARGIN + LINE * len(lines)
    draw.rounded_rectangle(
        (MARGIN * OVER, MARGIN * OVER, (WIDTH - MARGIN) * OVER, bottom * OVER), 16 * OVER, BUBBLE
    )
    y = 2 * MARGIN
    for line in lines:
        x = float(2 * MARGIN)
        for run, fixed, strong in line:
            if run[:1] in MARKS:
                draw.ellipse((x * OVER, (y + 3) * OVER, (x + 20) * OVER, (y + 23) * OVER), MARKS[run[0]])
                x, run = x + 28, run[1:].lstrip()
            used = font(mono=fixed, bold=strong)
            draw.text((x * OVER, y * OVER), run.replace("⏳ ", ""), INK, used)
            x += used.getlength(run.replace("⏳ ", "")) / OVER
        y += LINE
    top = bottom + 8
    for row in buttons:
        width = (WIDTH - 2 * MARGIN - 8 * (len(row) - 1)) / len(row)
        for place, button in enumerate(row):
            left = MARGIN + place * (width + 8)
            box = (left * OVER, top * OVER, (left + width) * OVER, (top + 44) * OVER)
            draw.rounded_rectangle(box, 10 * OVER, BUTTON)
            middle = ((left + width / 2) * OVER, (top + 22) * OVER)
            draw.text(middle, re.sub(r"[^\w\s.,:%-]", "", button.label).strip(), INK, font(), anchor="mm")
        top += 52
    return image.reduce(OVER)


def _wrap(line: list[tuple[str, bool, bool]]) -> list[list[tuple[str, bool, bool]]]:
    """Break a line of one run where it is wider than the bubble."""
    if len(line) != 1 or line[0][1]:
        return [line]
    text, _, bold = line[0]
    room = (WIDTH - 4 * MARGIN) * OVER
    used = font(bold=bold)
    wrapped: list[list[tuple[str, bool, bool]]] = []
    now = ""
    for word in text.split(" "):
        longer = f"{now} {word}" if now else word
        if used.getlength(longer) > room and now:
            wrapped.append([(now, False, bold)])
            longer = word
        now = longer
    return [*wrapped, [(now, False, bold)]]


def main() -> None:
    """Make all of them."""
    path, bms_db, zone = Path(sys.argv[1]), Path(sys.argv[2]), ZoneInfo(sys.argv[3])
    texts = language("en")
    with LiveClient(path) as service:
        snapshot = service.snapshot()
    device = snapshot.devices[0]
    now = datetime.fromisoformat(device.told.time).astimezone(UTC)
    TARGET.mkdir(exist_ok=True)
    told = pages.battery(snapshot, device, texts, zone, now)
    message(told.text, told.buttons).save(TARGET / "battery.png", optimize=True)
    os.kill(snapshot.program.pid, signal.SIGTERM)
    while path.exists():
        time.sleep(0.1)
    label = device.label
    chart = Wanted(
        bms_db=bms_db,
        packs=(Pack(device.address, label),),
        what="day",
        start=now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0),
        end=now,
        theme="dark",
        zone=zone,
    )
    (TARGET / "day.png").write_bytes(make_chart(chart).png)
    day = day_of(now.astimezone(zone).date(), zone)
    with open_reader(bms_db) as reader:
        facts = read_facts(reader, day.day, day.start, min(day.end, now), zone)
    message(html.escape(local_text(facts, texts))).save(TARGET / "digest.png", optimize=True)


if __name__ == "__main__":
    main()
