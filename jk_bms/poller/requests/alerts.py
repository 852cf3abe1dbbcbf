"""Silencing alerts, saying that they were seen, and trying whether they arrive."""

from collections.abc import Mapping
from typing import Any

from jk_bms.poller.poller import Poller


async def mute(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Silence one alert, or all, for a while."""
    return poller.alerts.mute(request)


async def acknowledge(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Note that a person takes care of it: it is not repeated."""
    return poller.alerts.acknowledge(request)


async def alert_test(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send a test alert; return where it goes."""
    return poller.alerts.test(request.get("code")) | {"channels": _channels(poller)}


def _channels(poller: Poller) -> dict[str, str]:
    """Where alerts go, and what keeps them from going there; empty: nothing that is known here."""
    channels = {}
    if poller.settings.bot_token:
        trouble = poller.bot.trouble(known=True)
        if not trouble and poller.invitations.code is not None:
            trouble = "the bot has no owner yet"
        elif not trouble and poller.bot.heard_ago is None:
            trouble = "the bot has not been heard of yet; is it running?"
        channels["Telegram"] = trouble
    for position, _ in enumerate(poller.settings.alert_urls, 1):
        channels[f"ALERT_URLS, address {position}"] = ""
    return channels
