"""The simulated house under all rules: silence while it is in order, each fault told once."""

from datetime import UTC, datetime

import msgspec
import pytest

from jk_bms.model import InverterSample, Sample
from jk_bms.rules.base import HouseView, Moment, Notice
from jk_bms.rules.forecast import RUNTIME
from jk_bms.simulator import SimulatedBms
from jk_bms.simulator.bms import DISCHARGE_SWITCH
from jk_bms.simulator.inverter import Steady
from jk_bms.simulator.pack import Faulty
from tests.rules.watched_house import DAY, WatchedHouse, house
from tests.scale import soaking

pytestmark = pytest.mark.long

MINUTE, HOUR = 60.0, 3600.0
SETTLING = 3.0  # days until the balancer has done what a new pack needs
DAYS = 365 if soaking() else 4  # in a soak a year


class Cuts:
    """The cuts of a house as its inverter reports them: begun, over, in turns.

    What is gone or back for a single record only is no cut and no end of one.
    """

    def __init__(self, watched: WatchedHouse) -> None:
        self.steps: list[str] = []
        self._there = True
        self._otherwise = 0  # records in a row
        watched.speak = self._hear

    def _hear(self, sample: InverterSample) -> InverterSample:
        there = (sample.grid_voltage or 0.0) > 50.0
        self._otherwise = 0 if there == self._there else self._otherwise + 1
        if self._otherwise == 2:
            self._there, self._otherwise = there, 0
            self.steps.append("cleared" if there else "raised")
        return sample


@pytest.mark.timeout(3600)
def test_a_healthy_house_is_told_of_its_power_cuts_and_of_nothing_else() -> None:
    watched = house(5, start=datetime(2026, 3, 2, tzinfo=UTC), thrift=0.5, every=60.0)
    cuts = Cuts(watched)
    watched.settle(SETTLING)
    assert watched.engine.open() == []
    cuts.steps.clear()

    watched.live(DAYS * DAY)

    assert {notice.alert.rule for notice in watched.notices} == {"grid_lost"}
    assert [n.what for n in watched.notices if n.what in ("raised", "cleared")] == cuts.steps
    assert len(cuts.steps) >= DAYS


def test_a_house_that_draws_its_pack_down_hears_of_it_only_while_it_is_so() -> None:
    """Every warning of charge and runtime is true at its moment and comes once an evening."""
    watched = house(3, start=datetime(2026, 12, 15, tzinfo=UTC), every=60.0)
    watched.settle(SETTLING)

    watched.live(4 * DAY)

    rules = {notice.alert.rule for notice in watched.notices}
    assert "soc_low" in rules
    assert rules <= {"grid_lost", "soc_low", "runtime", "going_dark", "cell_low", "not_charged", "house_dark"}
    raised = [notice.alert for notice in watched.notices if notice.what == "raised"]
    assert all(alert.value <= 25.0 for alert in raised if alert.rule == "soc_low")
    assert all(alert.value <= 120.0 for alert in raised if alert.rule == "runtime")
    assert sum(alert.rule == "soc_low" for alert in raised) <= 5


def calm(**options: object) -> WatchedHouse:
    """A pack at a current that the test sets, read every five seconds; settled for ten minutes."""
    surroundings = Steady(-5.0)
    bms = SimulatedBms(**({"seed": 7, "surroundings": surroundings, "spread": 0.2} | options))  # type: ignore[arg-type]
    watched = WatchedHouse(bms, every=5.0, step=5.0)
    assert watched.live(10 * MINUTE) == []
    return watched


def load(watched: WatchedHouse, amps: float) -> None:
    assert isinstance(watched.bms.surroundings, Steady)
    watched.bms.surroundings.amps = amps


# Houses that go dark, and one that does not


def dark_house(*, soc: float, watts: float = 900.0, every: float = 10.0) -> WatchedHouse:
    """A house without sun that loses the grid after a quarter of an hour, and draws so many W until it is dark."""
    watched = house(5, start=datetime(2026, 12, 15, 20, 0, tzinfo=UTC), every=every, start_soc=soc)
    assert watched.bms.house is not None
    begin = watched.bms.t
    watched.bms.house.load = lambda t: 500.0 if t - begin < 15 * MINUTE else watts  # type: ignore[method-assign]
    watched.bms.house.sun = lambda t: 0.0  # type: ignore[method-assign]
    watched.bms.house.grid = lambda t: t - begin < 15 * MINUTE  # type: ignore[method-assign]
    watched.live(15 * MINUTE)
    return watched


