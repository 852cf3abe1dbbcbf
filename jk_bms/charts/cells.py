"""A picture of the cells at one moment: which is high, which is low, how far from a limit."""

from collections.abc import Sequence

from jk_bms.charts.axes import scale
from jk_bms.charts.plot import LEFT, RIGHT, TEXT, WIDTH, Picture
from jk_bms.charts.style import Theme
from jk_bms.texts import Texts

HEIGHT = 560
TOP, BOTTOM = 160.0, HEIGHT - 84.0
REACH = 0.04  # V: the axis is at least so long, so that healthy cells look alike


def draw_cells(
    voltages: Sequence[float],
    numbers: Sequence[int],
    *,
    device: str,
    texts: Texts,
    theme: Theme,
    limit: float | None = None,
    marked: int | None = None,
) -> bytes:
    """Return a PNG of bars; the highest and lowest cells are coloured, and the ``marked`` one red.

    ``limit``: a voltage in V, drawn across when it is near enough to be seen.
    """
    low, high = min(voltages), max(voltages)
    average = sum(voltages) / len(voltages)
    picture = Picture(theme, height=HEIGHT)
    note = f"{low:.3f} … {texts.quantity(high, 'V', 3)}"
    picture.headline(texts("charts.cells_now"), device, texts.quantity(1000 * (high - low), "mV"), note)
    shown = [low, high]
    if limit is not None and low - 0.25 < limit < high + 0.25:
        shown.append(limit)
    span = max(shown) - min(shown)
    values = scale(min(shown) - 0.15 * span, max(shown), least=REACH, marks=4)
    panel = picture.panel(TOP, BOTTOM, (0.0, 1.0), values)
    panel.axes((), texts.unit("V"))
    room = (WIDTH - LEFT - RIGHT) / len(voltages)
    size = TEXT if room >= 34 else 18
    for place, (v, number) in enumerate(zip(voltages, numbers, strict=True)):
        x = LEFT + place * room
        color = theme.green
        if high - low > 0.001:
            color = theme.orange if v == high else theme.blue if v == low else theme.green
        if number == marked:
            color = theme.red
        panel.bar(x + 0.14 * room, 0.72 * room, values.low, v, color)
        if room >= 18 or number % 4 == 1:
            strong = number == marked
            ink = theme.ink if strong else theme.quiet
            picture.text(x + 0.5 * room, BOTTOM + 24, str(number), size, ink, "mm", bold=strong)
    panel.level(average, theme.quiet)
    if limit is not None and limit in shown:
        panel.level(limit, theme.red)
        text = texts("charts.limit", value=texts.quantity(limit, "V", 3))
        # Above the panel: in it there are bars of every colour.
        picture.text(WIDTH - RIGHT, TOP - 30, text, TEXT, theme.red, "rm")
    picture.text(LEFT, HEIGHT - 22, texts("charts.cell"), TEXT, theme.quiet, "lm")
    return picture.png()
