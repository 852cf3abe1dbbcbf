"""What the inverter of the simulated house would say of grid, load and sun."""

from datetime import datetime

from jk_bms.model import Inverter, InverterSample
from jk_bms.model.inverter import Rank
from jk_bms.simulator.bms import SimulatedBms
from jk_bms.simulator.inverter import EFFICIENCY, IDLE, SimulatedInverter
from jk_bms.simulator.noise import Noise

MAINS, OUTPUT, FREQUENCY = 231.0, 230.0, 50.0  # V, V, Hz
MAINS_WIGGLE = 4.0  # V

MADE_UP = Inverter(id="simulated", kind="simulated", rank=Rank.MADE_UP)

_noise = Noise("mains")


def inverter_reading(
    bms: SimulatedBms, *, taken_at: datetime, monotonic: float, device: Inverter = MADE_UP
) -> InverterSample | None:
    """Return what the inverter around ``bms`` says now, as ``device``; None when there is no house around it.

    None, too, while nothing feeds the inverter itself: without grid and sun it runs on the battery.
    """
    inverter = bms.surroundings
    if bms.house is None or not isinstance(inverter, SimulatedInverter):
        return None
    truth = bms.truth
    if inverter.dark and not (truth.grid or truth.sun or bms.discharge_on):
        return None
    load = 0.0 if inverter.dark else truth.load or 0.0
    battery = truth.voltage * truth.current  # W, positive while charging
    wanted = 0.0 if inverter.dark else load / EFFICIENCY + IDLE * bms.house.scale + battery
    sun = min(truth.sun or 0.0, max(0.0, wanted))
    grid = max(0.0, wanted - sun) if truth.grid else 0.0
    mains = MAINS + MAINS_WIGGLE * _noise.at(truth.t, 300.0) if truth.grid else 0.0
    output = 0.0 if inverter.dark else OUTPUT
    return InverterSample(
        device=device,
        taken_at=taken_at,
        monotonic=monotonic,
        grid_voltage=round(mains, 1),
        grid_power=round(grid),
        grid_current=round(grid / mains, 2) if truth.grid else 0.0,
        load_voltage=output,
        load_frequency=FREQUENCY if output else 0.0,
        load_power=round(load),
        load_current=round(load / OUTPUT, 1),
        pv_power=round(sun),
        charge_power=round(max(0.0, battery)),
        battery_voltage=round(truth.voltage, 1),
        battery_current=round(truth.current, 1),
        status="Line" if grid else "Battery",
    )
