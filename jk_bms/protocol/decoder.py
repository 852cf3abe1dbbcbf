"""A frame to what it says. What a layout contradicts itself about is refused, not decoded."""

import struct
from math import isfinite
from operator import itemgetter, truediv
from typing import Any

from jk_bms.errors import ProtocolError
from jk_bms.model.foreign_text import harmless
from jk_bms.protocol.fields import (
    CELL_ARRAYS,
    CELL_INFO_JK04,
    CONNECTION_WIRES,
    INFO_COUNTERS,
    INFO_NUMBERS,
    INFO_SECRETS,
    INFO_TAIL,
    INFO_TEXTS,
    LOG_COUNT,
    LOG_ENTRY,
    LOG_FIRST,
    SETTINGS,
    Text,
)
from jk_bms.protocol.frame import Frame, FrameKind
from jk_bms.protocol.layout import RAW, SCALED, cell_layout, compile_fields
from jk_bms.protocol.values import (
    CLOCK_SET,
    CellInfo,
    Decoded,
    DeviceInfo,
    Logbook,
    LogEntry,
    Settings,
    Variant,
)
from jk_bms.protocol.variants import (
    ENOUGH,
    PACK_TOLERANCE_MV,
    has_no_cells,
    identify,
    is_jk04_cells,
    pack_fits,
    score,
    tail_variant,
    version,
)

SENSOR_ABSENT = -200.0  # °C, sent by a probe that is not there
NOT_COUNTING = 86_400  # s until sleep, when no sleep is planned
FIVE_PROBES = (14, 0)  # firmware that has battery probes 4 and 5
SAME_TEMPERATURE = 0.3  # °C; what differs by more was not measured in the same place
CHARGE_STAGES_SINCE = (15, 0)  # firmware that tells battery type and charge stage
DISCHARGE_UTP_SINCE = (15, 0)
HEATING_LIMITS_SINCE = (11, 26)

_MASK_24S = CELL_ARRAYS[Variant.JK02_24S].mask
_MASK_32S = CELL_ARRAYS[Variant.JK02_32S].mask

# Places in the part of CellInfo that follows the cells.
_AT = {name: i for i, name in enumerate((*SCALED, *RAW))}
_TEMPERATURES = slice(_AT["mos_temperature"], _AT["temperature_5"] + 1)
_MOS = _AT["mos_temperature"]
_T3, _T4, _T5 = (_AT[f"temperature_{n}"] for n in (3, 4, 5))
_HEATING, _HEATING_CURRENT = _AT["heating"], _AT["heating_current"]
_MAX_NUMBER, _MIN_NUMBER = _AT["cell_max_number_bms"], _AT["cell_min_number_bms"]
_SOH, _CLOCK, _SLEEP, _SENSORS = (
    _AT[name] for name in ("soh", "clock_seconds", "time_to_sleep", "sensor_mask")
)
_TYPE, _STAGE, _STAGE_TIME = (
    _AT[name] for name in ("battery_type_code", "charge_stage_code", "charge_stage_time")
)
_CORRECTION = _AT["voltage_correction"]
_SOC, _VOLTAGE_CHECK = _AT["soc"], _AT["voltage_check"]
_FURTHER_PROBES = tuple(_AT[f"temperature_{n}"] for n in (2, 3, 4, 5))

# What a board without shunt and switches has as 0: what tells that it may be one ...
_OF_CURRENT = tuple(
    _AT[name] for name in ("current", "power_bms", "soc", "charge", "charge_on", "discharge_on")
)
# ... what a BMS has even when it is empty and switched off ...
_OF_BMS = tuple(
    _AT[name] for name in ("mos_temperature", "soh", "cycles", "cycle_charge", "voltage_correction")
)
# ... and the rest.
_OF_SWITCHES = tuple(
    place
    for name, place in _AT.items()
    if name.startswith("release_")
    or name
    in (
        "capacity",
        "charge_sensor_voltage",
        "discharge_sensor_voltage",
        "current_correction",
        "precharge",
        "heating",
        "heating_current",
        "emergency_time",
        "charger_plugged",
        "parallel_limiter",
        "battery_type_code",
        "charge_stage_time",
        "charge_stage_code",
    )
)

_THOUSANDTHS = tuple(number / 1000 for number in range(6000))  # more than a cell or a wire has
_FLOAT_DIGITS = 6  # a float32 of a few volts knows no more


