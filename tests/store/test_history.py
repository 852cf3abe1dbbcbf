"""History in ``bms.db``: what was committed is there, rolled up exactly, and pruned in time."""

import random
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jk_bms.errors import StoreError
from jk_bms.store.bms_db import BmsDbReader, open_reader
from jk_bms.store.columns import BY_NAME
from jk_bms.store.history import ClockSet, Confirmed, Counter, Cut, HistoryStore, Keep, Row
from jk_bms.store.history_query import Series, query, samples, tracks
from tests.scale import scaled
from tests.store.history_rows import (
    AT,
    AT_MS,
    CELL_1,
    CELL_2,
    COLUMNS,
    CURRENT,
    PACK,
    PERIOD,
    VOLTAGE,
    batch,
    open_store,
    rows,
)

HOUR, DAY = 3_600_000, 86_400_000
INDEX = {name: COLUMNS.index(BY_NAME[name].id) for name in ("voltage", "current", "soc", "cell_1", "cell_2")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bms.db"


def commit(history: HistoryStore, some: list[Row], every: int = 12, **counters: Counter) -> None:
    for at in range(0, len(some), every):
        history.commit(Cut([batch(some[at : at + every])], counters))


def stored(own: BmsDbReader) -> list[tuple[int | None, ...]]:
    """The rows as integers again."""
    columns = [(name, BY_NAME[name].divisor) for name in INDEX]
    return [
        (
            round(row.taken_at.timestamp() * 1000),
            *(None if (v := row.values.get(name)) is None else round(v * d) for name, d in columns),
        )
        for row in samples(own, PACK, datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    ]


def plain(some: list[Row]) -> list[tuple[int | None, ...]]:
    return [(row[0], *(row[index] for index in INDEX.values())) for row in some]


def by_hand(some: list[Row], name: str, series: Series) -> list[tuple[float, float, float] | None]:
    """Mean, lowest and highest of the rows in each step of ``series``."""
    divisor = BY_NAME[name].divisor
    made: dict[int, list[int]] = {}
    for row in some:
        first, second, value = (row[INDEX[one]] for one in ("cell_1", "cell_2", "voltage"))
        if name == "cell_delta":
            assert first is not None
            assert second is not None
            value = second - first
        elif name != "voltage":
            value = row[INDEX[name]]
        if value is not None:
            made.setdefault(int((row[0] or 0) // (series.step * 1000)), []).append(value)
    points = []
    for time in series.times:
        values = made.get(int(time // series.step))
        points.append(
            None
            if values is None
            else (sum(values) / (len(values) * divisor), min(values) / divisor, max(values) / divisor)
        )
    return points


def points_of(series: Series, name: str) -> list[tuple[float, float, float] | None]:
    values = series.values[name]
    return [
        None if mean is None or low is None or high is None else (mean, low, high)
        for mean, low, high in zip(values.mean, values.min, values.max, strict=True)
    ]


def dump(own: BmsDbReader) -> list[tuple[int, bytes]]:
    return own._rows("SELECT key, data FROM rollups ORDER BY key")


def test_rows_come_back_whether_folded_or_not(path: Path) -> None:
    """Three hours and a half: three blocks, the rest recent; a second reader sees the same."""
    some = rows(AT_MS, 2520)
    with open_store(path) as own:
        commit(HistoryStore(own), some)

        assert own._rows("SELECT count(*) FROM blocks")[0][0] == 3
        assert own._rows("SELECT count(*) FROM recent")[0][0] == 16  # a quarter hour, and 15 commits
        assert stored(own) == plain(some)
        with open_reader(path) as reader:
            assert stored(reader) == plain(some)
            [track] = tracks(reader)
    assert track.name == PACK
    assert track.period == PERIOD / 1000
    assert (track.first, track.last) == (AT, AT + timedelta(seconds=2519 * 5))


@pytest.mark.parametrize(
    ("hours", "points", "tier", "step"),
    [
        (1, 720, "rows", 5),
        (1, 300, "rows", 15),
        (6, 300, "1 min", 120),
        (24, 720, "1 min", 120),
        (24, 300, "1 min", 300),
        (24 * 7, 720, "15 min", 900),
        (24 * 30, 720, "1 h", 3600),
        (24 * 30, 300, "1 h", 10800),
        (24 * 365, 720, "1 d", 86400),
        (24 * 365, 300, "1 d", 172800),
    ],
)
def test_a_series_has_enough_points_and_no_more(
    path: Path, hours: int, points: int, tier: str, step: int
) -> None:
    with open_store(path) as own:
        HistoryStore(own).commit(Cut([batch(rows(AT_MS, 10))], {}))

        series = query(own, PACK, ["voltage"], AT, AT + timedelta(hours=hours), points)

        assert (series.tier, series.step) == (tier, step)
        assert points / 3 <= len(series.times) <= points
        moved = query(own, PACK, ["voltage"], AT + timedelta(minutes=7), AT + timedelta(hours=hours), points)
        assert len(moved.times) <= points


@pytest.mark.parametrize("hours", [0.5, 3, 20, 50, 24 * 30])
def test_a_series_is_what_the_rows_say(path: Path, hours: float) -> None:
    """In each tier, over what is folded and what is not, with gaps, to the last digit."""
    some = rows(AT_MS, 9000) + rows(AT_MS + 16 * HOUR + 20_000, 30_000)
    with open_store(path) as own:
        commit(HistoryStore(own), some, every=500)
        for start in (AT + timedelta(hours=8), AT + timedelta(hours=56)):
            end = start + timedelta(hours=hours)
            series = query(own, PACK, ["voltage", "current", "cell_delta"], start, end, 300)

            inside = [row for row in some if row[0] is not None and row[0] < end.timestamp() * 1000]
            span = {"rows": 5, "1 min": 60, "15 min": 900, "1 h": 3600, "1 d": 86400}[series.tier] * 1000
            first = start.timestamp() * 1000 // span * span
            if series.tier in ("1 h", "1 d"):  # a roll-up that is not over yet is shown as it is
                inside = some
            inside = [row for row in inside if row[0] is not None and row[0] >= first]
            assert any(series.values["voltage"].mean)
            for name in series.values:
                assert points_of(series, name) == by_hand(inside, name, series)


def test_rebuilt_rollups_equal_those_that_were_kept(path: Path) -> None:
    """Also after late rows, gaps, two tracks and several boots; and damaged ones are made right."""
    random.seed(5)
    some = rows(AT_MS + 22 * HOUR, 22_000)
    late = [row for row in some if random.random() < 0.1]
    in_time = set(some).difference(late)
    with open_store(path) as own:
        history = HistoryStore(own)
        commit(history, [row for row in some if row in in_time], every=700)
        commit(history, late, every=300)
        history.commit(Cut([batch(rows(AT_MS, 5000), track="other")], {}))
        kept = dump(own)
        own._connection.execute("DELETE FROM rollups WHERE key % 3 = 0")
        assert dump(own) != kept
        told: list[tuple[int, int]] = []

        hours = history.rebuild(progress=lambda done, whole: told.append((done, whole)))

        assert told[-1] == (hours, hours)
        assert dump(own) == kept
        assert stored(own) == plain(some)


def test_old_rows_go_and_the_file_stops_growing(path: Path) -> None:
    """Scaled retention: days instead of years; pages are used again."""
    keep = Keep(blocks=2, minutes=1, quarters=3)
    sizes = []
    with open_store(path) as own:
        history = HistoryStore(own, keep)
        days = scaled(160, 8)
        for day in range(days):
            commit(history, rows(AT_MS + day * DAY, DAY // 60_000, period=60_000), every=60)
            own._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            sizes.append(own._rows("PRAGMA page_count")[0][0])
        whole = own._rows("SELECT count(*) FROM blocks")[0][0]
        assert 2 * 24 <= whole <= 2 * 24 + 1
        minutes = own._rows("SELECT count(*) FROM rollups WHERE key >> 36 & 15 = 1")[0][0]
        assert 24 <= minutes <= 25
        quarters = own._rows("SELECT count(*) FROM rollups WHERE key >> 36 & 15 = 2")[0][0]
        assert 3 <= quarters <= 4
        # Hours and days stay; a series that reaches further back than minutes is made of them.
        assert own._rows("SELECT count(*) FROM rollups WHERE key >> 36 & 15 = 3")[0][0] == days
        series = query(own, PACK, ["voltage"], AT, AT + timedelta(days=1), 720)
        assert series.tier == "1 h"
        assert sum(value is not None for value in series.values["voltage"].mean) == 24
    assert sizes[-1] - sizes[4] <= 3 * (days - 5)  # hours and days only: two of our pages a day


def test_nothing_goes_while_the_time_is_in_doubt(path: Path) -> None:
    with open_store(path) as own:
        history = HistoryStore(own, Keep(blocks=1, minutes=1))
        commit(history, rows(AT_MS, 1000))

        history.commit(Cut([batch(rows(AT_MS + 400 * DAY, 800))], {}, prune=False))

        assert len(stored(own)) == 1800


def test_rows_of_the_future_make_nothing_old(path: Path) -> None:
    """A boot with a wrong clock, never set right, and then boots with the right one."""
    offset = AT_MS + 400 * DAY
    with open_store(path) as own:
        history = HistoryStore(own, Keep(blocks=1, minutes=1, quarters=2))
        real = rows(AT_MS, 1000)
        commit(history, real)
        history.commit(Cut([ClockSet(2, "wrong", 1000, offset)], {}, prune=False))
        history.commit(Cut([batch(rows(offset + 1000, 1500, boot=2, offset=offset))], {}, prune=False))
        later = rows(AT_MS + 6_000_000, 3000, boot=3)
        for at in range(0, len(later), 12):
            some = later[at : at + 12]
            history.commit(Cut([batch(some)], {}, now=some[-1][0]))

        assert [row for row in stored(own) if (row[0] or 0) < offset] == plain(real + later)


def test_a_confirmed_time_takes_the_future_away(path: Path) -> None:
    """What an unconfirmed boot put there keeps no time; what is true is rolled up as if it had never been."""
    offset = AT_MS + 400 * DAY
    real = rows(AT_MS, 12_000)
    with open_store(path) as own:
        history = HistoryStore(own, Keep(blocks=3000))
        commit(history, real[:7000])
        history.commit(Cut([ClockSet(2, "wrong", 1000, offset)], {}))
        commit(history, rows(offset + 1000, 1500, boot=2, offset=offset))
        history.commit(Cut([ClockSet(3, "right", 1000, AT_MS + 35_000_000)], {}))
        commit(history, real[7000:11_000])

        history.commit(Cut([Confirmed(3, 20_000_000)], {}))

        assert (history.newest() or 0) // HOUR == (real[10_999][0] or 0) // HOUR
        assert stored(own) == plain(real[:11_000])
        commit(history, real[11_000:])
        series = query(own, PACK, ["voltage"], AT, AT + timedelta(days=1), 1)
        assert points_of(series, "voltage") == by_hand(real, "voltage", series)
        assert own._rows("SELECT count(*) FROM recent WHERE key >= (1 << 17) << 44")[0][0]


def test_a_rebuild_keeps_what_has_no_rows_any_more(path: Path) -> None:
    """An old import lies before a gap whose rows were pruned: its hours and days are kept for ever."""
    with open_store(path) as own:
        history = HistoryStore(own, Keep(blocks=2, minutes=1, quarters=3))
        for day in range(8):
            commit(history, rows(AT_MS + day * DAY, 1440, period=60_000), every=60)
        history.fill(batch(rows(AT_MS - 3 * DAY, 1440, period=60_000)))
        kept = [each for each in dump(own) if each[0] >> 36 & 15 >= 3]  # hours and days

        history.rebuild()

        assert [each for each in dump(own) if each[0] >> 36 & 15 >= 3] == kept
        assert len(kept) == 9 + 1


def test_a_series_ends_where_it_was_asked_to(path: Path) -> None:
    """What is rolled up behind the end is not in the last step."""
    with open_store(path) as own:
        history = HistoryStore(own)
        commit(history, rows(AT_MS, 4 * 1440, period=60_000), every=60)

        series = query(own, PACK, ["voltage"], AT, AT + timedelta(hours=50), 7)

        assert series.tier == "1 h"
        inside = rows(AT_MS, 50 * 60, period=60_000)
        assert points_of(series, "voltage") == by_hand(inside, "voltage", series)


def test_counters_are_of_the_same_commit(path: Path) -> None:
    """All or nothing: a commit that fails leaves rows and counters as they were."""
    with open_store(path) as own:
        history = HistoryStore(own)
        state = {"charged": 12.5, "long": [index / 7 for index in range(300)]}
        commit(history, rows(AT_MS, 12), pack=Counter(12, state, b"begun"), other=Counter(3, {}))
        own._connection.execute("PRAGMA query_only = 1")
        with pytest.raises(StoreError):
            commit(history, rows(AT_MS + HOUR, 12), pack=Counter(24, {"charged": 13.0}))
        own._connection.execute("PRAGMA query_only = 0")

        assert HistoryStore(own).counters() == {
            "pack": Counter(12, state, b"begun"),
            "other": Counter(3, {}),
        }
        assert stored(own) == plain(rows(AT_MS, 12))

        commit(history, rows(AT_MS + HOUR, 12), pack=Counter(24, {"charged": 13.0}))
        assert history.counters()["pack"] == Counter(24, {"charged": 13.0})


def moved(some: list[Row], by: int) -> list[tuple[int | None, ...]]:
    return [(row[0] + by, *row[1:]) for row in plain(some)]  # type: ignore[operator]


@pytest.mark.parametrize("by", [3 * HOUR + 1234, -7 * HOUR, 40 * DAY, 5000])
def test_rows_of_a_wrong_clock_are_moved(path: Path, by: int) -> None:
    """Those of another boot stay; roll-ups are those of the true times."""
    before = rows(AT_MS - 10 * HOUR, 500, boot=1)
    offset = AT_MS - 100_000
    wrong = rows(AT_MS, 2000, boot=2, offset=offset)
    with open_store(path) as own:
        history = HistoryStore(own)
        commit(history, before)
        history.commit(Cut([ClockSet(2, "second", 100_000, offset)], {}))
        commit(history, wrong)

        history.commit(Cut([ClockSet(2, "second", 100_000 + 2000 * PERIOD, offset + by, move=True)], {}))

        assert stored(own) == sorted(plain(before) + moved(wrong, by))
        commit(history, rows(AT_MS + 60 * DAY, 10, boot=3))  # so that all is folded
        kept = dump(own)
        history.rebuild()
        assert dump(own) == kept


def test_rows_of_a_confirmed_time_stay(path: Path) -> None:
    offset = AT_MS - 1000
    some = rows(AT_MS, 1500, boot=1, offset=offset)
    with open_store(path) as own:
        history = HistoryStore(own)
        history.commit(Cut([ClockSet(1, "first", 1000, offset)], {}))
        commit(history, some)
        history.commit(Cut([Confirmed(1, 1000 + 1000 * PERIOD)], {}))

        history.commit(Cut([ClockSet(1, "first", 1000 + 1500 * PERIOD, offset + DAY, move=True)], {}))

        assert stored(own) == plain(some[:1000]) + moved(some[1000:], DAY)


def test_rows_without_a_right_time_wait_for_it(path: Path) -> None:
    """1970: kept apart, in no chart, until the clock is right; an import of old rows is no such thing."""
    undated = [(*row[:3], 0, *row[4:]) for row in rows(50_000, 3000, boot=1, offset=0)]
    old = rows(AT_MS - 2000 * DAY, 800)
    with open_store(path) as own:
        history = HistoryStore(own, Keep(blocks=3000))
        history.commit(Cut([ClockSet(1, "first", 50_000, 0)], {}))
        commit(history, undated)
        commit(history, old)
        assert stored(own) == plain(old)

        history.commit(Cut([ClockSet(1, "first", 50_000 + 3000 * PERIOD, AT_MS, move=True)], {}))

        assert stored(own) == plain(old) + moved(undated, AT_MS)
        assert all(row.clock_trusted for row in samples(own, PACK, AT - timedelta(days=9999), AT))
        assert own._rows("SELECT count(*) FROM blocks")[0][0] >= 5


def test_a_row_is_taken_once_when_asked_so(path: Path) -> None:
    """An import that is run twice."""
    some = rows(AT_MS, 1000)
    with open_store(path) as own:
        history = HistoryStore(own)
        commit(history, some[:700])
        kept = dump(own)
        history.commit(Cut([batch(some[:700])._replace(missing_only=True)], {}))
        assert dump(own) == kept

        history.commit(Cut([batch(some)._replace(missing_only=True)], {}))

        assert stored(own) == plain(some)


def test_what_is_asked_wrongly_is_said(path: Path) -> None:
    with open_store(path) as own:
        HistoryStore(own).commit(Cut([batch(rows(AT_MS, 1))], {}))
        with pytest.raises(ValueError, match="quantity is 'volts'"):
            query(own, PACK, ["volts"], AT, AT + timedelta(hours=1), 10)
        with pytest.raises(StoreError, match=f"nothing of 'nobody'; there is {PACK}"):
            query(own, "nobody", ["voltage"], AT, AT + timedelta(hours=1), 10)
        with pytest.raises(ValueError, match="a later end"):
            query(own, PACK, ["voltage"], AT, AT, 10)


def test_a_copy_torn_out_of_a_write_opens(path: Path, tmp_path: Path) -> None:
    """A power cut: any length of the log of changes may have reached the disk. At most the last commit is gone."""
    own = open_store(path)
    own._connection.execute("PRAGMA wal_autocheckpoint = 20")
    history = HistoryStore(own)
    count = scaled(400)
    some = rows(AT_MS, 800 + 12 * count)
    commit(history, some[:800])
    wal = path.with_name("bms.db-wal")
    random.seed(3)
    for number in range(count):
        first = 800 + number * 12
        length = wal.stat().st_size
        torn = tmp_path / f"torn{number}" / "bms.db"
        torn.parent.mkdir()
        # As it was before: pages go from the log into the file only after the log was synced.
        shutil.copy(path, torn)
        history.commit(Cut([batch(some[first : first + 12])], {"pack": Counter(first, {"n": first})}))
        raw = wal.read_bytes()
        # When the log was begun anew the end of the file is of earlier commits: valid ones.
        cut = random.randint(min(length, len(raw)), len(raw))
        torn.with_name("bms.db-wal").write_bytes(raw[:cut])
        with open_store(torn) as after:
            there = stored(after)
            assert len(there) >= first
            assert there == plain(some[: len(there)])
            counters = HistoryStore(after).counters()
            assert len(there) == first + 12 or not counters or counters["pack"].sequence == first - 12
            assert after._rows("PRAGMA integrity_check")[0][0] == "ok"
        shutil.rmtree(torn.parent)
    own.close()


def test_a_database_of_version_1_is_taken_over(path: Path) -> None:
    """With a copy of it, its events, and our size of pages."""
    from jk_bms.store import bms_db as module

    connection = sqlite3.connect(path)
    connection.executescript(
        f"PRAGMA journal_mode = WAL; {module.BMS_DB.steps[0].script}; PRAGMA user_version = 1"
    )
    connection.execute(
        "INSERT INTO events (kind, time, boot_id, monotonic, clock_trusted, text, facts) "
        "VALUES ('service.start', '2026-11-20T10:00:00+00:00', 'x', 1, 1, 'began', '{}')"
    )
    connection.commit()
    connection.close()

    with open_store(path) as own:
        commit(HistoryStore(own), rows(AT_MS, 100))

        assert own.newest_event() == 1
        assert len(stored(own)) == 100
        assert own._rows("PRAGMA page_size")[0][0] == module.PAGE
    assert path.with_name(f"bms.db.before-v{module.VERSION}").exists()


assert {VOLTAGE, CURRENT, CELL_1, CELL_2} <= set(COLUMNS)
