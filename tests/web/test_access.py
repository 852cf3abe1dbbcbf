"""Who may what: every route for every kind of asker, as its row says and not one bit more."""

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from jk_bms.web import access as access_module
from jk_bms.web.access import Scope, place_of
from jk_bms.web.routes import Route
from jk_bms.web.table import ROUTES
from tests.web.asking import AFAR, CODE, HOST, PASSWORD, Browser, House, house_in

NAMES = [f"{route.method} {route.path}" for route in ROUTES]
AFTER_SETUP = [route for route in ROUTES if not route.before_setup]
# What would end the session that asks next.
ENDING = {"/api/logout", "/logout", "/api/sessions", "/api/sessions/{id}", "/api/change-password"}
LET_IN = {200, 204, 303, 400, 404, 409, 503}  # carried out, whatever came of it


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "1", path)


async def try_it(browser: Browser, route: Route, **more: Any) -> int:
    """The status of a request without a body that could be carried out."""
    if route.streams and route.kind == "text/event-stream":
        more["headers"] = {**more.get("headers", {}), "accept": "text/event-stream"}
        return await stream_status(browser, route, **more)
    if route.form:
        more["headers"] = {"content-type": "application/x-www-form-urlencoded", **more.get("headers", {})}
        return (await browser.ask(route.method, filled(route.path), raw=b"", **more)).status
    return (await browser.ask(route.method, filled(route.path), **more)).status


async def stream_status(browser: Browser, route: Route, **more: Any) -> int:
    headers = {"host": browser.host, **browser.headers, **more.get("headers", {})}
    if browser.cookie:
        headers.setdefault("cookie", browser.cookie)
    if "host" in more:
        headers["host"] = more["host"]
    from tests.web.asking import asked

    got = await asked(
        browser.app, "GET", route.path, headers, address=browser.address, until=lambda came: b"hello" in came
    )
    return got.status


def test_every_route_says_who_may() -> None:
    """What changes something is no page that a look opens, and only few things are open to all."""
    for route in ROUTES:
        assert isinstance(route.scope, Scope), route.path
        assert route.method in ("GET", "POST", "PATCH", "DELETE"), route.path
        if route.method != "GET" and route.scope is Scope.READ:
            assert route.session, f"{route.path}: changes something, and who looks may"
    assert {route.path for route in ROUTES if route.scope is Scope.OPEN} == {
        "/login", "/start", "/join", "/logout", "/manifest.json",
        "/api/health", "/api/start", "/api/login", "/api/join", "/api/openapi.json",
    }  # fmt: skip
    assert {route.path for route in ROUTES if route.before_setup} == {
        "/start", "/manifest.json", "/api/health", "/api/start",
    }  # fmt: skip


@pytest.mark.parametrize("route", AFTER_SETUP, ids=[f"{each.method} {each.path}" for each in AFTER_SETUP])
async def test_nothing_answers_before_there_is_a_password(house: House, route: Route) -> None:
    got = await house.browser().ask(route.method, filled(route.path))

    assert (got.status, got.code) == (403, "setup_needed")


@pytest.mark.parametrize("public", [False, True])
async def test_a_stranger(tmp_path: Path, public: bool) -> None:
    """Who is not signed in gets what is open; with WEB_READ_PUBLIC values too, and nothing that needs a session."""
    async with house_in(tmp_path, WEB_READ_PUBLIC=str(public).lower()) as house:
        await house.owner()
        for route in ROUTES:
            status = await try_it(house.browser(), route)
            may = route.scope is Scope.OPEN or (public and route.scope is Scope.READ and not route.session)
            assert status in LET_IN | {401} if route.scope is Scope.OPEN else (status in LET_IN) == may, (
                route.path,
                status,
            )
            if not may:
                assert status == 401, route.path


@pytest.mark.parametrize("scope", ["read", "control"])
async def test_a_program(house: House, scope: str) -> None:
    """A token does what it was made for, never what belongs to browsers."""
    program = await house.program(scope)
    for route in ROUTES:
        status = await try_it(program, route)
        may = route.scope <= access_module.SCOPES[scope] and not route.session
        assert (status in LET_IN | {401}) == may or route.scope is Scope.OPEN, (route.path, status)
        if not may:
            assert status == 403, (route.path, status)


