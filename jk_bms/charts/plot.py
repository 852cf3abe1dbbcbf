"""Draws panels: axes, shaded times, bands, lines, bars.

A picture is upright, for a phone: shown 360 px wide its smallest letters are 12 px high. Everything
is drawn at twice the size and made smaller at the end: that is what smooths edges.
"""

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from jk_bms.charts.axes import Mark, Scale
from jk_bms.charts.style import Color, Theme, font
from jk_bms.texts import Texts

WIDTH, HEIGHT = 1080, 1350
OVER = 2  # drawn so many times as large
LEFT, RIGHT = 128, 36  # margins beside a panel
EDGE = 40  # margin of texts
TOP, BOTTOM = 450.0, HEIGHT - 196.0  # where panels begin and end
TEXT = 36  # height of letters on axes and in notes: the smallest there are
TITLE, LARGE = 50, 92
WORDS = 44  # beside the large value
LINE = 5
LEGEND = 54  # px from row to row
MOST_NOTES = 2

Values = Sequence[float | None]
Box = tuple[float, float, float, float]


class Said(NamedTuple):
    """What stands above a picture."""

    title: str
    device: str
    words: str  # what the large value is, such as "difference now"
    value: str  # "" where there is none
    notes: tuple[str, ...] = ()

    @property
    def caption(self) -> str:
        """The same in two lines, for below the picture."""
        facts = [f"{self.words} {self.value}".strip(), *self.notes]
        return f"{self.device}: {self.title}\n{'; '.join(fact for fact in facts if fact)}".strip()


class Picture:
    """A picture with a headline; ``panel`` gives places to draw in."""

    def __init__(self, theme: Theme, texts: Texts) -> None:
        self.theme = theme
        self.texts = texts
        self._image = Image.new("RGB", (WIDTH * OVER, HEIGHT * OVER), theme.ground)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def headline(self, said: Said) -> None:
        """Write what is shown, its newest value, large, and notes below."""
        theme, room = self.theme, float(WIDTH - 2 * EDGE)
        title = self.fitting(said.title, TITLE, room, bold=True)
        self.text(EDGE, 76, title, TITLE, theme.ink, "ls", bold=True)
        self.text(EDGE, 128, self.fitting(said.device, TEXT, room), TEXT, theme.quiet, "ls")
        x = float(EDGE)
        if said.words:
            words = self.fitting(said.words, WORDS, room - 18 - self.width(said.value, LARGE, bold=True))
            self.text(x, 240, words, WORDS, theme.quiet, "ls")
            x += self.width(words, WORDS) + 18
        self.text(x, 240, said.value, LARGE, theme.ink, "ls", bold=True)
        for row, note in enumerate(said.notes[:MOST_NOTES]):
            self.text(EDGE, 300 + 48 * row, self.fitting(note, TEXT, room), TEXT, theme.quiet, "ls")

    def legend(self, entries: Sequence[tuple[str, Color]]) -> None:
        """Name the colours at the bottom, in two rows where one is too short."""
        x, y = float(EDGE), HEIGHT - 96.0
        for name, color in entries:
            width = 46 + self.width(name, TEXT)
            if x > EDGE and x + width > WIDTH - RIGHT:
                x, y = float(EDGE), y + LEGEND
            self.box((x, y - 16, x + 32, y + 16), color)
            self.text(x + 46, y, name, TEXT, self.theme.quiet, "lm")
            x += width + 40

    def panel(self, top: float, bottom: float, times: tuple[float, float], values: Scale) -> "Panel":
        """Return a place between two heights, in pixels, for ``times`` and ``values``."""
        return Panel(self, (LEFT, top, WIDTH - RIGHT, bottom), times, values)

    def png(self) -> bytes:
        """Return the finished picture."""
        small = self._image.reduce(OVER)
        target = io.BytesIO()
        # 256 colours are enough for lines on a ground, and make the picture small for a bad line.
        small.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(target, "PNG")
        return target.getvalue()

    # The tools of panels: coordinates in pixels of the finished picture.

    def text(
        self, x: float, y: float, text: str, size: int, color: Color, anchor: str, *, bold: bool = False
    ) -> None:
        """Write ``text``; ``anchor`` as Pillow has it: l, m, r and a, m, s."""
        self._draw.text((x * OVER, y * OVER), text, color, font(size * OVER, bold=bold), anchor=anchor)

    def width(self, text: str, size: int, *, bold: bool = False) -> float:
        """Return how wide ``text`` is."""
        return font(size * OVER, bold=bold).getlength(text) / OVER

    def fitting(self, text: str, size: int, room: float, *, bold: bool = False) -> str:
        """Return ``text``, cut where it is wider than ``room``."""
        if self.width(text, size, bold=bold) <= room:
            return text
        while text and self.width(text + "…", size, bold=bold) > room:
            text = text[:-1]
        return text + "…" if text else ""

    def box(self, box: Box, color: Color, opacity: float = 1.0) -> None:
        """Fill a rectangle."""
        x0, y0, x1, y1 = box
        fill = (*color, round(255 * opacity))
        self._draw.rectangle((x0 * OVER, y0 * OVER, x1 * OVER - 1, y1 * OVER - 1), fill)

    def lines(self, points: Sequence[tuple[float, float]], color: Color, width: float) -> None:
        """Draw from point to point."""
        scaled = [(x * OVER, y * OVER) for x, y in points]
        self._draw.line(scaled, color, round(width * OVER), joint="curve")

    def polygon(self, points: Sequence[tuple[float, float]], color: Color, opacity: float) -> None:
        """Fill what the points go around."""
        self._draw.polygon([(x * OVER, y * OVER) for x, y in points], (*color, round(255 * opacity)))


