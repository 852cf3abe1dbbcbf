"""Whose a file is: ours, or one that stays as it is, wherever a setting points.

A file is ours when its header carries our mark (``application_id``); one made before there was a mark
is known by its version and its tables. One so damaged that it says nothing must be proved to be ours by
what lies outside of its content; in doubt it is not, and stays where it is.
"""

import sqlite3
import stat
from contextlib import closing
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

from jk_bms.errors import ConfigError, StoreError, reason
from jk_bms.store.files import SIDE_FILES, connect, real
from jk_bms.store.lock import lock_name, read_witness
from jk_bms.store.schema import Schema, named, tables, version_of
from jk_bms.store.signature import HEADER, mark_in, signed
from jk_bms.store.sqlite_errors import explain, is_damaged

BLANK = b"\0\xff"  # what memory gives where it lost something
_CHUNK = 2**20  # bytes


class Whose(Enum):
    """What stands at a path, as far as it can be proved."""

    NOTHING = auto()  # no file, or one without content
    OURS = auto()
    OURS_DAMAGED = auto()
    FOREIGN = auto()


class Found(NamedTuple):
    """What stands at a path, and how that was seen, for a message."""

    whose: Whose
    said: str = ""


def refuse_foreign(schema: Schema, path: Path) -> None:
    """Raise ConfigError unless ``path`` is free, or a file there is ours, be it damaged.

    Not for the process that has it open: looking at a file ends SQLite's locks on it.
    """
    path = real(path)
    found = whose(path, schema, read_witness(lock_name(path)))
    if found.whose is Whose.FOREIGN:
        raise ConfigError(refusal(schema, path, found.said))


def whose(path: Path, schema: Schema, witness: int | None = None) -> Found:
    """Tell what stands at ``path`` without changing it.

    ``witness``: the inode that the lock beside it names as ours. Not for a file that this process has
    open: closing it here ends SQLite's locks on it. Raises StoreError when it cannot be looked at.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return Found(Whose.FOREIGN, "it is no file")
        if not status.st_size:
            return Found(Whose.NOTHING)
        with path.open("rb") as file:
            header = file.read(HEADER)
    except FileNotFoundError:
        return Found(Whose.NOTHING)
    except OSError as error:
        raise StoreError(f"{path}: cannot be looked at: {reason(error)}") from error
    mark = mark_in(header)
    if mark not in (None, 0, schema.mark):  # another's, and said so: not even a look through SQLite is needed
        return Found(Whose.FOREIGN, named(mark))
    if mark is None:  # SQLite itself would take the shortest of them for an empty database
        return _damaged(path, schema, "it is no database", witness)
    try:
        with closing(connect(path, "ro&immutable=1" if alone(path) else "ro")) as connection:
            if not (foreign := not_ours(connection, schema)):
                return Found(Whose.OURS)
            if unused(connection):
                return Found(Whose.NOTHING)
            return Found(Whose.FOREIGN, foreign)
    except sqlite3.Error as error:
        if not is_damaged(error):
            raise StoreError(explain(path, error)) from error
        if mark == schema.mark:
            return Found(Whose.OURS_DAMAGED, str(error))
        return _damaged(path, schema, f"it is a damaged database without our mark ({error})", witness)


def _damaged(path: Path, schema: Schema, said: str, witness: int | None) -> Found:
    """Tell whether a file whose content does not say whose it is can only be what is left of ours."""
    try:
        if _left_of_ours(path, schema, witness):
            return Found(Whose.OURS_DAMAGED, said)
        doubtful = signed(path, schema).ours or witness == path.stat().st_ino
    except OSError as error:
        raise StoreError(f"{path}: cannot be looked at: {reason(error)}") from error
    doubt = ", and may be another program's as well as what is left of ours" if doubtful else ""
    return Found(Whose.FOREIGN, said + doubt)


def _left_of_ours(path: Path, schema: Schema, witness: int | None) -> bool:
    """Whether it is proved: the file that we made, and either unwritten since or without a beginning.

    The lock's ``witness`` alone proves little, since an inode is used again as soon as its file is
    deleted: it counts for a file in which there is nothing at all.
    """
    sign = signed(path, schema)
    if sign.untouched:
        return True
    with path.open("rb") as file:
        if file.read(HEADER).strip(BLANK):
            return False
        if sign.ours:
            return True
        return witness == path.stat().st_ino and not any(
            chunk.strip(BLANK) for chunk in iter(lambda: file.read(_CHUNK), b"")
        )


def alone(path: Path) -> bool:
    """Whether all of a database is in the file itself: then a look leaves nothing beside a file of others."""
    return not path.with_name(path.name + SIDE_FILES[0]).exists()


def unused(connection: sqlite3.Connection) -> bool:
    """Whether the open database was made, and never used by any program."""
    return not tables(connection) and not connection.execute("PRAGMA application_id").fetchone()[0]


def not_ours(connection: sqlite3.Connection, schema: Schema) -> str:
    """Why the open database is not one of ours; empty: it is."""
    mark = int(connection.execute("PRAGMA application_id").fetchone()[0]) & 0xFFFFFFFF
    if mark == schema.mark:
        return ""
    if mark:
        return named(mark)
    there = tables(connection)
    version = version_of(connection)
    known = schema.tables(version)
    if known and all(columns <= there.get(table, set()) for table, columns in known.items()):
        return ""
    names = ", ".join(sorted(there)[:5]) or "no table"
    return f"it is a database of another program, or of another kind: version {version} with {names}"


def refusal(schema: Schema, path: Path, said: str) -> str:
    """Return the line for a file that is not ours, of which ``said`` was seen."""
    return (
        f"{path}: not a {schema.name} of ours, so it stays as it is: {said}; expected a {schema.name} or no file: "
        f"correct {schema.setting}, or move that file away"
    )
