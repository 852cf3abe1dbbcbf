"""Opening one of our databases: checked, marked and brought to the newest layout."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from jk_bms.errors import ConfigError, StoreError, reason
from jk_bms.store.file_id import file_id_at
from jk_bms.store.files import connect, create_file, move_aside, our_errors, real
from jk_bms.store.layout import Kind, mark, migrate, refuse_newer, version_of
from jk_bms.store.lock import Lock
from jk_bms.store.ownership import Whose, alone, not_ours, refusal, refuse_foreign, unused, whose
from jk_bms.store.sqlite_errors import explain, is_damaged

CHECKED_WHOLE = 64 * 2**20  # bytes: up to here a file is checked at the start, a bigger one in use


class Opened(NamedTuple):
    """A database as ``open_writing`` leaves it to its ``Writer``."""

    kind: Kind
    path: Path
    connection: sqlite3.Connection
    lock: Lock
    damage: tuple[Path, str] | None  # where a damaged file of ours lies now, and what was wrong with it


def open_writing(kind: Kind, path: Path, now: Callable[[], datetime], *, hint: str = "") -> Opened:
    """Open the database at ``path`` for the one process that writes it; create, mark or migrate it.

    A damaged file of ours is moved aside, never deleted. ``hint`` follows on "stop that one first".
    Raises ConfigError when the file is not ours, StoreError when another process is the writer, or
    when it is of a newer version of this program that older ones cannot read.
    """
    path = real(path)
    refuse_foreign(kind, path)  # before a lock is made beside a file of others
    lock = Lock(kind, path, hint)
    try:
        found = whose(path, kind, lock.witness)
        damage = None
        if found.whose is Whose.FOREIGN:  # it came meanwhile
            raise ConfigError(refusal(kind, path, found.said))
        if found.whose is Whose.OURS_DAMAGED:
            damage = (move_aside(path, now()), found.said)
        try:
            connection = open_checked(kind, path)
        except sqlite3.Error as error:  # its header and its tables are ours, so this is
            if not is_damaged(error):
                raise
            damage = (move_aside(path, now()), str(error))
            connection = open_checked(kind, path)
        lock.note(file_id_at(path))
        return Opened(kind, path, connection, lock, damage)
    except sqlite3.Error as error:
        lock.close()
        raise StoreError(explain(path, error)) from error
    except OSError as error:
        lock.close()
        raise StoreError(f"{path}: cannot be used: {reason(error)}") from error
    except BaseException:
        lock.close()
        raise


def open_reading(kind: Kind, path: Path) -> sqlite3.Connection:
    """Open the database at ``path`` read-only.

    Raises StoreError when it is missing, not ours, of an older version, or of one that is too new.
    """
    path = path.absolute()
    if not path.exists():
        raise StoreError(f"{path}: no such database; the service creates it when it runs ({kind.setting})")
    with our_errors(path):
        if alone(path):
            with closing(connect(path, "ro&immutable=1")) as connection:
                _refuse_others(connection, kind, path)
        connection = connect(path, "ro")
        try:
            _refuse_others(connection, kind, path)
            version = version_of(connection)
            refuse_newer(kind, path, connection)
        except BaseException:
            connection.close()
            raise
    if version < kind.version:
        connection.close()
        raise StoreError(
            f"{path}: has schema version {version}, expected {kind.version}: "
            "restart the service, it migrates the file"
        )
    return connection


def _refuse_others(connection: sqlite3.Connection, kind: Kind, path: Path) -> None:
    """Raise StoreError unless the open database is one of ours that has been written."""
    if unused(connection):
        raise StoreError(f"{path}: there is nothing in it yet; the service fills it when it runs")
    if foreign := not_ours(connection, kind):
        raise StoreError(refusal(kind, path, foreign))


def open_checked(kind: Kind, path: Path) -> sqlite3.Connection:
    """Open a file that is ours, or none; check, mark and migrate it."""
    if not path.exists():
        create_file(path)
    connection = connect(path)
    try:
        if kind.page:
            # A commit writes whole pages, and ours are small and many: it counts for a new file only.
            connection.execute(f"PRAGMA page_size = {kind.page}")
        refuse_newer(kind, path, connection)
        if path.stat().st_size <= CHECKED_WHOLE:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                damage = sqlite3.DatabaseError(verdict)
                damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise damage
        if not version_of(connection):
            # Before anything else, and before there is a WAL: from its first page on the file says whose it is.
            connection.execute(f"PRAGMA application_id = {kind.mark}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        migrate(kind, path, connection)
        mark(kind, connection)
    except BaseException:
        connection.close()
        raise
    return connection
