"""install.sh: a real installation into a folder, again, beside another program, and away."""

import os
import pty
import re
import shutil
import subprocess
from pathlib import Path

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
    needs,
    setting,
    snapshot,
    write,
)


def test_installs_into_the_standard_places(clone: Path, root: Path, install: Install) -> None:
    result = install()

    code = root / "opt/easun-jkbms"
    assert result.returncode == 0, result.stderr
    assert (code / "jk_bms/model/__init__.py").read_text() == (clone / "jk_bms/model/__init__.py").read_text()
    assert (code / "jk_bms_service.py").is_file()
    assert (code / "telegram_bot.py").is_file()
    assert not [
        name for name in ("tests", "bench", ".git", ".env", "jk_devices.yaml") if (code / name).exists()
    ]
    assert {
        name: oct((root / name).stat().st_mode & 0o7777)
        for name in ("etc/easun-jkbms/.env", "etc/easun-jkbms/jk_devices.yaml", "var/lib/easun-jkbms",
                     UNIT, BOT_UNIT, COMMAND)
    } == {
        "etc/easun-jkbms/.env": "0o640",
        "etc/easun-jkbms/jk_devices.yaml": "0o640",
        "var/lib/easun-jkbms": "0o2770",
        UNIT: "0o644",
        BOT_UNIT: "0o644",
        COMMAND: "0o755",
    }  # fmt: skip
    assert "systemd does not run here" in result.stdout


@pytest.mark.parametrize("unit", [UNIT, BOT_UNIT])
def test_standard_units_are_those_in_the_clone(unit: str, clone: Path, root: Path, install: Install) -> None:
    """So that `cp` of the file and install.sh do the same."""
    shutil.copy2(PROJECT / ".env.example", clone)
    install()

    rendered = (root / unit).read_text(encoding="utf-8")
    assert rendered.replace(f"{ENVIRONMENT}/bin", "/opt/easun-jkbms/.venv/bin") == (
        clone / "systemd" / Path(unit).name
    ).read_text(encoding="utf-8")


def test_a_service_without_a_battery_says_what_to_do(root: Path, install: Install) -> None:
    said = "service: no battery yet: sudo jk-util --scan; what it saves is read at once"

    first = install()
    write(root / "etc/easun-jkbms/jk_devices.yaml", "AA:BB:CC:DD:EE:FF:\n")
    second = install()

    assert said in first.stdout
    assert "no battery" not in second.stdout


def test_second_run_changes_nothing(root: Path, install: Install) -> None:
    install()
    before = snapshot(root)

    second = install()

    assert "nothing to change" in second.stdout
    assert snapshot(root) == before


def test_dry_run_shows_every_step_and_changes_nothing(root: Path, install: Install) -> None:
    dry = install("--dry-run")
    untouched = snapshot(root)
    real = install()

    promised = re.findall(r"^would: (.*)$", dry.stdout, re.MULTILINE)
    done = re.findall(r"^- (.*)$", real.stdout, re.MULTILINE)
    assert untouched == {}
    assert len(promised) > 5
    assert promised == done


def test_the_command_to_run_again_keeps_the_environment(install: Install) -> None:
    """Without --venv the next run would make one of its own."""
    assert f"sudo /opt/easun-jkbms/install.sh --venv {ENVIRONMENT}\n" in install().stdout


def test_a_folder_in_a_home_is_asked_from_inside(tmp_path: Path, run: Run) -> None:
    """The unit sees that folder alone: the home above it need not be opened to the service."""
    script = (PROJECT / "install.sh").read_text(encoding="utf-8")
    function = re.search(r"^service_can_in\(\) \(.*?^\)$", script, re.DOTALL | re.MULTILINE)
    assert function is not None
    asked = 'service_can() { echo "$PWD $*"; }; at_home() { [[ "$1" == */home/* ]]; }\n' + function[0]
    folder = tmp_path / "home/pi/my solar"
    folder.mkdir(parents=True)

    at_home = run("bash", "-c", f'{asked}\nservice_can_in "$1" -w inverter.db', "-", folder, cwd=Path("/"))
    elsewhere = run("bash", "-c", f"{asked}\nservice_can_in /opt/x -x .", cwd=Path("/"))

    assert at_home.stdout == f"{folder} -w ./inverter.db\n", at_home.stderr
    assert elsewhere.stdout == "/ -x /opt/x/.\n"


