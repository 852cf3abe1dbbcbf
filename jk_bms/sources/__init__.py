"""One device -> samples. Kinds are listed as text and imported when one is configured."""

from importlib import import_module
from typing import Any

from jk_bms.errors import ConfigError
from jk_bms.registry import Entry
from jk_bms.sources.base import Source, SourceContext

# registry type -> function (entry, context) -> Source
KINDS = {
    "jk": "jk_bms.sources.jk_kinds:source",
    "simulated": "jk_bms.sources.jk_kinds:source",
    "playback": "jk_bms.sources.jk_kinds:source",
}
RADIO_KINDS = frozenset({"jk"})  # those that need the Bluetooth adapter

__all__ = ["KINDS", "RADIO_KINDS", "Source", "SourceContext", "build"]


def build(entry: Entry, context: SourceContext) -> Source:
    """Return the source of a registry entry. Raises ConfigError for an unknown type."""
    try:
        module, function = KINDS[entry.type].split(":")
    except KeyError:
        raise ConfigError(
            f"registry: {entry.address}: type is {entry.type!r}; expected one of {', '.join(sorted(KINDS))}"
        ) from None
    make: Any = getattr(import_module(module), function)
    source: Source = make(entry, context)
    return source
