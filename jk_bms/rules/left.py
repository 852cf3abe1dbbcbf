"""How long the charge of a pack, and of the house, lasts.

The one answer to that question: alerts judge what can be counted on, pages and commands show the whole range.
"""

from collections.abc import Sequence
from typing import NamedTuple

from jk_bms.battery.house_charge import size_of, weighted_charge
from jk_bms.battery.low_charge import soc_for_warnings
from jk_bms.model import Sample
from jk_bms.rules.base import PackView
from jk_bms.rules.flow import capacity

TELLING = 20.0  # %: below it a cell's voltage tells what it holds, beside what the others hold
HOUR = 3600.0  # s
STEADY = 0.4  # C: with more current voltages say what cells resist, not what they hold


class Left(NamedTuple):
    """For how many s the charge lasts.

    ``sure`` and ``likely`` are what warnings judge: the charge that may be counted on, and of the usual load and
    that of the last minutes the larger one. ``first`` to ``last`` is what people are told to expect.
    """

    sure: float  # at the most that the load may be
    likely: float  # at the load that is likely
    first: float
    last: float


def soc_to_judge(sample: Sample) -> float | None:
    """Return the SoC, in %, that may be counted on: near the lower end of the band, once it is a count.

    Before the first anchor, and with a band that says nothing, our count is a guess: then the value
    that people are shown is judged.
    """
    surely = _surely(sample)
    return sample.battery_soc if surely is None else surely


def can_feed(sample: Sample | None) -> bool:
    """Whether a pack can give current, as far as is known of it. A device that measures none gives none."""
    return sample is not None and sample.current is not None and sample.discharge_enabled is not False


def pack_left(view: PackView) -> Left | None:
    """Return how long a pack lasts that is drawn from; None: it is not, or that is not known."""
    sample = view.sample
    if sample is None or sample.empty_in is None or sample.drain is None:
        return None
    share = share_of_weakest(view, sample)
    first, last = (share * end for end in sample.empty_in)
    likely, most = sample.drain
    soc = soc_to_judge(sample)
    if soc is None:
        return Left(first, first, first, last)
    sure, likely = (HOUR * share * soc / rate for rate in (most, likely))
    return Left(sure, likely, sure if _surely(sample) is None else first, max(likely, last))


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
        amount = sum(sizes[id(view)] * _held(view, name) for view in packs)
        rate = 0.0
        for view, left in lefts:
            held, lasts = _held(view, name), getattr(left, name)
            rate += sizes[id(view)] * (held / lasts if held and lasts else _most_given(view))
        bounds.append(amount / rate if rate else 0.0)
    sure, likely, first, last = bounds
    return Left(sure, max(sure, likely), first, max(likely, first, last))


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


def _surely(sample: Sample) -> float | None:
    """The SoC, in %, that may be counted on; None: our count, and its band, are a guess."""
    if sample.soc_anchor is None:
        return None
    return soc_for_warnings(sample.soc_counted, sample.soc_low, sample.soc_high)


def _held(view: PackView, bound: str) -> float:
    """How much of its size a pack gives before it cuts off: of the charge that belongs to that field of ``Left``."""
    sample = view.sample
    assert sample is not None
    soc = soc_to_judge(sample)
    if bound == "first" and _surely(sample) is not None:
        soc = sample.soc_low
    if bound == "last" and sample.soc_high is not None:
        soc = max(sample.soc_high, soc or 0.0)
    return 0.0 if soc is None else 0.01 * soc * share_of_weakest(view, sample)


def _most_given(view: PackView) -> float:
    """How much of its size a pack gives in a second, at most."""
    assert view.sample is not None
    assert view.sample.drain is not None
    return 0.01 * view.sample.drain[1] / HOUR


def _size(view: PackView) -> float:
    sample = view.sample
    assert sample is not None
    return size_of(sample.learned_ah, sample.full_ah) or capacity(view, sample)
