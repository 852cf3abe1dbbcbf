"""The simulated battery as a source, and beside it the inverter of its house."""

import asyncio

from jk_bms.config.devices import Entry
from jk_bms.links.base import Link
from jk_bms.links.simulated import SimulatedLink, SimulatedRepairs
from jk_bms.simulator.inverter_reading import inverter_reading
from jk_bms.sources.base import SourceContext
from jk_bms.sources.held import HeldSource
from jk_bms.sources.session import Sessions

PERIOD = 5.0  # s of its own time between two words of the inverter
SHORTEST = 0.2  # s of ours, however fast its time runs


class SimulatedSource(HeldSource):
    """Reads the battery; ``context.inverter`` learns what the inverter of the same house says."""

    def __init__(self, entry: Entry, link: SimulatedLink, sessions: Sessions, context: SourceContext) -> None:
        super().__init__(
            entry.device(),
            link,
            sessions,
            context,
            current_calibration=entry.current_calibration,
            repairs=SimulatedRepairs(link, f"simulated {entry.address}"),
        )
        self._bms = link.radio.bms
        self._told_inverter = context.inverter
        self._clock = context.clock

    async def run(self) -> None:
        """Read and publish until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(super().run(), name=f"{self.device.label} battery")
            group.create_task(self._tell_of_the_house(), name=f"{self.device.label} house")

    async def _tell_of_the_house(self) -> None:
        while True:
            await asyncio.sleep(max(SHORTEST, PERIOD / self._clock.speed))
            reading = inverter_reading(
                self._bms, taken_at=self._clock.now(), monotonic=self._clock.monotonic()
            )
            if reading is not None:
                self._told_inverter(reading)


def simulated_source(entry: Entry, link: Link, sessions: Sessions, context: SourceContext) -> SimulatedSource:
    """Return the source of an entry."""
    assert isinstance(link, SimulatedLink)
    return SimulatedSource(entry, link, sessions, context)
