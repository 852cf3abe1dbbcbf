"""A fresh reading."""

import asyncio
from collections.abc import Mapping
from typing import Any

from jk_bms.model.reading import as_reading
from jk_bms.poller.poller import Poller


async def read(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Wait for a sample of each chosen device that is taken from now on. Raises SourceError."""
    sources = poller.devices.chosen(request.get("device"))
    samples = await asyncio.gather(*(source.read_now() for source in sources))
    shown = [poller.hub.newest.get(sample.device.address, sample) for sample in samples]
    zone = poller.settings.timezone
    return {"readings": [as_reading(sample, zone, monotonic=True) for sample in shown]}