class Panel:
    """Axes, and what is drawn between them."""

    def __init__(self, picture: Picture, box: Box, times: tuple[float, float], values: Scale) -> None:
        self._picture = picture
        self._box = box
        self._times = times
        self._values = values

    def x(self, time: float) -> float:
        """Where ``time`` is, in pixels."""
        start, end = self._times
        left, _, right, _ = self._box
        return left + (time - start) / (end - start) * (right - left)

    def y(self, value: float) -> float:
        """Where ``value`` is, in pixels."""
        _, top, _, bottom = self._box
        return bottom - (value - self._values.low) / (self._values.high - self._values.low) * (bottom - top)

    def shade(self, spans: Sequence[tuple[float, float]], color: Color) -> None:
        """Fill times."""
        _, top, _, bottom = self._box
        start, end = self._times
        for begin, finish in spans:
            begin, finish = max(begin, start), min(finish, end)
            if finish > begin:
                right = max(self.x(finish), self.x(begin) + 1.0)
                self._picture.box((self.x(begin), top, right, bottom), color)

    def axes(self, marks: Sequence[Mark], unit: str) -> None:
        """Draw lines at marks, with what is written at them; times only where ``marks`` are given."""
        self.value_axis(unit)
        picture, theme = self._picture, self._picture.theme
        left, top, _, bottom = self._box
        for at, text in marks:
            x = self.x(at)
            picture.lines([(x, top), (x, bottom)], theme.grid, 1.5)
            half = 0.5 * picture.width(text, TEXT)
            if left - 24 <= x - half and x + half <= WIDTH - 4:
                picture.text(x, bottom + 34, text, TEXT, theme.quiet, "mm")

    def value_axis(self, unit: str) -> None:
        """Draw a line across at each mark of the values."""
        picture, theme = self._picture, self._picture.theme
        left, top, right, _ = self._box
        for at, text in self._values.marks():
            strong = at == 0.0 and self._values.low < 0.0
            color = theme.quiet if strong else theme.grid
            picture.lines([(left, self.y(at)), (right, self.y(at))], color, 2 if strong else 1.5)
            written = picture.texts.decimal(text)
            picture.text(left - 14, self.y(at), written, TEXT, theme.quiet, "rm")
        picture.text(EDGE, top - 48, unit, TEXT, theme.quiet, "lm", bold=True)

    def band(self, times: Sequence[float], low: Values, high: Values, color: Color, opacity: float) -> None:
        """Fill between two lines."""
        for part in _parts(times, low, high):
            above = [(self.x(time), self.y(top)) for time, _, top in part]
            below = [(self.x(time), self.y(bottom)) for time, bottom, _ in reversed(part)]
            self._picture.polygon([*above, *below], color, opacity)

    def line(self, times: Sequence[float], values: Values, color: Color, width: float = LINE) -> None:
        """Draw a line; where nothing is known there is none."""
        for part in _parts(times, values, values):
            points = [(self.x(time), self.y(value)) for time, value, _ in part]
            if len(points) == 1:
                (x, y) = points[0]
                points = [(x - 0.5 * width, y), (x + 0.5 * width, y)]
            self._picture.lines(points, color, width)

    def bar(self, x: float, width: float, bottom: float, top: float, color: Color) -> None:
        """Draw a bar at ``x`` px between two values; one that is nearly nothing can still be seen."""
        low, high = self.y(bottom), self.y(top)
        if low - high < LINE:
            middle = 0.5 * (low + high)
            low, high = middle + 0.5 * LINE, middle - 0.5 * LINE
        self._picture.box((x, high, x + width, low), color)

    def tick(self, x: float, width: float, value: float, color: Color) -> None:
        """Draw a short line at ``x`` px, ``width`` px long."""
        y = self.y(value)
        self._picture.box((x, y - 0.5 * LINE, x + width, y + 0.5 * LINE), color)


def _parts(times: Sequence[float], low: Values, high: Values) -> Iterator[list[tuple[float, float, float]]]:
    """Yield runs of points at which both are known."""
    part: list[tuple[float, float, float]] = []
    for time, below, above in zip(times, low, high, strict=True):
        if below is not None and above is not None:
            part.append((time, below, above))
        elif part:
            yield part
            part = []
    if part:
        yield part
