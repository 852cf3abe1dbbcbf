"""How long the pack will last, or how long until it is full, at the load of the last minutes."""

from collections.abc import Mapping
from math import expm1, log, sqrt
from typing import Any, NamedTuple

from jk_bms.model import Sample

SMOOTHING = 300.0  # s: the load that counts
SWINGS = 1200.0  # s: over which the ups and downs of that load are judged
QUICK = 30.0  # s: how soon a change between charge and discharge is noticed
LEARNING = 120.0  # s of load on this side of zero before anything is said
LONGEST_GAP = 600.0  # s: after a longer one the load is unknown
TINY = 0.005  # C: below it everything lasts for days and it is not known how many
LEAST_DOUBT = 0.02  # of the load, though it may have stood still for an hour
TAIL = 0.04  # C: where a charger calls the pack full
TAPER = 0.05  # of the capacity: at most so much goes in while the current fades
LONGEST = 30 * 86_400.0  # s; more is not a forecast


class Forecast(NamedTuple):
    """When the pack will be ``what`` at the present load: in ``low`` to ``high`` s."""

    what: str  # empty, full
    low: float
    high: float


class Runtime:
    """The smoothed load of one pack, and what follows from it."""

    def __init__(self) -> None:
        self._quick = self._load = self._swing = 0.0  # A, A, A²
        self._heard = 0.0  # s of load on this side of zero
        self._last: float | None = None

    def feed(
        self,
        sample: Sample,
        low: float | None,
        high: float | None,
        capacity_ah: float | None,
        elapsed: float | None,
    ) -> Forecast | None:
        """Take in the load; return the forecast for a SoC between ``low`` and ``high`` %.

        None while the current is tiny, the load new, or charge or capacity unknown.
        """
        current = sample.current
        if current is None:
            return None
        if elapsed is None or not 0.0 <= elapsed <= LONGEST_GAP or self._last is None:
            self._begin(current)
            return None
        self._smooth(current, elapsed)
        if low is None or high is None or not capacity_ah or self._heard < LEARNING:
            return None
        load = self._load
        if abs(load) < TINY * capacity_ah or self._quick * load <= 0.0:
            return None
        # Two standard deviations of the five-minute load; never beyond tiny, never all of it.
        doubt = max(LEAST_DOUBT * abs(load), 2.0 * sqrt(self._swing))
        most, least = abs(load) + doubt, max(abs(load) - doubt, TINY * capacity_ah)
        if load < 0.0:
            return _forecast(
                "empty",
                36.0 * low * capacity_ah / most,
                36.0 * high * capacity_ah / least,
            )
        soonest = 36.0 * (100.0 - high) * capacity_ah / most
        return _forecast("full", soonest, _until_full((100.0 - low) * 0.01, least / capacity_ah))

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {"load": [self._quick, self._load, self._swing, self._heard, self._last]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``. Raises KeyError, TypeError or ValueError when it is none of ours."""
        self._quick, self._load, self._swing, self._heard, self._last = state["load"]

    def _begin(self, current: float) -> None:
        self._quick = self._load = self._last = current
        self._swing = self._heard = 0.0

    def _smooth(self, current: float, elapsed: float) -> None:
        last = self._last if self._last is not None else current
        mean = 0.5 * (last + current)
        self._last = current
        self._quick += (mean - self._quick) * -expm1(-elapsed / QUICK)
        if self._quick * self._load < 0.0:
            self._load, self._swing, self._heard = self._quick, 0.0, 0.0
            return
        self._heard += elapsed
        # At first all that was heard counts alike, then the last five minutes.
        self._load += (mean - self._load) * -expm1(-elapsed / min(SMOOTHING, self._heard))
        away = self._quick - self._load
        self._swing += (away * away - self._swing) * -expm1(-elapsed / SWINGS)


def _until_full(missing: float, rate: float) -> float:
    """Longest time to full in s: ``missing`` of the capacity at ``rate`` C, the last of it fading.

    The current of a charger that holds its voltage fades exponentially. How much goes in meanwhile
    depends on cells and charger; on a pack at home a twentieth is much.
    """
    if missing <= 0.0 or rate <= TAIL * 1.01:
        return max(0.0, 3600.0 * missing / rate)
    fading = min(missing, TAPER)
    return 3600.0 * ((missing - fading) / rate + fading * log(rate / TAIL) / (rate - TAIL))


def _forecast(what: str, low: float, high: float) -> Forecast | None:
    if low > LONGEST:
        return None
    return Forecast(what, max(0.0, low), min(LONGEST, max(0.0, high)))
