"""The cells obey physics: charge and energy are kept, voltage has its knees, bad cells show."""

import math
import random

import pytest

from jk_bms.battery.ocv import LFP, OCV
from jk_bms.simulator.balancer import Balancer
from jk_bms.simulator.chemistry import CHEMISTRIES
from jk_bms.simulator.pack import LAG, Balancing, Faulty, Pack

# Two published low-current measurements of LFP cells, V at %: LithiumWerks APR18650M1B at C/32,
# Sony US26650FTC1.
MEASURED = {
    5: (3.072, 3.050),
    10: (3.203, 3.189),
    20: (3.241, 3.231),
    30: (3.278, 3.267),
    50: (3.299, 3.299),
    70: (3.316, 3.309),
    80: (3.337, 3.325),
    95: (3.343, 3.344),
    100: (3.598, 3.600),
}


def make(soc: float = 60.0, *, cells: int = 4, spread: float = 0.0, **more: object) -> Pack:
    chemistry = CHEMISTRIES[str(more.pop("chemistry", "lfp"))]
    faulty = more.pop("faulty", None)
    assert faulty is None or isinstance(faulty, Faulty)
    return Pack(chemistry, cells, 100.0, random.Random(5), soc=soc, spread=spread, faulty=faulty)


def run(pack: Pack, current: float, seconds: float, dt: float = 5.0) -> float:
    """Let ``current`` flow; return the energy that went in at the terminals, in Wh."""
    energy = 0.0
    for _ in range(round(seconds / dt)):
        pack.step(dt, current)
        energy += sum(pack.voltages(current)) * current * dt / 3600.0
    return energy


@pytest.mark.parametrize("soc", MEASURED)
def test_lfp_curve_lies_with_the_measurements(soc: int) -> None:
    low, high = sorted(MEASURED[soc])

    assert low - 0.005 <= LFP.ocv(soc) <= high + 0.005


@pytest.mark.parametrize("chemistry", CHEMISTRIES)
@pytest.mark.parametrize("soc", [0.0, 0.7, 5.0, 20.0, 55.0, 95.0, 99.5, 100.0])
def test_a_rested_cell_shows_its_open_circuit_voltage(chemistry: str, soc: float) -> None:
    pack = make(soc, chemistry=chemistry)

    assert pack.voltages(0.0) == pytest.approx([OCV[chemistry].ocv(soc)] * 4, abs=1e-6)


def test_lfp_is_flat_in_the_middle_and_steep_at_both_ends() -> None:
    def slope(low: float, high: float) -> float:  # mV per %
        return (make(high).voltages(0.0)[0] - make(low).voltages(0.0)[0]) * 1000 / (high - low)

    assert slope(40, 60) < 1.0
    assert slope(85, 95) < 1.0
    assert slope(2, 5) > 30.0
    assert slope(99.5, 100) > 200.0


@pytest.mark.parametrize("chemistry", CHEMISTRIES)
def test_limits_enclose_the_working_range(chemistry: str) -> None:
    c = CHEMISTRIES[chemistry]

    assert c.uvp < c.uvpr < c.restart < c.hold < c.charge < c.ovp
    assert c.uvp < c.empty < c.cut_off < c.restart
    assert c.full <= c.charge < c.ovpr < c.ovp


def test_charge_is_kept() -> None:
    """What flowed in is in the cells or in the book of losses."""
    rng = random.Random(1)
    pack = make(50, spread=1.0, faulty=Faulty(leaking={2: 0.1}))
    before = list(pack.charge_ah)
    flowed = 0.0

    for i in range(2000):
        current = rng.uniform(-40, 40)
        pack.step(7.0, current, Balancing(0, 3, 1.0) if i % 3 else None)
        flowed += current * 7.0 / 3600

    moved = 2.0 / 3.0 * 2000 * 7.0 / 3600
    got = [q - b + lost for q, b, lost in zip(pack.charge_ah, before, pack.lost_ah, strict=True)]
    assert got == pytest.approx([flowed - moved, flowed, flowed, flowed + moved], abs=0.01)


def test_energy_is_kept() -> None:
    """A round trip at 0.3C loses what the resistances turn into heat, no more and no less."""
    pack = make(40, cells=8)
    heat = (pack.resistance + pack.lag_resistance) * 30.0**2  # W, nearly constant

    spent = run(pack, 30.0, 3600) + run(pack, -30.0, 3600)
    rest = sum(pack.leaks) * 2 * 3.3  # Wh lost by themselves, about

    assert spent == pytest.approx(2 * heat, rel=0.06, abs=rest)
    assert 0.2 < pack.temperature - 21.0 < 5.0