async def test_a_guest(house: House) -> None:
    """A guest looks."""
    owner = await house.owner()
    code = (await owner.post("/api/guests", {"name": "Ann"})).json["code"]
    guest = house.browser()
    assert (await guest.post("/api/join", {"code": code})).json["scope"] == "read"
    for route in ROUTES:
        if route.path in ENDING:
            continue
        status = await try_it(guest, route)
        may = route.scope <= Scope.READ
        assert (status in LET_IN | {401, 410}) == may, (route.path, status)
        if not may:
            assert status == 403, (route.path, status)


@pytest.mark.parametrize("route", ROUTES, ids=NAMES)
async def test_an_owner_may_all(house: House, route: Route) -> None:
    owner = await house.owner()

    assert await try_it(owner, route) in LET_IN | {401}


CHANGING = [route for route in ROUTES if route.method != "GET" and not route.before_setup]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-csrf": "0" * 32},
        {"x-csrf": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": f"http://{HOST}"},
    ],
    ids=str,
)
async def test_what_another_site_sends_is_refused(house: House, headers: dict[str, str]) -> None:
    owner = await house.owner()
    for route in CHANGING:
        got = await owner.ask(
            route.method,
            filled(route.path),
            raw=b"",
            headers={"content-type": "application/x-www-form-urlencoded", **headers}
            if route.form
            else headers,
        )
        assert (got.status, got.code) == (403, "csrf"), route.path
    assert (await owner.get("/api/session")).status == 200


@pytest.mark.parametrize(
    ("origin", "good"),
    [(f"http://{HOST}", True), (f"http://{HOST.upper()}", True), ("http://evil.example", False), ("null", False),
     (f"http://{HOST}.evil.example", False), ("http://[", False), (HOST, False), (None, False)],
)  # fmt: skip
async def test_an_old_browser_is_known_by_its_origin(house: House, origin: str | None, good: bool) -> None:
    """One that does not send Sec-Fetch-Site; without any word of where it comes from nothing is changed."""
    owner = await house.owner()
    headers = {"host": HOST, "cookie": owner.cookie, "x-csrf": owner.csrf, "content-type": "application/json"}
    if origin is not None:
        headers["origin"] = origin
    from tests.web.asking import asked

    got = await asked(owner.app, "POST", "/api/guests", headers, b'{"name": "Ann"}')

    assert got.status == (200 if good else 403)


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("localhost", True), ("127.0.0.1:8080", True), ("[::1]:8080", True), ("192.168.1.7", True),
        ("house.local", True), ("HOUSE.local.", True), ("mine.example.org", True), ("a.mine.example.net", True),
        ("evil.example", False), ("house.local.evil.example", False), ("mine.example.net", False), ("", False),
        ("house.local, evil.example", False), ("house.local@evil.example", False), ("[::1", False),
        ("house.local:8080:80", False), ("localhost/..", False),
    ],
)  # fmt: skip
async def test_the_page_answers_to_its_own_names_only(tmp_path: Path, host: str, good: bool) -> None:
    """A foreign name that was made to lead here must not be able to read anything."""
    hosts = "house.local,mine.example.org,*.mine.example.net"
    async with house_in(tmp_path, heard=False, WEB_HOSTS=hosts) as house:
        got = await house.browser().ask("GET", "/api/health", host=host)

    assert got.status == (200 if good else 421)
    if not good and host.startswith("evil"):
        assert f"WEB_HOSTS={host}" in got.json["error"]["message"]


async def test_a_proxy_is_believed_where_the_owner_trusts_it(tmp_path: Path) -> None:
    async with house_in(tmp_path, WEB_TRUSTED_PROXIES="10.0.0.0/8") as house:
        said = {
            "x-forwarded-for": "203.0.113.9, 10.9.9.9",
            "x-forwarded-proto": "https",
            "x-forwarded-host": HOST,
        }
        near, far = house.browser("10.1.2.3"), house.browser("10.1.2.3")
        near.headers = said
        got = await near.post("/api/start", {"code": CODE, "password": PASSWORD})
        far.headers, far.address = said, "192.168.7.7"
        other = await far.post("/api/login", {"password": PASSWORD})

        assert got.headers["set-cookie"].startswith("__Host-easun=")
        assert "; Secure" in got.headers["set-cookie"]
        assert other.headers["set-cookie"].startswith("easun=")
        assert "Secure" not in other.headers["set-cookie"]


