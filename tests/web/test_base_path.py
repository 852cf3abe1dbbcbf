"""The page below a path of another program's, as behind Home Assistant: a real proxy, the real server, a browser."""

import asyncio
import contextlib
import http.client
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from playwright.sync_api import Request, expect

from jk_bms.texts import language
from jk_bms.web.guards import origin_of
from tests.scale import PATIENCE
from tests.web.asking import Service, house_in, settings_in
from tests.web.chromium import NEEDED, allowed, chromium, watched
from tests.web.program import PASSWORD, Program

PREFIX = "/some/path"
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}


async def passed(request: web.Request, target: str, session: aiohttp.ClientSession) -> web.StreamResponse:
    """Pass on a request below PREFIX; what is outside belongs to the other program."""
    if not request.path.startswith(PREFIX + "/"):
        return web.Response(status=418, text="another program")
    sent = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
    sent |= {"X-Ingress-Path": PREFIX, "X-Forwarded-Host": request.host, "X-Forwarded-For": "192.168.7.20"}
    url = target + request.raw_path.removeprefix(PREFIX)
    async with session.request(
        request.method, url, headers=sent, data=await request.read(), allow_redirects=False
    ) as got:
        kept = [(name, value) for name, value in got.headers.items() if name.lower() not in HOP]
        answer = web.StreamResponse(status=got.status)
        for name, value in kept:
            answer.headers.add(name, value)
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):  # a browser that goes away
            async for piece in got.content.iter_any():
                await answer.write(piece)
        return answer


