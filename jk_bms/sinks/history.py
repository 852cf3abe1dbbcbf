"""Takes every frame into history: a row for each period and device, committed together.

``accept`` never waits and never drops; ``cut`` takes what is new, in the same thread. Rows are
dated by the time since boot and one offset for the whole boot, so that a clock that is set
right later dates all of them right.
"""

import asyncio
import ctypes
import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, Protocol

import msgspec

from jk_bms.clock import boot_id as this_boot
from jk_bms.errors import StoreError
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.model.inverter import INVERTER, is_inverter
from jk_bms.sinks.period import InverterPeriod, Period
from jk_bms.store.backlog import ROWS_MOST, Backlog, compact, without_oldest
from jk_bms.store.history import (
    LONGEST_JUMP,
    NOT_BEFORE_MS,
    Batch,
    Boot,
    ClockSet,
    Confirmed,
    Counter,
    Cut,
    HistoryStore,
    Row,
)
from jk_bms.store.inverter_fold import PERIOD as INVERTER_PERIOD
from jk_bms.store.journal import Journal
from jk_bms.texts.durations import span

log = logging.getLogger(__name__)

JOURNAL_MOST = 4 * 2**20  # bytes: an hour of one pack; what could not be committed then gets a file
RETRY, LONGEST_RETRY = 60.0, 600.0  # s between attempts while commits fail, at first and after some
STEP = 2000  # ms; a clock that moves less against the time since boot is taken as the same
CONFIRMED_NOTED = 3_600_000  # ms between two notes that the time was confirmed
_UNSYNCHRONIZED = 5  # what adjtimex returns while no time server agrees


class Report(Protocol):
    """Notes an event."""

    def __call__(self, kind: str, device: Device | None, text: str, **facts: Any) -> None:
        """Note that ``kind`` happened."""


def clock_confirmed() -> bool:
    """Whether the kernel says that a time server keeps the clock; False where it cannot be asked."""
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _UNSYNCHRONIZED


class _Track:
    """What is not cut yet of one device."""

    __slots__ = ("columns", "length", "number", "period", "rows")

    def __init__(self, length: int) -> None:
        self.length = length  # ms of a period
        self.period: Period | InverterPeriod | None = None
        self.columns: tuple[int, ...] = ()
        self.rows: list[Row] = []
        self.number = 0  # in the journal, of the newest frame


