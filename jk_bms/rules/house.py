"""Whether the house has power: what a house that has gone dark looks like, and one that is merely idle.

Dark is what an inverter shows whose output is off while there is no grid, and what batteries look like
that have cut the discharge while the inverter says nothing any more. A load of nothing alone is no sign
of it: at night a house may draw less than an inverter can measure.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from jk_bms.rules import example
from jk_bms.rules.base import Batteries, Emptying, HouseView, Look, Rule
from jk_bms.rules.causes import HOUSE_DARK
from jk_bms.rules.grid import LOST, PRESENT, grid_of
from jk_bms.rules.levels import Bounds, C, always, grade
from jk_bms.rules.telling import Telling

OUTPUT = 50.0  # V: an inverter that gives less gives nothing
LOAD = 10.0  # W: more of it is a load
NOTHING = 10.0  # W out of the batteries: an inverter that runs takes more for itself,
ELECTRONICS = 30.0  # W: and one whose output is off no more than that
FED_LATELY = 1800.0  # s: batteries that fed nothing for longer fed no house

_GRADES = (grade(C, 2012, Bounds(1.0, 0.0), seconds=30.0, digits=0),)


class Verdict(NamedTuple):
    """Whether the house is dark, and how that is known: ``sure``, ``output``, ``cut`` or ``silent``."""

    dark: bool
    how: str = "sure"


def verdict(view: HouseView) -> Verdict | None:
    """Return whether the house is dark; None: not known."""
    packs = view.batteries
    if packs.power is not None and packs.power <= -ELECTRONICS:
        return Verdict(dark=False)
    if view.sample is None or view.stale:
        return _by_batteries(view)
    if view.grid == PRESENT or (view.sample.load_power or 0.0) >= LOAD:
        return Verdict(dark=False)
    output = view.sample.load_voltage
    if output is not None and output > OUTPUT:
        return Verdict(dark=False)
    if packs.power is not None and packs.power >= ELECTRONICS:
        return None  # what charges it may feed the house as well: another inverter, the sun
    if view.grid != LOST:  # a program that names no grid: the output and the batteries say it together
        unfed = output is not None and packs.off and grid_of(view.sample) != PRESENT
        return Verdict(dark=True, how="output") if unfed else None
    if output is not None or packs.off:
        return Verdict(dark=True)
    sunny = (view.sample.pv_power or 0.0) >= LOAD
    nothing = packs.power is not None and abs(packs.power) <= NOTHING
    return Verdict(dark=True) if nothing and not sunny and view.sample.load_power is not None else None


def powered(view: HouseView) -> bool | None:
    """Return whether the house surely has power; None: not known, as with no inverter."""
    found = verdict(view)
    return None if found is None or view.sample is None else not found.dark


def _by_batteries(view: HouseView) -> Verdict | None:
    """What the batteries alone say: nothing but that they feed, or that they ceased to.

    An inverter whose last word was that the grid is there may still pass it on, and of one that named no grid
    that is not known. Batteries that fed the house after that word say more: then the grid was gone, or
    gave too little.
    """
    packs = view.batteries
    if not packs.off:
        charged = packs.off is False and packs.power is not None and packs.power >= ELECTRONICS
        return Verdict(dark=False) if charged else None
    if view.sample is not None and grid_of(view.sample) == LOST:
        return Verdict(dark=True, how="silent")
    fed = packs.fed is not None and packs.fed <= min(FED_LATELY, inf if view.age is None else view.age)
    return Verdict(dark=True, how="cut") if fed else None


def _look(view: HouseView) -> Mapping[str, Look | None] | None:
    found = verdict(view)
    if found is None:
        return None
    soc = view.batteries.soc
    if found.dark:
        return {"": Look(1.0, {"how": found.how, "soc": soc})}
    return {"": Look(0.0, {"soc_now": soc})}


DARK = Rule(
    HOUSE_DARK,
    HouseView,
    always(_GRADES),
    _look,
    rising=True,
    example=lambda: example.house(
        grid=LOST, load_voltage=0.0, load_power=0.0, batteries=Batteries(power=0.0, off=True, soc=6.0)
    ),
    clear_samples=3,
    clear_seconds=10.0,
    emptying=Emptying(10),
    telling=Telling(place=1),
)
