"""What an inverter says as members of a record, and the times that stand in records. Pure."""

from datetime import UTC, datetime

from jk_bms.model import InverterSample
from jk_bms.model.inverter import INVERTER_QUANTITIES
from jk_bms.model.quantities import fixed


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
