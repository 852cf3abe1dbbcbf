"""The poller itself: sources, memory, sinks, alerts and socket, run side by side and ended cleanly.

Sources publish frames; the memory fills in what follows from the past; the hub feeds the sinks,
the alerts and the live socket; what happens becomes an event in ``bms.db``.
"""

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from jk_bms import __version__
from jk_bms.alerts import Alerts, Known
from jk_bms.bot_presence import BotPresence
from jk_bms.called import tool
from jk_bms.claims import OWNER, Claims
from jk_bms.claims import STATE as CLAIMS
from jk_bms.clock import Clock, boot_id
from jk_bms.device_state import device_state, status_line
from jk_bms.errors import JkBmsError, LinkError, LiveError, StoreError
from jk_bms.hub import Hub
from jk_bms.link_log import LinkLog
from jk_bms.live.messages import number
from jk_bms.live.server import LiveServer
from jk_bms.memory import Memory
from jk_bms.model import Device, Event, InverterSample, Sample
from jk_bms.model.freshness import ANSWERS, oldest
from jk_bms.model.kinds import KINDS, needs_radio
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.model.reading import as_reading
from jk_bms.radio.lock import ASK_AGAIN, PATIENCE, RadioLock
from jk_bms.radio.memory import STATE as RADIO
from jk_bms.radio.memory import RadioMemory
from jk_bms.radio.placement import STATE as PLACEMENT
from jk_bms.radio.placement import Placement
from jk_bms.registry import Entry
from jk_bms.repair.house import ALL_SILENT, House
from jk_bms.repair.ladder import Rung
from jk_bms.rules.cells import cell_limits
from jk_bms.sd_notify import Notifier
from jk_bms.settings import Settings
from jk_bms.settings.proxies import proxy_for
from jk_bms.sinks.inverter_db import InverterDbSink, MergeOptions
from jk_bms.sinks.inverter_record import inverter_sample
from jk_bms.sources import Source, SourceContext, build
from jk_bms.store.own import OwnStore, open_writer
from jk_bms.store.readings import Readings, Record
from jk_bms.store.states import read_state, write_states

if TYPE_CHECKING:
    from jk_bms.actions.notify import Messenger

log = logging.getLogger(__name__)

EXIT_OK = 0
EXIT_SILENT = 1  # the ladder's last rung: the service manager starts us anew

SAME_AGAIN = 3600.0  # s after which a device that tells nothing new is noted as seen again
OWN_PATH = ", or give this one a BMS_DB_PATH of its own"
LOOK_PERIOD = 10.0  # s between two looks whether our files are still in their places
MOST_UNSAVED = 50  # events in a snapshot that bms.db does not have yet
BUG_PAUSE = 60.0  # s before what met a bug is run again
RELEASE_DEFAULT = 600.0  # s
RELEASE_LONGEST = 86400.0  # s
SCAN_DEFAULT, SCAN_LONGEST = 10.0, 120.0  # s
ACTIONS = (
    "read",
    "release",
    "resume",
    "scan",
    "health",
    "rebuild",
    "mute",
    "acknowledge",
    "alert_test",
    "invite",
    "claim",
    "void",
    "telegram",
)


