"""What the links of a house have learnt of its radio, and must still know after a restart."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

STATE = "radio"  # its name in bms.db
TRACE = 3  # hex digits of a passkey's hash: they tell a corrected one, and do not give it away


class Refusal(NamedTuple):
    """A device refused to pair. ``trace``: of the passkey that was tried."""

    trace: str
    firmware: str | None  # None: it did not tell yet


class RadioMemory:
    """Shared by all links of a house. ``changed`` is given the new state, to be written."""

    def __init__(self, *, changed: Callable[[Mapping[str, Any]], None] = lambda _: None) -> None:
        self._changed = changed
        self._heard_others: set[str] = set()  # addresses of adapters
        self._refusals: dict[str, Refusal] = {}  # by device
        self._firmware: dict[str, str] = {}  # that spoke in this run, by device
        self._frozen: dict[str, bytes] = {}  # by device

    def hears_others(self, adapter: str) -> None:
        """Note that an adapter, by its address, heard a device that is none of ours."""
        if adapter not in self._heard_others:
            self._heard_others.add(adapter)
            self._changed(self.remembered())

    def heard_others(self, adapter: str) -> bool:
        """Whether it ever did: when it hears nothing at all, then it is stuck rather than alone."""
        return adapter in self._heard_others

    def refuses(self, device: str, pin: str) -> None:
        """Note that a device refused to pair with that passkey."""
        self._refusals[device] = Refusal(_trace(device, pin), self._firmware.get(device))
        self._changed(self.remembered())

    def refused(self, device: str, pin: str) -> bool:
        """Whether it did, and its firmware is the same as far as we know."""
        refusal = self._refusals.get(device)
        return refusal is not None and refusal.trace == _trace(device, pin)

    def speaks(self, device: str, firmware: str) -> None:
        """Note the firmware of a device; what another one refused says nothing of this one."""
        self._firmware[device] = firmware
        refusal = self._refusals.get(device)
        if refusal is None or refusal.firmware == firmware:
            return
        if refusal.firmware is None:
            self._refusals[device] = refusal._replace(firmware=firmware)
        else:
            del self._refusals[device]
        self._changed(self.remembered())

    def freezes(self, device: str, frame: bytes) -> None:
        """Note the frame of cells that a device repeats: the next run would take it for a reading."""
        if self._frozen.get(device) != frame:
            self._frozen[device] = frame
            self._changed(self.remembered())

    def frozen(self, device: str) -> bytes:
        """Return the frame that it repeated last; empty if it never did."""
        return self._frozen.get(device, b"")

    def remembered(self) -> dict[str, Any]:
        """Return what the next run must know, as plain JSON values."""
        refusals = {device: refusal._asdict() for device, refusal in sorted(self._refusals.items())}
        frozen = {device: frame.hex() for device, frame in sorted(self._frozen.items())}
        return {"heard_others": sorted(self._heard_others), "refusals": refusals, "frozen": frozen}

    def recall(self, state: Mapping[str, Any] | None) -> None:
        """Take up what the last run left."""
        if state is not None:
            self._heard_others.update(state.get("heard_others", ()))
            refusals = state.get("refusals", {})
            self._refusals = {device: Refusal(**refusal) for device, refusal in refusals.items()}
            self._frozen = {device: bytes.fromhex(frame) for device, frame in state.get("frozen", {}).items()}


def _trace(device: str, pin: str) -> str:
    return hashlib.sha256(f"{device} {pin}".encode()).hexdigest()[:TRACE]
