"""The live socket: real sockets, the real client in a thread, the real server in a loop."""

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from jk_bms.errors import LiveError, SourceError, Verdict
from jk_bms.live import messages
from jk_bms.live import server as module
from jk_bms.live.client import LiveClient
from jk_bms.live.server import AT_ONCE, EVENT_BACKLOG, MOST_CLIENTS, LiveServer
from jk_bms.model.snapshot import EventTold, ProgramNow, Snapshot

T = TypeVar("T")
STATE = Snapshot(program=ProgramNow(version="1"))


async def handle(request: dict[str, Any]) -> dict[str, Any]:
    """Answer by the action's name, one for each way it can go."""
    match request["action"]:
        case "echo":
            return {"said": request["text"]}
        case "mute":
            raise SourceError("connected, but mute", Verdict.MUTE)
        case "refuse":
            raise LiveError("not today")
        case "hang":
            await asyncio.Event().wait()
        case "crash":
            raise AttributeError("a bug")
    raise ValueError("what?")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "poller.sock"


@pytest.fixture
async def server(path: Path) -> AsyncIterator[LiveServer]:
    live = LiveServer(path, snapshot=lambda: STATE, handle=handle)
    async with live.serve():
        yield live


async def asked(path: Path, question: Callable[[LiveClient], T]) -> T:
    """Ask from a thread, as another process would."""

    def ask() -> T:
        with LiveClient(path) as client:
            return question(client)

    return await asyncio.to_thread(ask)


async def raw_answer(path: Path, line: bytes) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    answer: dict[str, Any] = json.loads(await reader.readline())
    writer.close()
    return answer


async def test_snapshot(server: LiveServer, path: Path) -> None:
    """The snapshot is what the service says of itself."""
    snapshot = await asked(path, LiveClient.snapshot)

    assert snapshot == STATE