def test_a_step_of_current_shows_at_once_and_then_slowly() -> None:
    pack = make(50)
    warmth = math.exp(0.018 * 4.0)  # 21 °C instead of 25

    rested = pack.voltages(0.0)[0]
    at_once = pack.voltages(50.0)[0] - rested
    run(pack, 50.0, LAG, dt=1.0)
    later = pack.voltages(50.0)[0] - pack.ocv[0]

    assert at_once == pytest.approx(50.0 * pack.resistances[0] * warmth, rel=0.01)
    assert later - at_once == pytest.approx(
        50.0 * pack.lag_resistances[0] * warmth * (1 - math.exp(-1)), rel=0.02
    )


def test_it_warms_under_current_and_cools_to_the_room() -> None:
    pack = make(50)
    cold = pack.resistance

    for _ in range(200):
        run(pack, 80.0, 60)
        run(pack, -80.0, 60)
    warm = pack.temperature
    run(pack, 0.0, 24 * 3600, dt=60)

    assert warm > 22.5
    assert pack.resistance == pytest.approx(cold, rel=0.01)
    assert pack.temperature == pytest.approx(21.0, abs=0.1)


def test_weak_cell_dives_and_peaks_first() -> None:
    pack = make(90, cells=16, spread=1.0, faulty=Faulty(weak={5: 0.8}))

    run(pack, -50.0, 3600 * 1.42)
    low = pack.voltages(-50.0)
    assert low.index(min(low)) == 4
    assert sorted(low)[1] - min(low) > 0.1
    assert pack.soc < 5.0 < min(soc for i, soc in enumerate(pack.cell_soc) if i != 4)

    run(pack, 50.0, 3600 * 1.58)
    high = pack.voltages(50.0)
    assert high.index(max(high)) == 4
    assert pack.usable_ah == pytest.approx(80.0, abs=2.0)


def test_leaking_cell_falls_behind_in_a_month() -> None:
    pack = make(80, faulty=Faulty(leaking={3: 0.02}))

    run(pack, 0.0, 30 * 86_400, dt=600.0)

    behind = [pack.charge_ah[0] - q for q in pack.charge_ah]
    assert behind == pytest.approx([0.0, 0.0, 0.02 * 24 * 30, 0.0], abs=0.01)
    assert 1.0 < 80 - pack.cell_soc[0] < 3.0  # % a month, a healthy cell


def test_bad_lug_shows_only_under_current_and_at_once() -> None:
    pack = make(50, faulty=Faulty(bad_lugs={2: 0.001}))

    rested, loaded = pack.voltages(0.0), pack.voltages(-40.0)

    assert max(rested) - min(rested) < 1e-9
    assert loaded[0] - loaded[1] == pytest.approx(0.040, rel=0.1)


def test_far_beyond_empty_and_full_the_voltage_stays_a_number() -> None:
    pack = make(50)

    run(pack, 100.0, 3600)
    above = pack.voltages(0.0)[0]
    run(pack, -100.0, 2 * 3600)
    below = pack.voltages(0.0)[0]

    assert 3.9 < above < 4.2
    assert 0.9 < below < 1.3


def test_balancer_brings_the_cells_together() -> None:
    pack = make(85, cells=8, spread=0.0, chemistry="nmc")
    pack.charge_ah[2] += 3.0
    pack.charge_ah[6] -= 2.0
    pack.step(1.0, 0.0)
    balancer = Balancer(start=3.4, trigger=0.005, current=2.0)

    deltas = []
    for _ in range(12 * 3600 // 10):
        volts = pack.voltages(0.0)
        deltas.append(max(volts) - min(volts))
        pack.step(10.0, 0.0, balancer.step(10.0, volts))

    assert deltas[0] > 0.04
    assert deltas[-1] < 0.007
    assert balancer.pair is None


def test_balancer_waits_for_voltage_difference_and_permission() -> None:
    balancer = Balancer(start=3.4, trigger=0.010, current=2.0)

    assert balancer.step(1.0, [3.30, 3.35]) is None
    balancer = Balancer(start=3.4, trigger=0.010, current=2.0)
    assert balancer.step(1.0, [3.445, 3.45]) is None
    balancer = Balancer(start=3.4, trigger=0.010, current=2.0)
    moving = balancer.step(1.0, [3.41, 3.48])
    assert moving == Balancing(high=1, low=0, current=1.0)
    assert {balancer.shown(t) for t in range(12)} == {(2, -2.0), (1, 2.0)}
    balancer.enabled = False
    assert balancer.step(1.0, [3.41, 3.48]) is None
    assert balancer.shown(0.0) == (0, 0.0)