async def test_a_cookie_of_https_is_not_taken_over_http(house: House) -> None:
    owner = await house.owner(scheme="https")
    assert (await owner.get("/api/session")).status == 200

    plain = house.browser()
    plain.cookie = owner.cookie
    assert (await plain.get("/api/session")).status == 401
    plain.cookie = owner.cookie.replace("__Host-easun", "easun")
    assert (await plain.get("/api/session")).status == 401


# Setting up


async def test_set_up_signs_in_and_uses_the_code_up(house: House) -> None:
    browser = house.browser()
    got = await browser.post("/api/start", {"code": CODE, "password": PASSWORD})

    assert (got.status, got.json["scope"]) == (200, "admin")
    assert "HttpOnly" in got.headers["set-cookie"]
    assert "SameSite=Lax" in got.headers["set-cookie"]
    assert (await browser.get("/api/state")).status == 200
    again = await house.browser().post("/api/start", {"code": CODE, "password": "another one"})
    assert (again.status, again.code) == (401, "wrong_password")


@pytest.mark.parametrize(
    "password", ["", "short", "12345678", "PASSWORD1", "aaaaaaaaaa", CODE, CODE.lower(), "x" * 1025]
)
async def test_a_bad_password_is_refused_and_costs_no_code(house: House, password: str) -> None:
    got = await house.browser().post("/api/start", {"code": CODE, "password": password})

    assert (got.status, got.json["error"]["field"]) == (400, "password")
    assert house.service.code == CODE
    assert not house.page.access.has_password


async def test_wrong_codes_are_counted(house: House) -> None:
    """Five from one address an hour; thirty from all, and the code itself is made void."""
    for number in range(6):
        for _ in range(5):
            got = await house.browser(f"192.168.8.{number}").post(
                "/api/start", {"code": "WRONGWRONG", "password": PASSWORD}
            )
            assert got.status == 401
        got = await house.browser(f"192.168.8.{number}").post(
            "/api/start", {"code": CODE, "password": PASSWORD}
        )
        assert got.status == 429
        assert int(got.headers["retry-after"]) > 3000

    assert house.service.actions("void") != []
    got = await house.browser().post("/api/start", {"code": CODE, "password": PASSWORD})
    assert got.status == 401


async def test_a_forgotten_password_ends_all_that_was_signed_in(house: House) -> None:
    owner, program = await house.owner(), await house.program("read")
    house.service.code = CODE

    got = await house.browser().post("/api/start", {"code": CODE, "password": "a new password"})

    assert got.status == 200
    assert (await owner.get("/api/state")).status == 401
    assert (await program.get("/api/state")).status == 401
    assert (await house.browser().post("/api/login", {"password": PASSWORD})).status == 401


async def test_a_password_of_the_settings(tmp_path: Path) -> None:
    """It counts at once and cannot be changed here; another one there ends all sessions."""
    async with house_in(tmp_path, WEB_PASSWORD=PASSWORD) as house:
        owner = await house.owner()
        body = {"old_password": PASSWORD, "new_password": "another password"}
        assert (await owner.post("/api/change-password", body)).code == "conflict"
        assert (
            await house.browser().post("/api/start", {"code": CODE, "password": "another one"})
        ).code == "conflict"
    async with house_in(tmp_path, WEB_PASSWORD=PASSWORD) as house:
        owner.app = house.app
        assert (await owner.get("/api/state")).status == 200
    async with house_in(tmp_path, WEB_PASSWORD="three other words") as house:
        owner.app = house.app
        assert (await owner.get("/api/state")).status == 401
        assert (await house.browser().post("/api/login", {"password": PASSWORD})).status == 401
        assert (await house.browser().post("/api/login", {"password": "three other words"})).status == 200


# Signing in


