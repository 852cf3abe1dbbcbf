"""A record of the inverter program as a reading of the inverter, and back. Pure.

Numbers are texts there; what is no number ("N/A") is absent. Records that we inserted ourselves
say nothing of an inverter.
"""

import math
from datetime import UTC, datetime
from typing import Any

import msgspec

from jk_bms.model import Inverter, InverterSample
from jk_bms.model.foreign_text import harmless, harmless_name
from jk_bms.model.inverter import INVERTER_QUANTITIES, Rank
from jk_bms.model.quantities import fixed
from jk_bms.sinks import payload as payloads
from jk_bms.store.readings import Record

OVERHEARD = Inverter(id="records", kind="records", rank=Rank.SECOND_HAND)
UNKNOWN_STATUS = "UNKNOWN"  # what the inverter program writes when its inverter does not answer


def inverter_sample(
    record: Record, *, monotonic: float, device: Inverter = OVERHEARD
) -> InverterSample | None:
    """Return what ``record`` says of the inverter, which is ``device``, learned at ``monotonic`` s since boot.

    None: it says nothing, for it is our own, has no time, or is no JSON object.
    """
    made = parse_time(record.created_at)
    if made is None:
        return None
    if record.error is not None:
        return InverterSample(
            device=device, taken_at=made, monotonic=monotonic, error=harmless(str(record.error))
        )
    try:
        payload = payloads.parse(record.payload)
    except ValueError:
        return None
    if payloads.is_own(payload):
        return None
    merged = payloads.has_merged(payload)  # then the values of the battery are no longer the inverter's
    values: dict[str, Any] = {
        quantity.attribute: _number(_plain(payload.get(quantity.key)))
        for quantity in INVERTER_QUANTITIES
        if not (merged and quantity.of_battery)
    }
    status = harmless_name(_plain(payload.get("status_text")))
    known = status is not None and status.upper() != UNKNOWN_STATUS
    return InverterSample(
        device=device, taken_at=made, monotonic=monotonic, status=status if known else None, **values
    )


def record_values(sample: InverterSample) -> dict[str, str]:
    """Return what ``sample`` says of grid, load and sun as members of a record; what is unknown has no key."""
    values = {
        quantity.key: fixed(value, quantity.digits)
        for quantity in INVERTER_QUANTITIES
        if not quantity.of_battery and (value := getattr(sample, quantity.attribute)) is not None
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
