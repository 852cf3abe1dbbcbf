"""Settings that change while the poller runs: by hand in .env, or asked for at the socket and kept in settings.env.

Only those take effect that the table says can (``at_once``); the others wait for the next start.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from jk_bms.config.settings import SETTINGS, Setting, Settings, describe
from jk_bms.config.settings.show import shown
from jk_bms.config.settings.written import changeable, check_value, put_values
from jk_bms.errors import ConfigError
from jk_bms.live.messages import ConfigTold

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller

log = logging.getLogger(__name__)

BY_HAND = "by hand"


class SettingsFile:
    """Reads the settings of ``poller`` again with ``load``, and writes settings.env."""

    def __init__(self, poller: "Poller", load: Callable[[], Settings]) -> None:
        self._poller = poller
        self._load = load
        self._busy = asyncio.Lock()
        self._waiting: frozenset[str] = frozenset()  # keys that were told to wait for the next start

    def listed(self) -> list[dict[str, Any]]:
        """Return every setting: value, unit, source, meaning, and whether it can be changed at the socket."""
        return [
            row._asdict() | {"locked": row.at_once and self._is_locked(setting)}
            for setting, row in zip(SETTINGS, describe(self._poller.settings), strict=True)
        ]

    async def put(self, changes: Mapping[str, str], by: str) -> list[dict[str, str]]:
        """Change settings for ``by``; an empty text: back to the default. Return what is different now.

        Raises ConfigError, and changes none, when one cannot be changed here, or not to that.
        """
        faults = []
        for key, text in changes.items():
            try:
                setting = changeable(key)
                check_value(setting, text)
            except ConfigError as error:
                faults.append(str(error))
        if faults:
            raise ConfigError(faults)
        async with self._busy:
            await self._take(await asyncio.to_thread(self._load), BY_HAND)
            if locked := [key for key in changes if self._is_locked(changeable(key))]:
                raise ConfigError(
                    [
                        f"settings: {key}: is set in {self._poller.settings.sources[key]}, which wins; change it there"
                        for key in locked
                    ]
                )
            file = self._poller.settings.settings_file
            await asyncio.to_thread(put_values, file, changes)
            return await self._take(await asyncio.to_thread(self._load), by)

    async def apply(self) -> None:
        """Have take effect what was changed by hand. Raises ConfigError, and changes nothing, when it is bad."""
        async with self._busy:
            await self._take(await asyncio.to_thread(self._load), BY_HAND)

    def _is_locked(self, setting: Setting) -> bool:
        """Whether the owner's file or the environment says what it is."""
        settings = self._poller.settings
        source = settings.sources.get(setting.key, "default")
        return source != "default" and not source.startswith(f"{settings.settings_file} line ")

    async def _take(self, fresh: Settings, by: str) -> list[dict[str, str]]:
        """Take over from ``fresh`` what can change now; tell what did."""
        poller, before = self._poller, self._poller.settings
        changed = [one for one in SETTINGS if getattr(before, one.name) != getattr(fresh, one.name)]
        now = [one for one in SETTINGS if one.at_once]
        poller.use(
            msgspec.structs.replace(
                before,
                **{one.name: getattr(fresh, one.name) for one in now},
                sources=dict(before.sources) | {one.key: fresh.sources[one.key] for one in now},
            )
        )
        self._tell_waiting(frozenset(one.key for one in changed if not one.at_once))
        return [self._told(one, before, by) for one in changed if one.at_once]

    def _told(self, setting: Setting, before: Settings, by: str) -> dict[str, str]:
        """Tell everybody of one change; secrets are masked."""
        now = self._poller.settings
        change = {
            "key": setting.key,
            "old": shown(getattr(before, setting.name), setting),
            "new": shown(getattr(now, setting.name), setting),
            "source": now.sources[setting.key],
            "by": by,
        }
        text = f"{setting.key} is {change['new']} now, was {change['old']} (changed {by})"
        log.info("settings: %s", text)
        self._poller.report("config.changed", None, text, **change)
        self._poller.server.send(ConfigTold(**change))
        return change

    def _tell_waiting(self, keys: frozenset[str]) -> None:
        if keys - self._waiting:
            log.warning("settings: %s: takes effect at the next start", ", ".join(sorted(keys)))
        self._waiting = keys
