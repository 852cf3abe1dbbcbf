"""What the page asks and tells: where it is, whether it has a password, and whether a set-up code is good."""

from collections.abc import Mapping
from typing import Any

from jk_bms.poller.poller import Poller


async def web(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Note what the page says of itself."""
    if poller.page.heard(request.get("url"), request.get("set_up"), request.get("push")):
        poller.show_page_code()
    return {}


async def invite(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Make a new set-up code."""
    return poller.page.invite()


async def claim(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Use up a set-up code."""
    poller.page.claim(request.get("code"))
    poller.report("web.claimed", None, "the page was opened with its one-time code")
    return {}


async def void(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Burn the code: too many wrong ones were tried."""
    poller.page.void()
    poller.report("web.code_void", None, "too many wrong set-up codes were tried on the page: make a new one")
    return {}
