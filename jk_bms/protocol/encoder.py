"""What a BMS would send: the decoder backwards, for the simulated battery and the tests.

Values that a variant has no room for are left out; ValueError when one does not fit into its
field. The result passes every check of the decoder if the values agree with each other.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jk_bms.protocol.fields import (
    CELL_ARRAYS,
    CONNECTION_WIRES,
    INFO_COUNTERS,
    INFO_NUMBERS,
    INFO_SECRETS,
    INFO_TEXTS,
    LOG_COUNT,
    LOG_ENTRY,
    LOG_FIRST,
    SETTINGS,
    Field,
    Text,
)
from jk_bms.protocol.frame import FRAME_SIZE, HEADER, FrameKind, checksum
from jk_bms.protocol.layout import CELL_INFO_FIELDS
from jk_bms.protocol.values import CLOCK_SET, CellInfo, DeviceInfo, Logbook, Settings, Variant

_NO_SENSOR = -200.0
_NOT_COUNTING = 86_400

# What stands at the end of every cell-info frame of JK02_32S; it betrays the variant.
_TAIL_32S = (287, b"\xfe\xff\x7f\xdc\x2f\x01\x01")
# Likewise of its settings: which fields the app may show.
_FIELDS_32S = (288, b"\xff\xff\xff\x9f\xe9\x01\x02")
_FIELD_ENABLE = 0xFE

# What stands for "absent"; zero where nothing is said here.
_ABSENT: Mapping[str, float] = {
    "mos_temperature": _NO_SENSOR,
    "temperature_1": _NO_SENSOR,
    "temperature_2": _NO_SENSOR,
    "temperature_4": _NO_SENSOR,
    "temperature_5": _NO_SENSOR,
    "time_to_sleep": _NOT_COUNTING,
    "field_enable": _FIELD_ENABLE,
}


def encode_cell_info(info: CellInfo, variant: Variant, counter: int) -> bytes:
    """Return the frame of ``variant`` that says ``info``.

    Average, delta, extremes and pack voltage are computed from the cells where ``info`` leaves
    them out; the mask of connected cells always is.
    """
    frame = _begin(FrameKind.CELL_INFO, counter)
    arrays = CELL_ARRAYS[variant]
    numbers = info.cell_numbers or tuple(range(1, len(info.cells) + 1))
    if len(numbers) != len(info.cells):
        raise ValueError(f"there are {len(info.cells)} cells, but {len(numbers)} cell numbers")
    if any(not 1 <= n <= arrays.inputs for n in numbers):
        raise ValueError(f"cell_numbers are {numbers}; {variant} has inputs 1 to {arrays.inputs}")
    width = struct.calcsize("<" + arrays.code)
    for at, array in ((arrays.cells, info.cells), (arrays.resistances, info.cell_resistances)):
        for number, value in zip(numbers, array, strict=False):  # resistances may be unknown
            field = Field(f"cell {number}", at + width * (number - 1), arrays.code, arrays.divisor)
            _write(frame, field, value)
    values = _known(info) | {"cell_mask": sum(1 << (n - 1) for n in numbers)}
    low, high = info.cell_min, info.cell_max
    if low is not None and high is not None:
        values.setdefault("cell_average_bms", info.cell_average)
        values.setdefault("cell_delta_bms", info.cell_delta)
        values.setdefault("voltage", info.cell_sum)
        values["cell_max_number_bms"] = values.get("cell_max_number_bms", high.number) - 1
        values["cell_min_number_bms"] = values.get("cell_min_number_bms", low.number) - 1
    if info.power is not None:
        values.setdefault("power_bms", abs(info.power))
    # Where a board has no third probe it repeats the temperature of its MOSFETs.
    values.setdefault("temperature_3", values.get("mos_temperature", _NO_SENSOR))
    if info.battery_type_code is not None:
        # Firmware that knows its battery has a clock; never set, it runs from 2020 on.
        values.setdefault("clock_seconds", min(max(info.uptime or 0, 1), CLOCK_SET - 1))
    if variant is Variant.JK02_24S and "problem_code" in values:
        values["problem_code"] &= 0xFFFF  # it has no more bits
    _write_all(frame, CELL_INFO_FIELDS[variant], values)
    if variant is Variant.JK02_32S:
        _put(frame, *_TAIL_32S)
    return _finish(frame)


def encode_settings(settings: Settings, variant: Variant, counter: int) -> bytes:
    """Return the frame of ``variant`` that says ``settings``; it must tell the cell count."""
    if not settings.cell_count:
        raise ValueError("settings.cell_count is missing; without it no variant can be told")
    frame = _begin(FrameKind.SETTINGS, counter)
    _write_all(frame, SETTINGS[variant], _known(settings))
    if variant in CONNECTION_WIRES:
        at, count = CONNECTION_WIRES[variant]
        ohms = settings.connection_wire_resistances or ()
        for i, value in enumerate(ohms[:count]):
            _write(frame, Field(f"connection wire {i + 1}", at + 4 * i, "I", 1_000_000), value)
    if variant is Variant.JK02_32S:
        _put(frame, *_FIELDS_32S)
    return _finish(frame)


def encode_device_info(
    info: DeviceInfo, variant: Variant, counter: int, *, passcode: str = "", setup_passcode: str = ""
) -> bytes:
    """Return the frame of ``variant`` that says ``info``, with the passcodes as a BMS sends them."""
    frame = _begin(FrameKind.DEVICE_INFO, counter)
    values = _known(info)
    values.update(passcode=passcode, setup_passcode=setup_passcode)
    for text in (*INFO_TEXTS, *INFO_SECRETS):
        _write_text(frame, text, values.get(text.name, ""))
    _write_all(frame, INFO_COUNTERS, values)
    if variant is Variant.JK02_32S:
        _write_all(frame, INFO_NUMBERS, values)
    return _finish(frame)


def encode_logbook(book: Logbook, counter: int) -> bytes:
    """Return the frame that says ``book``; only JK02_32S sends one."""
    frame = _begin(FrameKind.LOGBOOK, counter)
    _write(frame, LOG_COUNT, book.count or len(book.entries))
    size = struct.calcsize("<" + LOG_ENTRY)
    if LOG_FIRST + size * len(book.entries) > FRAME_SIZE - 1:
        raise ValueError(f"there are {len(book.entries)} log entries; a frame has no room for so many")
    for i, entry in enumerate(book.entries):
        struct.pack_into("<" + LOG_ENTRY, frame, LOG_FIRST + size * i, entry.time, entry.code)
    return _finish(frame)


def _known(decoded: CellInfo | Settings | DeviceInfo) -> dict[str, Any]:
    fields = ((name, getattr(decoded, name)) for name in decoded.__struct_fields__)
    return {name: value for name, value in fields if value is not None}


def _begin(kind: FrameKind, counter: int) -> bytearray:
    frame = bytearray(FRAME_SIZE)
    frame[:6] = HEADER + bytes((kind, counter & 0xFF))
    return frame


def _finish(frame: bytearray) -> bytes:
    frame[-1] = checksum(bytes(frame))
    return bytes(frame)


def _put(frame: bytearray, at: int, data: bytes) -> None:
    frame[at : at + len(data)] = data


def _write_all(frame: bytearray, fields: Iterable[Field], values: Mapping[str, Any]) -> None:
    for field in fields:
        _write(frame, field, values.get(field.name, _ABSENT.get(field.name, 0)))


def _write(frame: bytearray, field: Field, value: float) -> None:
    try:
        struct.pack_into("<" + field.code, frame, field.at, _RAW.get(field.code[-1], _integer)(field, value))
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{field.name} is {value!r}, which does not fit into its field: {error}") from error


def _write_text(frame: bytearray, text: Text, value: str) -> None:
    raw = value.encode()
    if len(raw) > text.size:
        # Not its value: it may be a passcode.
        raise ValueError(f"{text.name} has {len(raw)} bytes; its field has room for {text.size}")
    _put(frame, text.at, raw)


def _integer(field: Field, value: float) -> int:
    return round(value * field.divisor)


def _mask(field: Field, value: float) -> bytes:
    return int(value).to_bytes(struct.calcsize(field.code), "little")


def _unchanged(field: Field, value: float) -> float:
    return value


_RAW: Mapping[str, Callable[[Field, float], Any]] = {"f": _unchanged, "?": _unchanged, "s": _mask}
