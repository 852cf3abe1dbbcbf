"""Put the newest battery values into every record of the inverter program.

The inverter program inserts a record about every 10 s; its page, charts and bot show what
stands there. This sink changes payloads and nothing else. Which record, when, and with which
samples is decided here; keys and text in ``payload``, transactions in ``store.readings``.

The file is opened when it was changed or a merge is due, and closed after a quiet second, so that
the inverter program can do with it what needs it alone. Whatever stands in a record costs that
record a warning and nothing else; a bug in here costs a look.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone, tzinfo

import msgspec

from jk_bms.clock import NOT_BEFORE, Clock
from jk_bms.config.settings import Settings
from jk_bms.errors import ConfigError, StoreError
from jk_bms.hub import Item, Part, PartContext
from jk_bms.model import InverterSample, Sample
from jk_bms.model.freshness import INVERTER, MERGED, oldest
from jk_bms.model.snapshot import RecordsNow
from jk_bms.sinks import payload as payloads
from jk_bms.sinks.inverter_record import parse_time, record_values
from jk_bms.sinks.quiet import Quiet
from jk_bms.sinks.told import Told
from jk_bms.store.readings import Readings, Record, RowError, Stamp

log = logging.getLogger(__name__)

FOREIGN_LOOKED_AT = 1000  # newest records searched for it: more than INVERTER s hold
EARLY = 0.1  # of a poll interval: a sample this early is the one that was due
TIME_DISTANCE_PERIOD = 600.0
FAILURE_PERIOD = 600.0
UNTRUSTED_PERIOD = 600.0
STRANGE_PERIOD = 600.0  # between log lines about records that cannot be merged
QUIET_BEFORE_CLOSE = 1.0  # s
PRUNE_PERIOD = 3600.0  # s
PRUNE_SLICE = 200  # records in one short transaction
BATCH = 100  # records looked at in one go
MOST_IN_A_PASS = 2000  # records, of those a program may add faster than they can be merged
SHOWN = 10  # records shown at once, of those that were written before we could look


class MergeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How records are merged; times in s."""

    poll_interval: float = 30.0  # a sample is due this often
    watch: float = 1.0  # how often new records are looked for; 0: only when a sample is due
    max_age: float | None = None  # older samples are not merged; None: max(90, 3 polls)
    invert_current: bool = False
    fields: str = payloads.PAGE  # what goes into records of others, of payload.FIELDS; ours always have all
    cells: bool = False
    error_rows: bool = False
    simulated_merge: bool = False
    standalone: bool = False
    standalone_keep_days: float = 30.0
    tz: tzinfo | None = None  # of times written; None: the system's

    @property
    def oldest(self) -> float:
        """The age in s up to which a sample is merged."""
        return oldest(MERGED, self.poll_interval) if self.max_age is None else self.max_age


