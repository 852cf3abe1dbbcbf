"""What the commands share: settings with the command line on top, and the devices meant."""

import argparse
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jk_bms.config.devices import Entry, read_registry, selected_entries, simulated_entry
from jk_bms.config.settings import Settings, load_settings
from jk_bms.demo import configured, in_use, running_demo
from jk_bms.errors import ConfigError
from jk_bms.live.client import LiveClient
from jk_bms.logs import log_plainly
from jk_bms.model.address import parse_address
from jk_bms.model.kinds import KINDS, SIMULATED, known_kinds
from jk_bms.tool.output import note


def settings_for(given: argparse.Namespace) -> Settings:
    """Return the settings with what the command line says on top. Raises ConfigError."""
    settings = load_settings(env_file=given.env_file, forgiving=True)
    for warning in settings.warnings:
        note(warning)
    if not (given.devices_file or configured(settings)) and (demo := running_demo()):
        settings = demo
    if given.debug:
        log_plainly(logging.DEBUG, "%(asctime)s %(name)s: %(message)s")
        logging.getLogger("bleak").setLevel(logging.INFO)  # its bytes would show the passcodes
        logging.getLogger("dbus_fast").setLevel(logging.INFO)
    changes: dict[str, object] = {}
    if given.adapter:
        changes["adapter"] = given.adapter
    if given.timeout:
        changes["timeout"] = given.timeout
    return msgspec.structs.replace(settings, **changes) if changes else settings


def running_service(given: argparse.Namespace) -> Settings:
    """Return the settings of the service that runs: with nothing configured, the demonstration's."""
    settings = load_settings(env_file=given.env_file, forgiving=True)
    return (None if configured(settings) else running_demo()) or settings


def settings_in_use(given: argparse.Namespace) -> Settings:
    """Return the settings, or those of the demonstration (see ``in_use``). Raises ConfigError."""
    return in_use(load_settings(env_file=given.env_file, forgiving=True))


def names_of(service: LiveClient, addresses: Sequence[str]) -> str:
    """Return what people call these batteries of the running service, with commas between. Raises LiveError."""
    known = service.snapshot().names
    return ", ".join(known.get(address, address) for address in addresses)


def devices_file(given: argparse.Namespace, settings: Settings) -> Path:
    """Return the registry that is meant."""
    return Path(given.devices_file).absolute() if given.devices_file else settings.devices_file


def wanted_entries(given: argparse.Namespace, settings: Settings) -> list[Entry]:
    """Return the devices to read; empty when the registry has none and none was named.

    A name that the registry does not know is returned with an empty address: it must be
    looked for in the air.
    """
    if given.type and given.type not in KINDS:
        raise ConfigError(f"--type {given.type!r}: expected one of {known_kinds()}")
    registry = read_registry(devices_file(given, settings))
    if given.address:
        entry = registry.find(given.address) or _unknown(given.address)
        entries = [dataclasses.replace(entry, enabled=True)]
    elif given.name:
        entries = [registry.find(given.name) or Entry(address="", name=given.name)]
    else:
        entries = selected_entries(registry, settings.address, settings.device_name)
        if not given.all:
            entries = entries[:1]
    if given.adapter:  # beats what the registry says
        entries = [dataclasses.replace(entry, adapter=given.adapter) for entry in entries]
    if given.type:
        entries = [dataclasses.replace(entry, type=given.type) for entry in entries]
    return entries


def _unknown(address: str) -> Entry:
    if address.casefold() == SIMULATED:
        return simulated_entry()
    try:
        return Entry(address=parse_address(address))
    except ValueError:
        raise ConfigError(
            f"--address {address}: expected an address such as AA:BB:CC:DD:EE:FF, or 'simulated'"
        ) from None
