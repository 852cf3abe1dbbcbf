"""Every program begins on a Python with our packages, or says in one line what to do."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jk_bms.called import PLACES, TOP
from jk_bms.ending import log_end
from jk_bms.errors import ConfigError
from jk_bms.start import ONCE

PROGRAMS = {  # file: exit code where it cannot begin
    "jk_bms_service.py": 78,
    "telegram_bot.py": 78,
    "jk_bms/jk-util.py": 1,
}
BARE = (sys.executable, "-S", "-E")  # a Python without any package


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A copy of what begins, without an environment."""
    for name in (
        *PROGRAMS,
        "jk_bms/__init__.py",
        "jk_bms/start.py",
        "jk_bms/bot/__init__.py",
        "jk_bms/poller/__init__.py",
        "jk_bms/bot/__main__.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(TOP / name, tmp_path / name)
    return tmp_path


def run(*command: str | Path, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {key: text for key, text in os.environ.items() if key != ONCE and not key.startswith("PYTHON")}
    return subprocess.run(
        [str(word) for word in command],
        env=clean | environ,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def environment(top: Path, script: str, name: str = ".venv") -> Path:
    """An environment whose Python is this shell script."""
    python = top / name / "bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)
    return python


@pytest.mark.parametrize(("program", "code"), PROGRAMS.items(), ids=PROGRAMS)
def test_without_an_environment_it_names_the_command_that_makes_one(
    program: str, code: int, top: Path
) -> None:
    in_a_clone = run(*BARE, top / program)
    (top / PLACES).write_text("JK_ENV_FILE=/etc/x\n", encoding="utf-8")
    installed = run(*BARE, top / program)

    for done, cure in ((in_a_clone, f"run: make -C {top} setup"), (installed, f"run: sudo {top}/install.sh")):
        assert done.returncode == code
        assert done.stderr.count("\n") == 1
        assert "lacks msgspec" in done.stderr
        assert done.stderr.rstrip().endswith(cure)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("venv", [".venv", ".venv-jkbms"])
def test_it_begins_again_in_our_environment(program: str, venv: str, top: Path) -> None:
    """Also with another one active, as after `source .../bin/activate`."""
    environment(top, 'echo ours "$@"', venv)

    done = run(*BARE, top / program, "a word", "--b", VIRTUAL_ENV="/somewhere/else")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"ours {top / program} a word --b\n", "")


def test_a_module_begins_again_as_a_module(top: Path) -> None:
    environment(top, 'echo ours "$@"')

    assert run(*BARE, "-m", "jk_bms.bot", "--stay", cwd=top).stdout == "ours -m jk_bms.bot --stay\n"


def test_an_environment_that_lacks_packages_too_is_tried_once(top: Path) -> None:
    environment(top, f'exec {" ".join(BARE)} "$@"')

    done = run(*BARE, top / "jk_bms_service.py")

    assert (done.returncode, done.stderr.count("\n")) == (78, 1)


def test_an_environment_whose_interpreter_is_gone(top: Path) -> None:
    python = environment(top, "")
    python.write_text("#!/nowhere/python\n", encoding="utf-8")

    done = run(*BARE, top / "jk_bms_service.py")

    assert (done.returncode, done.stderr.count("\n")) == (78, 1)


def test_a_library_that_does_not_load(top: Path) -> None:
    (top / "jk_bms/poller/service.py").write_text("from msgspec import no_such_name\n", encoding="utf-8")

    done = run(sys.executable, top / "jk_bms_service.py")

    assert done.returncode == 78
    assert done.stderr.startswith("jk_bms_service.py: cannot be loaded: cannot import name")
    assert done.stderr.count("\n") == 1


FAULTS = {
    # what the library does: (exit code, on standard error)
    "Ctrl-C": ("raise KeyboardInterrupt", 130, ""),
    "no memory": ("raise MemoryError", 75, "jk_bms_service.py: not enough memory; see `ulimit -v`"),
    "no files": (
        "import errno, os; raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))",
        75,
        "jk_bms_service.py: too many open files",
    ),
    "no process": (
        "raise BlockingIOError(__import__('errno').EAGAIN, 'Resource temporarily unavailable')",
        75,
        "jk_bms_service.py: resource temporarily unavailable",
    ),
}


@pytest.mark.parametrize(("does", "code", "said"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("while_loading", [True, False])
def test_what_may_end_it_at_any_time(does: str, code: int, said: str, while_loading: bool, top: Path) -> None:
    text = does if while_loading else f"def main(_):\n    {does}"
    (top / "jk_bms/poller/service.py").write_text(text + "\n", encoding="utf-8")

    done = run(sys.executable, top / "jk_bms_service.py")

    assert (done.returncode, done.stderr[: len(said)]) == (code, said)
    assert done.stderr.count("\n") == bool(said)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_without_meaning_ends_nothing(number: signal.Signals, top: Path) -> None:
    code = (
        f"import os\ndef main(_):\n    os.kill(os.getpid(), {number:d})\n    print('alive')\n    return 0\n"
    )
    (top / "jk_bms/poller/service.py").write_text(code, encoding="utf-8")

    done = run(sys.executable, top / "jk_bms_service.py")

    assert (done.returncode, done.stdout) == (0, "alive\n")


def test_a_shortage_is_no_wrong_setting() -> None:
    """The settings file cannot be read while all files are taken: systemd shall start it again."""
    for cause, code in (
        (OSError(errno.EMFILE, "x"), 75),
        (PermissionError(errno.EACCES, "x"), 78),
        (None, 78),
    ):
        error = ConfigError("settings: .env cannot be read")
        error.__cause__ = cause
        assert log_end(error) == code


def test_what_a_poller_loads() -> None:
    """A small machine pays for each, for years: no archives, no words of others' faces, nothing of the radio yet."""
    never = (
        "tarfile",
        "jk_bms.store.backup",
        "jk_bms.view.status_text",
        "jk_bms.texts.alerts",
        "bleak",
        "aiogram",
    )
    code = f"import sys, jk_bms.poller.service; print(*(name for name in {never} if name in sys.modules))"

    told = subprocess.run(
        [sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True, timeout=60
    )

    assert told.stdout.split() == []
