"""A web service of the owner: takes requests on a port of its own, and is away when told to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class WebService:
    """Keeps what was posted to it. ``status``: what it answers; ``stop`` and ``start`` keep the port."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.status = 200
        self.hang: threading.Event | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if service.status < 300:
                    service.posted.append(json.loads(body))
                self._answer()

            def do_GET(self) -> None:
                service.asked.append(self.path)
                self._answer()

            def _answer(self) -> None:
                if service.hang is not None:
                    service.hang.wait(30)
                self.send_response(service.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Be away."""
        if self.hang is not None:
            self.hang.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def titles(self) -> list[str]:
        """The title of every message, in order."""
        return [message["title"] for message in self.posted]
