"""Something that happened and is worth remembering."""

from datetime import datetime
from typing import Any

import msgspec

from jk_bms.model.foreign_text import harmless

LONGEST = 2000  # characters of a text


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the event log. ``kind`` is dotted: ``link.lost``, ``service.start``."""

    kind: str
    taken_at: datetime  # aware, UTC
    monotonic: float  # s since boot: orders events even when the clock was wrong
    clock_trusted: bool = True
    device: str | None = None  # address
    text: str = ""  # one sentence for a person
    facts: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """See to it that the text is harmless: names and errors of others are in it."""
        if (text := harmless(self.text, LONGEST)) != self.text:
            msgspec.structs.force_setattr(self, "text", text)