def test_update_takes_the_new_and_drops_the_old(clone: Path, root: Path, install: Install) -> None:
    install()
    settings = write(root / "etc/easun-jkbms/.env", "JK_BMS_POLL_INTERVAL=7\n")
    registry = write(root / "etc/easun-jkbms/jk_devices.yaml", "AA:BB:CC:DD:EE:FF:\n")
    write(clone / "jk_bms_service.py", "print('newer')\n")
    write(clone / "jk_bms/added.py", "")
    (clone / "jk_bms/model/__init__.py").unlink()

    result = install()

    code = root / "opt/easun-jkbms"
    assert result.returncode == 0, result.stderr
    assert (code / "jk_bms_service.py").read_text() == "print('newer')\n"
    assert (code / "jk_bms/added.py").exists()
    assert not (code / "jk_bms/model").exists()
    assert settings.read_text() == "JK_BMS_POLL_INTERVAL=7\n"
    assert registry.read_text() == "AA:BB:CC:DD:EE:FF:\n"


FOREIGN = {
    ".env": "DB_PATH=data/inverter.db\nTELEGRAM_BOT_TOKEN=1:secret\n",
    "jk_devices.yaml": "AA:BB:CC:DD:EE:FF:\n  alias: theirs\n",
    "requirements.txt": "flask\n",
    "README.md": "# theirs\n",
    "telegram_bot.py": "print('their bot')\n",
    "Dockerfile": "FROM scratch\n",
    "docker-compose.yml": "services: {}\n",
    "data/inverter.db": "SQLite\n",
    ".venv/bin/python": "theirs\n",
}


def test_beside_another_program(root: Path, install: Install) -> None:
    """Its files stay byte for byte, its .env and registry are used, its database is writable."""
    for name, text in FOREIGN.items():
        write(root / "opt/eamoon" / name, text)

    result = install("--prefix", "/opt/eamoon")

    unit = root / UNIT
    assert result.returncode == 0, result.stderr
    assert {name: (root / "opt/eamoon" / name).read_text() for name in FOREIGN} == FOREIGN
    assert (root / "opt/eamoon/jk_bms_service.py").is_file()
    assert not (root / "opt/eamoon/install.sh").exists()
    assert not (root / "etc/easun-jkbms").exists()
    assert setting(unit, "ExecStart") == [f"{ENVIRONMENT}/bin/python /opt/eamoon/jk_bms_service.py"]
    assert setting(unit, "WorkingDirectory") == ["/opt/eamoon"]
    assert setting(unit, "ReadWritePaths") == ["-/opt/eamoon/data"]
    assert setting(unit, "ConfigurationDirectory") == []
    assert setting(unit, "Environment")[:3] == [
        "JK_ENV_FILE=/opt/eamoon/.env",
        "JK_DEVICES_FILE=/opt/eamoon/jk_devices.yaml",
        "BMS_DB_PATH=/var/lib/easun-jkbms/bms.db",
    ]


BOTS = {
    # settings, whether the inverter program has a bot: what is said of ours
    "no token": ("", False, "it has no token: ask @BotFather for one, set TELEGRAM_BOT_TOKEN in {env}"),
    "an empty token": ("TELEGRAM_BOT_TOKEN=\n", False, "it has no token"),
    "a token": ("TELEGRAM_BOT_TOKEN=1:abc\n", False, None),
    "two bots, one token": (
        "TELEGRAM_BOT_TOKEN=1:abc\n",
        True,
        "has a bot too, and two must not share a token",
    ),
}


@pytest.mark.parametrize(("text", "theirs", "said"), BOTS.values(), ids=BOTS)
def test_bot_that_may_not_start_says_why(
    text: str, theirs: bool, said: str | None, root: Path, install: Install
) -> None:
    """And never tells the token."""
    write(root / "opt/eamoon/.env", text)
    if theirs:
        write(root / "opt/eamoon/telegram_bot.py", "theirs\n")

    result = install("--prefix", "/opt/eamoon")

    assert result.returncode == 0, result.stderr
    assert ("bot: installed but not started: " in result.stdout) == bool(said)
    assert (said or "").format(env="/opt/eamoon/.env") in result.stdout
    assert "1:abc" not in result.stdout + (root / BOT_UNIT).read_text(encoding="utf-8")


