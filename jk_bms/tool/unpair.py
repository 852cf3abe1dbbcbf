"""``jk-util.py unpair``: have the Bluetooth service forget a battery and its bond."""

import argparse
import asyncio

from jk_bms.config.settings import load_settings
from jk_bms.tool.borrow import borrowed, held_by, radio, running
from jk_bms.tool.exits import EXIT_NOTHING, EXIT_OK
from jk_bms.tool.output import note
from jk_bms.tool.pair import chosen, device_argument, gatt_link


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    device_argument(parser)


def run(given: argparse.Namespace) -> int:
    """Forget it; exit code 3 when there was nothing to forget. Raises LinkError."""
    settings = load_settings(env_file=given.env_file, forgiving=True)
    entry = chosen(given, settings)
    link = gatt_link(entry)  # whichever adapters know it
    with running(settings) as service, radio(service), borrowed(service, held_by(service, [entry])):
        known = asyncio.run(link.unpair())
    if not known:
        note(f"{entry.label}: the Bluetooth service of this machine does not know it.")
        return EXIT_NOTHING
    print(f"{entry.label}: forgotten, with its bond if there was one.")
    return EXIT_OK
