"""docs/protocol.md shows the tables that the decoder uses.

`python -m tests.protocol.test_protocol_doc` (with the project on the path) writes them anew.
"""

import struct
from collections.abc import Iterable
from pathlib import Path

from jk_bms.model.alarms import alarm
from jk_bms.protocol import Variant
from jk_bms.protocol.alarms import BITS
from jk_bms.protocol.fields import (
    CELL_ARRAYS,
    INFO_COUNTERS,
    INFO_NUMBERS,
    INFO_SECRETS,
    INFO_TEXTS,
    SETTINGS,
    Field,
)
from jk_bms.protocol.layout import CELL_INFO_FIELDS

DOC = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
TYPES = {"b": "i8", "B": "u8", "h": "i16", "H": "u16", "i": "i32", "I": "u32", "f": "f32", "?": "switch"}


def _type(field: Field) -> str:
    name = TYPES.get(field.code, f"mask, {struct.calcsize(field.code)} bytes")
    return name if field.divisor == 1 else f"{name} / {field.divisor}"


def _by_variant(tables: dict[Variant, tuple[Field, ...]]) -> Iterable[str]:
    """One row for each name: type, and the offset in each variant."""
    yield "| field | type | " + " | ".join(tables) + " |"
    yield "|---|---|" + "---|" * len(tables)
    places = {variant: {field.name: field for field in table} for variant, table in tables.items()}
    names = {name: None for variant in reversed(tables) for name in places[variant]}
    for name in names:
        found = {variant: place[name] for variant, place in places.items() if name in place}
        types = list(dict.fromkeys(_type(field) for field in reversed(found.values())))
        offsets = " | ".join(str(found[variant].at) if variant in found else "" for variant in tables)
        yield f"| `{name}` | {', '.join(types)} | {offsets} |"


def _cells() -> Iterable[str]:
    yield "| variant | inputs | type | cells from | resistances from | mask |"
    yield "|---|---|---|---|---|---|"
    for variant, a in CELL_ARRAYS.items():
        kind = _type(Field("", 0, a.code, a.divisor))
        yield f"| {variant} | {a.inputs} | {kind} | {a.cells} | {a.resistances} | {a.mask} |"


def _info() -> Iterable[str]:
    yield "| field | offset | type |"
    yield "|---|---|---|"
    rows = [(text.at, text.name, f"text, {text.size} bytes") for text in INFO_TEXTS]
    rows += [(text.at, f"{text.name}_set", f"secret, {text.size} bytes") for text in INFO_SECRETS]
    rows += [(field.at, field.name, _type(field)) for field in (*INFO_COUNTERS, *INFO_NUMBERS)]
    for at, name, kind in sorted(rows):
        yield f"| `{name}` | {at} | {kind} |"


def _alarms() -> Iterable[str]:
    yield "| bit | name | severity | meaning |"
    yield "|---|---|---|---|"
    for bit, name in enumerate(BITS):
        yield f"| {bit} | `{name}` | {alarm(name).severity.word} | {alarm(name).text} |"


TABLES = {
    "cells": list(_cells()),
    "cell info": list(_by_variant(dict(CELL_INFO_FIELDS))),
    "settings": list(_by_variant(dict(SETTINGS))),
    "device info": list(_info()),
    "alarms": list(_alarms()),
}


def with_tables(text: str) -> str:
    """Return ``text`` with every table between its marks as the code has it."""
    for name, rows in TABLES.items():
        begin, end = f"<!-- table: {name} -->\n", "<!-- end of table -->"
        head, _, rest = text.partition(begin)
        assert rest, f"docs/protocol.md has no place for the table {name!r}"
        text = head + begin + "\n".join(rows) + "\n" + end + rest.partition(end)[2]
    return text


def test_tables_are_those_of_the_code() -> None:
    """A changed offset changes the page."""
    text = DOC.read_text(encoding="utf-8")

    assert text == with_tables(text)


if __name__ == "__main__":
    DOC.write_text(with_tables(DOC.read_text(encoding="utf-8")), encoding="utf-8")
