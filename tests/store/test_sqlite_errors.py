"""What a person reads of SQLite's errors."""

import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from jk_bms.store.sqlite_errors import explain


def failed(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


# fmt: off
FILE_SYSTEMS = {
    "fails": ({"f_bavail": 1, "f_flag": 0}, "disk I/O error; often a dying SD card"),
    "failed, and was made read-only under the open file":
        ({"f_bavail": 1, "f_flag": os.ST_RDONLY}, "its file system is mounted read-only"),
    "is full": ({"f_bavail": 0, "f_flag": 0}, "the disk is full; free some space"),
}
# fmt: on


@pytest.mark.parametrize(("shown", "says"), FILE_SYSTEMS.values(), ids=FILE_SYSTEMS)
def test_an_input_error_of_a_disk(
    shown: dict[str, int], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**shown))

    said = explain(tmp_path / "bms.db", failed(sqlite3.SQLITE_IOERR))

    assert said.startswith(f"{tmp_path}/bms.db: {says}")