class Behind(NamedTuple):
    """A page behind a proxy. ``url``: where a browser finds it."""

    url: str
    service: Service

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        """Ask as a browser without scripts."""
        host = self.url.split("/")[2]
        connection = http.client.HTTPConnection(host, timeout=PATIENCE)
        form = (
            {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{host}"}
            if body is not None
            else {}
        )
        connection.request(
            method,
            path,
            None if body is None else urlencode(body),
            {"Accept": "text/html", **form, **(headers or {})},
        )
        return connection.getresponse()


@asynccontextmanager
async def proxied(target: str, service: Service) -> AsyncIterator[int]:
    async with service.server.serve(), aiohttp.ClientSession(auto_decompress=True) as session:
        app = web.Application()

        async def handle(request: web.Request) -> web.StreamResponse:
            return await passed(request, target, session)

        app.router.add_route("*", "/{rest:.*}", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        try:
            yield site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        finally:
            await runner.cleanup()


@contextmanager
def behind(folder: Path) -> Iterator[Behind]:
    """The page as a process, its battery service and the proxy, in a thread."""
    service = Service(folder / "s")
    with Program(folder) as program:
        found: list[int] = []
        up, loop = threading.Event(), asyncio.new_event_loop()
        end = asyncio.Event()

        async def run() -> None:
            async with proxied(f"http://127.0.0.1:{program.port}", service) as port:
                found.append(port)
                up.set()
                await end.wait()

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
        thread.start()
        assert up.wait(PATIENCE)
        try:
            yield Behind(f"http://127.0.0.1:{found[0]}{PREFIX}/", service)
        finally:
            loop.call_soon_threadsafe(end.set)
            thread.join(PATIENCE)


@pytest.fixture(scope="module")
def page_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    with behind(tmp_path_factory.mktemp("behind")) as made:
        yield made


def test_without_scripts_redirects_and_forms_stay_below_the_path(page_behind: Behind) -> None:
    shut = page_behind.ask("GET", f"{PREFIX}/alerts")
    assert (shut.status, shut.getheader("location")) == (303, f"{PREFIX}/login?next=/alerts")
    login = page_behind.ask("GET", f"{PREFIX}/login?next=/alerts").read().decode()
    assert f'action="{PREFIX}/login"' in login

    signed = page_behind.ask("POST", f"{PREFIX}/login", {"password": PASSWORD, "next": "/alerts"})

    assert (signed.status, signed.getheader("location")) == (303, f"{PREFIX}/alerts")
    cookie = signed.getheader("set-cookie") or ""
    assert f"Path={PREFIX}/;" in cookie  # it is not for the other program
    kept = {"Cookie": cookie.partition(";")[0]}
    patience = time.monotonic() + PATIENCE
    mark = None
    while mark is None and time.monotonic() < patience:  # the page may not have heard of its battery yet
        time.sleep(0.2)  # who asks without a pause is soon told to ask less
        page = page_behind.ask("GET", f"{PREFIX}/battery/1", headers=kept)
        text = page.read().decode()
        mark = re.search(r'name="csrf" value="([0-9a-f]+)"', text.partition(f'action="{PREFIX}/release"')[2])
    assert "frame-ancestors 'self'" in (page.getheader("content-security-policy") or "")
    assert mark is not None
    addresses = set(re.findall(r'(?:href|src|action)="([^"#][^"]*)"', text))
    assert all(address.startswith(f"{PREFIX}/") for address in addresses), addresses
    freed = page_behind.ask(
        "POST", f"{PREFIX}/release", {"csrf": mark[1], "device": "1", "seconds": "600"},
        headers={"Referer": f"{page_behind.url}battery/1", **kept},
    )  # fmt: skip
    assert (freed.status, freed.getheader("location")) == (303, f"{PREFIX}/battery/1")
    assert page_behind.service.actions("release")[-1]["seconds"] == 600.0


@pytest.mark.parametrize("path", ["/sw.js", "/start", "/api/push", "/api/start"])
def test_what_is_only_where_the_page_stands_alone(page_behind: Behind, path: str) -> None:
    assert page_behind.ask("GET", PREFIX + path).status == 404


def test_the_manifest_is_of_the_path(page_behind: Behind) -> None:
    text = page_behind.ask("GET", f"{PREFIX}/manifest.json").read().decode()

    addresses = re.findall(r'"(?:src|url|start_url|scope|id)":"([^"]*)"', text)
    assert len(addresses) > 5
    assert all(address.startswith(f"{PREFIX}/") for address in addresses), addresses


@NEEDED[0]
@NEEDED[1]
def test_every_screen_works_in_a_browser(page_behind: Behind) -> None:
    words = language("en")
    with chromium() as browser:
        context = browser.new_context(locale="en", viewport={"width": 1280, "height": 800})
        page, troubles = watched(context, page_behind.url)
        outside: list[str] = []

        def look(request: Request) -> None:
            if not request.url.startswith((page_behind.url, "data:")):
                outside.append(request.url)

        page.on("request", look)
        page.goto(page_behind.url + "alerts")
        page.wait_for_selector("html.started")
        page.locator("input[type=password]").fill(PASSWORD)
        page.get_by_role("button", name=words("web.sign_in")).click()
        page.wait_for_url(page_behind.url + "alerts")
        expect(page.locator(".link-word")).to_have_text(words("web.live"))
        # what was asked before the password was right
        troubles[:] = [one for one in troubles if "401" not in one]
        for path in ("", "battery/1", "history", "alerts", "more"):
            page.goto(page_behind.url + path)
            page.wait_for_selector("html.started")
            page.wait_for_selector(".card")
            expect(page.locator(".link-word")).to_have_text(words("web.live"))  # the stream came through
        page.get_by_role("link", name=words("web.nav.alerts")).first.click()
        page.wait_for_url(page_behind.url + "alerts")
        page.go_back()
        page.wait_for_url(page_behind.url + "more")
        page.get_by_role("button", name=words("web.theme.dark")).click()
        page.reload()
        page.wait_for_selector("html.started")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        cookies = {one.get("name"): one.get("path") for one in context.cookies()}
        assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
        signed_in = list(troubles)  # what is still asked for when the session is over gets a 401
        page.get_by_role("button", name=words("web.sign_out"), exact=True).click()
        page.wait_for_url(page_behind.url + "login")
        context.close()

    assert set(cookies.values()) == {f"{PREFIX}/"}
    assert outside == []
    assert allowed(signed_in, "status of 503") == []  # that house has no record yet


BASES = {
    # what a trusted proxy says: the base
    "none": (None, "/"),
    "a path": ("/some/path", "/some/path/"),
    "with a slash at its end": ("/api/hassio_ingress/aB3-_x/", "/api/hassio_ingress/aB3-_x/"),
    "the root": ("/", "/"),
    "nothing": ("", "/"),
    "no path": ("some", "/"),
    "another host": ("//evil.example", "/"),
    "another host within": ("/a//evil.example", "/"),
    "up": ("/a/../b", "/"),
    "here": ("/./a", "/"),
    "a backslash": ("/\\evil.example", "/"),
    "markup": ('/"><script>', "/"),
    "a header": ("/a\r\nX: y", "/"),
    "a query": ("/a?b", "/"),
    "an escape": ("/%2e%2e", "/"),
    "too long": ("/" + "a" * 300, "/"),
}


@pytest.mark.parametrize(("said", "base"), BASES.values(), ids=BASES)
def test_which_base_is_believed(tmp_path: Path, said: str | None, base: str) -> None:
    headers = {"host": "house.local"} | ({} if said is None else {"x-ingress-path": said})

    trusted = origin_of(settings_in(tmp_path), "127.0.0.1", "http", headers)
    stranger = origin_of(settings_in(tmp_path), "192.168.7.20", "http", headers)

    assert (trusted.base, stranger.base) == (base, "/")


async def test_over_https_below_a_path_the_cookie_is_bound_as_well_as_it_can_be(tmp_path: Path) -> None:
    """``__Host-`` is for cookies of a whole host only."""
    async with house_in(tmp_path, WEB_PASSWORD=PASSWORD, WEB_TRUSTED_PROXIES="172.30.32.2") as house:
        browser = house.browser("172.30.32.2")
        browser.headers = {
            "x-ingress-path": PREFIX,
            "x-forwarded-proto": "https",
            "x-forwarded-for": "192.168.7.9",
        }

        got = await browser.post("/api/login", {"password": PASSWORD})

        assert got.headers["set-cookie"].startswith("__Secure-easun=")
        assert f"Path={PREFIX}/; HttpOnly; SameSite=Lax" in got.headers["set-cookie"]
        assert (await browser.get("/api/session")).status == 200
        guest = await browser.post("/api/guests", {"name": "Olena"})
        assert guest.json["url"].startswith(f"https://house.local:8080{PREFIX}/join#")


async def test_without_a_password_there_is_no_way_to_the_set_up_from_there(tmp_path: Path) -> None:
    async with house_in(tmp_path, WEB_TRUSTED_PROXIES="172.30.32.2") as house:
        browser = house.browser("172.30.32.2")
        browser.headers = {"x-ingress-path": PREFIX}

        got = await browser.get("/", accept="text/html")

    assert (got.status, "location" in got.headers) == (403, False)
