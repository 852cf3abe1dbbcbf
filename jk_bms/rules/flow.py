"""What flows in or out of a pack, as far as it shows that the house has power.

A load that is gone, a current of nothing and a voltage that rises because nothing is drawn look like
relief, and are what a house looks like that has just gone dark.
"""

from typing import Any

from jk_bms.model import Sample
from jk_bms.rules.base import Other, PackView

CHARGING = 0.003  # C: less is not charging but a sensor beside its zero
CHARGING_LEAST = 0.5  # A
DRAWN = 0.001  # C: less may be that sensor as well; an inverter that runs takes more for itself
DRAWN_LEAST = 0.3  # A
NEARLY_EMPTY = 20.0  # %: with less, only the grid or a charge makes the light sure again
ENDING = 1.0  # %: a pack with less ends with this one


def is_charged(view: PackView) -> bool:
    """Whether the pack is being charged."""
    sample = view.sample
    if sample is None or sample.current is None:
        return False
    return sample.current > max(CHARGING_LEAST, CHARGING * capacity(view, sample))


def is_drawn_from(view: PackView) -> bool:
    """Whether the pack feeds something, be it an idle inverter only."""
    sample = view.sample
    if sample is None or sample.current is None or sample.discharge_enabled is False:
        return False
    return sample.current <= -max(DRAWN_LEAST, DRAWN * capacity(view, sample))


def shows_power(view: PackView) -> bool:
    """Whether there surely is power behind what is drawn: by the inverter where it says, else by the current."""
    if view.sample is not None and view.sample.discharge_enabled is False:
        return False
    return is_drawn_from(view) if view.powered is None else view.powered


def going_on(view: PackView) -> tuple[Other, ...]:
    """Return the other packs that surely feed the house on when this one is empty."""
    return tuple(other for other in view.others if other.soc is not None and other.soc >= NEARLY_EMPTY)


def others_facts(view: PackView) -> dict[str, Any]:
    """Return what a message tells of the packs that feed on without this one: their names and charges.

    ``few``: they are nearly empty themselves. ``how`` is ``cut`` when this one gives nothing any more.
    """
    others = going_on(view) or tuple(one for one in view.others if one.soc is not None and one.soc >= ENDING)
    if not others:
        return {}
    cut = view.sample is not None and view.sample.discharge_enabled is False
    few = {} if going_on(view) else {"few": True}
    return {"how": "cut" if cut else "others", "others": [[one.name, one.soc] for one in others]} | few


def scarce(view: PackView) -> dict[str, Any]:
    """Return what a message tells where nothing can charge the pack now, so that advice to charge is none."""
    return {"scarce": True} if view.on_battery and view.could_be_charged is False else {}


def supply(view: PackView) -> dict[str, Any]:
    """Return what a message tells of what charges the pack: that something does, or, as in ``scarce``, nothing can."""
    return {"charged": True} if is_charged(view) else scarce(view)


def capacity(view: PackView, sample: Sample) -> float:
    """Return the capacity in Ah; 0 when it is not known."""
    return view.limits.nominal_ah or sample.full_ah or 0.0
