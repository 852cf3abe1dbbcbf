"""The settings: what they are and where from, and changing those that take effect at once."""

from collections.abc import Mapping
from typing import Any

from jk_bms.errors import LiveError
from jk_bms.model.foreign_text import harmless_name
from jk_bms.poller.poller import Poller

UNKNOWN = "a program at the socket"


async def config(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return every setting; with ``set`` (texts by key, an empty one: the default) change these ``by`` somebody.

    Raises ConfigError when one cannot be changed; then none is.
    """
    changes = request.get("set")
    if changes is None:
        return {"settings": poller.settings_file.listed()}
    if (
        not isinstance(changes, dict)
        or not changes
        or not all(isinstance(one, str) for one in changes.values())
    ):
        raise LiveError('config: set is no object of texts; expected such as {"ALERT_MIN_LEVEL": "error"}')
    by = f"by {harmless_name(request.get('by')) or UNKNOWN}"
    return {"changed": await poller.settings_file.put(changes, by)}
