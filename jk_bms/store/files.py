"""What our databases need of the file system and of SQLite, whatever is in them."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from jk_bms.errors import StoreError
from jk_bms.store.file_id import FileId, file_id_at
from jk_bms.store.sqlite_errors import explain

BUSY_TIMEOUT = 5.0  # s; only the copying of a backup by hand ever holds the lock
MODE = 0o660  # of new files, less the umask: for the group that may use the tool, never for others
SIDE_FILES = ("-wal", "-shm")  # SQLite keeps them beside a database


def create_file(path: Path) -> None:
    """Make a new empty file that only the group may see; SQLite gives what it keeps beside it the same rights."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    try:
        give_to_owner_of_folder(path, handle)
    finally:
        os.close(handle)


def give_to_owner_of_folder(path: Path, handle: int) -> None:
    """What root makes in the folder of the service, the service must be able to use too."""
    home, mine = path.parent.stat(), os.fstat(handle)
    if os.geteuid() == 0 and (home.st_uid, home.st_gid) != (mine.st_uid, mine.st_gid):
        with suppress(PermissionError):
            os.fchown(handle, home.st_uid, home.st_gid)
            os.fchmod(handle, stat.S_IMODE(mine.st_mode) | stat.S_IMODE(home.st_mode) & 0o020)


def real(path: Path) -> Path:
    """Where ``path`` leads: SQLite keeps what belongs to a file beside it, not beside a link to it."""
    return Path(os.path.realpath(path))


def free_name(path: Path, word: str) -> Path:
    """Return a name beside ``path``, with ``word`` at its end, that nothing has."""
    free = path.with_name(f"{path.name}.{word}")
    number = 1
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}.{word}-{number}")
    return free


def move_aside(path: Path, now: datetime) -> Path:
    """Give a damaged database, and what is kept beside it, another name; return it."""
    aside = free_name(path, f"damaged-{now:%Y%m%dT%H%M%S}")
    path.rename(aside)
    for suffix in SIDE_FILES:  # they belong to that file: a new one must not find them
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def side_files(path: Path) -> dict[Path, FileId | None]:
    """What SQLite keeps beside a database, and which files they are now."""
    sides = [path.with_name(path.name + suffix) for suffix in SIDE_FILES]
    return {side: file_id_at(side) for side in sides}


def copy_into(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the open database, of one moment, into the empty file ``target``, and have it on the disk."""
    with closing(sqlite3.connect(target)) as new:
        connection.backup(new)
    handle = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    """Open the database at ``path`` without making it; any thread may use it, one at a time."""
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )


@contextmanager
def our_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into StoreErrors that name ``path``."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(explain(path, error)) from error
