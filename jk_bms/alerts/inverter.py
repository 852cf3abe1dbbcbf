"""Grid and inverters as last heard, and how old that is: each of them, and all together as the house has them."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple

import msgspec

from jk_bms.clock import Clock
from jk_bms.model import Inverter, InverterSample
from jk_bms.model.freshness import INVERTER
from jk_bms.model.inverter import INVERTER_QUANTITIES, Rank, together
from jk_bms.model.snapshot import GridNow, InverterShown, InvertersTold, OneInverter
from jk_bms.rules.base import Batteries, HouseView, InverterView
from jk_bms.rules.grid import LOST, PRESENT, UNKNOWN, GridWatch

ANCIENT = timedelta(days=1)  # a house whose newest record is older has no inverter program any more
LEAST_REAL = 2.0  # s of real time between two words, where the time of a simulated house runs fast
SHOWN = (*(q.attribute for q in INVERTER_QUANTITIES if not q.of_battery), "status")


class InverterNow(NamedTuple):
    """What is known at this moment of an inverter, or of all together. ``age`` is None: nothing was heard yet."""

    values: InverterSample | None = (
        None  # of its newest word that told any; of a house: what they say together
    )
    age: float | None = None  # s since then; of one that never told any: since it was first heard
    grid: str = UNKNOWN  # present, lost, unknown: confirmed by two words
    grid_for: float | None = None  # s; None: it was so when it was first seen, or it is not known
    error: str | None = None  # why it could not be read the last time
    patience: float = INVERTER  # s: an older word says nothing of now

    @property
    def stale(self) -> bool:
        """Whether what it last told is too old to speak of now."""
        return self.age is None or self.age > self.patience

    @property
    def answered(self) -> InverterSample | None:
        """The newest that told values; None: none did yet."""
        return None if self.values is None or not self.values.answered else self.values

    @property
    def blind(self) -> bool:
        """Whether it answers and cannot see whether there is a grid."""
        told = self.answered
        return not self.stale and told is not None and told.grid_voltage is None and told.grid_power is None

    @property
    def on_battery(self) -> bool | None:
        """Whether there is nothing but the battery; None: not known."""
        return {LOST: True, PRESENT: False}.get(self.grid)

    @property
    def could_charge(self) -> bool | None:
        """Whether there is something to charge with: the grid, or more sun than load; None: not known."""
        if self.stale or self.answered is None:
            return None
        if self.grid == PRESENT:
            return True
        sun, load = self.answered.pv_power, self.answered.load_power
        if sun is not None and load is not None and sun > load:
            return True
        return False if self.grid == LOST else None

    def view(self, battery_soc: float | None) -> InverterView:
        """Return what rules of the inverter look at.

        One that told nothing yet is not missed before its time, nor is it back: its ``age`` is not known.
        """
        age = None if self.answered is None and not self.stale else self.age
        return InverterView(self.answered, age, self.grid, battery_soc, self.patience)

    def house(self, batteries: Batteries) -> HouseView:
        """Return what the rule of the dark house looks at."""
        return HouseView(self.answered, self.stale, self.grid, batteries, self.age)

    def shown(self) -> InverterShown | None:
        """Return what the live socket tells of it; None: nothing was heard yet."""
        if self.values is None or self.age is None:
            return None
        return InverterShown(
            **{name: getattr(self.values, name) for name in SHOWN},
            time=self.values.taken_at.isoformat(timespec="seconds"),
            age=self.age,
            grid=GridNow(state=self.grid, lasts=self.grid_for),
            error=self.error,
        )


def house_now(each: Sequence[InverterNow]) -> InverterNow:
    """Return what all inverters of a house are together; ``each`` is in the order of the house.

    Of several, those that are heard now speak; where none is, what all said last. The grid is there as soon as
    one sees it, and lost only when each that can see it says so.
    """
    if len(each) == 1:
        return each[0]
    known = [now for now in each if now.values is not None]
    fresh = [now for now in known if not now.stale]
    used = [now for now in fresh if now.answered is not None] or known
    if not used:
        return InverterNow()
    ages = [now.age for now in used if now.age is not None]
    grid = _grid(each)
    return InverterNow(
        together([now.values for now in used if now.values is not None], of=len(each)),
        max(ages) if fresh else min(ages),
        grid,
        _grid_for(grid, each),
        None if fresh else next((now.error for now in known if now.error), None),
        used[0].patience,
    )


def _grid(each: Collection[InverterNow]) -> str:
    if any(now.grid == PRESENT for now in each):
        return PRESENT
    seeing = [now.grid for now in each if not now.blind]
    return LOST if seeing and all(grid == LOST for grid in seeing) else UNKNOWN


def _grid_for(grid: str, each: Collection[InverterNow]) -> float | None:
    """Since when, in s: it is there since the first has it, and away since the last lost it."""
    spans = [now.grid_for for now in each if now.grid == grid]
    known = [span for span in spans if span is not None]
    if grid == LOST:
        return min(known, default=None)
    return max(known) if grid == PRESENT and len(known) == len(spans) and known else None


class InverterState:
    """One inverter, followed through its words."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._patience = max(INVERTER, LEAST_REAL * clock.speed)
        self._grid = GridWatch(self._patience)
        self._first: InverterSample | None = None
        self._newest: InverterSample | None = None
        self._answered: InverterSample | None = None  # the newest that told values

    def take(self, sample: InverterSample) -> bool:
        """Take what it says; return whether that counts: what was said long ago does not."""
        if not sample.device.made_up and self._age_of(sample) > ANCIENT.total_seconds():
            return False
        self._first = self._first or sample
        self._newest = sample
        if sample.answered:
            self._answered = sample
        self._grid.feed(sample, self._clock.now())
        return True

    @property
    def now(self) -> InverterNow:
        """What is known of it now."""
        newest, at = self._newest, self._clock.monotonic()
        if newest is None or self._first is None:
            return InverterNow(patience=self._patience)
        grid, since = self._grid.state(at), self._grid.since
        return InverterNow(
            self._answered or newest,
            self._age_of(self._answered or self._first),
            grid,
            None if since is None or grid == UNKNOWN else at - since,
            newest.error,
            self._patience,
        )

    def _age_of(self, sample: InverterSample) -> float:
        """How old ``sample`` is: by its own time where the clock can be trusted, else since we learned of it."""
        learned = self._clock.monotonic() - sample.monotonic
        if not self._clock.trusted():
            return learned
        return max(learned, (self._clock.now() - sample.taken_at).total_seconds())


