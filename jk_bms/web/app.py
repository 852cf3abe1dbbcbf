"""The one way of every request: guards first, then the work of its route, then one form for what comes of it."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

import msgspec

from jk_bms.errors import LiveError, SourceError, StoreError
from jk_bms.texts import Texts
from jk_bms.texts.language import LANGUAGES, best, language
from jk_bms.web import guards
from jk_bms.web.access import Scope, Who
from jk_bms.web.http import (
    ALONE,
    FORM,
    GZIP_FROM,
    JSON,
    LARGEST_BODY,
    Answer,
    ErrorAnswer,
    ErrorBody,
    Failure,
    Request,
    accepts_gzip,
    decoded_body,
    decoded_query,
    packed,
    same_tag,
)
from jk_bms.web.page import Page
from jk_bms.web.routes import Ask, NoBody, Route, Table, as_answer

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_PATIENCE = 30.0  # s for the whole body
SEND_PATIENCE = 30.0  # s for a client to take what it asked for
PACKED = ("application/", "text/", "image/svg")  # kinds that are worth compressing
TEXT = "text/plain; charset=utf-8"


class App:
    """The page as an ASGI application."""

    def __init__(self, page: Page, table: Table, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._page = page
        self._table = table
        self._monotonic = monotonic
        self._hosts = guards.Hosts(page.settings)
        self._rate = guards.Rate(guards.RATE, guards.BURST)
        self._often = guards.Rate(guards.OFTEN_RATE, guards.OFTEN_BURST)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        request = self._request(scope)
        answer, route = await self._answer(request, scope.get("raw_path") or b"", receive)
        await _send(request, answer, route, receive, send)

    def _request(self, scope: Mapping[str, Any]) -> Request:
        headers: dict[str, str] = {}
        for raw_name, raw in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), raw.decode("latin-1")
            headers[name] = f"{headers[name]}; {value}" if name == "cookie" and name in headers else value
        peer = (scope.get("client") or ("", 0))[0]
        origin = guards.origin_of(self._page.settings, peer, scope.get("scheme", "http"), headers)
        request = Request(
            method=scope["method"],
            path=scope["path"],
            query_string=scope.get("query_string", b""),
            headers=headers,
            address=origin.address,
            peer=peer,
            secure=origin.secure,
            host=origin.host,
            base=origin.base,
            within=self._page.within_port is not None
            and (scope.get("server") or ("", 0))[1] == self._page.within_port,
            texts=language(LANGUAGES[0]),
        )
        request.texts = texts_of(request, self._page.settings.bot_language)
        return request

    async def _answer(
        self, request: Request, raw_path: bytes, receive: Receive
    ) -> tuple[Answer, Route | None]:
        route: Route | None = None
        try:
            guards.check_head(request.headers)
            if not request.within:
                self._hosts.check(request.host)
            elif not guards.trusted(self._page.settings, request.peer):
                raise Failure("not_allowed")
            if (request.within or request.base != "/") and request.path in ALONE:
                raise Failure("not_found", "api.no_path")
            static = self._page.static.get(request.path) if request.method in ("GET", "HEAD") else None
            if static is not None:
                return static, None
            methods, request.path_values = self._found(raw_path, request)
            self._rate.check(request.address, self._monotonic())
            who = self._page.access.who(request)
            route = self._allowed(request, methods, who)
            if route is None:
                return _options(methods), None
            answer = await self._carried_out(request, route, who, receive)
        except Failure as failure:
            answer = self._failed(request, failure)
        except LiveError as error:
            answer = self._failed(request, _of_service(error))
        except SourceError as error:
            answer = self._failed(request, Failure("refused", said=str(error)))
        except StoreError as error:
            answer = self._failed(request, Failure("database_away", "api.database_away", why=str(error)))
        except Exception:
            number = secrets.token_hex(4)
            log.exception("a request failed, id %s: %s %s", number, request.method, request.path)
            body = ErrorAnswer(ErrorBody("internal", request.texts("api.internal", id=number), id=number))
            answer = Answer(msgspec.json.encode(body), 500)
        return answer, route

    def _found(self, raw_path: bytes, request: Request) -> tuple[Mapping[str, Route], dict[str, str]]:
        methods, values = self._table.find(raw_path.partition(b"?")[0])
        return methods, dict(values)

    def _allowed(self, request: Request, methods: Mapping[str, Route], who: Who) -> Route | None:
        """Return the route that may be carried out; None: only its methods are asked for. Raises Failure."""
        page = self._page
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if not methods:
            if request.path.startswith("/api/") and who.scope is Scope.OPEN:
                raise Failure("not_signed_in")  # what there is is nothing for a stranger either
            raise Failure("not_found", "api.no_path")
        if route is None:
            allowed = _allow(methods)
            if request.method == "OPTIONS":
                return None
            raise Failure(
                "bad_request", "api.method", status=405, headers=(("allow", allowed),), allowed=allowed
            )
        if route.often:
            self._often.check(request.address, self._monotonic())
        if not (page.access.has_password or route.before_setup or request.within):
            raise Failure("setup_needed")
        if who.scope < route.scope or (route.session and who.session is None):
            if who.session is None and who.token is None:
                raise Failure("not_signed_in")
            raise Failure("not_allowed")
        if route.scope is Scope.ADMIN and who.session is None:
            raise Failure("not_allowed", "api.session_only")
        if route.sure and not page.access.is_sure(who):
            raise Failure("not_allowed", "api.type_password", field="password")
        guards.check_origin(request, who)
        return route

    async def _carried_out(self, request: Request, route: Route, who: Who, receive: Receive) -> Answer:
        query = decoded_query(request, route.query)
        body: Any = NoBody()
        if request.method not in guards.SAFE:
            request.body = await _body(request, receive)
            if route.form:
                if request.content_type not in ("", FORM):
                    raise Failure("bad_request", "api.content_type", status=415, expected=FORM)
            elif request.body and request.content_type != JSON:
                raise Failure("bad_request", "api.content_type", status=415, expected=JSON)
            guards.check_mark(request, who)
            if not route.form:
                body = decoded_body(request, route.body or NoBody)
        await self._page.access.note_use(who)
        return as_answer(await route.work(Ask(self._page, request, who, query, body)), route)

    def _failed(self, request: Request, failure: Failure) -> Answer:
        """Return a failure as an answer: to a browser a way on, to a program the one form of errors."""
        if request.wants_page and request.method in ("GET", "HEAD"):
            if failure.code == "setup_needed" and request.base == "/":
                return Answer(status=303, kind=None, headers=(("location", "/start"),))
            if failure.code == "not_signed_in":
                where = f"/login?next={quote(request.path, safe='/')}"
                return Answer(status=303, kind=None, headers=(("location", where),))
        headers = failure.all_headers
        message = failure.message(request.texts)
        if request.wants_page:
            return Answer(message.encode(), failure.status, TEXT, headers)
        body = ErrorAnswer(ErrorBody(failure.code, message, failure.field))
        return Answer(msgspec.json.encode(body), failure.status, JSON, headers)


def texts_of(request: Request, usual: str | None) -> Texts:
    """Return the language of a person: chosen on the page, else that of his browser, else that of the house."""
    for chosen in request.cookies("lang"):
        if chosen in LANGUAGES:
            return language(chosen)
    for part in request.headers.get("accept-language", "").split(","):
        name = part.partition(";")[0].strip().replace("_", "-").partition("-")[0].lower()
        if name in LANGUAGES:
            return language(name)
    return best(usual)


def _of_service(error: LiveError) -> Failure:
    """What a request to the battery service came to: it refused it, or it cannot be asked."""
    said = str(error)
    refused = "the service refused: "
    if said.startswith(refused):
        return Failure("refused", said=said.removeprefix(refused))
    return Failure("poller_away")


def _allow(methods: Mapping[str, Route]) -> str:
    return ", ".join(sorted({*methods, "OPTIONS", *(("HEAD",) if "GET" in methods else ())}))


def _options(methods: Mapping[str, Route]) -> Answer:
    return Answer(status=204, kind=None, headers=(("allow", _allow(methods)),))


async def _body(request: Request, receive: Receive) -> bytes:
    """Return the body. Raises Failure for one that is too large or too slow."""
    length = request.headers.get("content-length", "0")
    if not re.fullmatch(r"[0-9]{1,12}", length) or int(length) > LARGEST_BODY:
        raise Failure("too_large")
    body = b""
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Failure("bad_request", "api.cut_off")
                body += bytes(message.get("body", b""))
                if len(body) > LARGEST_BODY:
                    raise Failure("too_large")
                if not message.get("more_body"):
                    return body
    except TimeoutError as error:
        raise Failure(
            "bad_request", "api.slow_body", status=408, headers=(("connection", "close"),)
        ) from error


async def _send(request: Request, answer: Answer, route: Route | None, receive: Receive, send: Send) -> None:
    headers = [*guards.headers_of(request.base)]
    body, status, etag = answer.body, answer.status, answer.etag
    if (
        answer.kind is not None
        and "pretty" in _keys(request)
        and answer.kind == JSON
        and answer.stream is None
    ):
        body = msgspec.json.format(body, indent=2) + b"\n"
    zipped = (
        answer.stream is None
        and answer.kind is not None
        and len(body) >= GZIP_FROM
        and answer.kind.startswith(PACKED)
        and accepts_gzip(request.headers)
    )
    if etag is not None:
        headers.append((b"etag", f'"{etag}-gzip"'.encode() if zipped else f'"{etag}"'.encode()))
        if same_tag(request.headers.get("if-none-match", ""), etag):
            status, body, zipped = 304, b"", False
    if zipped:
        body = answer.packed if answer.packed is not None and body is answer.body else packed(body)
        headers.append((b"content-encoding", b"gzip"))
    if answer.kind is not None:
        headers.append((b"vary", b"Accept-Encoding, Accept-Language, Cookie, Authorization"))
    if answer.kind is not None and status != 304:
        headers.append((b"content-type", answer.kind.encode()))
    cache = answer.cache or ("private, no-cache" if etag is not None else "no-store")
    headers.append((b"cache-control", cache.encode()))
    for name, value in answer.headers:
        if name == "location":  # all are paths of our own
            value = request.base + value.removeprefix("/")
        headers.append((name.encode(), value.encode("latin-1", "replace")))
    if answer.stream is None and status not in (204, 304):
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if answer.stream is not None and request.method != "HEAD":
        await _send_stream(answer.body, answer.stream, receive, send)
        return
    if answer.stream is not None:
        await answer.stream.aclose()
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


def _keys(request: Request) -> Mapping[str, str]:
    try:
        return request.query
    except Failure:
        return {}


async def _send_stream(
    body: bytes | None, pieces: AsyncGenerator[bytes], receive: Receive, send: Send
) -> None:
    """Send ``body`` and ``pieces`` as they come, until there are no more or the client is gone or takes nothing."""
    gone = asyncio.create_task(_until_gone(receive), name="client gone")
    piece: asyncio.Task[bytes | None] | None = None
    try:
        while body is not None:
            async with asyncio.timeout(SEND_PATIENCE):
                await send({"type": "http.response.body", "body": body, "more_body": True})
            piece = asyncio.create_task(_next(pieces), name="next piece")
            await asyncio.wait({piece, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return
            body = piece.result()
        await send({"type": "http.response.body", "body": b""})
    except (TimeoutError, StoreError, Failure) as error:
        log.info("an answer was broken off: %s", error or "it was not taken")
        return  # the server closes what was not ended in order: half a file is not taken for a whole one
    finally:
        await _cancelled(piece)
        await _cancelled(gone)
        await pieces.aclose()


async def _cancelled(task: asyncio.Task[Any] | None) -> None:
    if task is not None and not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _next(pieces: AsyncGenerator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
