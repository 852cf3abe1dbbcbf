"""``jk-util.py pair``: pair with a battery whose firmware wants it."""

import argparse
import asyncio
import dataclasses
import getpass
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jk_bms.called import tool
from jk_bms.config.devices import Entry, read_registry, selected_entries
from jk_bms.config.settings import Settings, load_settings
from jk_bms.errors import ConfigError
from jk_bms.model.address import parse_address
from jk_bms.model.kinds import kind_of
from jk_bms.model.snapshot import BatteryNow
from jk_bms.tool.borrow import borrowed, held_by, radio, running
from jk_bms.tool.exits import EXIT_OK
from jk_bms.tool.output import note
from jk_bms.tool.own_adapter import own_adapter

if TYPE_CHECKING:
    from jk_bms.links.gatt import GattLink


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    device_argument(parser)
    parser.add_argument(
        "--without-passkey",
        action="store_true",
        help="do not ask for a passkey, and use none of the registry",
    )


def run(given: argparse.Namespace) -> int:
    """Pair, with the passkey of the registry or one that is asked for. Raises LinkError."""
    settings = load_settings(env_file=given.env_file, forgiving=True)
    entry = chosen(given, settings)
    pin = None if given.without_passkey else entry.pin or _asked(entry)

    async def pair(devices: Iterable[BatteryNow]) -> None:
        adapter = await own_adapter(entry, settings, devices)
        await gatt_link(dataclasses.replace(entry, adapter=adapter, pin=pin), timeout=settings.timeout).pair()

    with running(settings) as service, radio(service):
        devices = service.snapshot().devices if service is not None else ()
        with borrowed(service, held_by(service, [entry])):
            note(f"Pairing with {entry.label} ...")
            asyncio.run(pair(devices))
    print(f"Paired with {entry.label}. The Bluetooth service of this machine keeps the bond.")
    if pin is not None and entry.pin is None:
        note("With the key `pin` at the device in the registry it can be renewed without you.")
    return EXIT_OK


def device_argument(parser: argparse.ArgumentParser) -> None:
    """Add the device."""
    parser.add_argument(
        "--device", metavar="X", help="name or address (default: the only one of the registry)"
    )


def chosen(given: argparse.Namespace, settings: Settings) -> Entry:
    """Return the one battery that is meant. Raises ConfigError."""
    registry = read_registry(settings.devices_file)
    entries = [
        entry for entry in selected_entries(registry, settings.address) if kind_of(entry.type).needs_radio
    ]
    if given.device:
        entry = registry.find(given.device)
        if entry is None:
            try:
                entry = Entry(address=parse_address(given.device))
            except ValueError:
                known = ", ".join(each.label for each in entries) or f"none; find yours with {tool('--scan')}"
                raise ConfigError(
                    f"--device {given.device}: expected a name or address of the registry: {known}"
                ) from None
        return dataclasses.replace(entry, enabled=True)
    if len(entries) != 1:
        known = ", ".join(entry.label for entry in entries) or f"none; find yours with {tool('--scan')}"
        raise ConfigError(f"which battery? add --device with one of the registry: {known}")
    return entries[0]


def gatt_link(entry: Entry, *, timeout: float = 20.0) -> "GattLink":
    """Return the link over the air to a battery. Raises ConfigError when it is reached in another way."""
    from jk_bms.links.gatt import GattLink
    from jk_bms.sources import SourceContext, link_for

    link = link_for(entry, SourceContext(timeout=timeout))
    if not isinstance(link, GattLink):
        raise ConfigError(f"{entry.label} is of type {entry.type}: it is not reached over Bluetooth")
    return link


def _asked(entry: Entry) -> str | None:
    """Ask a person; None: no passkey, or no terminal."""
    if not sys.stdin.isatty():
        note("No `pin` in the registry: trying without a passkey.")
        return None
    return getpass.getpass(f"Passkey of {entry.label} (up to six digits; empty: none): ").strip() or None