class InverterDbSink(Part):
    """Takes samples and merges them, in a thread of its own, while ``run`` runs.

    Each record is shown (``show``) in that thread when it is new, before anything is merged into it,
    and at the start the newest: no other part has to open this database.
    """

    def __init__(
        self,
        readings: Readings,
        clock: Clock,
        options: MergeOptions,
    ) -> None:
        self.merged = 0  # records rewritten
        self.inserted = 0  # records of our own (standalone)
        self.failures = 0  # looks at the database that it ended
        self.failure: str | None = None  # why the last one failed; None: it did not
        self.written_at: float | None = None  # s since boot, the last merge or insert
        self._readings = readings
        self._clock = clock
        self._options = options
        # A clock that still stands in 1970 would give the offset that the zone had then.
        self._tz = record_zone(max(clock.now(), NOT_BEFORE), options.tz)
        self._quiet = Quiet()
        self._told = Told()
        self._newest: dict[int, Sample] = {}  # by battery number
        self._inverter: InverterSample | None = None
        self._due: set[int] = set()  # batteries with a sample that is due
        self._due_at: dict[int, float] = {}  # when the next one of each will be
        self._wake = asyncio.Event()
        self._stopping = False
        # What follows belongs to the thread.
        self._thread = ThreadPoolExecutor(1, "inverter-db")
        self._seen: Callable[[Record], None] | None = None
        self._shown: tuple[int, int] | None = None  # generation and id of the last record shown
        self._handled: int | None = None  # the last record done with; None: none looked at yet
        self._generation = 0
        self._stamp: Stamp | None = None  # of the file as it was at the last look into it; None: look again
        self._looked_at = 0.0  # s since boot
        self._may_insert = options.standalone  # until the first foreign record
        self._known_to: int | None = None  # foreign records up to here are of the past; None: not checked
        self._in_record: set[int] = set()  # batteries whose due sample our newest record has
        self._prune_at = 0.0
        self._pruned_to = 0

    def show(self, seen: Callable[[Record], None]) -> None:
        """Have ``seen`` called with each record; before ``run``."""
        self._seen = seen

    def accept(self, item: Item) -> None:
        """Take the newest sample of a battery, and what an inverter without a program of its own says, for records
        of ours. Never waits; to be called in the loop's thread.
        """
        if isinstance(item, InverterSample) and item.device.made_up:
            self._inverter = item
        if not isinstance(item, Sample):
            return
        sample, number = item, item.device.number
        now = self._clock.monotonic()
        self._newest[number] = sample
        if not sample.clock_trusted:
            return  # not merged, so the first one with a right time is the one that is due
        period = self._options.poll_interval
        due_at = self._due_at.get(number, now)
        if now >= due_at - EARLY * period:
            self._due_at[number] = due_at + period if due_at + period > now else now + period
            self._due.add(number)
            self._wake.set()

    def configured(self, settings: Settings) -> None:
        """Merge by these settings from the next record on."""
        self._options = _options(settings)

    def shown(self) -> RecordsNow:
        """Return how the merge goes."""
        age = None if self.written_at is None else max(0.0, self._clock.monotonic() - self.written_at)
        return RecordsNow(
            path=str(self._readings.path),
            merged=self.merged,
            inserted=self.inserted,
            age=age,
            failure=self.failure,
        )

    async def run(self) -> None:
        """Merge until cancelled; the running transaction is finished first.

        Raises ConfigError when the configuration forbids to go on: a simulated battery beside
        foreign records, or standalone beside a running inverter program.
        """
        loop = asyncio.get_running_loop()
        watch = self._options.watch
        try:
            while True:
                self._wake.clear()
                due = self.take_due()
                if due or watch > 0:
                    done = await loop.run_in_executor(self._thread, self.look, due)
                    if not done and watch > 0:
                        self._due |= due  # still due at the next look
                await self._pause(watch)
        finally:
            self._stopping = True
            self._readings.stop()
            closing = loop.run_in_executor(self._thread, self._readings.close)
            self._thread.shutdown(wait=False)
            await asyncio.shield(closing)

    async def _pause(self, watch: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(watch if watch > 0 else None):
                await self._wake.wait()

    def take_due(self) -> set[int]:
        """The batteries that have a sample due since the last call."""
        due, self._due = self._due, set()
        return due

    def look(self, due: set[int]) -> bool:
        """Look at the records once and do what is to be done; False when it failed.

        Blocks for the time that SQLite takes; ``run`` calls it in a thread. Raises ConfigError.
        """
        now = self._clock.monotonic()
        stamp = self._readings.stamp()
        if not due and stamp is not None and stamp == self._stamp:
            if now - self._looked_at >= QUIET_BEFORE_CLOSE:
                self._readings.close()
            return True
        try:
            looked = self._pass(due)
        except StoreError as error:
            self._failed(str(error))
            return False
        except ConfigError:
            raise
        except Exception as error:  # a bug of ours, or what we did not think of in a file of others
            if self._failed(f"{self._readings.path}: nothing is merged: {error!r}"):
                log.exception("the merge met an unexpected error; reading and alerts go on")
            self._readings.close()
            return False
        self._stamp, self._looked_at = (stamp if looked else None), now
        if not self._options.watch:
            self._readings.close()  # it is not needed before the next merge
        if self.failure is not None:
            log.info("%s: can be used again", self._readings.path)
            self._quiet.forget(("failure", self.failure))
            self.failure = None
        return True

    def _failed(self, failure: str) -> bool:
        """Note why a look failed, and say so now and then; return whether it was said."""
        self.failures += 1
        self.failure = failure
        self._stamp = None
        said = self._quiet.due(("failure", failure), self._clock.monotonic(), FAILURE_PERIOD)
        if said:
            log.warning("%s", failure)
        return said

    def _pass(self, due: set[int]) -> bool:
        """Bring every record above the last handled one up to date, then what is due.

        Returns whether it looked at all of them.
        """
        if not self._trusted():
            return False
        if self._may_insert:
            self._readings.create()
            self._refuse_beside_inverter_program()
        complete = True
        newest = next(iter(self._readings.newest_records(1)), None)
        if newest is not None and self._seen is not None:
            self._show(newest, self._seen)
        handled = self._start_at(0 if newest is None else newest.id)
        if not self._samples():
            return True  # the newest record stays open for the first sample, which makes it due
        if newest is not None and newest.id > handled:
            handled, complete = self._catch_up(handled)
            newest = None  # done with
        if due and self._may_insert:
            if not self._in_record or self._in_record & due:
                self._insert(handled)
                self._in_record = set()
                newest = None
            self._in_record |= due
        if due and newest is not None:
            self._with(newest, self._merge)
        if self._may_insert:
            self._prune()
        return complete

    def _with(self, record: Record, work: Callable[[Record], object]) -> None:
        """Do ``work`` with ``record``; what is wrong with it costs a warning, and nothing else."""
        try:
            work(record)
        except RowError as error:
            self._strange(record, str(error))
        except (StoreError, ConfigError):
            raise
        except Exception as error:
            self._strange(record, repr(error))

    def _strange(self, record: Record, what: str) -> None:
        """Say that a record is left as it is; not for each, where all are so."""
        if self._quiet.due("strange", self._clock.monotonic(), STRANGE_PERIOD):
            log.warning(
                "%s: record %d left as it is: %s (said once in %g min, however many follow)",
                self._readings.path,
                record.id,
                what,
                STRANGE_PERIOD / 60,
            )

    def _show(self, newest: Record, seen: Callable[[Record], None]) -> None:
        generation, last = self._shown or (None, 0)
        if self._readings.generation != generation or newest.id < last:
            last = newest.id - 1  # at the start, or another file: what was before is of the past
        if newest.id == last:
            return
        missed = newest.id - last > 1
        for record in self._readings.records_up_to(newest.id, SHOWN) if missed else [newest]:
            if record.id > last and not self._readings.is_echo(record.id):
                self._with(record, seen)
        self._shown = (self._readings.generation, newest.id)

    def _catch_up(self, handled: int) -> tuple[int, bool]:
        """Merge records above ``handled``, oldest first; return the last one's id, and whether it was the newest."""
        looked_at = 0
        while looked_at < MOST_IN_A_PASS and (records := self._readings.records_after(handled, BATCH)):
            looked_at += len(records)
            for record in records:
                if self._stopping:
                    return handled, False
                self._notice_foreign(record)
                self._with(record, self._merge)
                self._handled = handled = record.id
        return handled, looked_at < MOST_IN_A_PASS

    def _start_at(self, newest: int) -> int:
        """Return the id above which records are to be merged.

        Of what was there before us, and before there was any sample, only the newest counts.
        """
        fresh_file = self._generation != self._readings.generation
        if self._handled is None or fresh_file or newest < self._handled:
            if self._handled is not None and self._known_to is not None:
                self._known_to = self._pruned_to = 0  # another file: what is in it is new to us
            self._generation = self._readings.generation
            self._handled = max(0, newest - 1)
        elif newest > self._handled and not self._samples():
            self._handled = newest - 1
        return self._handled

    def _trusted(self) -> bool:
        if self._clock.trusted():
            return True
        if self._quiet.due("untrusted", self._clock.monotonic(), UNTRUSTED_PERIOD):
            log.warning("the clock says %s: nothing is merged until it is right", self._clock.now().date())
        return False

    def _samples(self) -> list[Sample]:
        """The samples that may be merged now, by battery number."""
        now = self._clock.monotonic()
        newest = sorted(self._newest.copy().items())
        return [s for _, s in newest if s.clock_trusted and now - s.monotonic <= self._options.oldest]

    def _merge(self, record: Record) -> None:
        """Merge the newest samples into ``record`` where the rules allow it."""
        if record.error is not None and not (self._options.error_rows and record.payload is None):
            return
        if self._readings.is_echo(record.id):
            return
        samples = self._samples()
        if not samples:
            return
        samples = self._near(record, samples)
        if samples and self._readings.merge(record.id, lambda now: self._payload(now, samples)):
            self.merged += 1
            self._tell(samples)

    def _near(self, record: Record, samples: list[Sample]) -> list[Sample]:
        """Those of ``samples`` that were taken about when the record was made."""
        made = parse_time(record.created_at)
        near = [] if made is None else [s for s in samples if self._distance(s, made) <= self._options.oldest]
        if not near and _is_own(record):
            return near  # one of ours from before a restart: nothing is wrong with it
        if not near and self._quiet.due("distance", self._clock.monotonic(), TIME_DISTANCE_PERIOD):
            log.warning(
                "%s: record %d not merged: its time is %r, the newest sample's %s; expected at most %g s between "
                "them (inverter program dead, or a clock wrong)",
                self._readings.path,
                record.id,
                record.created_at,
                max(s.taken_at for s in samples).astimezone(self._tz).isoformat(timespec="seconds"),
                self._options.oldest,
            )
        return near

    @staticmethod
    def _distance(sample: Sample, made: datetime) -> float:
        return abs((sample.taken_at - made).total_seconds())

    def _payload(self, record: Record, samples: list[Sample]) -> str | bytes | None:
        """Return the record's new payload, of its kind; None: leave it as it is. Runs inside the transaction."""
        if record.error is not None and record.payload is None:
            before: dict[str, object] = {}
        else:
            try:
                before = payloads.parse(record.payload)
            except ValueError as error:
                self._strange(record, f"its payload is no JSON object: {error}")
                return None
        own = payloads.is_own(before)
        if not own:
            self._refuse_simulated(record, samples)
        text = payloads.as_text(self._merged(before, samples, payloads.ALL if own else self._options.fields))
        return text.encode() if isinstance(record.payload, bytes) else text

    def _merged(self, before: Mapping[str, object], samples: list[Sample], fields: str) -> dict[str, object]:
        return payloads.merge_payload(
            before,
            samples,
            fields=fields,
            invert_current=self._options.invert_current,
            cells=self._options.cells,
            tz=self._tz,
        )

    def _refuse_simulated(self, record: Record, samples: list[Sample]) -> None:
        if self._options.simulated_merge:
            return
        for sample in samples:
            if sample.device.simulated:
                raise ConfigError(
                    f"{self._readings.path}: record {record.id} is of an inverter program, and battery "
                    f"{sample.device.number} ({sample.device.label}) is simulated; expected a real battery or "
                    "a DB_PATH of its own (BMS_SIMULATED_MERGE=true allows it, for trials only)"
                )

    def _tell(self, samples: list[Sample]) -> None:
        now = self.written_at = self._clock.monotonic()
        worth = self._told.worth_telling(samples, now)
        for sample in samples:
            level = logging.INFO if sample in worth else logging.DEBUG
            if log.isEnabledFor(level):
                log.log(level, "%s", payloads.summary(sample, invert_current=self._options.invert_current))

    # Standalone: a house without an inverter program. We keep its table as long as we are alone.

    def _refuse_beside_inverter_program(self) -> None:
        """Once, at the start: raise ConfigError when another program's record is young."""
        if self._known_to is not None:
            return
        newest = self._readings.newest_records(FOREIGN_LOOKED_AT)
        now = self._clock.now()
        for record in newest:
            made = parse_time(record.created_at)
            if made is not None and now - made < timedelta(seconds=INVERTER) and not _is_own(record):
                raise ConfigError(
                    f"{self._readings.path}: another program wrote record {record.id} at {record.created_at}; "
                    "BMS_STANDALONE_ROWS=true is for houses without an inverter program: set it to false"
                )
        self._known_to = newest[0].id if newest else 0

    def _notice_foreign(self, record: Record) -> None:
        if self._may_insert and record.id > (self._known_to or 0) and not _is_own(record):
            self._may_insert = False
            log.warning(
                "%s: record %d is of another program: no more records of our own, only merged from now on",
                self._readings.path,
                record.id,
            )

    def _insert(self, after: int) -> None:
        if not self._may_insert:
            return
        samples = self._samples()
        made = self._clock.now().astimezone(self._tz).isoformat(timespec="seconds")
        empty = payloads.STANDALONE
        told = self._inverter
        if told is not None and self._clock.monotonic() - told.monotonic <= self._options.oldest:
            empty = empty | record_values(told)
        payload = payloads.as_text(self._merged(empty, samples, payloads.ALL))
        inserted = self._readings.insert(made, payload, after=after)
        if inserted is None:
            return  # a record of another program came in between: looked at in the next pass
        self._handled = inserted
        self.inserted += 1
        self._tell(samples)

    def _prune(self) -> None:
        """Once an hour, delete our own records that are older than the days to keep."""
        now = self._clock.monotonic()
        if now < self._prune_at:
            return
        self._prune_at = now + PRUNE_PERIOD
        limit = self._clock.now() - timedelta(days=self._options.standalone_keep_days)
        while not self._stopping and (records := self._readings.records_after(self._pruned_to, PRUNE_SLICE)):
            old = []
            for record in records:
                made = parse_time(record.created_at)
                own = _is_own(record)
                if own and (made is None or made >= limit):
                    break
                if own:
                    old.append(record)
                self._pruned_to = record.id
            else:
                self._readings.delete(old)
                continue
            self._readings.delete(old)
            break


def _is_own(record: Record) -> bool:
    try:
        return payloads.is_own(payloads.parse(record.payload))
    except ValueError:
        return False


def record_zone(now: datetime, zone: tzinfo | None) -> tzinfo:
    """Return the offset for times in records: of the zone's standard time, all year.

    So the text never jumps back an hour in autumn, and sorting by it sorts by time.
    """
    if zone is None:
        return timezone(timedelta(seconds=-time.timezone))
    local = now.astimezone(zone)
    return timezone((local.utcoffset() or timedelta(0)) - (local.dst() or timedelta(0)))


def inverter_db_sink(context: PartContext) -> InverterDbSink:
    """Return the sink of the inverter program's database."""
    settings, clock = context.settings, context.clock
    return InverterDbSink(
        Readings(settings.db_path, standalone=settings.standalone_rows),
        clock,
        _options(settings),
    )


def _options(settings: Settings) -> MergeOptions:
    return MergeOptions(
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
    )
