"""A run of the tests finds a place of its own, whatever TMPDIR says."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.own_folder import KEPT, PREFIX, make_own_folder, temporary_root


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder that will do, with a path as short as they come."""
    with tempfile.TemporaryDirectory(prefix="", dir=temporary_root()) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_short_open_folder_is_used(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short))

    assert temporary_root() == short


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

    root = temporary_root()

    assert root != folder
    assert root.is_dir()


def test_only_what_lies_there_for_a_day_is_removed(tmp_path: Path) -> None:
    """A run beside this one keeps its folder, and so does what is not ours."""
    old, beside, other = tmp_path / f"{PREFIX}old", tmp_path / f"{PREFIX}beside", tmp_path / "other"
    for folder in (old, beside, other):
        folder.mkdir()
    for folder in (old, other):
        os.utime(folder, (time.time(), time.time() - KEPT - 60))

    made = make_own_folder(tmp_path)

    assert sorted(tmp_path.iterdir()) == sorted((beside, other, made))
