"""Where all that happens arrives and leaves again: the newest of each device, and everybody who listens.

What listens is a part: a sink (where values go) or an action (what is done besides). Parts stand in lists,
``jk_bms.sinks.SINKS`` and ``jk_bms.actions.ACTIONS``; the poller builds those that the settings ask for.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from jk_bms.clock import Clock
from jk_bms.config.settings import Settings
from jk_bms.errors import LiveError
from jk_bms.model import Device, Event, InverterSample, Sample
from jk_bms.model.link import LinkStatus
from jk_bms.model.rows import imported
from jk_bms.model.snapshot import SinkNow, Snapshot
from jk_bms.store.bms_db import BmsDb

log = logging.getLogger(__name__)


class LinkChange(NamedTuple):
    """The way to a device is in another state, or cannot be used for another reason. ``status`` goes on changing."""

    device: Device
    status: LinkStatus


class Unsaved(NamedTuple):
    """An event that cannot be written to bms.db for now."""

    event: Event


Item = Sample | InverterSample | LinkChange | Event | Unsaved
Listener = Callable[[Item], None]


class Hub:
    """Passes everything that happens to every listener, in their order.

    Listeners must not wait; one that raises is a bug of its own, is logged once per kind of
    error and costs the others nothing.
    """

    def __init__(self) -> None:
        self.newest: dict[str, Sample] = {}  # by address
        self.inverters: dict[str, InverterSample] = {}  # by id
        self._listeners: list[Listener] = []
        self._broken: set[tuple[str, str]] = set()

    def listen(self, listener: Listener) -> None:
        """Have ``listener`` called with everything from now on."""
        self._listeners.append(listener)

    def publish(self, item: Item) -> None:
        """Pass ``item`` on; keep it if it is a sample of a battery or of an inverter."""
        if isinstance(item, Sample):
            self.newest[item.device.address] = item
        elif isinstance(item, InverterSample):
            self.inverters[item.device.id] = item
        for listener in self._listeners:
            try:
                listener(item)
            except Exception as error:
                fault = (repr(listener), repr(error))
                if fault not in self._broken:
                    self._broken.add(fault)
                    log.exception("%s: a %s was not taken", listener, type(item).__name__)


class InWriter(Protocol):
    """Runs something in the thread that owns bms.db."""

    def __call__(self, work: Callable[[BmsDb], Any], /) -> Awaitable[Any]:
        """Return what ``work`` returned. Raises StoreError."""


async def _nobody(request: Mapping[str, Any]) -> Mapping[str, Any]:
    raise LiveError(f"nobody answers {request.get('action')!r}")


class PartContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink or an action is given."""

    settings: Settings
    clock: Clock
    publish: Callable[[Item], None]  # from any thread
    in_writer: InWriter
    label: Callable[[str | None], str | None]  # what people call a battery, by its address
    waiting: Callable[[], Sequence[Event]]  # alerts that could not be written yet
    trouble: Callable[[], str]  # why this house is not well, as an outsider should know; empty: it is
    snapshot: Callable[[], Snapshot]  # the present state of everything
    ask: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]] = _nobody  # poller.requests; JkBmsError


class Part:
    """A sink or an action. ``open`` comes first, then ``run``; ``accept`` is called in between. All may be left out."""

    def open(self, own: BmsDb) -> None:
        """Go on where the last run ended, before anything of this one. Blocks, in the thread that owns bms.db."""

    def accept(self, item: Item) -> None:
        """Take what happens. Must not wait."""

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what is to be kept in bms.db with the next rows of history, by names."""
        return {}

    def configured(self, settings: Settings) -> None:
        """Go on by these settings, of which those differ that take effect at once."""

    async def run(self) -> None:
        """Work until cancelled. ConfigError ends the service, another error this part for a while."""

    def shown(self) -> SinkNow | None:
        """Return what the snapshot tells of it; None: nothing."""
        return None


class PartRow(NamedTuple):
    """One row of SINKS or ACTIONS."""

    name: str
    make: str  # "module:function", imported where it is wanted: (PartContext) -> Part
    wanted: Callable[[Settings], object] = lambda _: True
    packages: str = "runtime"  # the extra of pyproject.toml that brings its libraries


def wanted_parts(rows: Sequence[PartRow], context: PartContext) -> dict[str, Part]:
    """Return the parts that the settings ask for, by name. One whose library is missing is left out, and said.

    Raises ConfigError for settings that one of them cannot work with.
    """
    parts: dict[str, Part] = {}
    for row in rows:
        if row.wanted(context.settings):
            try:
                parts[row.name] = imported(row.make)(context)
            except ImportError as error:  # batteries are read all the same
                log.error("%s is off: %s; install what it needs (make setup) and restart", row.name, error)
    return parts
