"""How long the pack will last, at what its house usually draws, or how long until it is full."""

from collections.abc import Callable, Mapping
from math import expm1, log, sqrt
from typing import Any, NamedTuple

from jk_bms.battery.house_load import HouseLoad, Rates
from jk_bms.battery.hypotheses import Belief
from jk_bms.model import Sample

SMOOTHING = 300.0  # s: the load that counts
SWINGS = 1200.0  # s: over which the ups and downs of that load are judged
QUICK = 30.0  # s: how soon a change between charge and discharge is noticed
LEARNING = 120.0  # s of load on this side of zero before anything is said
LONGEST_GAP = 600.0  # s: after a longer one the load is unknown
TINY = 0.005  # C: below it everything lasts for days and it is not known how many
LEAST_DOUBT = 0.02  # of the load, though it may have stood still for an hour
SOON = 3600.0  # s: an end within that may be the present load's, whatever is usual
SURE = 1.25  # standard deviations of load and capacity, beside the band of the charge
TAIL = 0.04  # C: where a charger calls the pack full
TAPER = 0.05  # of the capacity: at most so much goes in while the current fades
LONGEST = 30 * 86_400.0  # s; more is not a forecast


class Forecast(NamedTuple):
    """When the pack will be ``what``: in ``low`` to ``high`` s."""

    what: str  # empty, full
    low: float
    high: float
    drain: tuple[float, float] | None = None  # of what will be empty: see ``Sample``


class Beliefs(NamedTuple):
    """What is believed of sensor and capacity."""

    offset: Belief  # A that the sensor reads too much
    capacity: Belief  # Ah, as the sensor counts them


