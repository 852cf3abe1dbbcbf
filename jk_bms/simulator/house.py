"""A house through the days: what its people switch on, when the sun shines, when the grid fails.

Everything is a function of the time, so it is the same however often one looks. Times are
seconds of local time since the first day of the calendar.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from jk_bms.simulator.noise import Noise

DAY = 86_400
LATITUDE = math.radians(49.0)
TILT_GAIN = 1.15  # panels that look at the sun see more of it than flat ground
REFERENCE_WH = 16 * 3.2 * 280.0  # the pack this house was made for; others get a house to scale


class Habit(NamedTuple):
    """Something that is switched on now and then. Hours of the day, seconds, W."""

    name: str
    watts: float
    times: tuple[float, float]  # how often a day, from .. to
    hours: tuple[float, float]  # when
    lasts: tuple[float, float]


# fmt: off
HABITS = (
    #      name              W     a day        between       for .. seconds
    Habit("kettle",          1900, (4, 7),      (6.5, 21.5),  (150, 260)),
    Habit("microwave",       1100, (2, 4),      (7.0, 21.0),  (90, 300)),
    Habit("pump",             750, (12, 22),    (6.0, 23.0),  (40, 100)),
    Habit("vacuum",          1200, (0, 1),      (10.0, 17.0), (600, 1500)),
    Habit("washing, heating", 2000, (0, 1),     (9.0, 15.0),  (700, 1000)),
    Habit("washing, turning", 250, (0, 1),      (9.5, 15.5),  (3000, 4200)),
    Habit("desk",             150, (1, 2),      (8.5, 11.0),  (7200, 18000)),
    Habit("cooking",          900, (1, 2),      (17.3, 19.0), (1200, 2400)),
    Habit("television",       190, (1, 1),      (17.5, 19.0), (12000, 16000)),
    Habit("lights",           130, (1, 1),      (16.5, 17.6), (19000, 22000)),
    Habit("boiler",          1700, (1, 1),      (19.5, 21.5), (3600, 5400)),
    Habit("heat pump",        650, (2, 3),      (17.0, 22.0), (2400, 4800)),
    Habit("lights at night",   60, (0, 3),      (0.0, 5.5),   (200, 700)),
)
# Things that run by themselves: W, seconds on, seconds off.
CYCLES = (("fridge", 120, 1020, 1680), ("freezer", 95, 900, 2340), ("circulation", 55, 420, 760))
# When the grid fails: hours between which a cut begins, hours it lasts.
CUT_SLOTS = (((0.5, 3.0), (1.0, 3.0)), ((6.5, 9.0), (1.0, 3.5)), ((11.5, 15.0), (0.8, 3.0)), ((17.5, 20.5), (1.5, 3.4)))
# fmt: on
BASE = 310.0  # W: router, standby, aquarium


class DayPlan(NamedTuple):
    """One day: where the sum of what is switched on changes, the cuts, the weather."""

    seconds: list[float]
    watts: list[float]  # from seconds[i] on
    cuts: tuple[tuple[float, float], ...]  # s of the day, from .. to
    clouds: float  # 0 clear .. 1 dull


class House:
    """Loads, sun and grid of a house; ``scale`` 1 fits a pack of 14 kWh."""

    def __init__(
        self, seed: int, *, scale: float = 1.0, panel_watts: float = 4200.0, cuts: bool = True
    ) -> None:
        self.scale = scale
        self.panel_watts = panel_watts
        self.cuts = cuts
        self._seed = seed
        self._noise = Noise(f"{seed}:house")
        # The plan of the day with this ordinal.
        self.plan: Callable[[int], DayPlan] = lru_cache(maxsize=4)(self._plan)

    def load(self, t: float) -> float:
        """Power that the house wants, in W."""
        day = int(t // DAY)
        plan = self.plan(day)
        switched = plan.watts[bisect_right(plan.seconds, t - day * DAY) - 1]
        noise = self._noise
        hum = 30.0 * noise.at(t, 700.0) + 22.0 * noise.at(t, 41.0) + 14.0 * noise.at(t, 3.7)
        return (BASE + switched * (1.0 + 0.01 * noise.at(t, 2.9)) + hum) * self.scale

    def sun(self, t: float) -> float:
        """Power that the panels could give, in W."""
        day = int(t // DAY)
        hour_angle = (t - day * DAY) / DAY * 2.0 * math.pi - math.pi
        height = _height(day, hour_angle)
        if height <= 0.0:
            return 0.0
        noise, clouds = self._noise, self.plan(day).clouds
        cover = clouds + 0.45 * noise.at(t, 2700.0) + 0.25 * noise.at(t, 420.0) + 0.08 * noise.at(t, 31.0)
        passed = 1.0 - 0.85 * min(1.0, max(0.0, cover))
        flicker = 1.0 + 0.01 * noise.at(t, 4.3)
        seen: float = min(1.0, TILT_GAIN * math.pow(height, 1.2))
        return self.panel_watts * self.scale * seen * passed * flicker

    def grid(self, t: float) -> bool:
        """Whether there is grid power."""
        day = int(t // DAY)
        second = t - day * DAY
        return not any(begin <= second < end for begin, end in self.plan(day).cuts)

    def _plan(self, day: int) -> DayPlan:
        rng = random.Random(f"{self._seed}:day:{day}")
        changes = [(0.0, 0.0)]
        for habit in HABITS:
            for begin, end in _occasions(habit, rng):
                changes += [(begin, habit.watts), (end, -habit.watts)]
        for _, watts, on, off in CYCLES:
            for begin, end in _cycle(on, off, rng):
                changes += [(begin, watts), (end, -watts)]
        changes.sort()
        seconds, watts_at, total = [], [], 0.0
        for second, change in changes:
            total += change
            seconds.append(second)
            watts_at.append(total)
        slots = sorted(rng.sample(range(len(CUT_SLOTS)), rng.choice((1, 2, 2, 3)))) if self.cuts else []
        cuts = []
        for slot in slots:
            (earliest, latest), (shortest, longest) = CUT_SLOTS[slot]
            begin = rng.uniform(earliest, latest)
            cuts.append((begin * 3600.0, min(24.0, begin + rng.uniform(shortest, longest)) * 3600.0))
        return DayPlan(seconds, watts_at, tuple(cuts), rng.choice((0.0, 0.15, 0.35, 0.6, 0.95)))


def _occasions(habit: Habit, rng: random.Random) -> Iterator[tuple[float, float]]:
    for _ in range(rng.randint(int(habit.times[0]), int(habit.times[1]))):
        begin = rng.uniform(*habit.hours) * 3600.0
        yield begin, min(DAY - 1.0, begin + rng.uniform(*habit.lasts))


def _cycle(on: float, off: float, rng: random.Random) -> Iterator[tuple[float, float]]:
    begin = rng.uniform(0.0, off)
    while begin < DAY - 1.0:
        end = min(DAY - 1.0, begin + on * rng.uniform(0.8, 1.25))
        yield begin, end
        begin = end + off * rng.uniform(0.8, 1.25)


def _height(day: int, hour_angle: float) -> float:
    """Sine of the sun's height above the horizon."""
    over, along = _sun_path(day)
    return over + along * math.cos(hour_angle)


@lru_cache(maxsize=4)
def _sun_path(day: int) -> tuple[float, float]:
    day_of_year = date.fromordinal(day).timetuple().tm_yday
    declination = math.radians(23.44) * math.sin(2.0 * math.pi * (day_of_year - 81) / 365.25)
    return math.sin(LATITUDE) * math.sin(declination), math.cos(LATITUDE) * math.cos(declination)
