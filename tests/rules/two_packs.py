"""Two packs side by side in one house under the eyes of the engine: from a low charge to dark, and back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from jk_bms.alerts.packs import Packs
from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.limits import pack_limits
from jk_bms.battery.pack_state import PackState
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.model.link import LinkState
from jk_bms.protocol import as_dict, to_sample
from jk_bms.rules.base import HouseView, InverterView, Link, Moment, Notice, Other, PackView
from jk_bms.rules.engine import Engine
from jk_bms.rules.grid import LOST, PRESENT
from jk_bms.rules.house import powered
from jk_bms.rules.options import Options
from jk_bms.simulator import SimulatedBms
from jk_bms.simulator.inverter import Steady
from jk_bms.simulator.pack import Faulty

BEGIN = datetime(2026, 12, 15, 14, 0, tzinfo=UTC)
EVERY = 10.0  # s between two looks
IDLE = 50.0  # W that the inverter takes for itself


class Pack:
    """One of the packs: what it is, and what is known of it."""

    def __init__(
        self, number: int, name: str, *, ah: float, soc: float, weak: dict[int, float] | None = None
    ) -> None:
        self.device = Device(address=f"C8:47:80:00:00:{number:02X}", kind="simulated", name=name)
        self.amps = Steady()
        self.bms = SimulatedBms(
            seed=number,
            surroundings=self.amps,
            start_soc=soc,
            capacity_ah=ah,
            spread=0.2,
            start=BEGIN,
            faulty=Faulty(weak=weak or {}),
        )
        told = self.bms.settings()
        self.limits = pack_limits(as_dict(told))._replace(nominal_ah=ah)
        self.chemistry = CHEMISTRIES[self.bms.chemistry.name]
        self.state = PackState(self.chemistry, nominal_ah=ah, boot="b", zone=UTC, curve=self.chemistry.ocv)
        self.state.limits(self.limits)
        self.sample: Sample | None = None


class TwoPacks:
    """The house. ``grid`` and ``load`` (W) are the test's; ``happened`` gets each notice."""

    def __init__(self, *packs: Pack, load: float = 1500.0) -> None:
        self.packs = packs
        self.load, self.grid = load, True
        self.t = 0.0
        self.engine = Engine(Options(startup_delay=0))
        self.notices: list[Notice] = []
        self.happened: Callable[[Notice, datetime], None] = lambda notice, time: None
        known = {pack.device.address: pack for pack in packs}
        self._together = Packs(known, lambda address: known[address].sample, oldest=120.0)

    @property
    def dark(self) -> bool:
        """Whether nothing feeds the house."""
        return not self.grid and not any(pack.bms.discharge_on for pack in self.packs)

    def live(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.t + seconds
        while self.t < end:
            self._step()

    def _step(self) -> None:
        self._share()
        self.t += EVERY
        time = BEGIN + timedelta(seconds=self.t)
        now = Moment(self.t, time)
        for pack in self.packs:
            pack.bms.advance(EVERY, step=5.0)
            read = to_sample(pack.bms.cell_info(), device=pack.device, taken_at=time, monotonic=self.t)
            pack.sample = pack.state.feed(read)
        inverter = self._inverter(time)
        grid = PRESENT if self.grid else LOST
        house = HouseView(inverter, False, grid, self._together.look(self.t), 0.0)
        power = powered(house)
        views = tuple(self._view(pack, power) for pack in self.packs)
        for view in views:
            self._together.take(view)
        house = house._replace(packs=views)
        self._hear(self.engine.look("inverter", InverterView(inverter, 0.0, grid), now), time)
        for view in views:
            self._hear(self.engine.look(view.device.address, view, now), time)
        self._hear(self.engine.look("house", house, now), time)
        self._hear(self.engine.tick(now), time)
        assert self.engine.faults == {}

    def _share(self) -> None:
        """The load, by the size of those that can bear it; with a grid they are charged."""
        if self.grid:
            for pack in self.packs:
                pack.amps.amps = 0.15 * pack.bms.capacity_ah if pack.bms.charge_on else 0.0
            return
        feeding = [pack for pack in self.packs if pack.bms.discharge_on]
        size = sum(pack.bms.capacity_ah for pack in feeding)
        for pack in self.packs:
            share = pack.bms.capacity_ah / size if pack in feeding else 0.0
            pack.amps.amps = -share * (self.load + IDLE) / 51.0

    def _inverter(self, time: datetime) -> InverterSample:
        volts = 0.0 if self.dark else 230.0
        return InverterSample(
            taken_at=time,
            monotonic=self.t,
            grid_voltage=230.0 if self.grid else 0.0,
            grid_power=self.load if self.grid else 0.0,
            load_voltage=volts,
            load_power=0.0 if self.dark else self.load,
            pv_power=0.0,
        )

    def _view(self, pack: Pack, power: bool | None) -> PackView:
        others = [
            Other(str(other.device.name), other.sample.battery_soc)
            for other in self.packs
            if other is not pack and other.sample is not None and other.sample.discharge_enabled
        ]
        return PackView(
            device=pack.device,
            sample=pack.sample,
            link=Link(LinkState.STREAMING, silent=0.0, interval=EVERY),
            chemistry=pack.chemistry,
            limits=pack.limits,
            on_battery=not self.grid,
            powered=power,
            could_be_charged=self.grid,
            others=tuple(others),
        )

    def _hear(self, notices: list[Notice], time: datetime) -> None:
        self.notices += notices
        for notice in notices:
            self.happened(notice, time)


def afternoon(house: TwoPacks) -> None:
    """From the loss of the grid to dark, some hours of that, and until all is well again."""
    house.live(600.0)
    house.grid = False
    while not house.dark and house.t < 86_400.0:
        house.live(60.0)
    house.live(3 * 3600.0)
    house.grid = True
    house.live(5 * 3600.0)
