"""Named states: whole or not at all, kept over a restart, and free where nothing changed."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from jk_bms.clock import Clock
from jk_bms.errors import StoreError
from jk_bms.store import bms_db as module
from jk_bms.store.bms_db import BmsDb, open_reader, open_writer
from jk_bms.store.states import put_states, read_state, read_states, write_states


@pytest.fixture
def own(tmp_path: Path) -> Iterator[BmsDb]:
    with open_writer(tmp_path / "bms.db", Clock()) as store:
        yield store


def test_states_come_back(own: BmsDb) -> None:
    """Another process reads them too, all of a kind by the beginning of their names."""
    rules = {"rules": {"low": [1, 0.1, None, "grün"]}}
    write_states(own, {"alerts": rules, "health:AA": {"n": 1}, "health:BB": {"n": 2}, "healthy": {}})

    with open_reader(own.path) as reader:
        assert read_state(reader, "alerts") == rules
        assert read_state(reader, "unknown") is None
        assert read_states(reader, "health:") == {"health:AA": {"n": 1}, "health:BB": {"n": 2}}
        assert list(read_states(reader)) == ["alerts", "health:AA", "health:BB", "healthy"]


@pytest.mark.parametrize("name", ["50%", "a_b", "a*b", "[a]"])
def test_a_prefix_means_what_it_says(own: BmsDb, name: str) -> None:
    """No sign in it stands for others."""
    write_states(own, {f"{name}:1": {}, "50x:1": {}, "axb:1": {}, "a:1": {}})

    assert list(read_states(own, f"{name}:")) == [f"{name}:1"]


def test_a_state_is_replaced_or_forgotten(own: BmsDb) -> None:
    write_states(own, {"a": {"n": 1}, "b": {"n": 1}})
    write_states(own, {"a": {"m": 2}, "b": None, "never": None})

    assert read_states(own) == {"a": {"m": 2}}


def test_an_unchanged_state_writes_nothing(own: BmsDb) -> None:
    wal = own.path.with_name("bms.db-wal")
    state = {"curve": list(range(3000))}
    write_states(own, {"a": state})
    size = wal.stat().st_size

    write_states(own, {"a": state})
    assert wal.stat().st_size == size

    write_states(own, {"a": state | {"n": 1}})
    assert wal.stat().st_size > size


def test_states_and_other_work_are_written_together_or_not_at_all(own: BmsDb) -> None:
    write_states(own, {"a": {"n": 1}})

    def change(db: sqlite3.Connection) -> None:
        put_states(db, {"a": {"n": 2}, "b": {}})
        db.execute("INSERT INTO missing VALUES (1)")

    with pytest.raises(StoreError, match="missing"):
        own.write(change)
    with pytest.raises(ValueError, match="JSON"):  # not a number: it could not be read back
        write_states(own, {"a": {"n": 3}, "b": {"n": float("nan")}})

    assert read_states(own) == {"a": {"n": 1}}


def test_a_file_of_the_version_before_gets_its_table(tmp_path: Path) -> None:
    """Everything else in it stays, and a copy of it as it was."""
    path = tmp_path / "bms.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA page_size = {module.PAGE}")
    for step in module.BMS_DB.steps[:2]:
        connection.executescript(step.script)
    connection.executescript("PRAGMA user_version = 2; INSERT INTO tracks VALUES (1, 'AA', 5000, 7)")
    connection.execute(
        "INSERT INTO events VALUES (5, 'service.start', '2026-12-01T00:00:00+00:00', '', 1, 1, NULL, '', '{}')"
    )
    connection.commit()
    connection.close()

    with open_writer(path, Clock()) as own:
        write_states(own, {"a": {"n": 1}})
        assert read_states(own) == {"a": {"n": 1}}
        assert own._rows("SELECT name, open_day FROM tracks") == [("AA", 7)]
        [(number, event)] = own.events_after(0)
        assert (number, event.kind) == (5, "service.start")

    with sqlite3.connect(path.with_name(f"bms.db.before-v{module.VERSION}")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (2,)
    copy.close()
