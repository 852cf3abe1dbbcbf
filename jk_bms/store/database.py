"""Our databases as files: one way to open them, for their one writer and for readers, and what is done in use.

A database is checked, marked and brought to its newest version when it is opened for writing; while it is in
use it is noticed when its file is taken away, replaced or damaged. What a database is stands in its ``Schema``.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from jk_bms.errors import ConfigError, StoreError, reason
from jk_bms.store.file_id import file_id_at
from jk_bms.store.files import (
    connect,
    copy_into,
    create_file,
    free_name,
    move_aside,
    our_errors,
    real,
    side_files,
)
from jk_bms.store.lock import Lock, NoLock
from jk_bms.store.ownership import Whose, alone, not_ours, refusal, refuse_foreign, unused, whose
from jk_bms.store.schema import Schema, bring_up, migrate, needed, refuse_newer, version_of
from jk_bms.store.signature import Signature
from jk_bms.store.sqlite_errors import explain, is_damaged

log = logging.getLogger(__name__)

T = TypeVar("T")

CHECKED_WHOLE = 64 * 2**20  # bytes: up to here a file is checked at the start, a bigger one in use


class Opened(NamedTuple):
    """A database as ``open_writing`` leaves it to its ``Writer``."""

    schema: Schema
    path: Path
    connection: sqlite3.Connection
    lock: Lock
    damage: tuple[Path, str] | None  # where a damaged file of ours lies now, and what was wrong with it


def open_writing(schema: Schema, path: Path, now: Callable[[], datetime], *, hint: str = "") -> Opened:
    """Open the database at ``path`` for the one process that writes it; create, mark or migrate it.

    A damaged file of ours is moved aside, never deleted. ``hint`` follows on "stop that one first".
    Raises ConfigError when the file is not ours, StoreError when another process is the writer, or
    when it is of a newer version of this program that older ones cannot read.
    """
    path = real(path)
    refuse_foreign(schema, path)  # before a lock is made beside a file of others
    lock = Lock(schema, path, hint)
    try:
        found = whose(path, schema, lock.witness)
        damage = None
        if found.whose is Whose.FOREIGN:  # it came meanwhile
            raise ConfigError(refusal(schema, path, found.said))
        if found.whose is Whose.OURS_DAMAGED:
            damage = (move_aside(path, now()), found.said)
        try:
            connection = open_checked(schema, path)
        except sqlite3.Error as error:  # its header and its tables are ours, so this is
            if not is_damaged(error):
                raise
            damage = (move_aside(path, now()), str(error))
            connection = open_checked(schema, path)
        lock.note(file_id_at(path))
        return Opened(schema, path, connection, lock, damage)
    except sqlite3.Error as error:
        lock.close()
        raise StoreError(explain(path, error)) from error
    except OSError as error:
        lock.close()
        raise StoreError(f"{path}: cannot be used: {reason(error)}") from error
    except BaseException:
        lock.close()
        raise


def open_reading(schema: Schema, path: Path) -> sqlite3.Connection:
    """Open the database at ``path`` read-only.

    Raises StoreError when it is missing, not ours, of an older version, or of one that is too new.
    """
    path = path.absolute()
    if not path.exists():
        raise StoreError(f"{path}: no such database; the service creates it when it runs ({schema.setting})")
    with our_errors(path):
        if alone(path):
            with closing(connect(path, "ro&immutable=1")) as connection:
                _refuse_others(connection, schema, path)
        connection = connect(path, "ro")
        try:
            _refuse_others(connection, schema, path)
            version = version_of(connection)
            refuse_newer(schema, path, connection)
        except BaseException:
            connection.close()
            raise
    if version < schema.version:
        connection.close()
        raise StoreError(
            f"{path}: has schema version {version}, expected {schema.version}: "
            "restart the service, it migrates the file"
        )
    return connection


def _refuse_others(connection: sqlite3.Connection, schema: Schema, path: Path) -> None:
    """Raise StoreError unless the open database is one of ours that has been written."""
    if unused(connection):
        raise StoreError(f"{path}: there is nothing in it yet; the service fills it when it runs")
    if foreign := not_ours(connection, schema):
        raise StoreError(refusal(schema, path, foreign))


def open_checked(schema: Schema, path: Path) -> sqlite3.Connection:
    """Open a file that is ours, or none; check, mark and migrate it."""
    if not path.exists():
        create_file(path)
    connection = connect(path)
    try:
        if schema.page:
            # A commit writes whole pages, and ours are small and many: it counts for a new file only.
            connection.execute(f"PRAGMA page_size = {schema.page}")
        refuse_newer(schema, path, connection)
        if path.stat().st_size <= CHECKED_WHOLE:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                damage = sqlite3.DatabaseError(verdict)
                damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise damage
        if not version_of(connection):
            # Before anything else, and before there is a WAL: from its first page on the file says whose it is.
            connection.execute(f"PRAGMA application_id = {schema.mark}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        migrate(schema, path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


# In memory, while a file cannot be written


def empty_in_memory(schema: Schema) -> sqlite3.Connection:
    """Return a database of the newest version in memory, without a row."""
    empty = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    bring_up(schema, empty)
    return empty


def copy_in_memory(schema: Schema, file: sqlite3.Connection) -> sqlite3.Connection:
    """Return what the open database holds, in memory and in the newest version. Raises sqlite3.Error."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    file.backup(copy)
    bring_up(schema, copy)
    return copy


