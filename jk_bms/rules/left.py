"""How long the charge of a pack, and of the house, lasts at the load of now.

The one answer to that question: alerts judge it, and pages and commands show the same one.
"""

from collections.abc import Sequence
from typing import NamedTuple

from jk_bms.battery.house_charge import size_of, weighted_charge
from jk_bms.battery.low_charge import soc_for_warnings
from jk_bms.model import Sample
from jk_bms.rules.base import PackView
from jk_bms.rules.flow import capacity

TELLING = 20.0  # %: below it a cell's voltage tells what it holds, beside what the others hold
STEADY = 0.4  # C: with more current voltages say what cells resist, not what they hold


class Left(NamedTuple):
    """For how many s the charge lasts."""

    low: float  # what may be counted on, at the most that the ups and downs of the load make likely
    mean: float  # what may be counted on, at the load of the last minutes
    high: float  # the most that there may be, at the least load that is likely


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


def can_feed(sample: Sample | None) -> bool:
    """Whether a pack can give current, as far as is known of it. A device that measures none gives none."""
    return sample is not None and sample.current is not None and sample.discharge_enabled is not False


def pack_left(view: PackView) -> Left | None:
    """Return how long a pack lasts that is drawn from; None: it is not, or that is not known."""
    sample = view.sample
    if sample is None or sample.empty_in is None:
        return None
    share = share_of_weakest(view, sample)
    low, mean = (share * _least_left(sample, cautious=cautious) for cautious in (True, False))
    return Left(low, mean, max(mean, share * sample.empty_in[1]))


def house_left(packs: Sequence[PackView]) -> Left | None:
    """Return how long ``packs`` last together, each of which can feed; None: none of them is drawn from.

    When one is empty the others carry what it carried: so what they hold together is divided by what they
    give together. One that gives nothing now helps later. Where the size of one is not known, all are alike.
    """
    lefts = [(view, left) for view in packs if (left := pack_left(view)) is not None]
    if not lefts:
        return None
    if len(packs) == 1:
        return lefts[0][1]
    sizes = {id(view): _size(view) for view in packs}
    if not all(sizes.values()):
        sizes = dict.fromkeys(sizes, 1.0)
    bounds = []
    for name in Left._fields:
        amount = sum(sizes[id(view)] * _held(view, most=name == "high") for view in packs)
        rate = 0.0
        for view, left in lefts:
            held, lasts = _held(view, most=name == "high"), getattr(left, name)
            if not held or not lasts:  # empty: what it gives follows from the most that it may hold
                held, lasts = _held(view, most=True), max(1.0, left.high)
            rate += sizes[id(view)] * held / lasts
        bounds.append(amount / rate if rate else 0.0)
    low, mean, high = bounds
    return Left(low, max(low, mean), max(mean, high))


def house_soc(packs: Sequence[PackView]) -> float | None:
    """Return the charge of ``packs`` together that may be counted on, in %; None: of none it is known."""
    known = [
        (soc, _size(view))
        for view in packs
        if view.sample is not None and (soc := soc_to_judge(view.sample)) is not None
    ]
    return weighted_charge([soc for soc, _ in known], [size for _, size in known]) if known else None


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


def _held(view: PackView, *, most: bool) -> float:
    """How much of its size a pack gives before it cuts off: what may be counted on, or the ``most`` that it may be."""
    sample = view.sample
    assert sample is not None
    soc = soc_to_judge(sample)
    if most:
        soc = soc if sample.soc_high is None else max(sample.soc_high, soc or 0.0)
    return 0.0 if soc is None else 0.01 * soc * share_of_weakest(view, sample)


def _size(view: PackView) -> float:
    sample = view.sample
    assert sample is not None
    return size_of(sample.learned_ah, sample.full_ah) or capacity(view, sample)


def _least_left(sample: Sample, *, cautious: bool) -> float:
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
