"""The inverter of the simulated house speaks as a real one: its powers add up, a cut shows."""

from datetime import UTC, datetime, timedelta

import pytest

from jk_bms.simulator.bms import MIDSUMMER, SimulatedBms
from jk_bms.simulator.inverter import EFFICIENCY, IDLE, Steady
from jk_bms.simulator.inverter_reading import inverter_reading

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_a_day_of_the_house() -> None:
    """Each ten minutes of two days: grid and sun carry load and battery, and cuts have no voltage."""
    bms = SimulatedBms(seed=3, start=MIDSUMMER)
    cuts = present = 0
    for step in range(2 * 144):
        bms.advance(600.0)
        taken_at = NOW + timedelta(seconds=600 * step)
        reading = inverter_reading(bms, taken_at=taken_at, monotonic=600.0 * step)
        assert reading is not None
        assert (reading.taken_at, reading.monotonic) == (taken_at, 600.0 * step)
        assert reading.grid_voltage is not None
        assert reading.load_power is not None
        assert reading.pv_power is not None
        assert reading.grid_power is not None
        truth = bms.truth
        if truth.grid:
            present += 1
            assert 220 < reading.grid_voltage < 240
            wanted = reading.load_power / EFFICIENCY + IDLE * 1.0 + truth.voltage * truth.current
            assert reading.grid_power + reading.pv_power == pytest.approx(max(0.0, wanted), abs=30)
        else:
            cuts += 1
            assert (reading.grid_voltage, reading.grid_power) == (0.0, 0.0)
            assert reading.status == "Battery"
    assert cuts
    assert present > cuts


def test_a_pack_on_a_bench_has_no_inverter() -> None:
    assert inverter_reading(SimulatedBms(surroundings=Steady()), taken_at=NOW, monotonic=1.0) is None
