"""A database of our own in use: its readers, its one writer, and what is done when its file is lost."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from jk_bms.errors import ConfigError, StoreError, reason
from jk_bms.store.file_id import file_id_at
from jk_bms.store.files import copy_into, create_file, free_name, move_aside, our_errors, side_files
from jk_bms.store.opening import Opened, open_checked
from jk_bms.store.ownership import Whose, refusal, whose
from jk_bms.store.signature import Signature
from jk_bms.store.sqlite_errors import explain, is_damaged

log = logging.getLogger(__name__)

T = TypeVar("T")


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
        self._kind = opened.kind
        self._now = now
        self._lock_file = opened.lock
        self._file = file_id_at(self.path)
        self._sides = side_files(self.path)
        self._signature = Signature(opened.kind, self.path)
        self._away = ""  # why nothing is written at the moment: the file is no longer in its place

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
            found = whose(self.path, self._kind, self._lock_file.witness)
            if found.whose is Whose.OURS:
                connection = open_checked(self._kind, self.path)
                self._connection.close()
                self._adopt(connection)
                self.begun_anew += 1
                return "was replaced by another one of ours while in use; going on with that one"
            if found.whose is not Whose.NOTHING:
                raise StoreError(
                    f"{refusal(self._kind, self.path, found.said)}; nothing is written until it is gone"
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
        self._adopt(open_checked(self._kind, self.path))
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
        self._signature = Signature(self._kind, self.path)
        self._connection = connection
        self._file = file_id_at(self.path)
        self._sides = side_files(self.path)
        self._lock_file.note(self._file)

    def _begin_anew(self, cause: str) -> None:
        with self._lock:
            if file_id_at(self.path) != self._file:  # what lies there is not what was damaged
                raise StoreError(f"{self.path}: was taken away while in use, and is damaged ({cause})")
            self._connection.close()
            with our_errors(self.path):
                aside = move_aside(self.path, self._now())
                self._adopt(open_checked(self._kind, self.path))
        self.begun_anew += 1
        self._tell_damage(aside, cause)

    def _tell_damage(self, aside: Path, cause: str) -> None:
        text = f"{self.path}: damaged ({cause}); moved to {aside} and begun anew"
        self._tell("store.damaged", text, moved_to=str(aside), cause=cause)

    def _tell(self, kind: str, text: str, **facts: Any) -> None:
        """Say what happened to the file; a database that keeps events keeps it too."""
        log.error("%s", text)
