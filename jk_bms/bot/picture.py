"""Pictures, drawn by a child process."""

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from jk_bms.bot.child import ChildError, run_child


class Picture(NamedTuple):
    """A picture and what it shows in words."""

    png: bytes
    caption: str  # plain text


class NoPicture(Exception):
    """Too little was recorded for one; the text says so to the person who asked for it."""


async def run_chart(request: Mapping[str, Any], *, timeout: float) -> Picture:
    """Return the picture that ``request`` (see ``jk_bms.charts.make.make``) asks for.

    Raises ChildError, NoPicture.
    """
    out = await run_child("jk_bms.charts", request, timeout=timeout)
    try:
        told: dict[str, Any] = json.loads(out)
        if (why := told.get("why")) is not None:
            raise NoPicture(why)
        return Picture(base64.b64decode(told["picture"]), told["caption"])
    except (ValueError, KeyError, TypeError) as error:
        raise ChildError(f"jk_bms.charts: {error!r}; expected a picture") from error
