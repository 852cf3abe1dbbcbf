"""The slope of a pack's own curve, learned from its typical and its lowest cell."""

import json

import pytest

from jk_bms.battery.own_slope import BINS, OwnSlope

FLANK, PLATEAU = 0.004, 0.0005  # V for each %


def volts(charge: float, flat: float = 50.0) -> float:
    """A curve with a flank below ``flat`` %."""
    return 3.3 + (charge - flat) * (FLANK if charge < flat else PLATEAU)


def discharged(slope: OwnSlope, begin: float, end: float, lowest: float = 0.0) -> None:
    """Walk down from ``begin`` to ``end`` %; the lowest cell holds ``lowest`` % less."""
    charge = begin
    while charge > end:
        slope.flow(-0.5)
        charge -= 0.5
        slope.moment(volts(charge), volts(charge - lowest))


def test_it_is_what_the_pack_has_shown() -> None:
    slope = OwnSlope()
    discharged(slope, 90.0, 20.0)

    assert slope.per_volt(volts(35.0)) == pytest.approx(1.0 / FLANK, rel=0.05)
    assert slope.per_volt(volts(70.0)) == pytest.approx(1.0 / PLATEAU, rel=0.05)


def test_where_it_was_not_it_knows_nothing() -> None:
    slope = OwnSlope()
    discharged(slope, 90.0, 40.0)

    assert slope.per_volt(volts(30.0)) is None
    assert not slope.known(volts(30.0))


def test_the_lowest_cell_goes_before() -> None:
    slope = OwnSlope()
    discharged(slope, 90.0, 40.0, lowest=15.0)

    assert slope.per_volt(volts(30.0)) == pytest.approx(1.0 / FLANK, rel=0.05)


def test_after_a_turn_it_waits_for_the_voltage_to_follow() -> None:
    slope = OwnSlope()
    for _ in range(20):  # 5 % down, 5 % up: never clear of the turn
        discharged(slope, 40.0, 35.0)
        for _ in range(10):
            slope.flow(0.5)

    assert slope.per_volt(volts(37.0)) is None


def test_a_sensor_that_wavers_around_nothing_makes_no_turn() -> None:
    slope = OwnSlope()
    charge = 49.0
    for _ in range(30):
        slope.flow(-1.0)
        slope.flow(0.1)
        charge -= 0.9
        slope.moment(volts(charge), volts(charge))

    assert slope.per_volt(volts(30.0)) == pytest.approx(1.0 / FLANK, rel=0.05)


def test_rest_adds_nothing_and_what_is_kept_is_bounded() -> None:
    slope = OwnSlope()
    discharged(slope, 90.0, 30.0)
    before = len(json.dumps(slope.state()))
    for _ in range(1000):
        slope.flow(0.0)
        slope.moment(volts(30.0), volts(30.0))
    for step in range(2000):  # through voltages that no cell has
        slope.flow(-1.0)
        slope.moment(60.0 - 0.02 * step, 60.0 - 0.02 * step)

    assert len(json.dumps(slope.state())) < before + 100
    assert len(slope.learnt()) <= BINS


def test_the_level_is_counted_from_full_and_lost_with_what_was_not_counted() -> None:
    slope = OwnSlope()
    discharged(slope, 90.0, 80.0)
    assert slope.level is None

    slope.full()
    discharged(slope, 100.0, 70.0)
    assert slope.level == pytest.approx(70.0)

    slope.lost()
    assert slope.level is None


def test_it_goes_on_after_a_restart_and_without_what_older_releases_did_not_keep() -> None:
    slope, again, empty = OwnSlope(), OwnSlope(), OwnSlope()
    discharged(slope, 90.0, 40.0)
    learnt, state = json.loads(json.dumps([slope.learnt(), slope.state()]))
    again.restore(learnt, state)
    empty.restore([], None)
    for each in (slope, again):
        discharged(each, 40.0, 20.0)

    assert (again.learnt(), again.state()) == (slope.learnt(), slope.state())
    assert empty.learnt() == []
