"""house.yaml and house.auto.yaml as the poller reads them: at the start, and again when they change.

What the last good version said of alerts stands in bms.db, for a start after a power cut in the middle of an edit.
"""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jk_bms.config.devices import read_registry
from jk_bms.config.house import (
    AUTO,
    House,
    Names,
    changed_auto,
    names_of,
    parse_house,
    read_house,
    read_text,
    write_auto,
)
from jk_bms.errors import ConfigError
from jk_bms.rules.overrides import Override
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.states import read_state, write_states

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller

log = logging.getLogger(__name__)

NAME = "house"  # as people are told it
STATE = "house"  # the name in bms.db of its last good version


class HouseFile:
    """Has what the two files say take effect in ``poller``, and writes house.auto.yaml."""

    def __init__(self, poller: "Poller") -> None:
        self._poller = poller
        self._busy = asyncio.Lock()
        self._warned: frozenset[str] = frozenset()
        self.now = House()  # what is in force

    def open(self, own: BmsDb) -> None:
        """Begin with what the last good version said. Blocks."""
        kept = (read_state(own, STATE) or {}).get("alerts", {})
        try:
            overrides = msgspec.convert(kept, dict[str, dict[int, Override]], strict=False)
        except msgspec.ValidationError as error:  # of a newer version of this program
            log.warning("house: what is kept of its last good version is of no use: %s", error)
            return
        self._poller.alerts.override(overrides)

    async def apply(self) -> None:
        """Have take effect what the files say now. Raises ConfigError, and changes nothing, when one is bad."""
        async with self._busy:
            await self._apply()

    async def put(self, path: object, value: object, by: str) -> dict[str, Any]:
        """Set one value for ``by``, or take it out (None); return it as it was and is.

        Raises ConfigError, and changes nothing, when it stands in the owner's file or makes no sense.
        """
        async with self._busy:
            names = await asyncio.to_thread(self._names)
            own = parse_house([(self._own, await asyncio.to_thread(read_text, self._own))], names)
            before = await asyncio.to_thread(read_text, self._auto)
            places = path if isinstance(path, list) else []
            text = changed_auto(before, self._auto, own, places, value, names)
            parse_house(
                [(self._own, await asyncio.to_thread(read_text, self._own)), (self._auto, text)], names
            )
            old = self._told(places)
            await asyncio.to_thread(write_auto, self._auto, text)
            await self._apply()
        change = {"path": [str(part) for part in places], "old": old, "new": self._told(places), "by": by}
        where = " ".join(change["path"])
        said = f"house: {where} is {change['new'] or 'not set'} now, was {old or 'not set'} (changed {by})"
        log.info("%s", said)
        self._poller.report("house.changed", None, said, **change)
        return change

    async def check(self, text: str) -> House:
        """Return what ``text`` would say as the owner's file. Raises ConfigError with all faults."""
        names = await asyncio.to_thread(self._names)
        return parse_house(
            [(self._own, text), (self._auto, await asyncio.to_thread(read_text, self._auto))], names
        )

    def listed(self) -> list[dict[str, Any]]:
        """Return every value that is in force, with the file and line where it stands."""
        return [
            {
                "path": list(path),
                "value": value.text,
                "file": str(self._own if value.own else self._auto),
                "line": value.line,
                "locked": value.own,
            }
            for path, value in self.now.values.items()
        ]

    async def _apply(self) -> None:
        names = await asyncio.to_thread(self._names)
        found = await asyncio.to_thread(read_house, self._own, self._auto, names)
        if news := [one for one in found.warnings if one not in self._warned]:
            for warning in news:
                log.warning("%s", warning)
        self._warned = frozenset(found.warnings)
        if found.overrides != self.now.overrides:
            log.info("house: what it says of alerts is in force: %d values", len(found.values))
        self.now = found
        self._poller.alerts.override(found.overrides)
        kept = {"alerts": _plain(found.overrides)} if found.overrides else None
        self._poller.bms_db.write(lambda own: write_states(own, {STATE: kept}))

    def _names(self) -> Names:
        """What may be named: the batteries of the registry, those that are read, and the inverters."""
        poller = self._poller
        entries = {entry.address: entry for entry in poller.devices.entries}
        try:
            entries = {e.address: e for e in read_registry(poller.settings.devices_file).entries} | entries
        except ConfigError as error:
            log.debug("house: without the registry: %s", error)  # which tells its own faults
        return names_of(entries.values(), poller.alerts.inverters.names)

    @property
    def _own(self) -> Path:
        return self._poller.settings.house_file

    @property
    def _auto(self) -> Path:
        return self._poller.settings.settings_file.with_name(AUTO)  # lies with settings.env

    def _told(self, path: list[object]) -> str:
        for known, value in self.now.values.items():
            if [part.casefold() for part in known] == [str(part).casefold() for part in path]:
                return value.text
        return ""


def _plain(overrides: Mapping[str, Mapping[int, Override]]) -> dict[str, Any]:
    """``overrides`` as plain JSON values."""
    plain: dict[str, Any] = msgspec.to_builtins(overrides, str_keys=True)
    return plain
