"""The port for Home Assistant: who comes that way is signed in there, and nobody else comes that way."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jk_bms.web.values import MOST_AWAY
from tests.e2e.house import until
from tests.web.asking import house_in
from tests.web.program import PASSWORD, Program, asked_at

SAID = re.compile(r"Home Assistant is answered at port (\d+)")
PREFIX = "/api/hassio_ingress/aB3-_x"


class Ways:
    """The page with both ports, without a password unless one is given."""

    def __init__(self, folder: Path, trusted: str, **env: str) -> None:
        self.page = Program(folder, WEB_INGRESS_BIND="127.0.0.1:0", WEB_TRUSTED_PROXIES=trusted, **env)

    @property
    def within(self) -> int:
        """Where Home Assistant is answered."""
        assert self.page.port  # it is ready
        until(lambda: SAID.search(self.page.log))
        return int(SAID.findall(self.page.log)[0])


@pytest.fixture
def ways(tmp_path: Path) -> Iterator[Ways]:
    made = Ways(tmp_path, "127.0.0.1", WEB_PASSWORD="")
    with made.page:
        yield made


def ask(ways: Ways, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
    said = {"X-Ingress-Path": PREFIX, "X-Forwarded-For": "192.168.7.9", "Host": "whatever.example"} | headers
    status, _, told = asked_at(ways.within, method, path, body, **said)
    return status, told.decode()


def test_who_comes_through_home_assistant_is_signed_in_and_no_owner(ways: Ways) -> None:
    status, told = ask(ways, "GET", "/api/session", **{"X-Remote-User-Display-Name": "Olena"})
    assert status == 200
    session = json.loads(told)
    assert (session["scope"], session["name"]) == ("control", "Olena")
    status, told = ask(ways, "GET", "/", Accept="text/html")
    assert status == 200
    assert f'href="{PREFIX}/' in told
    for path in ("/api/configs", "/api/sessions", "/api/tokens"):  # the owner is known at our own port only
        assert ask(ways, "GET", path)[0] == 403, path


def test_what_changes_something_needs_the_mark_of_its_page(ways: Ways) -> None:
    mark = json.loads(ask(ways, "GET", "/api/session")[1])["csrf"]
    same = {"Sec-Fetch-Site": "same-origin"}
    assert ask(ways, "POST", "/api/request/read", {}, **same)[0] == 403
    assert (
        ask(ways, "POST", "/api/request/read", {}, **{"X-CSRF": mark, "Sec-Fetch-Site": "cross-site"})[0]
        == 403
    )
    assert (
        ask(ways, "POST", "/api/request/read", {}, **{"X-CSRF": mark}, **same)[0] == 503
    )  # no battery service here


@pytest.mark.parametrize("said", ["", "//evil.example", "/a/../b", PREFIX])
def test_it_is_not_set_up_or_pushed_by_there_whatever_path_is_said(ways: Ways, said: str) -> None:
    """No session of ours stands behind who comes that way, so that no browser of his could be found again."""
    headers = {
        "X-CSRF": json.loads(ask(ways, "GET", "/api/session")[1])["csrf"],
        "Sec-Fetch-Site": "same-origin",
    }
    for method, path in (
        ("GET", "/start"),
        ("POST", "/api/start"),
        ("GET", "/api/push"),
        ("POST", "/api/push"),
    ):
        assert ask(ways, method, path, {}, **headers, **{"X-Ingress-Path": said})[0] == 404, (method, path)


def test_our_own_port_stays_closed(ways: Ways) -> None:
    """Also to who says that he is Home Assistant."""
    claimed = {"X-Ingress-Path": PREFIX, "X-Remote-User-Name": "owner", "X-Forwarded-For": "192.168.7.9"}
    assert ways.page.ask("GET", "/api/session", **claimed)[0] in (401, 403)
    assert ways.page.ask("GET", "/api/state", **claimed)[0] in (401, 403)


def test_only_whom_the_owner_trusts_comes_in_there(tmp_path: Path) -> None:
    ways = Ways(tmp_path, "172.30.32.2")
    with ways.page:
        for path in ("/", "/api/state", "/api/health", "/login"):
            status, told = ask(ways, "GET", path)
            assert status == 403, (path, told)
        status, headers, _ = ways.page.ask("POST", "/api/login", {"password": PASSWORD})
        assert status == 200
        assert headers["set-cookie"]


async def test_health_is_strict_where_that_is_asked(tmp_path: Path) -> None:
    """A battery service that is away is forgiven for two minutes, and without ``strict`` for ever."""
    async with house_in(tmp_path, WEB_PASSWORD=PASSWORD) as house:
        browser = house.browser()
        for away, status in ((1.0, 200), (MOST_AWAY + 5.0, 503)):
            house.page.house.up = False
            house.page.house.down_since = time.monotonic() - away
            assert (await browser.get("/api/health")).status == 200
            assert (await browser.get("/api/health?strict")).status == status