async def test_five_wrong_passwords_close_the_door_for_that_address(house: House) -> None:
    await house.owner()
    thief = house.browser("192.168.9.9")
    left = [
        (await thief.post("/api/login", {"password": f"wrong {n}"})).json["error"]["message"]
        for n in range(5)
    ]
    assert [re.search(r"\d", text)[0] for text in left] == ["4", "3", "2", "1", "0"]  # type: ignore[index]

    right = await thief.post("/api/login", {"password": PASSWORD})
    assert (right.status, right.code) == (429, "too_many")
    assert 200 < int(right.headers["retry-after"]) <= 300
    assert (await house.browser().post("/api/login", {"password": PASSWORD})).status == 200


async def test_so_many_at_once_are_no_way_round_it(house: House) -> None:
    await house.owner()
    thief = house.browser("192.168.9.9")

    got = await asyncio.gather(*(thief.post("/api/login", {"password": f"wrong {n}"}) for n in range(40)))

    assert sum(each.status == 401 for each in got) <= 5
    assert {each.status for each in got} <= {401, 429}


async def test_a_restart_forgives_nothing(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        await house.owner()
        thief = house.browser("192.168.9.9")
        for n in range(5):
            await thief.post("/api/login", {"password": f"wrong {n}"})
    async with house_in(tmp_path) as house:
        thief = house.browser("192.168.9.9")
        assert (await thief.post("/api/login", {"password": PASSWORD})).status == 429


async def test_many_addresses_are_slowed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """From thirty wrong ones in five minutes on each try waits, and the owner still comes in."""
    await house.owner()
    waits: list[float] = []
    real = asyncio.sleep

    async def noted(seconds: float) -> None:
        if seconds == access_module.SLOWED:
            waits.append(seconds)
            await real(0)
        else:
            await real(seconds)

    monkeypatch.setattr(asyncio, "sleep", noted)
    for n in range(40):
        await house.browser(f"192.168.9.{n}").post("/api/login", {"password": "wrong"})
    assert len(waits) == 10

    assert (await house.browser("192.168.10.1").post("/api/login", {"password": PASSWORD})).status == 200


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.168.1.1", "192.168.1.2", False), ("::ffff:192.168.1.1", "192.168.1.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True), ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", "", True),
    ],
)  # fmt: skip
def test_addresses_of_one_house_count_together(one: str, other: str, same: bool) -> None:
    assert (place_of(one) == place_of(other)) == same


OTHERS = [
    'a={"b": 1}',
    "a[0]=1",
    'a="b',
    "a@b=c",
    "a",
    "@@=",
    "=",
    "easun=of another path",
    "xeasun=1",
    "a=\xff\x01",
]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("first", [True, False])
async def test_cookies_of_other_programs_sign_nobody_out(house: House, other: str, first: bool) -> None:
    """Cookies know no ports: those of all programs of this machine come along, and those of each path."""
    owner = await house.owner()
    pair = (other, owner.cookie) if first else (owner.cookie, other)

    assert (await owner.get("/api/session", cookie="; ".join(pair))).status == 200
    assert (await house.browser().get("/api/session", cookie=other)).status == 401


async def test_a_session_is_new_with_each_sign_in(house: House) -> None:
    """What a browser held before, by its own choice or another's, is worth nothing after."""
    planted = house.browser()
    planted.cookie = "easun=planted-by-someone-else"
    await house.owner()
    got = await planted.post("/api/login", {"password": PASSWORD})
    assert got.status == 200
    assert "planted" not in planted.cookie

    before = planted.cookie
    await planted.post("/api/login", {"password": PASSWORD})
    assert planted.cookie != before
    old = house.browser()
    old.cookie = before
    assert (await old.get("/api/state")).status == 401


async def test_sessions_can_be_ended(house: House) -> None:
    here, there = await house.owner(), await house.owner("192.168.7.21")
    rows = (await here.get("/api/sessions")).json
    assert [row["this"] for row in rows].count(True) == 1
    other = next(row["id"] for row in rows if not row["this"])

    assert (await here.ask("DELETE", f"/api/sessions/{other}")).status == 204

    assert (await there.get("/api/state")).status == 401
    third = await house.owner("192.168.7.22")
    assert (await here.ask("DELETE", "/api/sessions")).status == 204
    assert ((await third.get("/api/state")).status, (await here.get("/api/state")).status) == (401, 200)
    assert (await here.post("/api/logout")).status == 204
    assert (await here.get("/api/state")).status == 401


