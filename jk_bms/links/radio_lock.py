"""Keep two programs from fighting over one radio: pollers, and the tool while it connects by itself.

The lock is a name in the kernel's abstract socket space: it needs no folder that both can
write, spans users and containers on the host network, and vanishes with its holder, so
nothing stale is ever left behind.
"""

import hashlib
import os
import socket
import sys
import time
from collections.abc import Iterator

from jk_bms.errors import SourceError, Verdict

PATIENCE = 15.0  # s to wait for it: the tool has the radio for a moment only
ASK_AGAIN = 0.25  # s between two attempts


class RadioLock:
    """Holds the radio of this machine from ``acquire`` to ``release``, or to the process's end."""

    def __init__(self) -> None:
        # One lock for each Bluetooth stack: a private bus is another stack.
        bus = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "")
        suffix = hashlib.sha256(bus.encode()).hexdigest()[:12] if bus else "system"
        self.name = f"easun-jkbms/radio/{suffix}"
        self._socket: socket.socket | None = None

    def acquire(self) -> None:
        """Take the lock. Raises SourceError (``BUSY``) when another program has it."""
        if self._socket is not None or not sys.platform.startswith("linux"):
            return  # ours already; or no abstract names, and only the tool runs
        holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            holder.bind(f"\0{self.name}")
        except OSError as error:
            holder.close()
            raise SourceError(
                "another poller already uses the Bluetooth radio of this machine, or jk-util.py does; "
                "stop it first (systemctl stop easun-jkbms, docker compose stop jkbms)",
                Verdict.BUSY,
            ) from error
        self._socket = holder

    def attempts(self, patience: float) -> Iterator[bool]:
        """Try until the lock is ours; between two attempts the caller waits for ASK_AGAIN s.

        Yields True before the first wait, then False. Raises SourceError (``BUSY``) after ``patience`` s.
        """
        deadline, first = time.monotonic() + patience, True
        while True:
            try:
                self.acquire()
                return
            except SourceError:
                if time.monotonic() >= deadline:
                    raise
            yield first
            first = False

    def release(self) -> None:
        """Give the lock back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
