"""The layout of our databases: the mark that says whose a file is, and the steps that made it.

What the tables mean is not known here.
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from jk_bms.errors import StoreError
from jk_bms.store.files import copy_into, create_file, free_name

log = logging.getLogger(__name__)

# ``application_id`` of our databases, in the header of each.
MARKS = {"bms.db": 0x454A4B31, "bot.db": 0x454A4B32, "web.db": 0x454A4B33}  # "EJK1" ...

_RECORDS = """CREATE TABLE IF NOT EXISTS migrations (
    version INTEGER PRIMARY KEY,          -- user_version after this step
    name TEXT NOT NULL,
    readable_from INTEGER NOT NULL        -- the oldest version that can still read and write the file
)"""


class Step(NamedTuple):
    """One step of a layout. A step that was released is never changed.

    ``readable_from``: the oldest version that can still read and write the file after it; None: all
    that could before it, since the step only adds. ``prepare`` is run before its transaction.
    """

    name: str
    script: str
    readable_from: int | None = None
    prepare: Callable[[sqlite3.Connection], None] | None = None


class Kind(NamedTuple):
    """One of our databases."""

    name: str  # a key of MARKS
    setting: str  # names its path
    user: str  # who writes it, for "another ..."
    steps: tuple[Step, ...]  # step n brings a file from version n to n + 1
    page: int | None = None  # bytes of a page in a new file; None: SQLite's own choice

    @property
    def mark(self) -> int:
        """What the header of each such file carries."""
        return MARKS[self.name]

    @property
    def version(self) -> int:
        """The newest layout that this program knows."""
        return len(self.steps)

    def readable_from(self, version: int) -> int:
        """The oldest version of this program that can read and write a file of layout ``version``."""
        return max((step.readable_from or 1 for step in self.steps[:version]), default=1)


def version_of(connection: sqlite3.Connection) -> int:
    """The layout of the open database; 0: it has none yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def needed(kind: Kind, connection: sqlite3.Connection) -> int:
    """The oldest version of layout that a program must know to read and write the open database."""
    version = version_of(connection)
    if version <= kind.version:
        return kind.readable_from(version)
    if "migrations" in tables(connection):
        newest, said = connection.execute(
            "SELECT max(version), max(readable_from) FROM migrations"
        ).fetchone()
        if newest == version and isinstance(said, int):
            return said
    return version


def refuse_newer(kind: Kind, path: Path, connection: sqlite3.Connection) -> None:
    """Raise StoreError when only a newer version of this program can use the open database."""
    if (oldest := needed(kind, connection)) > kind.version:
        raise StoreError(
            f"{path}: has schema version {version_of(connection)}, for programs that know {oldest} or later; "
            f"this program knows up to {kind.version}; update the program"
        )


def migrate(kind: Kind, path: Path, connection: sqlite3.Connection) -> None:
    """Bring the file to the newest layout, each step complete or not at all; keep a copy of an older file."""
    version = version_of(connection)
    if 0 < version < kind.version:
        copy = free_name(path, f"before-v{kind.version}")
        create_file(copy)
        try:
            copy_into(connection, copy)
        except BaseException:
            copy.unlink()
            raise
        log.info("%s: migrating schema %d to %d, a copy is in %s", path, version, kind.version, copy)
    for number, step in enumerate(kind.steps[version:], version + 1):
        if version and step.prepare is not None:
            step.prepare(connection)
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {step.script}; PRAGMA user_version = {number}; COMMIT"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def mark(kind: Kind, connection: sqlite3.Connection) -> None:
    """Have the file say that it is ours, and which steps made it; nothing is written where it does."""
    marked = int(connection.execute("PRAGMA application_id").fetchone()[0]) == kind.mark
    noted = "migrations" in tables(connection) and (
        connection.execute("SELECT count(*) FROM migrations").fetchone()[0] >= kind.version
    )
    if marked and noted:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {kind.mark}")
        connection.execute(_RECORDS)
        connection.executemany(
            "INSERT OR IGNORE INTO migrations VALUES (?, ?, ?)",
            [(n, step.name, kind.readable_from(n)) for n, step in enumerate(kind.steps, 1)],
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def incomplete(connection: sqlite3.Connection, kind: Kind) -> str:
    """What the open database lacks of its own layout, as far as that is known here, in words; empty: nothing."""
    there = tables(connection)
    for table, columns in tables_of_layout(kind, min(version_of(connection), kind.version)).items():
        if table not in there:
            return f"it has no table {table}"
        if missing := columns - there[table]:
            return f"its table {table} has no {', '.join(sorted(missing))}"
    return ""


def named(mark: int) -> str:
    """Say whose database carries ``mark``."""
    for name, known in MARKS.items():
        if known == mark:
            return f"it is a {name} of ours"
    return f"it is a database of another program (application_id {mark:#010x})"


def tables_of_layout(kind: Kind, version: int) -> Mapping[str, set[str]]:
    """The tables of layout ``version`` and their columns; empty: there was none."""
    if not 0 < version <= kind.version:
        return {}
    with closing(sqlite3.connect(":memory:")) as scratch:
        for step in kind.steps[:version]:
            scratch.executescript(step.script)
        return tables(scratch)


def tables(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """The tables of a database with their columns, without SQLite's own."""
    rows = connection.execute(
        "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found