def grid_back(watched: WatchedHouse) -> None:
    assert watched.bms.house is not None
    watched.bms.house.grid = lambda t: True  # type: ignore[method-assign]


def until_dark(watched: WatchedHouse, most: float = 12 * HOUR) -> list[str]:
    """Live until the house is called dark; return what was told."""
    told: list[str] = []
    while watched.t < most and not any("house_dark" in line for line in told):
        told += watched.live(MINUTE)
    return told


def relief(told: list[str]) -> list[str]:
    return [line for line in told if line.startswith("cleared")]


@pytest.mark.parametrize("cut_off", [None, 2.0], ids=["the inverter switches off", "the BMS cuts off"])
def test_a_house_whose_battery_is_empty(cut_off: float | None) -> None:
    watched = dark_house(soc=12.0)
    if cut_off is not None:  # an inverter that would go on for longer than the BMS
        watched.never_switches_off()

    told = until_dark(watched)

    assert told[-1] == "raised house_dark 2012"
    assert "raised going_dark 1042" in told
    assert relief(told) == []
    assert relief(watched.live(3 * HOUR)) == []
    grid_back(watched)
    back = watched.live(30 * MINUTE)
    assert "cleared house_dark 2012" in back  # which is all that is said: power is back
    assert "going_dark" not in {alert.rule for alert in watched.engine.open()}
    assert [line for line in back if "going_dark" in line] == []


def test_a_house_that_draws_more_than_the_bms_allows() -> None:
    watched = dark_house(soc=60.0, watts=14_000.0)

    told = until_dark(watched)

    assert "raised house_dark 2012" in told
    assert "cleared discharge_current 1014" not in told


def test_a_house_whose_battery_is_switched_off() -> None:
    watched = dark_house(soc=60.0)
    watched.live(10 * MINUTE)
    watched.bms.write(DISCHARGE_SWITCH, 0)

    told = until_dark(watched)

    assert [line for line in told if "dark" in line] == ["raised house_dark 2012"]
    watched.bms.write(DISCHARGE_SWITCH, 1)
    assert "cleared house_dark 2012" in watched.live(5 * MINUTE)


def test_a_house_of_which_only_the_battery_is_known() -> None:
    watched = dark_house(soc=12.0)
    watched.never_switches_off()
    watched.deaf = True

    told = until_dark(watched)

    assert told[-1] == "raised house_dark 2012"
    assert relief(told) == []
    grid_back(watched)
    assert "cleared house_dark 2012" in watched.live(30 * MINUTE)


@pytest.mark.parametrize("deaf", [False, True], ids=["with an inverter", "only the battery"])
@pytest.mark.parametrize("watts", [0.0, 20.0])
def test_a_house_that_is_idle_all_night_is_not_dark(watts: float, deaf: bool) -> None:
    watched = dark_house(soc=70.0, watts=watts, every=30.0)
    watched.deaf = deaf

    assert [line for line in watched.live(8 * HOUR) if "dark" in line] == []


def test_a_hot_mosfet() -> None:
    watched = calm()
    heat = iter(range(30, 95))

    def hotter(sample: Sample) -> Sample:
        return msgspec.structs.replace(sample, mosfet_temperature=float(next(heat, 94)))

    watched.spoil = hotter
    assert watched.live(10 * MINUTE) == ["raised mosfet_hot 1034", "worse mosfet_hot 1035"]
    watched.spoil = lambda sample: msgspec.structs.replace(sample, mosfet_temperature=60.0)
    assert watched.live(10 * MINUTE) == ["cleared mosfet_hot 1035"]


def test_a_weak_cell_in_the_knee() -> None:
    """The others are far from empty: it alone is named, beside the end of the pack, which is told first."""
    watched = calm(faulty=Faulty(weak={5: 0.7}), start_soc=60.0)
    load(watched, -80.0)

    told = []
    while watched.bms.pack.ocv[4] > 2.9 and watched.t < 8 * HOUR:
        told += watched.live(MINUTE)
    load(watched, 0.0)

    steps = [
        (notice.what, notice.alert.code, notice.quiet)
        for notice in watched.notices
        if notice.alert.rule == "cell_low"
    ]
    assert steps == [("raised", 1007, "grouped"), ("worse", 1006, "grouped")]
    assert "raised going_dark 1042" in told
    assert len(told) == len(set(told))
    assert {line.split()[1] for line in told} <= {
        "cell_low",
        "runtime",
        "soc_low",
        "going_dark",
        "cell_spread",
    }
    (alert,) = (alert for alert in watched.engine.listed() if alert.rule == "cell_low")
    assert alert.facts["cell"] == 5


