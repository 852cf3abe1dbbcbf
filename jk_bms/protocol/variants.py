"""Which variant a frame is of: by what it holds first, by the firmware version second.

The version alone is not safe: firmware 8 exists in two variants, and a wrong choice gives
right cell voltages with silent garbage in everything else.
"""

import re
import struct
from functools import lru_cache
from typing import NamedTuple

from jk_bms.errors import ProtocolError
from jk_bms.protocol.fields import CELL_ARRAYS
from jk_bms.protocol.frame import Frame, FrameKind
from jk_bms.protocol.values import Variant

PACK_TOLERANCE_MV = 60  # pack voltage against the sum of the cells, or ...
PACK_TOLERANCE = 0.01  # ... this part of it, whichever is more
AVERAGE_TOLERANCE_MV = 3  # the BMS takes its average at another instant
ENOUGH = 5  # points: two of the three tests

_MASK_POINTS, _AVERAGE_POINTS, _PACK_POINTS = 3, 2, 3
_JK04_CELL = (0.5, 5.5)  # V, what a connected cell may have for us to believe in floats
_TAIL_MARK = 287  # 0xFE in every cell-info frame of JK02_32S, 0 in those of JK02_24S
_SETTINGS_TAIL = 282  # JK02_24S sends zeros from here on


class Identity(NamedTuple):
    """The variant of a frame and how we know. ``conflict``: one line for the log, or None."""

    variant: Variant
    by: str  # content, version
    conflict: str | None = None


@lru_cache(maxsize=64)
def is_balancer(model: str | None) -> bool:
    """Whether ``model`` is an active balancer: it has neither a shunt nor switches, ``JK-B2A24S``, ``JK_DZ11-B2A24S``.

    A BMS has its current behind the cells, ``JK-B2A24S15P``.
    """
    return re.fullmatch(r"\s*JK[-_](?:DZ\d+.*|B\d+A\d+S)\s*", model or "") is not None


@lru_cache(maxsize=64)
def version(software: str | None) -> tuple[int, int] | None:
    """Return the leading numbers of ``11.26``, ``10.07D30``, ``8.0.3M``; None when it has none."""
    found = re.match(r"\s*(\d+)(?:\.(\d+))?", software or "")
    return (int(found[1]), int(found[2] or 0)) if found else None


def variant_of_version(software: str | None) -> Variant | None:
    """Return the variant that ``software`` means; None for firmware 8, which exists in two."""
    number = version(software)
    if number is None or number[0] == 8:
        return None
    if number[0] >= 11:
        return Variant.JK02_32S
    return Variant.JK02_24S if number[0] >= 4 else Variant.JK04


def identify(frame: Frame, software: str | None = None) -> Identity:
    """Return the variant of ``frame``; ProtocolError when it is of none that we know.

    ``software``: the version from the device info, where it is known.
    """
    by_version = variant_of_version(software)
    by_content = _LOOK[frame.kind](frame.data)
    if by_version is Variant.JK04 and frame.kind is FrameKind.CELL_INFO and has_no_cells(frame.data):
        by_content = None  # it has part of its run time where the others betray themselves
    if by_content is None:
        if by_version is None:
            raise ProtocolError(
                f"{frame.kind.name.lower()} frame {frame.counter}: its content fits no known layout and "
                f"the software version {'is unknown' if not software else f'{software!r} does not tell'}"
            )
        return Identity(by_version, "version")
    conflict = None
    if by_version is not None and by_version is not by_content:
        conflict = f"software {software} is expected to send {by_version}, but the frames hold {by_content}"
    return Identity(by_content, "content", conflict)


def score(data: bytes, variant: Variant) -> int:
    """Return how well a cell-info frame fits a JK02 variant: 0 to 8 points."""
    arrays = CELL_ARRAYS[variant]
    shift = arrays.mask - CELL_ARRAYS[Variant.JK02_24S].mask  # 0 or 16
    cells = struct.unpack_from(f"<{arrays.inputs}H", data, arrays.cells)
    mask, average = struct.unpack_from("<IH", data, arrays.mask)
    (pack,) = struct.unpack_from("<I", data, 118 + 2 * shift)
    masked = [cell for i, cell in enumerate(cells) if mask >> i & 1]
    points = 0
    if mask and mask == sum(1 << i for i, cell in enumerate(cells) if cell):
        points += _MASK_POINTS
    if masked and abs(average - sum(masked) / len(masked)) <= AVERAGE_TOLERANCE_MV:
        points += _AVERAGE_POINTS
    if masked and pack_fits(pack, sum(masked)):
        points += _PACK_POINTS
    return points


def pack_fits(pack_mv: int, sum_mv: int) -> bool:
    """Whether the pack voltage agrees with the sum of its cells, both in mV."""
    return abs(pack_mv - sum_mv) <= max(PACK_TOLERANCE_MV, PACK_TOLERANCE * sum_mv)


def has_no_cells(data: bytes) -> bool:
    """Whether every cell voltage of a JK02 cell-info frame is 0: power, but no battery."""
    return not any(data[6:54])


def tail_variant(data: bytes) -> Variant | None:
    """Return the JK02 variant of a cell-info frame without cells, by the byte that betrays it."""
    return {0xFE: Variant.JK02_32S, 0x00: Variant.JK02_24S}.get(data[_TAIL_MARK])


def is_jk04_cells(data: bytes) -> bool:
    """Whether a cell-info frame holds cell voltages as floats."""
    cells = [v for v in struct.unpack_from("<24f", data, 6) if v != 0]
    low, high = _JK04_CELL
    return bool(cells) and all(low <= v <= high for v in cells)


def _cell_info(data: bytes) -> Variant | None:
    if is_jk04_cells(data):
        return Variant.JK04
    if has_no_cells(data):
        return tail_variant(data)
    points = {variant: score(data, variant) for variant in (Variant.JK02_24S, Variant.JK02_32S)}
    best = max(points, key=points.__getitem__)
    return best if points[best] >= ENOUGH else None


def _settings(data: bytes) -> Variant | None:
    # JK04 counts its cells where JK02 has a voltage in mV, and the other way round.
    if 1 <= int.from_bytes(data[34:38], "little") <= 24:
        return Variant.JK04
    if 1 <= int.from_bytes(data[114:118], "little") <= 32:
        return Variant.JK02_32S if any(data[_SETTINGS_TAIL:299]) else Variant.JK02_24S
    return None


def _device_info(data: bytes) -> Variant | None:
    major = version(data[30:38].split(b"\0")[0].decode("ascii", "replace"))
    if major is None:
        return None
    if major[0] >= 11:
        return Variant.JK02_32S
    # JK04 sends neither a date of manufacture nor a serial number.
    return Variant.JK02_24S if any(data[78:118]) else Variant.JK04


def _logbook(data: bytes) -> Variant | None:
    return Variant.JK02_32S  # no other has one


_LOOK = {
    FrameKind.CELL_INFO: _cell_info,
    FrameKind.SETTINGS: _settings,
    FrameKind.DEVICE_INFO: _device_info,
    FrameKind.LOGBOOK: _logbook,
}
