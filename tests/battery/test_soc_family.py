"""The opposition of the counted charge: packs that know nothing of our simulator and our curves."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

from bench import soc_family
from bench.soc_family import KINDS, SCENARIOS, OwnCurve, draw, lived

DAYS = 2


def test_it_takes_nothing_from_the_product_but_the_form_of_a_sample() -> None:
    tree = ast.parse(Path(soc_family.__file__).read_text())
    ours = {
        n.module
        for n in ast.walk(tree)
        if isinstance(n, ast.ImportFrom) and n.module and "jk_bms" in n.module
    }

    assert ours == {"jk_bms.model"}


def test_a_pack_is_the_same_each_time_and_another_by_its_number() -> None:
    assert draw("usual", 3) == draw("usual", 3) != draw("usual", 4)
    assert list(lived(draw("usual", 3, days=1))) == list(lived(draw("usual", 3, days=1)))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_lives(scenario: str) -> None:
    """The truth moves, is between empty and full, and what the BMS tells of it is possible."""
    made = draw(scenario, 1, days=DAYS)
    kind = KINDS[made.chemistry]
    volts = OwnCurve(made).volts

    moments = list(lived(made))

    assert volts == sorted(volts)
    assert len(moments) > 800 * DAYS
    assert all(0.0 <= seen.true <= 100.0 for seen in moments)
    assert max(seen.true for seen in moments) - min(seen.true for seen in moments) > 10.0
    assert all(b.at > a.at for a, b in pairwise(moments))
    for seen in moments:
        assert seen.sample.soc is not None
        assert 0 <= seen.sample.soc <= 100
        assert (
            kind.uvp - 0.7 < min(seen.sample.cell_voltages) <= max(seen.sample.cell_voltages) < kind.ovp + 0.2
        )
