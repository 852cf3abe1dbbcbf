"""Voltage and state of charge of one cell."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple


class Point(NamedTuple):
    """One point of a curve."""

    v: float  # V, one cell
    soc: float  # %


class Curve:
    """State of charge over cell voltage: linear between points, clamped at both ends.

    Needs at least two points with rising voltage and SoC that never falls, else ValueError.
    """

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        self.points = tuple(Point(*point) for point in points)
        self._v = [point.v for point in self.points]
        self._soc = [point.soc for point in self.points]
        if len(self.points) < 2:
            raise ValueError("a curve needs at least two points")
        if any(b <= a for a, b in zip(self._v, self._v[1:], strict=False)):
            raise ValueError("the voltages of a curve must rise")
        if any(b < a for a, b in zip(self._soc, self._soc[1:], strict=False)):
            raise ValueError("the SoC of a curve must not fall")

    def __eq__(self, other: object) -> bool:
        """Whether both have the same points."""
        return isinstance(other, Curve) and self.points == other.points

    def __hash__(self) -> int:
        """Go by the points."""
        return hash(self.points)

    def soc(self, v: float) -> float:
        """SoC, in %, at ``v`` V."""
        return _interpolate(self._v, self._soc, v)

    def ocv(self, soc: float) -> float:
        """Voltage, in V, at ``soc`` %; on a flat stretch its upper end."""
        return _interpolate(self._soc, self._v, soc)


def _interpolate(xs: list[float], ys: list[float], x: float) -> float:
    if x <= xs[0]:
        return ys[0]
    if x >= xs[-1]:
        return ys[-1]
    right = bisect_right(xs, x)
    left = right - 1
    share = (x - xs[left]) / (xs[right] - xs[left])
    return ys[left] + share * (ys[right] - ys[left])


# The curve of existing installations. It is a rough guess for LFP and is kept because
# people compare; the counted and the BMS's own value are shown where they exist.
DOCUMENTED = Curve(((2.50, 0.0), (3.30, 50.0), (3.65, 100.0)))
