"""The simulated BMS: alive at any hour, the same from the same seed, protective, nearly right."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from jk_bms.protocol import CellInfo, Settings, Variant
from jk_bms.simulator import SimulatedBms
from jk_bms.simulator.house import DAY, House
from jk_bms.simulator.inverter import SimulatedInverter, Stage, Steady
from jk_bms.simulator.pack import Faulty
from jk_bms.simulator.sensor import CurrentSensor
from tests.house_times import EVENING, MORNING

LEAP = 15.0  # s, steps of the physics where days pass; the charger still holds its voltage


def at(hour: int, minute: int = 0, month: int = 6) -> datetime:
    return datetime(2026, month, 15, hour, minute, tzinfo=UTC)


def frames(bms: SimulatedBms, count: int, every: float = 0.5) -> list[CellInfo]:
    """What the BMS says ``count`` times, ``every`` s apart."""
    said = []
    for _ in range(count):
        bms.advance(every)
        said.append(bms.cell_info())
    return said


@pytest.mark.parametrize("moment", [MORNING, EVENING])
def test_the_grid_is_there_for_two_hours_from_the_moments_that_tests_start_at(moment: str) -> None:
    start = datetime.fromisoformat(moment)
    t = start.toordinal() * DAY + start.hour * 3600.0 + start.minute * 60.0

    assert all(House(seed).grid(t + second) for seed in range(1, 6) for second in range(0, 7200, 60))


@pytest.mark.parametrize("variant", Variant)
def test_same_seed_same_battery(variant: Variant) -> None:
    first = SimulatedBms(seed=3, variant=variant)
    second = SimulatedBms(seed=3, variant=variant)
    other = SimulatedBms(seed=4, variant=variant)

    said = frames(first, 40, 30.0)

    assert said == frames(second, 40, 30.0)
    assert first.truth == second.truth
    assert said != frames(other, 40, 30.0)


def test_looking_changes_nothing() -> None:
    watched, alone = SimulatedBms(), SimulatedBms()

    for _ in range(60):
        watched.advance(1.0)
        assert watched.cell_info() == watched.cell_info()
        assert watched.truth == watched.truth
        alone.advance(1.0)

    assert watched.cell_info() == alone.cell_info()


@pytest.mark.parametrize("hour", range(24))
def test_a_minute_is_alive_whatever_the_hour_it_starts(hour: int) -> None:
    said = frames(SimulatedBms(seed=hour, start=at(hour, 10)), 120)

    assert len({info.current for info in said}) >= 10
    assert len({info.cells for info in said}) >= 60
    for cell in range(16):
        volts = [info.cells[cell] for info in said]
        assert 0.001 <= max(volts) - min(volts) < 0.06


@pytest.mark.long
@pytest.mark.parametrize("month", [1, 7])
def test_every_minute_of_two_days_is_alive(month: int) -> None:
    """Also when the pack is full and floats, and in the dead of night."""
    bms = SimulatedBms(seed=2, start=at(7, 0, month))
    stages = set()

    for _ in range(96):
        bms.advance(1740.0)
        assert len({info.current for info in frames(bms, 60, 1.0)}) >= 10, bms.truth
        assert isinstance(bms.surroundings, SimulatedInverter)
        stages.add(bms.surroundings.stage)

    assert {Stage.BULK, Stage.FLOAT} <= stages


@pytest.mark.long
def test_a_week_sweeps_the_pack_and_fills_it_on_most_days() -> None:
    bms = SimulatedBms(seed=1)
    filled, emptied = 0, 0
    for _ in range(7):
        socs = []
        for _ in range(144):
            bms.advance(600.0, step=LEAP)
            socs.append(bms.truth.soc)
            assert not bms.alarm_mask
        filled += max(socs) > 98.5
        emptied += min(socs) < 35.0

    assert filled >= 5
    assert emptied >= 5
    assert bms.syncs >= 5


def test_every_day_has_a_power_cut() -> None:
    for seed in (1, 2, 3):
        house = House(seed)
        day = at(0).toordinal()
        for ordinal in range(day, day + 7):
            cut = [minute for minute in range(1440) if not house.grid(ordinal * DAY + minute * 60)]
            assert 40 <= len(cut) <= 11 * 60


def test_in_a_cut_the_battery_carries_the_house() -> None:
    bms = SimulatedBms(seed=1, start=at(0), start_soc=80)
    checked = 0
    for _ in range(2 * 288):
        bms.advance(300.0)
        truth = bms.truth
        assert truth.sun is not None
        assert truth.load is not None
        if not truth.grid and truth.sun < 0.5 * truth.load:
            checked += 1
            assert truth.current * truth.voltage < -0.4 * truth.load
    assert checked >= 10


def test_sun_rises_and_sets_and_is_higher_in_summer() -> None:
    house = House(1, cuts=False)
    harvest = {}
    for month in (6, 12):
        midnight = at(0, 0, month).toordinal() * DAY
        assert house.sun(midnight + 3600) == 0.0
        week = [house.sun(midnight + second) for second in range(0, 7 * DAY, 600)]
        harvest[month] = sum(week) / 6 / 7
        assert max(week) <= 1.02 * house.panel_watts
        assert house.grid(midnight)

    assert 6000 < harvest[6] < 40_000  # Wh a day
    assert harvest[12] < 0.5 * harvest[6]


def test_without_grid_and_sun_the_house_goes_dark_before_the_bms_must_act() -> None:
    bms = SimulatedBms(start=at(18, 0, 12), start_soc=12)
    assert bms.house is not None
    assert isinstance(bms.surroundings, SimulatedInverter)
    bms.house.grid = lambda t: False  # type: ignore[method-assign]

    for _ in range(100):
        bms.advance(300.0)
        if bms.surroundings.dark:
            break

    assert bms.surroundings.dark
    assert 0.0 < bms.truth.soc < 6.0
    assert bms.discharge_on
    bms.house.grid = lambda t: True  # type: ignore[method-assign]
    bms.advance(4 * 3600)
    assert not bms.surroundings.dark
    assert bms.truth.soc > 15.0


@pytest.mark.long
def test_coarse_steps_tell_the_same_story() -> None:
    fine, coarse = SimulatedBms(seed=6), SimulatedBms(seed=6)

    for _ in range(4):
        fine.advance(6 * 3600, step=1.0)
        coarse.advance(6 * 3600)
        assert coarse.truth.soc == pytest.approx(fine.truth.soc, abs=1.0)


# What is done, the alarm, which MOSFETs open, what undoes it.
Deed = Callable[[SimulatedBms, Steady], None]


def amps(value: float) -> Deed:
    return lambda bms, steady: setattr(steady, "amps", value)


def warmth(value: float) -> Deed:
    def deed(bms: SimulatedBms, steady: Steady) -> None:
        bms.pack.temperature = bms.pack.ambient = value

    return deed


def mos(value: float) -> Deed:
    return lambda bms, steady: setattr(bms, "mos_temperature", value)


# fmt: off
PROTECTIONS = {
    # alarm                    SoC   deed         charge discharge  undone by
    "cell_overvoltage":         (99.5, amps(60),    False, True,  amps(-60)),
    "cell_undervoltage":        (1.0,  amps(-60),   True,  False, amps(60)),
    "charge_overcurrent":       (50.0, amps(200),   False, True,  amps(10)),
    "discharge_overcurrent":    (50.0, amps(-300),  True,  False, amps(-10)),
    "charge_overtemperature":   (50.0, warmth(57),  False, True,  warmth(48)),
    "charge_undertemperature":  (50.0, warmth(-2),  False, True,  warmth(5)),
    "discharge_overtemperature": (50.0, warmth(67), False, False, warmth(30)),
    "mos_overtemperature":      (50.0, mos(120.0),  False, False, mos(40.0)),
}
# fmt: on


@pytest.mark.parametrize("alarm", PROTECTIONS)
def test_protection_trips_cuts_and_lets_go(alarm: str) -> None:
    soc, deed, charge, discharge, undo = PROTECTIONS[alarm]
    steady = Steady(0.0)
    bms = SimulatedBms(start_soc=soc, surroundings=steady)
    frames(bms, 10)
    assert bms.cell_info().alarms == ()

    deed(bms, steady)
    tripped = None
    for _ in range(1800):
        bms.advance(1.0)
        if bms.alarm_mask:
            tripped = bms.cell_info()
            break

    assert tripped is not None
    assert alarm in (tripped.alarms or ())
    assert (tripped.charge_on, tripped.discharge_on) == (charge, discharge)
    bms.advance(1.0)
    if not (charge if steady.amps > 0 else discharge) and steady.amps:
        assert bms.current == 0.0

    undo(bms, steady)
    bms.advance(900.0, step=1.0)
    freed = bms.cell_info()
    assert freed.alarms == ()
    assert (freed.charge_on, freed.discharge_on) == (True, True)


def test_overcurrent_counts_down_to_its_release() -> None:
    bms = SimulatedBms(surroundings=(steady := Steady(200.0)), sensor=CurrentSensor(1.0, 0.0, 0.0))

    bms.advance(11.0)
    steady.amps = 5.0
    left = [info.release_charge_overcurrent for info in frames(bms, 70, 1.0)]

    assert left[0] == 59 or left[0] == 58
    assert left == sorted((x or 0 for x in left), reverse=True)
    assert left[-1] == 0
    assert bms.charge_on


def test_switches_open_the_mosfets() -> None:
    bms = SimulatedBms(surroundings=(steady := Steady(20.0)))

    assert bms.write(0x1D, 0)
    bms.advance(1.0)
    assert (bms.current, bms.charge_on, bms.cell_info().charge_on) == (0.0, False, False)
    steady.amps = -20.0
    bms.advance(1.0)
    assert bms.current == -20.0
    assert bms.write(0x1E, 0)
    bms.advance(1.0)
    assert (bms.current, bms.settings().discharge_switch) == (0.0, False)
    assert bms.write(0x1E, 1)
    assert bms.discharge_on
    assert not bms.write(0x9D, 1)


def test_balancing_is_shown_and_can_be_switched_off() -> None:
    bms = SimulatedBms(start_soc=99.2, spread=3.0, surroundings=Steady(2.0), seed=2)

    said = frames(bms, 600, 1.0)

    moving = [info for info in said if info.balance_action]
    assert {info.balance_action for info in moving} == {1, 2}
    for info in moving:
        assert info.balance_current is not None
        assert (info.balance_current > 0) == (info.balance_action == 1)
    bms.write(0x1F, 0)
    assert {info.balance_action for info in frames(bms, 30, 1.0)} == {0}


def test_wrong_cell_count_in_the_settings_is_an_alarm() -> None:
    bms = SimulatedBms(cells=8)
    told = {name: getattr(bms.settings(), name) for name in Settings.__struct_fields__}

    bms.apply(Settings(**told | {"cell_count": 9}))

    assert bms.cell_info().alarms == ("cell_count_mismatch",)


SENSORS = {
    # gain, offset A, dead band A -> SoC points lost in a day at -5 A / at 0.1 A
    "ideal": (CurrentSensor(1.0, 0.0, 0.0), -42.857, 0.857),
    "gain": (CurrentSensor(0.97, 0.0, 0.0), -41.571, 0.831),
    "offset": (CurrentSensor(1.0, -0.2, 0.0), -44.571, -0.857),
    "blind": (CurrentSensor(1.0, 0.0, 0.2), -42.857, 0.0),
}


@pytest.mark.parametrize("name", SENSORS)
def test_counter_drifts_as_its_sensor_does(name: str) -> None:
    sensor, fast, slow = SENSORS[name]
    for current, expected in ((-5.0, fast), (0.1, slow)):
        bms = SimulatedBms(start_soc=80, surroundings=Steady(current), sensor=sensor)
        bms.advance(DAY, step=LEAP)
        assert bms.counter_ah / 2.8 - 80.0 == pytest.approx(expected, abs=0.01)


def test_counter_stays_near_the_truth_over_weeks() -> None:
    bms = SimulatedBms(seed=5)

    for hour in range(14 * 24):
        bms.advance(3600.0, step=LEAP)
        if hour >= 24:  # by then it was full once
            assert abs(100 * bms.counter_ah / bms.capacity_ah - bms.truth.soc) < 4.0


def test_full_pack_sets_a_wrong_counter_right() -> None:
    bms = SimulatedBms(start_soc=60, counter_soc=30)

    said = bms.cell_info()
    for _ in range(24):
        bms.advance(3600.0)

    assert said.soc == 30
    assert bms.syncs >= 1
    assert abs(100 * bms.counter_ah / bms.capacity_ah - bms.truth.soc) < 4.0


def test_empty_pack_sets_a_wrong_counter_to_zero() -> None:
    bms = SimulatedBms(start_soc=3, counter_soc=30, surroundings=Steady(-20.0))

    bms.advance(1500.0, step=1.0)

    assert bms.cell_info().soc == 0
    assert "cell_undervoltage" in (bms.cell_info().alarms or ())


def test_values_agree_with_each_other_and_with_the_truth() -> None:
    bms = SimulatedBms(seed=9, ambient=18.0)

    for _ in range(50):
        bms.advance(60.0)
        info, truth = bms.cell_info(), bms.truth
        assert info.voltage == pytest.approx(truth.voltage, abs=0.01)
        assert info.voltage == pytest.approx(info.cell_sum, abs=0.03)
        assert info.current == pytest.approx(truth.current, abs=0.3 + 0.01 * abs(truth.current))
        assert info.soc == int(100 * (info.charge or 0) / (info.capacity or 1) + 1e-6)
        assert info.temperatures == pytest.approx([truth.temperature] * 4, abs=1.2)
        assert info.probe_numbers == (1, 2, 4, 5)
        assert info.clock is not None
        assert (info.clock.hour, info.clock.minute) == (
            int(truth.t % DAY // 3600),
            int(truth.t % 3600 // 60),
        )
        assert 15.0 < (info.mos_temperature or 0) < 60.0


def test_uptime_cycles_and_throughput_grow() -> None:
    bms = SimulatedBms()
    first = bms.cell_info()

    bms.advance(5 * DAY, step=LEAP)
    last = bms.cell_info()

    assert (last.uptime or 0) - (first.uptime or 0) == 5 * DAY
    assert 2.0 < (last.cycle_charge or 0) / 280.0 - (first.cycle_charge or 0) / 280.0 < 8.0
    assert (last.cycles or 0) > (first.cycles or 0)


def test_jk04_tells_only_cells_and_balancing() -> None:
    info = SimulatedBms(variant=Variant.JK04).cell_info()

    assert len(info.cells) == 16
    for name in ("voltage", "current", "soc", "mos_temperature", "problem_code", "charge"):
        assert getattr(info, name) is None


@pytest.mark.parametrize(
    ("cells", "capacity", "chemistry"), [(4, 100, "lfp"), (8, 50, "lto"), (14, 150, "nmc"), (32, 280, "lfp")]
)
def test_other_packs_live_as_well(cells: int, capacity: float, chemistry: str) -> None:
    bms = SimulatedBms(cells=cells, capacity_ah=capacity, chemistry=chemistry)
    socs = []
    for _ in range(4 * 144):
        bms.advance(600.0, step=LEAP)
        socs.append(bms.truth.soc)
        assert not bms.alarm_mask

    assert min(socs) < 45.0
    assert max(socs) > 93.0
    assert len({info.current for info in frames(bms, 60, 1.0)}) >= 10


def test_weak_cell_limits_the_pack() -> None:
    bms = SimulatedBms(faulty=Faulty(weak={7: 0.7}))

    assert bms.truth.cell_full_ah[6] == min(bms.truth.cell_full_ah)
    assert bms.truth.usable_ah < 0.72 * 280.0


IMPOSSIBLE = {
    "too many cells": {"cells": 25, "variant": Variant.JK02_24S},
    "no cells": {"cells": 0},
    "unknown chemistry": {"chemistry": "lead"},
    "no capacity": {"capacity_ah": 0.0},
    "more than full": {"start_soc": 101.0},
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_impossible_batteries_are_refused(what: str) -> None:
    with pytest.raises(ValueError, match=r"expected|has inputs"):
        SimulatedBms(**IMPOSSIBLE[what])  # type: ignore[arg-type]
