"""A picture of the cells at one moment: which is high, which is low, how far from a limit."""

from collections.abc import Sequence

from jk_bms.charts.axes import Scale, scale
from jk_bms.charts.plot import EDGE, HEIGHT, RIGHT, TEXT, WIDTH, Picture, Said
from jk_bms.charts.style import Color, Theme
from jk_bms.texts import Texts

TOP, BOTTOM = 440.0, HEIGHT - 40.0
REACH = 0.04  # V: the axis is at least so long, so that healthy cells look alike
NEAR = 0.25  # V: a limit that is further away is not drawn
ALIKE = 0.001  # V: cells that differ by no more are neither high nor low
MOST_ROWS = 24  # of a column
ROW = 90.0  # px, the highest row
NUMBER, VALUE = 64.0, 112.0  # px for the cell's number before its bar and the voltage behind it
APART = 40.0  # px between two columns


def draw_cells(
    voltages: Sequence[float],
    numbers: Sequence[int],
    *,
    device: str,
    texts: Texts,
    theme: Theme,
    low_limit: float | None = None,
    high_limit: float | None = None,
    marked: int | None = None,
) -> tuple[bytes, Said]:
    """Return a PNG with a bar for each cell, and what it says.

    The highest and the lowest are coloured; what is beyond ``low_limit`` or ``high_limit`` (V) and the
    cell that is ``marked`` are red.
    """
    low, high = min(voltages), max(voltages)
    said = Said(
        title=texts("charts.cells_now"),
        device=device,
        words=texts("charts.delta_now"),
        value=texts.quantity(1000 * (high - low), "mV"),
        notes=tuple(
            texts(key, cell=numbers[voltages.index(value)], value=texts.quantity(value, "V", 3))
            for key, value in (("charts.lowest_is", low), ("charts.highest_is", high))
        ),
    )
    picture = Picture(theme, texts)
    picture.headline(said)
    limits = [each for each in (low_limit, high_limit) if each and low - NEAR < each < high + NEAR]
    shown = [low, high, *limits]
    span = max(shown) - min(shown)
    values = scale(min(shown) - 0.15 * span, max(shown), least=REACH, marks=4)
    colors = [
        theme.red
        if number == marked or (low_limit and v <= low_limit) or (high_limit and v >= high_limit)
        else _usual(v, low, high, theme)
        for v, number in zip(voltages, numbers, strict=True)
    ]
    columns = -(-len(voltages) // MOST_ROWS)
    rows = -(-len(voltages) // columns)
    width = (WIDTH - EDGE - RIGHT - APART * (columns - 1)) / columns
    height = min(ROW, (BOTTOM - TOP) / rows)
    for column in range(columns):
        part = slice(column * rows, (column + 1) * rows)
        left = EDGE + column * (width + APART)
        _column(
            picture,
            (left, left + width),
            height,
            values,
            list(zip(numbers[part], voltages[part], colors[part], strict=True)),
            marked,
        )
        for limit in limits:
            x = _x(limit, (left, left + width), values)
            bottom = TOP + height * len(voltages[part])
            _dashed(picture, x, TOP - 8, bottom, theme.red)
            if column == 0:
                text = texts("charts.limit", value=texts.quantity(limit, "V", 3))
                half = 0.5 * picture.width(text, TEXT)
                # Above the bars, which have every colour.
                middle = min(max(x, EDGE + half), WIDTH - RIGHT - half)
                picture.text(middle, TOP - 36, text, TEXT, theme.red, "mm")
    return picture.png(), said


def _usual(voltage: float, low: float, high: float, theme: Theme) -> Color:
    """The colour of a cell that is in order: the one that is highest or lowest stands out."""
    if high - low <= ALIKE:
        return theme.green
    return theme.orange if voltage == high else theme.blue if voltage == low else theme.green


def _column(
    picture: Picture,
    sides: tuple[float, float],
    height: float,
    values: Scale,
    cells: Sequence[tuple[int, float, Color]],
    marked: int | None,
) -> None:
    """Draw a row for each cell: number, bar, voltage."""
    theme, (left, right) = picture.theme, sides
    for row, (number, voltage, color) in enumerate(cells):
        middle = TOP + (row + 0.5) * height
        strong = number == marked or color == theme.red
        ink = theme.ink if strong else theme.quiet
        picture.text(left + NUMBER - 18, middle, str(number), TEXT, ink, "rm", bold=strong)
        end = max(_x(voltage, sides, values), left + NUMBER + 4)
        picture.box((left + NUMBER, middle - 0.36 * height, end, middle + 0.36 * height), color)
        shown = picture.texts.number(voltage, 3)
        picture.text(right, middle, shown, TEXT, theme.ink if strong else theme.quiet, "rm", bold=strong)


def _x(voltage: float, sides: tuple[float, float], values: Scale) -> float:
    left, right = sides[0] + NUMBER, sides[1] - VALUE
    return left + (voltage - values.low) / (values.high - values.low) * (right - left)


def _dashed(picture: Picture, x: float, top: float, bottom: float, color: Color) -> None:
    while top < bottom:
        picture.box((x - 1.5, top, x + 1.5, min(top + 14, bottom)), color)
        top += 24
