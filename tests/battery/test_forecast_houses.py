"""How long it lasts, in houses of known loads: a twentieth of bench/forecast.py."""

import pytest

from bench.forecast import CYCLING, HOUSES, Look, judged, missed, row

pytestmark = pytest.mark.long

DAYS = 6


@pytest.mark.parametrize("house", ["fridge", "capacity 85 %", "growing evening"])
def test_most_forecasts_come_true(house: str) -> None:
    found = row(judged((house, 0, DAYS)))

    assert found.looks > 100
    assert found.told >= 90.0
    assert found.inside >= 85.0
    assert found.too_long <= 10.0
    assert found.width <= (0.6 if house in CYCLING else 1.0)


def test_the_judge_sees_what_is_wrong() -> None:
    def looks(*told: tuple[float, float] | None) -> list[Look]:
        return [Look(0.0, 50.0, 10.0, each) for each in told]

    assert missed("fridge", row(looks(*[(8.0, 12.0)] * 20))) == []
    assert missed("fridge", row(looks(*[(4.0, 12.0)] * 20))) == ["width"]
    assert missed("growing evening", row(looks(*[(4.0, 12.0)] * 20))) == []
    assert missed("fridge", row(looks(*[(10.5, 12.0)] * 20))) == ["inside", "too long"]
    assert missed("fridge", row(looks(*[(8.0, 9.5)] * 20))) == ["inside"]
    assert row(looks((8.0, 12.0), None)).told == 50.0


def test_a_house_is_the_same_each_time() -> None:
    assert set(CYCLING) < set(HOUSES)
    assert judged(("fridge", 1, 3)) == judged(("fridge", 1, 3)) != judged(("fridge", 2, 3))
