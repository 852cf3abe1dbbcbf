"""The registry of batteries as the poller reads it: at the start, and again when its owner or a scan changes it.

The last good version stands in bms.db, without what is secret in it, for a start after a power cut in the
middle of an edit.
"""

import asyncio
import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jk_bms.config.backup_texts import without_secrets
from jk_bms.config.devices import Entry, Registry, parse_registry, read_registry, selected_entries
from jk_bms.config.settings import Settings
from jk_bms.config.text_file import read_text_file
from jk_bms.errors import ConfigError, StoreError
from jk_bms.model.kinds import kind_of
from jk_bms.sources import misfits
from jk_bms.store.bms_db import open_reader
from jk_bms.store.states import read_state, write_states

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller

log = logging.getLogger(__name__)

STATE = "registry"  # the name in bms.db of its last good version


def read_batteries(settings: Settings, speed: float = 1.0) -> list[Entry]:
    """Return the batteries that are to be read, perhaps none. Raises ConfigError with all faults."""
    return _batteries(read_registry(settings.devices_file), settings, speed)


def last_good_batteries(settings: Settings, speed: float = 1.0) -> list[Entry]:
    """Return what the last good version of the same file said; nothing where none is known."""
    try:
        with open_reader(settings.bms_db_path) as own:
            kept = read_state(own, STATE) or {}
    except StoreError:
        return []
    if kept.get("path") != str(settings.devices_file) or not isinstance(kept.get("text"), str):
        return []
    try:
        return _batteries(parse_registry(kept["text"], settings.devices_file), settings, speed)
    except ConfigError:  # an older version of this program took it, this one does not
        return []


def first_batteries(settings: Settings, speed: float = 1.0) -> list[Entry]:
    """Return the batteries to begin with: a file that is bad or gone counts as its last good version says.

    Raises ConfigError for a bad file where no good version is known.
    """
    try:
        entries = read_batteries(settings, speed)
        if entries or not _is_gone(settings.devices_file):
            return entries
        return last_good_batteries(settings, speed)
    except ConfigError as error:
        entries = last_good_batteries(settings, speed)
        if not entries:
            raise
        for line in str(error).splitlines():
            log.error("%s", line)
        log.error("registry: the last good version is used: %s", ", ".join(entry.label for entry in entries))
        return entries


class RegistryFile:
    """Has a changed registry take effect in ``poller``."""

    def __init__(self, poller: "Poller", speed: float = 1.0) -> None:
        self._poller = poller
        self._speed = speed

    async def apply(self) -> None:
        """Read the batteries that it names now. Raises ConfigError, and changes nothing, when it is bad."""
        poller, path = self._poller, self._poller.settings.devices_file
        entries = await asyncio.to_thread(read_batteries, poller.settings, self._speed)
        if not entries and poller.devices.entries and _is_gone(path):
            raise ConfigError(
                f"{path}: is gone or empty; expected the batteries that are read. Put it back, or write "
                "'enabled: false' below each of them to read none"
            )
        labels = {entry.address: entry.label for entry in poller.devices.entries}
        change = await poller.devices.apply(entries)
        for address in change.gone:
            self._tell("battery.removed", labels[address], address, "is not read any more")
        for entry in change.changed:
            self._tell("battery.changed", entry.label, entry.address, "is read as the registry says now")
        for entry in change.new:
            self._tell("battery.added", entry.label, entry.address, "is read from now on")
        if any(change):
            poller.configuration.look_again("house")  # its names mean others now
        if good := await asyncio.to_thread(_good_version, path):
            poller.bms_db.write(lambda own: write_states(own, {STATE: good}))

    def _tell(self, kind: str, label: str, address: str, what: str) -> None:
        log.info("%s: %s", label, what)
        self._poller.report(kind, None, f"{label} {what}", address=address)


def _batteries(registry: Registry, settings: Settings, speed: float) -> list[Entry]:
    address = settings.address
    if registry.entries and settings.sources.get("JK_BMS_ADDRESS", "").startswith("DEVICE_MAC"):
        address = None  # which counts only while the registry names none
    entries = selected_entries(registry, address, settings.device_name)
    if faults := misfits(entries, settings.devices_file):
        raise ConfigError(faults)
    if speed == 1.0:
        return entries
    if others := [entry for entry in entries if not kind_of(entry.type).own_house]:
        raise ConfigError(
            f"--speed {speed:g}: only for simulated batteries; {others[0].address} is of type {others[0].type}"
        )
    return [dataclasses.replace(entry, options={**entry.options, "speed": str(speed)}) for entry in entries]


def _is_gone(path: Path) -> bool:
    """Whether nothing at all is there: a power cut and a disk that is not mounted leave such a file."""
    try:
        return not path.stat().st_size
    except OSError:
        return True


def _good_version(path: Path) -> dict[str, Any] | None:
    """What is kept of a good file; None: there is nothing to keep."""
    try:
        text = read_text_file(path).decode("utf-8-sig")
        return {"path": str(path), "text": without_secrets(text, path)[0]} if text else None
    except FileNotFoundError:
        return None
    except (OSError, ConfigError, UnicodeDecodeError) as error:
        log.warning("registry: its good version cannot be kept: %s", error)
        return None
