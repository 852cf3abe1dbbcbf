"""The asking end of the live socket, for programs that may wait (the tool).

Uses plain blocking sockets, so that asking does not cost the import of an event loop.
"""

import contextlib
import itertools
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jk_bms.errors import LiveError
from jk_bms.live import messages
from jk_bms.model.snapshot import Snapshot


class LiveClient:
    """A connection to the running poller; use as a context manager.

    Raises LiveError when no poller listens at ``path`` or it stops answering.
    """

    def __init__(self, path: Path, *, timeout: float = 5.0) -> None:
        self.path = path
        self.timeout = timeout
        self._ids = itertools.count(1)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise messages.unreachable(path, error) from error
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):
            self._lines.close()
        self._socket.close()

    def snapshot(self) -> Snapshot:
        """Return the present state."""
        return messages.snapshot_in(self.path, self.plain_snapshot())

    def plain_snapshot(self) -> dict[str, Any]:
        """Return the same as the service says it, with what this version does not know."""
        self._send("snapshot")
        return self._await("snapshot")

    def subscribe(self) -> Iterator[messages.Told]:
        """Yield the snapshot, then everything as it happens, until the service ends."""
        self._send("subscribe")
        self._socket.settimeout(None)
        while True:
            try:
                told = messages.understood(self.path, self._receive())
            except LiveError:
                return
            if told is not None:
                yield told

    def request(self, action: str, *, ttl: float = messages.REQUEST_TTL, **fields: Any) -> dict[str, Any]:
        """Have ``action`` carried out and return its result.

        Raises SourceError when the service tried and failed, LiveError when it refused.
        """
        ident = f"{action}-{next(self._ids)}"
        self._socket.settimeout(ttl + self.timeout)
        self._send("request", id=ident, action=action, ttl=ttl, **fields)
        return messages.result(self._await("answer"))

    def _send(self, kind: str, **fields: Any) -> None:
        try:
            self._socket.sendall(messages.line(kind, **fields))
        except OSError as error:
            raise LiveError(f"{self.path}: the service went away ({error.strerror or error})") from error

    def _receive(self) -> dict[str, Any]:
        try:
            raw = self._lines.readline(messages.MAX_LINE)
        except OSError as error:
            raise LiveError(f"{self.path}: the service does not answer ({error})") from error
        return messages.received(self.path, raw)

    def _await(self, kind: str) -> dict[str, Any]:
        while (message := self._receive())["type"] != kind:
            if message["type"] == "error":
                raise LiveError(f"the service did not understand: {message.get('error')}")
        return message
