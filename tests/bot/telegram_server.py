"""A Bot API server for tests: real HTTP, its own thread, Telegram's rules and Telegram's moods.

It refuses what Telegram refuses (texts that do not parse, that are empty or too long, buttons with
too much data, an edit that changes nothing), keeps updates until they are confirmed by a higher offset, and
does what a test scripted: errors, silence, closed connections, an outage.
"""

import asyncio
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, NamedTuple, Self

from aiohttp import web

from tests.scale import PATIENCE

TOKEN = "1234567:TEST-secret-token-of-the-bot-000000"  # shaped like a real one
OWNER, STRANGER = 77, 666
USERNAME = "house_bot"


class Sent(NamedTuple):
    """Something that arrived in a chat: a message, a changed message, an answer to a press."""

    method: str
    chat: int
    text: str  # as given, with markup
    shown: str  # as a person sees it
    buttons: list[list[dict[str, str]]]
    message: int
    photo: bytes
    at: float  # monotonic
    fields: dict[str, Any]

    def button(self, label: str) -> str:
        """The data behind the button whose label has ``label``."""
        for row in self.buttons:
            for button in row:
                if label in button["text"] or label == button.get("callback_data"):
                    return button["callback_data"]
        raise AssertionError(f"no button {label!r} in {self.buttons}")


