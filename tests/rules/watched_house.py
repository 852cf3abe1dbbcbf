"""The simulated house under the eyes of the engine: battery, grid, and all rules, through days in seconds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from jk_bms.alerts.packs import Packs
from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.limits import pack_limits
from jk_bms.battery.pack_state import PackState
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.model.freshness import INVERTER
from jk_bms.model.link import LinkState
from jk_bms.protocol import as_dict, to_sample
from jk_bms.rules.base import HouseView, InverterView, Link, Moment, Notice, PackView
from jk_bms.rules.engine import Engine
from jk_bms.rules.grid import LOST, UNKNOWN, GridWatch
from jk_bms.rules.house import powered
from jk_bms.rules.options import Options
from jk_bms.simulator import SimulatedBms
from jk_bms.simulator.bms import MIDSUMMER
from jk_bms.simulator.house import House
from jk_bms.simulator.inverter import SimulatedInverter
from jk_bms.simulator.inverter_reading import inverter_reading

DAY = 86_400.0
BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
DEVICE = Device(address="C8:47:80:00:00:01", kind="simulated", name="House")


class WatchedHouse:
    """One simulated BMS, read every ``every`` s, and everything that the engine said."""

    def __init__(self, bms: SimulatedBms, *, every: float = 30.0, step: float = 15.0) -> None:
        self.bms = bms
        self.every, self.step = every, step
        self.t = 0.0
        self.notices: list[Notice] = []
        self.engine = Engine(Options(startup_delay=0, repeat_hours=0))
        self.grid = GridWatch()
        self.spoil: Callable[[Sample], Sample] = lambda sample: sample  # what the BMS says instead
        self.speak: Callable[[InverterSample], InverterSample] = lambda sample: sample  # and the inverter
        self.silent = False
        self.deaf = False  # nothing is known of the inverter
        self._inverter: InverterSample | None = None
        self._packs = Packs((DEVICE.address,), lambda _: self._newest, oldest=120.0)
        self._newest: Sample | None = None
        self.frozen = False
        self._alike = 0  # frames that were like the one before
        self._last = 0.0  # when a good frame came
        chemistry = CHEMISTRIES[bms.chemistry.name]
        self._limits = pack_limits(as_dict(bms.settings()))._replace(nominal_ah=bms.capacity_ah)
        self._chemistry = chemistry
        self._pack = PackState(chemistry, nominal_ah=bms.capacity_ah, boot="b", zone=UTC, curve=chemistry.ocv)
        self._pack.limits(self._limits)

    def live(self, seconds: float) -> list[str]:
        """Let ``seconds`` pass; return what people were told meanwhile, as ``what rule code part``."""
        end = self.t + seconds
        heard = len(self.notices)
        while self.t < end:
            self.read()
        told = [notice for notice in self.notices[heard:] if notice.quiet is None]
        return [f"{n.what} {n.alert.rule} {n.alert.code} {n.alert.part}".rstrip() for n in told]

    def settle(self, days: float) -> None:
        """Let ``days`` pass and forget what was told: a new pack has to be balanced first."""
        self.live(days * DAY)
        self.notices.clear()

    def read(self) -> None:
        """Let one period pass and look at everything."""
        self.bms.advance(self.every, step=self.step)
        self.t += self.every
        time = BEGIN + timedelta(seconds=self.t)
        now = Moment(self.t, time)
        said = None if self.deaf else inverter_reading(self.bms, taken_at=time, monotonic=self.t)
        if said is not None:
            self._inverter = self.speak(said)
            self.grid.feed(self._inverter, time)
        state = self.grid.state(self.t)
        self.notices += self.engine.look("inverter", _view(self._inverter, state, self.t), now)
        view = self._look(time, state)
        self.notices += self.engine.look(DEVICE.address, view, now)
        heard = self._house(state)._replace(
            packs=None if view.sample is None else (view,),
        )
        self.notices += self.engine.look("house", heard, now)
        self.notices += self.engine.tick(now)
        assert self.engine.faults == {}

    def _look(self, time: datetime, grid: str) -> PackView:
        sample: Sample | None = None
        link = Link(LinkState.STREAMING, silent=0.0, interval=self.every)
        if self.silent:
            link = link._replace(state=LinkState.SILENT, silent=self.t - self._last)
        elif self.frozen:
            self._alike += 1
            still = self.t - self._last
            link = link._replace(silent=still, frozen=still, frozen_frames=self._alike)
        else:
            self._last, self._alike = self.t, 0
            read = to_sample(self.bms.cell_info(), device=DEVICE, taken_at=time, monotonic=self.t)
            sample = self._newest = self._pack.feed(self.spoil(read))
        view = PackView(
            device=DEVICE,
            sample=sample,
            link=link,
            chemistry=self._chemistry,
            limits=self._limits,
            on_battery=None if grid == UNKNOWN else grid == LOST,
            could_be_charged=None if grid == UNKNOWN else grid != LOST,
        )
        self._packs.take(view)
        return view._replace(powered=powered(self._house(grid)))

    def _house(self, grid: str) -> HouseView:
        sample = self._inverter
        stale = sample is None or self.t - sample.monotonic > INVERTER
        age = None if sample is None else self.t - sample.monotonic
        return HouseView(sample, stale, grid, self._packs.look(self.t), age)

    def never_switches_off(self) -> None:
        """Let the inverter go on until the BMS cuts it off."""
        inverter = self.bms.surroundings
        assert isinstance(inverter, SimulatedInverter)
        inverter.cut_off = 0.0


def house(
    seed: int, *, start: datetime = MIDSUMMER, thrift: float = 1.0, every: float = 30.0, **options: Any
) -> WatchedHouse:
    """Return the house of ``seed`` with its 16S LFP pack; ``thrift``: the share of the usual loads."""
    bms = SimulatedBms(seed=seed, start=start, **options)
    if thrift != 1.0:
        bms.house = House(seed, scale=thrift)
        bms.surroundings = SimulatedInverter(bms.house, bms.chemistry, bms.cells, bms.capacity_ah, seed)
    return WatchedHouse(bms, every=every)


def _view(sample: InverterSample | None, state: str, now: float) -> InverterView:
    return InverterView(sample=sample, age=None if sample is None else now - sample.monotonic, grid=state)
