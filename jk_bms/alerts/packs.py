"""The packs of a house taken together: what they give, whether they can give, and how full they are."""

from collections.abc import Callable, Collection

from jk_bms.battery.house_charge import size_of, weighted_charge
from jk_bms.model import Sample
from jk_bms.rules.base import Batteries, PackView
from jk_bms.rules.flow import is_drawn_from


class Packs:
    """Looks at the newest samples of the packs at ``addresses``; one older than ``oldest`` s tells no power."""

    def __init__(
        self, addresses: Collection[str], newest: Callable[[str], Sample | None], *, oldest: float
    ) -> None:
        self._addresses = addresses
        self._newest = newest
        self._oldest = oldest
        self._fed: float | None = None  # s since boot

    def take(self, view: PackView) -> None:
        """Note whether a pack feeds the house."""
        if view.sample is not None and is_drawn_from(view):
            self._fed = view.sample.monotonic

    def look(self, now: float) -> Batteries:
        """Return how they are at ``now`` s since boot."""
        newest = [self._newest(address) for address in self._addresses]
        known = [sample for sample in newest if sample is None or _tells_of_power(sample)]
        samples = [sample for sample in known if sample is not None]
        powers = [_power(sample) for sample in samples if now - sample.monotonic <= self._oldest]
        off = [sample.discharge_enabled for sample in samples]
        return Batteries(
            power=sum(p for p in powers if p is not None)
            if len(powers) == len(known) and None not in powers and powers
            else None,
            off=None if len(off) < len(known) or not off or None in off else not any(off),
            fed=None if self._fed is None else max(0.0, now - self._fed),
            soc=_charge([sample for sample in newest if sample is not None]),
        )


def _tells_of_power(sample: Sample) -> bool:
    """Whether a device has a shunt or a switch: an active balancer has neither, and feeds or cuts nothing."""
    return sample.current is not None or sample.discharge_enabled is not None


def _power(sample: Sample) -> float | None:
    """W, positive while charging."""
    if sample.voltage is None or sample.current is None:
        return None
    return sample.voltage * sample.current


def _charge(samples: Collection[Sample]) -> float | None:
    """How full they are together, in %: bigger ones weigh more."""
    known = [
        (sample.battery_soc, size_of(sample.learned_ah, sample.full_ah))
        for sample in samples
        if sample.battery_soc is not None
    ]
    return weighted_charge([soc for soc, _ in known], [size for _, size in known]) if known else None
