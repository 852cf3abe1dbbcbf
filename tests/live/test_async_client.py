"""The asking end for event loops against the real server: requests, and outages of the service."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jk_bms.errors import LiveError, SourceError, Verdict
from jk_bms.live import async_client
from jk_bms.live.async_client import AsyncLive
from jk_bms.live.server import LiveServer
from jk_bms.model.snapshot import EventTold, Snapshot

STATE = Snapshot()


async def handle(request: dict[str, Any]) -> dict[str, Any]:
    match request["action"]:
        case "echo":
            return {"said": request["text"]}
        case "silent pack":
            raise SourceError("connected, but mute", Verdict.MUTE)
        case "hang":
            await asyncio.Event().wait()
    raise LiveError("not today")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def service(path: Path) -> LiveServer:
    return LiveServer(path, snapshot=lambda: STATE, handle=handle)


@pytest.fixture
async def server(path: Path) -> AsyncIterator[LiveServer]:
    live = service(path)
    async with live.serve():
        yield live


async def test_asks_and_is_answered(server: LiveServer, path: Path) -> None:
    client = AsyncLive(path)

    assert await client.snapshot() == STATE
    assert await client.request("echo", text="ping") == {"said": "ping"}


async def test_many_requests_at_once_get_their_own_answers(server: LiveServer, path: Path) -> None:
    client = AsyncLive(path)

    answers = await asyncio.gather(*(client.request("echo", text=str(n)) for n in range(50)))

    assert [answer["said"] for answer in answers] == [str(n) for n in range(50)]


async def test_failures_are_those_of_the_blocking_client(server: LiveServer, path: Path) -> None:
    client = AsyncLive(path)

    with pytest.raises(SourceError) as caught:
        await client.request("silent pack")
    assert caught.value.verdict is Verdict.MUTE
    with pytest.raises(LiveError, match="the service refused: not today"):
        await client.request("dance")
    with pytest.raises(LiveError, match="no result within"):
        await client.request("hang", ttl=0.1)


async def test_no_service(path: Path) -> None:
    with pytest.raises(LiveError, match="no service listens there"):
        await AsyncLive(path).request("echo", text="ping")


async def test_a_service_that_hangs_costs_the_patience_and_no_more(path: Path) -> None:
    """Somebody listens there but never says a word."""
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen()

        with pytest.raises(LiveError, match="does not answer"):
            await AsyncLive(path, timeout=0.1).snapshot()


async def test_subscription_survives_the_end_of_the_service(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost is said once for the outage, however long; then comes a snapshot and life goes on."""
    monkeypatch.setattr(async_client, "FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(async_client, "LONGEST_BACKOFF", 0.02)
    heard: list[str] = []
    arrived = asyncio.Condition()

    async def listen() -> None:
        async for message in AsyncLive(path).subscribe():
            heard.append(type(message).__name__)
            async with arrived:
                arrived.notify_all()

    async def told(count: int) -> None:
        async with asyncio.timeout(10), arrived:
            await arrived.wait_for(lambda: len(heard) >= count)

    listening = asyncio.create_task(listen())
    await told(1)
    await asyncio.sleep(0.2)  # ten more attempts
    for turn in (1, 2):
        live = service(path)
        async with live.serve():
            await told(3 * turn - 1)
            live.send(EventTold(text="it goes on"))
            await told(3 * turn)
        await told(3 * turn + 1)
    listening.cancel()

    assert heard == ["Lost", *["Snapshot", "EventTold", "Lost"] * 2]
