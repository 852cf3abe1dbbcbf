"""The serving end of the live socket, inside the poller."""

import asyncio
import contextlib
import logging
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jk_bms.errors import JkBmsError, LiveError, reason
from jk_bms.live import messages
from jk_bms.model.snapshot import Snapshot
from jk_bms.store.file_id import FileId, file_id_at

log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

# A client that does not read loses samples first, then the connection: it must never make
# the poller wait or grow.
SAMPLE_BACKLOG = 64 * 1024  # bytes unread, above which samples are left out
EVENT_BACKLOG = 256 * 1024  # bytes unread, above which the client is dropped
LONGEST_PATH = 107  # bytes, of a Unix socket on Linux

# What a client may cost: whatever all of them do, a few megabytes.
MOST_CLIENTS = 64
AT_ONCE = 8  # requests of one client that are being carried out
PATIENCE = 10.0  # s for the rest of a line that was begun, and for a client to take its answer
NEW = 1.0  # s in which a client has hardly had the time to ask
IDLE = 60.0  # s without a question, of a client that waits for nothing


class _Client:
    """One connection."""

    def __init__(self, writer: asyncio.StreamWriter, now: float) -> None:
        self.writer = writer
        self.asked_at = now  # s, of the loop
        self.requests = 0  # being carried out
        self.subscribed = False

    @property
    def waits(self) -> bool:
        """Whether it waits for something of us."""
        return self.subscribed or bool(self.requests)


