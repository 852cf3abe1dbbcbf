"""Which adapter a battery is read by, and the connection slots of each adapter.

Adapters are known by their addresses: hci numbers move when dongles are plugged in another order. A
battery stays with the adapter that it was first read by; a new one goes to the adapter with the
fewest. One that the owner pinned (``adapter`` in the registry, JK_BMS_ADAPTER) does not come here
to be placed, but counts as load.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from jk_bms.model.snapshot import AdapterNow
from jk_bms.radio.slots import Turns, usual_connections

STATE = "adapters"  # the name in bms.db of what is remembered


class AnAdapter(Protocol):
    """What is asked of an adapter; see bluez.Adapter."""

    @property
    def name(self) -> str:
        """As the system calls it now: hci0."""

    @property
    def address(self) -> str:
        """Its own address, which stays."""


class Placement:
    """Shared by all links of a house. ``connections``: slots of every adapter; None: by its kind."""

    def __init__(
        self,
        connections: int | None = None,
        *,
        usual: Callable[[str], int] = usual_connections,
        changed: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self._connections = connections
        self._usual = usual
        self._changed = changed
        self._pins: dict[str, str] = {}  # device -> address of the adapter that it belongs to
        self._used: dict[str, str] = {}  # device -> the one that it is read by now
        self._turns: dict[str, Turns] = {}  # address of an adapter -> its slots

    def choose(self, device: str, there: Iterable[AnAdapter]) -> str:
        """Return the address of the adapter for ``device``, of those that are ``there`` and switched on.

        Its own if that is among them; else the one with the fewest devices, and it is its own from
        then on, unless it has one that is only away. ``there`` must not be empty.
        """
        addresses = [adapter.address for adapter in there]
        own = self._pins.get(device)
        if own in addresses:
            return own
        load = [address for other, address in self._belonging().items() if other != device]
        chosen = min(addresses, key=load.count)  # the first of equals
        if own is None:
            self._pins[device] = chosen
            self._changed(self.remembered())
        return chosen

    def slots(self, device: str, adapter: AnAdapter) -> Turns:
        """Return the slots of ``adapter``, by which ``device`` is read from now on."""
        before = self._used.get(device)
        if before is not None and before != adapter.address:
            self._turns[before].slots.part(device)
        self._used[device] = adapter.address
        if adapter.address not in self._turns:
            self._turns[adapter.address] = Turns(self._connections or self._usual(adapter.name))
        return self._turns[adapter.address]

    def leave(self, device: str) -> None:
        """Reckon with a device no longer; which adapter it belongs to stays known."""
        used = self._used.pop(device, None)
        if used is not None:
            self._turns[used].part(device)

    def loads(self) -> list[AdapterNow]:
        """Return how full each adapter is."""
        return [
            AdapterNow(address, turns.slots.count, list(self._used.values()).count(address))
            for address, turns in sorted(self._turns.items())
        ]

    def remembered(self) -> dict[str, Any]:
        """Return what the next run must know, as plain JSON values."""
        return {"adapters": dict(sorted(self._pins.items()))}

    def recall(self, state: Mapping[str, Any] | None) -> None:
        """Take up what the last run left."""
        if state is not None:
            self._pins = {str(device): str(address) for device, address in state.get("adapters", {}).items()}

    def _belonging(self) -> dict[str, str]:
        """Devices that are read, and the adapter each belongs to, though it may be away."""
        return {device: self._pins.get(device, used) for device, used in self._used.items()}
