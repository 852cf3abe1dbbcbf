"""install.sh among the things of others: units, commands, links, folders and lists that are not ours."""

import hashlib
import os
import re
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.packaging.commands import (
    BOT_UNIT,
    COMMAND,
    ENVIRONMENT,
    PROJECT,
    RULE,
    UNIT,
    Install,
    Run,
    setting,
    snapshot,
    write,
)

EARLIER = Path(__file__).parent / "earlier"
UNITS = "etc/systemd/system"
THEIR_UNIT = "[Unit]\nDescription=of the inverter program\n[Service]\nExecStart=/bin/true\n"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def sum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def manifest(root: Path, *lines: str, prefix: str = "opt/easun-jkbms") -> Path:
    return write(root / prefix / ".easun-jkbms-files", "".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize("folder", [UNITS, "run/systemd/system", "usr/lib/systemd/system"])
def test_the_inverter_programs_units_are_left_alone(folder: str, root: Path, install: Install) -> None:
    theirs = [
        write(root / folder / f"{name}.service", THEIR_UNIT)
        for name in ("easun-bot", "easun-web", "easun-poller")
    ]
    before = snapshot(root)

    first, again = install(), install()
    gone = install("--uninstall")

    assert (first.returncode, again.returncode, gone.returncode) == (0, 0, 0), first.stderr
    assert all(path.read_text(encoding="utf-8") == THEIR_UNIT for path in theirs)
    assert not re.search(r"easun-(bot|web|poller)", first.stdout + again.stdout + gone.stdout)
    left = snapshot(root)
    assert {path: left[path] for path in before} == before


@pytest.mark.parametrize("folder", [UNITS, "run/systemd/system", "usr/lib/systemd/system"])
@pytest.mark.parametrize("name", ["easun-jkbms", "easun-jkbms-bot"])
def test_a_unit_of_our_name_without_our_mark_is_left_alone(
    name: str, folder: str, root: Path, install: Install
) -> None:
    """Neither written over nor hidden; without the poller's own unit nothing is installed at all."""
    theirs = write(root / folder / f"{name}.service", THEIR_UNIT)
    before = snapshot(root)

    result = install()

    if name == "easun-jkbms":
        assert (result.returncode, snapshot(root)) == (1, before)
        assert f"/{folder}/{name}.service is not ours" in result.stderr
    else:
        assert result.returncode == 0, result.stderr
        assert f"bot: installed but not started: /{folder}/{name}.service is not ours" in result.stdout
        assert (root / UNIT).exists()
    install("--uninstall")
    assert theirs.read_text(encoding="utf-8") == THEIR_UNIT
    assert (root / BOT_UNIT).exists() == (theirs == root / BOT_UNIT)


def test_a_unit_that_the_owner_masked_stays_masked(root: Path, install: Install) -> None:
    (root / UNITS).mkdir(parents=True)
    (root / BOT_UNIT).symlink_to("/dev/null")

    install()
    install("--uninstall")

    assert (root / BOT_UNIT).readlink() == Path("/dev/null")


def house_of(text: str) -> str:
    """An earlier unit as it was installed in another place."""
    return (
        text.replace("/opt/easun-jkbms", "/opt/eamoon")
        .replace("=/etc/easun-jkbms/", "=/opt/eamoon/")
        .replace("ReadWritePaths=-/var/log/easun-jkbms", "ReadWritePaths=-/srv/logs")
    )


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_bots_unit_of_an_earlier_version_gets_its_new_name_once(
    elsewhere: bool, root: Path, install: Install
) -> None:
    text = (EARLIER / "easun-bot.service").read_text(encoding="utf-8")
    old = write(root / UNITS / "easun-bot.service", house_of(text) if elsewhere else text)
    link = root / UNITS / "multi-user.target.wants/easun-bot.service"
    link.parent.mkdir()
    link.symlink_to("/etc/systemd/system/easun-bot.service")

    dry = install("--dry-run")
    kept = old.exists()
    first = install()

    assert kept
    assert "would: remove /etc/systemd/system/easun-bot.service, which is easun-jkbms-bot now" in dry.stdout
    assert first.returncode == 0, first.stderr
    assert not old.exists()
    assert not link.is_symlink()
    assert (root / BOT_UNIT).exists()
    write(old, THEIR_UNIT)  # now the inverter program comes
    install()
    install("--uninstall")
    assert old.read_text(encoding="utf-8") == THEIR_UNIT


def test_a_changed_unit_of_the_old_name_is_not_taken_for_ours(root: Path, install: Install) -> None:
    text = (EARLIER / "easun-bot.service").read_text(encoding="utf-8")
    old = write(root / UNITS / "easun-bot.service", text.replace("RestartSec=10", "RestartSec=5"))

    install()
    install("--uninstall")

    assert "RestartSec=5" in old.read_text(encoding="utf-8")


def test_the_pollers_unit_of_an_earlier_version_is_known(root: Path, install: Install) -> None:
    shutil.copy(EARLIER / "easun-jkbms.service", write(root / UNIT, ""))

    result = install()

    assert result.returncode == 0, result.stderr
    assert (root / UNIT).read_text(encoding="utf-8").startswith("# easun-jkbms\n")


FOREIGN_FILES = {
    "the command": COMMAND,
    "a command of the system": "usr/bin/jk-util",
    "the rule": RULE,
}


@pytest.mark.parametrize("path", FOREIGN_FILES.values(), ids=FOREIGN_FILES)
def test_a_file_of_another_at_our_place_is_left(path: str, root: Path, install: Install) -> None:
    theirs = write(root / path, "#!/bin/sh\necho theirs\n")

    result = install("--allow-repairs")
    install("--uninstall")

    assert f"/{path} is not ours" in result.stdout
    assert theirs.read_text(encoding="utf-8") == "#!/bin/sh\necho theirs\n"
    assert not (root / COMMAND).exists() or path == COMMAND


def test_the_tool_is_called_by_its_path_where_the_command_is_anothers(root: Path, install: Install) -> None:
    write(root / COMMAND, "theirs\n")

    install()

    places = (root / "opt/easun-jkbms/.easun-jkbms-places").read_text(encoding="utf-8")
    assert f"JK_UTIL=sudo {ENVIRONMENT}/bin/python /opt/easun-jkbms/jk_bms/jk-util.py\n" in places


# ---- the list of our files ----


@pytest.fixture
def victims(root: Path) -> dict[str, Path]:
    """Files that no list may lead to, by the path that a list would say."""
    return {
        "../../srv/victim": write(root / "srv/victim", "theirs\n"),
        "jk_bms/../../../srv/other": write(root / "srv/other", "theirs\n"),
        "notes.txt": write(root / "opt/easun-jkbms/notes.txt", "mine\n"),
        "link/file": write(root / "srv/linked/file", "theirs\n"),
    }


def hostile(root: Path, victims: dict[str, Path], *, true_sums: bool) -> None:
    """A list that names the victims, as an older version's files, with their real checksums or others."""
    (root / "opt/easun-jkbms/link").symlink_to("../../srv/linked")
    absolute = root / "srv/victim"
    lines = [
        f"{sum_of(path) if true_sums else 64 * '0'} {name}"
        for name, path in victims.items()
        if name != "notes.txt" or not true_sums
    ]
    manifest(root, *lines, f"{sum_of(absolute)} {absolute}", "settings /etc/cron.d", "x", " ", "no-sum a b c")


@pytest.mark.parametrize("true_sums", [False, True])
@pytest.mark.parametrize("words", [(), ("--uninstall",)], ids=["install", "uninstall"])
def test_a_hostile_list_leads_nowhere(
    words: tuple[str, ...], true_sums: bool, root: Path, install: Install, victims: dict[str, Path]
) -> None:
    hostile(root, victims, true_sums=true_sums)
    before = {path: path.read_text(encoding="utf-8") for path in victims.values()}

    result = install(*words)

    assert result.returncode == 0, result.stderr
    assert {path: path.read_text(encoding="utf-8") for path in before} == before
    assert not (root / "etc/cron.d").exists()
    assert "are not of ours and are passed over" in result.stdout


def test_a_file_that_the_list_claims_and_that_is_anothers_is_not_written_over(
    root: Path, install: Install
) -> None:
    readme = write(root / "opt/easun-jkbms/README.md", "# theirs\n")
    manifest(root, f"{64 * '1'} README.md")

    result = install()

    assert "left as they are, they are not ours: README.md" in result.stdout
    assert readme.read_text(encoding="utf-8") == "# theirs\n"


def test_an_update_that_was_interrupted_goes_on(clone: Path, root: Path, install: Install) -> None:
    """Whatever was copied until then, old and new files are both known as ours."""
    install()
    old = (root / "opt/easun-jkbms/.easun-jkbms-files").read_text(encoding="utf-8")
    (clone / "jk_bms_service.py").write_text("print('second')\n", encoding="utf-8")
    (clone / "telegram_bot.py").write_text("print('second bot')\n", encoding="utf-8")
    second = install()
    merged = old + (root / "opt/easun-jkbms/.easun-jkbms-files").read_text(encoding="utf-8")
    write(root / "opt/easun-jkbms/telegram_bot.py", "print('bot')\n")  # still the first version's
    manifest(root, *merged.splitlines())
    (clone / "jk_bms_service.py").write_text("print('third')\n", encoding="utf-8")

    third = install()

    assert (second.returncode, third.returncode) == (0, 0), second.stderr + third.stderr
    assert "not ours" not in third.stdout
    assert (root / "opt/easun-jkbms/jk_bms_service.py").read_text() == "print('third')\n"
    assert (root / "opt/easun-jkbms/telegram_bot.py").read_text() == "print('second bot')\n"


def test_foreign_folders_are_not_emptied(root: Path, install: Install) -> None:
    install()
    cache = write(root / "opt/easun-jkbms/jk_bms/__pycache__/theirs.cpython-311.pyc", "theirs")
    empty = root / "opt/easun-jkbms/jk_bms/plugins/empty"
    empty.mkdir(parents=True)

    install("--uninstall")

    assert cache.exists()
    assert empty.is_dir()


def test_a_link_in_the_way_of_the_code_is_not_followed(root: Path, install: Install) -> None:
    (root / "srv/elsewhere").mkdir(parents=True)
    (root / "opt/eamoon").mkdir(parents=True)
    (root / "opt/eamoon/jk_bms").symlink_to(root / "srv/elsewhere")

    result = install("--prefix", "/opt/eamoon")

    assert result.returncode == 1
    assert "/opt/eamoon/jk_bms is a link; nothing was changed" in result.stderr
    assert list((root / "srv/elsewhere").iterdir()) == []


def test_a_link_at_the_place_of_a_file_is_not_followed(root: Path, install: Install) -> None:
    victim = write(root / "srv/victim", "theirs\n")
    install()
    (root / "opt/easun-jkbms/README.md").unlink()
    (root / "opt/easun-jkbms/README.md").symlink_to(victim)

    install()
    install("--uninstall")

    assert victim.read_text(encoding="utf-8") == "theirs\n"
    assert (root / "opt/easun-jkbms/README.md").is_symlink()


def test_an_environment_that_is_not_ours_stays(root: Path, install: Install) -> None:
    """Neither a link nor a folder that a stamp of another place was copied into."""
    install()
    stamp = "/somewhere/.venv\n3.11\nsum\n"
    elsewhere = write(root / "srv/venv/.easun-jkbms-runtime", stamp).parent
    copied = write(root / "opt/easun-jkbms/.venv/.easun-jkbms-runtime", stamp)
    (root / "opt/easun-jkbms/.venv-jkbms").symlink_to(elsewhere)

    install("--uninstall")

    assert copied.exists()
    assert (elsewhere / ".easun-jkbms-runtime").exists()


SYSTEM = [
    "/usr", "/usr/lib/python3", "/usr/local", "/usr/local/lib", "/usr/local/lib/other", "/etc/easun-jkbms", "/var/lib/x",
    "/boot/x", "/proc/1", "/sys/x", "/dev/shm/x", "/run/x", "/bin", "/sbin/x", "/lib/x", "/lib64/x", "/opt", "/home",
    "/home/pi", "/root", "/srv", "/tmp", "/", "/opt/../etc/x", "/opt/x/../../usr/x",
]  # fmt: skip


@pytest.mark.parametrize("prefix", SYSTEM)
def test_a_folder_of_the_system_is_no_prefix(prefix: str, root: Path, install: Install) -> None:
    result = install("--prefix", prefix)

    assert result.returncode == 2
    assert "expected a folder of its own" in result.stderr
    assert snapshot(root) == {}


@pytest.mark.parametrize("prefix", ["/usr/local/lib/easun-jkbms", "/opt/x", "/srv/x", "/home/pi/x"])
def test_other_folders_are(prefix: str, root: Path, install: Install) -> None:
    assert install("--prefix", prefix).returncode == 0
    assert (root / prefix.lstrip("/") / "jk_bms_service.py").exists()


def test_a_link_to_a_folder_of_the_system_is_no_prefix_either(root: Path, install: Install) -> None:
    (root / "etc").mkdir()
    (root / "opt").mkdir()
    (root / "opt/x").symlink_to(root / "etc")

    result = install("--prefix", "/opt/x/y")

    assert (result.returncode, list((root / "etc").iterdir())) == (2, [])


# ---- where others may write ----


def owned(path: Path, number: int = 12345) -> Path:
    os.chown(path, number, number)
    return path


def code_of(unit: Path) -> str:
    return setting(unit, "ExecStart")[0].split()[-1]


@as_root
@pytest.mark.parametrize("how", ["owner", "group", "everybody", "a folder above"])
def test_root_runs_nothing_that_others_may_replace(how: str, root: Path, install: Install) -> None:
    """The code goes to the standard place; settings, registry and database stay with the program."""
    theirs = root / "srv/house/eamoon"
    write(theirs / ".env", "DB_PATH=data/inverter.db\n")
    write(theirs / "easun_poller.py", "theirs\n")
    if how == "owner":
        owned(theirs)
    elif how == "group":
        os.chown(theirs, 0, 12345)
        theirs.chmod(0o775)
    elif how == "everybody":
        theirs.chmod(0o777)
    else:
        owned(theirs.parent)
    before = snapshot(theirs)

    first, again = install("--prefix", "/srv/house/eamoon"), install("--prefix", "/srv/house/eamoon")

    assert first.returncode == 0, first.stderr
    assert "code: in /opt/easun-jkbms, because" in first.stdout
    assert "nothing to change" in again.stdout
    assert snapshot(theirs) == before
    assert code_of(root / UNIT) == "/opt/easun-jkbms/jk_bms_service.py"
    assert "/srv/house" not in (root / COMMAND).read_text(encoding="utf-8")
    environment = setting(root / UNIT, "Environment")
    assert "JK_ENV_FILE=/srv/house/eamoon/.env" in environment
    assert "JK_DEVICES_FILE=/etc/easun-jkbms/jk_devices.yaml" in environment
    assert setting(root / UNIT, "ReadWritePaths") == ["-/srv/house/eamoon/data"]

    without_prefix = install()
    assert "nothing to change" in without_prefix.stdout
    install("--uninstall")
    assert snapshot(theirs) == before
    assert not (root / "opt/easun-jkbms").exists()


def test_the_service_may_not_replace_what_root_runs(root: Path, install: Install) -> None:
    """It writes beside the inverter's database: no code of ours lies there."""
    write(root / "opt/eamoon/.env", "DB_PATH=/opt/eamoon/inverter.db\n")

    result = install("--prefix", "/opt/eamoon")

    assert "because the service may write in /opt/eamoon" in result.stdout
    assert [path.name for path in (root / "opt/eamoon").iterdir()] == [".env"]
    assert code_of(root / UNIT) == "/opt/easun-jkbms/jk_bms_service.py"


@as_root
def test_code_of_ours_in_other_hands_is_written_anew(root: Path, install: Install) -> None:
    """Its content and mode are right, but its owner may change them after this."""
    install()
    code = root / "opt/easun-jkbms/jk_bms"
    theirs = [owned(code / "jk-util.py"), owned(write(code / "__pycache__/theirs.cpython-313.pyc", "theirs"))]
    owned(code / "__pycache__")

    shown, first, again = install("--dry-run"), install(), install()

    assert "would: copy 1 of" in shown.stdout
    assert first.returncode == 0, first.stderr
    assert "copy 1 of" in first.stdout
    assert [path.stat().st_uid for path in code.parent.rglob("*") if path.stat().st_uid] == []
    assert [path.exists() for path in theirs] == [True, False]
    assert "nothing to change" in again.stdout


@as_root
def test_a_module_of_another_among_ours_is_refused(root: Path, install: Install) -> None:
    install()
    theirs = owned(write(root / "opt/easun-jkbms/jk_bms/json.py", "theirs\n"))

    result = install()

    assert result.returncode == 1
    assert "jk_bms/json.py" in result.stderr
    assert theirs.read_text(encoding="utf-8") == "theirs\n"


@as_root
@pytest.mark.parametrize("how", ["owner", "everybody"])
def test_an_environment_in_other_hands_is_made_anew(how: str, root: Path, clone: Path, run: Run) -> None:
    python = run(PROJECT / "tools" / "find-python", "--system").stdout.strip()
    if not python:
        pytest.skip("every Python here lives in a home, where no service can reach it")
    command = (clone / "install.sh", "--root", root)
    run(*command, PYTHON=python)
    [packages] = (root / "opt/easun-jkbms/.venv").glob("lib/python*/site-packages")
    planted = write(packages / "planted.pth", "import os\n")
    if how == "owner":
        owned(planted)
    else:
        planted.chmod(0o666)

    first, again = run(*command, PYTHON=python), run(*command, PYTHON=python)

    assert first.returncode == 0, first.stderr
    assert "may change what root runs: /opt/easun-jkbms/.venv/lib" in first.stdout
    assert not planted.exists()
    assert packages.is_dir()
    assert "nothing to change" in again.stdout


@as_root
def test_what_an_earlier_version_put_there_moves_out(root: Path, install: Install, clone: Path) -> None:
    write(root / "opt/eamoon/.env", "DB_PATH=data/inverter.db\n")
    write(root / "opt/eamoon/easun_poller.py", "theirs\n")
    before = snapshot(root / "opt/eamoon")
    install("--prefix", "/opt/eamoon")
    assert (root / "opt/eamoon/jk_bms_service.py").exists()
    owned(root / "opt/eamoon")

    result = install("--prefix", "/opt/eamoon")

    assert result.returncode == 0, result.stderr
    left = snapshot(root / "opt/eamoon")
    assert left == before | {"jk_devices.yaml": left["jk_devices.yaml"]}
    assert code_of(root / UNIT) == "/opt/easun-jkbms/jk_bms_service.py"
    assert "JK_DEVICES_FILE=/opt/eamoon/jk_devices.yaml" in setting(root / UNIT, "Environment")


@as_root
def test_the_standard_place_in_other_hands_is_refused(root: Path, install: Install) -> None:
    (root / "opt").mkdir()
    owned(root / "opt")

    result = install()

    assert result.returncode == 1
    assert (
        "may write in /opt/easun-jkbms and so change what 'sudo jk-util' runs; nothing was changed"
        in result.stderr
    )
    assert [path.name for path in root.rglob("*")] == ["opt"]


def test_a_database_in_the_folder_of_the_code_is_refused(root: Path, install: Install) -> None:
    write(root / "etc/easun-jkbms/.env", "DB_PATH=/opt/easun-jkbms/inverter.db\n")

    result = install()

    assert result.returncode == 1
    assert "set it to another folder, e.g. /var/lib/easun-jkbms" in result.stderr


# ---- the token ----


def bot_words(result: CompletedProcess[str]) -> str:
    found = re.search(r"^bot: .*$", result.stdout, re.MULTILINE)
    return found[0] if found else ""


def test_the_token_of_another_program_is_not_taken(root: Path, install: Install) -> None:
    write(root / "opt/eamoon/.env", "DB_PATH=/opt/eamoon/i.db\nTELEGRAM_BOT_TOKEN=1:secret\n")
    write(root / "opt/eamoon/easun_web.py", "theirs\n")

    result = install("--prefix", "/opt/eamoon")

    assert "set BMS_BOT_TOKEN in /opt/eamoon/.env" in bot_words(result)
    assert "1:secret" not in result.stdout
    for unit in (UNIT, BOT_UNIT):
        assert "JK_ENV_SHARED=true" in setting(root / unit, "Environment")
    write(root / "opt/eamoon/.env", "DB_PATH=/opt/eamoon/i.db\nBMS_BOT_TOKEN=2:ours\n")
    assert bot_words(install("--prefix", "/opt/eamoon")) == ""


def test_a_token_in_settings_of_our_own_is_taken(root: Path, install: Install) -> None:
    write(root / "etc/easun-jkbms/.env", "TELEGRAM_BOT_TOKEN=1:ours\n")

    result = install()

    assert bot_words(result) == ""
    assert "JK_ENV_SHARED=true" not in setting(root / BOT_UNIT, "Environment")


def test_units_bear_the_mark() -> None:
    for unit in (PROJECT / "systemd").glob("*.service"):
        assert unit.name.startswith("easun-jkbms")
        assert unit.read_text(encoding="utf-8").startswith("# easun-jkbms\n")


def test_help_says_where_the_code_goes(run: Run) -> None:
    assert "when others than root may write" in run(PROJECT / "install.sh", "--help").stdout
