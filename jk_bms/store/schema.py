"""Descriptions of our databases: the mark that says whose a file is, and the steps that made it.

Each database is one ``Schema``; what its tables mean is not known here.
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


class Migration(NamedTuple):
    """One step of a schema. A step that was released is never changed.

    ``readable_from``: the oldest version that can still read and write the file after it; None: all
    that could before it, since the step only adds. ``prepare`` is run before the transaction, on a
    file of an older version.
    """

    name: str
    script: str
    readable_from: int | None = None
    prepare: Callable[[sqlite3.Connection], None] | None = None


class Schema(NamedTuple):
    """One of our databases. Its versions are counted from 1: version n is what the first n steps make."""

    name: str  # a key of MARKS
    setting: str  # names its path
    user: str  # who writes it, for "another ..."
    steps: tuple[Migration, ...]
    page: int | None = None  # bytes of a page in a new file; None: SQLite's own choice

    @property
    def mark(self) -> int:
        """What the header of each such file carries."""
        return MARKS[self.name]

    @property
    def version(self) -> int:
        """The newest version that this program knows."""
        return len(self.steps)

    def readable_from(self, version: int) -> int:
        """The version that a program must at least know to read and write a file of ``version``."""
        return max((step.readable_from or 1 for step in self.steps[:version]), default=1)

    def tables(self, version: int) -> Mapping[str, set[str]]:
        """The tables of ``version`` with their columns, by which older files are known; empty: there was none."""
        if not 0 < version <= self.version:
            return {}
        with closing(sqlite3.connect(":memory:")) as scratch:
            for step in self.steps[:version]:
                scratch.executescript(step.script)
            return tables(scratch)

    def lacking(self, connection: sqlite3.Connection) -> str:
        """What the open database lacks of its version, as far as that is known here, in words; empty: nothing."""
        there = tables(connection)
        for table, columns in self.tables(min(version_of(connection), self.version)).items():
            if table not in there:
                return f"it has no table {table}"
            if missing := columns - there[table]:
                return f"its table {table} has no {', '.join(sorted(missing))}"
        return ""


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the open database; 0: it has none yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def needed(schema: Schema, connection: sqlite3.Connection) -> int:
    """The version that a program must at least know to read and write the open database."""
    version = version_of(connection)
    if version <= schema.version:
        return schema.readable_from(version)
    if "migrations" in tables(connection):
        newest, said = connection.execute(
            "SELECT max(version), max(readable_from) FROM migrations"
        ).fetchone()
        if newest == version and isinstance(said, int):
            return said
    return version


def refuse_newer(schema: Schema, path: Path, connection: sqlite3.Connection) -> None:
    """Raise StoreError when only a newer version of this program can use the open database."""
    if (oldest := needed(schema, connection)) > schema.version:
        raise StoreError(
            f"{path}: has schema version {version_of(connection)}, for programs that know {oldest} or later; "
            f"this program knows up to {schema.version}; update the program"
        )


def bring_up(schema: Schema, connection: sqlite3.Connection) -> None:
    """Run the steps that the open database lacks and have it say whose it is, in one transaction.

    Nothing is written where it is and says so. A newer one stays as new as it is.
    """
    version = version_of(connection)
    if version >= schema.version and _marked(schema, connection):
        return
    for step in schema.steps[version:] if version else ():
        if step.prepare is not None:
            step.prepare(connection)
    script = [f"PRAGMA application_id = {schema.mark}", _RECORDS]
    for number, step in enumerate(schema.steps, 1):
        if number > version:
            script += [step.script, f"PRAGMA user_version = {number}"]
        script.append(
            "INSERT OR IGNORE INTO migrations (version, name, readable_from) "  # noqa: S608 - names of ours
            f"VALUES ({number}, {_quoted(step.name)}, {schema.readable_from(number)})"
        )
    try:
        connection.executescript("\n;\n".join(("BEGIN IMMEDIATE", *script, "COMMIT")))
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def migrate(schema: Schema, path: Path, connection: sqlite3.Connection) -> None:
    """Bring the file to the newest version, complete or not at all; keep a copy of an older one.

    The copy has its lasting name only when the steps are in the file: where a start ends before
    that, by a full disk or a killed process, each next one would leave another copy.
    """
    version = version_of(connection)
    copy = path.with_name(f"{path.name}.before-v{schema.version}.part")
    if 0 < version < schema.version:
        _remove(copy)
        create_file(copy)
        try:
            copy_into(connection, copy)
            bring_up(schema, connection)
        except BaseException:
            _remove(copy)
            raise
    else:
        bring_up(schema, connection)
    if kept := _keep(copy, path, schema):
        log.info(
            "%s: migrated to schema %d (%s), a copy of before is in %s",
            path,
            schema.version,
            ", ".join(step.name for step in schema.steps[version:]) or "by a start that was cut short",
            kept,
        )


def _keep(copy: Path, path: Path, schema: Schema) -> Path | None:
    """Give the copy of a migration that is complete its lasting name; return that. None: there is none."""
    if not copy.exists():
        return None
    if (
        _journal(copy).exists() or not copy.stat().st_size
    ):  # cut short, and the file came from elsewhere since
        _remove(copy)
        return None
    kept = free_name(path, f"before-v{schema.version}")
    copy.rename(kept)
    return kept


def _remove(copy: Path) -> None:
    copy.unlink(missing_ok=True)
    _journal(copy).unlink(missing_ok=True)


def _journal(path: Path) -> Path:
    """What SQLite keeps beside a file while it is written without a WAL."""
    return path.with_name(path.name + "-journal")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _marked(schema: Schema, connection: sqlite3.Connection) -> bool:
    """Whether the open database says that it is ours, and which steps made it."""
    return (
        int(connection.execute("PRAGMA application_id").fetchone()[0]) == schema.mark
        and "migrations" in tables(connection)
        and connection.execute("SELECT count(*) FROM migrations").fetchone()[0] >= schema.version
    )


def named(mark: int) -> str:
    """Say whose database carries ``mark``."""
    for name, known in MARKS.items():
        if known == mark:
            return f"it is a {name} of ours"
    return f"it is a database of another program (application_id {mark:#010x})"


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
