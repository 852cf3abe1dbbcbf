"""What somebody deletes under the running service comes back within half a minute, with all that it held."""

import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from jk_bms.errors import StoreError
from jk_bms.store.history_query import samples
from jk_bms.store.own import open_reader
from tests.e2e.house import House, until

NOTICED = 60.0  # s; half of it on a machine that has nothing else to do


@pytest.fixture
def house(simulated: House) -> House:
    """A simulated house whose own files lie in folders that can be taken away."""
    state, run = simulated.folder / "state", simulated.folder / "run"
    state.mkdir()
    run.mkdir()
    simulated.bms_db = state / "bms.db"
    simulated.env |= {
        "BMS_DB_PATH": str(simulated.bms_db),
        "BMS_SOCKET": str(run / "poller.sock"),
        "HISTORY_PERIOD": "1",
        "HISTORY_COMMIT": "2",
    }
    return simulated


def rows(house: House) -> list[datetime]:
    """Times of all rows of history."""
    now = datetime.now(UTC)
    try:
        with open_reader(house.bms_db) as reader:
            found = samples(reader, "simulated", now - timedelta(hours=1), now + timedelta(hours=1))
            return [row.taken_at for row in found]
    except StoreError:  # not there, or nothing in it yet
        return []


def test_what_is_taken_away_in_use_comes_back(house: House) -> None:
    socket, journal = (
        Path(house.env["BMS_SOCKET"]).parent / name for name in ("poller.sock", "samples.journal")
    )
    with house.service() as service:
        service.streaming()
        before = until(lambda: rows(house)[:2])
        for folder in (house.bms_db.parent, socket.parent):
            shutil.rmtree(folder)

        until(lambda: house.bms_db.exists() and socket.exists() and journal.exists(), NOTICED)
        assert service.snapshot() is not None
        known = len(rows(house))
        until(lambda: len(rows(house)) > known)
        code, _ = service.end()

    assert code == 0
    after = rows(house)
    assert after[:2] == before
    assert max(later - earlier for earlier, later in pairwise(after)) < timedelta(seconds=3)
    assert service.log.count("was taken away while in use; written anew") == 1
    assert "the socket was taken away" in service.log
    assert "Traceback" not in service.log
    assert house.events().count("store.remade") == 1


def test_a_kill_after_the_journal_was_taken_away_loses_no_row(house: House) -> None:
    house.env["HISTORY_COMMIT"] = "3600"
    journal = Path(house.env["BMS_SOCKET"]).parent / "samples.journal"
    with house.service() as service:
        service.streaming()
        began = datetime.now(UTC)
        journal.unlink()
        until(journal.exists, NOTICED)
        service.kill()
    killed = datetime.now(UTC)
    with house.service() as service:
        service.streaming()
        service.end()

    kept = [at for at in rows(house) if began <= at < killed]
    assert len(kept) >= (killed - began).total_seconds() - 2
