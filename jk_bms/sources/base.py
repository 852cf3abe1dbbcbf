"""What every source offers, and what it needs from the house."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from jk_bms.clock import Clock
from jk_bms.links.base import Repairs
from jk_bms.model import Device, Sample
from jk_bms.model.link import LinkStatus
from jk_bms.model.outage import OutageRecord
from jk_bms.radio.memory import RadioMemory
from jk_bms.radio.placement import Placement
from jk_bms.repair.shared import SharedRepair


def _nobody(*_: Any, **__: Any) -> None:
    """Take what the bot sends by itself."""


class SourceContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a source is given: time, patience, and where to put what it learns."""

    clock: Clock = msgspec.field(default_factory=Clock)
    adapter: str | None = None  # default radio, by name or address
    timeout: float = 20.0  # s, to connect, and again for the first sample
    keep_alive: bool = True  # hold the link and listen; False: connect, read, leave
    interval: float = 30.0  # s between two readings when not held
    folder: Path = Path()  # of the registry: relative paths count from there
    publish: Callable[[Sample], None] = _nobody
    # (kind, device, text, **facts): something happened that is worth remembering
    report: Callable[..., None] = _nobody
    # (device, {"device_info": {...}, "settings": {...}}): it said who it is
    identified: Callable[[Device, dict[str, Any]], None] = _nobody
    linked: Callable[[Device, LinkStatus], None] = _nobody  # the way to it is in another state
    # An outage began, something was tried, or it is over: the newest state of the same record.
    outage: Callable[[OutageRecord], None] = _nobody
    house: SharedRepair | None = None  # what the links of one house share; None: this one is alone
    placement: Placement | None = None  # who is read by which adapter; None: each chooses for itself
    radio: RadioMemory | None = None  # what links know from earlier runs; None: nothing


class Source(Protocol):
    """One device that is read until cancelled. Failures are its own affair."""

    device: Device
    status: LinkStatus
    repairs: Repairs | None  # what can be done about its radio

    async def run(self) -> None:
        """Read and publish until cancelled; never raises for a device that does not answer."""

    async def read_now(self) -> Sample:
        """Return a sample taken after this call. Raises SourceError when it cannot be had."""

    def release(self, seconds: float) -> None:
        """Let go of the device for that long, so that another program can connect."""

    async def released(self) -> None:
        """Wait until the link is closed after ``release``."""

    def resume(self) -> None:
        """End a release early."""
