"""The opposition of the health of cells: packs that know nothing of our simulator and our curves."""

import ast
from pathlib import Path
from statistics import median

import pytest

from bench import health_family
from bench.health import verdicts
from bench.health_family import KINDS, healthy, watched, with_fault
from tests.scale import scaled, soaking


def test_it_takes_nothing_from_the_product() -> None:
    tree = ast.parse(Path(health_family.__file__).read_text())

    assert not [
        n.module
        for n in ast.walk(tree)
        if isinstance(n, ast.ImportFrom) and n.module and n.module.startswith(("jk_bms", "tests"))
    ]


def test_a_pack_is_the_same_each_time_and_another_by_its_number() -> None:
    assert healthy(3, 2) == healthy(3, 2) != healthy(37, 2)
    assert list(watched(healthy(3, 1))) == list(watched(healthy(3, 1)))


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_one_cell_has_the_fault(kind: str) -> None:
    """And what is good ends well before what is faulty."""
    for number in range(40):
        pack = with_fault(number, kind, 2)
        ohm = [inside + lug for inside, lug in zip(pack.ohm, pack.lug, strict=True)]
        size, leak = pack.size, pack.made.leak
        weak = [i for i, each in enumerate(size) if each < 0.92 * median(size)]
        leaking = [i for i, each in enumerate(leak) if each > median(leak) + 0.13]
        loose = [i for i, each in enumerate(ohm) if each > 1.5 * median(ohm)]

        assert {"weak": weak, "leaking": leaking, "bad connection": loose} == {
            each: [pack.faulty] if each == kind else [] for each in KINDS
        }


def test_cells_end_full_together_and_a_leak_drags_its_cell_down() -> None:
    pack = with_fault(1, "leaking", 4)
    assert pack.faulty is not None
    first, *_, last = watched(pack)

    def behind(volts: tuple[float, ...]) -> float:
        return median(volts) - volts[pack.faulty or 0]

    assert len(last.sample.cell_voltages) == len(pack.size)
    assert behind(last.sample.cell_voltages) > behind(first.sample.cell_voltages)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(scaled(20)))
def test_a_fault_is_found_within_three_weeks(kind: str, number: int) -> None:
    """That cell, that fault, and nothing else."""
    pack = with_fault(number, kind, 21)

    assert [(each.cell, each.kind) for each in verdicts(pack)] == [(pack.faulty, kind)]


def test_a_cell_that_was_seen_at_one_end_only_has_no_size() -> None:
    """Far behind at full some cells stand where the curve is flat: what they hold was guessed from the low end alone."""
    pack = with_fault(37, "leaking", 21)

    assert {(each.cell, each.kind) for each in verdicts(pack)} == {(pack.faulty, "leaking")}


@pytest.mark.long
@pytest.mark.parametrize("number", range(1000, 1100 if soaking() else 1003))
def test_a_good_pack_raises_no_alarm(number: int) -> None:
    """A year each in the soak, three weeks else: a pack-year takes most of a minute."""
    assert [each.words for each in verdicts(healthy(number, 365 if soaking() else 21))] == []
