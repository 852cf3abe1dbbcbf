"""What the inverter program's ``readings`` is: a plain table that can be changed, and what follows on a change.

A view or a virtual table may be computed without end, and so may whatever a trigger does.
"""

import sqlite3
from typing import NamedTuple

from jk_bms.model.foreign_text import harmless_name

TABLE = "readings"
_KIND = "SELECT type, rootpage FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE"
_TRIGGERS = (
    "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE ORDER BY name"
)
_COMPUTED = "SELECT count(*) FROM pragma_table_xinfo(?) WHERE name = 'payload' COLLATE NOCASE AND hidden"
# Only such a column cannot hold anything but whole numbers.
_PROPER_ID = """SELECT count(*) FROM pragma_table_info(?1) WHERE name = 'id' AND pk = 1 AND upper(type) = 'INTEGER'
    AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')"""
NAMED = 3  # triggers that a message names


class ForeignTable(NamedTuple):
    """The table as it is at the moment."""

    unusable: str = ""  # why nothing can be read from it or merged into it; empty: nothing forbids it
    triggers: tuple[str, ...] = ()
    proper_id: bool = True  # every row has a whole number

    @property
    def blamed(self) -> str:
        """The triggers, for the end of a message; empty: there are none."""
        if not self.triggers:
            return ""
        names = ", ".join(self.triggers[:NAMED]) + (", ..." if len(self.triggers) > NAMED else "")
        return f" (it has the trigger{'s' if len(self.triggers) > 1 else ''} {names})"


def look_at_table(connection: sqlite3.Connection) -> ForeignTable:
    """Look at the table without reading any of its rows. Where there is none, that shows at the first use."""
    found = connection.execute(_KIND, (TABLE,)).fetchone()
    if found is None:
        return ForeignTable()
    kind, root = found
    if kind != "table" or not root:
        what = "a view" if kind == "view" else "a virtual table"
        return ForeignTable(f"'{TABLE}' is {what}, not a table")
    if connection.execute(_COMPUTED, (TABLE,)).fetchone()[0]:
        return ForeignTable(f"the payload in '{TABLE}' is computed, so nothing can be put into it")
    names = [harmless_name(name) or "?" for [name] in connection.execute(_TRIGGERS, (TABLE,))]
    proper = bool(connection.execute(_PROPER_ID, (TABLE,)).fetchone()[0])
    return ForeignTable("", tuple(names), proper)
