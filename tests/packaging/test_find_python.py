"""The interpreter finder: what works counts, not what it is called."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.packaging.commands import PROJECT, Run

SHIM = "echo 'pyenv: python3: command not found' >&2; exit 127"
SILENT = "exit 0"
READER = "read -r line; exit 1"  # would hang on a terminal
CHATTY = "echo Python 3.99 of the future"

Find = Callable[..., CompletedProcess[str]]


def answer(version: str, missing: str = "-", path: str = "$0") -> str:
    """The shell command of a fake interpreter that was asked what it is."""
    return f'echo "{version} {missing} {path}"'


def place(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def find(tmp_path: Path, run: Run) -> Find:
    """The finder on a machine whose only interpreters are those under ``tmp_path``."""
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ("timeout", "sort", "tail", "cut", "readlink"):
        (commands / name).symlink_to(Path("/usr/bin", name))

    def call(*arguments: str, **environment: str) -> CompletedProcess[str]:
        machine = {
            "PATH": f"{tmp_path / 'bin'}:{commands}",
            "HOME": str(tmp_path / "home"),
            "PYENV_ROOT": "",
        }
        return run(PROJECT / "tools" / "find-python", *arguments, cwd=tmp_path, **(machine | environment))

    return call


MACHINES = {
    # name: ({place: what it does}, the place that must be found)
    "a plain one": ({"bin/python3": answer("3.11.2")}, "bin/python3"),
    "the newest, by number": (
        {"bin/python3.11": answer("3.11.9"), "bin/python3.13": answer("3.13.0")},
        "bin/python3.13",
    ),
    "3.9 is not above 3.11": (
        {"bin/python3": answer("3.9.18"), "home/.pyenv/versions/3.11.7/bin/python3": answer("3.11.7")},
        "home/.pyenv/versions/3.11.7/bin/python3",
    ),
    "shims that know no command": (
        {
            "bin/python3.14": SHIM,
            "bin/python3": SHIM,
            "home/.pyenv/versions/3.12.1/bin/python3": answer("3.12.1"),
        },
        "home/.pyenv/versions/3.12.1/bin/python3",
    ),
    "names that lie": (
        {"bin/python3.15": SILENT, "bin/python3.14": CHATTY, "bin/python3.13": READER, "bin/python3.12": answer("3.12.0")},
        "bin/python3.12",
    ),
    "one without ensurepip is passed over": (
        {"bin/python3.13": answer("3.13.1", "ensurepip"), "bin/python3.11": answer("3.11.4")},
        "bin/python3.11",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("machine", "found"), MACHINES.values(), ids=MACHINES)
def test_the_newest_that_works(machine: dict[str, str], found: str, tmp_path: Path, find: Find) -> None:
    for name, body in machine.items():
        place(tmp_path / name, body)

    result = find()

    assert (result.returncode, result.stdout, result.stderr) == (0, f"{tmp_path / found}\n", "")


def test_pyenv_root_is_searched(tmp_path: Path, find: Find) -> None:
    there = place(tmp_path / "elsewhere/versions/3.14.0/bin/python3", answer("3.14.0"))

    assert find(PYENV_ROOT=str(tmp_path / "elsewhere")).stdout.strip() == str(there)


def test_an_exact_version_is_meant_exactly(tmp_path: Path, find: Find) -> None:
    floor = place(tmp_path / "bin/python3.11", answer("3.11.7"))
    place(tmp_path / "bin/python3.13", answer("3.13.0"))

    assert find("--exact", "3.11").stdout.strip() == str(floor)
    assert find("--exact", "3.12").returncode == 1


def test_a_service_does_not_live_in_a_home(tmp_path: Path, find: Find) -> None:
    place(tmp_path / "bin/python3.13", answer("3.13.0", path="/home/pi/.pyenv/versions/3.13.0/bin/python3"))
    place(tmp_path / "bin/python3.11", answer("3.11.2", path="/usr/bin/python3.11"))

    assert find("--system").stdout == "/usr/bin/python3.11\n"


REFUSALS = {
    # name: ({place: what it does}, PYTHON, words of the message)
    "nothing": ({}, "", ("no working Python 3.11 or newer", "PYTHON=")),
    "too old": ({"bin/python3": answer("3.10.13")}, "", ("no working Python 3.11 or newer",)),
    "only shims": ({"bin/python3": SHIM}, "", ("no working Python 3.11 or newer",)),
    "Debian without venv": (
        {"bin/python3": answer("3.11.2", "ensurepip")},
        "",
        ("python3.11-venv", "python3-venv", "cannot make a virtual environment"),
    ),
    "built without sqlite": ({"bin/python3": answer("3.12.1", "sqlite3")}, "", ("built without sqlite3",)),
    "a wrong PYTHON": ({"bin/python3": answer("3.12.1")}, "python3.14", ("PYTHON='python3.14'",)),
}


@pytest.mark.parametrize(("machine", "named", "words"), REFUSALS.values(), ids=REFUSALS)
def test_says_what_is_wrong(
    machine: dict[str, str], named: str, words: tuple[str, ...], tmp_path: Path, find: Find
) -> None:
    for name, body in machine.items():
        place(tmp_path / name, body)

    result = find(PYTHON=named)

    assert (result.returncode, result.stdout) == (1, "")
    assert all(word in result.stderr for word in words), result.stderr


def test_python_overrides(tmp_path: Path, find: Find) -> None:
    place(tmp_path / "bin/python3.13", answer("3.13.0"))
    wanted = place(tmp_path / "my/python", answer("3.12.4"))

    assert find(PYTHON=str(wanted)).stdout.strip() == str(wanted)


def test_a_real_one_is_found(run: Run) -> None:
    found = run(PROJECT / "tools" / "find-python").stdout.strip()

    assert (
        run(found, "-c", "import ensurepip, sqlite3, sys; print(sys.version_info >= (3, 11))").stdout
        == "True\n"
    )
