"""What the bot asks and tells: who may come in with which code, and how it does.

With ``for`` as ``web`` a code is that of the page.
"""

import re
from collections.abc import Mapping
from typing import Any

from jk_bms.poller.invitations import OWNER
from jk_bms.poller.poller import Poller
from jk_bms.poller.requests import web


async def invite(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Make a code for one more person."""
    if request.get("for") == "web":
        return await web.invite(poller, request)
    return poller.invitations.invite(request.get("role") or OWNER)


async def claim(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Let a person in who has a code."""
    if request.get("for") == "web":
        return await web.claim(poller, request)
    first = not poller.invitations.claimed
    role = poller.invitations.claim(request.get("code"))
    poller.keep_invitations()
    poller.report("telegram.claimed", None, f"a person was let into the Telegram bot with a code, as {role}")
    return {"role": role, "first": first}


async def void(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Burn a code that was tried too often."""
    if request.get("for") == "web":
        return await web.void(poller, request)
    poller.invitations.void(request.get("code"))
    poller.show_code()
    return {}


async def telegram(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Note what the bot says of itself: its name, how it does, and whether it has an owner."""
    invitations = poller.invitations
    poller.bot.heard(request.get("state"))
    before = invitations.state()
    username = request.get("username")
    if isinstance(username, str) and re.fullmatch(r"\w{1,64}", username):
        invitations.username = username
    if request.get("claimed"):
        invitations.claim_known()
    elif request.get("claimed") is False and invitations.disowned():
        poller.show_code()
    if invitations.state() != before:  # it says so every minute: spare the card
        poller.keep_invitations()
    return {}