class HistorySink:
    """Rows of ``period`` s from all devices, on what ``store`` knows of earlier ones.

    ``report`` is told when the clock steps; ``confirmed`` says whether another clock agrees now.
    """

    def __init__(
        self,
        store: HistoryStore,
        *,
        period: float = 5.0,
        report: Report | None = None,
        confirmed: Callable[[], bool] = clock_confirmed,
        pending: Cut | None = None,
    ) -> None:
        """Go on from the store; ``pending`` is what an earlier process could not commit."""
        self.lost = 0  # rows that could not wait any longer
        self.rows = 0  # complete and not cut yet
        self.newest = 0  # journal number of the newest frame
        self._store = store
        self._begun_anew = store.begun_anew
        self._period = max(1, round(period * 1000))
        self._report = report
        self._confirmed = confirmed
        self._tracks: dict[str, _Track] = {}
        self._steps: list[Batch | ClockSet | Confirmed] = []
        self._counters = store.counters()
        self._unwritten: set[str] = set()  # addresses of counters that are not in the database as they stand
        self._counters.pop(INVERTER, None)  # the folding of its records keeps its place there
        self._counters |= pending.counters if pending else {}
        confirmed_until = store.newest_confirmed()
        # What the clock may not be far ahead of; rows of an unconfirmed one may be of the future.
        self._newest_stored = store.newest() if confirmed_until is None else confirmed_until
        self._boots: dict[str, Boot] = {
            step.boot_id: store.boot(step.boot_id)._replace(number=step.boot, offset=step.offset)
            for step in (pending.steps if pending else ())
            if isinstance(step, ClockSet)
        }
        self._confirmed_at: int | None = None  # ms since boot
        self._confirmed_noted: int | None = None
        self._sure = False
        self._doubted = False  # a wrong clock after a right one was reported
        self._monotonic = 0  # ms, of the newest frame
        self._boot_id = ""
        self._begin_boot(this_boot() or uuid.uuid4().hex)  # without a name no two boots are the same
        self._here = self._boot_id
        self._take_up()
        if pending:
            self.put_back(pending)

    def accept(self, sample: Sample, number: int = 0, boot_id: str | None = None) -> None:
        """Add a frame; ``number`` is its place in the journal, ``boot_id`` given for one of an earlier boot."""
        if (boot_id or self._here) != self._boot_id:
            self._close_all()
            self._begin_boot(boot_id or self._here)
        address = sample.device.address
        time = self._time_of(sample)
        track = self._tracks.get(address)
        if track is None:
            track = self._tracks[address] = _Track(self._period)
        period = track.period
        begin = time - time % self._period
        if period is None or period.begin != begin:
            self._close(address, track)
            period = track.period = Period(begin)
        assert isinstance(period, Period)  # an inverter has no address
        period.add(sample)
        track.number = self.newest = number

    def accept_inverter(self, name: str, sample: InverterSample) -> None:
        """Add what an inverter, or all together, said just now to the track of that ``name``.

        It is in no journal: a kill costs what was not committed.
        """
        if self._boot_id != self._here:
            self._close_all()
            self._begin_boot(self._here)
        time = self._time_of(sample)
        track = self._tracks.get(name)
        if track is None:
            track = self._tracks[name] = _Track(max(self._period, INVERTER_PERIOD))
        period = track.period
        begin = time - time % track.length
        if period is None or period.begin != begin:
            self._close(name, track)
            period = track.period = InverterPeriod(begin)
        assert isinstance(period, InverterPeriod)  # no battery is called like an inverter
        period.add(sample)

    def end_inverters(self) -> None:
        """Make rows of what was begun of inverters: a restart does not go on with it."""
        for name, track in self._tracks.items():
            if is_inverter(name):
                self._close(name, track)

    def _time_of(self, sample: Sample | InverterSample) -> int:
        """When it was taken, in ms since 1970, by the clock as it is known in this boot."""
        monotonic = round(sample.monotonic * 1000)
        offset = round(sample.taken_at.timestamp() * 1000) - monotonic
        known = self._offset
        if known is None or not -STEP <= offset - known <= STEP:
            self._clock_moved(sample, monotonic, offset)
            known = self._offset
            assert known is not None  # it is set by now
        self._monotonic = monotonic
        return monotonic + known

    def cut(
        self,
        states: Mapping[str, dict[str, Any]] | None = None,
        learnt: Mapping[str, dict[str, Any]] | None = None,
    ) -> Cut:
        """Take what is to be committed.

        ``states``: the counters of each device as of now; ``learnt``: states by name that change
        seldom and belong to them.
        """
        for address, track in self._tracks.items():
            self._flush(address, track)
        self._note_confirmed()
        counters = {}
        for address in {*self._tracks, *(states or ()), *self._counters}:
            if is_inverter(address):
                continue  # it has nothing that counts on
            known = self._counters.get(address)
            here = self._tracks.get(address)
            counter = Counter(
                here.number if here else known.sequence if known else 0,
                (states or {}).get(address, known.state if known else {}),
                self._begun(here),
            )
            if counter != known or address in self._unwritten:
                counters[address] = self._counters[address] = counter
        self._unwritten.clear()
        steps, self._steps = self._steps, []
        self.rows = 0
        now = self._monotonic + self._offset if self._sure and self._offset is not None else None
        return Cut(steps, counters, self.newest, prune=self._sure, now=now, states=learnt or {})

    def put_back(self, cut: Cut) -> None:
        """Take back a cut that could not be committed; it leads the next one.

        When the rows that wait have become too many the oldest go; counters never do.
        """
        self._steps, lost = without_oldest(compact([*cut.steps, *self._steps]), ROWS_MOST)
        if lost and not self.lost:
            log.error("history: more rows wait than there is room for: the oldest are given up")
        self.lost += lost
        self.rows += sum(len(step.rows) for step in cut.steps if isinstance(step, Batch)) - lost
        self._unwritten.update(cut.counters)

    def written(self) -> None:
        """Be told that all cuts are in the database now."""
        if self.lost:
            text = f"{self.lost} rows of history are lost: nothing could be written for too long"
            self._tell("history.lost", text, rows=self.lost)
            self.lost = 0
        if self._store.begun_anew != self._begun_anew:
            # What was written before is gone, so all that still counts is written again.
            self._begun_anew = self._store.begun_anew
            self._unwritten.update(self._counters)
            if self._offset is not None:
                self._steps.append(ClockSet(self._boot.number, self._boot_id, self._monotonic, self._offset))

    def _begun(self, track: _Track | None) -> bytes:
        if track is None or not isinstance(track.period, Period):
            return b""
        head = msgspec.json.encode((self._boot_id, self._boot.number, self._offset))
        return head + b"\n" + track.period.state()

    def _take_up(self) -> None:
        """Go on with the periods that were begun before the restart; those of another boot are over."""
        for address, counter in self._counters.items():
            if not counter.begun:
                continue
            track = _Track(self._period)
            track.number = counter.sequence
            try:
                head, state = counter.begun.split(b"\n", 1)
                boot_id, boot, offset = msgspec.json.decode(head)
                track.period = Period.restored(state, Device(address=address))
            except (ValueError, msgspec.MsgspecError) as error:  # it is of another version of this program
                log.info("%s: the row that was begun before the restart is lost: %s", address, error)
                continue
            self._tracks[address] = track
            if (boot_id, offset) != (self._boot_id, self._offset):
                self._close(address, track, boot=boot, offset=offset)

    def _begin_boot(self, boot_id: str) -> None:
        boot = self._boots.get(boot_id)
        if boot is None:
            boot = self._store.boot(boot_id)
            taken = max((known.number for known in self._boots.values()), default=0)
            if boot.offset is None and boot.number <= taken:
                boot = boot._replace(number=taken + 1)
            self._boots[boot_id] = boot
        self._boot, self._boot_id = boot, boot_id
        self._offset = boot.offset
        self._confirmed_at = self._confirmed_noted = boot.confirmed

    def _clock_moved(self, sample: Sample | InverterSample, monotonic: int, offset: int) -> None:
        known = self._offset
        if known is not None and self._is_right(known, monotonic) and not sample.clock_trusted:
            if not self._doubted:
                self._doubted = True
                self._tell(
                    "clock.wrong",
                    "the clock of this machine went wrong; history goes on by the time since boot",
                )
            return
        self._doubted = False
        self._close_all()
        for address, track in self._tracks.items():
            self._flush(address, track)
        here = self._confirmed_at
        if here is not None:
            self._steps.append(Confirmed(self._boot.number, here))
        self._steps.append(
            ClockSet(self._boot.number, self._boot_id, monotonic, offset, move=known is not None)
        )
        self._offset = offset
        self._boots[self._boot_id] = self._boot = self._boot._replace(offset=offset)
        newest = self._newest_stored
        self._sure = sample.clock_trusted and (newest is None or monotonic + offset - newest <= LONGEST_JUMP)
        if known is not None:
            seconds = (offset - known) / 1000
            corrected = here is None or here < self._monotonic
            if self._is_right(known, monotonic):
                text = f"the clock of this machine was set {'forward' if seconds > 0 else 'back'} by {span(abs(seconds))}"
            else:
                text = "the clock of this machine was set; until then it did not know the time"
            if corrected:
                text += "; history since boot, or since the time was last confirmed, moves along"
            self._tell("clock.step", text, seconds=seconds, corrected=corrected)

    @staticmethod
    def _is_right(offset: int, monotonic: int) -> bool:
        return monotonic + offset >= NOT_BEFORE_MS

    def _note_confirmed(self) -> None:
        """Ask whether the time is confirmed; note it now and then, so that a restart knows it too."""
        if self._offset is None or not self._is_right(self._offset, self._monotonic) or not self._confirmed():
            return
        self._sure = True
        self._confirmed_at = self._monotonic
        noted = self._confirmed_noted
        if noted is None or self._monotonic - noted >= CONFIRMED_NOTED:
            self._confirmed_noted = self._monotonic
            self._steps.append(Confirmed(self._boot.number, self._monotonic))

    def _tell(self, kind: str, text: str, **facts: Any) -> None:
        log.warning("%s", text)
        if self._report is not None:
            self._report(kind, None, text, **facts)

    def _close_all(self) -> None:
        for address, track in self._tracks.items():
            self._close(address, track)

    def _close(
        self, address: str, track: _Track, *, boot: int | None = None, offset: int | None = None
    ) -> None:
        """Make a row of the period that is over."""
        period = track.period
        if period is None:
            return
        track.period = None
        columns = period.columns()
        if columns != track.columns:
            self._flush(address, track)
            track.columns = columns
        of = self._offset if offset is None else offset
        assert of is not None  # set before the first frame was added
        track.rows.append(
            period.row(
                self._boot.number if boot is None else boot,
                of,
                # By its last moment: it begins at a round time, which may lie before a first right one.
                trusted=self._is_right(period.begin + track.length - 1, 0),
            )
        )
        self.rows += 1

    def _flush(self, address: str, track: _Track) -> None:
        if track.rows:
            self._steps.append(Batch(address, track.length, track.columns, track.rows))
            track.rows = []


