"""What differs between kinds of cells, as far as judging a pack needs it."""

from dataclasses import dataclass, replace

from jk_bms.battery.curves import Curve
from jk_bms.battery.ocv import LFP, LTO, NMC


@dataclass(frozen=True, slots=True)
class Chemistry:
    """One kind of cell. Voltages are per cell, in V."""

    name: str
    ocv: Curve
    charge: float  # usual target of chargers ...
    full: float  # ... and the least that a full pack holds with hardly any current
    empty: float  # a rested cell this low has nothing worth using left
    ovp: float  # no charger goes beyond
    resistance: float  # Ohm x Ah at 25 °C: a first guess, current steps teach better
    lag: float  # the slow part of the resistance, as a share of the quick one
    unlike: float  # V: how far the curve of a cell of this kind may lie from ours, 1 sigma
    bend: float  # V^2 for each % moved: how quickly that distance changes (hysteresis, shape)


# fmt: off
CHEMISTRIES = {c.name: c for c in (
    #         name   curve charge full  empty ovp   R     lag  unlike bend
    Chemistry("lfp", LFP,  3.45,  3.40, 2.95, 3.65, 0.13, 0.8, 0.008, 16e-6),
    Chemistry("nmc", NMC,  4.15,  4.05, 3.25, 4.25, 0.14, 0.8, 0.015, 16e-6),
    Chemistry("lto", LTO,  2.65,  2.55, 1.90, 2.85, 0.06, 0.8, 0.015, 16e-6),
)}
# fmt: on


def chemistry(name: str, curve: Curve | None = None) -> Chemistry:
    """Return the facts of ``name``, with the owner's ``curve`` where he has measured one.

    Raises ValueError for a name that is not in CHEMISTRIES.
    """
    known = CHEMISTRIES.get(name.lower())
    if known is None:
        raise ValueError(f"chemistry is {name!r}; expected one of {', '.join(CHEMISTRIES)}")
    return known if curve is None else replace(known, ocv=curve)
