"""The numbers that a sum of hypotheses gives, against ones worked out by hand."""

from statistics import NormalDist

import pytest

from jk_bms.battery.hypotheses import quantiles


def test_quantiles_of_one_bell_are_those_of_a_normal_distribution() -> None:
    bell = NormalDist(50.0, 4.0)

    assert quantiles([(1.0, 50.0, 4.0)], 0.02, 0.98) == pytest.approx(
        (bell.inv_cdf(0.02), bell.inv_cdf(0.98)), abs=0.01
    )


def test_a_bell_far_away_counts_by_its_weight() -> None:
    """3 % of the weight at 20: the lower end goes there, for only 2 % may lie below; of 1 % it does not."""
    near = NormalDist(60.0, 2.0)

    low, high = quantiles([(0.97, 60.0, 2.0), (0.03, 20.0, 1.0)], 0.02, 0.98)
    alone, _ = quantiles([(0.99, 60.0, 2.0), (0.01, 20.0, 1.0)], 0.02, 0.98)

    assert low == pytest.approx(NormalDist(20.0, 1.0).inv_cdf(2.0 / 3.0), abs=0.01)
    assert high == pytest.approx(near.inv_cdf(0.95 / 0.97), abs=0.01)
    assert alone == pytest.approx(near.inv_cdf(0.01 / 0.99), abs=0.01)
