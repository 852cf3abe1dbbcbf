"""A record of the inverter program as a reading of the inverter. What is read there ends here; nothing is written.

Numbers are texts there; what is no number ("N/A") is absent. Records that we inserted ourselves
say nothing of an inverter.
"""

import asyncio
import math
from typing import Any

import msgspec

from jk_bms.errors import ConfigError
from jk_bms.inverters.base import InverterContext
from jk_bms.model import Inverter, InverterSample
from jk_bms.model.foreign_text import harmless, harmless_name
from jk_bms.model.inverter import INVERTER_QUANTITIES, Rank
from jk_bms.sinks import payload as payloads
from jk_bms.sinks.inverter_db import InverterDbSink
from jk_bms.sinks.inverter_record import parse_time
from jk_bms.store.readings import Record

OVERHEARD = Inverter(id="records", kind="records", rank=Rank.SECOND_HAND)
UNKNOWN_STATUS = "UNKNOWN"  # what the inverter program writes when its inverter does not answer


class RecordsInverter:
    """The inverter as another program reads it: what that writes into its database is passed on.

    That file has one reader among us, the merge; it shows each record before anything is merged into it.
    """

    def __init__(self, context: InverterContext, merge: InverterDbSink) -> None:
        self.device = context.device
        self._context = context
        merge.show(self._seen)

    async def run(self) -> None:
        """Wait: the merge has a loop of its own."""
        await asyncio.Event().wait()

    def _seen(self, record: Record) -> None:
        """Pass on what a record says; in the thread of the merge."""
        sample = inverter_sample(record, monotonic=self._context.clock.monotonic(), device=self.device)
        if sample is not None:
            self._context.publish(sample)


def records_inverter(context: InverterContext) -> RecordsInverter:
    """Return the inverter behind the records that are merged into."""
    merge = next((part for part in context.parts.values() if isinstance(part, InverterDbSink)), None)
    if merge is None:
        raise ConfigError(
            "the records of the inverter program are read where they are merged into; nothing merges"
        )
    return RecordsInverter(context, merge)


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
