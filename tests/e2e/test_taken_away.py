"""Files at our paths: what is deleted in use comes back with all that it held, what is of others stays."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from jk_bms.errors import StoreError
from jk_bms.store.bms_db import open_reader
from jk_bms.store.history_query import samples
from tests.e2e.house import TOP, House, until

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


@pytest.mark.parametrize("limits", ["-n 40", "-Sn 40"], ids=["for good", "at first"])
def test_too_few_files(house: House, limits: str) -> None:
    """It would read, and neither write nor say why; a limit that may be raised is."""
    started = subprocess.Popen(
        ["bash", "-c", f"ulimit {limits}; exec {sys.executable} {TOP / 'jk_bms_service.py'}"],
        env=house.env,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with started:
        if limits.startswith("-S"):
            until(Path(house.env["BMS_SOCKET"]).exists, NOTICED)
            started.terminate()
        said, _ = started.communicate(timeout=NOTICED)

    assert started.returncode == (0 if limits.startswith("-S") else 78), said
    assert ("only 40 files may be open at once" in said) is (started.returncode == 78)


FOREIGN = {"the inverter program's": True, "notes": False}


@pytest.mark.parametrize("database", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_others_at_our_path_ends_the_service(house: House, database: bool) -> None:
    """It says so, and needs a person; the file stays as it is, with nothing beside it."""
    if database:
        house.make_inverter_db()
        house.bms_db.write_bytes(house.inverter_db.read_bytes())
    else:
        house.bms_db.write_text("notes")
    before = house.bms_db.read_bytes()
    with house.service() as service:
        assert service.wait(NOTICED) == 78

    assert "not a bms.db of ours, so it stays as it is" in service.log
    assert house.bms_db.read_bytes() == before
    assert list(house.bms_db.parent.iterdir()) == [house.bms_db]


def test_one_file_for_two_programs_is_refused(house: House) -> None:
    house.make_inverter_db()
    before = house.inverter_db.read_bytes()
    house.bms_db.hardlink_to(house.inverter_db)
    with house.service() as service:
        assert service.wait(NOTICED) == 78

    assert "is the same file as DB_PATH" in service.log
    assert house.inverter_db.read_bytes() == before
