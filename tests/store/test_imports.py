"""Foreign records become history where there is none: exactly once, nothing overwritten, faults told."""

import gzip
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from jk_bms.clock import Clock
from jk_bms.errors import StoreError
from jk_bms.store import imports
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.columns import BOOT, BY_NAME, FRAMES, OFFSET, TIME, TRUSTED
from jk_bms.store.history import Batch, Cut, HistoryStore
from jk_bms.store.history_query import query, samples, tracks
from jk_bms.store.imports import (
    Findings,
    MonitorFile,
    Reading,
    Taken,
    read_log,
    read_meters,
    take_in,
)

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
KYIV = timezone(timedelta(hours=2))
PACK = "AA:BB:CC:DD:EE:FF"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[BmsDb]:
    with open_writer(tmp_path / "bms.db", Clock()) as store:
        yield store


@pytest.fixture
def store(own: BmsDb) -> HistoryStore:
    return HistoryStore(own)


def readings(start: datetime, count: int, step: timedelta, soc: float = 50.0) -> list[Reading]:
    return [Reading(start + n * step, {"voltage": 52.0, "battery_soc": soc}) for n in range(count)]


def take(store: HistoryStore, some: list[Reading], findings: Findings | None = None) -> Taken:
    taken = take_in(store, PACK, some, now=NOW, period=5.0, findings=findings or Findings())
    return Taken(taken.added, taken.known)


def rows(own: BmsDb) -> list[tuple[datetime, dict[str, float]]]:
    long_ago = datetime(1990, 1, 1, tzinfo=UTC)
    return [(row.taken_at, row.values) for row in samples(own, PACK, long_ago, NOW + timedelta(days=1))]


# Logs

LOG = """\
2026-01-15T12:00:00.123456+02:00;Chat ID: 123456789
2026-01-15T12:00:00.123456+02:00;Voltage: 26.512 V, Battery Level: 95.3%
2026-01-15T12:10:00+02:00;Voltage: 26.4 V, Battery Level: 105.0%

2026-01-15T12:20:00;Voltage: 26.3 V, Battery Level: 94%
2026-01-15T12:30:00+02:00;Grid: down
2026-01-15T12:40:00+02:00;Voltage: 26.3 V, Battery Le
no semicolon here
yesterday;Voltage: 26.3 V, Battery Level: 94%
2026-01-15T12:50:00+02:00;Voltage: 26.3 V, Battery Level: 194%
2026-01-15T13:00:00+02:00;Voltage: 1.2.3 V, Battery Level: 94%
"""


@pytest.mark.parametrize("packed", [False, True])
def test_log(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / ("stat.log.gz" if packed else "stat.log")
    raw = LOG.encode() + b"\xff\xfe;broken\n" + b"x" * 5000
    path.write_bytes(gzip.compress(raw) if packed else raw)
    findings = Findings()

    got = list(read_log(path, KYIV, findings))

    assert got == [
        Reading(datetime(2026, 1, 15, 10, 0, 0, 123456, UTC), {"voltage": 26.512, "battery_soc": 95.3}),
        Reading(datetime(2026, 1, 15, 10, 10, tzinfo=UTC), {"voltage": 26.4, "battery_soc": 100.0}),
        Reading(datetime(2026, 1, 15, 10, 20, tzinfo=UTC), {"voltage": 26.3, "battery_soc": 94.0}),
    ]
    assert findings.other == 4  # the chat, the grid, half a line, broken text
    assert findings.bad == 9
    assert findings.first_bad.startswith(f"{path} line 8: expected <time>;<text>")


def test_a_log_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none\.log: cannot be read"):
        list(read_log(tmp_path / "none.log", None, Findings()))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(LOG.encode())[:-20])
    with pytest.raises(StoreError, match=r"cut\.gz: cannot be read"):
        list(read_log(tmp_path / "cut.gz", None, Findings()))