def test_bot_beside_another_bot(root: Path, install: Install) -> None:
    """A file of the same name is left as it is, and ours is started without it."""
    theirs = write(root / "opt/eamoon/telegram_bot.py", "print('theirs')\n")

    result = install("--prefix", "/opt/eamoon")
    again = install("--prefix", "/opt/eamoon")

    assert result.returncode == 0, result.stderr
    assert "left as they are, they are not ours: telegram_bot.py" in result.stdout
    assert "nothing to change" in again.stdout
    assert theirs.read_text(encoding="utf-8") == "print('theirs')\n"
    assert setting(root / BOT_UNIT, "ExecStart") == [f"{ENVIRONMENT}/bin/python -m jk_bms.bot"]
    assert setting(root / BOT_UNIT, "WorkingDirectory") == ["/opt/eamoon"]


LOGS = {
    # line in .env: (ReadWritePaths, BindPaths)
    "not set": ("", ["-/var/log/easun-jkbms"], []),
    "elsewhere": ("LOG_FILE_PATH=/logs/stat.log", ["-/logs"], []),
    "under its other name": ("DATA_LOG_FILE=/srv/my logs/stat.log", ['"-/srv/my logs"'], []),
    "in a home": ("LOG_FILE_PATH=/home/pi/logs/stat.log", ["-/home/pi/logs"], ["-/home/pi/logs"]),
}


@pytest.mark.parametrize(("line", "writable", "bound"), LOGS.values(), ids=LOGS)
def test_bot_may_write_its_log_file(
    line: str, writable: list[str], bound: list[str], root: Path, install: Install
) -> None:
    """And only that: the inverter's database is not its business."""
    write(root / "etc/easun-jkbms/.env", f"DB_PATH=/srv/inverter/i.db\n{line}\n")

    install()

    unit = root / BOT_UNIT
    assert (setting(unit, "ReadWritePaths"), setting(unit, "BindPaths")) == (writable, bound)


def test_batteries_are_read_where_the_bot_cannot_be_installed(clone: Path, root: Path, run: Run) -> None:
    """A package that is not to be had for this machine costs the bot, not the poller."""
    python = run(PROJECT / "tools" / "find-python", "--system").stdout.strip()
    if not python:
        pytest.skip("every Python here lives in a home, where no service can reach it")
    write(clone / "requirements-bot.txt", "./nowhere.whl\n")

    result = run(clone / "install.sh", "--root", root, PYTHON=python)

    assert result.returncode == 0, result.stderr
    assert "bot: installed but not started: its packages could not be installed" in result.stdout
    assert (root / UNIT).exists()
    assert (root / "opt/easun-jkbms/.venv/.easun-jkbms-runtime").exists()


def test_beside_another_program_again_and_away(root: Path, install: Install) -> None:
    """The second run knows its own files; uninstalling leaves exactly what was there before."""
    for name, text in FOREIGN.items():
        write(root / "opt/eamoon" / name, text)
    before = snapshot(root / "opt/eamoon")
    install("--prefix", "/opt/eamoon")
    installed = snapshot(root)

    again = install("--prefix", "/opt/eamoon")
    unchanged = snapshot(root) == installed
    install("--prefix", "/opt/eamoon", "--uninstall")

    assert "nothing to change" in again.stdout
    assert unchanged
    assert snapshot(root / "opt/eamoon") == before


def test_code_of_another_program_in_the_way_is_refused(root: Path, install: Install) -> None:
    write(root / "opt/eamoon/jk_bms/jk-util.py", "theirs\n")
    write(root / "opt/eamoon/jk_bms_service.py", "theirs\n")
    before = snapshot(root)

    result = install("--prefix", "/opt/eamoon")

    assert result.returncode == 1
    assert "jk_bms/jk-util.py jk_bms_service.py" in result.stderr
    assert "nothing was changed" in result.stderr
    assert snapshot(root) == before


def test_other_files_in_the_way_are_listed_and_left(clone: Path, root: Path, install: Install) -> None:
    """An own folder in which somebody put a README and a lock of his own."""
    install()
    (root / "opt/easun-jkbms/.easun-jkbms-files").write_text("", encoding="utf-8")
    write(root / "opt/easun-jkbms/README.md", "# theirs\n")

    result = install()

    assert "left as they are, they are not ours: README.md" in result.stdout
    assert (root / "opt/easun-jkbms/README.md").read_text() == "# theirs\n"


def test_registry_of_earlier_programs_is_used(root: Path, install: Install) -> None:
    write(root / "opt/eamoon/.env", "DB_PATH=/opt/eamoon/inverter.db\n")
    write(root / "opt/eamoon/jk_bms/jk_devices.yaml", "AA:BB:CC:DD:EE:FF:\n")

    install("--prefix", "/opt/eamoon")

    assert "JK_DEVICES_FILE=/opt/eamoon/jk_bms/jk_devices.yaml" in setting(root / UNIT, "Environment")
    assert not (root / "opt/eamoon/jk_devices.yaml").exists()


