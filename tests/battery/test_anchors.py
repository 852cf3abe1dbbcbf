"""Full and empty: what both take, each thing alone not being enough."""

import pytest

from jk_bms.battery.anchors import Anchors
from jk_bms.battery.belief import BEYOND, VoltageTable
from jk_bms.battery.chemistry import CHEMISTRIES

LFP = CHEMISTRIES["lfp"]
LITTLE = 0.01  # C


def was_full(mean: float, highest: float, charge_enabled: bool | None) -> bool:
    """Whether an hour of this is a full pack."""
    anchors = Anchors(LFP)
    return any(anchors.full(10.0, LITTLE, mean, highest, charge_enabled) for _ in range(360))


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


def test_the_voltage_goes_on_beyond_both_ends() -> None:
    """Falling below empty and rising above full, so that a belief out there is drawn back."""
    table = VoltageTable(LFP.ocv)

    assert table.at(-2.0) == pytest.approx(table.empty - 2.0 * BEYOND)
    assert table.at(102.0) == pytest.approx(table.full + 2.0 * BEYOND)
    assert table.at(0.0) == pytest.approx(LFP.ocv.ocv(0.0))
    assert table.at(100.0) == pytest.approx(LFP.ocv.ocv(100.0))
    assert table.at(50.25) == pytest.approx(LFP.ocv.ocv(50.25), abs=0.002)
