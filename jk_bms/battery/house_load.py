"""What a house draws from its battery: in the last hours, and usually at each hour of the day.

A fridge that comes and goes, or a kettle, is part of what a house usually draws and is averaged over hours; what
is really new counts once it has lasted a quarter of an hour. Time is cut into blocks of five minutes. A block tells
of the load only while the battery carries the house: not while it is charged, and not in a time without current
that no discharge ends soon, for then the grid carries it.
"""

from collections.abc import Mapping
from math import exp, isfinite, sqrt
from typing import Any, NamedTuple

BLOCK = 300.0  # s
RECENT = 36  # blocks that tell the load of now: what comes and goes does so several times in them
PAUSE = 9  # blocks without current that may be the pause of a fridge
LASTING = 3  # blocks after which a load that was not there before is no kettle
BEYOND = 2.0  # times the usual ups and downs: what differs by more is another load
ALIKE = 2400.0  # s for which a load that comes and goes is alike
COMES = 600.0  # s: the same, of what is still to come: a fridge is as long off as it was on
SWINGS = 150  # blocks over which the ups and downs are judged
WEEK = 7  # days over which an hour is averaged
LEAST_HOUR = 1800.0  # s of an hour that must have been heard
LEAST_HOURS = 4  # of the day that must be known to speak of what is usual
UNKNOWN = 1.1  # times what is known an hour may draw that was never heard: by day people are awake
DAY_DOUBT = 0.25  # of an hour's mean: how much it differs from day to day, until that is known
DAY_ALIKE = 5400.0  # s for which a day that differs from the usual is alike
LASTS = 1e9  # s
PASSES = 3600.0  # s after which a difference from the usual is gone, if it is one that goes
STRANGE, STRANGE_AFTER = (
    0.12,
    6 * 3600.0,
)  # of a load: how much another it may be then, while no hours are known
HOUR, HOURS = 3600.0, 24
LONGEST = 30 * 24  # hours looked ahead


class Rates(NamedTuple):
    """What the house is expected to draw until a charge is used up, in A on the average."""

    most: float  # if the present difference from the usual lasts or goes, whichever is more
    least: float
    doubt: float  # A, one standard deviation, about each


