"""The dead man's handle against a real web server: asked while all is well, and only then."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from jk_bms.actions import deadman
from jk_bms.actions.deadman import Deadman
from jk_bms.clock import Clock
from tests.actions.http_server import WebService
from tests.bot.test_proxy import WRITTEN, Proxy

SECRET = "/ping/canary-4711"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadman, "FIRST_AFTER", 0.0)
    monkeypatch.setattr(deadman, "PERIOD", 0.02)


@pytest.fixture
def web() -> Iterator[WebService]:
    with WebService() as service:
        yield service


async def run(
    web: WebService, until: Callable[[], object], well: Callable[[], str] = str, during: float = 10.0
) -> None:
    handle = Deadman(f"http://127.0.0.1:{web.port}{SECRET}", Clock(), well=well)
    task = asyncio.create_task(handle.run())
    with suppress(TimeoutError):
        async with asyncio.timeout(during):
            while not until():
                await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_asks_while_all_is_well(web: WebService, caplog: pytest.LogCaptureFixture) -> None:
    await run(web, lambda: len(web.asked) > 3)

    assert set(web.asked) == {SECRET}
    assert caplog.text == ""


async def test_is_silent_while_something_is_wrong(web: WebService, caplog: pytest.LogCaptureFixture) -> None:
    await run(web, lambda: False, well=lambda: "no battery answers", during=0.3)

    assert web.asked == []
    assert caplog.text.count("no battery answers") == 1


async def test_an_outage_is_told_once_and_its_end_too(
    web: WebService, caplog: pytest.LogCaptureFixture
) -> None:
    web.status = 503

    def recovered() -> bool:
        if len(web.asked) == 5:
            web.status = 200
        return "again" in caplog.text

    with caplog.at_level("INFO"):
        await run(web, recovered)

    assert [record.message for record in caplog.records if "DEADMAN" in record.message] == [
        "DEADMAN_URL: 127.0.0.1 cannot be asked: it answers with status 503",
        "DEADMAN_URL: 127.0.0.1 answers again",
    ]


async def test_a_service_that_is_away_or_hangs(
    web: WebService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither holds up anything, and neither shows the address."""
    monkeypatch.setattr(deadman, "PATIENCE", 0.1)
    web.hang = threading.Event()
    await run(web, lambda: "cannot be asked" in caplog.text)
    web.stop()
    await run(web, lambda: caplog.text.count("cannot be asked") == 2)
    web.start()

    assert caplog.text.count("cannot be asked") == 2
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:1/canary", "http://[::1", "http://no.such.host.invalid/canary"]
)
def test_no_error_names_the_address(url: str) -> None:
    error = deadman._request(url)

    assert error
    assert "canary" not in error


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_it_goes_through_the_proxy(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    """Which leads nowhere here, and is told without its password."""
    proxy = Proxy(port=9)
    async with proxy.serve():
        url = f"{scheme}://{WRITTEN}@127.0.0.1:{proxy.port}"
        handle = Deadman("https://ping.example/canary-4711", Clock(), well=str, proxy=url)
        task = asyncio.create_task(handle.run())
        async with asyncio.timeout(60.0):
            while "cannot be asked" not in caplog.text:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert {host.partition(":")[0] for host in proxy.asked} == {"ping.example"}
    assert "canary" not in caplog.text
    assert "word-of-the-proxy" not in caplog.text