class LiveServer:
    """Serves snapshots, a stream of what happens, and requests.

    ``snapshot`` returns the present state; ``handle`` carries out one request and returns
    its result, or raises an error of ours whose text is sent back.
    """

    def __init__(self, path: Path, *, snapshot: Callable[[], Snapshot], handle: Handler) -> None:
        self.path = path
        self._snapshot = snapshot
        self._handle = handle
        self._clients: set[_Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None  # while serving
        self._made: FileId | None = None  # its socket
        self._crowded = False  # and that was logged

    @property
    def listening(self) -> bool:
        """Whether a client subscribed: samples need not be put into words otherwise."""
        return any(client.subscribed for client in self._clients)

    @contextlib.asynccontextmanager
    async def serve(self) -> Any:
        """Listen while the context is open. Raises LiveError when the socket cannot be made."""
        await self._listen()
        try:
            yield self
        finally:
            assert self._server is not None
            self._server.close()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            with contextlib.suppress(OSError):
                if file_id_at(self.path) == self._made:  # not another poller's by now
                    self.path.unlink()

    async def look(self) -> bool:
        """Make the socket anew if it or its folder was taken away; return whether that was so.

        Who is connected stays so. Raises LiveError while it cannot be made.
        """
        if self._server is None or file_id_at(self.path) == self._made:
            return False
        before = self._server
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._no_socket(error) from error
        await self._listen()
        before.close()  # not earlier: until then no new file can have the inode of the old one
        return True

    async def _listen(self) -> None:
        self._clear_stale()
        try:
            self._server = await asyncio.start_unix_server(
                self._client, self.path, limit=messages.LONGEST_REQUEST
            )
            self.path.chmod(0o660)
        except OSError as error:
            raise self._no_socket(error) from error
        self._made = file_id_at(self.path)

    def send(self, told: messages.Told) -> None:
        """Tell every subscriber; never waits."""
        if not self.listening:
            return
        line = messages.told_line(told)
        limit = SAMPLE_BACKLOG if isinstance(told, messages.SampleTold) else EVENT_BACKLOG
        for client in tuple(self._clients):
            if not client.subscribed:
                continue
            backlog = client.writer.transport.get_write_buffer_size()
            if backlog < limit:
                client.writer.write(line)
            elif backlog >= EVENT_BACKLOG:
                log.warning("live: a client does not read: dropped")
                self._drop(client)

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
            f"live socket {self.path}: cannot be made: {reason(error)}; expected a folder "
            f"that we may write and a path of at most {LONGEST_PATH} bytes (BMS_SOCKET)"
        )

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = self._admit(writer)
        if client is None:
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while raw := await self._question(reader, client):
                client.asked_at = asyncio.get_running_loop().time()
                self._answer(raw, client)
                async with asyncio.timeout(PATIENCE):
                    await writer.drain()
        except TimeoutError:
            writer.transport.abort()  # it does not take what it asked for: nothing more can be told it
        except (ConnectionError, asyncio.CancelledError):
            pass  # gone, or the service ends
        finally:
            self._tasks.discard(task)
            self._clients.discard(client)
            writer.close()

    def _admit(self, writer: asyncio.StreamWriter) -> _Client | None:
        """Take a new client; where there are too many, instead of the one that asked for nothing for longest."""
        if len(self._clients) >= MOST_CLIENTS:
            if not self._crowded:
                self._crowded = True
                log.warning("live: more than %d clients: those that ask for nothing have to go", MOST_CLIENTS)
            asked = asyncio.get_running_loop().time() - NEW
            idle = [client for client in self._clients if not client.waits and client.asked_at <= asked]
            if not idle:
                said = f"{MOST_CLIENTS} clients are connected already; try again later"
                writer.write(messages.line("error", error=said))
                writer.close()
                return None
            self._drop(min(idle, key=lambda client: client.asked_at))
        else:
            self._crowded = self._crowded and len(self._clients) > MOST_CLIENTS // 2
        client = _Client(writer, asyncio.get_running_loop().time())
        self._clients.add(client)
        return client

    def _drop(self, client: _Client) -> None:
        self._clients.discard(client)
        client.writer.transport.abort()

    async def _question(self, reader: asyncio.StreamReader, client: _Client) -> bytes:
        """Return the next line, too long or not; nothing when it is gone, or keeps us waiting."""
        while True:
            try:
                async with asyncio.timeout(IDLE):
                    first = await reader.read(1)
                break
            except TimeoutError:
                if not client.waits:
                    return b""
        if first in (b"", b"\n"):
            return first
        try:
            async with asyncio.timeout(PATIENCE):
                return first + await _rest_of_line(reader)
        except TimeoutError:
            return b""

    def _answer(self, raw: bytes, client: _Client) -> None:
        write = client.writer.write
        try:
            if len(raw) > messages.LONGEST_REQUEST:
                raise ValueError(f"a line of more than {messages.LONGEST_REQUEST} bytes; expected a request")
            message = messages.parse(raw)
        except ValueError as error:
            write(messages.line("error", error=str(error)))
            return
        match message["type"]:
            case "snapshot":
                write(messages.told_line(self._snapshot()))
            case "subscribe":
                write(messages.told_line(self._snapshot()))
                client.subscribed = True
            case "request" if client.requests >= AT_ONCE:
                said = f"{AT_ONCE} requests of yours are being carried out; wait for an answer"
                write(messages.line("answer", id=_ident(message), ok=False, error=said))
            case "request":
                # On its own, so that a long scan does not hold up the next question.
                client.requests += 1
                task = asyncio.create_task(self._carry_out(message, client), name="live request")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case other:
                write(messages.line("error", error=f"unknown type {other[:40]!r}"))

    async def _carry_out(self, message: dict[str, Any], client: _Client) -> None:
        outcome: dict[str, Any] = {"id": _ident(message)}
        try:
            ttl = messages.number(message, "ttl", messages.REQUEST_TTL, low=0.0, high=messages.LONGEST_TTL)
            async with asyncio.timeout(ttl):
                outcome |= {"ok": True, "result": await self._handle(message)}
        except TimeoutError:
            outcome |= {"ok": False, "error": f"no result within {ttl:g} s"}
        except JkBmsError as error:
            outcome |= {"ok": False, "error": str(error), "verdict": getattr(error, "verdict", None)}
        except (TypeError, ValueError, OverflowError) as error:
            outcome |= {"ok": False, "error": f"bad request: {error}"}
        except Exception:
            log.exception("a request failed: %.40r", message.get("action"))
            outcome |= {"ok": False, "error": "unexpected error; see the log of the service"}
        finally:
            client.requests -= 1
        client.asked_at = asyncio.get_running_loop().time()
        if not client.writer.is_closing():
            client.writer.write(messages.line("answer", **outcome))


async def _rest_of_line(reader: asyncio.StreamReader) -> bytes:
    """Read to the end of a line; what is beyond the longest request is left out, but for its last bytes."""
    kept = b""
    while True:
        try:
            return kept + await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return kept + error.partial
        except asyncio.LimitOverrunError as error:
            kept = await reader.readexactly(error.consumed)  # at least as long as the limit


def _ident(message: dict[str, Any]) -> str | int | None:
    """What a client calls its request, if that can be given back."""
    ident = message.get("id")
    if isinstance(ident, str):
        return ident[: messages.LONGEST_ID]
    return ident if isinstance(ident, int) and abs(ident) < 1 << 53 else None


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
