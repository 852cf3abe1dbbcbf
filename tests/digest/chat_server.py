"""A stub of /v1/chat/completions in a thread of its own; each test says how it answers."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

Answer = Callable[[dict[str, Any]], web.StreamResponse | Awaitable[web.StreamResponse]]


def completion(
    text: object, ended: str = "stop", usage: dict[str, int] | None = None, **more: object
) -> web.Response:
    """An answer as the vendor's documentation shows it; ``more`` of its message."""
    return web.json_response(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "stub",
            "usage": usage,
            "choices": [
                {
                    "index": 0,
                    "finish_reason": ended,
                    "message": {"role": "assistant", "content": text} | more,
                }
            ],
        }
    )


def failing(status: int, message: str = "SECRET server text", code: str | None = None) -> Answer:
    """An error with a text that must not go anywhere."""
    return lambda _: web.json_response({"error": {"message": message, "code": code}}, status=status)


def saying(text: str) -> Answer:
    """A model that says ``text``, whatever it is asked."""
    return lambda _: completion(text)


def choosing(*facts: str, tone: str = "plain", closing: str = "none", **more: object) -> Answer:
    """A model that answers in names, as it is asked to; ``more`` fields than it should."""
    return saying(json.dumps({"tone": tone, "facts": facts, "closing": closing} | more))


def taking(form: str, answer: Answer, status: int = 400, message: str = "invalid value") -> Answer:
    """An endpoint that takes answers of ``form`` only, "words" being that it knows of no form."""

    def answered(asked: dict[str, Any]) -> web.StreamResponse | Awaitable[web.StreamResponse]:
        wanted = asked.get("response_format", {"type": "words"})["type"]
        return answer(asked) if wanted == form else failing(status, message)(asked)

    return answered


class ChatServer:
    """``answers`` are given in turn, the last for ever; ``requests`` are what came."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.raw: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = json.loads(await request.text())
        self.requests.append(asked)
        self.headers.append(dict(request.headers))
        if self.raw is not None:
            return await self.raw(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        given = answer(asked)
        return given if isinstance(given, web.StreamResponse) else await given
