"""What differs between kinds of cells, as far as judging a pack needs it."""

from dataclasses import dataclass, replace

from jk_bms.battery.curves import Curve
from jk_bms.battery.ocv import LFP, LFP_OTHERS, LTO, LTO_OTHERS, NMC, NMC_OTHERS


@dataclass(frozen=True, slots=True)
class Chemistry:
    """One kind of cell. Voltages are per cell, in V."""

    name: str
    ocv: Curve
    charge: float  # usual target of chargers
    ovp: float  # no charger goes beyond
    resistance: float  # Ohm x Ah at 25 °C: a first guess, current steps teach better
    lag: float  # the slow part of the resistance, as a share of the quick one
    unlike: float  # V: how far the curve of a cell of this kind may lie from ours, 1 sigma
    vary: float  # how much more than those of LFP the curves of such cells differ in V
    knee: float  # %: the low flank of the curve ends here
    left: float  # V: a pack whose mean cell falls below has left its full charge
    charged: float  # V: a pack that is charged up to it, drops taken out, is full ...
    held: float  # V: ... and one that is held at it
    full_wrong: float  # %: a curve that is steep to its end leaves that open; 0: the end is the same for all
    surest: float  # %, 1 sigma: a curve is wrong in the same way each day, no looking makes surer
    others: tuple[Curve, ...] = ()  # curves of other makers' cells
    bent: float = 1.0  # how far their bends may lie elsewhere, against cells that we have no table of


OWNERS_BENT, OWNERS_SUREST = 0.3, 1.1  # of a curve that the owner has measured on these cells

# fmt: off
CHEMISTRIES = {c.name: c for c in (
    #         name   curve charge ovp   R     lag  unlike vary knee  left  charged held  wrong surest others
    Chemistry("lfp", LFP,  3.45,  3.65, 0.13, 0.8, 0.008, 1.0, 12.0, 3.36, 3.425,  3.395, 0.0, 1.1, LFP_OTHERS),
    Chemistry("nmc", NMC,  4.15,  4.25, 0.14, 0.8, 0.015, 2.0, 10.0, 4.00, 4.05,   4.05,  2.0, 2.2, NMC_OTHERS),
    Chemistry("lto", LTO,  2.65,  2.85, 0.06, 0.8, 0.015, 1.5, 10.0, 2.50, 2.55,   2.55,  3.0, 2.0, LTO_OTHERS),
)}
# fmt: on


def chemistry(name: str, curve: Curve | None = None) -> Chemistry:
    """Return the facts of ``name``, with the owner's ``curve`` where he has measured one.

    Raises ValueError for a name that is not in CHEMISTRIES.
    """
    known = CHEMISTRIES.get(name.lower())
    if known is None:
        raise ValueError(f"chemistry is {name!r}; expected one of {', '.join(CHEMISTRIES)}")
    if curve is None:
        return known
    surest = min(known.surest, OWNERS_SUREST)
    return replace(known, ocv=curve, others=(), bent=OWNERS_BENT, surest=surest)
