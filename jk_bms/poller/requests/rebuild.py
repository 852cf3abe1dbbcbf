"""Making the roll-ups of the history anew."""

from collections.abc import Mapping
from typing import Any

from jk_bms.errors import LiveError
from jk_bms.poller.poller import Poller


async def rebuild(poller: Poller, _: Mapping[str, Any]) -> dict[str, Any]:
    """Return how many hours were made anew."""
    if not poller.memory.is_open:
        raise LiveError("the service is still starting; try again in a moment")
    return {"hours": await poller.memory.rebuild()}
