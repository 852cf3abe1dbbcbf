"""The charge of several packs as one: the same for pages, alerts, digest and pictures.

The packs of a house lie side by side at one voltage, so what goes into each in Ah is its weight.
"""

from collections.abc import Sequence

# What tells how much goes into a pack, in Ah, the best first: as learnt here, else as the BMS says.
SIZES = ("learned_ah", "full_ah")


def size_of(learned: float | None, full: float | None) -> float | None:
    """Return how much goes into a pack, in Ah, from the two ``SIZES``; 0 is not known."""
    return learned or full or None


def weighted_charge(socs: Sequence[float], sizes: Sequence[float | None]) -> float:
    """Return the charge of packs that are at ``socs`` %, at least one, weighted by their ``sizes`` in Ah.

    Where the size of one is not known, all weigh alike.
    """
    known = [size for size in sizes if size]
    weights = known if len(known) == len(socs) else [1.0] * len(socs)
    return sum(soc * weight for soc, weight in zip(socs, weights, strict=True)) / sum(weights)
