"""Grid and inverter as last heard, and how old that is."""

from datetime import timedelta
from typing import Any

from jk_bms.clock import Clock
from jk_bms.model import InverterSample
from jk_bms.model.freshness import INVERTER
from jk_bms.rules.base import Batteries, HouseView, InverterView
from jk_bms.rules.grid import LOST, PRESENT, UNKNOWN, GridWatch

ANCIENT = timedelta(days=1)  # a house whose newest record is older has no inverter program any more
LEAST_REAL = 2.0  # s of real time between two words, where the time of a simulated house runs fast
SHOWN = (
    "grid_voltage",
    "grid_power",
    "grid_current",
    "load_voltage",
    "load_frequency",
    "load_power",
    "load_current",
    "pv_voltage",
    "pv_power",
    "charge_power",
    "status",
)


class InverterState:
    """The inverter of the house, if there is one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._patience = max(INVERTER, LEAST_REAL * clock.speed)
        self._grid = GridWatch(self._patience)
        self._newest: InverterSample | None = None
        self._answered: InverterSample | None = None  # the newest that told values
        self._foreign_at: float | None = None  # s since boot, when a real one last spoke

    def take(self, sample: InverterSample) -> bool:
        """Take what an inverter says; return whether it counts: a made-up one does only where there is no other."""
        now = self._clock.monotonic()
        if sample.made_up and self._foreign_at is not None and now - self._foreign_at < INVERTER:
            return False
        if not sample.made_up:
            if self._age_of(sample) > ANCIENT.total_seconds():
                return False
            self._foreign_at = now
        self._newest = sample
        if sample.answered:
            self._answered = sample
        self._grid.feed(sample, self._clock.now())
        return True

    @property
    def age(self) -> float | None:
        """Seconds since the inverter last told values; None: there is no inverter."""
        known = self._answered or self._newest
        return None if known is None else self._age_of(known)

    @property
    def stale(self) -> bool:
        """Whether what it last told is too old to speak of now."""
        age = self.age
        return age is None or age > self._patience

    @property
    def grid(self) -> str:
        """``present``, ``lost`` or ``unknown``."""
        return self._grid.state(self._clock.monotonic())

    @property
    def on_battery(self) -> bool | None:
        """Whether the house has nothing but the battery; None: not known."""
        return {LOST: True, PRESENT: False}.get(self.grid)

    @property
    def could_charge(self) -> bool | None:
        """Whether there is something to charge with: the grid, or more sun than load; None: not known."""
        if self.stale or self._answered is None:
            return None
        if self.grid == PRESENT:
            return True
        sun, load = self._answered.pv_power, self._answered.load_power
        if sun is not None and load is not None and sun > load:
            return True
        return False if self.grid == LOST else None

    def view(self, battery_soc: float | None) -> InverterView:
        """Return what rules look at."""
        return InverterView(self._answered, self.age, self.grid, battery_soc, self._patience)

    def house(self, batteries: Batteries) -> HouseView:
        """Return what the rule of the dark house looks at."""
        return HouseView(self._answered, self.stale, self.grid, batteries, self.age)

    def shown(self) -> dict[str, Any] | None:
        """Return what the live socket tells of it; None: there is no inverter."""
        newest, age = self._newest, self.age
        if newest is None or age is None:
            return None
        values = self._answered or newest
        told: dict[str, Any] = {name: value for name in SHOWN if (value := getattr(values, name)) is not None}
        grid, since = self.grid, self._grid.since
        told["time"] = values.taken_at.isoformat(timespec="seconds")
        told["age"] = age
        told["grid"] = {
            "state": grid,
            "for": None if since is None or grid == UNKNOWN else self._clock.monotonic() - since,
        }
        told["error"] = newest.error
        return told

    def _age_of(self, sample: InverterSample) -> float:
        """How old ``sample`` is: by its own time where the clock can be trusted, else since we learned of it."""
        learned = self._clock.monotonic() - sample.monotonic
        if not self._clock.trusted():
            return learned
        return max(learned, (self._clock.now() - sample.taken_at).total_seconds())
