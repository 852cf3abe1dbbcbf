"""Colours and letters. Sizes are pixels of the finished picture."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont

FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD = "DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf"

Color = tuple[int, int, int]


class Theme(NamedTuple):
    """Colours that belong together."""

    ground: Color
    ink: Color  # titles and values
    quiet: Color  # axes and notes
    grid: Color
    outage: Color
    blue: Color
    green: Color
    orange: Color
    red: Color
    yellow: Color
    violet: Color


# fmt: off
THEMES = {
    "light": Theme(
        ground=(255, 255, 255), ink=(28, 32, 38), quiet=(84, 92, 103), grid=(228, 231, 235), outage=(236, 226, 222),
        blue=(30, 104, 200), green=(28, 140, 84), orange=(214, 104, 12), red=(200, 40, 48), yellow=(190, 140, 0),
        violet=(128, 72, 184),
    ),
    "dark": Theme(
        ground=(23, 27, 33), ink=(238, 241, 245), quiet=(168, 178, 190), grid=(48, 55, 64), outage=(60, 46, 42),
        blue=(96, 165, 250), green=(74, 205, 140), orange=(250, 156, 72), red=(248, 104, 104), yellow=(240, 200, 72),
        violet=(190, 146, 246),
    ),
}
# fmt: on


def mixed(color: Color, ground: Color, share: float) -> Color:
    """Return ``share`` of ``color`` on ``ground``."""
    r, g, b = (round(c * share + g * (1.0 - share)) for c, g in zip(color, ground, strict=True))
    return r, g, b


@lru_cache(maxsize=32)
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return letters of that height; they hold Latin and Cyrillic."""
    return ImageFont.truetype(FONTS / (BOLD if bold else REGULAR), size)
