"""Leaving a battery to another program for a while, and taking it up again."""

import asyncio
from collections.abc import Mapping
from typing import Any

from jk_bms.live.messages import number
from jk_bms.poller.poller import Poller

DEFAULT, LONGEST = 600.0, 86400.0  # s


async def release(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Let go of the chosen devices; answer when their links are closed."""
    seconds = number(request, "seconds", DEFAULT, low=1.0, high=LONGEST)
    sources = poller.devices.chosen(request.get("device"))
    for source in sources:
        source.release(seconds)
    await asyncio.gather(*(source.released() for source in sources))
    return {"devices": [source.device.address for source in sources], "seconds": seconds}


async def resume(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Take the chosen devices up again."""
    sources = poller.devices.chosen(request.get("device"))
    for source in sources:
        source.resume()
    return {"devices": [source.device.address for source in sources]}
