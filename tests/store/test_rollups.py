"""Slots of time joined into longer ones, by the plainest arithmetic."""

import random

import pytest

from jk_bms.store.rollups import Chunk, Rolled, coarser, replaced

VOLTAGE = 10


@pytest.mark.parametrize("factor", [1, 2, 4, 15, 16, 17, 24, 60])
@pytest.mark.parametrize("slots", [1, 59, 96])
def test_joined_slots_hold_the_sum_and_the_extremes_of_all(factor: int, slots: int) -> None:
    """Few at a time and many go different ways; some slots are gaps, some groups nothing but gaps."""
    dice = random.Random(factor)
    sums = [None if dice.random() < 0.2 or 20 <= n < 40 else dice.randint(-99, 99) for n in range(slots)]
    counts = [None if value is None else dice.randint(1, 9) for value in sums]
    chunk = Chunk(counts, {VOLTAGE: Rolled(sums, sums, sums, counts)})
    groups = [[v for v in sums[at : at + factor] if v is not None] for at in range(0, slots, factor)]
    rows = [[v for v in counts[at : at + factor] if v is not None] for at in range(0, slots, factor)]

    joined = coarser(chunk, factor)

    of_rows = [sum(group) if group else None for group in rows]
    assert joined.counts == of_rows
    assert joined.columns[VOLTAGE] == Rolled(
        [sum(group) if group else None for group in groups],
        [min(group) if group else None for group in groups],
        [max(group) if group else None for group in groups],
        of_rows,
    )


def test_slots_are_replaced_or_emptied_and_others_stay() -> None:
    values: list[int | None] = [1, 2, 3, 4]
    chunk = Chunk([1, 1, 1, 1], {VOLTAGE: Rolled(values, values, values)})
    part = Chunk([5, 5], {VOLTAGE: Rolled([70, 80], [6, 7], [8, 9])})

    put, emptied = replaced(chunk, part, 1, 2), replaced(chunk, None, 1, 2)

    assert put.counts == [1, 5, 5, 1]
    assert put.columns[VOLTAGE].sums == [1, 70, 80, 4]
    assert put.columns[VOLTAGE].lows == [1, 6, 7, 4]
    assert put.columns[VOLTAGE].highs == [1, 8, 9, 4]
    assert emptied.counts == [1, None, None, 1]
    assert emptied.columns[VOLTAGE].sums == [1, None, None, 4]
    assert replaced(None, part, 0, 2).columns[VOLTAGE].sums == [70, 80]
