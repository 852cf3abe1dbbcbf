"""The batteries that are read: taken up and given back while everything else goes on.

Each source has a task of its own. What others keep of a battery (memory, link log, alerts, hub, radio) is taken
up before its first sample and given back after its last, so that a change of one touches no other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from jk_bms.called import tool
from jk_bms.config.devices import Entry
from jk_bms.errors import ConfigError, LiveError
from jk_bms.model import Device
from jk_bms.model.kinds import kind_of
from jk_bms.poller.own_radio import OwnRadio
from jk_bms.sources import Source, SourceContext, build

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller

log = logging.getLogger(__name__)

LEAVING = 30.0  # s that a source may take to let go of its battery

Keep = Callable[[Callable[[], Awaitable[None]]], Coroutine[Any, Any, None]]  # runs a source


class Change(NamedTuple):
    """What makes other entries of those that are read; each by its address."""

    gone: tuple[str, ...] = ()
    changed: tuple[Entry, ...] = ()
    new: tuple[Entry, ...] = ()


def change_to(before: Iterable[Entry], entries: Iterable[Entry]) -> Change:
    """Return what is different in ``entries``. When a battery was last seen says nothing of how it is read."""
    known, wanted = {one.address: one for one in before}, {one.address: one for one in entries}
    return Change(
        tuple(address for address in known if address not in wanted),
        tuple(e for e in wanted.values() if e.address in known and _read_as(e) != _read_as(known[e.address])),
        tuple(entry for entry in wanted.values() if entry.address not in known),
    )


def _read_as(entry: Entry) -> tuple[object, ...]:
    return (
        entry.device(),
        entry.label,
        entry.adapter,
        entry.current_calibration,
        entry.pin,
        dict(entry.options),
    )


class Devices:
    """The batteries of ``poller``. ``apply`` makes them those of other entries."""

    def __init__(self, poller: "Poller", entries: Sequence[Entry]) -> None:
        self._poller = poller
        self._entries = {entry.address: entry for entry in entries}
        self._sources = {entry.address: build(entry, self._context()) for entry in entries}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None  # while running
        self._keep: Keep | None = None
        self._radio = OwnRadio()
        self._busy = asyncio.Lock()

    @property
    def sources(self) -> list[Source]:
        """Every source, in the order of their numbers."""
        return sorted(self._sources.values(), key=lambda source: source.device.number)

    @property
    def entries(self) -> list[Entry]:
        """What the registry says of each, in the same order."""
        return sorted(self._entries.values(), key=lambda entry: entry.battery)

    def label(self, address: str | None) -> str | None:
        """Return what people call a battery; its address when it is none of ours any more."""
        source = self._sources.get(address or "")
        return address if source is None else source.device.label

    def chosen(self, wanted: object) -> list[Source]:
        """Return the sources that an address, name or number stands for; nothing: all. Raises LiveError."""
        sources = self.sources
        if not sources:
            raise LiveError(f"the service reads no battery yet; find yours with: {tool('--scan')}")
        if not wanted:
            return sources
        if not isinstance(wanted, str):
            raise LiveError(f"device is {wanted!r}; expected its address, name or number")
        chosen = [source for source in sources if wanted.casefold() in _names(source.device)]
        if not chosen:
            known = ", ".join(source.device.label for source in sources)
            raise LiveError(f"the service does not read {wanted!r}; it reads {known}")
        return chosen

    # Running

    async def own_radio(self) -> bool:
        """Have the radio, if a battery is read by it; False: told to stop before it was free.

        Raises SourceError (``BUSY``) when another program keeps it.
        """
        return not _by_radio(self._entries.values()) or await self._radio.take(self._poller.stop)

    def start(self, group: asyncio.TaskGroup, keep: Keep) -> None:
        """Begin to read. ``keep`` runs a source, whatever happens in it."""
        self._group, self._keep = group, keep
        for address in self._sources:
            self._begin(address)

    def cancel(self) -> None:
        """End reading."""
        self._group = None
        for task in self._tasks.values():
            task.cancel()

    def release(self) -> None:
        """Leave the radio to others."""
        self._radio.release()

    async def apply(self, entries: Sequence[Entry]) -> Change:
        """Read the batteries of ``entries``, which can be built, from now on; return what that changed.

        Raises SourceError (``BUSY``), and changes nothing, when one needs the radio and another program keeps it.
        """
        async with self._busy:
            change = change_to(self._entries.values(), entries)
            if _by_radio((*change.changed, *change.new)) and not await self._radio.take(self._poller.stop):
                return Change()
            for address in change.gone:
                await self._end(address, for_good=True)
            for entry in change.changed:
                await self._end(entry.address, for_good=False)
            for entry in (*change.changed, *change.new):
                await self._add(entry)
            for entry in entries:  # what does not concern the reading, such as when it was last seen
                self._entries[entry.address] = entry
            if not _by_radio(self._entries.values()):
                self._radio.release()
            return change

    async def _add(self, entry: Entry) -> None:
        """Take up a battery and begin to read it."""
        poller = self._poller
        source = build(entry, self._context())
        self._entries[entry.address] = entry
        poller.memory.take_up(entry)
        heard = poller.memory.heard
        await poller.bms_db.run(lambda own: poller.link_log.take_up(own, source, heard(entry.address)))
        poller.alerts.take_up(source)
        self._sources[entry.address] = source
        self._begin(entry.address, late=True)

    async def _end(self, address: str, *, for_good: bool) -> None:
        """Stop reading a battery; ``for_good``: it is none of ours any more."""
        poller = self._poller
        task = self._tasks.pop(address, None)
        if task is not None:
            task.cancel()
            _, busy = await asyncio.wait({task}, timeout=LEAVING)
            if busy:
                log.error("%s: not let go of within %g s", self.label(address), LEAVING)
        self._sources.pop(address, None)
        self._entries.pop(address, None)
        poller.placement.leave(address)
        poller.link_log.give_back(address, for_good=for_good)
        poller.house.part(address)
        if for_good:
            poller.alerts.give_back(address)
            poller.hub.newest.pop(address, None)

    def _begin(self, address: str, *, late: bool = False) -> None:
        if self._group is None or self._keep is None:
            return
        source = self._sources[address]
        run = partial(_read_late, source) if late else source.run
        self._tasks[address] = self._group.create_task(self._keep(run), name=source.device.label)

    # Building

    def _context(self) -> SourceContext:
        poller, settings = self._poller, self._poller.settings
        return SourceContext(
            clock=poller.clock,
            adapter=settings.adapter,
            timeout=settings.timeout,
            keep_alive=settings.keep_alive,
            interval=settings.poll_interval,
            folder=settings.devices_file.parent,
            publish=poller.publish,
            report=poller.report,
            identified=poller.identified,
            linked=poller.linked,
            outage=poller.link_log.outage,
            house=poller.house,
            placement=poller.placement,
            radio=poller.radio,
        )


async def _read_late(source: Source) -> None:
    """Run a source that came while others were read already: its wrong setting must not end them."""
    try:
        await source.run()
    except ConfigError as error:
        log.error("%s: not read: %s", source.device.label, error)


def _by_radio(entries: Iterable[Entry]) -> bool:
    return any(kind_of(entry.type).needs_radio for entry in entries)


def _names(device: Device) -> set[str]:
    """What may be said to mean it, in small letters."""
    return {text.casefold() for text in (device.address, device.name or "", str(device.number))}
