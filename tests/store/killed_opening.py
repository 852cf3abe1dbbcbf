"""Open a database again and again, each time from the same start, and be killed a step later each time.

    python killed_opening.py FOLDER NAME

``FOLDER/start`` is the folder of the database NAME as it is at first; ``FOLDER/1``, ``FOLDER/2`` ... are left as
kill -9 leaves them, before each statement, each some pages of a copy and each renaming. The last one came through.
"""

import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from unittest import mock

from jk_bms.bot.store import BOT_DB
from jk_bms.store.bms_db import BMS_DB
from jk_bms.store.database import open_writing
from jk_bms.store.files import connect, copy_into
from jk_bms.store.schema import Schema

SCHEMAS = {each.name: each for each in (BMS_DB, BOT_DB)}
PAGES = 4  # that a copy goes on by from step to step
RENAME = Path.rename


class Killer:
    """Ends this process at the step of that number."""

    def __init__(self, at: int) -> None:
        self._left = at

    def step(self, *_: object) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(self, path: Path, mode: str = "rw") -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.set_trace_callback(self.step)
        return connection

    def copy_into(self, connection: sqlite3.Connection, target: Path) -> None:
        self.step()
        with closing(sqlite3.connect(target)) as new:
            connection.backup(new, pages=PAGES, progress=self.step)
        copy_into(connection, target)
        self.step()

    def rename(self, path: Path, target: Path) -> Path:
        self.step()
        RENAME(path, target)
        self.step()
        return target


def open_and_be_killed(schema: Schema, path: Path, at: int) -> None:
    """Return only where the opening has fewer than ``at`` steps."""
    killer = Killer(at)
    mock.patch("jk_bms.store.database.connect", killer.connect).start()
    mock.patch("jk_bms.store.schema.copy_into", killer.copy_into).start()
    mock.patch.object(Path, "rename", lambda path, target: killer.rename(path, target)).start()
    open_writing(schema, path, lambda: datetime.now(UTC))


def main() -> None:
    """Begin."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    for at in count(1):
        here = folder / str(at)
        shutil.copytree(folder / "start", here)
        if not (pid := os.fork()):
            open_and_be_killed(SCHEMAS[name], here / name, at)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
