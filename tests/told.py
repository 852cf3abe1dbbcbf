"""What the poller says at its socket, from plain JSON: as the faces get it."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import msgspec

from jk_bms.model.snapshot import BatteryNow, Snapshot


def house(said: Mapping[str, Any]) -> Snapshot:
    """The state of the house."""
    return msgspec.convert(said, Snapshot)


def battery(said: Mapping[str, Any]) -> BatteryNow:
    """One battery of it."""
    return msgspec.convert(said, BatteryNow)


class Told:
    """The functions of ``module``, given houses and batteries as the poller says them."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        known: Any = getattr(self._module, name)
        if not callable(known) or isinstance(known, type):
            return known
        function: Callable[..., Any] = known
        return lambda *given, **named: function(*map(_typed, given), **named)


def _typed(given: Any) -> Any:
    if isinstance(given, list):
        return [_typed(one) for one in given]
    if isinstance(given, dict) and "devices" in given:
        return house(given)
    return battery(given) if isinstance(given, dict) and "address" in given else given
