"""The inverter program's records in history: what they say, in slices, and once only."""

import json
import sqlite3
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from jk_bms.clock import Clock
from jk_bms.model.inverter import INVERTER as TRACK
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.history import HistoryStore
from jk_bms.store.history_query import query, samples
from jk_bms.store.inverter_fold import InverterFolder, fold_inverter
from jk_bms.store.readings import LARGEST_PAYLOAD, MOST_FETCHED, Readings, Record

AT = datetime(2026, 12, 1, 10, tzinfo=UTC)
ZONE = timezone(timedelta(hours=2))
PAYLOAD = {
    "grid_voltage": "230.1",
    "grid_power": "412",
    "ac_output_freq": "49.98",
    "battery_current": "-5.2",
    "battery_soc": "85",
    "temperature": "18",
    "pv_input_power": "N/A",
    "status_text": "SUB",
    "bms_cells": [3.285],
}


def record(n: int, **changes: Any) -> Record:
    made = (AT + timedelta(seconds=10 * n)).astimezone(ZONE).isoformat(timespec="seconds")
    return Record(n, changes.pop("created_at", made), json.dumps(PAYLOAD | changes), None)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[sqlite3.Connection, Path, BmsDb]]:
    path = tmp_path / "inverter.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(
        "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, "
        "payload TEXT, error TEXT)"
    )
    with open_writer(tmp_path / "bms.db", Clock()) as own:
        yield connection, path, own
    connection.close()


def put(connection: sqlite3.Connection, numbers: range, **changes: Any) -> None:
    connection.executemany(
        "INSERT INTO readings VALUES (?, ?, ?, ?)", [tuple(record(n, **changes)) for n in numbers]
    )


def taken(own: BmsDb) -> list[int]:
    rows = samples(own, TRACK, AT - timedelta(days=999), AT + timedelta(days=999))
    return [round((row.taken_at - AT).total_seconds() / 10) for row in rows]


def test_a_record_becomes_a_row() -> None:
    batch = fold_inverter([record(0)], now=AT)

    assert batch is not None
    [values] = batch.rows
    row = {column: value for column, value in zip(batch.columns, values, strict=True) if value is not None}
    assert row[0] == int(AT.timestamp() * 1000)
    assert {k: v for k, v in row.items() if k > 9} == {
        170: 2301,
        171: 412,
        174: 4998,
        178: -52,
        13: 850,
        50: 180,
    }


NOTHING = {
    "an error": Record(1, record(1).created_at, None, "timeout"),
    "no text": Record(1, record(1).created_at, 5, None),
    "no JSON": Record(1, record(1).created_at, "{", None),
    "no object": Record(1, record(1).created_at, "[1]", None),
    "no time": record(1, created_at="yesterday"),
    "in the future": record(1, created_at="2031-01-01T00:00:00+02:00"),
    "not answering": Record(1, record(1).created_at, json.dumps(dict.fromkeys(PAYLOAD, "N/A")), None),
    "no numbers": Record(1, record(1).created_at, '{"grid_power": null, "battery_soc": true}', None),
}


@pytest.mark.parametrize("bad", NOTHING.values(), ids=NOTHING)
def test_what_says_nothing_is_no_row(bad: Record) -> None:
    assert fold_inverter([bad], now=AT) is None


def test_the_past_comes_newest_first_and_the_present_before_it(
    house: tuple[sqlite3.Connection, Path, BmsDb],
) -> None:
    """Also over a restart in between, gaps in the ids, and records that come meanwhile."""
    connection, path, own = house
    put(connection, range(1, 300))
    put(connection, range(2000, 2500))
    folder = InverterFolder(Readings(path), HistoryStore(own), slice_size=100)

    assert folder.step(AT)
    assert taken(own) == list(range(2400, 2500))
    put(connection, range(2500, 2620))
    assert folder.step(AT)
    folder = InverterFolder(Readings(path), HistoryStore(own), slice_size=100)
    while folder.step(AT):
        pass

    assert folder.complete
    assert taken(own) == [*range(1, 300), *range(2000, 2620)]
    put(connection, range(2620, 2625))
    assert not folder.step(AT)
    assert taken(own)[-1] == 2624


def test_large_records_are_taken_a_few_at_a_time(house: tuple[sqlite3.Connection, Path, BmsDb]) -> None:
    """A slice of them at once would be more than the poller may have, again after each restart."""
    connection, path, own = house
    put(connection, range(1, 13), note="x" * 900_000)  # more than any record is
    put(connection, range(13, 61), note="x" * (LARGEST_PAYLOAD - 10_000))
    connection.execute("UPDATE readings SET created_at = 'x' || char(0) || ? WHERE id = 5", ("x" * 10**6,))
    folder = InverterFolder(Readings(path), HistoryStore(own))

    tracemalloc.start()
    assert folder.step(AT)
    assert 0 < len(taken(own)) < 40  # what was reached is kept
    while folder.step(AT):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert folder.complete
    assert taken(own) == [*range(13, 61)]
    assert peak < 2.5 * MOST_FETCHED
    first, second = Readings(path).records_after(12, 48), Readings(path).records_up_to(60, 48)
    assert (first[0].id, second[-1].id) == (13, 60)
    assert 1 < len(first) == len(second) < 40


def test_another_file_is_taken_from_its_beginning(
    house: tuple[sqlite3.Connection, Path, BmsDb], tmp_path: Path
) -> None:
    """A restored copy or a new table: ids begin anew; what is in history is not taken twice."""
    connection, path, own = house
    put(connection, range(1, 50))
    store = HistoryStore(own)
    folder = InverterFolder(Readings(path), store, slice_size=20)
    while folder.step(AT):
        pass
    connection.execute("DELETE FROM readings")
    connection.executemany(
        "INSERT INTO readings VALUES (?, ?, ?, ?)", [(n - 39, *record(n)[1:]) for n in range(40, 90)]
    )

    folder = InverterFolder(Readings(path), store, slice_size=20)
    while folder.step(AT):
        pass

    assert taken(own) == list(range(1, 90))


def test_a_day_of_records_is_a_chart_of_exactly_a_day(
    house: tuple[sqlite3.Connection, Path, BmsDb],
) -> None:
    connection, path, own = house
    connection.execute("BEGIN")
    put(connection, range(1, 12_000))
    connection.execute("COMMIT")
    folder = InverterFolder(Readings(path), HistoryStore(own))
    longest = 0.0
    more = True
    while more:
        began = time.perf_counter()
        more = folder.step(AT + timedelta(days=2))
        longest = max(longest, time.perf_counter() - began)
    end = AT + timedelta(seconds=10 * 12_000)

    series = query(
        own, TRACK, ["grid_power", "battery_current", "pv_input_power"], end - timedelta(days=1), end, 720
    )

    assert len(series.times) * series.step == 86_400
    assert series.values["grid_power"].mean == [412.0] * len(series.times)
    assert series.values["battery_current"].max == [-5.2] * len(series.times)
    assert not any(series.values["pv_input_power"].mean)
    assert longest < 2.0  # on a busy machine; the bench measures it
