"""Full and empty: what both take, each thing alone not being enough."""

import pytest

from jk_bms.battery.anchors import FullWatch
from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.hypotheses import BEYOND, VoltageTable

LFP = CHEMISTRIES["lfp"]
LITTLE = 0.01  # C


def was_full(mean: float, highest: float, charge_enabled: bool | None) -> bool:
    """Whether an hour of this is a full pack."""
    watch = FullWatch(LFP)
    return any(watch.full(10.0, LITTLE, mean, mean, highest, charge_enabled) for _ in range(360))


@pytest.mark.parametrize(
    ("mean", "highest", "charge_enabled", "full"),
    [
        (3.48, 3.50, True, True),
        (3.38, LFP.ovp - 0.01, False, True),  # one full cell ended the charge
        (3.38, LFP.ovp - 0.01, True, False),  # it has not yet
        (3.38, LFP.ovp - 0.01, None, False),
        (3.30, 3.31, False, False),  # the owner has switched the charge off
        (3.30, 3.31, True, False),
    ],
)
def test_full(mean: float, highest: float, charge_enabled: bool | None, full: bool) -> None:
    assert was_full(mean, highest, charge_enabled) is full


@pytest.mark.parametrize(
    ("absorb", "leaves", "floats"),
    [
        (3.45, 0.020, 3.35),
        (3.45, 12.0 / 280.0, 3.375),  # left at a fixed current
        (3.55, 0.070, 3.40),
        (3.60, 0.060, 3.35),  # little absorption
        (3.40, 0.005, 3.40),  # held low for long
    ],
)
def test_chargers_that_end_in_many_ways_are_all_seen(absorb: float, leaves: float, floats: float) -> None:
    """The current falls while the voltage is held; then the charger goes over to its float voltage."""
    watch, rate, found = FullWatch(LFP), 0.2, []
    while rate > leaves:
        rested = absorb - 0.0013 * 100.0 * rate
        found.append(watch.full(5.0, rate, absorb, rested, absorb, True))
        rate *= 0.996
    found += [watch.full(5.0, 0.001, floats, floats, floats, True) for _ in range(720)]

    first = next(one for one in found if one is not None)
    assert 97.0 < first.charge < 100.0
    assert 1.0 < first.sigma < 4.0


def test_the_more_still_flows_the_less_sure_and_full_it_is() -> None:
    def at(rate: float) -> list[tuple[float, float] | None]:
        watch = FullWatch(LFP)
        return [watch.full(5.0, rate, 3.46, 3.44, 3.46, True) for _ in range(200)]

    little, much = at(0.01)[-1], at(0.1)[-1]

    assert little is not None
    assert much is not None
    assert little[0] > much[0] > 98.0
    assert little[1] < much[1]
    assert [one is not None for one in at(0.1)].index(True) > [one is not None for one in at(0.01)].index(
        True
    )
    assert at(0.13)[-1] is None


def test_the_voltage_goes_on_beyond_both_ends() -> None:
    """Falling below empty and rising above full, so that a belief out there is drawn back."""
    table = VoltageTable(LFP.ocv)

    assert table.at(-2.0) == pytest.approx(table.empty - 2.0 * BEYOND)
    assert table.at(102.0) == pytest.approx(table.full + 2.0 * BEYOND)
    assert table.at(0.0) == pytest.approx(LFP.ocv.ocv(0.0))
    assert table.at(100.0) == pytest.approx(LFP.ocv.ocv(100.0))
    assert table.at(50.25) == pytest.approx(LFP.ocv.ocv(50.25), abs=0.002)
