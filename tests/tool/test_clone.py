"""A scan in a clone leaves `git status` clean, and no PIN near a commit."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jk_bms.bot.store import WITNESS
from jk_bms.called import TOP
from jk_bms.store.backlog import NAME
from jk_bms.tool.clone import keep_out_of_git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


SETTINGS = TOP / "docs/settings.md"
# git's own name for the registry as clones have it since the first scan kept it out of git's sight.
AS_PUBLISHED = "9438819991e645225836949e48a231ee947848bb"


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


def test_the_registry_stays_as_it_was_published() -> None:
    """A clone that has scanned keeps its own: `git pull` is refused there as soon as ours is another one."""
    content = (TOP / "jk_devices.yaml").read_bytes()

    assert hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == AS_PUBLISHED


def test_the_way_out_when_the_registry_changes_upstream(clone: Path, tmp_path: Path) -> None:
    """What the docs say to do when git refuses to pull brings the change in and keeps the batteries."""
    house = tmp_path / "house"
    git(tmp_path, "clone", "-q", str(clone), str(house))
    keep_out_of_git(house / "jk_devices.yaml", house)
    with (house / "jk_devices.yaml").open("a", encoding="utf-8") as file:
        file.write("AA:BB:CC:DD:EE:FF:\n  pin: '123456'\n")
    (clone / "jk_devices.yaml").write_text("# another comment\n", encoding="utf-8")
    git(clone, "commit", "-q", "-a", "-m", "change the registry")

    with pytest.raises(subprocess.CalledProcessError):
        git(house, "pull", "-q", "--ff-only")
    steps = re.search(
        r"git refuses to pull.*?```sh\n(.*?)```", SETTINGS.read_text(encoding="utf-8"), re.DOTALL
    )
    assert steps is not None
    for step in steps[1].strip().splitlines():
        subprocess.run(step, shell=True, cwd=house, check=True, capture_output=True)

    assert "AA:BB:CC:DD:EE:FF" in (house / "jk_devices.yaml").read_text(encoding="utf-8")
    assert git(house, "rev-parse", "HEAD") == git(clone, "rev-parse", "HEAD")
    assert git(house, "status", "--porcelain") == ""


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
        NAME,
        f"{WITNESS}-0123abcd",
        "bms.db.before-v3",
        "bms.db.before-v3-2",
        "bot.db.damaged-20261130T101500",
        "bot.db.damaged-20261130T101500-wal",
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
