"""A scan in a clone leaves `git status` clean, and no PIN near a commit."""

import shutil
import subprocess
from pathlib import Path

import pytest

from jk_bms.called import TOP
from jk_bms.tool.clone import keep_out_of_git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(top: Path, *words: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    return subprocess.run(["git", "-C", top, *who, *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    for name in ("jk_devices.yaml", ".gitignore"):
        shutil.copy2(TOP / name, tmp_path)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "clone")
    return tmp_path


def test_changes_of_the_registry_are_not_seen(clone: Path) -> None:
    assert keep_out_of_git(clone / "jk_devices.yaml", clone)
    with (clone / "jk_devices.yaml").open("a", encoding="utf-8") as file:
        file.write("AA:BB:CC:DD:EE:FF:\n  pin: '123456'\n")

    assert git(clone, "status", "--porcelain") == ""
    git(clone, "add", "--all")
    assert git(clone, "diff", "--cached") == ""

    git(clone, "update-index", "--no-skip-worktree", "jk_devices.yaml")  # as the docs say
    assert git(clone, "status", "--porcelain") == " M jk_devices.yaml\n"


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.old",
        "bms.db",
        "bms.db-wal",
        "bot.db",
        "inverter.db",
        "samples.journal",
        "demo/x",
        ".venv/x",
    ],
)
def test_what_a_run_leaves_is_not_seen(name: str, clone: Path) -> None:
    (clone / name).parent.mkdir(exist_ok=True)
    (clone / name).touch()

    assert git(clone, "status", "--porcelain") == ""


def test_elsewhere_nothing_happens(clone: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "jk_devices.yaml").touch()

    assert not keep_out_of_git(other / "jk_devices.yaml", other)  # no clone
    assert not keep_out_of_git(clone / "elsewhere.yaml", clone)
