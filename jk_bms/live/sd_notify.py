"""Tell systemd how the service is: a datagram to its socket, nothing without one."""

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Speaks to the service manager that started us; silent when there is none."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        # "@" stands for the zero byte that begins an abstract name.
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self.watchdog_period = _watchdog_period(environ)  # s; None: none

    def ready(self) -> None:
        """The service is up."""
        self._send("READY=1")

    def still_starting(self, seconds: float) -> None:
        """The start goes on, and is to be waited for that long from now, whatever ``TimeoutStartSec`` says."""
        self._send(f"EXTEND_TIMEOUT_USEC={seconds * 1e6:.0f}")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._send("STATUS=" + " ".join(text.split()))

    def watchdog(self) -> None:
        """Still alive; to be said well within every ``watchdog_period``."""
        if self.watchdog_period:
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """The service is on its way down."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)  # a full socket must not hold up the readings
                sender.sendto(message.encode(), self._address)
        except OSError:
            pass  # systemd no longer listens; the service itself is well


def _watchdog_period(environ: Mapping[str, str]) -> float | None:
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
        watched = int(environ.get("WATCHDOG_PID") or os.getpid())
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 and watched == os.getpid() else None