def test_any_bytes_are_no_crash(tmp_path: Path) -> None:
    draw = random.Random(3)
    path = tmp_path / "noise.log"
    path.write_bytes(b"".join(draw.randbytes(60) + b";Voltage: 1 V, Battery Level: 1%\n" for _ in range(300)))
    findings = Findings()

    assert list(read_log(path, KYIV, findings)) == []
    assert findings.bad >= 300


# bms-monitor


def monitor(path: Path, columns: str, *rows: tuple[object, ...]) -> Path:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"CREATE TABLE bms_data (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns})")
        names = ", ".join(column.split()[0] for column in columns.split(","))
        marks = ", ".join("?" * len(columns.split(",")))
        db.executemany(f"INSERT INTO bms_data ({names}) VALUES ({marks})", rows)
        db.commit()
    return path


NEW_COLUMNS = (
    "timestamp TEXT, current REAL, power REAL, device_address TEXT, device_name TEXT, remaining_capacity REAL"
)


def test_bms_monitor(tmp_path: Path) -> None:
    """Its power has no sign: it gets that of the current."""
    path = monitor(
        tmp_path / "bms_data.db",
        NEW_COLUMNS + ", mood TEXT",
        ("2026-01-15 12:00:00", -10.5, 550.0, "aa:bb:cc:dd:ee:ff", "JK", 120.5, "good"),
        ("2026-01-15 12:01:00", 4.0, 210.0, "aa:bb:cc:dd:ee:ff", "JK", 120.6, "good"),
        ("2026-01-15 12:01:00", 1.0, 50.0, "11:22:33:44:55:66", "JK2", 80.0, "good"),
        ("later", 1.0, 50.0, "11:22:33:44:55:66", "JK2", 80.0, "good"),
        ("2026-01-15 12:02:00", "much", None, "11:22:33:44:55:66", "JK2", 1e9, "good"),
    )
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE devices (address TEXT, name TEXT)")
        db.execute("CREATE TABLE configs (password TEXT)")
        db.execute("INSERT INTO devices VALUES ('aa:bb:cc:dd:ee:ff', 'shed'), ('x', NULL)")
        db.commit()
    before = path.read_bytes()
    findings = Findings()

    with MonitorFile(path, KYIV) as file:
        got = {address: list(file.readings(address, findings)) for address in file.addresses}

    at = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
    assert got["aa:bb:cc:dd:ee:ff"] == [
        Reading(at, {"current": -10.5, "remaining_ah": 120.5, "power": -550.0}),
        Reading(at + timedelta(minutes=1), {"current": 4.0, "remaining_ah": 120.6, "power": 210.0}),
    ]
    assert len(got["11:22:33:44:55:66"]) == 1
    assert findings.bad == 2
    assert "timestamp is 'later'" in findings.first_bad
    assert file.left_aside == ["not taken from bms_data: mood", "tables not taken: configs"]
    assert file.names == {"AA:BB:CC:DD:EE:FF": "shed"}
    assert path.read_bytes() == before


def test_an_old_bms_monitor_without_power_and_devices(tmp_path: Path) -> None:
    path = monitor(
        tmp_path / "x.db", "timestamp TEXT, voltage REAL, current REAL", ("2026-01-15 12:00:00", 53.0, 1.0)
    )

    with MonitorFile(path, UTC) as file:
        some = list(file.readings("", Findings()))

    assert [reading.values for reading in some] == [{"voltage": 53.0, "current": 1.0}]
    assert (file.addresses, file.names) == ([""], {})


