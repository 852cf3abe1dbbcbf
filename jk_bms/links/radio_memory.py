"""What the links of a house have learnt of its radio, and must still know after a restart."""

from collections.abc import Callable, Mapping
from typing import Any

STATE = "radio"  # its name in bms.db


class RadioMemory:
    """Shared by all links of a house. ``changed`` is given the new state, to be written."""

    def __init__(self, *, changed: Callable[[Mapping[str, Any]], None] = lambda _: None) -> None:
        self._changed = changed
        self._heard_others: set[str] = set()  # addresses of adapters

    def hears_others(self, adapter: str) -> None:
        """Note that an adapter, by its address, heard a device that is none of ours."""
        if adapter not in self._heard_others:
            self._heard_others.add(adapter)
            self._changed(self.remembered())

    def heard_others(self, adapter: str) -> bool:
        """Whether it ever did: when it hears nothing at all, then it is stuck rather than alone."""
        return adapter in self._heard_others

    def remembered(self) -> dict[str, Any]:
        """Return what the next run must know, as plain JSON values."""
        return {"heard_others": sorted(self._heard_others)}

    def recall(self, state: Mapping[str, Any] | None) -> None:
        """Take up what the last run left."""
        if state is not None:
            self._heard_others.update(state.get("heard_others", ()))
