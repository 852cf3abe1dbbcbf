"""A page in this process, with a battery service that is made up: asked as a server would ask it."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jk_bms.clock import Clock
from jk_bms.config.settings import Settings, load_settings
from jk_bms.errors import LiveError
from jk_bms.live.server import LiveServer
from jk_bms.model.snapshot import Snapshot
from jk_bms.web.app import App
from jk_bms.web.http import Answer
from jk_bms.web.page import Page
from jk_bms.web.push.services import PushServices
from jk_bms.web.table import ROUTES, table
from jk_bms.web.web_db import open_store
from tests import told
from tests.scale import PATIENCE
from tests.web import made_up

CODE = "GUDC2DE234"
PASSWORD = "three words of mine"
HOST = "house.local:8080"
AFAR = "192.168.7.20"  # the address of a browser in the house


class Got(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error; "" where there is none."""
        told = self.json if self.headers.get("content-type") == "application/json" and self.body else {}
        return str(told["error"]["code"]) if isinstance(told, dict) and "error" in told else ""

    @property
    def cookie(self) -> str:
        return self.headers.get("set-cookie", "").partition(";")[0]


class Browser:
    """One that asks: it keeps its cookie and the mark of its session, as a page of ours does."""

    def __init__(self, app: App, address: str = AFAR, host: str = HOST, scheme: str = "http") -> None:
        self.app = app
        self.address = address
        self.host = host
        self.scheme = scheme
        self.cookie = ""
        self.csrf = ""
        self.headers: dict[str, str] = {}

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        host: str | None = None,
    ) -> Got:
        sent = {"host": self.host if host is None else host, "accept": "application/json", **self.headers}
        if self.cookie:
            sent["cookie"] = self.cookie
        if method not in ("GET", "HEAD", "OPTIONS"):
            sent |= {"sec-fetch-site": "same-origin", "content-type": "application/json"}
            if self.csrf:
                sent["x-csrf"] = self.csrf
        sent |= headers or {}
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        got = await asked(self.app, method, path, sent, data, self.address, self.scheme)
        if cookie := got.cookie:
            self.cookie = "" if cookie.endswith("=") else cookie
        if got.status == 200 and isinstance(told := self._told(got), dict) and "csrf" in told:
            self.csrf = told["csrf"]
        return got

    @staticmethod
    def _told(got: Got) -> Any:
        try:
            return got.json
        except ValueError:
            return None

    async def get(self, path: str, **headers: str) -> Got:
        return await self.ask(
            "GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )

    async def post(self, path: str, body: Any = None, **more: Any) -> Got:
        return await self.ask("POST", path, {} if body is None else body, **more)

    async def form(self, path: str, fields: Mapping[str, str]) -> Got:
        text = "&".join(f"{quote(name)}={quote(value)}" for name, value in fields.items())
        kind = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
        return await self.ask("POST", path, raw=text.encode(), headers=kind)


async def asked(
    app: App,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    address: str = AFAR,
    scheme: str = "http",
    until: Callable[[bytes], bool] | None = None,
) -> Got:
    """Ask for ``target``. ``until``: given what came so far, whether the browser goes away."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        + ([(b"content-length", str(len(body)).encode())] if body else []),
        "client": (address, 50000),
        "scheme": scheme,
    }
    sent = [{"type": "http.request", "body": body, "more_body": False}]
    gone = asyncio.Event()
    pieces: list[bytes] = []
    start: dict[str, Any] = {}

    async def receive() -> dict[str, Any]:
        if sent:
            return sent.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            pieces.append(message.get("body", b""))
            if until is not None and until(b"".join(pieces)):
                gone.set()

    async with asyncio.timeout(PATIENCE):
        await app(scope, receive, send)
    answered = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    whole = b"".join(pieces)
    if answered.get("content-encoding") == "gzip":
        whole = gzip.decompress(whole)
    return Got(start["status"], answered, whole)


class Service:
    """The battery service: what it is asked, and what it says."""

    def __init__(self, path: Path) -> None:
        self.state: dict[str, Any] = {
            "program": {"version": "1.0.0", "pid": 1, "uptime": 100.0},
            "clock_trusted": True,
            "poll_interval": 30.0,
            "devices": [made_up.battery(1)],
            "adapters": [],
            "inverter": made_up.inverter(),
            "house": {"packs": {}},
            "alerts": [],
            "unsaved": [],
            "telegram": {"code": "TELEGRAMCODE", "username": "a_bot"},
        }
        self.asked: list[dict[str, Any]] = []
        self.code: str | None = CODE
        self.refusal = ""  # what it says to all that it is asked
        self.server = LiveServer(path, snapshot=lambda: told.house(self.state), handle=self._handle)

    async def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        action = request["action"]
        if self.refusal:
            raise LiveError(self.refusal)
        if action == "claim":
            if request.get("for") != "web" or request["code"] != self.code:
                raise LiveError("claim: that code is not, or no longer, good")
            self.code = None
        if action == "void":
            self.code = None
        if action in ("mute", "acknowledge"):
            return next(alert for alert in self.state["alerts"] if alert["rule"] == request["rule"])
        if action == "config" and "set" in request:
            return {"changed": [{"key": key, "new": text} for key, text in request["set"].items()]}
        if action == "config":
            row = {
                "key": "ALERT_MIN_LEVEL",
                "value": "warning",
                "unit": "",
                "source": "settings.env",
                "meaning": "m",
            }
            secret = {
                "key": "OPENAI_API_KEY",
                "value": "***",
                "unit": "",
                "source": ".env line 3",
                "meaning": "m",
            }
            return {"settings": [one | {"at_once": True, "locked": False} for one in (row, secret)]}
        if action == "alert_test":
            return {"code": request["code"], "channels": {"Telegram": ""}}
        return {}

    def actions(self, *names: str) -> list[dict[str, Any]]:
        return [request for request in self.asked if request["action"] in names]


class House(NamedTuple):
    """All of it."""

    app: App
    page: Page
    service: Service

    def browser(self, address: str = AFAR, **more: Any) -> Browser:
        return Browser(self.app, address, **more)

    async def owner(self, address: str = AFAR, **more: Any) -> Browser:
        """A browser that is signed in; the first one sets the page up."""
        browser = self.browser(address, **more)
        if not self.page.access.has_password:
            got = await browser.post("/api/start", {"code": CODE, "password": PASSWORD})
        else:
            got = await browser.post("/api/login", {"password": PASSWORD})
        assert got.status == 200, got
        return browser

    async def program(self, scope: str) -> Browser:
        """A program with a token."""
        owner = await self.owner()
        got = await owner.post("/api/tokens", {"name": "a program", "scope": scope})
        program = self.browser()
        program.headers = {"authorization": f"Bearer {got.json['access_token']}"}
        return program


def settings_in(folder: Path, **env: str) -> Settings:
    usual = {
        "DB_PATH": str(folder / "inverter.db"),
        "BMS_DB_PATH": str(folder / "bms.db"),
        "BMS_SOCKET": str(folder / "s"),
        "TIMEZONE": "Europe/Kyiv",
        "WEB_HOSTS": "house.local",
    }
    return load_settings(usual | env, top=folder)


@contextlib.asynccontextmanager
async def house_in(
    folder: Path,
    *,
    heard: bool = True,
    static: Mapping[str, Answer] | None = None,
    clock: Clock | None = None,
    push_services: PushServices | None = None,
    **env: str,
) -> AsyncIterator[House]:
    """A page, and the service that it hears of. ``heard``: wait until it did."""
    settings = settings_in(folder, **env)
    service = Service(settings.socket_path)
    with open_store(settings.web_db_path) as store:
        page = Page(settings, store, static or {}, ROUTES, clock=clock, push_services=push_services)
        came = asyncio.Event()
        page.house.listen(lambda news: came.set() if isinstance(news, Snapshot) else None)
        async with service.server.serve():
            await page.access.begin()
            running = asyncio.create_task(page.run(), name="page")
            try:
                if heard:
                    async with asyncio.timeout(PATIENCE):
                        await came.wait()
                yield House(App(page, table()), page, service)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                page.close()
