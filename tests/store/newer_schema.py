"""A schema that a later version of this program might have: all that is there, and more."""

import sqlite3
from contextlib import closing
from pathlib import Path

from jk_bms.store.schema import Migration, Schema


def with_more(schema: Schema, *steps: Migration) -> Schema:
    """Return ``schema`` with ``steps`` that this program does not know; without any: a column more in each table."""
    return schema._replace(steps=(*schema.steps, *(steps or (_more_everywhere(schema),))))


def _more_everywhere(schema: Schema) -> Migration:
    columns = "".join(
        f"ALTER TABLE {table} ADD COLUMN later TEXT NOT NULL DEFAULT 'new'; "
        for table in schema.tables(schema.version)
    )
    return Migration("more everywhere", f"{columns} CREATE TABLE later (what TEXT)")


def use_what_is_more(schema: Schema, path: Path) -> None:
    """Write what only the newer program knows into each row that is there."""
    with closing(sqlite3.connect(path)) as db:
        for table in schema.tables(schema.version):
            db.execute(f"UPDATE {table} SET later = 'kept'")
        db.execute("INSERT INTO later VALUES ('kept')")
        db.commit()


def what_is_more(path: Path, table: str) -> list[str]:
    """What stands there, in the order of the rows."""
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute(f"SELECT later FROM {table} ORDER BY rowid")]
