"""The counted charge against the truth: packs drawn at random, and traces of another's physics."""

from pathlib import Path

import pytest

from bench.soc_packs import Life, Note, counted, draw, live, score, three_days_after
from bench.soc_traces import own_curve, traced, traced_pack
from tests.scale import scaled

pytestmark = pytest.mark.long

DATA = Path(__file__).parent / "data"
WEEKS = 4.0 if scaled(20) >= 20 else 2.0


@pytest.fixture(scope="module")
def lives() -> list[Life]:
    return [live(draw(seed, WEEKS), step=40.0) for seed in range(scaled(30, least=3))]


def notes(lives: list[Life], anchored: bool) -> list[Note]:
    return [n for life in lives for n in life.notes if n.anchored is anchored]


def test_after_the_first_anchor(lives: list[Life]) -> None:
    found = score(notes(lives, anchored=True))

    assert found is not None
    assert found.rmse <= 2.0
    assert found.covered >= 0.95


def test_before_the_first_anchor(lives: list[Life]) -> None:
    found = score(notes(lives, anchored=False))

    assert found is not None
    assert found.rmse <= 6.0
    assert found.covered >= 0.95
    assert found.width > 5.0


def test_three_days_after_an_anchor_the_band_is_still_of_use(lives: list[Life]) -> None:
    found = score(three_days_after(n for life in lives for n in life.notes))

    assert found is not None
    assert found.width <= 20.0


@pytest.mark.parametrize(("at", "most"), [(20.0, 30.0), (25.0, 34.0)])
def test_low_warnings_come_in_time(lives: list[Life], at: float, most: float) -> None:
    warned = [w for life in lives for w in life.warnings[at]]

    assert warned
    assert not [w for life in lives for w in life.missed[at]]
    assert min(warned) >= 12.0
    assert max(warned) <= most


def test_every_jump_has_a_reason(lives: list[Life]) -> None:
    assert max(life.unexplained for life in lives) < 1.5


@pytest.mark.parametrize("name", ["house", "drive"])
def test_cells_of_another_physics_with_their_own_curve(name: str) -> None:
    path = DATA / f"lfp_{name}.csv"
    pack = traced_pack(3, -20.0)

    life = counted(pack, traced(pack, path), own_curve(path))

    found = score(notes([life], anchored=True))
    assert found is not None
    assert found.rmse <= 3.0  # the first cycle, in which the capacity is learned, is in it
    assert found.covered >= 0.9


@pytest.mark.parametrize("name", ["house", "drive"])
def test_cells_far_from_our_curve_are_counted_and_the_band_says_how_well(name: str) -> None:
    path = DATA / f"lfp_{name}.csv"
    packs = [traced_pack(0, -20.0), traced_pack(1, 20.0)]

    lives = [counted(pack, traced(pack, path)) for pack in packs]

    found = score(notes(lives, anchored=True))
    assert found is not None
    assert (
        found.rmse <= 5.0
    )  # nobody told the counter of these cells, and they are 30 to 70 mV below the usual
    assert found.covered >= 0.95
    for life in lives:
        assert not life.missed[20.0]
        assert min(life.warnings[20.0]) >= 12.0