DB_PATHS = {
    # name: (line in .env, ReadWritePaths, BindPaths, ProtectHome)
    "not set": ("# DB_PATH=/x/y.db", ["-/opt/eamoon"], [], ["yes"]),
    "plain": ("DB_PATH=/srv/inverter/inverter.db", ["-/srv/inverter"], [], ["yes"]),
    "exported, quoted": ('export DB_PATH="/srv/my house/i.db"  # there', ['"-/srv/my house"'], [], ["yes"]),
    "the last one counts": ("DB_PATH=/a/b.db\nDB_PATH = '/c/d.db'", ["-/c"], [], ["yes"]),
    "with a comment": ("DB_PATH=/srv/a.db # inverter", ["-/srv"], [], ["yes"]),
    "relative": ("DB_PATH=../inverter/i.db", ["-/etc/inverter"], [], ["yes"]),
    "per cent": ("DB_PATH=/srv/100%/i.db", ["-/srv/100%%"], [], ["yes"]),
    "in a home": ("DB_PATH=/home/pi/eamoon/i.db", ["-/home/pi/eamoon"], ["-/home/pi/eamoon"], ["tmpfs"]),
}


@pytest.mark.parametrize(("line", "writable", "bound", "home"), DB_PATHS.values(), ids=DB_PATHS)
def test_unit_fits_the_database(
    line: str, writable: list[str], bound: list[str], home: list[str], root: Path, install: Install
) -> None:
    write(root / "etc/easun-jkbms/.env", line + "\n")

    install()

    unit = root / UNIT
    found = [setting(unit, name) for name in ("ReadWritePaths", "BindPaths", "ProtectHome")]
    assert found == [writable, bound, home]


@needs("systemd-analyze")
@pytest.mark.parametrize("prefix", ["/opt/easun-jkbms", "/home/pi/eamoon"])
def test_rendered_unit_is_valid(prefix: str, root: Path, install: Install, run: Run) -> None:
    write(root / prefix.lstrip("/") / ".env", 'DB_PATH="/home/pi/my house/i.db"\n')
    install("--prefix", prefix)

    for unit in (root / UNIT, root / BOT_UNIT):
        result = run("systemd-analyze", "verify", "--man=no", unit)
        security = run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit)

        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        assert security.returncode == 0, security.stdout


def test_repairs_are_allowed_only_on_request(clone: Path, root: Path, install: Install) -> None:
    """The rule is not there by itself, stays when it is, and goes with the rest."""
    install()
    assert not (root / RULE).exists()

    offered = install("--allow-repairs")
    assert "write /etc/polkit-1/rules.d/50-easun-jkbms.rules" in offered.stdout
    assert (root / RULE).read_bytes() == (clone / "systemd/easun-jkbms-repairs.rules").read_bytes()
    assert "nothing to change" in install().stdout

    install("--uninstall")
    assert not (root / RULE).exists()


@pytest.mark.parametrize("setting_", ["ALLOW_BLUETOOTH_RESTART=true", "ALLOW_REBOOT = yes"])
def test_a_repair_that_is_wanted_and_not_allowed_is_named(
    root: Path, install: Install, setting_: str
) -> None:
    install()
    with (root / "etc/easun-jkbms/.env").open("a", encoding="utf-8") as env:
        env.write(setting_ + "\n")

    assert f"repairs: {setting_.split('=')[0].strip()} is set, but" in install().stdout
    assert "repairs:" not in install("--allow-repairs").stdout


def test_the_rule_allows_two_things_to_one_user() -> None:
    """Every name that it compares with is one of these; a new one is to be thought about."""
    rule = (PROJECT / "systemd/easun-jkbms-repairs.rules").read_text(encoding="utf-8")

    assert sorted(re.findall(r'[!=]== "([^"]*)"', rule)) == [
        "bluetooth.service",
        "easun-jkbms",
        "org.freedesktop.login1.reboot",
        "org.freedesktop.login1.reboot-multiple-sessions",
        "org.freedesktop.systemd1.manage-units",
        "restart",
    ]
    assert rule.count("polkit.Result.YES") == 2


