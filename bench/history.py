"""What history costs: on the disk, in writing, and for a chart.

    python bench/history.py [--hours 13] [--folder DIR]

A simulated battery's frames go through the sink into a database as the service does it: rows of
5 s, a commit each minute. Bytes written are those that the kernel counts for this process
(``write_bytes``: whole pages, WAL and checkpoints included). The year is the simulated days one
after the other, again and again: as many rows, chunks and bytes as a year has. Exits with 1
when a figure is missed.
"""

import argparse
import gc
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.common import Sheet  # noqa: E402 - the bench runs from any folder
from bench.merge import INVERTER, TABLE, StandingClock  # noqa: E402
from bench.merge import sample as merged_sample  # noqa: E402
from jk_bms.battery.cell_resistance import BANDS, BATCH, MEMORY, WAITING  # noqa: E402
from jk_bms.battery.chemistry import CHEMISTRIES  # noqa: E402
from jk_bms.battery.curves import DOCUMENTED  # noqa: E402
from jk_bms.battery.health import WEEKS_KEPT, WEEKS_SINGLE  # noqa: E402
from jk_bms.battery.meters import DAYS_KEPT  # noqa: E402
from jk_bms.battery.pack_state import PackState, stored_names  # noqa: E402
from jk_bms.clock import Clock  # noqa: E402
from jk_bms.model import Device, Sample  # noqa: E402
from jk_bms.model.inverter import INVERTER as TOGETHER  # noqa: E402
from jk_bms.protocol import to_sample  # noqa: E402
from jk_bms.simulator import SimulatedBms  # noqa: E402
from jk_bms.sinks.history import HistorySink  # noqa: E402
from jk_bms.sinks.inverter_db import InverterDbSink, MergeOptions  # noqa: E402
from jk_bms.store import history as stored  # noqa: E402
from jk_bms.store.blocks import decode_block, encode_block  # noqa: E402
from jk_bms.store.bms_db import BmsDb, BmsDbReader, open_reader, open_writer  # noqa: E402
from jk_bms.store.columns import TIME  # noqa: E402
from jk_bms.store.history import HistoryStore  # noqa: E402
from jk_bms.store.history_query import daily_totals, query  # noqa: E402
from jk_bms.store.inverter_fold import InverterFolder  # noqa: E402
from jk_bms.store.journal import Journal  # noqa: E402
from jk_bms.store.readings import Readings  # noqa: E402
from jk_bms.store.rollups import HOURS, MINUTES, QUARTERS  # noqa: E402

AT = datetime(2026, 12, 1, tzinfo=UTC)
PACK = Device(address="AA:BB:CC:DD:EE:FF", name="JK-B2A24S")
ROW_BYTES, WRITTEN_BYTES, SYNCS = 25, 1400, 0.11
CHART_MS, INVERTER_MS, ACCEPT_US, APPEND_US = 2.0, 5.0, 12.0, 8.0
RECORD_EVERY = 10  # s, of the inverter program
DECADE_MB = 200  # what docs say of ten years of one pack
CHARTED = ("battery_soc", "current", "voltage")
CELLS, CAPACITY = 16, 280.0  # Ah; of the simulated battery


def frames(hours: float, period: float, at: datetime = AT) -> Iterator[Sample]:
    """The frames of a simulated battery from ``at`` on, with all that the house adds to them."""
    bms = SimulatedBms(seed=3)
    charged = discharged = 0.0
    for n in range(int(hours * 3600 / period)):
        bms.advance(period)
        sample = to_sample(
            bms.cell_info(),
            device=PACK,
            taken_at=at + timedelta(seconds=n * period),
            monotonic=1000 + n * period,
        )
        power = sample.power or 0.0
        charged += max(0.0, power) * period / 3.6e6
        discharged += max(0.0, -power) * period / 3.6e6
        soc = bms.truth.soc
        yield msgspec.structs.replace(
            sample,
            battery_soc=soc,
            battery_soc_source="counted",
            soc_curve=soc + 3,
            soc_counted=soc,
            soc_low=soc - 3,
            soc_high=soc + 3,
            charged_kwh=charged,
            discharged_kwh=discharged,
            charged_ah=charged * 19,
            discharged_ah=discharged * 19,
            equivalent_cycles=discharged / 14,
        )


