"""What the poller says at its socket, from plain JSON: as the faces get it."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import msgspec

from jk_bms.model.alert import alert_of
from jk_bms.model.health import HealthTold
from jk_bms.model.snapshot import BatteryNow, Snapshot


def house(said: Mapping[str, Any]) -> Snapshot:
    """The state of the house."""
    return msgspec.convert(said, Snapshot)


def battery(said: Mapping[str, Any]) -> BatteryNow:
    """One battery of it."""
    return msgspec.convert(said, BatteryNow)


class Told:
    """The functions of ``module``, given houses, batteries and alerts as the poller says them."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        known: Any = getattr(self._module, name)
        if not callable(known) or isinstance(known, type):
            return known
        function: Callable[..., Any] = known
        return lambda *given, **named: function(*map(_typed, given), **named)


def _typed(given: Any) -> Any:
    if isinstance(given, list | tuple) and not hasattr(given, "_fields"):
        return type(given)(_typed(one) for one in given)
    if isinstance(given, dict) and "devices" in given:
        return house(given)
    if isinstance(given, dict) and "address" in given:
        return battery(given)
    if isinstance(given, dict) and "cells" in given:
        return msgspec.convert(given, HealthTold)
    return alert_of(given) if isinstance(given, dict) else given
