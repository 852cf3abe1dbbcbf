"""Draws panels: axes, shaded times, bands, lines.

Everything is drawn at twice the size and made smaller at the end: that is what smooths edges.
"""

import io
from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw

from jk_bms.charts.axes import Mark, Scale
from jk_bms.charts.style import Color, Theme, font

WIDTH, HEIGHT = 1280, 800
OVER = 2  # drawn so many times as large
LEFT, RIGHT = 92, 28  # margins beside a panel
TEXT = 26  # height of letters on axes
LINE = 4

Values = Sequence[float | None]
Box = tuple[float, float, float, float]


class Picture:
    """A picture with a headline; ``panel`` gives places to draw in."""

    def __init__(self, theme: Theme, *, height: int = HEIGHT) -> None:
        self.theme = theme
        self.height = height
        self._image = Image.new("RGB", (WIDTH * OVER, height * OVER), theme.ground)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def headline(self, title: str, device: str, value: str, note: str) -> None:
        """Write what is shown (left), its newest value (right, large) and a note below."""
        room = WIDTH - LEFT - RIGHT - self.width(value, 54, bold=True) - 30
        self.text(LEFT, 58, self.fitting(title, 40, room, bold=True), 40, self.theme.ink, "ls", bold=True)
        beside = LEFT + self.width(title, 40, bold=True) + 18
        shown = self.fitting(device, 30, LEFT + room - beside)
        self.text(beside, 58, shown, 30, self.theme.quiet, "ls")
        self.text(WIDTH - RIGHT, 62, value, 54, self.theme.ink, "rs", bold=True)
        self.text(LEFT, 92, self.fitting(note, TEXT, room), TEXT, self.theme.quiet, "lm")

    def legend(self, entries: Sequence[tuple[str, Color]]) -> None:
        """Name the colours at the bottom."""
        x = float(LEFT)
        for name, color in entries:
            if x + 30 + self.width(name, TEXT) > WIDTH - RIGHT:
                return
            self.box((x, self.height - 36, x + 20, self.height - 16), color)
            self.text(x + 30, self.height - 26, name, TEXT, self.theme.quiet, "lm")
            x += 30 + self.width(name, TEXT) + 34

    def panel(self, top: float, bottom: float, times: tuple[float, float], values: Scale) -> "Panel":
        """Return a place between two heights, in pixels, for ``times`` and ``values``."""
        return Panel(self, (LEFT, top, WIDTH - RIGHT, bottom), times, values)

    def png(self) -> bytes:
        """Return the finished picture."""
        small = self._image.reduce(OVER)
        target = io.BytesIO()
        # 256 colours are enough for lines on a ground, and a phone on a bad line is thankful.
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
        picture, theme = self._picture, self._picture.theme
        left, top, right, bottom = self._box
        for at, text in self._values.marks():
            strong = at == 0.0 and self._values.low < 0.0
            color = theme.quiet if strong else theme.grid
            picture.lines([(left, self.y(at)), (right, self.y(at))], color, 2 if strong else 1.5)
            picture.text(left - 12, self.y(at), text, TEXT, theme.quiet, "rm")
        picture.text(left - 12, top - 30, unit, TEXT, theme.quiet, "rm", bold=True)
        for at, text in marks:
            x = self.x(at)
            picture.lines([(x, top), (x, bottom)], theme.grid, 1.5)
            half = 0.5 * picture.width(text, TEXT)
            if left - 8 <= x - half and x + half <= WIDTH - 4:
                picture.text(x, bottom + 24, text, TEXT, theme.quiet, "mm")

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

    def level(self, value: float, color: Color) -> None:
        """Draw a dashed line across."""
        left, _, right, _ = self._box
        x = left
        while x < right:
            self._picture.lines([(x, self.y(value)), (min(x + 14, right), self.y(value))], color, 2)
            x += 26

    def bar(self, x: float, width: float, bottom: float, top: float, color: Color) -> None:
        """Draw a bar at ``x`` px between two values."""
        self._picture.box((x, self.y(top), x + width, self.y(bottom)), color)


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
