"""The ways to a JK BMS: over the air, from a recording, or made up."""

from pathlib import Path

from jk_bms.config.devices import Entry
from jk_bms.errors import ConfigError
from jk_bms.links.base import Link
from jk_bms.sources.base import SourceContext

# Links are imported when used: a house of simulations never loads bleak.


def bluetooth(entry: Entry, context: SourceContext) -> Link:
    """Over the air."""
    from jk_bms.links.jk_gatt import jk_link

    adapter = entry.adapter or context.adapter
    return jk_link(
        entry.address, adapter=adapter, timeout=context.timeout, pin=entry.pin, memory=context.radio
    )


def simulated(entry: Entry, _: SourceContext) -> Link:
    """Made up."""
    from jk_bms.links.simulated import simulated_link

    try:
        return simulated_link(entry.options)
    except ValueError as error:
        raise ConfigError(f"registry: {entry.address}: {error}") from error


def playback(entry: Entry, context: SourceContext) -> Link:
    """From a recording."""
    from jk_bms.links.playback import PlaybackLink

    if not entry.options.get("file"):
        raise ConfigError(f"registry: {entry.address}: a playback needs the key 'file', a dump of --dump")
    return PlaybackLink(context.folder / Path(entry.options["file"]).expanduser(), loop=True)
