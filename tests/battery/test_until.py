"""Will it last until then?"""

from datetime import UTC, datetime, timedelta

import pytest

from jk_bms.battery.until import EFFICIENCY, Stretch, as_usual, battery_power, expect

NOW = datetime(2026, 11, 20, 20, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=10)
WH = 14_000.0


def evening(watts: float) -> list[Stretch]:
    return [Stretch(3600.0, watts)] * 10


def outlook(low: float, high: float, *watts: float, present: float | None = None):  # type: ignore[no-untyped-def]
    usual = [evening(each) for each in watts]
    return expect(NOW, UNTIL, low=low, high=high, capacity_wh=WH, usual=usual, present=present)


def test_it_lasts_also_in_the_worst_case() -> None:
    told = outlook(78, 82, 500, 500, 500)

    assert told.verdict == "yes"
    assert told.soc_low == pytest.approx(78 - 100 * 5000 / WH)
    assert told.soc_high == pytest.approx(82 - 100 * 5000 / WH)
    assert told.empty_first is told.empty_last is told.save is None
    assert (told.load, told.days) == (500, 3)


def test_it_does_not_last_and_says_what_would_help() -> None:
    told = outlook(20, 20, 500, 500, 500)

    assert told.verdict == "no"
    assert told.empty_first == NOW + timedelta(hours=10 * 0.2 * WH / 5000)
    assert told.empty_last == told.empty_first
    assert told.soc_low == 0
    # With so much less on the average it just lasts.
    assert outlook(20, 20, *[500 - told.save] * 3).verdict == "yes"
    assert outlook(20, 20, *[505 - told.save] * 3).verdict == "no"


def test_between_the_ends_of_the_band_it_may_last() -> None:
    told = outlook(30, 45, 500, 500, 500)

    assert told.verdict == "maybe"
    assert told.empty_first is not None
    assert told.empty_last is None
    assert told.soc_low == 0 < told.soc_high


def test_a_single_unusual_day_does_not_decide() -> None:
    calm = [400.0] * 13

    assert outlook(40, 40, *calm, 4000).verdict == "yes"
    assert outlook(40, 40, *calm[:8], *[4000] * 6).verdict == "maybe"


def test_the_order_of_hours_matters() -> None:
    """Sun in the morning does not help who is in the dark at night."""
    night = [*[Stretch(3600.0, 600.0)] * 6, *[Stretch(3600.0, -900.0)] * 4]
    told = expect(NOW, UNTIL, low=15, high=15, capacity_wh=WH, usual=[night] * 3, present=None)

    assert told is not None
    assert told.verdict == "no"
    assert told.empty_first == NOW + timedelta(hours=0.15 * WH / 600)
    assert told.soc_low > 0


def test_a_full_pack_takes_no_more() -> None:
    told = outlook(95, 99, -2000, -2000, -2000)

    assert told.soc_low == told.soc_high == 100


def test_with_too_few_days_the_present_load_counts() -> None:
    told = outlook(80, 80, 9000, 9000, present=400)

    assert (told.days, told.load) == (0, 400)
    assert told.soc_low < 80 - 100 * 4000 / WH < told.soc_high


def test_nothing_is_said_without_any_load() -> None:
    assert outlook(80, 80) is None


def test_a_time_that_has_passed_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a later time"):
        expect(NOW, NOW, low=1, high=2, capacity_wh=WH, usual=[], present=1)


def test_the_sun_carries_first() -> None:
    assert battery_power(500, 0) == pytest.approx(500 / EFFICIENCY)
    assert battery_power(500, 400) == pytest.approx(100 / EFFICIENCY)
    assert battery_power(500, 1500) == pytest.approx(-1000 * EFFICIENCY)


HALF = [(3600.0, 500.0), (3600.0, None)]  # an hour in which the battery carried the house, one on the grid


def test_what_the_grid_hid_is_taken_from_the_other_days() -> None:
    other = [(3600.0, None), (3600.0, 900.0)]

    assert (
        as_usual([HALF, other, HALF], present=300.0)
        == [
            [Stretch(3600.0, 500.0), Stretch(3600.0, 900.0)],
        ]
        * 3
    )


@pytest.mark.parametrize(("present", "hidden"), [(300.0, 300.0), (None, 500.0)])
def test_what_no_day_knows_is_as_now(present: float | None, hidden: float) -> None:
    assert as_usual([HALF] * 3, present) == [[Stretch(3600.0, 500.0), Stretch(3600.0, hidden)]] * 3


def test_days_on_the_grid_are_no_days_without_load() -> None:
    grid = [(3600.0, None)] * 8

    assert as_usual([grid] * 14, present=300.0) == []
    assert as_usual([grid, grid, HALF, HALF], present=300.0) == []
    assert as_usual([[], HALF, HALF], present=300.0) == []
    assert len(as_usual([grid, HALF, HALF, HALF], present=300.0)) == 3