def read_in_memory(schema: Schema, path: Path) -> sqlite3.Connection | None:
    """Return what the file at ``path`` holds, in memory and in the newest version; None: it cannot be used."""
    for mode in ("ro", "ro&immutable=1"):  # beside a read-only file SQLite may not be able to read its log
        with suppress(sqlite3.Error), closing(connect(path, mode)) as file:
            if not version_of(file) or needed(schema, file) > schema.version or schema.lacking(file):
                continue
            return copy_in_memory(schema, file)
    return None


# In use


class Reader:
    """Reads one of our databases; several processes may. Every failure is a StoreError."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection within one short read transaction: all queries see the same state."""
        with self._lock, our_errors(self.path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    def _rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        with self._lock, our_errors(self.path):
            return self._connection.execute(query, parameters).fetchall()


class Writer(Reader):
    """Reads and writes one of our databases; one process at a time. Each write is on the disk when it returns."""

    def __init__(self, opened: Opened, now: Callable[[], datetime]) -> None:
        super().__init__(opened.path, opened.connection)
        self.begun_anew = 0  # how often the file was lost in use: then it has nothing of before
        self._schema = opened.schema
        self._now = now
        self._lock_file = opened.lock
        self._file = file_id_at(self.path)
        self._sides = side_files(self.path)
        self._signature = Signature(opened.schema, self.path if self.locked else None)
        self._away = ""  # why nothing is written at the moment: the file is no longer in its place

    @property
    def locked(self) -> bool:
        """Whether the file is ours to write; False: it could not be opened, and all is in memory."""
        return not isinstance(self._lock_file, NoLock)

    def close(self) -> None:
        """Close the database and let another process write it."""
        super().close()
        self._signature.close()
        self._lock_file.close()

    def write(self, change: Callable[[sqlite3.Connection], T], *, again: bool = True) -> T:
        """Run ``change`` in one transaction, complete or not at all; return what it returns.

        When the file turns out to be damaged it is begun anew and ``change`` is run again.
        """
        try:
            with self._lock:
                if self._away:
                    raise StoreError(self._away)
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    result = change(self._connection)
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
                return result
        except sqlite3.Error as error:
            if not (again and is_damaged(error)):
                raise StoreError(explain(self.path, error)) from error
            self._begin_anew(str(error))
            return self.write(change, again=False)

    def look(self) -> bool:
        """Notice that the file was taken away or replaced, and put that right; return whether that was so.

        Raises StoreError while that cannot be done; nothing is written into the void meanwhile.
        """
        if not self.locked:
            return False
        if self._file == file_id_at(self.path) and self._lock_file.in_place():
            self._away = ""
            self._signature.renew()
            return False
        with self._lock:
            try:
                told = self._put_right()
            except (StoreError, ConfigError) as error:
                self._away = str(error)
                raise StoreError(self._away) from error
            except sqlite3.Error as error:
                self._away = explain(self.path, error)
                raise StoreError(self._away) from error
            except OSError as error:
                self._away = f"{self.path}: was taken away and cannot be made anew: {reason(error)}"
                raise StoreError(self._away) from error
            self._away = ""
        if told:
            self._tell("store.remade", f"{self.path}: {told}")
        return bool(told)

    def _put_right(self) -> str:
        """Have the file and its lock in their places again; return what was done to the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file.renew()
        there = file_id_at(self.path)
        if there == self._file:
            return ""
        self._remove_sides()
        if there is not None:
            found = whose(self.path, self._schema, self._lock_file.witness)
            if found.whose is Whose.OURS:
                connection = open_checked(self._schema, self.path)
                self._connection.close()
                self._adopt(connection)
                self.begun_anew += 1
                return "was replaced by another one of ours while in use; going on with that one"
            if found.whose is not Whose.NOTHING:
                raise StoreError(
                    f"{refusal(self._schema, self.path, found.said)}; nothing is written until it is gone"
                )
        return self._make_again()

    def _make_again(self) -> str:
        """Put a new file in the place of the one that was taken away: with all that it held, if it can be read."""
        new = free_name(self.path, "new")
        told = "was taken away while in use; written anew with all that it held"
        try:
            create_file(new)
            try:
                copy_into(self._connection, new)
            except sqlite3.Error as error:
                if not is_damaged(error):
                    raise
                told = f"was taken away while in use; begun anew, since what it held cannot be read ({error})"
                self.begun_anew += 1
                new.unlink()
                create_file(new)
            with suppress(sqlite3.Error):  # it may only have been moved: then it is of use when complete
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            new.replace(self.path)
        finally:
            new.unlink(missing_ok=True)
        # Not before: until there is another file this connection holds all that is left of the old one.
        self._connection.close()
        self._adopt(open_checked(self._schema, self.path))
        return told

    def _remove_sides(self) -> None:
        """Take away what SQLite keeps beside the file that is gone: whatever comes in its place must not find it.

        The open connection still has them, as it has the file.
        """
        for side, identity in self._sides.items():
            if identity is not None and file_id_at(side) == identity:
                side.unlink()

    def _adopt(self, connection: sqlite3.Connection) -> None:
        self._signature.close()  # of the file before, whose connection is closed
        self._signature = Signature(self._schema, self.path)
        self._connection = connection
        self._file = file_id_at(self.path)
        self._sides = side_files(self.path)
        self._lock_file.note(self._file)

    def _take_over(self, opened: Opened) -> None:
        """Go on with a file that could not be opened for writing before."""
        with self._lock:
            self._connection.close()
            self._lock_file.close()
            self._lock_file = opened.lock
            self._adopt(opened.connection)
        if opened.damage is not None:
            self._tell_damage(*opened.damage)

    def _begin_anew(self, cause: str) -> None:
        with self._lock:
            if file_id_at(self.path) != self._file:  # what lies there is not what was damaged
                raise StoreError(f"{self.path}: was taken away while in use, and is damaged ({cause})")
            self._connection.close()
            with our_errors(self.path):
                aside = move_aside(self.path, self._now())
                self._adopt(open_checked(self._schema, self.path))
        self.begun_anew += 1
        self._tell_damage(aside, cause)

    def _tell_damage(self, aside: Path, cause: str) -> None:
        text = f"{self.path}: damaged ({cause}); moved to {aside} and begun anew"
        self._tell("store.damaged", text, moved_to=str(aside), cause=cause)

    def _tell(self, kind: str, text: str, **facts: Any) -> None:
        """Say what happened to the file; a database that keeps events keeps it too."""
        log.error("%s", text)
