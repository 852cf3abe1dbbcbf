"""The grid: there, gone or unknown; and an inverter that does not answer.

Voltage is judged before power: a grid that gives nothing because the sun carries the house is
not lost. What is missing is unknown, never lost.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from jk_bms.model import InverterSample
from jk_bms.model.freshness import INVERTER
from jk_bms.rules import example
from jk_bms.rules.base import LONG_WAIT, Grade, InverterView, Look, Rule
from jk_bms.rules.causes import HOUSE_DARK
from jk_bms.rules.levels import Bounds, C, E, always, grade
from jk_bms.rules.telling import Telling

PRESENT, LOST, UNKNOWN = "present", "lost", "unknown"
VOLTS, WATTS = 50.0, 10.0  # more of it is a grid
SUN_CARRIES = 0.8  # of the load: then nothing need come from the grid
CONFIRM = 2  # records in a row


def grid_of(sample: InverterSample) -> str:
    """Return what one reading says of the grid: present, lost or unknown."""
    if sample.error is not None:
        return UNKNOWN
    if sample.grid_voltage is not None:
        return PRESENT if sample.grid_voltage > VOLTS else LOST
    if sample.grid_power is None:
        return UNKNOWN
    if sample.grid_power > WATTS:
        return PRESENT
    sun, load = sample.pv_power, sample.load_power
    if sun is not None and sun > WATTS and (load is None or sun >= SUN_CARRIES * load):
        return UNKNOWN
    return LOST


class GridWatch:
    """Follows the grid through the inverter's readings. ``since`` is in s since boot.

    A reading older than ``oldest`` s says nothing of now.
    """

    def __init__(self, oldest: float = INVERTER) -> None:
        self._oldest = oldest
        self.since: float | None = None  # when the present state began; None: it was so when first seen
        self._state = UNKNOWN
        self._candidate: tuple[str, int, float] | None = None  # state, records, first seen
        self._newest: datetime | None = None
        self._good: float | None = None  # when the newest record that says anything came

    def feed(self, sample: InverterSample, now: datetime) -> str:
        """Take in a reading at ``now``; return the state: present, lost, unknown.

        Readings that say nothing, come twice or are too old do not count.
        """
        seen = grid_of(sample)
        if seen == UNKNOWN or not self._counts(sample, now):
            return self.state(sample.monotonic)
        if self.state(sample.monotonic) == UNKNOWN and self._state != UNKNOWN:
            self._state, self._candidate = UNKNOWN, None  # too long ago
        self._newest, self._good = sample.taken_at, sample.monotonic
        if seen == self._state:
            self._candidate = None
            return self._state
        first = sample.monotonic
        count = 1
        if self._candidate is not None and self._candidate[0] == seen:
            _, count, first = self._candidate
            count += 1
        self._candidate = (seen, count, first)
        if count >= CONFIRM:
            # What was there before us, or came while nothing was heard, began at a time that is not known.
            self.since = None if self._state == UNKNOWN else first
            self._state, self._candidate = seen, None
        return self._state

    def state(self, at: float) -> str:
        """Return the state at ``at`` s since boot; unknown when nothing was heard for too long."""
        return UNKNOWN if self._good is None or at - self._good > self._oldest else self._state

    def _counts(self, sample: InverterSample, now: datetime) -> bool:
        if abs((now - sample.taken_at).total_seconds()) > self._oldest:
            return False
        return self._newest is None or sample.taken_at != self._newest


_LOST_GRADES = (grade(C, 2001, Bounds(1.0, 0.0), samples=1, seconds=0.0, digits=0),)


def _lost(view: InverterView) -> Mapping[str, Look | None] | None:
    if view.grid == UNKNOWN:
        return None
    facts = {"soc": view.battery_soc}
    if view.sample is not None:
        facts |= {"load_power": view.sample.load_power, "voltage": view.sample.grid_voltage}
    return {"": Look(1.0 if view.grid == LOST else 0.0, facts)}


GRID_LOST = Rule(
    "grid_lost",
    InverterView,
    always(_LOST_GRADES),
    _lost,
    rising=True,
    example=lambda: example.inverter(grid=LOST, grid_voltage=0.0, grid_power=0.0),
    clear_samples=1,
    flap_wait=LONG_WAIT,
    first_untold=True,
    hidden_by=(HOUSE_DARK,),  # which says more: the house does not run on the battery any longer
    rings_again=False,  # it lasts for hours on most days, and what follows from it rings itself
    telling=Telling(state="grid", place=3),
)


@lru_cache(maxsize=4)
def stale_grades(patience: float) -> tuple[Grade, ...]:
    """Return the grades of an inverter that is missed after ``patience`` s."""
    return (grade(E, 2002, Bounds(patience + 1.0, patience / 2.0), samples=1, seconds=0.0, digits=0),)


def _stale_grades(view: InverterView) -> tuple[Grade, ...]:
    return stale_grades(view.patience)


def _stale(view: InverterView) -> Mapping[str, Look | None] | None:
    return None if view.age is None else {"": Look(round(view.age))}


INVERTER_STALE = Rule(
    "inverter_stale",
    InverterView,
    _stale_grades,
    _stale,
    rising=True,
    example=lambda: example.inverter(grid=UNKNOWN, age=400.0),
    unit="s",
    age=True,
    clear_samples=2,
)