class Runtime:
    """The load of one pack, and what follows from it."""

    def __init__(self) -> None:
        self._quick = self._load = self._swing = 0.0  # A, A, A²
        self._heard = 0.0  # s of load on this side of zero
        self._last: float | None = None
        self._house = HouseLoad()
        self._rates: Rates | None = None  # as drawn at the last block
        self._beliefs: Beliefs | None = None

    def feed(
        self,
        sample: Sample,
        low: float | None,
        high: float | None,
        capacity_ah: float | None,
        elapsed: float | None,
        beliefs: Callable[[], Beliefs | None] = lambda: None,
    ) -> Forecast | None:
        """Take in the load; return the forecast for a SoC between ``low`` and ``high`` %.

        None while the current is tiny, the load new, or charge or capacity unknown. ``beliefs`` is asked
        every few minutes: what the counter believes of its sensor and the capacity; None: the latter is sure.
        The hours of the day tell what is usual only where the time of ``sample`` is trusted.
        """
        current = sample.current
        if current is None:
            return None
        if elapsed is None or not 0.0 <= elapsed <= LONGEST_GAP or self._last is None:
            self._begin(current)
            return None
        tiny = TINY * (capacity_ah or 0.0)
        mean = self._smooth(current, elapsed, tiny)
        at = None
        if sample.clock_trusted:
            taken = sample.taken_at
            at = 3600.0 * taken.hour + 60.0 * taken.minute + taken.second
        full = self._house.take(-mean, elapsed, None if at is None else int(at // 3600.0), tiny)
        if full or self._load >= 0.0:
            self._rates = None
        if low is None or high is None or not capacity_ah or self._heard < LEARNING:
            return None
        if full or self._beliefs is None:
            self._beliefs = beliefs() or Beliefs(Belief(0.0, 0.0), Belief(capacity_ah, 0.0))
        capacity = self._beliefs.capacity
        if self._load > 0.0 and self._quick > 0.0:
            return self._full_in(low, high, capacity, tiny)
        if self._load > tiny or self._quick > tiny:
            return None
        return self._empty_in(low, high, capacity, tiny, at)

    def _empty_in(
        self, low: float, high: float, capacity: Belief, tiny: float, at: float | None
    ) -> Forecast | None:
        now = -self._load
        level, unsure = self._house.level(now, self._heard)
        if max(level, now) < tiny or (now < tiny and not self._house.paused):
            return None
        if self._rates is None:
            charge = 0.01 * max(0.5 * (low + high), 1.0) * capacity.mean
            self._rates = self._house.rates(max(level, tiny), unsure, charge, at)
        most, least = self._spread(self._rates, capacity)
        # Warnings may not wait until a load has shown that it lasts, nor for a larger one that is usual.
        present = (now + _doubt(now, self._swing)) * (1.0 + SURE * capacity.sigma / capacity.mean)
        likely, sure = max(now, 0.5 * (most + least)), max(present, most)
        drain = (100.0 * likely / capacity.mean, 100.0 * sure / capacity.mean)
        if 36.0 * low * capacity.mean < SOON * present:
            most = sure
        return _forecast(
            "empty", 36.0 * low * capacity.mean / most, 36.0 * high * capacity.mean / least, drain
        )

    def _spread(self, rates: Rates, capacity: Belief) -> tuple[float, float]:
        """Return the most and the least that is drawn, in A; what is not known of the capacity is in it."""
        assert self._beliefs is not None
        # An offset and what a house draws below the dead band look alike from full to full: half is believed.
        offset = 0.5 * self._beliefs.offset.mean
        wrong = offset**2 + self._beliefs.offset.sigma**2
        ends = []
        for rate in (rates.most, rates.least):
            amps = max(0.5 * rate, rate + offset)
            doubt = sqrt((rates.doubt**2 + wrong) / amps**2 + (capacity.sigma / capacity.mean) ** 2)
            ends.append((amps, 1.0 + max(LEAST_DOUBT, SURE * doubt)))
        (most, above), (least, below) = ends
        return most * above, least / below

    def _full_in(self, low: float, high: float, capacity: Belief, tiny: float) -> Forecast | None:
        load = self._load
        if load < tiny:
            return None
        doubt = _doubt(load, self._swing)
        wrong = 1.0 + SURE * capacity.sigma / capacity.mean
        most, least = (load + doubt) * wrong, max(load - doubt, tiny) / wrong
        soonest = 36.0 * (100.0 - high) * capacity.mean / most
        return _forecast("full", soonest, _until_full((100.0 - low) * 0.01, least / capacity.mean))

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        beliefs = self._beliefs
        return {
            "load": [self._quick, self._load, self._swing, self._heard, self._last],
            "house": self._house.state(),
            "rates": self._rates and list(self._rates),
            "beliefs": beliefs and [*beliefs.offset, *beliefs.capacity],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, also one that knew the last minutes only.

        Raises KeyError, TypeError or ValueError when it is none of ours.
        """
        house = HouseLoad()
        if (known := state.get("house")) is not None:
            house.restore(known)
        rates, beliefs = state.get("rates"), state.get("beliefs")
        told = None if rates is None else Rates(*rates)
        believed = None if beliefs is None else Beliefs(Belief(*beliefs[:2]), Belief(*beliefs[2:]))
        self._quick, self._load, self._swing, self._heard, self._last = state["load"]
        self._house, self._rates, self._beliefs = house, told, believed

    def _begin(self, current: float) -> None:
        self._quick = self._load = self._last = current
        self._swing = self._heard = 0.0
        self._house.begin()
        self._rates = None

    def _smooth(self, current: float, elapsed: float, tiny: float) -> float:
        """Take in ``current``; return its mean since the sample before."""
        last = self._last if self._last is not None else current
        mean = 0.5 * (last + current)
        self._last = current
        self._quick += (mean - self._quick) * -expm1(-elapsed / QUICK)
        if self._quick * self._load < 0.0 and abs(self._quick) > tiny:
            self._load, self._swing, self._heard = self._quick, 0.0, 0.0
            self._house.begin()
            return mean
        self._heard += elapsed
        # At first all that was heard counts alike, then the last five minutes.
        self._load += (mean - self._load) * -expm1(-elapsed / min(SMOOTHING, self._heard))
        away = self._quick - self._load
        self._swing += (away * away - self._swing) * -expm1(-elapsed / SWINGS)
        return mean


def _until_full(missing: float, rate: float) -> float:
    """Longest time to full in s: ``missing`` of the capacity at ``rate`` C, the last of it fading.

    The current of a charger that holds its voltage fades exponentially. How much goes in meanwhile
    depends on cells and charger; on a pack at home a twentieth is much.
    """
    if missing <= 0.0 or rate <= TAIL * 1.01:
        return max(0.0, 3600.0 * missing / rate)
    fading = min(missing, TAPER)
    return 3600.0 * ((missing - fading) / rate + fading * log(rate / TAIL) / (rate - TAIL))


def _doubt(load: float, swing: float) -> float:
    """Two standard deviations of the five-minute load."""
    return max(LEAST_DOUBT * load, 2.0 * sqrt(swing))


def _forecast(
    what: str, low: float, high: float, drain: tuple[float, float] | None = None
) -> Forecast | None:
    if low > LONGEST:
        return None
    return Forecast(what, max(0.0, low), min(LONGEST, max(0.0, high)), drain)
