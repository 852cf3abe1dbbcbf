"""What every link offers, whatever carries the bytes."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Connection(Protocol):
    """An open link. Chunks are notifications as they came: cut anywhere."""

    @property
    def rssi(self) -> int | None:
        """Signal strength in dBm at the time of the scan; None when unknown."""

    async def receive(self) -> bytes:
        """Return the next chunk, waiting as long as it takes.

        Raises LinkError (``DROPPED``) once the link is gone and all chunks are read.
        """

    async def receive_waiting(self, until: float) -> list[bytes]:
        """Return the chunks that wait, once there is one, or enough to be worth it.

        Empty when nothing came ``until`` then, on the clock of the event loop. Raises as ``receive`` does.
        """
        try:
            async with asyncio.timeout_at(until):
                return [await self.receive()]
        except TimeoutError:
            return []

    async def write(self, data: bytes) -> None:
        """Send a command, without asking for a response. Raises LinkError."""


class Link(Protocol):
    """A way to one device."""

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Open the link; leaving the context closes it cleanly, also on cancellation.

        Entering raises LinkError with the verdict that fits.
        """


class Repairs(Protocol):
    """What may bring back a device that gives no data. When to do it is decided elsewhere.

    Each comes to an end by itself, also when the Bluetooth service does not answer, and raises
    LinkError when it could not be done.
    """

    @property
    def adapter(self) -> str:
        """The adapter that the device is, or was last, reached by; empty: not known yet."""

    async def forget(self) -> None:
        """Have the Bluetooth service forget all that it remembers of the device.

        Refuses (LinkError) when that would lose a bond that cannot be made again without a person.
        """

    async def power_cycle(self) -> None:
        """Switch the adapter off and on; return when it is on. All its links end."""

    async def restart_service(self) -> None:
        """Restart the Bluetooth service; return when it answers. The links of all adapters end."""

    async def reboot(self) -> None:
        """Ask the system to reboot this machine."""
