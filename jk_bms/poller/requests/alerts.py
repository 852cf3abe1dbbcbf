"""Silencing alerts, saying that they were seen, and trying whether they arrive."""

from collections.abc import Mapping
from typing import Any

from jk_bms.poller.channels import channels
from jk_bms.poller.poller import Poller


async def mute(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Silence one alert, or all, for a while."""
    return poller.alerts.mute(request)


async def acknowledge(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Note that a person takes care of it: it is not repeated."""
    return poller.alerts.acknowledge(request)


async def alert_test(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send a test alert; return where it goes."""
    found = channels(poller)
    return poller.alerts.test(request.get("code")) | {
        "channels": {one.name: one.trouble for one in found},
        "handed_over": [one.name for one in found if not one.sure],
    }
