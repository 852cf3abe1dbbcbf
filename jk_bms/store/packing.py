"""Whole numbers in few bytes, each column reachable by itself: for rows and roll-ups in use.

A series is stored as its lowest value and the distances from it, in the narrowest of 1, 2, 4
or 8 bytes that holds them; a constant costs its value only. Little-endian.
"""

import struct
from collections.abc import Mapping
from functools import lru_cache

from jk_bms.store.columns import Values

_EMPTY, _CONSTANT = 0, 1
_WIDTHS = ((2, 1, "B"), (3, 2, "H"), (4, 4, "I"), (5, 8, "Q"))  # code, bytes, letter
_LETTER = {code: (width, letter, (1 << 8 * width) - 1) for code, width, letter in _WIDTHS}
_WIDE = 0x10  # the base takes 8 bytes, not 4
_HOLES = 0x20  # some values are None: the highest distance
_BASE = struct.Struct("<i")
_WIDE_BASE = struct.Struct("<q")
_HEAD = struct.Struct("<BHB")  # width of an offset, rows, columns


@lru_cache(maxsize=512)
def _numbers(count: int, letter: str) -> struct.Struct:
    return struct.Struct(f"<{count}{letter}")


def pack_series(values: Values) -> bytes:
    """Return ``values``, each None or below 2**62 in size, as bytes."""
    holes = None in values
    known = [value for value in values if value is not None] if holes else values
    if not known:
        return b"\0"
    low: int = min(known)  # type: ignore[type-var,assignment]
    high: int = max(known)  # type: ignore[type-var,assignment]
    wide = not -(2**31) <= low < 2**31
    base = (_WIDE_BASE if wide else _BASE).pack(low)
    if low == high and not holes:
        return bytes((_CONSTANT | wide * _WIDE,)) + base
    span = high - low
    # The highest distance stands for None.
    code, width, letter = next(width for width in _WIDTHS if span < (1 << 8 * width[1]) - 1)
    hole = (1 << 8 * width) - 1
    distances = [hole if value is None else value - low for value in values]
    return (
        bytes((code | wide * _WIDE | holes * _HOLES,))
        + base
        + struct.pack(f"<{len(values)}{letter}", *distances)
    )


def unpack_series(packed: bytes, at: int, count: int) -> tuple[list[int | None], int]:
    """Return the ``count`` values that begin at ``at``, and where they end."""
    code = packed[at]
    if code == _EMPTY:
        return [None] * count, at + 1
    if code & _WIDE:
        [base] = _WIDE_BASE.unpack_from(packed, at + 1)
        at += 9
        code ^= _WIDE
    else:
        [base] = _BASE.unpack_from(packed, at + 1)
        at += 5
    holes = code & _HOLES
    code &= ~_HOLES
    if code == _CONSTANT:
        return [base] * count, at
    width, letter, hole = _LETTER[code]
    if width == 1:  # bytes are numbers as they are
        near = packed[at : at + count]
        if holes:
            return [None if distance == 255 else base + distance for distance in near], at + count
        return [base + distance for distance in near], at + count
    distances = _numbers(count, letter).unpack_from(packed, at)
    at += width * count
    if holes:
        return [None if distance == hole else base + distance for distance in distances], at
    return [base + distance for distance in distances], at


def pack_columns(count: int, columns: Mapping[int, bytes]) -> bytes:
    """Return packed columns of ``count`` rows by id, with a directory in front."""
    total = sum(map(len, columns.values()))
    letter, width = ("H", 2) if total < 2**16 else ("I", 4)
    offsets = []
    at = 0
    for column in columns.values():
        offsets.append(at)
        at += len(column)
    return b"".join(
        (
            _HEAD.pack(width, count, len(columns)),
            bytes(columns),
            struct.pack(f"<{len(columns)}{letter}", *offsets),
            *columns.values(),
        )
    )


class Packed:
    """What ``pack_columns`` made; columns are unpacked when asked for."""

    __slots__ = ("_begin", "_format", "_width", "count", "ids", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.count: int
        width: int
        columns: int
        width, self.count, columns = _HEAD.unpack_from(raw)
        self.ids = raw[4 : 4 + columns]
        self._width = width
        self._format = "<H" if width == 2 else "<I"
        self._begin: int = 4 + columns + columns * width

    def at(self, column: int) -> int | None:
        """Return where the packed column begins in ``raw``; None when there is none."""
        index = self.ids.find(column)
        if index < 0:
            return None
        offset: int = struct.unpack_from(self._format, self.raw, 4 + len(self.ids) + index * self._width)[0]
        return self._begin + offset

    def series(self, column: int) -> list[int | None] | None:
        """Return the values of a column that holds one series; None when there is none."""
        at = self.at(column)
        return None if at is None else unpack_series(self.raw, at, self.count)[0]


def pack_rows(columns: Mapping[int, Values], count: int) -> bytes:
    """Return whole rows, given as columns by id."""
    return pack_columns(count, {column: pack_series(values) for column, values in columns.items()})
