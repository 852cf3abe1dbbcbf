"""A record of the inverter program as a reading of the inverter, and back. Pure.

Numbers are texts there; what is no number ("N/A") is absent. Records that we inserted ourselves
say nothing of an inverter.
"""

import math
from datetime import UTC, datetime
from typing import Any

import msgspec

from jk_bms.model import InverterSample
from jk_bms.model.foreign_text import harmless, harmless_name
from jk_bms.model.quantities import fixed
from jk_bms.sinks import payload as payloads
from jk_bms.store.readings import Record

DIGITS = {  # decimals of the keys that have some
    "grid_voltage": 1,
    "grid_current": 2,
    "ac_output_voltage": 1,
    "ac_output_freq": 2,
    "ac_output_current": 1,
    "pv_input_voltage": 1,
    "pv_input_current": 1,
}
NUMBERS = {  # attribute of the reading: key of the record
    "grid_voltage": "grid_voltage",
    "grid_power": "grid_power",
    "grid_current": "grid_current",
    "load_voltage": "ac_output_voltage",
    "load_frequency": "ac_output_freq",
    "load_power": "ac_output_power",
    "load_current": "ac_output_current",
    "pv_voltage": "pv_input_voltage",
    "pv_power": "pv_input_power",
    "charge_power": "battery_charge_power",
}
OF_THE_BATTERY = {  # the same for keys that our merge replaces: then they are no longer the inverter's
    "battery_voltage": "battery_voltage",
    "battery_current": "battery_current",
    "battery_soc": "battery_soc",
    "temperature": "temperature",
}
UNKNOWN_STATUS = "UNKNOWN"  # what the inverter program writes when its inverter does not answer


def inverter_sample(record: Record, *, monotonic: float) -> InverterSample | None:
    """Return what ``record`` says of the inverter, learned at ``monotonic`` s since boot.

    None: it says nothing, for it is our own, has no time, or is no JSON object.
    """
    made = parse_time(record.created_at)
    if made is None:
        return None
    if record.error is not None:
        return InverterSample(taken_at=made, monotonic=monotonic, error=harmless(str(record.error)))
    try:
        payload = payloads.parse(record.payload)
    except ValueError:
        return None
    if payloads.is_own(payload):
        return None
    keys = NUMBERS if payloads.has_merged(payload) else NUMBERS | OF_THE_BATTERY
    values: dict[str, Any] = {attribute: _number(_plain(payload.get(key))) for attribute, key in keys.items()}
    status = harmless_name(_plain(payload.get("status_text")))
    known = status is not None and status.upper() != UNKNOWN_STATUS
    return InverterSample(taken_at=made, monotonic=monotonic, status=status if known else None, **values)


def record_values(sample: InverterSample) -> dict[str, str]:
    """Return what ``sample`` says of grid, load and sun as members of a record; what is unknown has no key."""
    values = {
        key: fixed(value, DIGITS.get(key, 0))
        for attribute, key in NUMBERS.items()
        if (value := getattr(sample, attribute)) is not None
    }
    return values | ({"status_text": sample.status} if sample.status else {})


def parse_time(text: object) -> datetime | None:
    """Return a record's time, any ISO form; without an offset it is local. None: unreadable."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _plain(value: Any) -> Any:
    try:
        return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
    except msgspec.DecodeError:
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
