"""Field tables made into one ``struct`` call each, and the way back."""

import struct
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from jk_bms.protocol.fields import CELL_ARRAYS, CELL_INFO_24S, CELL_INFO_32S, CELL_INFO_JK04, Field
from jk_bms.protocol.frame import FRAME_SIZE
from jk_bms.protocol.values import CellInfo, Variant

Unpack = Callable[[bytes], tuple[Any, ...]]
Pick = Callable[[Any], tuple[Any, ...]]

CELL_INFO_FIELDS: Mapping[Variant, tuple[Field, ...]] = {
    Variant.JK04: CELL_INFO_JK04,
    Variant.JK02_24S: CELL_INFO_24S,
    Variant.JK02_32S: CELL_INFO_32S,
}

# The order of CellInfo: first what every frame has, then numbers to divide, then the rest.
FIRST_SCALED = CellInfo.__struct_fields__.index("voltage")
FIRST_RAW = CellInfo.__struct_fields__.index("cell_mask")
SCALED: tuple[str, ...] = CellInfo.__struct_fields__[FIRST_SCALED:FIRST_RAW]
RAW: tuple[str, ...] = CellInfo.__struct_fields__[FIRST_RAW:]


def compile_fields(fields: Iterable[Field]) -> tuple[struct.Struct, tuple[str, ...]]:
    """Return a Struct that reads all of ``fields`` from a frame, and their names in its order."""
    form, at, names = ["<"], 0, []
    for field in sorted(fields, key=lambda field: field.at):
        if field.at < at:
            raise ValueError(f"field {field.name} at {field.at} overlaps the one before, which ends at {at}")
        form.append(f"{field.at - at}x{field.code}")
        at = field.at + struct.calcsize("<" + field.code)
        names.append(field.name)
    form.append(f"{FRAME_SIZE - at}x")
    return struct.Struct("".join(form)), tuple(names)


class CellLayout(NamedTuple):
    """How to read the cell-info frames of one variant with one set of connected cells."""

    unpack: Unpack
    numbers: tuple[int, ...]  # theirs, 1 = first
    gaps: tuple[tuple[int, int, bytes], ...]  # from, to, the zeros that belong there
    cells: slice  # of the unpacked values, in mV
    resistances: slice  # likewise, in mOhm
    voltage: int  # index of the pack voltage in mV
    scaled: Pick
    divisors: tuple[int, ...]
    raw: Pick
    spread: Pick | None  # numbers and one None -> the order of CellInfo; None = nothing is missing


def _pick(indexes: list[int]) -> Pick:
    return itemgetter(*indexes)


@lru_cache(maxsize=64)  # a pack keeps its cells
def cell_layout(variant: Variant, mask: int) -> CellLayout:
    """Return the layout of a JK02 variant for the cells in ``mask``, as far as it has inputs."""
    arrays = CELL_ARRAYS[variant]
    present = [i for i in range(arrays.inputs) if mask >> i & 1]
    absent = [i for i in range(arrays.inputs) if not mask >> i & 1]
    width = struct.calcsize("<" + arrays.code)
    table = CELL_INFO_FIELDS[variant]
    packer, names = compile_fields(
        chain(
            (Field("cells", arrays.cells + width * i, arrays.code) for i in present),
            (Field("resistances", arrays.resistances + width * i, arrays.code) for i in present),
            table,
        )
    )
    n = len(present)
    first_cell = names.index("cells") if n else 0
    first_wire = names.index("resistances") if n else 0
    divisors = {field.name: field.divisor for field in table}
    scaled = [name for name in SCALED if name in names]
    raw = [name for name in RAW if name in names]
    order = [*scaled, *raw]
    complete = len(order) == len(SCALED) + len(RAW)
    spread = [order.index(name) if name in names else len(order) for name in (*SCALED, *RAW)]
    return CellLayout(
        unpack=packer.unpack,
        numbers=tuple(i + 1 for i in present),
        gaps=tuple(_runs(absent, arrays.cells, width)),
        cells=slice(first_cell, first_cell + n),
        resistances=slice(first_wire, first_wire + n),
        voltage=names.index("voltage"),
        scaled=_pick([names.index(name) for name in scaled]),
        divisors=tuple(divisors[name] for name in scaled),
        raw=_pick([names.index(name) for name in raw]),
        spread=None if complete else _pick(spread),
    )


def _runs(absent: list[int], base: int, width: int) -> Iterable[tuple[int, int, bytes]]:
    """Yield the byte ranges of neighbouring unconnected inputs."""
    while absent:
        n = 1
        while n < len(absent) and absent[n] == absent[0] + n:
            n += 1
        yield base + width * absent[0], base + width * (absent[0] + n), bytes(width * n)
        absent = absent[n:]