def test_uninstall_keeps_settings_and_state(root: Path, install: Install) -> None:
    install()
    write(root / "etc/easun-jkbms/.env", "LOG_LEVEL=DEBUG\n")
    write(root / "var/lib/easun-jkbms/bms.db", "history")

    promised = install("--uninstall", "--dry-run")
    still_there = (root / UNIT).exists()
    result = install("--uninstall")

    assert still_there
    assert promised.returncode == result.returncode == 0, result.stderr
    assert not (root / "opt/easun-jkbms").exists()
    assert not (root / UNIT).exists()
    assert not (root / BOT_UNIT).exists()
    assert not (root / COMMAND).exists()
    assert (root / "etc/easun-jkbms/.env").read_text() == "LOG_LEVEL=DEBUG\n"
    assert (root / "var/lib/easun-jkbms/bms.db").read_text() == "history"
    for place in ("/etc/easun-jkbms/.env", "/etc/easun-jkbms/jk_devices.yaml", "/var/lib/easun-jkbms"):
        assert f"kept: {place}" in result.stdout


def test_uninstall_works_from_the_installed_copy(root: Path, install: Install, run: Run) -> None:
    """The script removes the file that it is read from."""
    install()

    result = run(root / "opt/easun-jkbms/install.sh", "--root", root, "--uninstall")

    assert (result.returncode, result.stderr) == (0, "")
    assert not (root / "opt/easun-jkbms").exists()


HOSTILE = "import pathlib; pathlib.Path('{mark}').touch()\n"


def test_where_it_is_called_and_what_is_active_there_changes_nothing(
    clone: Path, root: Path, run: Run, tmp_path: Path
) -> None:
    """In an active environment, among modules of Python's names: root's Python must not run them."""
    here, mark = tmp_path / "venv" / "lib", tmp_path / "was run"
    here.mkdir(parents=True)
    for name in ("compileall", "struct", "importlib", "site", "sitecustomize", "aiogram"):
        (here / f"{name}.py").write_text(HOSTILE.format(mark=mark))
    active = {
        "VIRTUAL_ENV": str(here.parent),
        "PYTHONPATH": str(here),
        "PYTHONHOME": str(here),
        "CDPATH": str(here),
    }

    done = run(
        clone / "install.sh",
        "--root",
        root,
        "--venv",
        ENVIRONMENT,
        cwd=here,
        **active,
        TELEGRAM_BOT_TOKEN="1:a",
    )

    assert done.returncode == 0, done.stderr
    assert not mark.exists()
    assert (root / UNIT).exists()


def test_uninstall_works_from_a_folder_that_it_removes(root: Path, install: Install, run: Run) -> None:
    install()
    here = root / "opt/easun-jkbms/jk_bms"

    done = run(here.parent / "install.sh", "--root", root, "--uninstall", cwd=here)

    assert (done.returncode, done.stderr) == (0, "")
    assert not here.exists()


def test_uninstall_keeps_what_was_changed_since(root: Path, install: Install) -> None:
    install()
    write(root / "opt/easun-jkbms/README.md", "my notes\n")

    result = install("--uninstall")

    assert "because they were changed since: README.md" in result.stdout
    assert [path.name for path in (root / "opt/easun-jkbms").rglob("*")] == ["README.md"]


def test_uninstall_of_nothing(install: Install) -> None:
    result = install("--uninstall")

    assert (result.returncode, result.stderr) == (0, "")
    assert "nothing to remove" in result.stdout


def test_makes_an_environment_of_its_own(clone: Path, root: Path, run: Run) -> None:
    """Without --venv: built by the same tool as `make`, kept on the next run, gone in the end."""
    python = run(PROJECT / "tools" / "find-python", "--system").stdout.strip()
    if not python:
        pytest.skip("every Python here lives in a home, where no service can reach it")
    command = (clone / "install.sh", "--root", root)

    first = run(*command, PYTHON=python)
    made = (root / "opt/easun-jkbms/.venv/bin/python").exists()
    second = run(*command, PYTHON=python)
    run(*command, "--uninstall")

    assert (first.returncode, made) == (0, True), first.stderr
    assert "nothing to change" in second.stdout
    assert not (root / "opt/easun-jkbms").exists()


