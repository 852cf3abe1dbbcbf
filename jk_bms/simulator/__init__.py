"""A battery that is not there: cells, a house around them, a BMS on top and its radio.

Pure: no I/O, no clock, no event loop. Time is what the caller says; the same seed and the
same calls give the same bytes.
"""

from jk_bms.simulator.bms import SimulatedBms
from jk_bms.simulator.faults import Faults
from jk_bms.simulator.radio import Radio

__all__ = ["Faults", "Radio", "SimulatedBms"]
