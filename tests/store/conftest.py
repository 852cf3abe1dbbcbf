"""An inverter database as the inverter program makes it, and a user who is not root."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def inverter_db(tmp_path: Path) -> Path:
    """A database with one good record, id 1."""
    path = tmp_path / "house" / "inverter.db"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, "
        "created_at TEXT NOT NULL, payload TEXT, error TEXT)"
    )
    connection.execute(
        "INSERT INTO readings (created_at, payload) VALUES ('2026-12-01T12:00:00+02:00', '{\"a\":\"1\"}')"
    )
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def not_root(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run the test as a user who can be denied something; gives that user's id."""
    if os.geteuid() != 0:
        yield os.geteuid()
        return
    ours = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        ours = ours.parent
    for folder in (tmp_path, *tmp_path.parents):  # the folders of pytest are closed to others
        folder.chmod(folder.stat().st_mode | 0o011)
        if folder == ours:
            break
    os.seteuid(NOBODY)
    try:
        yield NOBODY
    finally:
        os.seteuid(0)
