"""Settings as a person reads them; secrets are masked."""

from datetime import time
from typing import NamedTuple

from jk_bms.battery.curves import Curve
from jk_bms.config.settings.kinds import HostPort
from jk_bms.config.settings.table import SETTINGS, Setting, Settings


class Row(NamedTuple):
    """One setting as shown to a person; secrets are masked."""

    key: str
    value: str
    unit: str
    source: str
    meaning: str
    at_once: bool = False  # it can be changed while the service runs


def describe(settings: Settings) -> list[Row]:
    """Every setting with its value, where that came from and what it means."""
    return [
        Row(
            setting.key,
            shown(getattr(settings, setting.name), setting),
            setting.unit,
            settings.sources.get(setting.key, "default"),
            setting.meaning,
            setting.at_once,
        )
        for setting in SETTINGS
    ]


def shown(value: object, setting: Setting) -> str:
    """Return the value as one would write it into .env; for an empty one what it stands for."""
    if value is None or value == ():
        return setting.worked_out.replace("`", "")
    return "***" if setting.secret else _written(value)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Curve):
        return ",".join(f"{point.v:g}:{point.soc:g}" for point in value.points)
    if isinstance(value, time):
        return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"
    if isinstance(value, tuple) and not isinstance(value, HostPort):
        return ("-" if isinstance(value[0], time) else ",").join(map(_written, value))
    return str(value)
