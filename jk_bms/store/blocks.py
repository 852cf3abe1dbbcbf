"""An hour of rows in one compressed block: differences from row to row, columns one by one.

Decoding gives back every number exactly.
"""

import lzma
import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from operator import sub

from jk_bms.errors import StoreError
from jk_bms.store.columns import Values

Columns = dict[int, list[int | None]]

_ALL, _NONE, _SOME = 0, 1, 2  # which rows have a value
_STEADY = 0  # width code: every difference is the same
_WIDTHS = ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))
_LETTERS = dict(_WIDTHS)
_HEAD = struct.Struct("<IB")  # rows, columns
_COLUMN = struct.Struct("<BBBqq")  # id, presence, width, first value, its steady difference
# No context of earlier bytes: the planes of differences have none.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 0, "pb": 0, "dict_size": 1 << 18}]
_LZMA = b"L"  # the first byte says how the rest is compressed


def encode_block(columns: Mapping[int, Values], count: int) -> bytes:
    """Return ``count`` rows, given as columns by id, as a compressed block."""
    heads = [_HEAD.pack(count, len(columns))]
    bodies: list[bytes] = []
    for column, values in columns.items():
        presence = _ALL
        known: Sequence[int]
        if None in values:
            known = [value for value in values if value is not None]
            presence = _SOME if known else _NONE
            bodies.append(bytes(value is not None for value in values) if known else b"")
        else:
            known = values  # type: ignore[assignment]
        if not known:
            heads.append(_COLUMN.pack(column, presence, _STEADY, 0, 0))
            continue
        steps = list(map(sub, known[1:], known))
        if not steps or min(steps) == max(steps):
            heads.append(_COLUMN.pack(column, presence, _STEADY, known[0], steps[0] if steps else 0))
            continue
        # Small differences of either sign become small numbers: 0, -1, 1, -2 ... to 0, 1, 2, 3 ...
        folded = [step << 1 if step >= 0 else ~(step << 1) for step in steps]
        most = max(folded)
        width, letter = next((w, letter) for w, letter in _WIDTHS if most < 1 << 8 * w)
        heads.append(_COLUMN.pack(column, presence, width, known[0], 0))
        raw = struct.pack(f"<{len(folded)}{letter}", *folded)
        bodies.extend(raw[plane::width] for plane in range(width))  # bytes of one weight together
    plain = b"".join(heads) + b"".join(bodies)
    return _LZMA + lzma.compress(plain, lzma.FORMAT_RAW, filters=_FILTERS)


def decode_block(block: bytes) -> tuple[Columns, int]:
    """Return the columns and the number of rows of a block. Raises StoreError when it is damaged."""
    try:
        return _decode(block)
    except (lzma.LZMAError, struct.error, IndexError, KeyError, ValueError) as error:
        raise StoreError(
            f"history: a block cannot be read: {error}; expected what encode_block made"
        ) from error


def _decode(block: bytes) -> tuple[Columns, int]:
    method, packed = block[:1], block[1:]
    if method == _LZMA:
        plain = lzma.decompress(packed, lzma.FORMAT_RAW, filters=_FILTERS)
    else:
        raise ValueError(f"method is {method!r}")
    count, number = _HEAD.unpack_from(plain)
    at = _HEAD.size + number * _COLUMN.size
    columns: Columns = {}
    for index in range(number):
        column, presence, width, first, steady = _COLUMN.unpack_from(plain, _HEAD.size + index * _COLUMN.size)
        if presence == _NONE:
            columns[column] = [None] * count
            continue
        mask = b""
        known = count
        if presence == _SOME:
            mask = plain[at : at + count]
            at += count
            known = sum(mask)
        values: list[int]
        if width == _STEADY:
            values = list(range(first, first + steady * known, steady)) if steady else [first] * known
        else:
            size = (known - 1) * width
            raw = bytearray(size)
            for plane in range(width):
                raw[plane::width] = plain[at : at + known - 1]
                at += known - 1
            folded = struct.unpack(f"<{known - 1}{_LETTERS[width]}", raw)
            steps = [~(step >> 1) if step & 1 else step >> 1 for step in folded]
            values = list(accumulate(steps, initial=first))
        if mask:
            given = iter(values)
            columns[column] = [next(given) if present else None for present in mask]
        else:
            columns[column] = values  # type: ignore[assignment]
    return columns, count


def joined(parts: Sequence[tuple[Mapping[int, Values], int]]) -> tuple[Columns, int]:
    """Return the rows of all ``parts`` (columns, rows), one after the other; what one lacks is None there."""
    ids = dict.fromkeys(column for columns, _ in parts for column in columns)
    whole: Columns = {column: [] for column in ids}
    for columns, count in parts:
        for column in ids:
            whole[column].extend(columns.get(column) or [None] * count)
    return whole, sum(count for _, count in parts)


def in_order(columns: Columns, key: int) -> Columns:
    """Return the rows sorted by column ``key``; those equal in it stay in their order."""
    times: list[int] = columns[key]  # type: ignore[assignment]
    if all(a <= b for a, b in pairwise(times)):
        return columns
    order = sorted(range(len(times)), key=times.__getitem__)
    return {column: [values[index] for index in order] for column, values in columns.items()}
