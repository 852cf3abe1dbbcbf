"""Packed rows, blocks and roll-ups give back exactly what was put in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jk_bms.errors import StoreError
from jk_bms.store import rollups
from jk_bms.store.blocks import decode_block, encode_block, in_order, joined
from jk_bms.store.columns import TIME
from jk_bms.store.packing import Packed, pack_rows, pack_series, unpack_series
from jk_bms.store.rollups import coarser, merged, pack_chunk, replaced, roll, unpack_chunk

NUMBERS = st.one_of(
    st.integers(-128, 128), st.integers(-(2**17), 2**17), st.integers(-(2**53) + 1, 2**53 - 1)
)
SERIES = st.lists(st.one_of(st.none(), NUMBERS), min_size=1, max_size=60)


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[int, list[int | None]], int]:
    count = draw(st.integers(1, 40))
    ids = draw(st.lists(st.integers(0, 254), min_size=1, max_size=8, unique=True))
    values: st.SearchStrategy[list[int | None]] = st.one_of(
        st.lists(st.one_of(st.none(), NUMBERS), min_size=count, max_size=count),
        NUMBERS.map(lambda value: [value] * count),
        st.tuples(st.integers(0, 2**41), st.integers(-5000, 5000)).map(
            lambda line: [line[0] + n * line[1] for n in range(count)]
        ),
    )
    return {column: draw(values) for column in ids}, count


@given(SERIES)
def test_a_series_comes_back(values: list[int | None]) -> None:
    packed = b"x" + pack_series(values)

    assert unpack_series(packed, 1, len(values)) == (values, len(packed))


@given(tables())
def test_packed_rows_come_back(table: tuple[dict[int, list[int | None]], int]) -> None:
    columns, count = table

    packed = Packed(pack_rows(columns, count))

    assert packed.count == count
    assert {column: packed.series(column) for column in packed.ids} == columns
    missing = next(column for column in range(255) if column not in columns)
    assert packed.series(missing) is None


@given(tables())
@settings(max_examples=300)
def test_a_block_comes_back(table: tuple[dict[int, list[int | None]], int]) -> None:
    columns, count = table

    assert decode_block(encode_block(columns, count)) == (columns, count)


@given(st.binary(max_size=200))
def test_a_damaged_block_is_our_error(noise: bytes) -> None:
    whole = encode_block({TIME: [1, 2, 4], 10: [None, 5, 6]}, 3)

    for block in (noise, b"L" + noise, whole[: len(noise) % len(whole)]):
        with pytest.raises(StoreError, match="block"):
            decode_block(block)


def test_rows_are_put_in_order() -> None:
    parts = [({TIME: [5, 6], 10: [1, 2]}, 2), ({TIME: [3, 6], 11: [7, 8]}, 2)]

    columns, count = joined(parts)

    assert count == 4
    assert in_order(columns, TIME) == {TIME: [3, 5, 6, 6], 10: [None, 1, 2, None], 11: [7, None, None, 8]}


ROWS = st.lists(
    st.tuples(st.integers(0, 599), st.one_of(st.none(), st.integers(-1000, 1000))), min_size=1, max_size=50
)


def by_hand(rows: list[tuple[int, int | None]], span: int, slots: int) -> list[tuple[int, ...] | None]:
    """Sum, lowest, highest and number of the values in each slot."""
    made: list[tuple[int, ...] | None] = []
    for slot in range(slots):
        some = [value for time, value in rows if time // span == slot and value is not None]
        made.append((sum(some), min(some), max(some), len(some)) if some else None)
    return made


def told(chunk: rollups.Chunk, column: int) -> list[tuple[int, ...] | None]:
    """The same of a chunk."""
    rolled = chunk.columns.get(column)
    if rolled is None:
        return [None] * len(chunk.counts)
    counts = chunk.counts if rolled.counts is None else rolled.counts
    return [
        None if total is None else (total, low or 0, high or 0, count or 0)
        for total, low, high, count in zip(rolled.sums, rolled.lows, rolled.highs, counts, strict=True)
    ]


@given(ROWS)
def test_rolling_up_is_summing(rows: list[tuple[int, int | None]]) -> None:
    """Straight, by way of finer slots, in two parts, stored and read: always the same."""
    rows.sort(key=lambda row: row[0])
    columns: dict[int, list[int | None]] = {TIME: [row[0] for row in rows], 10: [row[1] for row in rows]}

    straight = roll(columns, 0, 60, 10)
    fine = roll(columns, 0, 20, 30)
    halves = [roll({c: values[part::2] for c, values in columns.items()}, 0, 60, 10) for part in range(2)]

    expected = by_hand(rows, 60, 10)
    assert told(straight, 10) == expected
    assert told(coarser(fine, 3), 10) == expected
    assert told(merged(*halves), 10) == expected
    assert pack_chunk(coarser(fine, 3)) == pack_chunk(straight)
    stored = unpack_chunk(pack_chunk(straight))
    assert told(stored, 10) == expected[: len(stored.counts)]
    assert not any(expected[len(stored.counts) :])


@given(ROWS, st.integers(0, 9))
def test_slots_are_replaced(rows: list[tuple[int, int | None]], slot: int) -> None:
    """A chunk put together from slots is, byte for byte, the one rolled at once."""
    rows.sort(key=lambda row: row[0])
    columns: dict[int, list[int | None]] = {TIME: [row[0] for row in rows], 10: [row[1] for row in rows]}
    whole = roll(columns, 0, 60, 10)
    chunk: rollups.Chunk | None = None
    for at in range(10):
        some = [index for index, row in enumerate(rows) if row[0] // 60 == at]
        part = roll({c: [v[index] for index in some] for c, v in columns.items()}, at * 60, 60, 1)
        chunk = replaced(chunk, part, at, 1)
    assert chunk is not None

    emptied = replaced(chunk, None, slot, 1)

    assert pack_chunk(chunk) == pack_chunk(whole)
    expected = by_hand(rows, 60, 10)
    expected[slot] = None
    assert told(emptied, 10) == expected
