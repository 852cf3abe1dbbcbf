"""How long the charge lasts: of the house, and of one pack beside others that go on.

Packs side by side feed one house. When one of them is empty the others carry on, so only the house goes
dark, and only when none of its packs can feed any more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jk_bms.battery.runtime import TINY
from jk_bms.rules import example
from jk_bms.rules.base import NO_WAIT, Emptying, HouseView, Look, Other, PackView, Rule
from jk_bms.rules.causes import GOING_DARK as GOING_DARK_RULE
from jk_bms.rules.causes import HOUSE_DARK, PACK_CUT
from jk_bms.rules.flow import NEARLY_EMPTY, capacity, going_on, is_charged, others_facts, scarce, shows_power
from jk_bms.rules.left import Left, can_feed, house_left, house_soc, pack_left, soc_to_judge
from jk_bms.rules.levels import Bounds, C, E, W, always, grade
from jk_bms.rules.telling import Telling

_RUNTIME_GRADES = (
    grade(C, 1039, Bounds(30.0, 60.0), seconds=120.0, digits=0),
    grade(W, 1038, Bounds(120.0, 180.0), seconds=300.0, digits=0),
)
_DARK_GRADES = (grade(C, 1042, Bounds(15.0, 30.0), seconds=30.0, digits=0),)
_ENDING_GRADES = (grade(E, 1050, Bounds(15.0, 30.0), seconds=30.0, digits=0),)


def _average_load(view: HouseView) -> Mapping[str, Look | None] | None:
    return minutes_left(view, cautious=False)


def _cautious_load(view: HouseView) -> Mapping[str, Look | None] | None:
    return minutes_left(view, cautious=True)


def minutes_left(view: HouseView, *, cautious: bool) -> Mapping[str, Look | None] | None:
    """Measure how long the charge that may be counted on lasts, in min, while nothing else feeds.

    At the load that is likely, or, ``cautious``, at the most that it may be: see ``Left``.

    What ends it is evidence that the danger is over, never a load that is missing: the grid, a charge, or
    that much is left at a load that is really there; a house that has gone dark draws nothing. To the
    ``cautious`` a smaller load is such evidence only while the packs hold a good part of their charge: then it
    was the load that would have emptied them so soon, and that is over where power still flows. Of packs
    that are nearly empty the charge itself is the danger. A smaller load takes none of it away, and may be as
    large again any minute: these are safe only with the grid or a charge.
    """
    if view.packs is None:
        return None
    heard = [one for one in view.packs if one.sample is not None and one.sample.current is not None]
    if not heard:
        return {"": _by_now("silent")} if view.silent else None
    if any(one.on_battery is False for one in heard) or _charged(heard):
        return {}
    feeding = [one for one in heard if can_feed(one.sample)]
    if not feeding:  # what was foretold has happened, unless one that is silent feeds
        return {"": _by_now("silent" if view.silent else "cut")}
    soc = house_soc(feeding)
    relief = not cautious or (soc is not None and soc >= NEARLY_EMPTY)
    powered = any(map(shows_power, feeding))
    left = house_left(feeding)
    if left is None:
        # So little is drawn that it cannot be said for how many days; or nothing was measured yet.
        return {} if all(map(_idle, feeding)) and powered and relief else None
    if sum(_current(one) for one in feeding) > 0.0:
        return None  # a sensor beside its zero
    least = left.sure if cautious else left.likely
    facts: dict[str, Any] = {"low": round(min(least, left.first)), "high": round(max(least, left.last))}
    powers = [one.sample.power for one in feeding if one.sample is not None]
    if None not in powers:
        facts["power"] = round(sum(power for power in powers if power is not None))
    if view.silent:
        facts["uncounted"] = list(view.silent)
    return {"": Look(round(least / 60.0, 1), facts | scarce(feeding[0]), proof=relief and powered)}


def _by_now(how: str) -> Look:
    """How a forecast stands that can be made no more: the packs are cut off, or none of them is heard."""
    return Look(0.0, {"how": how}, proof=False, news=False)


def _current(view: PackView) -> float:
    assert view.sample is not None
    return view.sample.current or 0.0


def _charged(views: Sequence[PackView]) -> bool:
    """Whether the packs are charged: one of them, and not by another."""
    return any(map(is_charged, views)) and not any(
        _current(view) < 0.0 and not _idle(view) for view in views if can_feed(view.sample)
    )


def _idle(view: PackView) -> bool:
    sample = view.sample
    assert sample is not None
    return abs(_current(view)) < TINY * capacity(view, sample)


def lasting(view: HouseView) -> Left | None:
    """Return how long the house lasts, for all who show it; None: it is not drawn from, dark, or not known."""
    feeding = [one for one in view.packs or () if can_feed(one.sample)]
    if not feeding or any(one.powered is False for one in feeding) or _charged(feeding):
        return None
    return house_left(feeding)


def _ending(view: PackView) -> Mapping[str, Look | None] | None:
    """Measure when a pack cuts off that others outlast, in min.

    Without others it says nothing: then the house goes dark with it, which is the other rule.
    """
    sample = view.sample
    if sample is None or sample.current is None:
        return None
    if view.on_battery is False or is_charged(view):
        return {}
    if not going_on(view):
        return None
    others = others_facts(view)
    if sample.discharge_enabled is False:
        return {"": Look(0.0, others | {"how": "cut"}, proof=False, news=False)}
    left, soc = pack_left(view), soc_to_judge(sample)
    if left is None:
        return None
    facts = {**others, "low": round(min(left.sure, left.first)), "high": round(max(left.sure, left.last))}
    del facts["how"]
    proof = soc is not None and soc >= NEARLY_EMPTY and shows_power(view)
    return {"": Look(round(left.sure / 60.0, 1), facts, proof=proof)}


RUNTIME = Rule(
    "runtime",
    HouseView,
    always(_RUNTIME_GRADES),
    _average_load,
    rising=False,
    example=lambda: example.packs(
        example.pack(current=-90.0, battery_soc=14.0, soc_low=14.0, soc_high=22.4, empty_in=(1500.0, 2400.0))
    ),
    unit="min",
    clear_seconds=300.0,
    hidden_by=(HOUSE_DARK, GOING_DARK_RULE),
    emptying=Emptying(80),
)
GOING_DARK = Rule(
    GOING_DARK_RULE,
    HouseView,
    always(_DARK_GRADES),
    _cautious_load,
    rising=False,
    example=lambda: example.packs(
        example.pack(current=-90.0, battery_soc=7.0, soc_low=7.0, soc_high=9.0, empty_in=(780.0, 1300.0))
    ),
    unit="min",
    clear_seconds=300.0,
    flap_wait=NO_WAIT,  # the packs may be empty before anything else can be said
    hidden_by=(HOUSE_DARK,),
    emptying=Emptying(20),
    last_words=True,
    telling=Telling(valued=False, place=2),
)
PACK_ENDING = Rule(
    "pack_ending",
    PackView,
    always(_ENDING_GRADES),
    _ending,
    rising=False,
    example=lambda: example.pack(
        current=-90.0, battery_soc=7.0, soc_low=7.0, soc_high=9.0, empty_in=(780.0, 1300.0)
    )._replace(others=(Other("Garage", 80.0),)),
    unit="min",
    clear_seconds=300.0,
    hidden_by=(HOUSE_DARK, GOING_DARK_RULE, PACK_CUT),
    emptying=Emptying(40),
    telling=Telling(valued=False),
)