def test_command_knows_the_places(root: Path, install: Install, run: Run, clone: Path) -> None:
    install()
    script = (
        (root / COMMAND)
        .read_text(encoding="utf-8")
        .replace("/opt/easun-jkbms", str(root / "opt/easun-jkbms"))
    )
    command = write(root / "jk-util", script)
    places = (root / "opt/easun-jkbms/.easun-jkbms-places").read_text(encoding="utf-8").splitlines()

    assert run("sh", command, "--scan", "a b").stdout == "--scan a b\n"
    assert places == [
        "JK_ENV_FILE=/etc/easun-jkbms/.env",
        "JK_DEVICES_FILE=/etc/easun-jkbms/jk_devices.yaml",
        "BMS_DB_PATH=/var/lib/easun-jkbms/bms.db",
        "BMS_SOCKET=/run/easun-jkbms/poller.sock",
    ]


def test_command_of_another_is_left(root: Path, install: Install) -> None:
    other = write(root / COMMAND, "#!/bin/sh\necho theirs\n")

    result = install()
    install("--uninstall")

    assert "is not ours" in result.stdout
    assert other.read_text() == "#!/bin/sh\necho theirs\n"


MISUSE = {
    "an unknown word": ("--prefxi", "/opt/x"),
    "no folder": ("--prefix",),
    "a system folder": ("--prefix", "/opt"),
    "a blank in the path": ("--prefix", "/opt/my house"),
}


@pytest.mark.parametrize("arguments", MISUSE.values(), ids=MISUSE)
def test_misuse_is_explained(arguments: tuple[str, ...], root: Path, install: Install) -> None:
    result = install(*arguments)

    assert result.returncode == 2
    assert re.fullmatch(r"install\.sh: .*; see --help\n", result.stderr)
    assert snapshot(root) == {}


def test_help(install: Install) -> None:
    result = install("--help")

    assert result.returncode == 0
    for option in ("--prefix", "--dry-run", "--uninstall", "--venv", "--root"):
        assert option in result.stdout


def test_the_real_clone_has_all_it_takes(root: Path, run: Run) -> None:
    """Not the small clone of the other tests but this one, as far as a dry run goes."""
    result = run(PROJECT / "install.sh", "--root", root, "--venv", ENVIRONMENT, "--dry-run")

    assert (result.returncode, result.stderr) == (0, "")
    # Hundreds of files in one line would hide the other steps: it says how many more there are.
    assert re.search(r"copy_files .* \.\.\. and \d{3} more$", result.stdout, re.MULTILINE)
    assert max(map(len, result.stdout.splitlines())) < 600


@needs("shellcheck")
def test_scripts_are_clean(run: Run) -> None:
    scripts = [PROJECT / "install.sh", PROJECT / ".ci/run"]
    scripts += [path for path in (PROJECT / "tools").iterdir() if path.is_file() and not path.suffix]

    result = run("shellcheck", *scripts)

    assert (result.returncode, result.stdout) == (0, "")


SHOWS = {
    # what there is: whether standard output is a terminal, why there is no page, whether systemd runs
    "all": (True, "", True),
    "no terminal": (False, "", True),
    "no page": (True, "its unit is another program's", True),
    "no systemd": (True, "", False),
}


@pytest.mark.parametrize(("terminal", "why", "live"), SHOWS.values(), ids=SHOWS)
def test_on_a_terminal_it_ends_with_the_way_to_a_page_without_a_password(
    tmp_path: Path, terminal: bool, why: str, live: bool
) -> None:
    """The code of the link is nothing for a log."""
    script = (PROJECT / "install.sh").read_text(encoding="utf-8")
    found = re.search(r"^page_code\(\) \{\n.*?^\}\n", script, re.DOTALL | re.MULTILINE)
    assert found is not None
    python = write(tmp_path / "venv/bin/python", '#!/bin/sh\necho "asked: $*"\nexit 3\n')
    python.chmod(0o755)
    around = f'set -euo pipefail\nvenv={tmp_path}/venv prefix=/opt/p\nsay() {{ echo "$*"; }}\n'
    around += f'why_no_page() {{ echo -n "{why}"; }}\nlive_systemd() {{ {"true" if live else "false"}; }}\n'
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", 0) as screen:
        done = subprocess.run(
            ["bash", "-c", around + found[0] + "page_code"],
            stdout=theirs if terminal else subprocess.PIPE,
            check=False,
        )
        os.write(theirs, b"end\n")
        shown = b""
        while not shown.endswith(b"end\r\n"):
            shown += screen.read(4096)
        os.close(theirs)

    assert done.returncode == 0
    expected = b"asked: /opt/p/jk_bms/jk-util.py invite --web --first\r\n"
    assert (expected in shown) == (terminal and live and not why)
    assert not done.stdout
