"""The kinds of batteries there are: one row each, asked by registry, tool, service and texts.

A row names what reads the kind as text, ``module:function``; ``jk_bms.sources`` imports it when one is
configured, so that a house without a radio never loads one.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from jk_bms.model.address import parse_address

SIMULATED = "simulated"  # the kind, and the address, of a made-up battery


class Form(NamedTuple):
    """What a text of the registry may be; ``parse`` raises ValueError for anything else."""

    parse: Callable[[str], Any]
    expected: str


BLUETOOTH = Form(parse_address, "an address such as AA:BB:CC:DD:EE:FF")
ANY_TEXT = Form(str.strip, "any text")


class Kind(NamedTuple):
    """What is to be known of batteries of a kind without reading one."""

    name: str  # `type` in the registry
    make: str  # what its owner calls the BMS
    link: str  # (entry, context) -> Link: the way to it
    sessions: str  # (entry, context) -> Sessions: how to speak with it
    source: str = "jk_bms.sources.held:held_source"  # (entry, link, sessions, context) -> Source
    needs_radio: bool = False  # is reached by a Bluetooth adapter, which can be placed, repaired, shared
    address_form: Form = BLUETOOTH
    made_up: bool = False  # its values are not of this moment, and reach no foreign record
    own_house: bool = False  # made up with its inverter, in a time of its own that may run faster
    label: str = ""  # of one that has no name
    recognise: str = ""  # advertisement -> Match | None, see protocol.discovery


# fmt: off
ROWS = (
    Kind("jk", "JK BMS", "jk_bms.sources.jk_links:bluetooth", "jk_bms.sources.jk:sessions", needs_radio=True,
         recognise="jk_bms.protocol.discovery:score"),
    Kind(SIMULATED, "simulated JK BMS", "jk_bms.sources.jk_links:simulated", "jk_bms.sources.jk:sessions",
         "jk_bms.sources.simulated:simulated_source", address_form=ANY_TEXT, made_up=True, own_house=True,
         label="Simulated battery"),
    Kind("playback", "recorded JK BMS", "jk_bms.sources.jk_links:playback", "jk_bms.sources.jk:repeated_sessions",
         address_form=ANY_TEXT, made_up=True),
)
# fmt: on
_BY_NAME = {kind.name: kind for kind in ROWS}
KINDS: Mapping[str, Kind] = MappingProxyType(_BY_NAME)
USUAL = "jk"  # of an entry that does not say


_NONE = Kind("", "BMS", "", "")


def kind_of(name: str) -> Kind:
    """Return the row of a kind; of one that there is not, a row of which nothing is true.

    A registry may name such a kind: that is refused, in words, where it is to be read.
    """
    return KINDS.get(name, _NONE)


def known_kinds() -> str:
    """The names of all kinds, as an error tells them."""
    return ", ".join(sorted(KINDS))
