"""The server of HTTP: uvicorn, with limits for those who say nothing, say too much or come too many at once."""

import asyncio
import contextlib
import errno
import json
import logging
import socket
from collections.abc import Iterator
from http import HTTPStatus
from types import FrameType
from typing import Any

import h11
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from jk_bms.errors import ConfigError, LiveError, reason
from jk_bms.web.http import LARGEST_HEADER

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 256
HEADER_PATIENCE = 10.0  # s for the header of a request, and for a closed connection to take what it was sent
KEPT_OPEN = 75.0  # s between two requests of a connection
STOP_PATIENCE = 2  # s for requests to end
BACKLOG = 128


class Protocol(H11Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; where there are too many already, say so and end."""
        super().connection_made(transport)
        self._begun: float | None = None  # when a header began that is not whole yet
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(503, "busy", "too many connections; try again later")
            return
        self._begun = self.loop.time()
        self._closing = False
        self._watch = self.loop.call_later(HEADER_PATIENCE, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if hasattr(self, "_watch"):
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; from the first byte of a header on its time counts."""
        if self._begun is None and not self._busy:
            self._begun = self.loop.time()
        super().data_received(data)
        if self._busy:
            self._begun = None

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._begun = None if self._busy or not self.conn.trailing_data[0] else self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or has too large a header, in the form of all errors; then close."""
        error = self.conn.their_state is h11.ERROR
        status = 431 if error and len(self.conn.trailing_data[0]) >= LARGEST_HEADER else 400
        self._refuse(status, "bad_request", "this is no request that can be understood")

    @property
    def _busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _look(self) -> None:
        self._watch = self.loop.call_later(HEADER_PATIENCE, self._look)
        if self.transport.is_closing():
            if self._closing:
                self.transport.abort()  # it does not even take the end of what it asked for
            self._closing = True
        elif self._begun is not None and self.loop.time() - self._begun >= HEADER_PATIENCE:
            self._refuse(408, "bad_request", "the header did not come in time")

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class PageServer(Server):
    """Runs until ``should_exit``; signals are the business of who runs it."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()  # it answers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Never called: the service takes the signals."""


def make_server(app: Any) -> PageServer:
    """Return the server of ``app``."""
    return PageServer(
        Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,  # whom to believe is judged with each request
            server_header=False,
            timeout_keep_alive=int(KEPT_OPEN),
            timeout_graceful_shutdown=STOP_PATIENCE,
            h11_max_incomplete_event_size=LARGEST_HEADER,
        )
    )


def sockets_for(bind: str | None, port: int) -> list[socket.socket]:
    """Return sockets that listen at ``bind``, None: at all addresses. Raises LiveError, ConfigError."""
    families = (
        [(socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")]  # noqa: S104 - as documented
        if bind is None
        else [(socket.AF_INET6 if ":" in bind else socket.AF_INET, bind)]
    )
    made: list[socket.socket] = []
    try:
        for family, address in families:
            try:
                # By name of the protocol: only so does asyncio send an answer at once, not 40 ms later with the next.
                listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            except OSError as error:
                if bind is None and error.errno == errno.EAFNOSUPPORT:  # a machine without IPv6
                    continue
                raise
            made.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listener.bind((address, port))
                port = listener.getsockname()[1]  # where any would do, the same one for both
            except OSError as error:
                if bind is None and family == socket.AF_INET6 and error.errno == errno.EADDRNOTAVAIL:
                    made.pop().close()  # IPv6 is switched off
                    continue
                raise
            listener.listen(BACKLOG)
            listener.setblocking(False)
    except OSError as error:
        for listener in made:
            listener.close()
        raise _explained(error, bind, port) from error
    return made


def _explained(error: OSError, bind: str | None, port: int) -> LiveError | ConfigError:
    if error.errno == errno.EADDRINUSE:
        return LiveError(
            f"port {port} is in use by another program; stop that one, or give the page another port with "
            f"WEB_PORT (see who has it: ss -ltnp 'sport = :{port}')"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigError(
            f"settings: WEB_BIND={bind}: this machine has no such address; expected one of its own, "
            "or nothing for all of them"
        )
    return ConfigError(
        f"settings: the page cannot listen at {bind or 'all addresses'}, port {port}: {reason(error)}; expected a "
        "port that this user may use (WEB_PORT, from 1024 on)"
    )