class Committer:
    """Commits what ``sink`` took: every ``every`` s, each row at once when 0, and when told to hurry."""

    def __init__(
        self,
        sink: HistorySink,
        store: HistoryStore,
        *,
        every: float,
        states: Callable[[], Mapping[str, dict[str, Any]]],
        learnt: Callable[[], Mapping[str, dict[str, Any]]] = dict,
        journal: Journal | None,
        backlog: Backlog | None = None,
        writer: Executor,
    ) -> None:
        self._sink = sink
        self._store = store
        self._every = every
        self._states = states
        self._learnt = learnt
        self._journal = journal
        self._backlog = backlog
        self._writer = writer
        self._wanted = asyncio.Event()
        self._busy = asyncio.Lock()
        self.failure = ""  # why the last attempt failed; empty: it did not
        self._failures = 0  # attempts since the last one that succeeded

    def accepted(self) -> None:
        """Be told that the sink took a frame; needed when each row is committed at once."""
        if not self._every and self._sink.rows and not self._failures:
            self._wanted.set()

    def hurry(self) -> None:
        """Commit at the next opportunity, not only when it is time."""
        self._wanted.set()

    async def run(self) -> None:
        """Commit until cancelled; the last commit is left to the caller (``commit``)."""
        while True:
            try:
                async with asyncio.timeout(self._pause() or None):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            await self.commit()

    def _pause(self) -> float:
        """Seconds until the next commit; 0: when the next row is complete."""
        if not self._failures:
            return self._every
        # Each attempt goes through all that waits, so they become rarer.
        return max(self._every, min(RETRY * self._failures, LONGEST_RETRY))

    async def commit(self) -> bool:
        """Commit now; return whether it was written. What was not leads the next commit."""
        async with self._busy:
            self._wanted.clear()
            cut = self._sink.cut(self._states(), self._learnt())
            if not (cut.steps or cut.counters):
                return True
            loop = asyncio.get_running_loop()
            writing = loop.run_in_executor(self._writer, self._store.commit, cut)
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await asyncio.wait([writing])  # it cannot be stopped: know how it ended
                self._ended(cut, writing.exception())
                raise
            except Exception as error:
                return self._ended(cut, error)
            return self._ended(cut, None)

    def _ended(self, cut: Cut, error: BaseException | None) -> bool:
        if error is None:
            if self._failures:
                log.info("history: written again")
            self._failures, self.failure = 0, ""
            self._sink.written()
            if self._backlog is not None:
                self._backlog.clear()
            if self._journal is not None:
                self._journal.forget(cut.sequence)
            return True
        self._sink.put_back(cut)
        if not isinstance(error, StoreError):
            raise error
        if not self._failures:
            log.error("history: not written, will be tried again: %s", error)
        self._failures += 1
        self.failure = str(error)
        if (
            self._backlog is not None
            and self._journal is not None
            and (self._journal.size > JOURNAL_MOST or self._backlog.lost)
        ):
            # Even where that file cannot be written the journal must not fill the memory.
            self._backlog.write(cut)
            self._journal.forget(cut.sequence)
        return False
