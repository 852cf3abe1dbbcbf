"""What the poller remembers: every pack's state, the history, and what is not yet on the disk.

A frame first goes into the journal, then through its pack's state, then into history. A commit
writes history and states together; after a kill the journal brings back the frames since.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jk_bms.battery.chemistry import Chemistry
from jk_bms.battery.health_report import HealthReport
from jk_bms.battery.limits import PackLimits, pack_limits
from jk_bms.battery.pack_facts import PackFacts
from jk_bms.battery.pack_state import PackState, learnt_of, stored_names
from jk_bms.battery.which_cells import foreseen
from jk_bms.clock import Clock, Mark, boot_id
from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings
from jk_bms.errors import StoreError
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.model.snapshot import Energy
from jk_bms.sinks.history import Committer, HistorySink, Report, clock_confirmed
from jk_bms.store.backlog import NAME as WAITING
from jk_bms.store.backlog import Backlog
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.history import HistoryStore, Keep
from jk_bms.store.inverter_fold import InverterFolder
from jk_bms.store.journal import NAME as JOURNAL
from jk_bms.store.journal import Journal
from jk_bms.store.readings import Readings
from jk_bms.store.states import read_states

log = logging.getLogger(__name__)

FOLD_PAUSE = 1.0  # s between two slices of the inverter's records: there is no hurry
FOLD_PERIOD = 30.0  # s between two looks for new ones
BACKUP_PERIOD = 600.0  # s between two looks whether tonight's copy is due
COPIES_KEPT = 7


class Memory:
    """Takes every frame; ``open`` first, then ``run`` beside the sources, ``close`` at the end."""

    def __init__(
        self,
        settings: Settings,
        entries: Iterable[Entry],
        clock: Clock,
        *,
        writer: Executor,
        report: Report,
        confirmed: Callable[[], bool] = clock_confirmed,
    ) -> None:
        """``confirmed`` says whether another clock agrees with ours now."""
        self._settings = settings
        self._clock = clock
        self._writer = writer
        self._report = report
        self.kept: Callable[[], Mapping[str, Mapping[str, Any]]] = (
            dict  # what else belongs to the rows, by names
        )
        self._confirmed = confirmed
        self._facts = {entry.address: PackFacts(entry.label, entry.options) for entry in entries}
        self._limits: dict[str, PackLimits] = {}
        self._boot = boot_id()
        self._zone = settings.timezone or datetime.now(UTC).astimezone().tzinfo or UTC
        self._packs: dict[str, PackState] = {}
        self._kept: dict[str, dict[str, Any]] = {}  # states of packs that have not spoken yet
        self._learnt: dict[str, dict[str, Any]] = {}  # what belongs to them, as it was at the start
        self._committer: Committer | None = None

    def open(self, own: BmsDb) -> None:
        """Go on where the last run ended: its states, then the frames of its journal. Blocks."""
        settings = self._settings
        self._own = own
        keep = Keep(blocks=settings.block_keep_days, minutes=settings.min_keep_days)
        self._store = HistoryStore(own, keep)
        for device in own.devices():
            self._limits[device.device.address] = pack_limits(device.settings)
        counters = self._store.counters()
        folder = settings.socket_path.parent
        backlog = Backlog(folder / WAITING)
        pending = backlog.read()
        floor = max((counter.sequence for counter in counters.values()), default=0)
        if pending is not None and pending.sequence <= floor:
            backlog.clear()  # the end came between the commit and this
            pending = None
        self._learnt = read_states(own)
        if pending is not None:
            log.info("history: going on from what the last run could not write")
            counters |= pending.counters
            self._learnt |= pending.states
            floor = max(floor, pending.sequence)
        self._kept = {address: counter.state for address, counter in counters.items() if counter.state}
        self._journal = Journal(folder / JOURNAL, floor=floor)
        self._sink = HistorySink(
            self._store,
            period=settings.history_period,
            report=self._report,
            confirmed=self._confirmed,
            pending=pending,
        )
        # All states now: what the journal adds must follow each without a break.
        for address in tuple(self._kept):
            if address in self._facts:
                self._pack(address)
        replayed = 0
        for unsaved in self._journal.replay():
            address = unsaved.sample.device.address
            if address in counters and unsaved.number <= counters[address].sequence:
                continue
            completed = self._pack(address).feed(unsaved.sample, unsaved.boot_id)
            self._sink.accept(completed, unsaved.number, unsaved.boot_id)
            replayed += 1
        if replayed:
            log.info("history: %d frames taken from the journal of the last run", replayed)
        for pack in self._packs.values():
            pack.resumed()
        self._committer = Committer(
            self._sink,
            self._store,
            every=settings.history_commit,
            states=self._states,
            learnt=self._all_learnt,
            journal=self._journal,
            backlog=backlog,
            writer=self._writer,
        )

    def configured(self, settings: Settings) -> None:
        """Go on by these settings."""
        self._settings = settings
        for pack in self._packs.values():
            pack.show(settings.soc_source, settings.soc_curve)

    def take_up(self, entry: Entry) -> None:
        """Go on with a battery that is read from now on, or as another entry says from now on."""
        facts = PackFacts(entry.label, entry.options)
        before, self._facts[entry.address] = self._facts.get(entry.address), facts
        pack = self._packs.get(entry.address)
        if pack is not None and before != facts:  # what its cells are is asked at the beginning only
            self._kept[entry.address] = pack.state()
            names, learnt = stored_names(entry.address), pack.learnt()
            self._learnt |= {name: learnt[part] for part, name in names.items()}
            del self._packs[entry.address]
        if entry.address in self._packs or entry.address in self._kept:
            self._pack(entry.address).resumed()

    def take(self, sample: Sample) -> Sample:
        """Remember a frame; return it with everything filled in that follows from the past."""
        number = self._journal.append(sample)
        pack = self._pack(sample.device.address)
        completed = pack.feed(sample)
        self._sink.accept(completed, number)
        self._committed.accepted()
        if pack.anchored:
            text = f"state of charge counted anew from a pack that is {pack.anchored}"
            self._report("soc.anchor", sample.device, text, anchor=pack.anchored)
        if pack.jump:
            self._report("soc.jump", sample.device, pack.jump, soc=completed.soc_counted)
        return completed

    def inverter_said(self, track: str, sample: InverterSample) -> None:
        """Remember what an inverter, or all together, said just now."""
        self._sink.accept_inverter(track, sample)
        self._committed.accepted()

    def identified(self, device: Device, settings: Mapping[str, Any] | None) -> None:
        """Take over what a BMS told of its settings."""
        if not settings:
            return
        limits = self._limits[device.address] = pack_limits(settings)
        if (pack := self._packs.get(device.address)) is not None:
            pack.limits(limits)

    @property
    def is_open(self) -> bool:
        """Whether ``open`` has ended."""
        return self._committer is not None

    def hurry(self) -> None:
        """Have everything written soon: something happened."""
        if self._committer is not None:
            self._committer.hurry()

    async def run(self) -> None:
        """Commit, fold the inverter's records and make the nightly copies, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._committed.run(), name="history")
            group.create_task(self._fold(), name="inverter history")
            group.create_task(self._keep_copies(), name="nightly copies")

    async def commit(self) -> bool:
        """Write what is not yet written; return whether that worked. If not, it stays in the journal."""
        return await self._committed.commit()

    def look(self) -> bool:
        """Make the journal anew if it was taken away; return whether that was so."""
        return self._journal.look()

    async def close(self) -> None:
        """Write what is not yet written, for the last time."""
        self._sink.end_inverters()
        await self.commit()
        self._journal.close()

    def days(self, address: str) -> dict[str, Energy]:
        """Return what went in and out of a pack on the last days, by local date; today is the last."""
        pack = self._packs.get(address)
        return (
            {} if pack is None else {day: Energy(**totals._asdict()) for day, totals in pack.days().items()}
        )

    def health(self, address: str) -> HealthReport | None:
        """Judge the cells of a pack; None when it has not spoken yet and nothing is remembered."""
        if address in self._packs or address in self._kept:
            return self._pack(address).report()
        return None

    def heard(self, address: str) -> Mark | None:
        """Return when a pack gave its last good frame, also to an earlier run; None: never, as far as known."""
        pack = self._packs.get(address)
        return None if pack is None else pack.heard

    def about(self, address: str) -> tuple[Chemistry, PackLimits]:
        """Return of what kind the cells of a pack are, as far as known, and what its BMS is set to."""
        limits = self._limits.get(address, PackLimits())
        if (pack := self._packs.get(address)) is not None:
            return pack.chemistry, limits
        facts = self._facts.get(address)
        return foreseen(facts.chemistry if facts else None, limits), limits

    def doubt(self, address: str) -> str:
        """Return why the charge of a pack is not counted; empty: it is, or the pack has not spoken yet."""
        pack = self._packs.get(address)
        return "" if pack is None else pack.doubt

    @property
    def failure(self) -> str:
        """Why history is not written at the moment; empty: it is."""
        return self._committer.failure if self._committer else ""

    async def rebuild(self) -> int:
        """Make the roll-ups anew from the rows; return how many hours that were."""
        await self.commit()
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._store.rebuild)

    @property
    def _committed(self) -> Committer:
        assert self._committer is not None, "open() comes first"
        return self._committer

    def _states(self) -> dict[str, dict[str, Any]]:
        return {address: pack.state() for address, pack in self._packs.items()}

    def _all_learnt(self) -> dict[str, dict[str, Any]]:
        learnt = {name: dict(state) for name, state in self.kept().items()}
        for address, pack in self._packs.items():
            parts = pack.learnt()
            learnt.update((name, parts[part]) for part, name in stored_names(address).items())
        return learnt

    def _pack(self, address: str) -> PackState:
        pack = self._packs.get(address)
        if pack is not None:
            return pack
        facts = self._facts.get(address)
        limits = self._limits.get(address, PackLimits())
        pack = self._packs[address] = PackState(
            facts.chemistry if facts else None,
            nominal_ah=facts.nominal_ah if facts else None,
            boot=self._boot,
            zone=self._zone,
            source=self._settings.soc_source,
            curve=self._settings.soc_curve,
            confirmed=self._confirmed,
        )
        pack.limits(limits)  # of which kind the cells are, before the state is read
        if (state := self._kept.pop(address, None)) is not None:
            try:
                pack.restore(state, learnt_of(address, self._learnt))
            except (KeyError, TypeError, ValueError) as error:
                log.error("%s: the remembered state is of no use, counting begins anew: %s", address, error)
                del self._packs[address]
                return self._pack(address)
        pack.limits(limits)
        return pack

    async def _fold(self) -> None:
        """Take the inverter program's records into history, a slice at a time."""
        readings = Readings(self._settings.db_path)
        folder = await self._in_writer(lambda: InverterFolder(readings, self._store))
        while True:
            more = False
            if self._clock.trusted():
                try:
                    more = await self._in_writer(lambda: folder.step(self._clock.now()))
                except StoreError as error:
                    log.debug("inverter history: %s", error)  # the merge says the same aloud
                except (
                    Exception
                ):  # a bug, or what we did not think of in a file of others: no battery waits for it
                    log.exception("inverter history: unexpected error; trying again in %g s", FOLD_PERIOD)
            await asyncio.sleep(FOLD_PAUSE if more else FOLD_PERIOD)

    async def _keep_copies(self) -> None:
        folder = self._settings.backup_dir
        while folder is not None:
            await asyncio.sleep(BACKUP_PERIOD)
            if not self._clock.trusted():
                continue
            try:
                made = await asyncio.to_thread(self._copy, folder)
            except StoreError as error:
                log.error("nightly copy: %s", error)
                self._report("backup.failed", None, str(error))
            else:
                if made is not None:
                    log.info("nightly copy: %s", made)

    def _copy(self, folder: Path) -> Path | None:
        from jk_bms.config.backup_texts import backup_texts  # only where copies are wanted
        from jk_bms.store.backup import nightly

        return nightly(
            self._settings.bms_db_path,
            folder,
            keep=COPIES_KEPT,
            now=self._clock.now().astimezone(self._zone),
            make_texts=lambda: backup_texts(self._settings),
        )

    async def _in_writer(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)