async def test_a_guest_ends_no_session_but_his_own(house: House) -> None:
    owner, guest = await house.owner(), house.browser()
    code = (await owner.post("/api/guests", {"name": "Ann"})).json["code"]
    await guest.post("/api/join", {"code": code})
    rows = {row["scope"]: row["id"] for row in (await owner.get("/api/sessions")).json}

    assert (await guest.ask("DELETE", f"/api/sessions/{rows['admin']}")).status == 404
    assert (await guest.ask("DELETE", f"/api/sessions/{rows['read']}")).status == 204


async def test_a_guests_link_is_good_once(house: House) -> None:
    owner = await house.owner()
    link = (await owner.post("/api/guests", {"name": "Ann"})).json

    assert link["url"] == f"http://{HOST}/join#{link['code']}"
    assert (await house.browser().post("/api/join", {"code": link["code"]})).json["name"] == "Ann"
    again = await house.browser().post("/api/join", {"code": link["code"]})
    assert (again.status, again.code) == (410, "gone")


@pytest.mark.parametrize(("unused", "made"), [(31, 31), (1, 366)])
async def test_a_session_ends_by_itself(tmp_path: Path, unused: int, made: int) -> None:
    async with house_in(tmp_path) as house:
        owner = await house.owner()
        now = time.time()
        with_age = f"UPDATE sessions SET made = {now - made * 86400}, used = {now - unused * 86400}"
        house.page.store.write(lambda db: db.execute(with_age))
    async with house_in(tmp_path) as house:
        owner.app = house.app
        assert (await owner.get("/api/state")).status == 401


async def test_a_full_disk_takes_the_page_from_nobody_who_looks(tmp_path: Path) -> None:
    """Once an hour it is written that a session is in use; where that cannot be, the house is shown all the same."""
    async with house_in(tmp_path) as house:
        owner = await house.owner()
        long_ago = f"UPDATE sessions SET used = {time.time() - 7200}"
        house.page.store.write(lambda db: db.execute(long_ago))
    async with house_in(tmp_path) as house:
        owner.app = house.app
        full = (
            "CREATE TEMP TRIGGER full BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        house.page.store.write(lambda db: db.execute(full))

        assert [(await owner.get("/api/state")).status for _ in range(2)] == [200, 200]
        (session,) = house.page.store.sessions.values()
        assert time.time() - session.used < 60


async def test_tokens(house: House) -> None:
    """Shown once, good until they end or are ended; never in the address."""
    owner = await house.owner()
    made = (await owner.post("/api/tokens", {"name": "Grafana", "scope": "read", "days": 1})).json
    secret = made["access_token"]
    program = house.browser()

    assert (await program.get(f"/api/state?access_token={secret}")).status == 401
    program.headers = {"authorization": f"Bearer {secret}"}
    assert (await program.get("/api/state")).status == 200
    rows = (await owner.get("/api/tokens")).json
    assert [row["name"] for row in rows] == ["Grafana"]
    assert secret not in json.dumps(rows)
    assert (await owner.ask("DELETE", f"/api/tokens/{rows[0]['id']}")).status == 204
    assert (await program.get("/api/state")).status == 401


async def test_a_program_signs_in_for_a_token(house: House) -> None:
    await house.owner()
    body = {"password": PASSWORD, "token": {"name": "script", "scope": "control", "days": 30}}
    got = await house.browser().post("/api/login", body)

    assert "set-cookie" not in got.headers
    assert got.json["expires_at"]
    wrong = {"password": PASSWORD, "token": {"name": "script", "scope": "admin"}}
    assert (await house.browser().post("/api/login", wrong)).status == 400


async def test_a_wrong_token_is_not_helped_by_a_cookie(house: House) -> None:
    owner = await house.owner()
    owner.headers = {"authorization": "Bearer wrong"}
    assert (await owner.get("/api/state")).status == 401
    owner.headers = {"authorization": "Basic YTpi"}
    assert (await owner.get("/api/state")).status == 401


async def test_the_most_dangerous_wants_the_password_again(house: House) -> None:
    owner = await house.owner()
    house.page.access._sure.clear()  # ten minutes later

    got = await owner.get("/api/tokens")
    assert (got.status, got.code, got.json["error"]["field"]) == (403, "not_allowed", "password")
    await owner.post("/api/login", {"password": PASSWORD})
    assert (await owner.get("/api/tokens")).status == 200


async def test_a_changed_password_keeps_this_browser_alone(house: House) -> None:
    here, there, program = await house.owner(), await house.owner("192.168.7.21"), await house.program("read")
    wrong = {"old_password": "not it", "new_password": "a new password"}
    assert (await here.post("/api/change-password", wrong)).status == 401

    body = {"old_password": PASSWORD, "new_password": "a new password"}
    assert (await here.post("/api/change-password", body)).status == 204

    states = [(await each.get("/api/state")).status for each in (here, there, program)]
    assert states == [200, 401, 401]


async def test_forms_sign_in_without_scripts(house: House) -> None:
    browser = house.browser()
    got = await browser.form("/start", {"code": CODE, "password": PASSWORD})
    assert (got.status, got.headers["location"]) == (303, "/")
    assert b"52." in (await browser.get("/", accept="text/html")).body
    other = house.browser()
    got = await other.form("/login", {"password": PASSWORD, "next": "/history?device=1"})
    assert (got.status, got.headers["location"]) == (303, "/history?device=1")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/a//b",
        "/\tx",
        "\\",
        "",
        "/ä",
        "/" + "x" * 600,
    ],
)
async def test_signing_in_leads_to_own_pages_only(house: House, path: str) -> None:
    await house.owner()
    got = await house.browser().form("/login", {"password": PASSWORD, "next": path})

    assert (got.status, got.headers["location"]) == (303, "/")