def decode(
    frame: Frame,
    variant: Variant | None = None,
    software: str | None = None,
    *,
    third_probe: bool = False,
    balancer: bool = False,
) -> Decoded:
    """Return what ``frame`` says; ProtocolError when it contradicts itself or its variant.

    ``variant``: from an earlier frame of this device; looked for in the content when None.
    ``software``: from its device info; settles which sensors an old firmware has.
    ``third_probe``: this device is known to have one, see ``probes.ThirdProbe``; else its place holds
    a probe only if this frame shows another temperature there than of the MOSFETs.
    ``balancer``: its model is one, see ``variants.is_balancer``; a frame may show that by itself.
    """
    kind = frame.kind
    if kind is FrameKind.DEVICE_INFO:
        return _decode_device_info(frame, variant)
    if variant is None:
        variant = identify(frame, software).variant
    if kind is FrameKind.CELL_INFO:
        if variant is Variant.JK04:
            return _decode_jk04(frame)
        return _decode_cell_info(
            frame, variant, version(software), third_probe=third_probe, balancer=balancer
        )
    if kind is FrameKind.SETTINGS:
        return _decode_settings(frame, variant, version(software))
    return _decode_logbook(frame, variant)


def _refusal(frame: Frame, variant: Variant | None, reason: str) -> ProtocolError:
    layout = f" as {variant}" if variant else ""
    return ProtocolError(f"{frame.kind.name.lower()} frame {frame.counter}{layout}: {reason}")


def _decode_cell_info(
    frame: Frame,
    variant: Variant,
    firmware: tuple[int, int] | None,
    *,
    third_probe: bool,
    balancer: bool,
) -> CellInfo:
    data = frame.data
    at = _MASK_32S if variant is Variant.JK02_32S else _MASK_24S
    layout = cell_layout(variant, int.from_bytes(data[at : at + 4], "little"))
    values = layout.unpack(data)
    cells = values[layout.cells]
    # The quick look passes nearly every frame; what it stops is examined in earnest.
    agrees = cells and 0 not in cells and abs(values[layout.voltage] - sum(cells)) <= PACK_TOLERANCE_MV
    for start, end, zeros in layout.gaps:
        if data[start:end] != zeros:
            agrees = False
    if not agrees:
        if has_no_cells(data):
            _check_no_cells(frame, variant)
            layout = cell_layout(variant, 0)
            values = layout.unpack(data)
            cells = ()
        else:
            _check_cells(frame, variant, cells, values[layout.voltage])
    fields: list[Any] = [*map(truediv, layout.scaled(values), layout.divisors), *layout.raw(values)]
    if layout.spread is not None:
        fields.append(None)
        fields = list(layout.spread(fields))
    if SENSOR_ABSENT in fields[_TEMPERATURES]:
        fields[_TEMPERATURES] = [None if t == SENSOR_ABSENT else t for t in fields[_TEMPERATURES]]
    if layout.spread is None:
        _settle_32s(fields, firmware, third_probe)
    if not fields[_SOH]:
        fields[_SOH] = None  # not computed
    if cells:
        fields[_MAX_NUMBER] += 1
        fields[_MIN_NUMBER] += 1
    else:
        fields[_MAX_NUMBER] = fields[_MIN_NUMBER] = None
    if not isfinite(fields[_CORRECTION]):
        fields[_CORRECTION] = None
    if not fields[_SOC] and _measures_no_current(fields, balancer):
        _blank_unmeasured(fields)
    n = len(cells)
    volts_ohms = _thousandths((*cells, *values[layout.resistances])) if n else ()
    if n and not any(volts_ohms[n:]):
        volts_ohms = volts_ohms[:n]  # not measured
    return CellInfo(variant, frame.counter, volts_ohms[:n], layout.numbers, volts_ohms[n:], *fields)


def _measures_no_current(fields: list[Any], balancer: bool) -> bool:
    """Whether a board has no shunt and no switches: all that needs them is 0, and so are its constants."""
    if any(map(fields.__getitem__, _OF_CURRENT)):
        return False
    return balancer or not any(map(fields.__getitem__, _OF_BMS))


def _blank_unmeasured(fields: list[Any]) -> None:
    """Blank what an active balancer sends without having the hardware for it."""
    for place in (*_OF_CURRENT, *_OF_BMS, *_OF_SWITCHES):
        fields[place] = None
    for place in _FURTHER_PROBES:
        fields[place] = fields[place] or None  # it has one
    fields[_VOLTAGE_CHECK] = fields[_VOLTAGE_CHECK] or None


