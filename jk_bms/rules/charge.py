"""How much is left: state of charge, time on battery, and the moment when it goes dark."""

from collections.abc import Mapping
from typing import Any

from jk_bms.battery.low_charge import soc_for_warnings
from jk_bms.battery.runtime import TINY
from jk_bms.model import Sample
from jk_bms.rules import example
from jk_bms.rules.base import NO_WAIT, Grade, Look, PackView, Rule
from jk_bms.rules.flow import capacity, is_charged, shows_power
from jk_bms.rules.levels import C, Level, W, grade

HOUSE_DARK = "house_dark"  # the rule: what was foretold has happened

_SOC_GRADES = (
    grade(C, 1001, Level(12.0, 18.0), digits=1),
    grade(W, 1002, Level(25.0, 30.0), digits=1),
)
_NOT_CHARGED = Level(29.9, 32.0)
_NOT_CHARGED_GRADES = (grade(W, 1003, _NOT_CHARGED, seconds=600.0, digits=1),)
NEARLY_EMPTY = 20.0  # %: with less, only the grid or a charge makes the light sure again
TELLING = 20.0  # %: below it a cell's voltage tells what it holds, beside what the others hold
STEADY = 0.4  # C: with more current voltages say what cells resist, not what they hold
CHARGED = 0.5  # A: more of it is a charge
_RUNTIME_GRADES = (
    grade(C, 1039, Level(30.0, 60.0), seconds=120.0, digits=0),
    grade(W, 1038, Level(120.0, 180.0), seconds=300.0, digits=0),
)
_DARK_GRADES = (grade(C, 1042, Level(15.0, 30.0), seconds=30.0, digits=0),)


def _soc_grades(view: PackView) -> tuple[Grade, ...]:
    return _SOC_GRADES


def soc_to_judge(sample: Sample) -> float | None:
    """Return the SoC, in %, that may be counted on: near the lower end of the band, once it is a count.

    Before the first anchor, and with a band that says nothing, our count is a guess: then the value
    that people are shown is judged.
    """
    if sample.soc_anchor is not None:
        surely = soc_for_warnings(sample.soc_counted, sample.soc_low, sample.soc_high)
        if surely is not None:
            return surely
    return sample.battery_soc


def _soc(view: PackView) -> Mapping[str, Look | None] | None:
    sample = view.sample
    if sample is None:
        return None
    soc = soc_to_judge(sample)
    if soc is None:
        return None
    return {"": Look(round(soc, 1), {} if soc == sample.battery_soc else {"soc": sample.battery_soc})}


SOC_LOW = Rule(
    "soc_low",
    PackView,
    _soc_grades,
    _soc,
    rising=False,
    example=lambda: example.pack(
        soc=13.0,
        battery_soc=13.0,
        soc_counted=13.0,
        soc_low=11.0,
        soc_high=15.0,
        soc_anchor="full",
        soc_anchor_age=90_000.0,
    ),
    unit="%",
    digits=1,
    clear_seconds=60.0,
)


def _not_charged_grades(view: PackView) -> tuple[Grade, ...]:
    return _NOT_CHARGED_GRADES


def _not_charged(view: PackView) -> Mapping[str, Look | None] | None:
    """Measure the SoC of a pack that is not charged although grid or sun could."""
    sample = view.sample
    if sample is None or sample.current is None or (soc := soc_to_judge(sample)) is None:
        return None
    if sample.current > CHARGED:
        return {}
    held = Look(round(soc, 1), {"current": sample.current})
    if soc >= _NOT_CHARGED.clear or view.could_be_charged:
        return {"": held}
    return None  # there is nothing to charge it with, or that is not known


NOT_CHARGED = Rule(
    "not_charged",
    PackView,
    _not_charged_grades,
    _not_charged,
    rising=False,
    below=True,
    example=lambda: example.pack(soc=28.0, battery_soc=28.0, current=0.0)._replace(
        on_battery=False, could_be_charged=True
    ),
    unit="%",
    digits=1,
    clear_seconds=60.0,
    hidden_by="soc_low",
)


def _average_load(view: PackView) -> Mapping[str, Look | None] | None:
    return minutes_left(view, cautious=False)