def test_a_row_of_bms_monitor_may_be_of_nobody(tmp_path: Path) -> None:
    """The column came with a later version; older rows have nothing in it."""
    path = monitor(
        tmp_path / "x.db",
        NEW_COLUMNS,
        ("2026-01-15 12:00:00", -10.5, 550.0, None, None, 120.5),
        ("2026-01-15 12:01:00", 4.0, 210.0, PACK, "JK", 120.6),
    )

    with MonitorFile(path, UTC) as file:
        assert file.addresses == ["", PACK]
        assert [len(list(file.readings(address, Findings()))) for address in file.addresses] == [1, 1]


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"), MonitorFile(tmp_path / "none", None):
        pass
    assert not (tmp_path / "none").exists()
    (tmp_path / "text").write_text("hello, this is no database at all")
    with pytest.raises(StoreError, match="not an SQLite database"), MonitorFile(tmp_path / "text", None):
        pass
    other = monitor(tmp_path / "other", "created_at TEXT", ("2026",))
    with (
        pytest.raises(StoreError, match=r"not a bms-monitor database: .* found bms_data"),
        MonitorFile(other, None),
    ):
        pass


# Meters


def test_meters(tmp_path: Path) -> None:
    path = tmp_path / "bms_meter_states.json"
    path.write_text(
        '{"shed": {"total_energy_charge": {"reading": 12.345}, "odd": {"reading": null}, "x": 3}, "y": []}'
    )
    assert read_meters(path) == {"shed": {"total_energy_charge": 12.345}}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"a": 1}', "[" * 100_000, '{"a": {"b": {"reading": NaN}}}']
)
def test_no_meters(text: str, tmp_path: Path) -> None:
    path = tmp_path / "meters.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"meters\.json: no(t JSON| meters in it)"):
        read_meters(path)


# Taking in


def test_twice_changes_nothing(own: BmsDb, store: HistoryStore) -> None:
    some = readings(NOW - timedelta(days=300), 200, timedelta(minutes=10))

    assert take(store, some) == Taken(200, 0)
    content = rows(own)
    with own.reading() as db:
        before = list(db.iterdump())
    assert take(store, some) == Taken(0, 200)

    assert [(taken_at, values) for taken_at, values in content] == [
        (reading.taken_at, {"frames": 1.0, **reading.values}) for reading in some
    ]
    with own.reading() as db:
        assert list(db.iterdump()) == before


def test_overlapping_files_add_up(own: BmsDb, store: HistoryStore) -> None:
    """In any order, rotated files and the present one give the same as one file."""
    some = readings(NOW - timedelta(days=30), 300, timedelta(minutes=10))

    assert take(store, some[100:250]) == Taken(150, 0)
    assert take(store, list(reversed(some[:120]))) == Taken(100, 20)
    assert take(store, some) == Taken(50, 250)

    assert [taken_at for taken_at, _ in rows(own)] == [reading.taken_at for reading in some]


