"""Writes history into ``bms.db``: rows, their blocks and roll-ups, and what counts on after a restart.

All of a commit is one transaction: new rows, the state of the counters, what was learnt meanwhile,
and, once an hour is over, its rows folded into a block and rolled up. Reading is in ``history_query``.
"""

import json
import sqlite3
import struct
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

from jk_bms.clock import NOT_BEFORE
from jk_bms.store import rollups
from jk_bms.store.blocks import Columns, decode_block, encode_block, in_order, joined
from jk_bms.store.bms_db import BmsDb, BmsDbReader
from jk_bms.store.columns import BOOT, OFFSET, TIME, TRUSTED
from jk_bms.store.packing import Packed, pack_rows
from jk_bms.store.rollups import DAY, DAYS, HOUR, HOURS, MINUTES, QUARTERS, Chunk, Tier
from jk_bms.store.states import put_states
from jk_bms.store.unnumbered import numbered

Row = tuple[int | None, ...]

NOT_BEFORE_MS = int(NOT_BEFORE.timestamp() * 1000)
UNDATED = 1 << 17  # added to the number of a track in keys of recent rows without a right time
QUARTER_KEEP_DAYS = 730
PART = 640  # bytes of a counter's state in one row: three of them fit in a page
PRUNED_AT_ONCE = 4  # of each kind and track in a commit: old rows go in small slices
UNDATED_MOST = 20_000  # batches of a track whose time was never known; some two weeks
LONGEST_JUMP = 30 * DAY  # a clock that is further ahead of the last row may be wrong: nothing is pruned
DATED = 2.0  # s: a fact whose noted time is no further off keeps it
LONGEST_BOOT = 7300 * DAY  # nothing runs longer without a restart

_COUNTER = struct.Struct("<qI")  # journal number, length of the state


class Keep(NamedTuple):
    """For how many days what is kept; hours and days are kept for ever."""

    blocks: int = 400
    minutes: int = 90
    quarters: int = QUARTER_KEEP_DAYS


KEEP = Keep()


class Batch(NamedTuple):
    """New rows of a track in the order of their times; ``columns`` are ids, those of rows first.

    ``missing_only``: rows of a time of which there is a row already are left out.
    """

    track: str
    period: int  # ms
    columns: tuple[int, ...]
    rows: Collection[Row]
    missing_only: bool = False


class ClockSet(NamedTuple):
    """What the time is in this boot; ``move``: rows written under another time of it move along."""

    boot: int
    boot_id: str
    monotonic: int  # ms since boot
    offset: int  # ms: time minus time since boot
    move: bool = False


class Confirmed(NamedTuple):
    """Another clock agreed: rows of this boot up to ``monotonic`` are never moved any more."""

    boot: int
    monotonic: int  # ms since boot


class Counter(NamedTuple):
    """What a device's counters were after the sample with this journal number."""

    sequence: int
    state: dict[str, Any]
    begun: bytes = b""  # of the row that is not complete yet


class Cut(NamedTuple):
    """What is to be committed, in order, and the counters that belong to it."""

    steps: Sequence[Batch | ClockSet | Confirmed]
    counters: Mapping[str, Counter]
    sequence: int = 0  # journal number up to which all is in here
    prune: bool = True  # whether the time is sure enough to throw away what is too old
    now: int | None = None  # ms, while it is sure: rows beyond it make nothing old
    states: Mapping[str, dict[str, Any]] = {}  # named ones as of the same moment, changed or not


class Boot(NamedTuple):
    """One boot of this machine; None: no row yet."""

    number: int
    offset: int | None
    confirmed: int | None