async def test_a_browser_that_is_not_signed_in_is_shown_the_way(house: House) -> None:
    stranger = house.browser()
    got = await stranger.get("/battery/1", accept="text/html")
    assert (got.status, got.headers["location"]) == (303, "/start")
    await house.owner()
    got = await stranger.get("/battery/1", accept="text/html")
    assert (got.status, got.headers["location"]) == (303, "/login?next=/battery/1")


# Secrets


async def test_no_answer_holds_a_secret(tmp_path: Path) -> None:
    """Twelve secrets are planted; whatever an owner asks for, none of them comes back."""
    planted: dict[str, Any] = {
        "TELEGRAM_BOT_TOKEN": "123456789:AAhushhushhushhushhush0001hush0",
        "OPENAI_API_KEY": "sk-hush0002",
        "ALERT_URLS": "ntfy://hush0003@ntfy.example/hush0004",
        "DEADMAN_URL": "https://hc.example/hush0005",
        "HTTPS_PROXY": "http://hush0006:hush0007@proxy.example:8080",
        "WEB_PASSWORD": "hush0008 and more",
    }
    async with house_in(tmp_path, **planted) as house:
        house.service.state["telegram"]["code"] = "hush0009"
        house.service.state["web"] = {
            "code": "hush0010",
            "link": "http://x/start#hush0011",
            "url": "http://x",
        }
        owner = house.browser()
        assert (await owner.post("/api/login", {"password": planted["WEB_PASSWORD"]})).status == 200
        made = (await owner.post("/api/tokens", {"name": "one", "scope": "read"})).json["access_token"]
        for route in ROUTES:
            if route.method == "GET" and not route.streams:
                got = await owner.ask("GET", filled(route.path))
                for secret in ("hush0", "sk-hush", made, owner.cookie.partition("=")[2]):
                    assert secret.encode() not in got.body, (route.path, secret)
        assert b"hush0" not in (tmp_path / "web.db").read_bytes()
        rows = {row["key"]: row for row in (await owner.get("/api/configs")).json}
        assert (rows["OPENAI_API_KEY"]["set"], "value" in rows["OPENAI_API_KEY"]) == (True, False)


def test_the_address_of_these_tests_is_not_this_machine() -> None:
    """Programs of this machine are not counted, so what is said here of counting is of others."""
    assert not AFAR.startswith("127.")
