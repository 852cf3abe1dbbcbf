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

    def facts(self) -> dict[str, Any]:
        """Return it as plain JSON values; ``began`` in ISO 8601, times in s."""
        facts: dict[str, Any] = msgspec.to_builtins(self)
        del facts["device"], facts["monotonic"], facts["clock_trusted"]
        return facts