@pytest.mark.parametrize("order", ["old to new", "new to old", "by file, new to old"])
def test_few_readings_are_held_at_a_time(
    order: str, own: BmsDb, store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A year of them does not fit into a small machine; what comes of them is the same."""
    monkeypatch.setattr(imports, "HELD_MOST", 300)
    some = readings(datetime(2026, 9, 1, tzinfo=UTC), 144 * 12, timedelta(minutes=10))
    given = some if order == "old to new" else some[::-1]
    if order.startswith("by file"):
        given = [reading for at in range(0, len(some), 200)[::-1] for reading in some[at : at + 200]]
    held, fill = [0], store.fill

    def counted() -> Iterator[Reading]:
        for reading in given:
            held.append(held[-1] + 1)
            yield reading

    def filled(batch: Batch) -> int:
        held.append(held[-1] - len(list(batch.rows)))
        return fill(batch)

    monkeypatch.setattr(store, "fill", filled)
    taken = take_in(store, PACK, counted(), now=NOW, period=5.0, findings=Findings())

    assert taken == Taken(len(some), 0, some[0].taken_at, some[-1].taken_at, ("voltage", "battery_soc"))
    assert [taken_at for taken_at, _ in rows(own)] == [reading.taken_at for reading in some]
    assert max(held) == 301


def test_roll_ups_are_those_of_the_rows(own: BmsDb, store: HistoryStore) -> None:
    """All tiers show what was imported, and rebuilding them changes nothing."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    take(store, [Reading(start + n * timedelta(minutes=5), {"voltage": 50 + n % 5}) for n in range(288 * 40)])

    tiers = set()
    for days, points in ((0.05, 60), (1, 90), (10, 240), (40, 40)):
        series = query(own, PACK, ["voltage"], start, start + timedelta(days=days), points)
        tiers.add(series.tier)
        means = [mean for mean in series.values["voltage"].mean if mean is not None]
        assert means
        assert all(50 <= mean <= 54 for mean in means)
    assert len(tiers) >= 3
    with own.reading() as db:
        before = list(db.iterdump())
    store.rebuild()
    with own.reading() as db:
        assert list(db.iterdump()) == before


def recorded(start: datetime, count: int, voltage: int) -> Batch:
    """Rows as the service writes them."""
    first = int(start.timestamp() * 1000)
    return Batch(
        PACK,
        5000,
        (TIME, BOOT, OFFSET, TRUSTED, FRAMES, BY_NAME["voltage"].id),
        [(first + n * 5000, 1, 0, 1, 5, voltage) for n in range(count)],
    )


def test_what_we_measured_is_never_overwritten(own: BmsDb, store: HistoryStore) -> None:
    """Neither rows in blocks nor those not yet in one; only the gap is filled."""
    hour = timedelta(hours=1)
    start = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    store.commit(Cut([recorded(start, 360, 53_000)], {}))  # half an hour, folded below
    store.commit(Cut([recorded(start + 2 * hour, 360, 53_000)], {}))  # recent

    taken = take(store, readings(start, 18, timedelta(minutes=10)))

    assert taken == Taken(12, 6)
    ours = [taken_at for taken_at, values in rows(own) if values["voltage"] == 53.0]
    theirs = [taken_at for taken_at, values in rows(own) if values["voltage"] == 52.0]
    assert len(ours) == 720
    assert theirs == [start + n * timedelta(minutes=10) for n in range(18) if not (n < 3 or 12 <= n < 15)]
    store.commit(Cut([recorded(start + 4 * hour, 1, 53_000)], {}))  # folds the recent hour
    assert len(rows(own)) == 720 + 12 + 1
    series = query(own, PACK, ["voltage"], start, start + 5 * hour, 5)
    assert series.values["voltage"].min[2] == 52.0
    assert series.values["voltage"].max[2] == 53.0


def test_old_roll_ups_without_rows_stay(own: BmsDb, store: HistoryStore) -> None:
    """Rows that were too old to be kept cannot be replaced by poorer ones."""
    start = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)
    store.commit(Cut([recorded(start, 720, 53_000), recorded(start + timedelta(hours=2), 1, 53_000)], {}))
    own.write(lambda db: db.execute("DELETE FROM blocks"))

    assert take(store, readings(start, 6, timedelta(minutes=10))) == Taken(0, 6)


def test_wrong_times_are_refused(store: HistoryStore) -> None:
    """A line of the year 2099 would make all else look old."""
    findings = Findings()
    some = [
        *readings(NOW + timedelta(seconds=1), 2, timedelta(days=20000)),
        *readings(datetime(1970, 1, 1, tzinfo=UTC), 2, timedelta(minutes=1)),
        *readings(NOW, 1, timedelta(minutes=1)),
    ]

    assert take(store, some, findings) == Taken(1, 0)
    assert findings.bad == 4
    assert "2026-12-01 12:00; expected one of the past" in findings.first_bad


def test_a_new_track_begins_with_the_import(own: BmsDb, store: HistoryStore) -> None:
    """The service goes on from there; of what is older than rows are kept, hours and days stay."""
    some = readings(NOW - timedelta(days=500), 10, timedelta(minutes=10))
    take(store, some)
    store.commit(Cut([recorded(NOW - timedelta(hours=3), 720, 53_000)], {}))

    [track] = tracks(own)
    series = query(own, PACK, ["voltage"], some[0].taken_at, NOW, 520)

    assert track.first == some[0].taken_at
    assert len(rows(own)) == 720
    assert [mean for mean in series.values["voltage"].mean if mean is not None] == [52.0, 53.0]