def _thousandths(numbers: tuple[int, ...]) -> tuple[float, ...]:
    """Return two or more ``numbers`` divided by 1000."""
    try:
        # Looked up: a third of the time of dividing.
        quotients: tuple[float, ...] = itemgetter(*numbers)(_THOUSANDTHS)
        return quotients
    except IndexError:
        return tuple(number / 1000 for number in numbers)


def _settle_32s(fields: list[Any], firmware: tuple[int, int] | None, third_probe: bool) -> None:
    """Blank what a JK02_32S sends without knowing it."""
    if not fields[_HEATING]:
        fields[_HEATING_CURRENT] = None  # noise of the unused sensor
    if fields[_SLEEP] == NOT_COUNTING:
        fields[_SLEEP] = None
    third, mosfet = fields[_T3], fields[_MOS]
    if third is not None:
        if third == 0 and not fields[_SENSORS] & 8:
            fields[_T3] = None
        elif not third_probe and mosfet is not None and round(abs(third - mosfet), 1) <= SAME_TEMPERATURE:
            fields[_T3] = None  # a copy of the temperature of the MOSFETs, which nearly every board sends
    if fields[_T4] == 0 or fields[_T5] == 0:
        # Older boards have no such probes and send 0; so do two real ones at exactly 0.0 °C,
        # which are missed only while the firmware is unknown.
        old = firmware < FIVE_PROBES if firmware else fields[_T4] == fields[_T5]
        if old:
            fields[_T4] = fields[_T4] or None
            fields[_T5] = fields[_T5] or None
    # Firmware without a clock is older than all that tell the battery type.
    if firmware < CHARGE_STAGES_SINCE if firmware else not fields[_CLOCK]:
        fields[_TYPE] = fields[_STAGE] = fields[_STAGE_TIME] = None
    if fields[_CLOCK] < CLOCK_SET:
        fields[_CLOCK] = None


def _check_no_cells(frame: Frame, variant: Variant) -> None:
    if tail_variant(frame.data) not in (None, variant):
        raise _refusal(
            frame, variant, f"no cells, and the end of the frame is that of {tail_variant(frame.data)}"
        )


def _check_cells(frame: Frame, variant: Variant, cells: tuple[int, ...], pack: int) -> None:
    """Raise ProtocolError unless the pack voltage and one more test speak for ``variant``."""
    if not cells:
        raise _refusal(frame, variant, "there are cell voltages, but the mask of connected cells is empty")
    if not pack_fits(pack, sum(cells)):
        raise _refusal(
            frame,
            variant,
            f"pack voltage is {pack / 1000} V, but the {len(cells)} cells add up to {sum(cells) / 1000} V",
        )
    if score(frame.data, variant) < ENOUGH:
        raise _refusal(
            frame, variant, "neither the mask of connected cells nor the average fits the cell voltages"
        )


_jk04_packer, _jk04_names = compile_fields(CELL_INFO_JK04)
_JK04 = CELL_ARRAYS[Variant.JK04]


def _decode_jk04(frame: Frame) -> CellInfo:
    data = frame.data
    fields: dict[str, Any] = dict(zip(_jk04_names, _jk04_packer.unpack(data), strict=True))
    volts = struct.unpack_from(f"<{_JK04.inputs}f", data, _JK04.cells)
    ohms = struct.unpack_from(f"<{_JK04.inputs}f", data, _JK04.resistances)
    mask = fields["cell_mask"]
    present = [i for i in range(_JK04.inputs) if mask >> i & 1]
    for name, value in fields.items():
        if isinstance(value, float):
            fields[name] = round(value, _FLOAT_DIGITS) if isfinite(value) else None
    if any(volts):
        if not is_jk04_cells(data):
            raise _refusal(frame, Variant.JK04, "a cell voltage is not a number from 0.5 to 5.5 V")
        if present != [i for i, v in enumerate(volts) if v]:
            raise _refusal(frame, Variant.JK04, "the mask of connected cells does not fit the cell voltages")
        fields["cell_max_number_bms"] += 1
        fields["cell_min_number_bms"] += 1
    else:
        present = []
        fields["cell_max_number_bms"] = fields["cell_min_number_bms"] = None
    if present:
        fields["voltage"] = round(sum(volts[i] for i in present), _FLOAT_DIGITS)
    return CellInfo(
        Variant.JK04,
        frame.counter,
        tuple(round(volts[i], _FLOAT_DIGITS) for i in present),
        tuple(i + 1 for i in present),
        tuple(round(ohms[i], _FLOAT_DIGITS) if isfinite(ohms[i]) else 0.0 for i in present),
        **fields,
    )


