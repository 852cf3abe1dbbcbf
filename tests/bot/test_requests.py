"""The connection to Telegram: verified, whatever the address."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from jk_bms.bot.light_aiogram import TelegramNetworkError
from jk_bms.bot.requests import make_bot
from tests.bot.telegram_server import TOKEN


@pytest.fixture
async def impostor(tmp_path: Path) -> AsyncIterator[str]:
    """A server that answers as Telegram does, with a certificate of its own making."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *options, *names, *files], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    heard: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(request.path)
        return web.json_response({"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "x"}})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"https://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()
    assert heard == []


async def test_a_server_that_is_not_telegram_never_hears_the_token(impostor: str) -> None:
    bot = make_bot(TOKEN, impostor)
    try:
        with pytest.raises(TelegramNetworkError, match="certificate verify failed") as failure:
            await bot.get_me()
    finally:
        await bot.session.close()

    assert TOKEN not in str(failure.value)
