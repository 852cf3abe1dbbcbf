"""A time without data from a device, and what ended it: for the record."""

from datetime import datetime
from typing import Any

import msgspec


class OutageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One outage. Verdict, causes and rungs are the codes of ``errors.Verdict``, ``repair.causes``, ``repair.ladder``."""

    device: str  # its address
    began: datetime  # aware, UTC: the last good frame of whichever run, or the first look for it
    monotonic: float  # the same in s since boot
    clock_trusted: bool
    lasted: float  # s, so far while ``over`` is False
    over: bool
    verdict: str
    message: str
    causes: tuple[tuple[str, float], ...]  # code, how sure; the likeliest first
    rungs: tuple[tuple[str, float, bool], ...]  # code, s after it began, whether it could be carried out
    cure: str | None  # None: it goes on, or was ended by a release
    attempts: int  # that failed
    relapses: int  # it came back, but not for long

    def past(self) -> "PastOutage":
        """Return what is told of it beside its device."""
        return PastOutage(**{name: getattr(self, name) for name in PastOutage.__struct_fields__})

    def facts(self) -> dict[str, Any]:
        """Return the same as plain JSON values; ``began`` in ISO 8601, times in s."""
        facts: dict[str, Any] = msgspec.to_builtins(self.past())
        return facts


class PastOutage(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of an outage that is over, as in ``OutageRecord``; with defaults for what an older poller leaves out."""

    began: datetime | None = None
    lasted: float = 0.0
    over: bool = True
    verdict: str = ""
    message: str = ""
    causes: tuple[tuple[str, float], ...] = ()
    rungs: tuple[tuple[str, float, bool], ...] = ()
    cure: str | None = None
    attempts: int = 0
    relapses: int = 0


class OutageNow(msgspec.Struct, frozen=True, kw_only=True):
    """The outage that goes on, or has only just ended."""

    verdict: str = ""
    lasted: float = 0.0  # s
    attempts: int = 0  # that failed
    rung: str = "none"  # the highest so far: code of a repair.ladder.Rung
    cure: str | None = None