def test_a_weak_cell_ends_the_pack_and_the_time_that_is_told() -> None:
    """It was told as an hour and a half when half an hour was left: the pack ends with its weak cell."""
    watched = calm(faulty=Faulty(weak={5: 0.7}), start_soc=60.0)
    load(watched, -40.0)
    told: list[tuple[float, float]] = []
    heed = watched.engine.look

    def look(subject: str, view: object, now: Moment) -> list[Notice]:
        if isinstance(view, HouseView) and (found := RUNTIME.look(view)) and (one := found.get("")):
            told.append((now.at, one.value))
        return heed(subject, view, now)  # type: ignore[arg-type]

    watched.engine.look = look  # type: ignore[method-assign]
    while watched.bms.discharge_on and watched.t < 8 * HOUR:
        watched.live(MINUTE)
    end = watched.t

    last = {
        left: [value for at, value in told if 0 <= end - at - left * MINUTE < 5 * MINUTE] for left in (30, 15)
    }
    assert last[30]
    assert max(last[30]) < 60.0
    assert max(last[15]) < 35.0
    assert any(notice.alert.code == 1042 for notice in watched.notices)


def test_a_runaway_cell() -> None:
    """One cell is ahead of the others at the end of a charge; the BMS cuts at 3.65 V."""
    watched = calm(start_soc=94.0)
    watched.bms.pack.charge_ah[10] += 11.0
    load(watched, 40.0)

    told = watched.live(20 * MINUTE)

    assert told.count("raised cell_high 1009") + told.count("raised cell_high 1008") == 1
    assert len(told) == len(set(told))
    assert {line.split()[1] for line in told} <= {"cell_high", "cell_spread", "bms_alarm"}
    assert any(alert.facts.get("cell") == 11 for alert in watched.engine.open())


def test_a_charge_in_frost() -> None:
    """Half a degree above where the BMS refuses."""
    watched = calm(ambient=0.5)
    load(watched, 20.0)

    assert watched.live(5 * MINUTE) == ["raised charge_cold 1044"]
    load(watched, 0.0)
    assert watched.live(20 * MINUTE) == ["cleared charge_cold 1044"]


def test_a_silent_bms() -> None:
    watched = calm()
    watched.silent = True

    assert watched.live(2 * MINUTE - 5.0) == []
    assert watched.live(5.0) == ["raised bms_silent 1031"]
    assert watched.live(12 * MINUTE) == []
    assert watched.live(1 * MINUTE) == ["worse bms_silent 1043"]
    assert watched.live(6 * HOUR) == []
    watched.silent = False
    assert watched.live(2 * MINUTE) == ["cleared bms_silent 1043"]


def test_frozen_frames() -> None:
    watched = calm()
    watched.frozen = True

    assert watched.live(10.0) == []
    assert watched.live(5.0) == ["raised bms_frozen 1040"]
    assert watched.live(20 * MINUTE) == ["worse bms_frozen 1046"]
    watched.frozen = False
    assert watched.live(2 * MINUTE) == ["cleared bms_frozen 1046"]


def test_a_grid_that_flaps() -> None:
    """Gone and back ten times in ten minutes: told once, and again when it stays away."""
    watched = house(5, every=5.0)
    away = False

    def flap(sample: InverterSample) -> InverterSample:
        volts = 0.0 if away else 230.0
        return msgspec.structs.replace(sample, grid_voltage=volts, grid_power=0.0)

    watched.speak = flap
    told = watched.live(MINUTE)
    for _ in range(10):
        away = True
        told += watched.live(30.0)
        away = False
        told += watched.live(30.0)

    assert told == ["raised grid_lost 2001", "cleared grid_lost 2001"]
    away = True
    assert "raised grid_lost 2001" in watched.live(15 * MINUTE)


def test_one_record_without_voltage_is_no_power_cut() -> None:
    watched = house(5, every=5.0)
    count = 0

    def stumble(sample: InverterSample) -> InverterSample:
        nonlocal count
        count += 1
        volts = 0.0 if count % 7 == 0 else 230.0
        return msgspec.structs.replace(sample, grid_voltage=volts, grid_power=0.0)

    watched.speak = stumble

    assert watched.live(20 * MINUTE) == []
