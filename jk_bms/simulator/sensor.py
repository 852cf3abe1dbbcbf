"""The current sensor of a BMS: nearly right, and blind to small currents."""

from typing import NamedTuple


class CurrentSensor(NamedTuple):
    """What the BMS believes to flow: ``gain`` x current + ``offset``, 0 inside the dead band."""

    gain: float = 0.995
    offset: float = -0.06  # A
    dead_band: float = 0.14  # A

    @classmethod
    def usual(cls, capacity_ah: float) -> "CurrentSensor":
        """The sensor that a BMS for a pack of ``capacity_ah`` would have."""
        size = capacity_ah / 280.0
        return cls(offset=-0.06 * size, dead_band=0.14 * size)

    def read(self, current: float) -> float:
        """The measured current in A, in steps of 1 mA."""
        measured = current * self.gain + self.offset
        return 0.0 if -self.dead_band < measured < self.dead_band else round(measured, 3)
