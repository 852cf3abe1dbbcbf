"""The devices of this process: others that are connected to an adapter are not disturbed."""

import weakref
from typing import Protocol


class Addressed(Protocol):
    """What has the Bluetooth address of a device."""

    address: str


_ours: "weakref.WeakSet[Addressed]" = weakref.WeakSet()


def ours(link: Addressed) -> None:
    """Count the device of ``link`` among ours for as long as the link lives."""
    _ours.add(link)


def our_addresses() -> set[str]:
    """Return the addresses of our devices."""
    return {link.address for link in _ours}
