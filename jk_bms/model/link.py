"""How the way to a device is doing."""

from bisect import bisect_right
from enum import StrEnum

import msgspec

from jk_bms.model.outage import OutageNow, PastOutage

LATELY = 600.0  # s


class LinkState(StrEnum):
    """Where a device's link stands."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    IDENTIFYING = "identifying"  # connected, asking who it is
    STREAMING = "streaming"
    SILENT = "silent"  # still connected, no good frame for a while
    REPAIRING = "repairing"  # something is done to the device's memory or to the adapter
    WAITING = "waiting"  # between two visits, the last one gave a sample
    RELEASED = "released"  # left alone on request


class Cause(msgspec.Struct, frozen=True):
    """What may be behind a lack of data, for a person."""

    code: str = ""  # stable: texts in other languages hang on it
    sure: float = 0.0  # 0..1
    meaning: str = ""
    action: str = ""


class LinkStatus(msgspec.Struct):
    """The state of one link and its counters. Times are seconds since boot."""

    state: LinkState = LinkState.SEARCHING
    since: float = 0.0
    verdict: str | None = None  # errors.Verdict while there is no data
    message: str = ""  # the verdict in one sentence
    causes: tuple[Cause, ...] = ()  # of the verdict, the likeliest first
    last_sample: float | None = None
    rssi: int | None = None  # dBm, when it was last heard
    adapter: str = ""  # it was last reached by
    connects: int = 0  # links that were opened
    failures: int = 0  # consecutive
    frames: int = 0
    refused: int = 0  # frames not believed: check byte, layout, implausible
    discarded: int = 0  # bytes between frames
    commands: int = 0
    commands_day: int = 0  # of the last 24 h, to the hour
    implausible: int = 0  # of the refused: readings that cannot be true ...
    implausible_reason: str = ""  # ... why, the last time ...
    implausible_at: list[float] = msgspec.field(default_factory=list)  # ... and when those of the last while
    repeated: int = 0  # frames in a row that were the last good one again, byte for byte ...
    repeats_since: float | None = None  # ... and since when
    released_until: float | None = None
    rung: int = 0  # the highest repair.ladder.Rung of this outage; stays until the link has settled
    outage: OutageNow | None = None  # as this run knows it
    outage_before: float = 0.0  # s that it had lasted already when this run began
    last_outage: PastOutage | None = None  # the last that is over

    def doubt(self, reason: str, now: float) -> None:
        """Count a reading that cannot be true."""
        self.implausible += 1
        self.implausible_reason = reason
        self.implausible_at.append(now)
        self.implausible_lately(now)

    def implausible_lately(self, now: float) -> int:
        """Return how many there were in the last ``LATELY`` s."""
        recent = bisect_right(self.implausible_at, now - LATELY)
        del self.implausible_at[:recent]
        return len(self.implausible_at)
