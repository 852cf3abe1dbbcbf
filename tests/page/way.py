"""A way to the page that fails as ways do: bytes go in and nothing comes out, on lines that stay open."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Way:
    """A proxy on a port of its own. ``dead``: it takes bytes and lines as before, and hands nothing on."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lines: list[socket.socket] = []
        self.dead = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self._listening.getsockname()[1]}/"

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._lines += near, far
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if not self.dead:
                    other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all lines."""
        self._listening.close()
        for line in self._lines:
            line.close()


@contextmanager
def way_to(port: int) -> Iterator[Way]:
    """A way to that port of this machine."""
    way = Way(port)
    try:
        yield way
    finally:
        way.close()
