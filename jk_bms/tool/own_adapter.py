"""The adapter by which the tool reaches a battery: the one that the service reads it by, or would.

Each adapter keeps bonds of its own, so another one is no substitute.
"""

import sys
from collections.abc import Iterable

from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings
from jk_bms.errors import StoreError
from jk_bms.model.snapshot import BatteryNow
from jk_bms.radio.placement import STATE, AnAdapter
from jk_bms.store.bms_db import open_reader
from jk_bms.store.states import read_state


async def own_adapter(entry: Entry, settings: Settings, devices: Iterable[BatteryNow] = ()) -> str | None:
    """Return name or address of the adapter of a battery; None: it has none yet. Raises LinkError.

    ``devices``: what the running service tells of those that it reads.
    """
    wanted = entry.adapter or settings.adapter
    if wanted or sys.platform != "linux":
        return wanted
    from jk_bms.radio.bluez import adapters

    there = [adapter for adapter in await adapters() if adapter.powered]
    return remembered_adapter(entry.address, settings, there, devices)


def remembered_adapter(
    address: str, settings: Settings, there: Iterable[AnAdapter], devices: Iterable[BatteryNow] = ()
) -> str | None:
    """Return the one of ``there`` that a battery was last reached by, or placed at; None: neither is there."""
    known: list[str | None] = [
        device.link.adapter for device in devices if device.link and device.address.upper() == address.upper()
    ]
    try:
        with open_reader(settings.bms_db_path) as own:
            known.append(((read_state(own, STATE) or {}).get("adapters") or {}).get(address.upper()))
    except StoreError:
        pass  # nothing was stored yet, or it is not ours to read
    addresses = {adapter.address for adapter in there}
    return next((adapter for adapter in known if adapter in addresses), None)