def _cautious_load(view: PackView) -> Mapping[str, Look | None] | None:
    return minutes_left(view, cautious=True)


def minutes_left(view: PackView, *, cautious: bool) -> Mapping[str, Look | None] | None:
    """Measure how long the charge that may be counted on lasts, in min, while nothing else feeds.

    At the load of the last minutes, or, ``cautious``, at the most that its ups and downs make likely.
    That much is left is a relief only as long as the house has power: a dark one draws nothing. To the
    ``cautious`` a smaller load on a pack that is nearly empty is none: it may be as large again any minute.
    """
    sample = view.sample
    if sample is None or sample.current is None:
        return None
    if view.on_battery is False or is_charged(view):
        return {}
    if sample.discharge_enabled is False:
        return None  # it gives nothing: what the forecast says is of no use, and nothing is over
    soc = soc_to_judge(sample)
    relief = not cautious or (soc is not None and soc >= NEARLY_EMPTY)
    if sample.empty_in is None:
        # So little is drawn that it cannot be said for how many days; or nothing was measured yet.
        idle = abs(sample.current) < TINY * capacity(view, sample)
        return {} if idle and shows_power(view) and relief else None
    if sample.current > 0.0:
        return None  # a sensor beside its zero
    left, share = least_left(sample, cautious=cautious), share_of_weakest(view, sample)
    low, high = share * left, share * sample.empty_in[1]
    facts: dict[str, Any] = {"low": round(low), "high": round(max(low, high))}
    if sample.power is not None:
        facts["power"] = round(sample.power)
    return {"": Look(round(low / 60.0, 1), facts, proof=relief and shows_power(view))}


def share_of_weakest(view: PackView, sample: Sample) -> float:
    """Return how much of the pack's charge can be had before its lowest cell is empty, 0..1.

    The pack ends with its first empty cell. How full that one is its voltage tells only where the curve is
    steep; how far the load pulls it down, the others tell. 1: as much as the pack itself, as far as is known.
    """
    cells, soc = sample.cell_voltages, soc_to_judge(sample)
    size = capacity(view, sample)
    if len(cells) < 2 or not soc or sample.current is None or abs(sample.current) > STEADY * (size or 1.0):
        return 1.0
    curve, mean = view.chemistry.ocv, sum(cells) / len(cells)
    lowest = curve.soc(min(cells) + max(0.0, curve.ocv(soc) - mean))
    return min(1.0, lowest / soc) if lowest < TELLING else 1.0


def least_left(sample: Sample, *, cautious: bool) -> float:
    """Return for how many s the charge lasts that warnings look at.

    The forecast begins at the lower end of the band. Where little has been known for days that is
    zero, and a pack that is half full is not about to go dark.
    """
    assert sample.empty_in is not None
    low, high = sample.empty_in
    soc = soc_to_judge(sample)
    if soc is None or sample.soc_low is None or not sample.soc_high or not high:
        return low
    least = sample.soc_high / high  # % drawn in a second
    most = sample.soc_low / low if low and sample.soc_low else least
    return soc / (most if cautious else 0.5 * (least + most))


def _runtime_grades(view: PackView) -> tuple[Grade, ...]:
    return _RUNTIME_GRADES


def _dark_grades(view: PackView) -> tuple[Grade, ...]:
    return _DARK_GRADES


RUNTIME = Rule(
    "runtime",
    PackView,
    _runtime_grades,
    _average_load,
    rising=False,
    example=lambda: example.pack(
        current=-90.0, battery_soc=14.0, soc_low=14.0, soc_high=22.4, empty_in=(1500.0, 2400.0)
    ),
    unit="min",
    clear_seconds=300.0,
    hidden_by=HOUSE_DARK,
)
GOING_DARK = Rule(
    "going_dark",
    PackView,
    _dark_grades,
    _cautious_load,
    rising=False,
    example=lambda: example.pack(
        current=-90.0, battery_soc=7.0, soc_low=7.0, soc_high=9.0, empty_in=(780.0, 1300.0)
    ),
    unit="min",
    clear_seconds=300.0,
    flap_wait=NO_WAIT,  # the pack may be empty before anything else can be said
    hidden_by=HOUSE_DARK,
)