class HistoryStore:
    """The history in ``own``. Every failure is a StoreError, and then nothing was written."""

    def __init__(self, own: BmsDb, keep: Keep = KEEP) -> None:
        self._own = own
        self._keep = keep

    @property
    def begun_anew(self) -> int:
        """How often the database was lost in use and begun anew."""
        return self._own.begun_anew

    def boot(self, boot_id: str) -> Boot:
        """Return what is known of a boot; a new one gets the next number."""
        with self._own.reading() as db:
            row = db.execute(
                "SELECT number, clock_offset, confirmed FROM boots WHERE boot_id = ?", (boot_id,)
            ).fetchone()
            if row is not None:
                return Boot(*row)
            return Boot(
                db.execute("SELECT coalesce(max(number), 0) + 1 FROM boots").fetchone()[0], None, None
            )

    def counters(self) -> dict[str, Counter]:
        """Return the counters of all devices as of the last commit, by address."""
        return counters(self._own)

    def newest(self) -> int | None:
        """Return the time of the newest row, in ms; None when there is none with a right time."""
        with self._own.reading() as db:
            return max((time for _, time in _newest(db)), default=None)

    def newest_confirmed(self) -> int | None:
        """Return until when the time was confirmed by another clock, in ms; None: it never was."""
        with self._own.reading() as db:
            newest: int | None = db.execute("SELECT max(confirmed + clock_offset) FROM boots").fetchone()[0]
            return newest

    def commit(self, cut: Cut) -> None:
        """Write ``cut``; hours that are over become blocks, what is too old goes."""

        def change(db: sqlite3.Connection) -> None:
            for step in cut.steps:
                match step:
                    case Batch():
                        _add_batch(db, step)
                    case ClockSet():
                        _set_clock(db, step)
                    case Confirmed():
                        _confirm(db, step)
            for address, counter in cut.counters.items():
                _put_counter(db, address, counter)
            put_states(db, cut.states)
            for track, newest in _newest(db):
                if cut.now is not None:
                    newest = min(newest, cut.now)
                _fold(db, track, newest // HOUR)
                _gather(db, track, newest // QUARTERS.span)
                if cut.prune:
                    _prune(db, track, newest // HOUR, self._keep)

        self._own.write(change)

    def fill(self, batch: Batch) -> int:
        """Add rows of one day to the past, where no minute has any yet; return how many were added.

        What is too old to have rows any more keeps its roll-ups. Doing it again adds nothing.
        """

        def change(db: sqlite3.Connection) -> int:
            there = db.execute("SELECT period FROM tracks WHERE name = ?", (batch.track,)).fetchone()
            track = _track(db, batch.track, there[0] if there else batch.period)
            changed: dict[int, Columns | None] = {}
            added = 0
            place = batch.columns.index(TIME)
            for hour, some in groupby(batch.rows, lambda row: (row[place] or 0) // HOUR):
                old = _block(db, track, hour)
                if old is None and _rolled_up(db, track, hour):
                    continue
                taken = {time // MINUTES.span for time in _times(db, track, hour, old)}
                rows = [row for row in some if (row[place] or 0) // MINUTES.span not in taken]
                if not rows:
                    continue
                new = {
                    column: list(values)
                    for column, values in zip(batch.columns, zip(*rows, strict=True), strict=True)
                }
                whole, count = joined([*([(old, len(old[TIME]))] if old else []), (new, len(rows))])
                changed[hour] = in_order(whole, TIME)
                _put_block(db, track, hour, changed[hour] or {}, count)
                added += len(rows)
            for day, hours in groupby(changed, lambda hour: hour * HOUR // DAY):
                _roll_day(db, track, day, {hour: changed[hour] for hour in hours})
            return added

        return self._own.write(change)

    def rebuild(self, track: str | None = None, progress: Callable[[int, int], None] | None = None) -> int:
        """Make the roll-ups anew from all blocks there are; return how many hours that were.

        Older ones, whose rows are gone, stay. ``progress`` is told hours done and hours in all.
        """
        with self._own.reading() as db:
            known = db.execute("SELECT number, name FROM tracks").fetchall()
            numbers = [number for number, name in known if track in (None, name)]
            # Hours without a block between them were pruned, or never were: their roll-ups are all there is.
            found = {number: list(_blocks_between(db, number)) for number in numbers}
        whole = sum(map(len, found.values()))
        done = 0
        for number, blocks in found.items():
            for day, hours in groupby(blocks, lambda hour: hour * HOUR // DAY):
                some = list(hours)

                def change(
                    db: sqlite3.Connection, number: int = number, day: int = day, some: list[int] = some
                ) -> None:
                    _roll_day(db, number, day, {hour: _block(db, number, hour) for hour in some})

                self._own.write(change)
                done += len(some)
                if progress:
                    progress(done, whole)
        return whole


def counters(own: BmsDbReader) -> dict[str, Counter]:
    """Return the counters of all devices as of the last commit, by address."""
    with own.reading() as db:
        rows = db.execute("SELECT address, data FROM counters ORDER BY address, part").fetchall()
    parts: dict[str, bytes] = {}
    for address, data in rows:
        parts[address] = parts.get(address, b"") + data
    return {address: _unpack_counter(data) for address, data in parts.items()}


def key_of(track: int, tier: Tier, chunk: int) -> int:
    """Return the key of a chunk of roll-ups; ``chunk`` counts them since 1970."""
    return track << 40 | tier.number << 36 | chunk


def block_key(track: int, hour: int) -> int:
    """Return the key of a block; ``hour`` counts them since 1970."""
    return track << 40 | hour


def recent_key(track: int, time: int) -> int:
    """Return the lowest key of recent rows from ``time`` ms on."""
    return track << 44 | time


def recent_time(key: int) -> int:
    """Return the time in the key of recent rows, in ms."""
    return key & (1 << 44) - 1


def unpack_rows(data: bytes) -> tuple[Columns, int]:
    """Return recent rows as columns, and how many rows they are."""
    packed = Packed(data)
    return {column: packed.series(column) or [] for column in packed.ids}, packed.count


def _put_counter(db: sqlite3.Connection, address: str, counter: Counter) -> None:
    state = json.dumps(counter.state, separators=(",", ":"), allow_nan=False).encode()
    data = zlib.compress(_COUNTER.pack(counter.sequence, len(state)) + state + counter.begun)
    parts = [data[at : at + PART] for at in range(0, len(data), PART)]
    # An update leaves the index alone: a page less to write, each minute.
    db.executemany(
        "INSERT INTO counters (address, part, data) VALUES (?, ?, ?) "
        "ON CONFLICT (address, part) DO UPDATE SET data = excluded.data",
        [(address, number, part) for number, part in enumerate(parts)],
    )
    db.execute("DELETE FROM counters WHERE address = ? AND part >= ?", (address, len(parts)))


def _unpack_counter(data: bytes) -> Counter:
    plain = zlib.decompress(data)
    sequence, length = _COUNTER.unpack_from(plain)
    end = _COUNTER.size + length
    return Counter(sequence, json.loads(plain[_COUNTER.size : end]), plain[end:])


def _track(db: sqlite3.Connection, name: str, period: int) -> int:
    row = db.execute("SELECT number, period FROM tracks WHERE name = ?", (name,)).fetchone()
    if row is None:
        number = db.execute(
            "INSERT INTO tracks (name, period, open_day) VALUES (?, ?, 0)", (name, period)
        ).lastrowid
        assert number is not None  # it was inserted
        return number
    if row[1] != period:
        db.execute("UPDATE tracks SET period = ? WHERE number = ?", (period, row[0]))
    return int(row[0])


def _newest(db: sqlite3.Connection) -> list[tuple[int, int]]:
    """Each track and the time of its newest row with a right time; without tracks that have none."""
    newest = []
    for [track] in db.execute("SELECT number FROM tracks").fetchall():
        [key] = db.execute(
            "SELECT max(key) FROM recent WHERE key BETWEEN ? AND ?",
            (recent_key(track, 0), recent_key(track + 1, 0) - 1),
        ).fetchone()
        if key is None:
            [key] = db.execute(
                "SELECT max(key) FROM blocks WHERE key BETWEEN ? AND ?",
                (block_key(track, 0), block_key(track + 1, 0) - 1),
            ).fetchone()
            if key is not None:
                newest.append((track, (key - block_key(track, 0) + 1) * HOUR - 1))
        else:
            newest.append((track, recent_time(key)))
    return newest


def _add_rows(db: sqlite3.Connection, track: int, columns: Mapping[int, Sequence[int | None]]) -> None:
    """Add rows, given as columns, to the recent ones: one entry for each hour. All or none are TRUSTED."""
    if not columns[TRUSTED][0]:
        track += UNDATED
    times: list[int] = columns[TIME]  # type: ignore[assignment]
    first = 0
    for _, some in groupby(times, lambda time: time // HOUR):
        end = first + len(list(some))
        part = {column: values[first:end] for column, values in columns.items()}
        data = pack_rows(
            {column: values for column, values in part.items() if any(v is not None for v in values)},
            end - first,
        )
        key = recent_key(track, times[first])
        while not db.execute("INSERT OR IGNORE INTO recent (key, data) VALUES (?, ?)", (key, data)).rowcount:
            key += 1  # other rows of the same time: from before a clock was set back
        first = end


def _gather(db: sqlite3.Connection, track: int, quarter: int) -> None:
    """Make one entry of those of the quarter hour before ``quarter``: a chart then reads a few, not sixty."""
    span = (
        recent_key(track, max((quarter - 1) * QUARTERS.span, quarter * QUARTERS.span // HOUR * HOUR)),
        recent_key(track, quarter * QUARTERS.span),
    )
    if db.execute("SELECT count(*) FROM recent WHERE key >= ? AND key < ?", span).fetchone()[0] < 2:
        return
    rows = db.execute("SELECT data FROM recent WHERE key >= ? AND key < ? ORDER BY key", span).fetchall()
    db.execute("DELETE FROM recent WHERE key >= ? AND key < ?", span)
    _add_rows(db, track, in_order(joined([unpack_rows(data) for [data] in rows])[0], TIME))


def _add_batch(db: sqlite3.Connection, batch: Batch) -> None:
    track = _track(db, batch.track, batch.period)
    columns: Columns = {
        column: list(values)
        for column, values in zip(batch.columns, zip(*batch.rows, strict=True), strict=True)
    }
    if batch.missing_only:
        there: set[int | None] = set()
        for hour in {time // HOUR for time in columns[TIME] if time is not None}:
            there.update((_block(db, track, hour) or {TIME: []})[TIME])
            for [data] in db.execute(
                "SELECT data FROM recent WHERE key >= ? AND key < ?",
                (recent_key(track, hour * HOUR), recent_key(track, (hour + 1) * HOUR)),
            ):
                there.update(Packed(data).series(TIME) or ())
        columns = _some(columns, [time not in there for time in columns[TIME]])
    for trusted in (0, 1):
        part = _some(columns, [one == trusted for one in columns[TRUSTED]])
        if part[TIME]:
            _add_rows(db, track, part)


def _some(columns: Columns, chosen: Sequence[bool]) -> Columns:
    if all(chosen):
        return columns
    return {c: [v for v, here in zip(values, chosen, strict=True) if here] for c, values in columns.items()}


def _fold(db: sqlite3.Connection, track: int, horizon: int) -> None:
    """Make blocks and roll-ups of all recent rows of hours before ``horizon``."""
    below = recent_key(track, horizon * HOUR)
    keys = db.execute(
        "SELECT key FROM recent WHERE key >= ? AND key < ?", (recent_key(track, 0), below)
    ).fetchall()
    for day, hours in groupby(
        {recent_time(key) // HOUR: None for [key] in keys}, lambda hour: hour * HOUR // DAY
    ):
        _roll_day(db, track, day, {hour: _fold_hour(db, track, hour) for hour in hours})


def _fold_hour(db: sqlite3.Connection, track: int, hour: int) -> Columns:
    span = (recent_key(track, hour * HOUR), recent_key(track, (hour + 1) * HOUR))
    rows = db.execute("SELECT data FROM recent WHERE key >= ? AND key < ? ORDER BY key", span).fetchall()
    parts = [unpack_rows(data) for [data] in rows]
    if (old := _block(db, track, hour)) is not None:
        parts.insert(0, (old, len(old[TIME])))
    columns, count = joined(parts)
    columns = in_order(columns, TIME)
    _put_block(db, track, hour, columns, count)
    db.execute("DELETE FROM recent WHERE key >= ? AND key < ?", span)
    return columns


def _block(db: sqlite3.Connection, track: int, hour: int) -> Columns | None:
    row = db.execute("SELECT data FROM blocks WHERE key = ?", (block_key(track, hour),)).fetchone()
    return None if row is None else decode_block(row[0])[0]


def _times(db: sqlite3.Connection, track: int, hour: int, block: Columns | None) -> Iterator[int]:
    """The times of all rows of an hour, those in its ``block`` and the recent ones."""
    recent = db.execute(
        "SELECT data FROM recent WHERE key >= ? AND key < ?",
        (recent_key(track, hour * HOUR), recent_key(track, (hour + 1) * HOUR)),
    ).fetchall()
    for columns in (*([block] if block else []), *(unpack_rows(data)[0] for [data] in recent)):
        yield from (time for time in columns[TIME] if time is not None)


def _rolled_up(db: sqlite3.Connection, track: int, hour: int) -> bool:
    """Whether an hour has roll-ups."""
    day, slot = divmod(hour, HOURS.slots)
    chunk = _chunk(db, track, HOURS, day)
    return chunk is not None and slot < len(chunk.counts) and bool(chunk.counts[slot])


def _put_block(db: sqlite3.Connection, track: int, hour: int, columns: Columns, count: int) -> None:
    key = block_key(track, hour)
    if count:
        db.execute(
            "INSERT INTO blocks (key, data) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET data = excluded.data",
            (key, encode_block(columns, count)),
        )
    else:
        db.execute("DELETE FROM blocks WHERE key = ?", (key,))


def _roll_day(db: sqlite3.Connection, track: int, day: int, hours: Mapping[int, Columns | None]) -> None:
    """Make the roll-ups of some hours of a day anew; None or no rows: there are none."""
    quarters = _chunk(db, track, QUARTERS, day)
    whole = _chunk(db, track, HOURS, day)
    for hour, columns in hours.items():
        slot = hour % 24
        if columns and columns[TIME]:
            minutes = rollups.roll(
                rollups.with_derived(numbered(columns)), hour * HOUR, MINUTES.span, MINUTES.slots
            )
            of_quarters = rollups.coarser(minutes, 15)
            of_hour = rollups.coarser(of_quarters, 4)
        else:
            minutes = of_quarters = of_hour = None  # type: ignore[assignment]
        _put_chunk(db, track, MINUTES, hour, minutes)
        quarters = rollups.replaced(quarters, of_quarters, slot * 4, 4)
        whole = rollups.replaced(whole, of_hour, slot, 1)
    _put_chunk(db, track, QUARTERS, day, quarters)
    _put_chunk(db, track, HOURS, day, whole)
    [open_day] = db.execute("SELECT open_day FROM tracks WHERE number = ?", (track,)).fetchone()
    if day < open_day:
        _close_day(db, track, day)
    elif day > open_day:
        over = db.execute(
            "SELECT key FROM rollups WHERE key >= ? AND key < ?",
            (key_of(track, HOURS, open_day), key_of(track, HOURS, day)),
        ).fetchall()
        for [key] in over:
            _close_day(db, track, key - key_of(track, HOURS, 0))
        db.execute("UPDATE tracks SET open_day = ? WHERE number = ?", (day, track))


def _close_day(db: sqlite3.Connection, track: int, day: int) -> None:
    hours = _chunk(db, track, HOURS, day)
    _put_day(db, track, day, None if hours is None else rollups.coarser(hours, HOURS.slots))


def _put_day(db: sqlite3.Connection, track: int, day: int, part: Chunk | None) -> None:
    chunk, slot = divmod(day, DAYS.slots)
    days = _chunk(db, track, DAYS, chunk)
    _put_chunk(db, track, DAYS, chunk, rollups.replaced(days, part, slot, 1))


def _chunk(db: sqlite3.Connection, track: int, tier: Tier, number: int) -> Chunk | None:
    row = db.execute("SELECT data FROM rollups WHERE key = ?", (key_of(track, tier, number),)).fetchone()
    return None if row is None else rollups.unpack_chunk(row[0])


def _put_chunk(db: sqlite3.Connection, track: int, tier: Tier, number: int, chunk: Chunk | None) -> None:
    key = key_of(track, tier, number)
    data = b"" if chunk is None else rollups.pack_chunk(chunk)
    if data:
        db.execute(
            "INSERT INTO rollups (key, data) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET data = excluded.data",
            (key, data),
        )
    else:
        db.execute("DELETE FROM rollups WHERE key = ?", (key,))


def _confirm(db: sqlite3.Connection, step: Confirmed) -> None:
    """Note that another clock agreed; what lies beyond that time was written under a wrong one.

    Such rows of other boots, whose time was never confirmed, keep their order and lose their time:
    else they would lead every look at the newest, and make what is young look old.
    """
    db.execute("UPDATE boots SET confirmed = ? WHERE number = ?", (step.monotonic, step.boot))
    row = db.execute("SELECT clock_offset FROM boots WHERE number = ?", (step.boot,)).fetchone()
    if row is None or row[0] is None:
        return
    now = step.monotonic + row[0]
    wrong = db.execute(
        "SELECT number, boot_id FROM boots WHERE number != ? AND confirmed IS NULL AND first + clock_offset > ?",
        (step.boot, now + HOUR),
    ).fetchall()
    for number, boot_id in wrong:
        _set_clock(db, ClockSet(number, boot_id, LONGEST_BOOT, 0, move=True))
        db.execute("UPDATE events SET clock_trusted = 0 WHERE boot_id = ?", (boot_id,))
    if wrong:
        today = now // DAY
        ahead = db.execute("SELECT number FROM tracks WHERE open_day > ?", (today,)).fetchall()
        for [track] in ahead:
            db.execute("UPDATE tracks SET open_day = ? WHERE number = ?", (today, track))
            _put_day(db, track, today, None)  # it is not over, and is not to be counted twice


def _set_clock(db: sqlite3.Connection, step: ClockSet) -> None:
    """Note the time of a boot; where rows move with it, move them."""
    old = db.execute(
        "SELECT first, clock_offset, confirmed FROM boots WHERE number = ?", (step.boot,)
    ).fetchone()
    if old is None:
        db.execute(
            "INSERT INTO boots (number, boot_id, first, clock_offset) VALUES (?, ?, ?, ?)",
            (step.boot, step.boot_id, step.monotonic, step.offset),
        )
        return
    db.execute("UPDATE boots SET clock_offset = ? WHERE number = ?", (step.offset, step.boot))
    if step.move and step.offset != old[1]:
        for [track] in db.execute("SELECT number FROM tracks").fetchall():
            _move_rows(db, track, step, old[0], old[2], old[1])
        if step.monotonic < LONGEST_BOOT:
            _date_facts(db, step, old[2])


def _date_facts(db: sqlite3.Connection, step: ClockSet, since: int | None) -> None:
    """Give events and outages of a boot, from ``since`` ms on (None: all), the time that they had by its clock."""
    trusted = int(step.monotonic + step.offset >= NOT_BEFORE_MS)
    for table, column in (("events", "time"), ("outages", "began")):
        facts = db.execute(
            f"SELECT rowid, monotonic, {column} FROM {table} WHERE boot_id = ? AND monotonic >= ?",  # noqa: S608
            (step.boot_id, -LONGEST_BOOT if since is None else since / 1000),
        ).fetchall()
        for number, monotonic, noted in facts:
            time = datetime.fromtimestamp(monotonic + step.offset / 1000, UTC)
            if abs((time - datetime.fromisoformat(noted)).total_seconds()) > DATED:
                db.execute(
                    f"UPDATE {table} SET {column} = ?, clock_trusted = ? WHERE rowid = ?",  # noqa: S608
                    (time.isoformat(), trusted, number),
                )


def _move_rows(
    db: sqlite3.Connection, track: int, step: ClockSet, begun: int, since: int | None, offset: int
) -> None:
    """Move the rows of a boot, from ``since`` on (None: all), that were written under ``offset``.

    ``begun``: ms since boot, of its first frame; the row of that frame may have begun before it, even
    before the boot.
    """
    first = offset + (begun - HOUR if since is None else since)
    last = step.monotonic + offset
    trusted = step.monotonic + step.offset >= NOT_BEFORE_MS
    moved: list[tuple[Columns, int]] = []

    def split(columns: Columns, count: int) -> tuple[Columns, int] | None:
        """Take out the rows that move; return those that stay, None when all do."""
        goes = [
            boot == step.boot
            and of == offset
            and time is not None
            and (since is None or time - offset >= since)
            for boot, of, time in zip(columns[BOOT], columns[OFFSET], columns[TIME], strict=True)
        ]
        if not any(goes):
            return None
        part = dict(_some(columns, goes))
        by = step.offset - offset
        part[TIME] = [time + by for time in part[TIME] if time is not None]
        part[OFFSET] = [step.offset] * len(part[TIME])
        part[TRUSTED] = [int(trusted)] * len(part[TIME])
        moved.append((part, len(part[TIME])))
        return _some(columns, [not go for go in goes]), count - len(part[TIME])

    changed: dict[int, Columns | None] = {}
    for hour in list(_blocks_between(db, track, first, last)):
        columns = _block(db, track, hour)
        assert columns is not None  # it was just listed
        if (rest := split(columns, len(columns[TIME]))) is not None:
            _put_block(db, track, hour, *rest)
            changed[hour] = rest[0] if rest[1] else None
    for some in (track, track + UNDATED):
        rows = db.execute(
            "SELECT key, data FROM recent WHERE key BETWEEN ? AND ? ORDER BY key",
            # A key names the first of its rows, which are of one hour.
            (recent_key(some, max(0, first - HOUR)), recent_key(some, max(0, last + HOUR))),
        ).fetchall()
        for key, data in rows:
            rest = split(*unpack_rows(data))
            if rest is not None:
                db.execute("DELETE FROM recent WHERE key = ?", (key,))
                if rest[1]:
                    _add_rows(db, track, rest[0])
    for day, hours in groupby(sorted(changed), lambda hour: hour * HOUR // DAY):
        _roll_day(db, track, day, {hour: changed[hour] for hour in hours})
    for columns, _ in moved:
        _add_rows(db, track, columns)


def _blocks_between(
    db: sqlite3.Connection, track: int, first: int = 0, last: int | None = None
) -> Iterator[int]:
    """The hours that have a block, from ``first`` to ``last`` ms."""
    base = block_key(track, 0)
    end = block_key(track + 1, 0) - 1 if last is None else base + max(0, last // HOUR)
    keys = db.execute(
        "SELECT key FROM blocks WHERE key BETWEEN ? AND ?", (base + max(0, first // HOUR), end)
    ).fetchall()
    return (key - base for [key] in keys)


def _prune(db: sqlite3.Connection, track: int, horizon: int, keep: Keep) -> None:
    """Delete a few of the entries that are older than they are kept, if there are any."""
    limits = (
        ("blocks", block_key(track, 0), horizon - keep.blocks * 24),
        ("rollups", key_of(track, MINUTES, 0), horizon - keep.minutes * 24),
        ("rollups", key_of(track, QUARTERS, 0), horizon // 24 - keep.quarters),
    )
    for table, base, below in limits:
        db.execute(
            f"DELETE FROM {table} WHERE key IN (SELECT key FROM {table} WHERE key >= ? AND key < ? LIMIT ?)",  # noqa: S608
            (base, base + max(0, below), PRUNED_AT_ONCE),
        )
    db.execute(
        "DELETE FROM recent WHERE key IN (SELECT key FROM recent WHERE key >= ? AND key < ? "
        "ORDER BY key DESC LIMIT ? OFFSET ?)",
        (recent_key(track + UNDATED, 0), recent_key(track + UNDATED + 1, 0), PRUNED_AT_ONCE, UNDATED_MOST),
    )