# Limits that a board without the hardware for them has at 0: none is 0 where it protects anything.
_NEVER_ZERO = (
    "cell_uvp",
    "cell_uvpr",
    "cell_ovp",
    "cell_ovpr",
    "soc_100_voltage",
    "soc_0_voltage",
    "cell_request_charge_voltage",
    "cell_request_float_voltage",
    "power_off_voltage",
    "max_charge_current",
    "max_discharge_current",
    "charge_otp",
    "charge_otp_recovery",
    "discharge_otp",
    "discharge_otp_recovery",
    "mos_otp",
    "mos_otp_recovery",
    "nominal_battery_capacity",
)

_settings_packers = {variant: compile_fields(table) for variant, table in SETTINGS.items()}


def _decode_settings(frame: Frame, variant: Variant, firmware: tuple[int, int] | None) -> Settings:
    data = frame.data
    seen = identify(frame).variant
    if seen is not variant and not (seen is Variant.JK02_24S and variant is Variant.JK02_32S):
        raise _refusal(frame, variant, f"the content is that of {seen}")
    packer, names = _settings_packers[variant]
    divisors = {field.name: field.divisor for field in SETTINGS[variant]}
    fields: dict[str, Any] = {}
    for name, value in zip(names, packer.unpack(data), strict=True):
        if isinstance(value, float):
            fields[name] = round(value, _FLOAT_DIGITS) if isfinite(value) else None
        else:
            fields[name] = value / divisors[name] if divisors[name] != 1 else value
    if variant in CONNECTION_WIRES:
        at, count = CONNECTION_WIRES[variant]
        fields["connection_wire_resistances"] = tuple(
            raw / 1_000_000 for raw in struct.unpack_from(f"<{count}I", data, at)
        )
    for name in _NEVER_ZERO:
        if fields.get(name) == 0:
            fields[name] = None
    if variant is Variant.JK02_32S:
        if firmware and firmware < HEATING_LIMITS_SINCE:
            fields["heating_start"] = fields["heating_stop"] = None
        unused = fields["discharge_utp"] == fields["discharge_utp_recovery"] == 0
        if firmware < DISCHARGE_UTP_SINCE if firmware else unused:
            fields["discharge_utp"] = fields["discharge_utp_recovery"] = None
    return Settings(variant=variant, counter=frame.counter, **fields)


_counters_packer, _counters_names = compile_fields(INFO_COUNTERS)
_numbers_packer, _numbers_names = compile_fields(INFO_NUMBERS)
_info_divisors = {field.name: field.divisor for field in INFO_NUMBERS}
_ALWAYS = ("model", "hw_version", "sw_version", "name")


def _decode_device_info(frame: Frame, variant: Variant | None) -> DeviceInfo:
    data = frame.data
    if variant is None:
        try:
            variant = identify(frame).variant
        except ProtocolError:
            variant = None  # a version that is no number: the other frames will tell
    fields: dict[str, Any] = {text.name: _text(data, text) for text in INFO_TEXTS}
    for name, value in fields.items():
        if not value and name not in _ALWAYS:
            fields[name] = None
    fields.update(zip(_counters_names, _counters_packer.unpack(data), strict=True))
    fields.update({f"{text.name}_set": data[text.at] != 0 for text in INFO_SECRETS})
    if any(data[INFO_TAIL:299]):  # older variants send nothing from there on
        fields.update(
            (name, _number(value, _info_divisors[name]))
            for name, value in zip(_numbers_names, _numbers_packer.unpack(data), strict=True)
        )
    return DeviceInfo(variant=variant, counter=frame.counter, **fields)


def _number(value: int | bytes, divisor: int) -> float:
    if isinstance(value, bytes):
        return int.from_bytes(value, "little")
    return value / divisor if divisor != 1 else value


def _text(data: bytes, text: Text) -> str:
    """Return a text up to its first zero: what follows is left over from longer ones."""
    raw = data[text.at : text.at + text.size].split(b"\0")[0]
    return harmless(raw.decode("utf-8", "replace").strip())


def _decode_logbook(frame: Frame, variant: Variant) -> Logbook:
    (count,) = struct.unpack_from("<" + LOG_COUNT.code, frame.data, LOG_COUNT.at)
    size = struct.calcsize("<" + LOG_ENTRY)
    room = (len(frame.data) - 1 - LOG_FIRST) // size
    lines = struct.iter_unpack("<" + LOG_ENTRY, frame.data[LOG_FIRST : LOG_FIRST + size * min(count, room)])
    entries = tuple(LogEntry(time, code) for time, code in lines)
    return Logbook(variant=variant, counter=frame.counter, count=count, entries=entries)
