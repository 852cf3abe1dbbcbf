"""How the way to a device is doing."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec


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


class Cause(NamedTuple):
    """What may be behind a lack of data, for a person."""

    code: str  # stable: texts in other languages hang on it
    sure: float  # 0..1
    meaning: str
    action: str


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
    repeated: int = 0  # frames in a row that were the last good one again, byte for byte ...
    repeats_since: float | None = None  # ... and since when
    released_until: float | None = None
    rung: int = 0  # the highest repair.ladder.Rung of this outage; stays until the link has settled
    # The outage that goes on, or has only just ended: verdict, lasted (s), attempts, rung, cure.
    outage: Mapping[str, Any] | None = None
    outage_before: float = 0.0  # s that it had lasted already when this run began
    last_outage: Mapping[str, Any] | None = None  # the last that is over: ``OutageRecord.facts``
