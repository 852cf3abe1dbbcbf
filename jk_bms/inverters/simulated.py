"""The inverter of a made-up house: what it says fits to what the simulated battery of that house does."""

from jk_bms.inverters.base import InverterContext, PolledInverter
from jk_bms.model import InverterSample
from jk_bms.simulator.inverter_reading import inverter_reading
from jk_bms.sources.simulated import SimulatedSource

PERIOD = 5.0  # s of its own time between two words
SHORTEST = 0.2  # s of ours, however fast its time runs
PATIENCE = 1.0  # s; it answers at once


class HouseInverter(PolledInverter):
    """Speaks while all batteries that are read are simulated: beside a real one no house is made up."""

    def __init__(self, context: InverterContext) -> None:
        super().__init__(context, period=max(SHORTEST, PERIOD / context.clock.speed), patience=PATIENCE)

    async def read(self) -> InverterSample | None:
        """Return what the inverter of the first battery that has a house around it says."""
        batteries = self.context.batteries()
        simulated = [one for one in batteries if isinstance(one, SimulatedSource)]
        if len(simulated) < len(batteries):
            return None
        now = self.context.sample()
        readings = (
            inverter_reading(
                one.bms, taken_at=now.taken_at, monotonic=now.monotonic, device=self.context.device
            )
            for one in simulated
        )
        return next((reading for reading in readings if reading is not None), None)


def simulated_inverter(context: InverterContext) -> HouseInverter:
    """Return the inverter of the house."""
    return HouseInverter(context)
