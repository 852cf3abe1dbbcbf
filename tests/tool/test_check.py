"""check says what is wrong, once, in words, with the exit code of the worst; it changes nothing."""

import grp
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jk_bms.called import TOP, poller
from jk_bms.clock import Clock
from jk_bms.config.settings import Settings, load_settings
from jk_bms.model.snapshot import ChannelNow, TelegramNow
from jk_bms.store import bms_db
from jk_bms.tool import check as check_module
from jk_bms.tool.check import FAIL, OK, WARN, Finding, User, _bot, _channels, check, may
from tests.e2e.house import House, until
from tests.tool.stored_house import PACK, SECOND, StoredHouse


class Turned(Clock):
    """A clock that stands where the test puts it."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def house(house: StoredHouse, monkeypatch: pytest.MonkeyPatch) -> StoredHouse:
    """A house where all is well but that the service does not run."""
    house.registry.chmod(0o600)
    with closing(sqlite3.connect(house.folder / "inverter.db")) as db:
        db.execute(
            "CREATE TABLE readings (id INTEGER PRIMARY KEY, created_at TEXT, payload TEXT, error TEXT)"
        )
        db.execute("INSERT INTO readings (created_at) VALUES ('2026-12-01T12:00:00')")
        db.commit()
    monkeypatch.setattr(check_module, "synchronised", lambda: True)
    monkeypatch.setattr(check_module, "LITTLE_SPACE", 0)
    monkeypatch.setattr(check_module, "NO_SPACE", 0)
    return house


def settings(house: StoredHouse, **environ: str) -> Settings:
    return load_settings(environ, house.env)


def found(house: StoredHouse, clock: Clock | None = None, **environ: str) -> list[Finding]:
    """What is not ok, without the service that does not run."""
    findings = check(settings(house, **environ), clock or Clock())
    return [finding for finding in findings if finding.level != OK and finding.what != "service"]


def test_all_is_well(house: StoredHouse) -> None:
    findings = list(check(settings(house), Clock()))

    assert [finding for finding in findings if finding.level != OK and finding.what != "service"] == []
    assert {finding.what for finding in findings} >= {
        *("settings", "registry", "service", "clock", "database", "history", "growth", "retention"),
        *("inverter database", "disk", "copies"),
    }
    assert any("2026-12-01T12:00:00" in finding.text for finding in findings)


def drop_readings(house: StoredHouse) -> None:
    with closing(sqlite3.connect(house.folder / "inverter.db")) as db:
        db.execute("DROP TABLE readings")
        db.commit()


def newer(house: StoredHouse) -> None:
    with closing(sqlite3.connect(house.bms_db)) as db:
        db.execute(f"PRAGMA user_version = {bms_db.VERSION + 1}")


def damage(house: StoredHouse) -> None:
    with closing(sqlite3.connect(house.bms_db)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [root] = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'rollups'").fetchone()
    with house.bms_db.open("r+b") as file:
        file.seek((root - 1) * 4096 + 100)
        file.write(os.urandom(3900))


def folder_in_its_place(house: StoredHouse) -> None:
    house.bms_db.unlink()
    house.bms_db.mkdir()


def link_to_itself(house: StoredHouse) -> None:
    house.bms_db.unlink()
    house.bms_db.symlink_to("bms.db")


def no_word_of_it(house: StoredHouse) -> None:
    (house.folder / "inverter.db").unlink()
    house.env.write_text(house.env.read_text().replace("DB_PATH=inverter.db\n", ""))


FAULTS: dict[str, tuple[Callable[[StoredHouse], object], str, str, str]] = {
    # what happened: (how, level, part, what is said)
    "everybody reads .env": (lambda h: h.env.chmod(0o644), WARN, "settings", "chmod o="),
    "everybody reads the PIN": (lambda h: h.registry.chmod(0o644), WARN, "registry", "holds a PIN"),
    "no battery": (lambda h: h.registry.write_text("# none\n"), FAIL, "registry", "no enabled battery"),
    "registry is no YAML": (lambda h: h.registry.write_text("a: [\n"), FAIL, "registry", "line 2"),
    "a capacity in words": (
        lambda h: h.registry.write_text(f"{PACK}:\n  capacity_ah: lots\n"),
        *(FAIL, "registry", "line 1: AA:BB:CC:DD:EE:FF: capacity_ah is 'lots'; expected 1 to 10000 Ah"),
    ),
    "a capacity that is a list": (
        lambda h: h.registry.write_text(f"{PACK}:\n  capacity_ah: [280]\n"),
        *(FAIL, "registry", "expected 1 to 10000 Ah"),
    ),
    "a chemistry nobody knows": (
        lambda h: h.registry.write_text(f"{PACK}:\n  chemistry: lead\n"),
        *(FAIL, "registry", "chemistry is 'lead'; expected one of lfp"),
    ),
    "a curve without volts": (
        lambda h: h.registry.write_text(f"{PACK}:\n  curve: 3,4,5\n"),
        *(FAIL, "registry", "curve is '3,4,5'; expected V:% points"),
    ),
    "a name that two share": (
        lambda h: h.registry.write_text(f"{PACK}:\n  alias: shed\n{SECOND}:\n  alias: shed\n"),
        *(WARN, "registry", f"'shed' is the name of {PACK} and {SECOND}"),
    ),
    "a type nobody knows": (
        lambda h: h.registry.write_text(f"{PACK}:\n  type: foo\n"),
        *(FAIL, "registry", "type is 'foo'; expected one of jk"),
    ),
    "no database": (lambda h: h.bms_db.unlink(), WARN, "database", "not there yet"),
    "a damaged database": (damage, FAIL, "database", "damaged"),
    "no database at all": (
        lambda h: h.bms_db.write_text("x" * 5000),
        *(FAIL, "database", "not a bms.db of ours, so it stays as it is: it is no database"),
    ),
    "a folder in its place": (
        folder_in_its_place,
        *(FAIL, "database", "it is no file; expected a bms.db or no file"),
    ),
    "a link to itself": (
        link_to_itself,
        *(FAIL, "database", "cannot be looked at"),
    ),
    "half of another program's": (
        lambda h: h.bms_db.write_bytes((h.folder / "inverter.db").read_bytes()[:5000]),
        *(FAIL, "database", "not a bms.db of ours, so it stays as it is"),
    ),
    "no folder for it": (
        lambda h: h.env.write_text(h.env.read_text().replace("state/bms.db", "nowhere/bms.db")),
        *(FAIL, "database", "nowhere/bms.db: there is no such folder; make it, or correct BMS_DB_PATH"),
    ),
    "a newer database": (newer, FAIL, "database", "update the program"),
    "everybody changes it": (lambda h: h.bms_db.chmod(0o666), WARN, "database", "chmod o-w"),
    "one was damaged": (
        lambda h: (h.state / "bms.db.damaged-20260101T000000").touch(),
        *(WARN, "database", "was damaged and replaced"),
    ),
    "no inverter database": (
        lambda h: (h.folder / "inverter.db").unlink(),
        *(FAIL, "inverter database", "check DB_PATH"),
    ),
    "no word of an inverter database": (
        no_word_of_it,
        *(FAIL, "inverter database", "DB_PATH is not set"),
    ),
    "another program's": (drop_readings, FAIL, "inverter database", "no such table: readings"),
    "a misspelt setting": (
        lambda h: h.env.write_text(h.env.read_text() + "BMS_DB_PAHT=x\n"),
        *(WARN, "settings", "did you mean BMS_DB_PATH"),
    ),
    "a folder without copies": (
        lambda h: h.env.write_text(h.env.read_text() + "BACKUP_DIR=copies\n"),
        *(WARN, "copies", "no nightly copy yet"),
    ),
    "copies into the kernel": (
        lambda h: h.env.write_text(h.env.read_text() + "BACKUP_DIR=/proc/x\n"),
        *(FAIL, "copies", "BACKUP_DIR=/proc/x: /proc keeps no files"),
    ),
    "copies into a file": (
        lambda h: h.env.write_text(h.env.read_text() + "BACKUP_DIR=env/copies\n"),
        *(FAIL, "copies", "keeps no files"),
    ),
}


@pytest.mark.parametrize(("break_it", "level", "what", "says"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told(
    break_it: Callable[[StoredHouse], object], level: str, what: str, says: str, house: StoredHouse
) -> None:
    break_it(house)

    told = found(house)

    assert (level, what) in {(finding.level, finding.what) for finding in told}
    assert any(says in finding.text for finding in told)


def test_the_clock(house: StoredHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    [told] = [f for f in found(house, Turned(datetime(1970, 1, 2, tzinfo=UTC))) if f.what == "clock"]
    assert (told.level, "certainly wrong" in told.text) == (FAIL, True)
    monkeypatch.setattr(check_module, "synchronised", lambda: False)
    [told] = found(house)
    assert (told.level, told.what) == (WARN, "clock")


def test_retention(house: StoredHouse) -> None:
    """Rows older than they are kept, and rows of the future, are told."""
    later = Turned(datetime.now(UTC) + timedelta(days=500))
    assert [f.what for f in found(house, later)] == ["retention"]
    assert "BLOCK_KEEP_DAYS is 400" in found(house, later)[0].text
    assert found(house, later, BLOCK_KEEP_DAYS="600") == []
    early = Turned(datetime.now(UTC) - timedelta(hours=5))
    assert ["rows of the future" in f.text for f in found(house, early)] == [True]


def test_little_space(house: StoredHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_module, "LITTLE_SPACE", 1e18)
    assert [(f.level, f.what) for f in found(house)] == [(WARN, "disk")]
    monkeypatch.setattr(check_module, "NO_SPACE", 1e18)
    assert [(f.level, f.what) for f in found(house)] == [(FAIL, "disk")]


def test_old_copies(house: StoredHouse) -> None:
    copies = house.folder / "copies"
    copies.mkdir()
    (copies / "easun-jkbms-2026-11-01.tar.gz").touch()
    assert found(house, BACKUP_DIR=str(copies)) == []
    os.utime(copies / "easun-jkbms-2026-11-01.tar.gz", (0, 0))
    assert [(f.level, f.what) for f in found(house, BACKUP_DIR=str(copies))] == [(WARN, "copies")]


def test_it_changes_nothing(house: StoredHouse) -> None:
    before = {path: path.read_bytes() for path in house.folder.rglob("*") if path.is_file()}

    done = house.tool("check")

    assert done.returncode == 7, done.stdout
    # SQLite keeps two files beside a database that is open; empty ones may stay.
    after = {path: path.read_bytes() for path in house.folder.rglob("*") if path.is_file()}
    assert {
        path: content for path, content in after.items() if not path.name.endswith(("-wal", "-shm"))
    } == before


def test_the_exit_code_is_that_of_the_worst(house: StoredHouse) -> None:
    said = json.loads(house.tool("check", "--json").stdout)
    assert said["result"] == "warn"
    (house.folder / "inverter.db").unlink()

    done = house.tool("check")

    assert done.returncode == 8
    assert any(line.startswith("fail  inverter database") for line in done.stdout.splitlines())


MODES = {
    # mode of a file: whether its owner, somebody of its group, and all others may read and write it
    0o600: (True, False, False),
    0o466: (False, True, True),
    0o060: (False, True, False),
    0o646: (True, False, True),
    0o006: (False, False, True),
    0o660: (True, True, False),
}


@pytest.mark.parametrize(("mode", "expected"), MODES.items())
def test_rights_of_the_service(
    mode: int, expected: tuple[bool, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of owner, group and others that fits decides, as the kernel does it."""
    path = Path("/")
    status = os.stat_result((mode, 0, 0, 1, 1000, 50, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda _: status)

    users = (User(1000, frozenset({50}), "a"), User(7, frozenset({50, 7}), "b"), User(7, frozenset({7}), "c"))

    assert tuple(may(user, path, 0o6) for user in users) == expected
    assert may(User(0, frozenset(), "root"), path, 0o6)


def test_a_file_that_the_service_may_not_write_is_told(
    house: StoredHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_module, "_user", lambda _: User(4242, frozenset({4242}), "easun-jkbms"))

    told = {
        finding.what
        for finding in found(house, BACKUP_DIR=str(house.folder / "copies"))
        if "easun-jkbms may not" in finding.text
    }

    assert told == {"database", "inverter database", "copies"}


def test_a_stopped_service_is_judged_by_its_unit(
    house: StoredHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by who looks: root may write everything, the owner at the keyboard perhaps nothing."""
    unit = tmp_path / "unit"
    unit.write_text("# easun-jkbms\n[Service]\nUser=nobody\nSupplementaryGroups=daemon bin\n")
    monkeypatch.setattr(check_module, "UNIT", unit)
    (house.folder / "inverter.db").chmod(0o644)

    in_a_clone = [finding for finding in found(house) if "may not" in finding.text]
    monkeypatch.setattr(check_module, "installed", lambda: True)
    told = [finding for finding in found(house) if "may not" in finding.text]
    user = check_module._user(None)

    assert not in_a_clone
    assert {"database", "inverter database"} == {finding.what for finding in told}
    assert all("nobody may not" in finding.text for finding in told)
    assert any(f"of {(house.folder / 'inverter.db').owner()}:" in finding.text for finding in told)
    assert all(str(TOP / "install.sh") in finding.text for finding in told)
    assert user.name == "nobody"
    assert {grp.getgrnam(name).gr_gid for name in ("daemon", "bin")} <= user.groups


BOTS = {  # what the service knows of the bot: how check rates it, None: it has nothing to say
    "no token": (None, None),
    "at work": ({"state": "well", "heard": 20.0, "trouble": "", "username": "house_bot"}, OK),
    "Telegram away": ({"state": "away", "heard": 20.0, "trouble": ""}, WARN),
    "never seen": ({"state": None, "heard": None, "trouble": ""}, WARN),
    "gone": ({"state": "well", "heard": 900.0, "trouble": "the bot has not been heard of for 15 min"}, FAIL),
}


@pytest.mark.parametrize(("telegram", "level"), BOTS.values(), ids=BOTS)
def test_the_bot_as_the_service_knows_it(telegram: dict[str, Any] | None, level: str | None) -> None:
    known = msgspec.convert(telegram, TelegramNow | None)

    assert [finding.level for finding in _bot(known)] == ([] if level is None else [level])


CHANNELS = {  # where alerts go: how check rates it
    "nowhere": ([], []),
    "by Telegram": ([ChannelNow(name="Telegram")], [OK]),
    "by Telegram and push": ([ChannelNow(name="Telegram"), ChannelNow(name="push", sure=False)], [OK]),
    "by push alone": ([ChannelNow(name="push", sure=False)], [OK, WARN]),
    "by push that is refused": (
        [ChannelNow(name="ALERT_URLS"), ChannelNow(name="push", trouble="status 403", sure=False)],
        [OK, WARN],
    ),
    "by push that was ended": ([ChannelNow(name="push", trouble="status 410", sure=False)], [WARN, WARN]),
}


@pytest.mark.parametrize(("channels", "levels"), CHANNELS.values(), ids=CHANNELS)
def test_where_alerts_go(channels: list[ChannelNow], levels: list[str]) -> None:
    found = list(_channels(channels))

    assert [finding.level for finding in found] == levels
    for one in channels:
        way = f"{one.name} ({'delivered' if one.sure else 'handed over'})"
        assert (way in found[0].text) == (not one.trouble)


def test_beside_the_running_service(tmp_path: Path) -> None:
    """It speaks for the service's user, and asks the service about the inverter's database."""
    house = House(tmp_path, JK_BMS_ADDRESS="simulated", BMS_STANDALONE_ROWS="true", JK_BMS_POLL_INTERVAL="1")
    house.registry.write_text("simulated:\n  type: simulated\n  name: Made up\n  period: 0.2\n")
    with house.service() as service:
        service.streaming()
        until(house.merged)

        said = json.loads(house.tool("check", "--json").stdout)
        refused = house.tool("restore", "none.tar.gz")
        backup = house.tool("backup", "beside.tar.gz")

    by_part = {finding["what"]: finding for finding in said["findings"]}
    assert by_part["service"]["level"] == by_part["battery"]["level"] == OK
    assert "Made up: read" in by_part["battery"]["text"]
    assert "records written" in by_part["inverter database"]["text"]
    assert (refused.returncode, poller("stop") in refused.stderr) == (1, True)
    assert backup.returncode == 0