def grown() -> PackState:
    """The memory of a battery after two years: weeks, bands of temperature and jumps as many as it keeps."""
    chance = random.Random(1)
    pack = fresh()
    for sample in frames(0.5, 2.5):
        pack.feed(sample)
    state, learnt = pack.state(), pack.learnt()
    now = state["health"]["week"]
    weeks = [*range(now - WEEKS_KEPT, now - WEEKS_SINGLE, 4), *range(now - WEEKS_SINGLE, now)]

    def each(low: float, high: float, digits: int) -> list[float]:
        return [round(chance.uniform(low, high), digits) for _ in range(CELLS)]

    health = learnt["health"]
    health["weeks"] = [
        [week, 20.0, [round(ohms) for ohms in each(300, 450, 0)], each(-5, 5, 1), each(-3, 3, 1), 274.3]
        for week in weeks
    ]
    health["charge"]["cells"] = [
        [float(f"{chance.gauss(0, 1):.7g}") for _ in range(14)] for _ in range(CELLS)
    ]
    health["charge"]["gained"] = each(-1, 1, 7)
    health["resistance"] = {
        "batches": 500,
        "excess": each(-0.1, 0.1, 4),
        "scatter": each(0, 0.01, 6),
        "bands": [[band, MEMORY, each(300, 450, 2)] for band in range(BANDS)],
        "band": 4,
    }
    learnt["jumps"]["waiting"] = [[4 + n // (BATCH - 1), each(300, 450, 1)] for n in range(WAITING)]
    yesterday = [AT.date() - timedelta(days=n) for n in range(DAYS_KEPT - 1, 0, -1)]
    learnt["days"]["days"] = {day.isoformat(): each(5, 250, 6)[:4] for day in yesterday}
    pack = fresh()
    pack.restore(state, learnt)
    return pack


def fresh() -> PackState:
    """The memory of a battery that nobody has read yet."""
    return PackState(CHEMISTRIES["lfp"], nominal_ah=CAPACITY, boot="bench", zone=UTC, curve=DOCUMENTED)


def written() -> int:
    """Bytes that this process had written to a disk, as the kernel counts them."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise SystemExit("/proc/self/io: no write_bytes; this bench needs Linux")


class Syncs:
    """Counts syncs as SQLite does them with synchronous=FULL: one for each commit, three for each new WAL."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._wal = path.with_name(path.name + "-wal")
        self._salt = b""

    def committed(self) -> None:
        """Look whether the WAL was begun anew: then it was copied, and both files were synced."""
        with self._wal.open("rb") as file:
            salt = file.read(24)[16:]
        self.count += 1 if salt == self._salt or not self._salt else 4
        self._salt = salt


def writing(sheet: Sheet, own: BmsDb, path: Path, taken: list[Sample], per_row: int) -> None:
    """Feed the frames to a battery's memory of two years; judge what was written for each row."""
    store = HistoryStore(own)
    sink = HistorySink(store, confirmed=lambda: False)
    syncs = Syncs(path)
    pack = grown()
    every = 12 * per_row
    names = stored_names(PACK.address)
    sizes, renewed = [], dict.fromkeys(names, 0)
    learnt = pack.learnt()
    before = written()
    for at in range(0, len(taken), every):
        for number, sample in enumerate(taken[at : at + every], at):
            sink.accept(pack.feed(sample), number + 1)
        before_it, learnt = learnt, pack.learnt()
        for part in names:
            renewed[part] += learnt[part] != before_it[part]
        parts = {name: learnt[part] for part, name in names.items()}
        store.commit(sink.cut({PACK.address: pack.state()}, parts))
        syncs.committed()
        sizes.append(own._rows("SELECT sum(length(data)) FROM counters")[0][0])
    own._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    rows = len(taken) / per_row
    per_sample = (written() - before) / rows
    sheet.figure("bytes written per row, default settings", per_sample, most=WRITTEN_BYTES, digits=0)
    sheet.figure("syncs per row", syncs.count / rows, most=SYNCS, digits=3)
    sheet.beside("MB written a day for one pack, bms.db", per_sample * 17_280 / 1e6, digits=1)
    sheet.beside("state written with each commit, bytes", statistics.mean(sizes), digits=0)
    for part, name in names.items():
        [size] = own._rows("SELECT length(state) FROM states WHERE name = ?", (name,))[0]
        detail = f"written {renewed[part]} times"
        sheet.beside(f"state {part!r}, bytes", size, digits=0, detail=detail)
    blocks = [len(data) for [data] in own._rows("SELECT data FROM blocks")]
    sheet.figure("bytes per row in closed hours", sum(blocks) / len(blocks) / 720, most=ROW_BYTES)


def merging(sheet: Sheet, folder: Path) -> None:
    """Merge for an hour at the default settings beside a record each 10 s; say what that writes in a day."""
    path = folder / "merged.db"
    theirs = sqlite3.connect(path, isolation_level=None)
    theirs.execute(TABLE)
    clock = StandingClock(1.0)
    sink = InverterDbSink(Readings(path), clock, MergeOptions())
    total = inserted = 0
    for second in range(3600):
        clock.steps = second
        before = written()
        if second % RECORD_EVERY == 0:
            theirs.execute(
                "INSERT INTO readings (created_at, payload) VALUES (?, ?)",
                (clock.now().isoformat(timespec="seconds"), json.dumps(INVERTER)),
            )
        inserted += written() - before
        sink.accept(merged_sample(clock, second))
        due = sink.take_due()
        before = written()
        sink.look(due)
        total += written() - before
    theirs.close()
    assert sink.merged >= 3600 / RECORD_EVERY
    assert not sink.failures
    detail = f"{sink.merged * 24} merges, rollback journal included"
    sheet.beside("MB written a day by merging, inverter.db", total * 24 / 1e6, detail=detail, digits=0)
    sheet.beside("bytes written per merge", total / sink.merged, digits=0)
    detail = f"{86_400 // RECORD_EVERY} records, without us"
    sheet.beside("MB written a day by the inverter program itself", inserted * 24 / 1e6, detail, digits=0)


def accepting(sheet: Sheet, own: BmsDb) -> None:
    """Feed frames as they come from a BMS, two a second."""
    sink = HistorySink(HistoryStore(own), confirmed=lambda: False)
    taken = list(frames(0.5, 0.5))
    rounds = []
    for at in range(0, len(taken), 120):
        began = time.perf_counter()
        for number, sample in enumerate(taken[at : at + 120], at):
            sink.accept(sample, number + 1)
        rounds.append((time.perf_counter() - began) / 120)
    sheet.figure("sink, microseconds per frame", statistics.median(rounds) * 1e6, most=ACCEPT_US)


def journal(sheet: Sheet, taken: list[Sample]) -> None:
    """Append to a journal on a tmpfs."""
    shm = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder,
        Journal(Path(folder) / "journal") as unsaved,
    ):
        rounds = []
        for at in range(0, 6000, 120):
            began = time.perf_counter()
            for sample in taken[at : at + 120]:
                number = unsaved.append(sample)
            unsaved.forget(number)
            rounds.append((time.perf_counter() - began) / 120)
    sheet.figure("journal, microseconds per frame", statistics.median(rounds) * 1e6, most=APPEND_US)


def lengthen(
    own: BmsDb,
    days: int,
    *,
    minutes: int,
    quarters: int,
    blocks: int,
    at: datetime = AT,
    begin: datetime | None = None,
) -> None:
    """Repeat the day that begins at ``at`` until there are ``days``; finer entries only for the last so many.

    ``begin``: of the first of them, if not the same; then each row also says its own day, which takes time to write.
    """
    db = own._connection
    first = int(at.timestamp()) // 86400
    moved = 0 if begin is None else (begin - at).days
    sources = {
        tier: [
            (key - stored.key_of(1, tier, first * 86400_000 // tier.chunk), data)
            for key, data in db.execute(
                "SELECT key, data FROM rollups WHERE key >= ? AND key < ?",
                (
                    stored.key_of(1, tier, first * 86400_000 // tier.chunk),
                    stored.key_of(1, tier, (first + 1) * 86400_000 // tier.chunk),
                ),
            )
        ]
        for tier in (MINUTES, QUARTERS, HOURS)
    }
    whole = db.execute("SELECT key, data FROM blocks ORDER BY key LIMIT 24").fetchall()
    kept = {MINUTES: minutes, QUARTERS: quarters, HOURS: days}
    db.execute("BEGIN")
    for table in ("rollups", "blocks", "recent"):
        db.execute(f"DELETE FROM {table}")
    for day in range(days):
        for tier, chunks in sources.items():
            if day >= days - kept[tier]:
                base = stored.key_of(1, tier, (first + moved + day) * 86400_000 // tier.chunk)
                db.executemany(
                    "INSERT INTO rollups VALUES (?, ?)", [(base + at, data) for at, data in chunks]
                )
        if day >= days - blocks:
            db.executemany(
                "INSERT INTO blocks VALUES (?, ?)",
                [
                    (key + 24 * (moved + day), later(data, moved + day) if begin else data)
                    for key, data in whole
                ],
            )
        stored._close_day(db, 1, first + moved + day)
    db.execute("UPDATE tracks SET open_day = ?", (first + moved + days,))
    db.execute("COMMIT")


def later(block: bytes, days: int) -> bytes:
    """The same hour so many days later."""
    columns, count = decode_block(block)
    times = [None if time is None else time + days * 86_400_000 for time in columns[TIME]]
    return encode_block({**columns, TIME: times}, count)


def timed(work: Callable[[], object], rounds: int = 10) -> float:
    """The ms that ``work`` takes, warm: the lowest of ten medians, so that a busy machine disturbs little."""
    work()
    medians = []
    for _ in range(10):
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
        medians.append(statistics.median(taken))
    return min(medians) * 1000


def charts(sheet: Sheet, reader: BmsDbReader, end: datetime) -> None:
    """Day, month and year at both ends of what charts ask for; the last hour is not folded yet."""
    gc.collect()
    gc.freeze()  # the frames of this bench are none of a chart's garbage
    for name, days in (("day", 1), ("month", 30), ("year", 365)):
        for points in (300, 720):
            start = end - timedelta(days=days)
            series = query(reader, PACK.address, CHARTED, start, end, points)
            known = sum(value is not None for value in series.values["current"].mean)
            assert known >= 0.9 * len(series.times), (name, points, known, len(series.times))

            def chart(start: datetime = start, points: int = points) -> object:
                return query(reader, PACK.address, CHARTED, start, end, points)

            took = timed(chart)
            detail = f"{len(series.times)} points of {len(CHARTED)} quantities from {series.tier}"
            sheet.figure(f"{name} chart, ms, up to {points} points", took, most=CHART_MS, detail=detail)
    for days in (31, 366):
        took = timed(lambda days=days: daily_totals(reader, PACK.address, days, end), 3)  # type: ignore[misc]
        sheet.beside(f"totals of each of {days} days, ms", took)


def inverter(sheet: Sheet, own: BmsDb, folder: Path) -> None:
    """A year of the inverter program's records: taken in slices, then the chart of the last day."""
    path = folder / "inverter.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, "
        "payload TEXT, error TEXT)"
    )
    end = AT + timedelta(days=365)
    count = 365 * 8640
    keys = (
        "grid_voltage",
        "grid_power",
        "ac_output_power",
        "pv_input_power",
        "battery_voltage",
        "battery_current",
    )
    payloads = [
        json.dumps({key: str(index + n % 10) for index, key in enumerate(keys)} | {"status_text": "SUB"})
        for n in range(10)
    ]
    connection.executemany(
        "INSERT INTO readings (created_at, payload) VALUES (?, ?)",
        (
            ((end - timedelta(seconds=10 * (count - n))).isoformat(timespec="seconds"), payloads[n % 10])
            for n in range(count)
        ),
    )
    connection.commit()
    connection.close()
    folder_of = InverterFolder(Readings(path), HistoryStore(own))
    reads: list[float] = []
    began = time.perf_counter()
    readings = Readings(path)
    newest = readings.newest_id()
    for n in range(30):
        at = time.perf_counter()
        readings.records_up_to(newest - n * 500, 500)
        reads.append(time.perf_counter() - at)
    steps = 0
    while steps < 60:  # more than two days
        began = time.perf_counter()
        folder_of.step(end)
        steps += 1
    sheet.figure("slice of the foreign table, ms", max(reads) * 1000, most=50, detail="500 records")
    sheet.beside("and with folding it into history, ms", (time.perf_counter() - began) * 1000)
    names = ("grid_power", "ac_output_power", "pv_input_power", "battery_current")

    def chart() -> list[float]:
        return query(own, TOGETHER, names, end - timedelta(days=1), end, 720).times

    assert chart()[-1] - chart()[0] + 120 == 86_400
    sheet.figure(
        "last-24-h chart of inverter values, ms", timed(chart), most=INVERTER_MS, detail="720 points"
    )


def main() -> int:
    """Run all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--hours", type=float, default=25.5, help="simulated (default: 25.5; at least 25)")
    parser.add_argument("--folder", type=Path, help="where the databases are made; not on a tmpfs")
    options = parser.parse_args()
    sheet = Sheet()
    period = 2.5
    taken = list(frames(options.hours, period))
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        path = Path(name) / "bms.db"
        with open_writer(path, Clock()) as own:
            writing(sheet, own, path, taken, round(5 / period))
            merging(sheet, Path(name))
            accepting(sheet, own)
            journal(sheet, taken)
            lengthen(own, 365, minutes=90, quarters=365, blocks=365)
            sink = HistorySink(HistoryStore(own), confirmed=lambda: False)
            by = timedelta(days=364)  # the last hour of the year once more, as recent rows
            for n, sample in enumerate(taken[-int(3000 / period) :]):
                second = 24 * 3600 + n * period
                sink.accept(
                    msgspec.structs.replace(
                        sample, taken_at=AT + by + timedelta(seconds=second), monotonic=1e6 + second
                    )
                )
                if n % 24 == 23:
                    HistoryStore(own).commit(sink.cut())
            with open_reader(path) as reader:
                charts(sheet, reader, AT + by + timedelta(hours=24, seconds=3000))
            inverter(sheet, own, Path(name))
        ten = Path(name) / "ten.db"
        with open_writer(ten, Clock()) as own:
            store = HistoryStore(own)
            sink = HistorySink(store, confirmed=lambda: False)
            for sample in taken:
                sink.accept(sample)
            store.commit(sink.cut())
            lengthen(own, 3653, minutes=90, quarters=730, blocks=400)
            own._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            sheet.figure("ten years of one pack, MB", ten.stat().st_size / 1e6, most=DECADE_MB, digits=0)
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
