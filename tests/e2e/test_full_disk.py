"""Real disks that are full or read-only: one clear line, nothing lost that could be kept, back when there is room."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bot.bot_program import BotProgram
from tests.bot.telegram_server import OWNER, TelegramServer
from tests.e2e.disks import Disk, own_mounts
from tests.e2e.house import House, Service, until
from tests.e2e.test_taken_away import rows

PATIENCE = 120.0  # s


class Disks:
    """Those of a house: for its databases, and for what lives as long as the machine runs."""

    def __init__(self, folder: Path) -> None:
        self.state = Disk(folder / "state")
        self.run = Disk(folder / "run")


@pytest.fixture
def disks(simulated: House) -> Iterator[Disks]:
    with own_mounts():
        disks = Disks(simulated.folder)
        simulated.bms_db = disks.state.folder / "bms.db"
        simulated.env |= {
            "BMS_DB_PATH": str(simulated.bms_db),
            "BMS_SOCKET": str(disks.run.folder / "s"),
            "HISTORY_PERIOD": "1",
            "HISTORY_COMMIT": "2",
        }
        yield disks


@pytest.fixture
def house(simulated: House, disks: Disks) -> House:
    return simulated


def errors(service: Service) -> list[str]:
    return [line for line in service.log.splitlines() if " - ERROR - " in line]


def taken(service: Service) -> datetime:
    """When the newest reading was taken."""
    return datetime.fromisoformat(service.streaming()["devices"][0]["reading"]["time"])


def whole(house: House, seconds: float) -> bool:
    """Whether there is history of so long, without a gap."""
    found = rows(house)
    gaps = [later - earlier for earlier, later in pairwise(found)]
    return (
        bool(gaps) and found[-1] - found[0] > timedelta(seconds=seconds) and max(gaps) < timedelta(seconds=4)
    )


def test_a_disk_that_fills_up_in_use_costs_no_row(house: House, disks: Disks) -> None:
    with house.service() as service:
        service.streaming()
        until(lambda: rows(house), PATIENCE)
        disks.state.fill()
        until(lambda: errors(service), PATIENCE)
        before = taken(service)
        until(lambda: taken(service) > before + timedelta(seconds=3), PATIENCE)
        checked = house.tool("check").stdout
        disks.state.empty()
        code, _ = service.end()

    assert code == 0
    assert "the disk is full; free some space in" in errors(service)[0]
    assert len(errors(service)) <= 2  # of history, and of the alerts
    assert "Traceback" not in service.log
    assert f"{disks.state.folder}: 0.0 kB free" in checked
    assert whole(house, 3)


def test_a_kill_on_a_full_disk_costs_no_row(house: House, disks: Disks) -> None:
    """What waits lies in the runtime folder, and the service starts on the full disk as well."""
    with house.service() as service:
        service.streaming()
        until(lambda: rows(house), PATIENCE)
        disks.state.fill()
        until(lambda: errors(service), PATIENCE)
        service.kill()
    known = rows(house)
    with house.service() as service:
        service.streaming()
        until(lambda: errors(service), PATIENCE)
        begun = datetime.now(UTC)
        until(lambda: taken(service) > begun + timedelta(seconds=2), PATIENCE)
        service.kill()
    assert "the disk is full; free some space in" in errors(service)[0]
    assert rows(house) == known
    disks.state.empty()
    with house.service() as service:
        service.streaming()
        service.end()

    assert "taken from the journal of the last run" in service.log
    assert rows(house)[: len(known)] == known
    assert len([row for row in rows(house) if begun <= row <= begun + timedelta(seconds=2)]) >= 2


def test_the_first_start_on_a_full_disk(house: House, disks: Disks) -> None:
    """What it leaves there does not stand in the way of the next."""
    disks.state.fill()
    with house.service() as service:
        assert service.wait(PATIENCE) == 75
    read = house.tool("history").stderr
    disks.state.empty()
    with house.service() as again:
        again.streaming()
        until(lambda: rows(house), PATIENCE)

    assert "the disk is full" in service.log
    assert "no such database" in read or "there is nothing in it yet" in read
    assert not errors(again)


def test_a_read_only_disk(house: House, disks: Disks) -> None:
    """History can still be read, after a kill too; the file stays as it is."""
    with house.service() as service:
        service.streaming()
        until(lambda: rows(house), PATIENCE)
        service.kill()
    known = rows(house)
    before = {
        file.name: file.read_bytes() for file in disks.state.folder.iterdir() if file.suffix != ".db-shm"
    }
    disks.state.change("ro")
    with house.service() as service:
        assert service.wait(PATIENCE) == 75
    read, checked = house.tool("history"), house.tool("check")

    assert len(errors(service)) == 1
    assert "read-only file system" in service.log.lower()
    assert {name: (disks.state.folder / name).read_bytes() for name in before} == before
    assert "Traceback" not in read.stderr + checked.stderr
    disks.state.change("rw")
    with house.service() as service:
        service.streaming()
        service.end()
    assert rows(house)[: len(known)] == known


def test_a_full_runtime_folder(house: House, disks: Disks) -> None:
    """The batteries are read; of the journal it says when it cannot be written, and when it can be again."""
    disks.run.change("size=64k")
    disks.run.fill()
    with house.service() as service:
        service.streaming()
        until(
            lambda: "the journal of unsaved samples cannot be written: No space left" in service.log, PATIENCE
        )
        disks.run.empty()
        until(lambda: "the journal of unsaved samples is written again" in service.log, PATIENCE)
        until(lambda: whole(house, 3), PATIENCE)
        service.end()

    assert len(errors(service)) == 1


def test_no_room_for_the_socket_is_tried_again(house: House, disks: Disks) -> None:
    """Not 78: a service manager would never start it again."""
    disks.run.change("nr_inodes=1")
    with house.service() as service:
        assert service.wait(PATIENCE) == 75

    assert "live socket" in errors(service)[0]
    assert "no space left on device" in errors(service)[0]


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_the_bot_answers_on_a_disk_that_takes_nothing(house: House, disks: Disks, trouble: str) -> None:
    """From its start on; once there is room everything goes into the file."""
    database, log_file = disks.state.folder / "bot.db", disks.state.folder / "stat.log"
    places = {
        "BOT_DB_PATH": str(database),
        "BMS_DB_PATH": str(house.bms_db),
        "BMS_SOCKET": house.env["BMS_SOCKET"],
        "LOG_FILE_PATH": str(log_file),
        "BOT_POLL_INTERVAL": "0.5",
    }
    disks.state.fill()
    if trouble == "read-only":
        disks.state.change("ro")
    with TelegramServer() as telegram, BotProgram(house.folder, telegram, **places) as bot:
        telegram.say("/help")
        telegram.until(lambda: telegram.shown(OWNER), PATIENCE)
        if trouble == "read-only":
            disks.state.change("rw")
        disks.state.empty()
        until(lambda: f"{database}: can be written again" in bot.log, PATIENCE)
        code, _ = bot.end()

    assert code == 0
    assert "Traceback" not in bot.log
    [said] = [line for line in bot.log.splitlines() if "going on in memory" in line]
    assert ("the disk is full" if trouble == "full" else "read-only") in said.lower()
    assert database.stat().st_size
