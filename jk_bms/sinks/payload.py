"""Battery values into the inverter program's record: which keys, which text. Pure.

The page, the charts and the bot that read these records plot null, "" and 0 alike and stop
at NaN. So a value is a decimal string or its key stays as it was.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from jk_bms.model import Sample
from jk_bms.model.quantities import BY_ATTRIBUTE, MERGED, fixed, rounded

RECORDER_KEY = "bms_recorder"  # only rows that we inserted ourselves have it
RECORDER = "easun-jkbms"
INVERTER_KEYS = (
    "grid_voltage",
    "grid_power",
    "grid_current",
    "ac_output_voltage",
    "ac_output_freq",
    "ac_output_power",
    "ac_output_current",
    "battery_voltage",
    "battery_current",
    "battery_power",
    "battery_soc",
    "temperature",
    "battery_charge_power",
    "pv_input_voltage",
    "pv_input_power",
    "pv_input_current",
)
# What the inverter program itself writes when its inverter does not answer, and whose row it is.
STANDALONE = dict.fromkeys(INVERTER_KEYS, "N/A") | {"status_text": "UNKNOWN", RECORDER_KEY: RECORDER}

ALL, PAGE = FIELDS = ("all", "page")  # of a battery in a record
# What the inverter program's page and bot, or people who look at its records, make something of.
ON_PAGE = frozenset(
    {
        "voltage",
        "current",
        "power",
        "battery_soc",
        "temperature",
        "cell_count",
        "cell_min.voltage",
        "cell_max.voltage",
        "cell_delta",
        "battery_soc_source",
        "soc_curve",
        "soc",
        "device.name",
    }
)
ON_PAGE_OF_FURTHER = frozenset({"voltage", "current", "power", "battery_soc", "temperature"})

_SOURCE = "_source"  # after a key: where its value comes from

INVERTED = frozenset({"current", "power"})  # by BMS_INVERT_CURRENT

# Members stay as the text they came as: 0.10 and 1e400 would not survive a float.
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_recorder = msgspec.json.Decoder(str)


def parse(text: str | bytes) -> dict[str, Any]:
    """Return the members of a JSON object, each value as its own text; strict.

    Raises ValueError for anything that is not a JSON object. Of a repeated key the last
    value is taken, as all readers of the record do.
    """
    try:
        # Bytes that are no text are not looked at inside of a member.
        return _members.decode(text.decode() if isinstance(text, bytes) else text)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error
    except TypeError as error:  # a number in a column of text
        raise ValueError(f"{type(text).__name__} in place of a JSON object") from error


def as_text(payload: Mapping[str, Any]) -> str:
    """Return ``payload`` as strict JSON on one line."""
    return msgspec.json.encode(payload).decode()


def is_own(payload: Mapping[str, Any]) -> bool:
    """Whether a parsed record was inserted by this program (standalone), not by another."""
    value = payload.get(RECORDER_KEY)
    if isinstance(value, msgspec.Raw):
        try:
            value = _recorder.decode(value)
        except msgspec.DecodeError:
            return False
    return bool(value == RECORDER)


def merge_payload(
    payload: Mapping[str, Any],
    samples: Iterable[Sample],
    *,
    fields: str = ALL,
    invert_current: bool = False,
    cells: bool = False,
    tz: tzinfo = UTC,
) -> dict[str, Any]:
    """Return ``payload`` with the values of ``samples``, one for each battery.

    ``fields``: ``page`` leaves out what the inverter program makes nothing of. Existing keys keep
    their place, new ones follow. A value that a sample does not know leaves the inverter's as it
    is, and takes away a key of ours that an earlier sample wrote.
    """
    merged = dict(payload)
    for sample in samples:
        values = battery_values(sample, fields=fields, invert_current=invert_current, cells=cells, tz=tz)
        for key, value in values.items():
            if value is not None:
                merged[key] = value
            elif "bms_" in key or (key.endswith(_SOURCE) and values[key.removesuffix(_SOURCE)] is not None):
                merged.pop(key, None)
    return merged


def has_merged(payload: Mapping[str, Any]) -> bool:
    """Whether the values of the first battery in a record are the BMS's, no longer the inverter's."""
    return (
        any(key.startswith("bms_") and key != RECORDER_KEY for key in payload)
        or "battery_soc_source" in payload
    )


def battery_values(
    sample: Sample,
    *,
    fields: str = ALL,
    invert_current: bool = False,
    cells: bool = False,
    tz: tzinfo = UTC,
) -> dict[str, Any]:
    """Return every record key of this battery and its value; None: the sample has none, or it is not wanted.

    The first battery has no prefix, the others ``battery2_`` and so on.
    """
    prefix = "" if sample.device.number == 1 else f"battery{sample.device.number}_"
    on_page = ON_PAGE if sample.device.number == 1 else ON_PAGE_OF_FURTHER
    values: dict[str, Any] = {}
    for quantity in MERGED:
        value = quantity.value(sample)
        if quantity.attribute == "cell_voltages":
            value = value if cells else None
        elif fields == PAGE and quantity.attribute not in on_page:
            value = None
        if value is None:
            pass
        elif isinstance(value, datetime):
            value = value.astimezone(tz).isoformat(timespec="seconds")
        elif isinstance(value, tuple):
            value = [rounded(item, quantity.payload_digits or 0) for item in value]
        elif value is not None and quantity.payload_digits is not None:
            value = fixed(
                -value if invert_current and quantity.attribute in INVERTED else value,
                quantity.payload_digits,
            )
        values[f"{prefix}{quantity.payload}"] = value
    return values


def summary(sample: Sample, *, invert_current: bool = False) -> str:
    """Return the log line of a merge, as the record has it; missing parts are left out."""
    parts = []
    for attribute, unit, digits in (
        ("voltage", "V", BY_ATTRIBUTE["voltage"].payload_digits),
        ("current", "A", BY_ATTRIBUTE["current"].payload_digits),
        ("battery_soc", "%", BY_ATTRIBUTE["battery_soc"].payload_digits),
        ("temperature", "°C", BY_ATTRIBUTE["temperature"].text_digits),
    ):
        value = BY_ATTRIBUTE[attribute].value(sample)
        if value is not None:
            sign = -1 if invert_current and attribute in INVERTED else 1
            parts.append(fixed(sign * value, digits or 0) + unit)
    if sample.cell_delta is not None:
        parts.append(f"{sample.cell_count} cells (delta: {fixed(sample.cell_delta, 3)}V)")
    who = "Battery" if sample.device.number == 1 else f"Battery {sample.device.number}"
    return f"{who} updated: {', '.join(parts) or 'no values'}"
