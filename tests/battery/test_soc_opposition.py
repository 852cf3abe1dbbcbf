"""The counted charge on packs that share nothing with our simulator and our curves: bench/soc_opposition.py."""

import statistics
from dataclasses import replace
from functools import cache

import pytest

from bench.soc_family import HOUR, Seen, draw, rests
from bench.soc_opposition import Note, covered, judged, judged_curves, off, upper_percentile
from jk_bms.battery.chemistry import chemistry
from jk_bms.battery.soc import SocCounter, SocEstimate
from tests.scale import scaled

pytestmark = pytest.mark.long

# The worst that were found while it was built, and what most houses have; a soak tries all of them (make bench).
PACKS = (
    ("small errors", 1), ("shift +25 mV", 1), ("declared too little", 0), ("often low", 4),
    ("charger: fixed current, low", 0), ("nmc, often low", 0), ("lto", 0),
)  # fmt: skip
DAYS = 30 if scaled(20) >= 20 else 10


@cache
def looks() -> dict[tuple[str, int], list[Note]]:
    return {pack: judged((*pack, DAYS)) for pack in PACKS}


def notes(*, anchored: bool) -> list[list[Note]]:
    found = ([n for n in pack if (n.age is not None) is anchored] for pack in looks().values())
    return [pack for pack in found if pack]


def test_the_band_holds_the_truth_after_an_anchor() -> None:
    after = notes(anchored=True)

    assert covered([n for pack in after for n in pack]) >= 95.0
    assert min(covered(pack) for pack in after) >= 80.0
    assert off([n for pack in after for n in pack]) <= 3.0
    assert max(off(pack) for pack in after) <= 6.0


def test_the_band_holds_the_truth_before_an_anchor() -> None:
    before = notes(anchored=False)

    assert covered([n for pack in before for n in pack]) >= 95.0
    assert min(covered(pack) for pack in before if len(pack) > 96) >= 85.0


def test_small_errors_give_small_bands() -> None:
    after = [n for n in looks()["small errors", 1] if n.age is not None]

    assert off(after) <= 2.3
    assert statistics.median(n.high - n.low for n in after) <= 7.0


def test_a_pack_that_is_nearly_empty_is_not_shown_fuller() -> None:
    low = [n for pack in notes(anchored=True) for n in pack if n.true <= 12.0]

    assert len(low) > 100
    assert upper_percentile([n.value - n.true for n in low], 0.95) <= 8.0
    assert covered(low) >= 95.0


def test_each_pack_that_became_full_has_an_anchor() -> None:
    """Whatever its charger does at the end."""
    became_full = [pack for name, pack in looks().items() if max(n.true for n in pack) > 99.5]

    assert len(became_full) >= 3
    assert all(any(n.age is not None for n in pack) for pack in became_full)


class Rest:
    """What was said of a pack in the twelve hours in which it rested."""

    def __init__(self, scenario: str, number: int, to: float, *, idle: float | None = None) -> None:
        made = draw(scenario, number)
        made = made if idle is None else replace(made, idle=idle)
        counter = SocCounter(judged_curves(made), nominal_ah=made.nominal_ah)
        life: list[tuple[Seen, SocEstimate]] = []
        for seen in rests(made, to):
            estimate = counter.feed(seen.sample, seen.elapsed)
            assert estimate is not None
            life.append((seen, estimate))
        self.life = [(s, e) for s, e in life if s.at >= life[-1][0].at - 12.0 * HOUR]

    def grown(self, after: float) -> float:
        """By how much the error grew, at most, from so many h after it came to rest."""
        begin = self.life[0][0].at + after * HOUR
        errors = [abs(e.value - s.true) for s, e in self.life if s.at >= begin]
        return max(errors) - errors[0]

    @property
    def held(self) -> bool:
        """Whether the band held the truth all the time."""
        return all(e.low <= s.true <= e.high for s, e in self.life)


RESTING = [
    (scenario, number, to)
    for scenario in ("small errors", "usual", "hysteresis 10 mV", "capacity 76 %")
    for number in range(scaled(20))
    for to in (12.0, 8.0, 5.0)
]


@pytest.mark.parametrize(("scenario", "number", "to"), RESTING)
def test_rest_alone_leads_not_away_from_the_truth(scenario: str, number: int, to: float) -> None:
    """The first hours bring a better look, as the cells relax; after that the same evidence counts once."""
    rest = Rest(scenario, number, to, idle=0.0)

    assert rest.grown(after=3.0) <= 0.3
    assert rest.grown(after=0.0) <= 4.0
    assert rest.held


@pytest.mark.parametrize("to", [12.0, 8.0, 5.0])
def test_a_drain_below_the_dead_band_stays_in_the_band(to: float) -> None:
    assert Rest("wide dead band", 1, to).held


def test_the_curve_of_the_pack_is_kept_from_the_counter() -> None:
    made = draw("usual", 0)

    for name in ("board", "model", "prada", "seller"):
        assert len(judged_curves(replace(made, curve=name)).others) == len(chemistry("lfp").others) - 1
    assert judged_curves(replace(made, curve="power")) == chemistry("lfp")