class Poller:
    """Reads ``entries`` until told to stop."""

    def __init__(self, settings: Settings, entries: list[Entry], *, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.hub = Hub()
        self.stop = asyncio.Event()
        self.exit_code = EXIT_OK
        self._started = clock.monotonic()
        self._boot = boot_id()
        self._notifier = Notifier()
        self._uses_radio = any(needs_radio(entry.type) for entry in entries)
        # One thread writes bms.db, so that a slow card never delays a sample.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="bms.db")
        self._own: OwnStore | None = None  # while running
        self._loop: asyncio.AbstractEventLoop | None = None  # likewise
        self._told: dict[str, tuple[Device, dict[str, Any], float]] = {}  # what is in bms.db, since
        self.house = House(
            asyncio.get_running_loop().time(),
            adapter_failures=settings.max_consecutive_errors,
            may_restart=settings.allow_bluetooth_restart,
            may_reboot=settings.allow_reboot,
        )
        self.link_log = LinkLog(self.house, clock, self._boot, self._write, asyncio.get_running_loop().time)
        self.placement = Placement(settings.ble_connections, changed=self._placed)
        self.radio = RadioMemory(changed=self._learnt)
        context = SourceContext(
            clock=clock,
            adapter=settings.adapter,
            timeout=settings.timeout,
            keep_alive=settings.keep_alive,
            interval=settings.poll_interval,
            folder=settings.devices_file.parent,
            publish=self._publish,
            report=self._report,
            identified=self._identified,
            outage=self.link_log.outage,
            house=self.house,
            placement=self.placement,
            radio=self.radio,
        )
        if all(KINDS[entry.type].own_house for entry in entries):  # beside a real battery no house is made up
            context = msgspec.structs.replace(context, inverter=self._made_up_inverter)
        self.sources: list[Source] = [build(entry, context) for entry in entries]
        self.sink = InverterDbSink(
            Readings(settings.db_path, standalone=settings.standalone_rows),
            clock,
            MergeOptions(
                poll_interval=settings.poll_interval,
                watch=settings.merge_watch,
                max_age=settings.merge_max_age,
                invert_current=settings.invert_current,
                fields=settings.merge_fields,
                cells=settings.merge_cells,
                error_rows=settings.merge_error_rows,
                simulated_merge=settings.simulated_merge,
                standalone=settings.standalone_rows,
                standalone_keep_days=settings.standalone_keep_days,
                tz=settings.timezone,
            ),
            seen=self._record_seen,
        )
        self.memory = Memory(settings, entries, clock, writer=self._writer, report=self._report)
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
            writer=self._writer,
            flush=self.memory.commit,
            told=self._happened,
            unsaved=self._unsaved,
        )
        self.messenger: Messenger | None = None  # while running, where it is wanted
        nobody_named = not (settings.chat_ids or settings.allowed_users)
        self.claims = Claims(clock, open_to_first=bool(settings.bot_token) and nobody_named)
        self.bot = BotPresence(clock, wanted=bool(settings.bot_token))
        self.server = LiveServer(settings.socket_path, snapshot=self.snapshot, handle=self._handle)
        self.hub.listen(self.sink.accept)
        self.hub.listen(self.alerts.take)
        self.hub.listen(self._show)

    async def run(self) -> int:
        """Run until ``stop`` is set or nothing answers any more; return the exit code.

        Raises ConfigError, StoreError or SourceError (``BUSY``) when it cannot start.
        """
        async with self._own_radio() as ours:
            return await self._run() if ours else EXIT_OK

    async def _run(self) -> int:
        async with self._open(), self._told_start_and_end(), asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._keep(source.run), name=source.device.label) for source in self.sources
            ]
            tasks.append(group.create_task(self.sink.run(), name="inverter_db"))
            tasks.append(group.create_task(self.memory.run(), name="memory"))
            tasks.append(group.create_task(self.alerts.run(), name="alerts"))
            tasks += [group.create_task(self._keep(run), name=name) for name, run in self._actions()]
            tasks.append(group.create_task(self._watch(), name="watch"))
            tasks.append(group.create_task(self._keep(self._look_after_files), name="files"))
            self._notifier.ready()
            await self.stop.wait()
            self._notifier.stopping()
            for task in tasks:
                task.cancel()
        return self.exit_code

    @contextlib.asynccontextmanager
    async def _told_start_and_end(self) -> AsyncIterator[None]:
        """Note the start, and the end unless it is that of a bug: what is missing then tells the next run."""
        self._report_start()
        try:
            yield
        except ExceptionGroup as group:
            refused, bugs = group.split(JkBmsError)
            if refused is not None and bugs is None:
                self._report("service.stop", None, f"poller ended: {refused.exceptions[0]}")
            raise
        self._report("service.stop", None, "poller stopped", exit_code=self.exit_code)

    def snapshot(self) -> dict[str, Any]:
        """Return the present state of everything, as the live socket tells it."""
        now = self.clock.monotonic()
        return {
            "program": {"version": __version__, "pid": os.getpid(), "uptime": now - self._started},
            "clock_trusted": self.clock.trusted(),
            "poll_interval": self.settings.poll_interval,
            "devices": [
                device_state(
                    device,
                    status,
                    sample,
                    self.memory.days(device.address),
                    now=now,
                    zone=self.settings.timezone,
                    heard=self.link_log.heard(device.address),
                    cell_limits=cell_limits(*self.memory.about(device.address)),
                    uncounted=self.memory.doubt(device.address),
                )
                for device, status, sample in self._batteries()
            ],
            "adapters": [load._asdict() for load in self.placement.loads()],
            "records": {
                "path": str(self.settings.db_path),
                "merged": self.sink.merged,
                "inserted": self.sink.inserted,
                "age": None if self.sink.written_at is None else max(0.0, now - self.sink.written_at),
                "failure": self.sink.failure,
            },
            "inverter": self.alerts.inverter.shown(),
            "house": self.alerts.lasting(),
            "alerts": self.alerts.open_alerts(),
            # What cannot be written to bms.db, for who was not here when it was told.
            "unsaved": self._all_unsaved(),
            "telegram": self._telegram() if self.settings.bot_token else None,
        }

    def _telegram(self) -> dict[str, Any]:
        """The bot: its one-time code as long as it is not claimed, its name, how it does."""
        name = self.claims.username
        return {
            "code": self.claims.code,
            "username": name,
            **self.bot.shown(known=name is not None),
        }

    @contextlib.asynccontextmanager
    async def _own_radio(self) -> AsyncIterator[bool]:
        """Have the radio to ourselves, if we need it; False: told to stop before it was free.

        Raises SourceError (``BUSY``) when another program keeps it.
        """
        lock = RadioLock()
        for first in lock.attempts(PATIENCE) if self._uses_radio else ():
            if first:
                log.info("the Bluetooth radio is in use, perhaps by jk-util.py: waiting %g s", PATIENCE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), ASK_AGAIN)
            if self.stop.is_set():
                break
        try:
            yield not (self._uses_radio and self.stop.is_set())
        finally:
            lock.release()

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            loop = self._loop = asyncio.get_running_loop()
            self._own = await loop.run_in_executor(
                self._writer, partial(open_writer, hint=OWN_PATH), self.settings.bms_db_path, self.clock
            )
            async with self.server.serve():
                await loop.run_in_executor(self._writer, self._take_up, self._own)
                try:
                    yield
                finally:
                    self.link_log.close()
                    await self.alerts.close()
                    await self.memory.close()
        finally:
            if self._own is not None:
                await loop.run_in_executor(self._writer, self._own.close)
            self._writer.shutdown()

    def _actions(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        """What is to be done besides, and only when it is configured."""
        if self.messenger is not None:
            yield "alerts by Apprise", self.messenger.run
        if self.settings.deadman_url:
            from jk_bms.actions.deadman import Deadman

            url = self.settings.deadman_url
            proxy = proxy_for(self.settings, url)
            yield "deadman", Deadman(url, self.clock, well=self._trouble, proxy=proxy).run

    def _trouble(self) -> str:
        """Why this house is not well, as far as the service outside should be alarmed; empty: it is."""
        if failure := self.alerts.failure:
            return f"bms.db cannot be written ({failure})"
        now = self.clock.monotonic()
        limit = oldest(ANSWERS, self.settings.poll_interval)
        if all(at is None or now - at > limit for at in self._newest()) and not self._any_resting():
            return "no battery answers"
        if trouble := self.bot.trouble(known=self.claims.username is not None):
            return trouble
        return "the Telegram bot has lost its owner, alerts reach nobody there" if self.claims.lost else ""

    def _take_up(self, own: OwnStore) -> None:
        """Go on where the last run ended. Blocks."""
        if self.settings.alert_urls:
            from jk_bms.actions.notify import Messenger  # it loads the texts

            self.messenger = Messenger(
                self.settings,
                self.clock,
                in_writer=self._in_writer,
                label=self._label,
                waiting=lambda: self.alerts.waiting,
            )
            self.messenger.open(own)
        self.alerts.open(own)
        self.memory.open(own)
        self.link_log.open(own, self.sources, self.memory.heard)
        self.claims.restore(read_state(own, CLAIMS))
        self.placement.recall(read_state(own, PLACEMENT))
        self.radio.recall(read_state(own, RADIO))

    def _report_start(self) -> None:
        text, facts = f"poller {__version__} started", {"pid": os.getpid()}
        if self.alerts.crashed:
            text += "; the last run ended without a word"
            facts["after_crash"] = True
        self._report("service.start", None, text, **facts)
        self._show_code()

    def _show_code(self) -> None:
        """Say with which code the bot can be claimed, where only the owner looks."""
        if self.claims.code is not None:
            log.warning(
                "the Telegram bot has no owner yet: send it /start %s (%s shows it again)",
                self.claims.code,
                tool("status"),
            )

    def _batteries(self) -> list[tuple[Device, LinkStatus, Sample | None]]:
        return [
            (source.device, source.status, self.hub.newest.get(source.device.address))
            for source in self.sources
        ]

    # What comes in

    def _record_seen(self, record: Record) -> None:
        """Take a new record of the inverter program; comes from the thread of the sink."""
        sample = inverter_sample(record, monotonic=self.clock.monotonic())
        if sample is not None and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self.alerts.inverter_said, sample)

    def _made_up_inverter(self, sample: InverterSample) -> None:
        self.alerts.inverter_said(sample, made_up=True)
        self.sink.inverter_said(sample)

    def _publish(self, sample: Sample) -> None:
        self.hub.publish(self.memory.take(sample))

    def _show(self, sample: Sample) -> None:
        if self.server.listening:
            reading = as_reading(sample, self.settings.timezone, monotonic=True)
            self.server.send("sample", address=sample.device.address, reading=reading)

    def _report(self, kind: str, device: Device | None, text: str, **facts: Any) -> None:
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
        self._write(lambda own: own.append(event))
        self.memory.hurry()
        self._happened(event)

    def _happened(self, event: Event) -> None:
        """Tell everybody who listens of an event."""
        self.server.send("event", **_shown(event))
        if self.messenger is not None:
            self.messenger.wake()

    def _all_unsaved(self) -> list[dict[str, Any]]:
        if not self.alerts.failure:
            return []
        return [_shown(event) for event in self.alerts.waiting if "quiet" not in event.facts][-MOST_UNSAVED:]

    def _unsaved(self, events: Sequence[Event]) -> None:
        """Tell everybody who listens of events that cannot be written to bms.db."""
        for event in events:
            self.server.send("event", **_shown(event), unsaved=True)
        if self.messenger is not None:
            self.messenger.wake()

    def _placed(self, placement: Mapping[str, Any]) -> None:
        self._write(lambda own: write_states(own, {PLACEMENT: placement}))

    def _learnt(self, memory: Mapping[str, Any]) -> None:
        self._write(lambda own: write_states(own, {RADIO: memory}))

    def _identified(self, device: Device, told: dict[str, Any]) -> None:
        self.memory.identified(device, told.get("settings"))
        # A BMS that is visited twice a minute says the same each time: spare the card.
        now = self.clock.monotonic()
        known = self._told.get(device.address)
        if known is not None and known[:2] == (device, told) and now - known[2] < SAME_AGAIN:
            return
        self._told[device.address] = (device, told, now)
        self._write(
            lambda own: own.remember_device(
                device, device_info=told.get("device_info"), settings=told.get("settings")
            )
        )

    def _write(self, change: Callable[[OwnStore], object]) -> None:
        """Have something written to bms.db, in order; a failure is logged, not raised."""

        def write() -> None:
            try:
                assert self._own is not None
                change(self._own)
            except StoreError as error:
                log.error("%s", error)
            except Exception:
                log.exception("bms.db: not written")

        self._writer.submit(write)

    async def _in_writer(self, work: Callable[[OwnStore], Any]) -> Any:
        assert self._own is not None
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, self._own)

    def _label(self, address: str | None) -> str | None:
        """What people call a battery; its address when it is none of ours any more."""
        labels = (source.device.label for source in self.sources if source.device.address == address)
        return next(labels, address)

    # What is asked of us

    async def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        match request.get("action"):
            case "read":
                sources = self._chosen(request.get("device"))
                samples = await asyncio.gather(*(source.read_now() for source in sources))
                shown = [self.hub.newest.get(sample.device.address, sample) for sample in samples]
                zone = self.settings.timezone
                return {"readings": [as_reading(sample, zone, monotonic=True) for sample in shown]}
            case "release":
                seconds = number(request, "seconds", RELEASE_DEFAULT, low=1.0, high=RELEASE_LONGEST)
                sources = self._chosen(request.get("device"))
                for source in sources:
                    source.release(seconds)
                await asyncio.gather(*(source.released() for source in sources))
                return {"devices": [source.device.address for source in sources], "seconds": seconds}
            case "resume":
                sources = self._chosen(request.get("device"))
                for source in sources:
                    source.resume()
                return {"devices": [source.device.address for source in sources]}
            case "scan":
                adapter = request.get("adapter") or self.settings.adapter
                seconds = number(request, "seconds", SCAN_DEFAULT, low=0.1, high=SCAN_LONGEST)
                return await self._scan(seconds, adapter)
            case "health":
                reports = {
                    source.device.address: self.memory.health(source.device.address)
                    for source in self._chosen(request.get("device"))
                }
                return {address: report.as_dict() for address, report in reports.items() if report}
            case "rebuild":
                if not self.memory.is_open:
                    raise LiveError("the service is still starting; try again in a moment")
                return {"hours": await self.memory.rebuild()}
            case "mute":
                return self.alerts.mute(request)
            case "acknowledge":
                return self.alerts.acknowledge(request)
            case "alert_test":
                return self.alerts.test(request.get("code")) | {"channels": self._channels()}
            case "invite":
                return self.claims.invite(request.get("role") or OWNER)
            case "claim":
                first = not self.claims.claimed
                role = self.claims.claim(request.get("code"))
                self._keep_claims()
                self._report(
                    "telegram.claimed", None, f"a person was let into the Telegram bot with a code, as {role}"
                )
                return {"role": role, "first": first}
            case "void":
                self.claims.void(request.get("code"))
                self._show_code()
                return {}
            case "telegram":
                self._bot_said(request)
                return {}
            case other:
                raise LiveError(f"unknown action {other!r}; expected {', '.join(ACTIONS)}")

    def _channels(self) -> dict[str, str]:
        """Where alerts go, and what keeps them from going there; empty: nothing that is known here."""
        channels = {}
        if self.settings.bot_token:
            trouble = self.bot.trouble(known=True)
            if not trouble and self.claims.code is not None:
                trouble = "the bot has no owner yet"
            elif not trouble and self.bot.shown(known=True)["heard"] is None:
                trouble = "the bot has not been heard of yet; is it running?"
            channels["Telegram"] = trouble
        for position, _ in enumerate(self.settings.alert_urls, 1):
            channels[f"ALERT_URLS, address {position}"] = ""
        return channels

    def _bot_said(self, request: dict[str, Any]) -> None:
        """Note what the bot says of itself: its name, how it does, and whether it has an owner."""
        self.bot.heard(request.get("state"))
        before = self.claims.state()
        username = request.get("username")
        if isinstance(username, str) and re.fullmatch(r"\w{1,64}", username):
            self.claims.username = username
        if request.get("claimed"):
            self.claims.claim_known()
        elif request.get("claimed") is False and self.claims.disowned():
            self._show_code()
        if self.claims.state() != before:  # it says so every minute: spare the card
            self._keep_claims()

    def _keep_claims(self) -> None:
        state = self.claims.state()
        self._write(lambda own: write_states(own, {CLAIMS: state}))

    async def _scan(self, seconds: float, adapter: str | None) -> dict[str, Any]:
        from jk_bms.radio.found import search  # a house of simulations never loads bleak

        return {"found": [found._asdict() for found in await search(seconds, adapter)]}

    def _chosen(self, device: object) -> list[Source]:
        if not device:
            return self.sources
        if not isinstance(device, str):
            raise LiveError(f"device is {device!r}; expected its address, name or number")
        wanted = device.casefold()
        chosen = [source for source in self.sources if wanted in _names(source.device)]
        if not chosen:
            known = ", ".join(source.device.label for source in self.sources)
            raise LiveError(f"the service does not read {device!r}; it reads {known}")
        return chosen

    # What keeps it going

    async def _keep(self, run: Callable[[], Awaitable[None]]) -> None:
        """Run a source or an action; a bug in it is logged and costs nothing else."""
        while True:
            try:
                await run()
                return
            except Exception:
                log.exception("unexpected error; trying again in %.0f s", BUG_PAUSE)
                await asyncio.sleep(BUG_PAUSE)

    async def _watch(self) -> None:
        """Tell the service manager how it goes; give up when nothing answers for long."""
        period = self._notifier.watchdog_period or 10.0
        clock_trusted = self.clock.trusted()
        while True:
            await asyncio.sleep(min(period / 3, 5.0))
            self._notifier.watchdog()
            self._notifier.status(status_line(self._batteries(), self.clock.monotonic()))
            if not clock_trusted and self.clock.trusted():
                clock_trusted = True
                self._write(OwnStore.correct_times)
                self.link_log.clock_set()
                log.info("the clock is right now: %s", self.clock.now().isoformat(timespec="seconds"))
                self._report("clock.set", None, "the clock of this machine is right now")
            self.link_log.keep()
            if not self.stop.is_set():
                await self._last_rung()

    async def _look_after_files(self) -> None:
        """Make anew what was taken away in use: the database, the socket, the journal."""
        missing: dict[str, str] = {}  # what cannot be made at the moment, and why
        begun_anew = 0
        looks: dict[str, Callable[[], Awaitable[bool]]] = {
            "bms.db": lambda: self._in_writer(OwnStore.look),
            "the socket": self.server.look,
            "the journal": lambda: asyncio.to_thread(self.memory.look),
        }
        while True:
            await asyncio.sleep(LOOK_PERIOD)
            for what, look in looks.items():
                try:
                    made = await look()
                except (StoreError, LiveError) as error:
                    if missing.get(what) != str(error):
                        missing[what] = str(error)
                        log.error("%s", error)
                    continue
                if missing.pop(what, None) or made:
                    log.warning("%s was taken away while in use; it is in its place again", what)
                    self._report("service.files", None, f"{what} was taken away in use and made anew")
            if self._own is not None and self._own.begun_anew != begun_anew:
                begun_anew = self._own.begun_anew
                self._told.clear()  # what is known of the devices went with the file

    async def _last_rung(self) -> None:
        """End for a fresh start, or reboot, when nothing answers for long."""
        wall = self.clock.now().timestamp() if self.clock.trusted() else None
        rung = self.house.last_rung(
            asyncio.get_running_loop().time(), up_for=self.clock.monotonic(), wall=wall
        )
        if rung is None:
            return
        self.link_log.ended_by = rung
        self.link_log.keep()
        silence = f"no battery answered for {ALL_SILENT / 60:.0f} min"
        what = "ending for a fresh start" if rung is Rung.EXIT else "rebooting this machine"
        log.error("%s: %s", silence, what)
        self._report("service.silent", None, f"{silence}; {what}", rung=rung.code)
        if rung is Rung.REBOOT:
            try:
                repairs = next(source.repairs for source in self.sources if source.repairs is not None)
                await repairs.reboot()
            except (LinkError, StopIteration) as error:
                log.error("it cannot be rebooted: %s", error)
        self.exit_code = EXIT_SILENT
        self.stop.set()

    def _newest(self) -> list[float | None]:
        return [source.status.last_sample for source in self.sources]

    def _any_resting(self) -> bool:
        """Whether a battery is left alone on purpose: its silence says nothing."""
        return any(source.status.state in (LinkState.RELEASED, LinkState.WAITING) for source in self.sources)


def _shown(event: Event) -> dict[str, Any]:
    """An event as the live socket tells it; ``kind``, ``monotonic`` and ``text`` together are its own."""
    return {
        "kind": event.kind,
        "time": event.taken_at.isoformat(),
        "monotonic": event.monotonic,
        "device": event.device,
        "text": event.text,
        "facts": event.facts,
    }


def _names(device: Device) -> set[str]:
    """What may be said to mean it, in small letters."""
    return {text.casefold() for text in (device.address, device.name or "", str(device.number))}