async def test_socket_is_for_the_group_only(server: LiveServer, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


async def test_request_is_answered(server: LiveServer, path: Path) -> None:
    assert await asked(path, lambda c: c.request("echo", text="ping")) == {"said": "ping"}


@pytest.mark.parametrize(
    ("action", "error", "says"),
    [
        ("mute", SourceError, "connected, but mute"),
        ("refuse", LiveError, "not today"),
        ("nonsense", LiveError, "bad request"),
        ("crash", LiveError, "unexpected error; see the log"),
    ],
)
async def test_failed_request(
    server: LiveServer, path: Path, action: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await asked(path, lambda c: c.request(action))


async def test_verdict_survives_the_socket(server: LiveServer, path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        await asked(path, lambda c: c.request("mute"))

    assert caught.value.verdict is Verdict.MUTE


async def test_request_has_a_time_to_live(server: LiveServer, path: Path) -> None:
    """A request that hangs is answered when its time is up, and others are not held up."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(messages.line("request", id="1", action="hang", ttl=0.2))
    writer.write(messages.line("request", id="2", action="echo", text="quick"))

    answers = [json.loads(await reader.readline()) for _ in range(2)]
    writer.close()

    assert [(a["id"], a["ok"]) for a in answers] == [("2", True), ("1", False)]
    assert "0.2 s" in answers[1]["error"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"hello\n", "not a JSON object"),
        (b"[1]\n", "expected a JSON object"),
        (b'{"v":2,"type":"snapshot"}\n', "version 2"),
        (b'{"v":1}\n', "needs a type"),
        (b'{"v":1,"type":"sing"}\n', "unknown type 'sing'"),
        (b"[" * 10_000 + b"\n", "not a JSON object"),
        (b"[" * 500_000 + b"\n", "a line of more than 16384 bytes"),
        (b'{"a":' * 300_000 + b"\n", "a line of more than"),
        (b"\xff\xfe\n", "not a JSON object"),
        (b"\n", "not a JSON object"),
    ],
)
async def test_nonsense_is_answered(server: LiveServer, path: Path, line: bytes, says: str) -> None:
    answer = await raw_answer(path, line)

    assert answer["type"] == "error"
    assert says in answer["error"]


async def test_subscriber_gets_everything_in_order(server: LiveServer, path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(messages.line("subscribe"))
    assert json.loads(await reader.readline())["type"] == "snapshot"
    assert server.listening

    for n in range(100):
        server.send(messages.SampleTold(address=str(n)))
    got = [json.loads(await reader.readline())["address"] for _ in range(100)]
    writer.close()

    assert got == [str(n) for n in range(100)]


async def test_subscriber_that_does_not_read_costs_nothing(server: LiveServer, path: Path) -> None:
    """It loses samples, then the connection; memory stays bounded and others are served."""
    deaf = socket.socket(socket.AF_UNIX)
    deaf.connect(str(path))
    deaf.sendall(messages.line("subscribe"))
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(messages.line("subscribe"))
    await reader.readline()
    while sum(client.subscribed for client in server._clients) < 2:
        await asyncio.sleep(0)

    for n in range(4 * EVENT_BACKLOG // 10_000):
        server.send(EventTold(monotonic=n, text="x" * 10_000))
        assert json.loads(await reader.readline())["monotonic"] == n
    deaf.close()
    writer.close()

    assert len(server._clients) == 1


@pytest.mark.parametrize(
    "ttl",
    [b"9" * 400, b"-1", b"1e300", b'"soon"', b"null", b"true", b"[1]"],
    ids=["huge", "negative", "beyond a day", "words", "nothing", "yes", "list"],
)
async def test_a_time_to_live_that_is_none(
    server: LiveServer, path: Path, ttl: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused by name, and no bug of ours."""
    answer = await raw_answer(path, b'{"v":1,"type":"request","id":"a","action":"echo","ttl":' + ttl + b"}\n")

    assert (answer["id"], answer["ok"]) == ("a", False)
    assert answer["error"].startswith("ttl is ")
    assert "expected 0 to 86400" in answer["error"]
    assert not caplog.records


@pytest.mark.parametrize("ident", [b"[" * 900 + b"]" * 900, b"9" * 400, b"1.5"], ids=["deep", "huge", "half"])
async def test_a_name_of_a_request_that_cannot_be_given_back(
    server: LiveServer, path: Path, ident: bytes
) -> None:
    line = b'{"v":1,"type":"request","action":"refuse","id":' + ident + b"}\n"

    assert (await raw_answer(path, line))["id"] is None


# What clients may cost


async def connected(path: Path, count: int) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    return [await asyncio.open_unix_connection(path) for _ in range(count)]


async def test_of_too_many_clients_those_that_ask_for_nothing_go(
    server: LiveServer, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half-written requests keep nobody from asking, and are told of once."""
    monkeypatch.setattr(module, "NEW", 0.0)
    [(listening, subscriber)] = await connected(path, 1)
    subscriber.write(messages.line("subscribe"))
    await listening.readline()
    crowd = await connected(path, 200)
    for _, writer in crowd:
        writer.write(b'{"v":1,"ty')

    snapshot = await asked(path, LiveClient.snapshot)

    assert snapshot == STATE
    assert len(server._clients) <= MOST_CLIENTS
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    server.send(EventTold(text="still there"))
    assert json.loads(await listening.readline())["text"] == "still there"
    for _, writer in [*crowd, (listening, subscriber)]:
        writer.close()


async def test_where_all_wait_for_something_one_more_is_refused(server: LiveServer, path: Path) -> None:
    crowd = await connected(path, MOST_CLIENTS)
    for reader, writer in crowd:
        writer.write(messages.line("subscribe"))
        await reader.readline()

    [(late, writer)] = await connected(path, 1)
    refusal = json.loads(await late.readline())
    assert f"{MOST_CLIENTS} clients are connected" in refusal["error"]
    assert await late.read() == b""

    crowd[0][1].close()
    while len(server._clients) == MOST_CLIENTS:
        await asyncio.sleep(0)
    assert await asked(path, LiveClient.snapshot) == STATE
    for _, one in [*crowd, (late, writer)]:
        one.close()


async def test_patience_with_clients_ends(
    server: LiveServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one that never ends its line, and one that asks for nothing; never with a subscriber."""
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    monkeypatch.setattr(module, "IDLE", 0.2)
    (listening, subscriber), (half, writer), (idle, quiet) = await connected(path, 3)
    subscriber.write(messages.line("subscribe"))
    await listening.readline()
    writer.write(b'{"v":1')

    assert await half.read() == b""
    assert await idle.read() == b""
    await asyncio.sleep(3 * module.IDLE)  # it is to be left alone for longer than that
    server.send(EventTold(text="still there"))
    assert json.loads(await listening.readline())["text"] == "still there"
    for one in (subscriber, writer, quiet):
        one.close()


async def test_of_one_client_a_few_requests_at_once(server: LiveServer, path: Path) -> None:
    [(reader, writer)] = await connected(path, 1)
    for number in range(AT_ONCE + 1):
        writer.write(messages.line("request", id=number, action="hang"))

    refused = json.loads(await reader.readline())
    writer.close()

    assert (refused["id"], refused["ok"]) == (AT_ONCE, False)
    assert "wait for an answer" in refused["error"]


# A socket that is taken away


def delete_folder(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


@pytest.mark.parametrize(
    "take_away",
    [Path.unlink, delete_folder, lambda path: path.rename(path.with_name("moved"))],
    ids=["deleted", "with its folder", "moved"],
)
async def test_a_socket_that_was_taken_away_comes_back(
    tmp_path: Path, take_away: Callable[[Path], object]
) -> None:
    path = tmp_path / "run" / "poller.sock"
    path.parent.mkdir()
    server = LiveServer(path, snapshot=lambda: STATE, handle=handle)
    async with server.serve():
        assert not await server.look()
        [(reader, writer)] = await connected(path, 1)
        writer.write(messages.line("subscribe"))
        await reader.readline()
        take_away(path)

        assert await server.look()

        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert await asked(path, LiveClient.snapshot) == STATE
        server.send(EventTold(text="still there"))
        assert json.loads(await reader.readline())["text"] == "still there"
        assert not await server.look()
        writer.close()
    assert not path.exists()


async def test_what_came_in_the_place_of_the_socket_stays(server: LiveServer, path: Path) -> None:
    path.unlink()
    path.write_text("precious")

    with pytest.raises(LiveError, match="in the way"):
        await server.look()
    assert path.read_text() == "precious"

    path.unlink()
    assert await server.look()


async def test_stale_socket_is_replaced(path: Path) -> None:
    """A killed poller leaves its socket file; the next one takes the place."""
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()

    async with LiveServer(path, snapshot=lambda: STATE, handle=handle).serve():
        assert await asked(path, LiveClient.snapshot) == STATE
    assert not path.exists()


async def test_living_socket_is_never_replaced(server: LiveServer, path: Path) -> None:
    with pytest.raises(LiveError, match="another poller listens there"):
        async with LiveServer(path, snapshot=lambda: STATE, handle=handle).serve():
            pass

    assert await asked(path, LiveClient.snapshot) == STATE


async def test_another_file_is_never_replaced(path: Path) -> None:
    path.write_text("precious")

    with pytest.raises(LiveError, match="in the way"):
        async with LiveServer(path, snapshot=lambda: STATE, handle=handle).serve():
            pass

    assert path.read_text() == "precious"


def test_no_service(path: Path) -> None:
    with pytest.raises(LiveError, match="no service listens there"):
        LiveClient(path)


def test_no_permission_names_the_group(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    with pytest.raises(LiveError, match="usermod -aG easun-jkbms"):
        LiveClient(path)


async def test_service_that_ends(path: Path) -> None:
    """A client in the middle of a subscription sees an end, not an error or a hang."""
    live = LiveServer(path, snapshot=lambda: STATE, handle=handle)
    async with live.serve():
        watching = asyncio.create_task(asked(path, lambda c: list(c.subscribe())))
        while not live.listening:
            await asyncio.sleep(0.01)
        live.send(EventTold(text="bye"))

    assert await watching == [STATE, EventTold(text="bye")]
