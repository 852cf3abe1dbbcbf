"""A search of the air with the radio that the service has."""

from collections.abc import Mapping
from typing import Any

from jk_bms.live.messages import number
from jk_bms.poller.poller import Poller

DEFAULT, LONGEST = 10.0, 120.0  # s


async def scan(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return every device that is heard. Raises LinkError."""
    from jk_bms.radio.found import search  # a house of simulations never loads bleak

    adapter = request.get("adapter") or poller.settings.adapter
    seconds = number(request, "seconds", DEFAULT, low=0.1, high=LONGEST)
    return {"found": [found._asdict() for found in await search(seconds, adapter)]}
