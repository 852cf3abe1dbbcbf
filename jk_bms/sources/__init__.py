"""One device -> samples. What reads a kind stands in its row (model.kinds) and is imported when one is configured."""

from collections.abc import Iterable
from pathlib import Path

from jk_bms.battery.pack_facts import PackFacts
from jk_bms.config.devices import Entry
from jk_bms.errors import ConfigError
from jk_bms.links.base import Link
from jk_bms.model.kinds import KINDS, Kind, known_kinds
from jk_bms.model.rows import imported
from jk_bms.sources.base import Source, SourceContext
from jk_bms.sources.session import Sessions

__all__ = ["Sessions", "Source", "SourceContext", "build", "link_for", "misfits", "sessions_for"]


def build(entry: Entry, context: SourceContext) -> Source:
    """Return the source of a registry entry. Raises ConfigError for an unknown type, or options that do not fit."""
    link, sessions = link_for(entry, context), sessions_for(entry, context)
    source: Source = imported(_kind(entry).source)(entry, link, sessions, context)
    return source


def misfits(entries: Iterable[Entry], path: Path) -> list[str]:
    """Return the faults of entries that cannot be read as they say, with their lines in the registry at ``path``."""
    faults = []
    context = SourceContext(folder=path.parent)
    for entry in entries:
        try:
            link_for(entry, context)
            sessions_for(entry, context)
            PackFacts(entry.label, entry.options)
        except ConfigError as error:
            faults.append(f"{path} line {entry.line}: {str(error).removeprefix('registry: ')}")
    return faults


def link_for(entry: Entry, context: SourceContext) -> Link:
    """Return the way to the battery of an entry. Raises ConfigError as ``build`` does."""
    link: Link = imported(_kind(entry).link)(entry, context)
    return link


def sessions_for(entry: Entry, context: SourceContext) -> Sessions:
    """Return how to speak with the battery of an entry. Raises ConfigError as ``build`` does."""
    sessions: Sessions = imported(_kind(entry).sessions)(entry, context)
    return sessions


def _kind(entry: Entry) -> Kind:
    if entry.type not in KINDS:
        raise ConfigError(
            f"registry: {entry.address}: type is {entry.type!r}; expected one of {known_kinds()}"
        )
    return KINDS[entry.type]
