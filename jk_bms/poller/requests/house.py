"""house.yaml: what is in force and where it stands, changing a value of house.auto.yaml, and checking a text."""

from collections.abc import Mapping
from typing import Any

from jk_bms.errors import ConfigError, LiveError
from jk_bms.model.foreign_text import harmless_name
from jk_bms.poller.poller import Poller

UNKNOWN = "a program at the socket"


async def house(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """``do`` is get, set (``path``, ``value``, ``by``) or check (``text``). Raises ConfigError, LiveError."""
    match request.get("do", "get"):
        case "get":
            return {"values": poller.house_file.listed()}
        case "set":
            by = f"by {harmless_name(request.get('by')) or UNKNOWN}"
            return await poller.house_file.put(request.get("path"), request.get("value"), by)
        case "check" if isinstance(text := request.get("text"), str):
            try:
                found = await poller.house_file.check(text)
            except ConfigError as error:
                return {"faults": list(error.faults), "warnings": []}
            return {"faults": [], "warnings": list(found.warnings)}
        case other:
            raise LiveError(f"house: do is {str(other)[:40]!r}; expected get, set, or check with a text")