class HouseLoad:
    """The load of one pack, A out of it. Starts knowing nothing."""

    def __init__(self) -> None:
        self._recent: list[float] = []  # A, mean of each block, the last one last
        self._pause: list[tuple[float, int | None]] = []  # A and hour of blocks that may be a pause
        self._block = [0.0, 0.0]  # A s, s of the block that is not full yet
        self._swing = 0.0  # A²: of a block about the mean of those before
        self._swings = 0  # blocks that told it
        self._usual = [0.0] * HOURS  # A, by hour of the day (UTC: it only has to come again each day)
        self._days = [0] * HOURS  # on which that was heard
        self._apart = 0.0  # square of how much the mean of an hour differs from the usual, as a share
        self._aparts = 0
        self._hour: list[float] = [-1.0, 0.0, 0.0]  # the hour that is being heard, A s, s; -1: none
        self._before: tuple[int, float] | None = None  # the hour before it, A: not yet in what is usual
        self._free = 0.0  # s since the battery was charged

    def begin(self) -> None:
        """Go on after a time that was not heard, or another flow: what it draws now is not known."""
        self._recent.clear()
        self._spoil()

    def _spoil(self) -> None:
        self._pause.clear()
        self._block = [0.0, 0.0]
        self._hour, self._before = [-1.0, 0.0, 0.0], None
        self._free = 0.0

    def take(self, load: float, seconds: float, hour: int | None, tiny: float) -> bool:
        """Take in a ``load`` in A; return whether a block is full.

        ``hour``: of the day, None: not known. Below ``tiny`` A it may be the grid that carries the house, below
        minus that the battery is charged.
        """
        if load < -tiny:
            self._spoil()
            return False
        block = self._block
        block[0] += max(0.0, load) * seconds
        block[1] += seconds
        if block[1] < BLOCK:
            return False
        mean = round(block[0] / block[1], 3)
        self._block = [0.0, 0.0]
        self._pause.append((mean, hour))
        if mean >= tiny:
            for each in self._pause:
                self._heard(*each)
            self._pause.clear()
        elif len(self._pause) > PAUSE:
            self.begin()
        return True

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "recent": list(self._recent),
            "pause": [list(each) for each in self._pause],
            "block": list(self._block),
            "swing": [self._swing, self._swings],
            "usual": list(self._usual),
            "days": list(self._days),
            "apart": [self._apart, self._aparts],
            "hour": list(self._hour),
            "before": self._before and list(self._before),
            "free": self._free,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``. Raises KeyError, TypeError or ValueError, and changes nothing, when it is none of ours."""
        recent = [_number(each) for each in state["recent"]]
        pause = [(_number(load), None if hour is None else int(hour)) for load, hour in state["pause"]]
        amount, seconds = map(_number, state["block"])
        swing, swings = map(_number, state["swing"])
        usual, days = [_number(each) for each in state["usual"]], [int(each) for each in state["days"]]
        apart, aparts = map(_number, state["apart"])
        hour, hour_amount, hour_seconds = map(_number, state["hour"])
        before = state["before"]
        if before is not None:
            before = (int(before[0]), _number(before[1]))
        free = _number(state["free"])
        if len(usual) != HOURS or len(days) != HOURS:
            raise ValueError(
                f"load of a house: {len(usual)} and {len(days)} hours of a day; expected {HOURS}"
            )
        self._recent, self._pause, self._block = recent, pause, [amount, seconds]
        self._swing, self._swings, self._usual, self._days = swing, int(swings), usual, days
        self._apart, self._aparts = apart, int(aparts)
        self._hour, self._before, self._free = [hour, hour_amount, hour_seconds], before, free

    @property
    def paused(self) -> bool:
        """Whether there is a pause that a fridge may make."""
        return bool(self._pause)

    def level(self, now: float, heard: float) -> tuple[float, float]:
        """Return the load of now and its doubt, in A; ``now``: of the ``heard`` s of the last minutes."""
        known = self._recent
        mean = sum(known) / len(known) if len(known) >= LASTING else now
        seconds = max(heard if not known else 0.0, BLOCK * len(known))
        return mean, sqrt(self._swing / max(0.5, seconds / ALIKE))

    def rates(self, level: float, unsure: float, charge: float, at: float | None) -> Rates:
        """Say what is drawn until ``charge`` Ah are used up, from ``at`` s after midnight (UTC) on.

        ``level`` and ``unsure``: see ``level``.
        """
        known = sorted(usual for usual, days in zip(self._usual, self._days, strict=True) if days)
        if at is None or len(known) < LEAST_HOURS:
            return self._strange(level, unsure, charge)
        half = len(known) // 2
        little, much = sum(known[:half]) / half, sum(known[-half:]) / half
        lately = self._lately(at)
        apart = level - (min(max(level, little), much) if lately is None else lately)
        # Only what is more than the ups and downs of every day is a difference.
        apart = max(0.0, apart - unsure) if apart > 0 else min(0.0, apart + unsure)
        # A difference lasts, or it passes; hours that are not known are as now, or as the busier or the
        # quieter half of the others.
        courses = [
            self._played(level, apart, passes, other, charge, at)
            for passes in (LASTS, PASSES)
            for other in (UNKNOWN * max(level, much), min(level, little))
        ]
        most, how_long, days = max(courses)
        least = min(courses)[0]
        share = self._apart if self._aparts >= HOURS // 4 else DAY_DOUBT**2
        varies = share * (1.0 + 1.0 / days) / (1.0 + how_long / DAY_ALIKE)
        return Rates(most, least, sqrt(self._swing / (1.0 + how_long / COMES) + varies * most * least))

    def _strange(self, level: float, unsure: float, charge: float) -> Rates:
        how_long = charge / level * HOUR
        another = STRANGE * level * min(1.0, how_long / STRANGE_AFTER)
        return Rates(level, level, sqrt(unsure**2 + self._swing / (1.0 + how_long / COMES) + another**2))

    def _lately(self, at: float) -> float | None:
        """The usual load, in A, of the time of which the load of now is the mean; None: not known."""
        blocks = max(1, len(self._recent))
        hours = [int((at - BLOCK * i) // HOUR) % HOURS for i in range(blocks)]
        known = [self._usual[hour] for hour in hours if self._days[hour]]
        return sum(known) / len(known) if known else None

    def _played(
        self, level: float, apart: float, passes: float, other: float, charge: float, at: float
    ) -> tuple[float, float, float]:
        """Let the coming hours draw what they usually draw, ``other`` where that is not known; the difference passes.

        Returns A on the average until ``charge`` Ah are used up, s until then, and how many days told that.
        """
        used = passed = days = 0.0
        for _ in range(LONGEST):
            hour = int((at + passed) // HOUR) % HOURS
            rest = HOUR - (at + passed) % HOUR
            amps, usual = other, self._usual[hour]
            if self._days[hour]:
                amps = max(usual + apart * exp(-(passed + 0.5 * rest) / passes), min(usual, level))
            if used + amps * rest / HOUR >= charge:
                last = (charge - used) / amps * HOUR
                days += max(1, self._days[hour]) * last
                passed += last
                return charge / passed * HOUR, passed, days / passed
            used += amps * rest / HOUR
            days += max(1, self._days[hour]) * rest
            passed += rest
        return used / passed * HOUR, passed, days / passed

    def _heard(self, load: float, hour: int | None) -> None:
        recent = self._recent
        if len(recent) >= 2 * LASTING:
            mean = sum(recent) / len(recent)
            away = load - mean
            # Something quite new is not an up and down until it has come again.
            most = max(self._swing, (0.3 * mean) ** 2) * 16.0
            self._swings = min(SWINGS, self._swings + 1)
            self._swing += (min(away * away, most) - self._swing) / self._swings
        recent.append(load)
        if len(recent) > RECENT:
            del recent[0]
        if len(recent) > 2 * LASTING:
            before, now = recent[:-LASTING], recent[-LASTING:]
            mean = sum(before) / len(before)
            wide = max(BEYOND * sqrt(self._swing), 0.1 * mean)
            if min(now) > mean + wide or max(now) < mean - wide:
                del recent[:-LASTING]
        # In the hour after a charge, and in the one before, the sun may have carried a part.
        self._free += BLOCK
        if self._free <= HOUR:
            return
        if hour != self._hour[0]:
            self._close()
            self._hour = [-1.0 if hour is None else float(hour), 0.0, 0.0]
        self._hour[1] += load * BLOCK
        self._hour[2] += BLOCK

    def _close(self) -> None:
        """Put the hour before the one that is over into what is usual."""
        hour, amount, seconds = int(self._hour[0]), self._hour[1], self._hour[2]
        if self._before is not None:
            self._learn(*self._before)
        self._before = (hour, amount / seconds) if hour >= 0 and seconds >= LEAST_HOUR else None

    def _learn(self, hour: int, mean: float) -> None:
        usual, days = self._usual[hour], self._days[hour]
        if days and usual > 0.0:
            self._aparts = min(HOURS * WEEK // 2, self._aparts + 1)
            self._apart += (min(1.0, (mean / usual - 1.0) ** 2) - self._apart) / self._aparts
        self._days[hour] = min(WEEK, days + 1)
        self._usual[hour] = round(usual + (mean - usual) / self._days[hour], 3)


def _number(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"load of a house: {value!r} is no finite number")
    return number
