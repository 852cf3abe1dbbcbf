"""The serving end of the live socket, inside the poller."""

import asyncio
import contextlib
import logging
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jk_bms.errors import JkBmsError, LiveError
from jk_bms.live import messages

log = logging.getLogger(__name__)

Snapshot = Callable[[], dict[str, Any]]
Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

# A client that does not read loses samples first, then the connection: it must never make
# the poller wait or grow.
SAMPLE_BACKLOG = 64 * 1024  # bytes unread, above which samples are left out
EVENT_BACKLOG = 1024 * 1024  # bytes unread, above which the client is dropped
LONGEST_PATH = 107  # bytes, of a Unix socket on Linux


class LiveServer:
    """Serves snapshots, a stream of what happens, and requests.

    ``snapshot`` returns the present state; ``handle`` carries out one request and returns
    its result, or raises an error of ours whose text is sent back.
    """

    def __init__(self, path: Path, *, snapshot: Snapshot, handle: Handler) -> None:
        self.path = path
        self._snapshot = snapshot
        self._handle = handle
        self._subscribers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def listening(self) -> bool:
        """Whether anybody subscribed: samples need not be put into words otherwise."""
        return bool(self._subscribers)

    @contextlib.asynccontextmanager
    async def serve(self) -> Any:
        """Listen while the context is open. Raises LiveError when the socket cannot be made."""
        self._clear_stale()
        try:
            server = await asyncio.start_unix_server(self._client, self.path, limit=messages.MAX_LINE)
            self.path.chmod(0o660)
        except OSError as error:
            raise self._no_socket(error) from error
        inode = self.path.stat().st_ino
        try:
            yield self
        finally:
            server.close()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            with contextlib.suppress(OSError):
                if self.path.stat().st_ino == inode:  # not another poller's by now
                    self.path.unlink()

    def send(self, message: str, /, **fields: Any) -> None:
        """Tell every subscriber; never waits."""
        if not self._subscribers:
            return
        line = messages.line(message, **fields)
        limit = SAMPLE_BACKLOG if message == "sample" else EVENT_BACKLOG
        for writer in tuple(self._subscribers):
            backlog = writer.transport.get_write_buffer_size()
            if backlog < limit:
                writer.write(line)
            elif backlog >= EVENT_BACKLOG:
                log.warning("live: a client does not read: dropped")
                self._subscribers.discard(writer)
                writer.transport.abort()

    def _clear_stale(self) -> None:
        """Remove the socket that a killed poller left behind; never a living one or another file."""
        try:
            if not stat.S_ISSOCK(self.path.stat().st_mode):
                raise LiveError(f"live socket {self.path}: a file of that name is in the way; move it")
            if _answered(self.path):
                raise LiveError(
                    f"live socket {self.path}: another poller listens there; stop that one first, or give "
                    "this one a BMS_SOCKET of its own"
                )
            self.path.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._no_socket(error) from error

    def _no_socket(self, error: OSError) -> LiveError:
        return LiveError(
            f"live socket {self.path}: cannot be made: {(error.strerror or str(error)).lower()}; expected a folder "
            f"that we may write and a path of at most {LONGEST_PATH} bytes (BMS_SOCKET)"
        )

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while raw := await reader.readline():
                await self._answer(raw, writer)
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass  # gone, or a line longer than the limit, or the service ends
        finally:
            self._tasks.discard(task)
            self._subscribers.discard(writer)
            writer.close()

    async def _answer(self, raw: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            message = messages.parse(raw)
        except ValueError as error:
            writer.write(messages.line("error", error=str(error)))
            return
        match message["type"]:
            case "snapshot":
                writer.write(messages.line("snapshot", **self._snapshot()))
            case "subscribe":
                writer.write(messages.line("snapshot", **self._snapshot()))
                self._subscribers.add(writer)
            case "request":
                # On its own, so that a long scan does not hold up the next question.
                task = asyncio.create_task(self._carry_out(message, writer), name="live request")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case other:
                writer.write(messages.line("error", error=f"unknown type {other!r}"))
        await writer.drain()

    async def _carry_out(self, message: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        outcome: dict[str, Any] = {"id": message.get("id")}
        try:
            ttl = float(message.get("ttl", messages.REQUEST_TTL))
            async with asyncio.timeout(ttl):
                outcome |= {"ok": True, "result": await self._handle(message)}
        except TimeoutError:
            outcome |= {"ok": False, "error": f"no result within {ttl:g} s"}
        except JkBmsError as error:
            outcome |= {"ok": False, "error": str(error), "verdict": getattr(error, "verdict", None)}
        except (TypeError, ValueError) as error:
            outcome |= {"ok": False, "error": f"bad request: {error}"}
        except Exception:
            log.exception("a request failed: %s", message.get("action"))
            outcome |= {"ok": False, "error": "unexpected error; see the log of the service"}
        if not writer.is_closing():
            writer.write(messages.line("answer", **outcome))


def _answered(path: Path) -> bool:
    """Whether a process listens on the socket at ``path``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(str(path))
        except BlockingIOError:
            return True  # so many wait there that it needs a moment
        except OSError:
            return False
        return True