class Refused(Exception):
    """What Telegram answers instead of a result."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.parameters = parameters


class Fault(NamedTuple):
    """What happens to one request: ``how`` at the next call of ``method`` (any, when empty)."""

    how: str  # an HTTP status, "close", "hang", "html", "done, close": carried out, then no answer
    method: str = ""
    retry_after: int = 0
    seconds: float = 0.0  # slow: before the answer


class TelegramServer:
    """Serves one bot. Use as a context manager; every method may be called from any thread."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.sent: list[Sent] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.faults: list[Fault] = []
        self.blocked: set[int] = set()  # chats that blocked the bot
        self.topics: dict[int, set[int]] = {}  # of forums
        self.general_closed: set[int] = set()  # forums whose General takes nothing
        self.moved: dict[int, int] = {}  # groups that became supergroups
        self.limit: tuple[int, float] | None = None  # messages a chat takes, in s; None: any number
        self.commands: dict[str, list[dict[str, str]]] = {}  # by language
        self.texts: dict[tuple[int, int], tuple[str, str]] = {}  # present text and buttons of messages
        self.photos: set[tuple[int, int]] = set()  # messages that are pictures
        self.port = 0
        self.confirmed = 0  # the offset up to which updates are forgotten
        self._updates: list[dict[str, Any]] = []
        self._ids = 1000
        self._message = 0
        self._times: dict[int, list[float]] = defaultdict(list)
        self._changed = asyncio.Condition()
        self._poll: asyncio.Task[Any] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        asyncio.run_coroutine_threadsafe(self._end_tasks(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    # What a test does

    def up(self) -> None:
        """Begin, or begin again, to listen."""
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def down(self) -> None:
        """An outage: connections are refused from now on."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)

    def fail(self, how: str | int, method: str = "", **more: Any) -> None:
        """Have the next call of ``method`` go wrong."""
        with self._lock:
            self.faults.append(Fault(str(how), method, **more))

    def say(
        self,
        text: str,
        /,
        *,
        chat: int = OWNER,
        user: int | None = OWNER,
        kind: str = "private",
        language: str | None = None,
        field: str = "message",
        ago: float = 0.0,
        **more: Any,
    ) -> int:
        """Have a person write ``text``; return the id of the update. ``more``: fields of the message."""
        self._message += 1
        message = self._message_of(chat, kind, self._message, date=int(time.time() - ago), text=text)
        if user is not None:
            message["from"] = self._user(user, language)
        message |= more
        if field.startswith("edited"):
            message["edit_date"] = message["date"]
        return self._add(field, message)

    def press(
        self,
        data: str,
        *,
        chat: int = OWNER,
        message: int = 1,
        user: int = OWNER,
        kind: str = "private",
        language: str | None = None,
        **more: Any,
    ) -> int:
        """Have a person press a button; return the id of the update. ``more``: fields of its message."""
        shown: dict[str, Any] = {"text": "..."}
        if (chat, message) in self.photos:
            size = {"file_id": "1", "file_unique_id": "1", "width": 1080, "height": 1350}
            shown = {"photo": [size]}
        if markup := self.texts.get((chat, message), ("", ""))[1]:
            shown["reply_markup"] = json.loads(markup)
        return self._add(
            "callback_query",
            {
                "id": f"press{self._ids}",
                "from": self._user(user, language),
                "chat_instance": "1",
                "data": data,
                "message": self._message_of(chat, kind, message, date=int(time.time()), **shown) | more,
            },
        )

    def add_update(self, **fields: Any) -> int:
        """Add any update."""
        ((field, value),) = fields.items()
        return self._add(field, value)

    def until(self, what: Callable[[], Any], limit: float = PATIENCE) -> Any:
        """Wait for the first true result of ``what``."""
        deadline = time.monotonic() + limit
        while not (result := what()):
            assert time.monotonic() < deadline, f"did not happen within {limit:g} s; sent: {self.shown()}"
            time.sleep(0.005)
        return result

    def messages(self, chat: int | None = None) -> list[Sent]:
        """What arrived in ``chat`` (any): messages and pictures."""
        with self._lock:
            return [
                one
                for one in self.sent
                if one.method in ("sendMessage", "sendPhoto") and chat in (None, one.chat)
            ]

    def shown(self, chat: int | None = None) -> list[str]:
        """The texts that arrived in ``chat``, as a person sees them."""
        return [one.shown for one in self.messages(chat)]

    def await_messages(self, count: int, chat: int | None = None, limit: float = PATIENCE) -> list[Sent]:
        """Wait until so many messages arrived; return them."""
        self.until(lambda: len(self.messages(chat)) >= count, limit)
        return self.messages(chat)

    def done_with(self, update: int) -> bool:
        """Whether the bot confirmed that update."""
        return self.confirmed > update

    def forget(self) -> None:
        """Begin a new page: nothing was sent yet."""
        with self._lock:
            self.sent.clear()
            self.calls.clear()

    # The server

    async def _start(self) -> None:
        app = web.Application(client_max_size=32 * 2**20)
        app.router.add_post("/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        assert self._runner.addresses
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self._runner.cleanup()

    @staticmethod
    async def _end_tasks() -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        fields: dict[str, Any] = {}
        for key, value in (await request.post()).items():
            fields[key] = value.file.read() if isinstance(value, web.FileField) else value
        with self._lock:
            self.calls.append((method, fields))
            fault = next((one for one in self.faults if one.method in ("", method)), None)
            if fault is not None:
                self.faults.remove(fault)
        if fault is not None:
            if fault.seconds:
                await asyncio.sleep(fault.seconds)
            match fault.how:
                case "close":
                    return self._hang_up(request)
                case "done, close":
                    await self._result(request, method, fields)
                    return self._hang_up(request)
                case "hang":
                    await asyncio.sleep(3600)
                case "html":
                    return web.Response(
                        status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html"
                    )
                case "slow":
                    pass
                case code:
                    described = {
                        "401": "Unauthorized",
                        "404": "Not Found",
                        "409": "Conflict: terminated by other getUpdates request; make sure that only one bot "
                        "instance is running",
                        "429": f"Too Many Requests: retry after {fault.retry_after}",
                    }.get(code, "Internal Server Error")
                    more = {"retry_after": fault.retry_after} if fault.retry_after else {}
                    return self._refusal(Refused(int(code), described, **more))
        return await self._result(request, method, fields)

    async def _result(self, request: web.Request, method: str, fields: dict[str, Any]) -> web.Response:
        try:
            if request.match_info["token"] != self.token:
                raise Refused(401, "Unauthorized")
            result = await self._carry_out(method, fields)
        except Refused as refused:
            return self._refusal(refused)
        return web.json_response({"ok": True, "result": result})

    @staticmethod
    def _refusal(refused: Refused) -> web.Response:
        body: dict[str, Any] = {"ok": False, "error_code": refused.code, "description": str(refused)}
        if refused.parameters:
            body["parameters"] = refused.parameters
        return web.json_response(body, status=refused.code)

    @staticmethod
    def _hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def _carry_out(self, method: str, fields: dict[str, Any]) -> Any:
        match method:
            case "getMe":
                return {"id": 1, "is_bot": True, "first_name": "House", "username": USERNAME}
            case "getUpdates":
                return await self._get_updates(fields)
            case "setMyCommands":
                self.commands[fields.get("language_code", "")] = json.loads(fields["commands"])
                return True
            case "sendMessage" | "sendPhoto" | "editMessageText" | "editMessageMedia":
                return self._take(method, fields)
            case "editMessageReplyMarkup":
                chat, message = int(fields["chat_id"]), int(fields["message_id"])
                with self._lock:
                    if (known := self.texts.get((chat, message))) is None:
                        raise Refused(400, "Bad Request: message to edit not found")
                    markup = fields.get("reply_markup", "")
                    if known[1] == markup:
                        raise Refused(400, "Bad Request: message is not modified")
                    self.texts[chat, message] = (known[0], markup)
                    self.sent.append(
                        Sent(
                            method,
                            chat,
                            "",
                            "",
                            checked_buttons(markup),
                            message,
                            b"",
                            time.monotonic(),
                            fields,
                        )
                    )
                return True
            case "answerCallbackQuery":
                with self._lock:
                    self.sent.append(
                        Sent(
                            method, 0, fields.get("text", ""), fields.get("text", ""), [], 0, b"",
                            time.monotonic(), fields,
                        )
                    )  # fmt: skip
                return True
            case "sendChatAction" | "deleteWebhook":
                return True
        raise Refused(404, "Not Found")

    async def _get_updates(self, fields: dict[str, Any]) -> list[dict[str, Any]]:
        if self._poll is not None:
            self._poll.cancel("conflict")
        self._poll = asyncio.current_task()
        offset = int(fields.get("offset", 0))
        kinds = set(json.loads(fields.get("allowed_updates", "[]")))
        try:
            async with self._changed:
                if offset > self.confirmed:
                    self.confirmed = offset
                    self._updates = [one for one in self._updates if one["update_id"] >= offset]

                def pending() -> list[dict[str, Any]]:
                    wanted = [one for one in self._updates if not kinds or kinds & set(one)]
                    return wanted[: int(fields.get("limit", 100))]

                try:
                    async with asyncio.timeout(float(fields.get("timeout", 0))):
                        await self._changed.wait_for(pending)
                except TimeoutError:
                    pass
                return pending()
        except asyncio.CancelledError as error:
            if error.args != ("conflict",):
                raise
            raise Refused(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            ) from error
        finally:
            if self._poll is asyncio.current_task():
                self._poll = None

    def _take(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        chat = int(fields["chat_id"])
        with self._lock:
            if chat in self.moved:
                raise Refused(
                    400,
                    "Bad Request: group chat was upgraded to a supergroup chat",
                    migrate_to_chat_id=self.moved[chat],
                )
            topic = int(fields.get("message_thread_id", 0))
            if topic and topic not in self.topics.get(chat, ()):
                raise Refused(400, "Bad Request: message thread not found")
            if not topic and chat in self.general_closed:
                raise Refused(400, "Bad Request: TOPIC_CLOSED")
            if chat in self.blocked:
                raise Refused(403, "Forbidden: bot was blocked by the user")
            photo = b""
            if method == "editMessageMedia":
                media = json.loads(fields["media"])
                fields = fields | {name: media[name] for name in ("caption", "parse_mode") if name in media}
                photo = fields[media["media"].removeprefix("attach://")]
            elif method == "sendPhoto":
                photo = fields[fields["photo"].removeprefix("attach://")]
            if photo and not photo.startswith(b"\x89PNG"):
                raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
            text = fields.get("caption" if photo else "text", "")
            shown = parsed_html(text) if fields.get("parse_mode") == "HTML" else text
            if not shown.strip() and not photo:
                raise Refused(400, "Bad Request: message text is empty")
            if len(shown.encode("utf-16-le")) // 2 > (1024 if photo else 4096):
                raise Refused(400, "Bad Request: message is too long")
            buttons = checked_buttons(fields.get("reply_markup"))
            edited = method in ("editMessageText", "editMessageMedia")
            if self.limit is not None and not edited:
                self._check_rate(chat)
            present = (text, fields.get("reply_markup", ""))
            if edited:
                message = int(fields["message_id"])
                if method == "editMessageText" and (chat, message) in self.photos:
                    raise Refused(400, "Bad Request: there is no text in the message to edit")
                if (known := self.texts.get((chat, message))) is None:
                    raise Refused(400, "Bad Request: message to edit not found")
                if known == present and not photo:
                    raise Refused(
                        400,
                        "Bad Request: message is not modified: specified new message content and reply markup "
                        "are exactly the same as a current content and reply markup of the message",
                    )
            else:
                self._message += 1
                message = self._message
            self.texts[chat, message] = present
            if photo:
                self.photos.add((chat, message))
            self.sent.append(
                Sent(method, chat, text, shown, buttons, message, photo, time.monotonic(), fields)
            )
        kind = "private" if chat > 0 else "supergroup"
        return self._message_of(chat, kind, message, date=int(time.time()), text=shown)

    def _check_rate(self, chat: int) -> None:
        assert self.limit is not None
        most, seconds = self.limit
        now = time.monotonic()
        times = self._times[chat] = [one for one in self._times[chat] if now - one < seconds]
        if len(times) >= most:
            raise Refused(429, "Too Many Requests: retry after 1", retry_after=1)
        times.append(now)

    def _add(self, field: str, value: dict[str, Any]) -> int:
        with self._lock:
            self._ids += 1
            number = self._ids

        async def add() -> None:
            async with self._changed:
                self._updates.append({"update_id": number, field: value})
                self._changed.notify_all()

        asyncio.run_coroutine_threadsafe(add(), self._loop).result(10)
        return number

    @staticmethod
    def _user(number: int, language: str | None) -> dict[str, Any]:
        user = {"id": number, "is_bot": False, "first_name": f"User {number} <&>"}
        return user | ({"language_code": language} if language else {})

    @staticmethod
    def _message_of(chat: int, kind: str, number: int, **fields: Any) -> dict[str, Any]:
        named = {"first_name": "Ann"} if kind == "private" else {"title": "House & <home>"}
        return {"message_id": number, "chat": {"id": chat, "type": kind} | named} | fields


_TAGS = {
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "code",
    "pre",
    "a",
    "blockquote",
    "tg-spoiler",
}


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.opened: list[str] = []
        self.shown: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise Refused(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.opened or self.opened.pop() != tag:
            raise Refused(400, f'Bad Request: can\'t parse entities: Unmatched end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def parsed_html(text: str) -> str:
    """Return what a person sees of ``text``. Raises Refused where Telegram would, and for a bare ``&`` or ``<``."""
    if re.search(r"&(?!(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);)", text):
        raise Refused(400, "Bad Request: can't parse entities: a bare ampersand")
    if re.search(r"<(?!/?[a-z][^<>]*>)", text):
        raise Refused(400, "Bad Request: can't parse entities: a bare less-than sign")
    parser = _Html()
    parser.feed(text)
    parser.close()
    if parser.opened:
        raise Refused(
            400, f"Bad Request: can't parse entities: Can't find end tag of \"{parser.opened[-1]}\""
        )
    return "".join(parser.shown)


def checked_buttons(markup: str | None) -> list[list[dict[str, str]]]:
    """Return the rows of buttons. Raises Refused where Telegram would."""
    rows: list[list[dict[str, str]]] = json.loads(markup)["inline_keyboard"] if markup else []
    for row in rows:
        for button in row:
            if not button.get("text"):
                raise Refused(400, "Bad Request: inline keyboard button text is empty")
            if len(button.get("callback_data", "").encode()) > 64:
                raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
            if "url" in button and not button["url"].startswith(("http://", "https://", "tg://")):
                raise Refused(400, "Bad Request: BUTTON_URL_INVALID")
    return rows
