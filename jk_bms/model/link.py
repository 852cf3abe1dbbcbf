"""How the way to a device is doing."""

from enum import StrEnum

import msgspec


class LinkState(StrEnum):
    """Where a device's link stands."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    IDENTIFYING = "identifying"  # connected, asking who it is
    STREAMING = "streaming"
    SILENT = "silent"  # was streaming, no good frame for a while
    WAITING = "waiting"  # between two attempts, or between two polls
    RELEASED = "released"  # left alone on request


class LinkStatus(msgspec.Struct):
    """The state of one link and its counters. Times are seconds since boot."""

    state: LinkState = LinkState.SEARCHING
    since: float = 0.0
    verdict: str | None = None  # errors.Verdict while there is no data
    message: str = ""  # the verdict in one sentence
    last_sample: float | None = None
    rssi: int | None = None  # dBm, at the last scan
    connects: int = 0
    failures: int = 0  # consecutive
    frames: int = 0
    refused: int = 0  # frames not believed: check byte, layout, implausible
    discarded: int = 0  # bytes between frames
    commands: int = 0
    repeated: int = 0  # frames in a row that were the last good one again, byte for byte ...
    repeats_since: float | None = None  # ... and since when
    released_until: float | None = None
