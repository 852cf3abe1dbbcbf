"""A run of the tests finds a place of its own, whatever TMPDIR says."""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.own_folder import (
    KEPT,
    KEPT_RUNS,
    MAKING,
    PREFIX,
    remove_abandoned,
    temporary_root,
)
from tests.scale import PATIENCE

TOP = Path(__file__).resolve().parents[1]


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder that will do, with a path as short as they come."""
    with tempfile.TemporaryDirectory(prefix="") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_short_open_folder_is_used(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short))

    assert temporary_root(len(str(short))) == short


@pytest.mark.parametrize(
    ("name", "mode"),
    [("long" * 5, 0o755), ("a b", 0o755), ("é", 0o755), ("shut", 0o700), ("s/in", 0o755), ("none", None)],
)
def test_a_folder_that_will_not_do_is_not_used(
    name: str, mode: int | None, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too long for the name of a socket, not plain enough for an address of D-Bus, shut, not there."""
    folder = short / name
    if mode is not None:
        folder.parent.mkdir(exist_ok=True, mode=0o700)
        folder.mkdir(mode=mode)
    monkeypatch.setattr("tempfile.tempdir", str(folder))

    root = temporary_root(len(str(short)) + 10)

    assert root != folder
    assert root.is_dir()


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """As a run that lives holds its folder."""
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield folder
    os.close(handle)


@pytest.fixture
def aged(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder that changed so many s ago."""

    def make(name: str, age: float) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "file").touch()
        os.utime(folder, (time.time(), time.time() - age))
        return folder

    return make


def test_only_the_newest_of_dead_runs_are_kept_for_a_day(tmp_path: Path, aged: Callable[..., Path]) -> None:
    """A run beside this one keeps its folder, and so does what is not ours."""
    ages = [MAKING + 60 * n for n in range(1, KEPT_RUNS + 3)]
    failed = [aged(f"{PREFIX}{n}", age) for n, age in enumerate(ages)]
    stays = [aged("other", 2 * KEPT), aged(f"{PREFIX}young", MAKING / 2)]
    with locked(aged(f"{PREFIX}beside", 2 * KEPT)) as beside:
        remove_abandoned(tmp_path, time.time())

    assert set(tmp_path.iterdir()) == {*failed[:KEPT_RUNS], *stays, beside}


def test_what_lies_there_for_a_day_is_removed(tmp_path: Path, aged: Callable[..., Path]) -> None:
    aged(f"{PREFIX}old", KEPT + 60)

    remove_abandoned(tmp_path, time.time())

    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(tmp_path: Path, aged: Callable[..., Path]) -> None:
    other = aged("other", 2 * KEPT)
    (tmp_path / f"{PREFIX}link").symlink_to(other)

    remove_abandoned(tmp_path, time.time())

    assert (other / "file").exists()


TESTS_OF_A_RUN = """
import os, signal, subprocess, tempfile
from pathlib import Path

def test_leaves_much(tmp_path):
    (tmp_path / "passed").touch()
    tempfile.mkdtemp()
    subprocess.run(["mktemp", "-d"], check=True, stdout=subprocess.DEVNULL)

def test_of_today(tmp_path):
    (tmp_path / "mine").touch()
    outcome = os.environ["OUTCOME"]
    if outcome == "killed":
        os.kill(RUN, signal.SIGKILL)
    assert outcome == "passed"
"""


# Its folder lies in ours, whose path is long.
ANYWHERE = "from tests import own_folder\nown_folder.temporary_root.__defaults__ = (200,)\n"


@pytest.mark.parametrize(
    ("outcome", "left", "workers"),
    [("passed", [], 1), ("failed", ["mine"], 0), ("killed", ["mine"], 1)],
)
def test_what_a_run_leaves(outcome: str, left: list[str], workers: int, short: Path, tmp_path: Path) -> None:
    """Nothing, or the files of the test that failed; all in one folder, which a later run removes."""
    run = "os.getppid()" if workers else "os.getpid()"
    (tmp_path / "test_run.py").write_text(TESTS_OF_A_RUN.replace("RUN", run))
    (tmp_path / "anywhere.py").write_text(ANYWHERE)

    subprocess.run(
        [sys.executable, "-m", "pytest", f"--rootdir={tmp_path}", "-c", f"{TOP}/pyproject.toml"]
        + [word for plugin in ("xdist", "anywhere", "tests.conftest") for word in ("-p", plugin)]
        + ["-n", f"{workers}", f"{tmp_path}/test_run.py"],
        cwd=tmp_path,
        env=os.environ
        | {"TMPDIR": str(short), "OUTCOME": outcome, "PYTHONPATH": f"{TOP}:{tmp_path}"}
        | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )

    assert [each.name for each in short.rglob("*") if each.is_file()] == left
    for folder in short.iterdir():
        assert folder.name.startswith(PREFIX)
        os.utime(folder, (time.time(), time.time() - KEPT - 60))
    remove_abandoned(short, time.time())
    assert list(short.iterdir()) == []
