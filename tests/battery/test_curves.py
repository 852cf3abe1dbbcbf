"""Voltage and state of charge of one cell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.battery.curves import DOCUMENTED, Curve
from jk_bms.battery.ocv import OCV

CURVES = [*OCV.values(), DOCUMENTED]


@pytest.mark.parametrize(
    ("v", "soc"),
    [(2.50, 0.0), (2.90, 25.0), (3.20, 43.8), (3.2875, 49.2), (3.30, 50.0), (3.40, 64.3), (3.65, 100.0)],
)
def test_the_documented_curve(v: float, soc: float) -> None:
    assert f"{DOCUMENTED.soc(v):.1f}" == f"{soc:.1f}"


@pytest.mark.parametrize(("v", "soc"), [(0.0, 0.0), (2.49, 0.0), (3.66, 100.0), (5.0, 100.0)])
def test_clamped_at_both_ends(v: float, soc: float) -> None:
    assert DOCUMENTED.soc(v) == soc


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ([(3.0, 0.0)], "at least two"),
        ([(3.0, 0.0), (3.0, 50.0)], "voltages of a curve must rise"),
        ([(3.3, 0.0), (3.0, 50.0)], "voltages of a curve must rise"),
        ([(3.0, 50.0), (3.3, 0.0)], "must not fall"),
    ],
)
def test_points_that_are_no_curve(points: list[tuple[float, float]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Curve(points)


def test_a_flat_stretch_has_its_upper_end() -> None:
    assert Curve([(3.0, 0.0), (3.1, 50.0), (3.2, 50.0), (3.3, 100.0)]).ocv(50.0) == pytest.approx(3.2)


@given(st.sampled_from(CURVES), st.floats(0.0, 100.0))
def test_there_and_back(curve: Curve, soc: float) -> None:
    assert curve.soc(curve.ocv(soc)) == pytest.approx(soc, abs=1e-6)


@given(st.sampled_from(CURVES), st.floats(0.0, 6.0), st.floats(0.0, 6.0))
def test_more_voltage_is_never_less_charge(curve: Curve, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert -1e-9 <= curve.soc(low) <= curve.soc(high) + 1e-9 <= 100.0 + 2e-9