class Inverters:
    """The inverters of a house that count: those of the highest rank that speak, in the order of ``configured``."""

    def __init__(self, clock: Clock, configured: Sequence[Inverter] = ()) -> None:
        self._clock = clock
        self._configured = configured
        self._rank: Rank | None = None  # of those that count
        self._states: dict[str, InverterState] = {}  # of those, by id
        self._devices: dict[str, Inverter] = {}
        self._spoke = self._answered = 0.0  # s since boot, when one of them last did

    def take(self, sample: InverterSample) -> bool:
        """Take what an inverter says; return whether it counts."""
        device, now = sample.device, self._clock.monotonic()
        if self._rank is not None and device.rank != self._rank and not self._takes_over(sample, now):
            return False
        known = self._states.get(device.id) if device.rank == self._rank else None
        state = known or InverterState(self._clock)
        if not state.take(sample):
            return False
        if device.rank != self._rank:
            self._begin(device.rank)
        self._states[device.id], self._devices[device.id] = state, device
        self._spoke = now
        if sample.answered:
            self._answered = now
        return True

    def _takes_over(self, sample: InverterSample, now: float) -> bool:
        """Whether one of another rank is listened to from now on."""
        assert self._rank is not None
        if sample.device.rank > self._rank:  # the better one, once it says something, or beside a made-up one
            return sample.answered or self._rank is Rank.MADE_UP or now - self._answered >= INVERTER
        # A made-up house is none beside a real inverter, however that does.
        silent = now - (self._spoke if sample.device.made_up else self._answered)
        return silent >= INVERTER

    def _begin(self, rank: Rank) -> None:
        self._rank = rank
        self._devices = {device.id: device for device in self._configured if device.rank == rank}
        self._states = {name: InverterState(self._clock) for name in self._devices}

    @property
    def house(self) -> InverterNow:
        """What they are together."""
        return house_now([state.now for state in self._states.values()])

    @property
    def several(self) -> bool:
        """Whether the house has more than one: then each has a name and a history of its own."""
        return len(self._states) > 1

    def each(self) -> list[tuple[Inverter, InverterNow]]:
        """Return each of those that count, and what is known of it now."""
        return [(self._devices[name], state.now) for name, state in self._states.items()]

    def of(self, device: Inverter) -> InverterNow:
        """Return what is known of one now."""
        state = self._states.get(device.id)
        return InverterNow() if state is None else state.now

    @property
    def names(self) -> dict[str, str]:
        """What alerts of one of several stand under, and the name that it is told by."""
        return {device.subject: device.label for device in self._configured}

    def shown(self) -> InvertersTold:
        """Return what the live socket tells: the house, and each of them."""
        told, each = self.house.shown(), self.each()
        if told is not None and self.several:
            fresh = sum(not now.stale for _, now in each)
            told = msgspec.structs.replace(told, of=len(each), fresh=fresh)
        return InvertersTold(inverter=told, inverters=tuple(_one(device, now) for device, now in each))


def _one(device: Inverter, now: InverterNow) -> OneInverter:
    told = msgspec.structs.asdict(now.shown() or InverterShown())
    return OneInverter(id=device.id, kind=device.kind, name=device.name, made_up=device.made_up, **told)
