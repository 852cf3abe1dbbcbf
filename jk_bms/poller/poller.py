"""The poller itself: sources, memory, sinks, alerts and socket, run side by side and ended cleanly.

Sources publish frames; the memory fills in what follows from the past; the hub feeds the sinks, the
actions, the alerts and the live socket; what happens becomes an event in ``bms.db``. What else it does
stands in lists: KINDS, INVERTERS, SINKS, ACTIONS, REQUESTS.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from jk_bms import __version__
from jk_bms.actions import ACTIONS
from jk_bms.alerts import Alerts, Known
from jk_bms.called import tool
from jk_bms.clock import Clock, boot_id
from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings
from jk_bms.errors import ConfigError, JkBmsError
from jk_bms.hub import Hub, Item, LinkChange, PartContext, Unsaved, wanted_parts
from jk_bms.live.messages import LinkTold, SampleTold
from jk_bms.live.sd_notify import Notifier
from jk_bms.live.server import LiveServer
from jk_bms.model import Device, Event, InverterSample, Sample
from jk_bms.model.freshness import ANSWERS, oldest
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.model.reading import reading_of
from jk_bms.model.snapshot import Snapshot
from jk_bms.poller.bms_db_thread import BmsDbThread
from jk_bms.poller.bot_presence import BotPresence
from jk_bms.poller.configuration import Configuration, OwnersFile
from jk_bms.poller.device_state import link_now
from jk_bms.poller.devices import Devices
from jk_bms.poller.house_file import HouseFile
from jk_bms.poller.inverters import HouseInverters
from jk_bms.poller.invitations import STATE as INVITATIONS
from jk_bms.poller.invitations import Invitations
from jk_bms.poller.link_log import LinkLog
from jk_bms.poller.memory import Memory
from jk_bms.poller.page_code import PageCode
from jk_bms.poller.requests import answer
from jk_bms.poller.settings_file import SettingsFile
from jk_bms.poller.snapshot import event_told, take_snapshot
from jk_bms.poller.upkeep import EXIT_SILENT, look_after_files, watch
from jk_bms.radio.memory import STATE as RADIO
from jk_bms.radio.memory import RadioMemory
from jk_bms.radio.placement import STATE as PLACEMENT
from jk_bms.radio.placement import Placement
from jk_bms.repair.shared import SharedRepair
from jk_bms.sinks import SINKS
from jk_bms.sources import Source
from jk_bms.start import EXIT_OK
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.states import read_state, write_states

__all__ = ["EXIT_SILENT", "Poller"]

log = logging.getLogger(__name__)

BUG_PAUSE = 60.0  # s before what met a bug is run again


class Poller:
    """Reads ``entries`` until told to stop."""

    def __init__(
        self,
        settings: Settings,
        entries: list[Entry],
        *,
        clock: Clock,
        files: Callable[["Poller"], Iterable[OwnersFile]] = lambda _: (),
        load: Callable[[], Settings] | None = None,
    ) -> None:
        """``files``: what the owner may change while it runs. ``load`` reads the settings again; None: they stay."""
        self.settings = settings
        self.house_file = HouseFile(self)
        self.settings_file = SettingsFile(self, load or (lambda: settings))
        self.clock = clock
        self.hub = Hub()
        self.stop = asyncio.Event()
        self.exit_code = EXIT_OK
        self.started = clock.monotonic()
        self._boot = boot_id()
        self._notifier = Notifier()
        self.bms_db = BmsDbThread(settings.bms_db_path, clock)
        self._loop: asyncio.AbstractEventLoop | None = None  # while running
        self.house = SharedRepair(
            asyncio.get_running_loop().time(),
            adapter_failures=settings.max_consecutive_errors,
            may_restart=settings.allow_bluetooth_restart,
            may_reboot=settings.allow_reboot,
        )
        self.link_log = LinkLog(
            self.house, clock, self._boot, self.bms_db.write, asyncio.get_running_loop().time
        )
        self.placement = Placement(settings.ble_connections, changed=self._placed)
        self.radio = RadioMemory(changed=self._learnt)
        self.devices = Devices(self, entries)
        self.memory = Memory(settings, entries, clock, writer=self.bms_db.executor, report=self.report)
        self.inverters = HouseInverters(self, entries)
        self.alerts = Alerts(
            settings,
            clock,
            sources=self.sources,
            known=Known(
                about=self.memory.about,
                health=self.memory.health,
                failure=lambda: self.memory.failure,
                newest=self.hub.newest.get,
                silent_since=self.link_log.silent_since,
            ),
            writer=self.bms_db.executor,
            flush=self.memory.commit,
            told=self.hub.publish,
            inverters=self.inverters.devices,
            unsaved=self._unsaved,
        )
        nobody_named = not (settings.chat_ids or settings.allowed_users)
        self.page = PageCode(clock)
        self.invitations = Invitations(clock, open_to_first=bool(settings.bot_token) and nobody_named)
        self.bot = BotPresence(clock, wanted=bool(settings.bot_token))
        ask = partial(answer, self)
        self.server = LiveServer(settings.socket_path, snapshot=self.snapshot, handle=ask)
        context = PartContext(
            settings=settings,
            clock=clock,
            publish=self.publish_soon,
            in_writer=self.bms_db.run,
            label=self.devices.label,
            waiting=lambda: self.alerts.waiting,
            trouble=self._trouble,
            snapshot=self.snapshot,
            ask=ask,
        )
        self.configuration = Configuration(self, files(self))
        self.parts = wanted_parts((*SINKS, *ACTIONS), context)
        self.memory.kept = lambda: {
            name: state for part in self.parts.values() for name, state in part.states().items()
        }
        self.inverters.build()
        for part in self.parts.values():
            self.hub.listen(part.accept)
        self.hub.listen(self._judge)
        self.hub.listen(self._show)

    async def run(self) -> int:
        """Run until ``stop`` is set or nothing answers any more; return the exit code.

        Raises ConfigError, StoreError or SourceError (``BUSY``) when it cannot start.
        """
        try:
            return await self._run() if await self.devices.own_radio() else EXIT_OK
        finally:
            self.devices.release()

    async def _run(self) -> int:
        async with self._open(), self._told_start_and_end(), asyncio.TaskGroup() as group:
            self.devices.start(group, self._keep)
            kept = {name: part.run for name, part in self.parts.items()}
            kept["configuration"] = self.configuration.run
            kept |= self.inverters.runs()
            kept["files"] = partial(look_after_files, self)
            tasks = [group.create_task(self._keep(run), name=name) for name, run in kept.items()]
            tasks.append(group.create_task(self.memory.run(), name="memory"))
            tasks.append(group.create_task(self.alerts.run(), name="alerts"))
            tasks.append(group.create_task(watch(self, self._notifier), name="watch"))
            self._notifier.ready()
            await self.stop.wait()
            self._notifier.stopping()
            self.devices.cancel()
            for task in tasks:
                task.cancel()
        return self.exit_code

    @contextlib.asynccontextmanager
    async def _told_start_and_end(self) -> AsyncIterator[None]:
        """Note the start, and the end unless it is that of a bug: what is missing then tells the next run."""
        text, facts = f"poller {__version__} started", {"pid": os.getpid()}
        if self.alerts.crashed:
            text += "; the last run ended without a word"
            facts["after_crash"] = True
        self.report("service.start", None, text, **facts)
        self.show_code()
        try:
            yield
        except ExceptionGroup as group:
            refused, bugs = group.split(JkBmsError)
            if refused is not None and bugs is None:
                self.report("service.stop", None, f"poller ended: {refused.exceptions[0]}")
            raise
        self.report("service.stop", None, "poller stopped", exit_code=self.exit_code)

    def snapshot(self) -> Snapshot:
        """Return the present state of everything."""
        return take_snapshot(self)

    def use(self, settings: Settings) -> None:
        """Go on by these settings, of which those differ that take effect at once."""
        if settings.log_level != self.settings.log_level:
            logging.getLogger().setLevel(settings.log_level)
        self.settings = settings
        self.memory.configured(settings)
        self.alerts.configured(settings)
        for part in self.parts.values():
            part.configured(settings)

    @property
    def sources(self) -> list[Source]:
        """What reads the batteries, in the order of their numbers."""
        return self.devices.sources

    def batteries(self) -> list[tuple[Device, LinkStatus, Sample | None]]:
        """Return every battery, how the way to it is, and its newest sample."""
        return [
            (source.device, source.status, self.hub.newest.get(source.device.address))
            for source in self.sources
        ]

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        async with self.bms_db.opened(self._notifier), self.server.serve():
            await self.bms_db.run(self._take_up)
            try:
                yield
            finally:
                self.link_log.close()
                await self.alerts.close()
                await self.memory.close()

    def _take_up(self, own: BmsDb) -> None:
        """Go on where the last run ended. Blocks."""
        for part in self.parts.values():
            part.open(own)
        self.house_file.open(own)  # before the alerts: some are not wanted
        self.alerts.open(own)
        self.memory.open(own)
        self.link_log.open(own, self.sources, self.memory.heard)
        self.invitations.restore(read_state(own, INVITATIONS))
        self.placement.recall(read_state(own, PLACEMENT))
        self.radio.recall(read_state(own, RADIO))

    async def _keep(self, run: Callable[[], Awaitable[None]]) -> None:
        """Run a source or a part; a bug in it is logged and costs nothing else. Raises ConfigError."""
        while True:
            try:
                await run()
                return
            except ConfigError:
                raise
            except Exception:
                log.exception("unexpected error; trying again in %.0f s", BUG_PAUSE)
                await asyncio.sleep(BUG_PAUSE)

    # What comes in

    def publish(self, sample: Sample) -> None:
        """Take a sample of a source."""
        self.hub.publish(self.memory.take(sample))

    def publish_soon(self, item: Item) -> None:
        """Publish what a part or an inverter found, perhaps in a thread of its own."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self.hub.publish, item)

    def _judge(self, item: Item) -> None:
        if isinstance(item, Sample):
            self.alerts.take(item)
        elif isinstance(item, InverterSample):
            self.inverters.said(item)

    def _show(self, item: Item) -> None:
        """Tell everybody who listens at the socket."""
        if not self.server.listening:
            return
        if isinstance(item, Sample):
            reading = reading_of(item, self.settings.timezone, monotonic=True)
            self.server.send(SampleTold(address=item.device.address, reading=reading))
        elif isinstance(item, LinkChange):
            link = link_now(item.status, self.clock.monotonic())
            self.server.send(LinkTold(address=item.device.address, link=link))
        elif isinstance(item, InverterSample):
            self.server.send(self.alerts.inverters.shown())
        elif isinstance(item, Unsaved):
            self.server.send(event_told(item.event, unsaved=True))
        else:
            self.server.send(event_told(item))

    def linked(self, device: Device, status: LinkStatus) -> None:
        """Tell that the way to a battery is in another state."""
        self.hub.publish(LinkChange(device, status))

    def identified(self, device: Device, told: dict[str, Any]) -> None:
        """Take what a battery told of itself."""
        self.memory.identified(device, told.get("settings"))
        self.bms_db.remember(device, told)

    # What is told and kept

    def report(self, kind: str, device: Device | None, text: str, **facts: Any) -> None:
        """Note that something happened, and tell everybody."""
        if device is not None:
            self.link_log.happened(kind, device, facts)
        event = Event(
            kind=kind,
            taken_at=self.clock.now(),
            monotonic=self.clock.monotonic(),
            clock_trusted=self.clock.trusted(),
            device=device.address if device else None,
            text=text,
            facts=facts,
        )
        self.bms_db.write(lambda own: own.append(event))
        self.memory.hurry()
        self.hub.publish(event)

    def show_code(self) -> None:
        """Say with which code the bot can be claimed, where only the owner looks."""
        if self.invitations.code is not None:
            log.warning(
                "the Telegram bot has no owner yet: send it /start %s (%s shows it again)",
                self.invitations.code,
                tool("status"),
            )

    def show_page_code(self) -> None:
        """Say where the page is and with which code it gets its password, where only the owner looks."""
        if (link := self.page.link) is not None and self.page.code is not None:
            log.warning("the page has no password yet: open %s (%s shows it again)", link, tool("status"))

    def keep_invitations(self) -> None:
        """Have it kept whether the bot has an owner."""
        state = self.invitations.state()
        self.bms_db.write(lambda own: write_states(own, {INVITATIONS: state}))

    def _unsaved(self, events: Sequence[Event]) -> None:
        for event in events:
            self.hub.publish(Unsaved(event))

    def _placed(self, placement: Mapping[str, Any]) -> None:
        self.bms_db.write(lambda own: write_states(own, {PLACEMENT: placement}))

    def _learnt(self, memory: Mapping[str, Any]) -> None:
        self.bms_db.write(lambda own: write_states(own, {RADIO: memory}))

    # What is said of the house

    def _trouble(self) -> str:
        """Why this house is not well, as far as the service outside should be alarmed; empty: it is."""
        if failure := self.alerts.failure:
            return f"bms.db cannot be written ({failure})"
        if not self.sources:
            return "no battery is configured"
        now = self.clock.monotonic()
        limit = oldest(ANSWERS, self.settings.poll_interval)
        statuses = [source.status for source in self.sources]
        # One that is left alone on purpose says nothing by its silence.
        resting = any(status.state in (LinkState.RELEASED, LinkState.WAITING) for status in statuses)
        newest = [status.last_sample for status in statuses]
        if all(at is None or now - at > limit for at in newest) and not resting:
            return "no battery answers"
        if trouble := self.bot.trouble(known=self.invitations.username is not None):
            return trouble
        return (
            "the Telegram bot has lost its owner, alerts reach nobody there" if self.invitations.lost else ""
        )
