"""What backup saved, restore brings back; secrets stay where they are; a running poller is in the way."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

import jk_bms.sinks.history as sinking
from jk_bms.config.backup_texts import backup_texts, with_secrets, without_secrets
from jk_bms.config.settings import load_settings
from jk_bms.errors import ConfigError
from jk_bms.store.backlog import NAME as WAITING
from jk_bms.store.backup import open_archive, write_archive
from jk_bms.store.bms_db import VERSION, open_reader
from jk_bms.store.journal import NAME as JOURNAL
from tests.bare_environment import bare
from tests.e2e.house import TOP
from tests.test_memory import house_in, made_day
from tests.tool.stored_house import PACK, REGISTRY, StoredHouse

HOLDER = """
import sys
from pathlib import Path
from jk_bms.clock import Clock
from jk_bms.store.bms_db import open_writer
with open_writer(Path(sys.argv[1]), Clock()):
    print("held", flush=True)
    sys.stdin.read()
"""


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_there_and_back(house: StoredHouse, tmp_path: Path) -> None:
    """To a new machine: all is there but the PIN, which is asked for."""
    done = house.tool("backup", "copy.tar.gz")
    assert done.returncode == 0, done.stderr
    assert f"left out: pin of {PACK}" in done.stderr
    history = house.tool("export", "--device", PACK).stdout
    (tmp_path / "new").mkdir()
    new = StoredHouse(tmp_path / "new")
    new.registry.unlink()

    restored = new.tool("restore", tmp_path / "copy.tar.gz")

    assert restored.returncode == 0, restored.stderr
    assert f"pin of {PACK}" in restored.stderr
    assert new.registry.read_text() == REGISTRY.replace("048193", "''")
    assert new.tool("export", "--device", PACK).stdout == history
    assert len(history.splitlines()) > 1000


class Clone:
    """A checkout of the program in which nobody has set up anything."""

    def __init__(self, folder: Path) -> None:
        self.top = folder / "clone"
        shutil.copytree(TOP / "jk_bms", self.top / "jk_bms", ignore=shutil.ignore_patterns("__pycache__"))

    def tool(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run its jk-util.py to the end."""
        command = [sys.executable, self.top / "jk_bms" / "jk-util.py", *arguments]
        return subprocess.run(command, env=bare(), capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("there", [True, False], ids=["its places are here", "they are not"])
def test_to_a_machine_without_settings(house: StoredHouse, tmp_path: Path, *, there: bool) -> None:
    """Database and registry go where the restored settings will look for them."""
    history = house.tool("export", "--device", PACK).stdout
    elsewhere = tmp_path / "elsewhere"
    house.state.rename(elsewhere)
    house.env.write_text(house.env.read_text().replace("state/", f"{elsewhere}/"))
    assert house.tool("backup", "copy.tar.gz").returncode == 0
    shutil.rmtree(elsewhere)
    if there:
        elsewhere.mkdir()
    clone = Clone(tmp_path)

    tried = clone.tool("restore", house.folder / "copy.tar.gz", "--dry-run")
    restored = clone.tool("restore", house.folder / "copy.tar.gz")

    database = (elsewhere if there else clone.top) / "bms.db"
    assert restored.returncode == 0, restored.stderr
    assert f"restored {database}" in restored.stdout
    assert f"would write {database}" in tried.stdout
    assert f"restored {clone.top / '.env'}" in restored.stdout
    assert ("set them again in .env" in restored.stderr) == (not there)
    assert clone.tool("export", "--device", PACK).stdout == history


def test_a_backup_of_the_demonstration_sets_up_nothing(house: StoredHouse, tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    (clone.top / "demo").mkdir()
    shutil.copy(house.bms_db, clone.top / "demo")

    assert clone.tool("backup", tmp_path / "copy.tar.gz").returncode == 0
    restored = clone.tool("restore", tmp_path / "copy.tar.gz")

    assert restored.returncode == 0, restored.stderr
    assert not (clone.top / ".env").exists()


def test_no_secret_gets_in(house: StoredHouse) -> None:
    house.tool("backup", "copy.tar.gz")

    with tarfile.open(house.folder / "copy.tar.gz") as archive:
        texts = [archive.extractfile(name) for name in archive.getnames() if name != "bms.db"]
        content = b"".join(text.read() for text in texts if text)
    assert not re.search(rb"(?<!\w)048193(?!\w)", content)  # within a checksum it may stand by chance
    assert b"hunter2" not in content
    assert b"TIMEZONE=Europe/Kyiv" in content


def test_into_a_folder_and_never_over_something(house: StoredHouse) -> None:
    assert house.tool("backup", house.folder).returncode == 0
    [made] = house.folder.glob("easun-jkbms-*.tar.gz")
    before = house.bms_db.read_bytes()

    for name in (made, house.bms_db):
        refused = house.tool("backup", name)
        assert (refused.returncode, "exists already" in refused.stderr) == (1, True)
    refused = house.tool("backup", house.bms_db, "--replace")

    assert (refused.returncode, "choose another name" in refused.stderr) == (1, True)
    assert house.bms_db.read_bytes() == before
    assert house.tool("backup", made, "--replace").returncode == 0


def test_a_dry_run_changes_nothing(house: StoredHouse) -> None:
    house.tool("backup", "copy.tar.gz")
    house.registry.write_text("# empty\n")
    before = files(house.folder)

    done = house.tool("restore", "copy.tar.gz", "--dry-run")

    assert done.returncode == 0
    assert done.stdout.count("would replace") == 2
    assert files(house.folder) == before


def test_restore_over_what_is_there(house: StoredHouse) -> None:
    """The present PIN stays; the old files are kept; .env is not touched, its difference told."""
    house.tool("backup", "copy.tar.gz")
    kept = house.tool("export").stdout
    house.tool("import", "--log", log(house))
    house.registry.write_text(REGISTRY.replace("attic", "cellar"))
    env = house.env.read_text().replace("Europe/Kyiv", "Europe/Paris")
    house.env.write_text(env)

    done = house.tool("restore", "copy.tar.gz")

    assert done.returncode == 0, done.stderr
    assert house.registry.read_text() == REGISTRY.replace("048193", "'048193'")
    assert house.env.read_text() == env
    assert "TIMEZONE=Europe/Kyiv" in done.stderr
    assert len(list(house.state.glob("bms.db.replaced-*"))) >= 1
    assert len(list(house.folder.glob("jk_devices.yaml.replaced-*"))) == 1
    assert len(house.tool("export").stdout.splitlines()) == len(kept.splitlines())


def log(house: StoredHouse) -> Path:
    path = house.folder / "stat.log"
    path.write_text("2026-09-15T12:00:00+02:00;Voltage: 52.5 V, Battery Level: 95.3%\n")
    return path


def test_only_the_database(house: StoredHouse) -> None:
    house.tool("backup", "copy.tar.gz")
    house.registry.write_text("# mine\n")

    assert house.tool("restore", "copy.tar.gz", "--only-database").returncode == 0

    assert house.registry.read_text() == "# mine\n"


async def test_what_waits_goes_neither_over_a_backup_nor_over_an_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk left frames beside the socket; the restored state is what the service goes on from."""
    monkeypatch.setattr(sinking, "JOURNAL_MOST", 10_000)
    house = StoredHouse(tmp_path)
    house.env.write_text(f"TIMEZONE=UTC\nJK_DEVICES_FILE={house.registry}\n")
    day = made_day(1200)
    with house_in(house.folder) as memory:
        assert all(await memory.live(day[:600]))
        saved = memory.states()
    assert house.tool("backup", "copy.tar.gz", "--replace").returncode == 0
    with house_in(house.folder) as memory:
        memory.full(True)
        assert not any(await memory.live(day[600:], every=100))
    assert (house.folder / WAITING).exists()
    (house.folder / "m.json").write_text('{"shed": {"total_energy_charge": {"reading": 5000}}}')

    refused = house.tool("import", "--meters", "m.json")
    tried = house.tool("restore", "copy.tar.gz", "--dry-run")
    restored = house.tool("restore", "copy.tar.gz", "--only-database")

    assert (refused.returncode, "make room on the disk" in refused.stderr) == (1, True)
    assert (tried.returncode, tried.stdout.count("would put aside")) == (0, 2)
    assert restored.returncode == 0, restored.stderr
    for name in (WAITING, JOURNAL):
        assert not (house.folder / name).exists()
        assert f"what was there is now {house.folder / name}.replaced-" in restored.stdout
    with house_in(house.folder) as memory:
        assert memory.states() == saved
    assert house.tool("import", "--meters", "m.json").returncode == 0


def test_where_nobody_can_tell_what_waits_nothing_is_restored(house: StoredHouse) -> None:
    house.tool("backup", "copy.tar.gz")
    loop = house.folder / "loop"
    loop.symlink_to(loop)
    house.env.write_text(house.env.read_text().replace("state/s\n", "loop/s\n"))
    before = house.bms_db.read_bytes()

    refused = house.tool("restore", "copy.tar.gz")

    assert (refused.returncode, "cannot be looked at" in refused.stderr) == (1, True)
    assert house.bms_db.read_bytes() == before


@pytest.mark.parametrize("words", [("restore", "copy.tar.gz"), ("import", "--log", "stat.log")])
def test_a_running_poller_is_in_the_way(words: tuple[str, ...], house: StoredHouse) -> None:
    house.tool("backup", "copy.tar.gz")
    log(house)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, house.bms_db], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        before = house.bms_db.read_bytes()

        refused = house.tool(*words)

        assert refused.returncode == 1
        assert f"another poller (pid {holder.pid})" in refused.stderr
        assert "stop that one first (" in refused.stderr
        assert "BMS_DB_PATH" not in refused.stderr
        assert house.bms_db.read_bytes() == before
        assert house.tool("backup", "beside.tar.gz").returncode == 0  # this one may go on beside it


def test_a_bad_archive_changes_nothing(house: StoredHouse) -> None:
    house.tool("backup", "copy.tar.gz")
    whole = (house.folder / "copy.tar.gz").read_bytes()
    (house.folder / "copy.tar.gz").write_bytes(whole[: len(whole) // 2])
    before = files(house.folder)

    refused = house.tool("restore", "copy.tar.gz")

    assert refused.returncode == 1
    assert "damaged or cut short" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert files(house.folder).items() - before.items() <= {("state/bms.db.lock", b"%d\n" % 0)} | {
        item for item in files(house.folder).items() if item[0] == "state/bms.db.lock"
    }


def with_text(archive: Path, name: str, content: bytes) -> None:
    """Make the archive anew with this text in it, with good sums."""
    folder = archive.parent / "remade"
    folder.mkdir()
    manifest = open_archive(archive, folder)
    texts = {text: (folder / text).read_bytes() for text in manifest.files if text != "bms.db"}
    write_archive(archive, folder / "bms.db", texts | {name: content}, made_at=manifest.made_at)


BAD_TEXTS: dict[str, tuple[str, bytes, str]] = {
    "settings that are no UTF-8": ("settings.env", b"LOG_LEVEL=\xff\xfe\n", "settings.env is not UTF-8"),
    "settings with a zero byte": ("settings.env", b"DB_PATH=a\0b\n", "settings.env is no text"),
    "a registry that is no UTF-8": ("jk_devices.yaml", b"a: \xff\n", "jk_devices.yaml is not UTF-8"),
    "a registry that is no YAML": ("jk_devices.yaml", b"AA: [\n", "registry cannot be used"),
    "a registry of another program": (
        "jk_devices.yaml",
        b"- host: x\n  password: hunter2\n",
        "registry cannot be used",
    ),
}


@pytest.mark.parametrize(("name", "content", "says"), BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_backup_with_a_bad_text_changes_nothing(
    house: StoredHouse, name: str, content: bytes, says: str
) -> None:
    """It is refused before anything is replaced; the database alone can still be had."""
    archive = house.folder / "copy.tar.gz"
    house.tool("backup", archive)
    with_text(archive, name, content)
    before = files(house.folder)

    refused = house.tool("restore", archive)

    assert refused.returncode == 2
    assert says in refused.stderr
    assert "--only-database does without it" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "hunter2" not in refused.stderr
    after = files(house.folder)
    assert {path for path in after if after[path] != before.get(path)} <= {"state/bms.db.lock"}
    assert house.tool("restore", archive, "--only-database").returncode == 0


def inverter_db(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TABLE readings (id INTEGER PRIMARY KEY, created_at TEXT, payload TEXT, error TEXT)"
        )


@pytest.mark.parametrize("words", [["restore"], ["restore", "--dry-run"]], ids=["restore", "dry run"])
def test_what_is_not_ours_is_not_replaced(house: StoredHouse, words: list[str]) -> None:
    archive = house.folder / "copy.tar.gz"
    house.tool("backup", archive)
    ours, registry = house.bms_db.read_bytes(), house.registry.read_text()
    house.bms_db.unlink()
    inverter_db(house.bms_db)
    before = files(house.folder)

    refused = house.tool(*words, archive)

    assert (refused.returncode, "not a bms.db of ours" in refused.stderr) == (2, True), refused.stderr
    assert files(house.folder) == before

    house.bms_db.unlink()
    house.bms_db.write_bytes(ours)
    house.registry.write_text("- host: x\n  password: hunter2\n")
    refused = house.tool(*words, archive)

    assert refused.returncode == 2
    assert "may be another program's" in refused.stderr
    assert "hunter2" not in refused.stderr
    assert house.registry.read_text() != registry


@pytest.mark.parametrize("name", ["inverter.db", "env", "jk_devices.yaml", "state/bms.db", "notes"])
def test_a_backup_replaces_only_a_backup(house: StoredHouse, name: str) -> None:
    target = house.folder / name
    if not target.exists():
        target.write_text("precious")
    before = target.read_bytes()

    refused = house.tool("backup", target, "--replace")

    assert (refused.returncode, "choose another name" in refused.stderr) == (1, True)
    assert target.read_bytes() == before


def test_nothing_is_rebuilt_where_there_is_nothing(house: StoredHouse) -> None:
    house.bms_db.unlink()

    refused = house.tool("history", "rebuild")

    assert (refused.returncode, "no such database" in refused.stderr) == (1, True)
    assert not house.bms_db.exists()


def test_a_damaged_database_can_be_restored(house: StoredHouse) -> None:
    """That is what backups are for; the damaged one is kept."""
    house.tool("backup", "copy.tar.gz")
    house.bms_db.write_bytes(b"\xff" * 50_000)
    assert house.tool("history").returncode == 1

    assert house.tool("restore", "copy.tar.gz").returncode == 0

    assert "Battery SOC" in house.tool("history").stdout
    [aside] = [path for path in house.state.glob("bms.db.replaced-*") if path.name[-1].isdigit()]
    assert aside.read_bytes() == b"\xff" * 50_000


def test_what_was_written_over_a_database_is_not_replaced(house: StoredHouse) -> None:
    """It may be another program's: a person moves it away."""
    house.tool("backup", "copy.tar.gz")
    house.bms_db.write_bytes(b"precious" * 1000)

    refused = house.tool("restore", "copy.tar.gz")

    assert (refused.returncode, "move that file away" in refused.stderr) == (2, True)
    assert house.bms_db.read_bytes() == b"precious" * 1000


def test_a_registry_that_cannot_be_read_does_not_stop_a_backup(house: StoredHouse) -> None:
    house.registry.write_text("AA: [\n")

    done = house.tool("backup", "copy.tar.gz")

    assert done.returncode == 0
    assert "left out: the registry: " in done.stderr
    folder = house.folder / "opened"
    folder.mkdir()
    assert set(open_archive(house.folder / "copy.tar.gz", folder).files) == {"bms.db", "settings.env"}
    with open_reader(folder / "bms.db"):
        assert VERSION


# The texts

SECRETS = {
    # registry: (emptied, names of what was left out)
    "a:\n  pin: 123 # why\n  name: x\n": ("a:\n  pin: '' # why\n  name: x\n", ["pin of a"]),
    "a: {pin: 123, type: foo, api_key: 'x y'}\n": (
        "a: {pin: '', type: foo, api_key: ''}\n",
        ["pin of a", "api_key of a"],
    ),
    "a:\n  mqtt: {password: hunter2}\n": ("a:\n  mqtt: {password: ''}\n", ["password of mqtt"]),
    "a:\n  pin:\n": ("a:\n  pin:\n", []),
    "# a:\n#   pin: 123\n": ("# a:\n#   pin:\n", ["what comments in the registry told"]),
    "a:\n  monkey: banana\n  keyboard: us\n": ("a:\n  monkey: banana\n  keyboard: us\n", []),
    "a:\n  pin: &p 123\nb:\n  pin: *p\n": None,  # told as a fault, or emptied without a trace
}


@pytest.mark.parametrize(("text", "expected"), SECRETS.items())
def test_secrets_of_a_registry(text: str, expected: tuple[str, list[str]] | None) -> None:
    if expected is None:
        try:
            emptied = without_secrets(text, Path("r"))[0]
        except ConfigError:
            emptied = ""
        assert "123" not in emptied
    else:
        assert without_secrets(text, Path("r")) == expected


def test_secrets_come_back_from_the_present_registry() -> None:
    present = "a:\n  pin: '007'\nb: {token: x}\n"
    stored = "a:\n  pin: ''\n  alias: new\nb: {token: '', pin: ''}\n"

    assert (
        with_secrets(stored, Path("r"), present) == "a:\n  pin: '007'\n  alias: new\nb: {token: x, pin: ''}\n"
    )
    assert with_secrets(without_secrets(present, Path("r"))[0], Path("r"), present) == present


def test_settings_read_back_as_they_were(tmp_path: Path) -> None:
    env = tmp_path / "env"
    env.write_text(
        'LOG_LEVEL=debug\nDB_PATH="/a b/it\'s #1.db"\nBMS_SOC_CURVE=2.5:0,3.4:100\nOTHER_TOKEN=x\n'
    )
    settings = load_settings({}, env, top=tmp_path)

    again = tmp_path / "again"
    again.write_bytes(backup_texts(settings).files["settings.env"])
    restored = load_settings({}, again, top=tmp_path)

    assert (restored.log_level, restored.db_path, restored.soc_curve.points) == (
        settings.log_level,
        settings.db_path,
        settings.soc_curve.points,
    )
    assert b"OTHER" not in again.read_bytes()
    assert os.fspath(restored.db_path) == "/a b/it's #1.db"
