"""What differs between chemistries: the voltages of a cell and the limits set for it."""

from typing import NamedTuple

from jk_bms.battery.curves import Curve
from jk_bms.battery.ocv import LFP, LTO, NMC


class Chemistry(NamedTuple):
    """One kind of cell. Voltages are per cell, in V."""

    name: str
    ocv: Curve
    resistance: float  # Ohm x Ah: ohmic part at 25 °C; a cell of twice the size has half of it
    lag_resistance: float  # Ohm x Ah: the slow part, see Pack
    nominal: float
    ovp: float  # over-voltage protection and its release
    ovpr: float
    uvp: float  # under-voltage protection and its release
    uvpr: float
    charge: float  # the charger's target ...
    hold: float  # ... and what it keeps up afterwards (float)
    full: float  # the BMS sets its counter to 100 % here ...
    empty: float  # ... and to 0 % here
    balance_start: float
    cut_off: float  # the inverter gives up here ...
    restart: float  # ... and comes back here
    battery_type: int  # code in the cell-info frame


# fmt: off
CHEMISTRIES = {c.name: c for c in (
    #         name   curve  R      lag    nom.  OVP   OVPR  UVP   UVPR  charge hold  full  empty  bal.  cut   restart
    Chemistry("lfp", LFP, 0.100, 0.070, 3.2,  3.65, 3.55, 2.50, 2.65, 3.45,  3.37, 3.42, 2.60, 3.40, 2.85, 3.20, 0),
    Chemistry("nmc", NMC, 0.120, 0.080, 3.65, 4.22, 4.18, 2.90, 3.10, 4.15,  4.05, 4.13, 3.00, 3.90, 3.25, 3.55, 1),
    Chemistry("lto", LTO, 0.040, 0.030, 2.3,  2.80, 2.70, 1.70, 1.85, 2.65,  2.55, 2.62, 1.75, 2.40, 1.95, 2.15, 2),
)}
# fmt: on
