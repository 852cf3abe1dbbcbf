"""Telegram through a proxy: HTTP and SOCKS5, with a password that is seen nowhere, and what happens when it fails."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jk_bms.bot.light_aiogram import TelegramNetworkError
from jk_bms.bot.requests import make_bot
from jk_bms.bot.telegram_errors import NotReached, brief
from jk_bms.config.settings import load_settings
from jk_bms.config.settings.proxies import proxy_for, proxy_secrets
from jk_bms.digest.ai import Service, phrase
from jk_bms.errors import ConfigError
from jk_bms.texts import language
from tests.bot.bot_program import BotProgram
from tests.bot.conftest import soon
from tests.bot.telegram_server import OWNER, TOKEN, USERNAME, TelegramServer
from tests.digest.chat_server import ChatServer, failing
from tests.digest.made_days import made_day

NAME, PASSWORD = "house", "p@ss-word-of-the-proxy"
WRITTEN = f"{NAME}:p%40ss-word-of-the-proxy"


class Proxy:
    """Speaks HTTP CONNECT and SOCKS5, asks for a password, and leads everything to one server."""

    def __init__(self, port: int, password: str = PASSWORD) -> None:
        self._to = port
        self._password = password
        self.asked: list[str] = []
        self.port = 0

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            first = await reader.readexactly(1)
            allowed = await (self._socks(reader, writer) if first == b"\x05" else self._http(reader, writer))
            if allowed:
                out, into = await asyncio.open_connection("127.0.0.1", self._to)
                await asyncio.gather(self._pipe(reader, into), self._pipe(out, writer))
        writer.close()

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split()[1])
        word = base64.b64encode(f"{NAME}:{self._password}".encode()).decode()
        allowed = f"Basic {word}" in head
        answer = "200 OK" if allowed else "407 Proxy Authentication Required"
        writer.write(f"HTTP/1.1 {answer}\r\n\r\n".encode())
        return allowed

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x05\x02")
        await reader.readexactly(1)
        name = await reader.readexactly((await reader.readexactly(1))[0])
        word = await reader.readexactly((await reader.readexactly(1))[0])
        if (name.decode(), word.decode()) != (NAME, self._password):
            writer.write(b"\x01\x01")
            return False
        writer.write(b"\x01\x00")
        kind = (await reader.readexactly(4))[3]
        size = 4 if kind == 1 else (await reader.readexactly(1))[0]
        host = await reader.readexactly(size)
        self.asked.append(host.decode() if kind == 3 else ".".join(map(str, host)))
        await reader.readexactly(2)
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return True

    @staticmethod
    async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_telegram_is_asked_through_the_proxy(
    telegram: TelegramServer, tmp_path: Path, scheme: str
) -> None:
    """By name: where Telegram is blocked, so is often its name."""
    async with Proxy(telegram.port).serve() as proxy:
        with BotProgram(
            tmp_path,
            telegram,
            TELEGRAM_API_URL="http://telegram.invalid",
            HTTPS_PROXY=f"{scheme}://{WRITTEN}@127.0.0.1:{proxy.port}",
            LOG_HTTP_REQUESTS="true",
            LOG_LEVEL="DEBUG",
        ) as bot:
            telegram.say("/chatid")
            await soon(lambda: str(OWNER) in "".join(telegram.shown()))
            bot.end()

    assert all(asked.startswith("telegram.invalid") for asked in proxy.asked)
    assert not any(secret in bot.log for secret in (PASSWORD, WRITTEN.partition(":")[2], TOKEN))


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_refuses_is_told_without_its_password(
    telegram: TelegramServer, tmp_path: Path, scheme: str
) -> None:
    async with Proxy(telegram.port, password="another").serve() as proxy:
        with BotProgram(
            tmp_path, telegram, HTTPS_PROXY=f"{scheme}://{WRITTEN}@127.0.0.1:{proxy.port}", LOG_LEVEL="DEBUG"
        ) as bot:
            await soon(lambda: "the proxy (HTTPS_PROXY) does not lead there" in bot.log)
            assert bot.process.poll() is None
            bot.end()

    assert telegram.calls == []
    assert "Traceback" not in bot.log
    assert not any(secret in bot.log for secret in (PASSWORD, WRITTEN.partition(":")[2], TOKEN))


async def test_without_the_proxy_nothing_arrives_and_no_repeat_is_feared(telegram: TelegramServer) -> None:
    bot = make_bot(TOKEN, telegram.url, proxy="socks5://127.0.0.1:1")
    with pytest.raises(TelegramNetworkError) as caught:
        await bot.send_message(OWNER, "an alert")
    await bot.session.close()

    assert isinstance(caught.value.__cause__, NotReached)
    assert brief(caught.value).startswith("cannot reach Telegram: the proxy (HTTPS_PROXY)")


async def test_the_language_model_is_asked_through_the_proxy() -> None:
    with ChatServer() as model:
        model.answers = [failing(401)]
        port = urlsplit(model.url).port
        assert port
        async with Proxy(port).serve() as proxy:
            way = f"socks5://{WRITTEN}@127.0.0.1:{proxy.port}"
            service = Service(key="sk-x", url="http://model.invalid/v1", timeout=20.0, proxy=way)
            told = await phrase(made_day(1), language("en"), service)

    assert (len(model.requests), proxy.asked) == (1, ["model.invalid"])
    assert told.text is None


async def test_without_a_proxy_it_is_asked_directly(telegram: TelegramServer) -> None:
    bot = make_bot(TOKEN, telegram.url)
    assert (await bot.get_me()).username == USERNAME
    await bot.session.close()


LEADS = {  # NO_PROXY, address: whether it goes through the proxy
    "nothing": ("", "https://api.telegram.org", True),
    "host": ("api.telegram.org", "https://api.telegram.org", False),
    "domain": ("example.org, .telegram.org", "https://api.telegram.org", False),
    "with a star": ("*.telegram.org", "https://API.telegram.org:443/x", False),
    "only an end": ("gram.org", "https://api.telegram.org", True),
    "all": ("*", "https://api.telegram.org", False),
    "machine of the house": ("10.0.0.5", "http://10.0.0.5:11434/v1", False),
}


@pytest.mark.parametrize(("no_proxy", "url", "led"), LEADS.values(), ids=LEADS)
def test_what_goes_through_the_proxy(no_proxy: str, url: str, led: bool) -> None:
    settings = load_settings(
        {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": no_proxy, "JK_ENV_FILE": "/dev/null"}
    )

    assert (proxy_for(settings, url) is not None) is led


@pytest.mark.parametrize("key", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_names_that_other_programs_use(key: str) -> None:
    settings = load_settings({key: f"SOCKS5H://{WRITTEN}@[::1]:9050/", "JK_ENV_FILE": "/dev/null"})

    assert settings.proxy == f"socks5://{WRITTEN}@[::1]:9050"
    assert set(proxy_secrets(settings)) == {PASSWORD, "p%40ss-word-of-the-proxy"}


READ = {  # as curl reads it
    "proxy:3128": "http://proxy:3128",
    "proxy.lan": "http://proxy.lan:1080",
    "http://proxy.lan": "http://proxy.lan:1080",
    "http://proxy.lan/": "http://proxy.lan:1080",
    f"{WRITTEN}@proxy.lan": f"http://{WRITTEN}@proxy.lan:1080",
    "[::1]:3128": "http://[::1]:3128",
    "socks5h://host": "socks5://host:1080",
}


@pytest.mark.parametrize(("text", "proxy"), READ.items(), ids=READ)
def test_a_proxy_is_read_as_curl_reads_it(text: str, proxy: str) -> None:
    settings = load_settings({"HTTPS_PROXY": text, "JK_ENV_FILE": "/dev/null"})

    assert settings.proxy == proxy
    assert settings.warnings == ()


NO_PROXIES = [
    "ftp://a:1",
    "http://",
    f"socks5://{WRITTEN}@host:99999",
    f"https://{WRITTEN}@host:x",
    "a:1/path",
]


@pytest.mark.parametrize("text", NO_PROXIES)
def test_a_proxy_in_the_settings_that_is_none_is_refused_without_showing_it(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / ".env").write_text(f"HTTPS_PROXY={text}\n")

    with pytest.raises(ConfigError, match="socks5://host:port") as caught:
        load_settings({}, top=tmp_path)

    assert "word-of-the-proxy" not in str(caught.value)


@pytest.mark.parametrize("text", NO_PROXIES)
@pytest.mark.parametrize("key", ["https_proxy", "ALL_PROXY"])
def test_one_of_the_whole_machine_is_only_warned_of(tmp_path: Path, key: str, text: str) -> None:
    (tmp_path / ".env").write_text("HTTPS_PROXY=http://ours:3128\n")

    settings = load_settings({key: text}, top=tmp_path)
    (warning,) = settings.warnings

    assert settings.proxy == "http://ours:3128"
    assert "(environment): ignored" in warning
    assert "word-of-the-proxy" not in warning
    assert load_settings({key: text, "JK_ENV_FILE": "/dev/null"}).proxy is None
