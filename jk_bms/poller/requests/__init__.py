"""What the poller can be asked for at its socket: one file each, imported when it is first asked for.

A request is a function of the poller and the message; what it returns goes back as the answer.
It raises LiveError, or SourceError for a device that cannot be read.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jk_bms.errors import LiveError
from jk_bms.model.rows import imported

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller

# fmt: off
REQUESTS: Mapping[str, str] = MappingProxyType({
    "read":        "read:read",
    "release":     "release:release",
    "resume":      "release:resume",
    "scan":        "scan:scan",
    "health":      "health:health",
    "rebuild":     "rebuild:rebuild",
    "mute":        "alerts:mute",
    "acknowledge": "alerts:acknowledge",
    "alert_test":  "alerts:alert_test",
    "config":      "config:config",
    "house":       "house:house",
    "invite":      "telegram:invite",
    "claim":       "telegram:claim",
    "void":        "telegram:void",
    "telegram":    "telegram:telegram",
    "web":         "web:web",
})
# fmt: on


async def answer(poller: "Poller", request: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked for. Raises LiveError for an action that there is not."""
    action = request.get("action")
    if not isinstance(action, str) or action not in REQUESTS:
        raise LiveError(f"unknown action {action!r}; expected {', '.join(REQUESTS)}")
    work: Callable[[Poller, Mapping[str, Any]], Awaitable[dict[str, Any]]]
    work = imported(f"{__name__}.{REQUESTS[action]}")
    return await work(poller, request)
