"""What every link offers, whatever carries the bytes."""

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

    async def write(self, data: bytes) -> None:
        """Send a command, without asking for a response. Raises LinkError."""


class Link(Protocol):
    """A way to one device."""

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Open the link; leaving the context closes it cleanly, also on cancellation.

        Entering raises LinkError with the verdict that fits.
        """
