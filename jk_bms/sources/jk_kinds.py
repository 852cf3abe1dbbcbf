"""The ways to a JK BMS: over the air, from a recording, or made up."""

from collections.abc import Callable
from pathlib import Path

from jk_bms.errors import ConfigError
from jk_bms.links.base import Link
from jk_bms.links.placement import Placement
from jk_bms.registry import SIMULATED, Entry
from jk_bms.sources import RADIO_KINDS
from jk_bms.sources.base import SourceContext
from jk_bms.sources.jk import JkSource

# Links are imported when used: a house of simulations never loads bleak.


def _bluetooth(entry: Entry, context: SourceContext) -> Link:
    from jk_bms.links.ble import BleLink

    adapter = entry.adapter or context.adapter
    return BleLink(
        entry.address, adapter=adapter, timeout=context.timeout, pin=entry.pin, memory=context.radio
    )


def _simulated(entry: Entry, _: SourceContext) -> Link:
    from jk_bms.links.simulated import simulated_link

    try:
        return simulated_link(entry.options)
    except ValueError as error:
        raise ConfigError(f"registry: {entry.address}: {error}") from error


def _playback(entry: Entry, context: SourceContext) -> Link:
    from jk_bms.links.playback import PlaybackLink

    if not entry.options.get("file"):
        raise ConfigError(f"registry: {entry.address}: a playback needs the key 'file', a dump of --dump")
    return PlaybackLink(context.folder / Path(entry.options["file"]).expanduser(), loop=True)


LINKS: dict[str, Callable[[Entry, SourceContext], Link]] = {
    "jk": _bluetooth,
    "simulated": _simulated,
    "playback": _playback,
}


def link_for(entry: Entry, context: SourceContext) -> Link:
    """Return the way to the BMS of an entry. Raises ConfigError for options that do not fit."""
    if entry.type not in LINKS:
        raise ConfigError(f"{entry.label}: type is {entry.type!r}; expected one of {', '.join(LINKS)}")
    return LINKS[entry.type](entry, context)


def source(entry: Entry, context: SourceContext) -> JkSource:
    """Return the source of an entry."""
    link = link_for(entry, context)
    if entry.type == SIMULATED:
        from jk_bms.links.simulated import SimulatedLink
        from jk_bms.sources.simulated import SimulatedSource

        assert isinstance(link, SimulatedLink)
        return SimulatedSource(entry, link, context)
    if entry.type in RADIO_KINDS:
        return _over_the_air(entry, link, context)
    return JkSource(entry.device(), link, context, current_calibration=entry.current_calibration)


def _over_the_air(entry: Entry, link: Link, context: SourceContext) -> JkSource:
    from jk_bms.links.ble import BleLink
    from jk_bms.links.placed import PlacedLink
    from jk_bms.links.repairs import BluezRepairs

    assert isinstance(link, BleLink)
    placed = PlacedLink(link, context.placement or Placement())
    return JkSource(
        entry.device(),
        placed,
        context,
        current_calibration=entry.current_calibration,
        repairs=BluezRepairs(link),
        turn=placed.turn,
    )
