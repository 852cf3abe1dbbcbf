"""What an inverter says of grid, load and sun. What reads a sort of them stands in its row, and is imported on use."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings
from jk_bms.errors import ConfigError
from jk_bms.inverters.base import InverterContext, InverterSource
from jk_bms.model import Inverter
from jk_bms.model.inverter import Rank
from jk_bms.model.kinds import kind_of
from jk_bms.model.rows import imported

__all__ = [
    "INVERTERS",
    "InverterContext",
    "InverterEntry",
    "InverterRow",
    "InverterSource",
    "build",
    "configured",
]


_ID = re.compile("[a-z0-9][a-z0-9_-]{0,31}")


class InverterEntry(NamedTuple):
    """One inverter that is to be read."""

    id: str  # for ever: its history and its alerts are known by it
    name: str | None = None  # what its owner calls it
    options: Mapping[str, str] = {}  # of its make


class InverterRow(NamedTuple):
    """One sort of inverters."""

    kind: str
    make: str  # what its owner calls it
    build: str  # "module:function", imported where one is configured: (InverterContext) -> InverterSource
    # Which of this kind the settings, and the batteries that are read at the start, ask for.
    wanted: Callable[[Settings, Sequence[Entry]], Sequence[InverterEntry]]
    rank: Rank = Rank.OWN
    packages: str = "runtime"  # the extra of pyproject.toml that brings its libraries
    example: Mapping[
        str, str
    ] = {}  # options with which it can be built: a test does, and nothing answers there


def _records(_: Settings, __: Sequence[Entry]) -> Sequence[InverterEntry]:
    """The inverter program's database is always looked at: that it is not there is told by what merges into it."""
    return (InverterEntry("records"),)


def _of_a_simulated_house(_: Settings, entries: Sequence[Entry]) -> Sequence[InverterEntry]:
    """Beside a real battery no house is made up."""
    return (InverterEntry("simulated"),) if all(kind_of(entry.type).own_house for entry in entries) else ()


# fmt: off
INVERTERS = (
    InverterRow("records", "records of the inverter program", "jk_bms.inverters.records:records_inverter",
                _records, Rank.SECOND_HAND),
    InverterRow("simulated", "simulated inverter", "jk_bms.inverters.simulated:simulated_inverter",
                _of_a_simulated_house, Rank.MADE_UP),
)
# fmt: on


def configured(
    rows: Sequence[InverterRow], settings: Settings, entries: Sequence[Entry]
) -> list[tuple[InverterRow, Inverter, InverterEntry]]:
    """Return the inverters that are to be read, who they are, in the order of ``rows``.

    Raises ConfigError for an id that is none, and where two have the same.
    """
    found = [
        (row, Inverter(id=entry.id, kind=row.kind, name=entry.name, rank=row.rank), entry)
        for row in rows
        for entry in row.wanted(settings, entries)
    ]
    ids = [device.id for _, device, _ in found]
    for name in ids:
        if not _ID.fullmatch(name):
            raise ConfigError(
                f"an inverter is called {name!r}; expected up to 32 of a-z, 0-9, _ and -, a letter or digit first"
            )
        if ids.count(name) > 1:
            raise ConfigError(f"two inverters are called {name!r}; expected an id of its own for each")
    return found


def build(row: InverterRow, context: InverterContext) -> InverterSource:
    """Return what reads an inverter. Raises ConfigError for options that do not fit."""
    source: InverterSource = imported(row.build)(context)
    return source
