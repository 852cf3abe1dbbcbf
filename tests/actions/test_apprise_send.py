"""The child that sends: what it says of an address, and what it never says."""

import json
import subprocess
import sys

import pytest

from jk_bms.actions import apprise_send
from tests.actions.http_server import WebService
from tests.e2e.house import TOP

SECRET = "canary-4711"


@pytest.mark.parametrize(
    "url",
    [
        f"nonsense://{SECRET}",
        f"mailto://{SECRET}:{SECRET}@",
        f"{SECRET}",
        f"tgram://{SECRET}/chat",
        f"slack://{SECRET}",
    ],
)
def test_an_address_that_is_no_good_is_refused_without_being_shown(url: str) -> None:
    said = apprise_send.answer({"url": url})

    assert said["refused"] is True
    assert said["error"]
    assert SECRET not in json.dumps(said)


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("failed for user@house.example", "mailto://user@house.example:secret@mail"),
        ("could not load mailto://my word@x", "mailto://my%20word@x"),
        ("no such token 12345:abc+d", "tgram://12345:abc+d/7"),
    ],
)
def test_pieces_of_an_address_are_taken_out_however_they_are_written(said: str, url: str) -> None:
    shown = apprise_send._masked(f"first line\n{said}\n", url)

    assert "***" in shown
    for piece in ("house.example", "my word", "12345"):
        assert piece not in shown


def test_a_good_address_is_only_looked_at_when_there_is_nothing_to_say() -> None:
    with WebService() as web:
        assert apprise_send.answer({"url": f"json://127.0.0.1:{web.port}/{SECRET}"}) == {
            "ok": True,
            "error": "",
        }

    assert web.posted == []


@pytest.mark.parametrize(
    ("severity", "shown"),
    [("info", "info"), ("warning", "warning"), ("critical", "failure"), ("over", "success"), ("?", "info")],
)
def test_a_message_arrives_as_it_is(severity: str, shown: str) -> None:
    """Markup is text, also where a service would read it as markup."""
    with WebService() as web:
        url = f"json://127.0.0.1:{web.port}/{SECRET}"
        said = apprise_send.answer(
            {"url": url, "title": "<b>Main</b>", "body": "1 < 2 & \u2028 🔋", "kind": severity}
        )

    assert said["ok"] is True
    (message,) = web.posted
    assert (message["title"], message["message"], message["type"]) == (
        "<b>Main</b>",
        "1 < 2 & \u2028 🔋",
        shown,
    )


def test_a_service_that_refuses() -> None:
    with WebService() as web:
        web.status = 500
        url = f"json://127.0.0.1:{web.port}/{SECRET}"
        said = apprise_send.answer({"url": url, "title": "t", "body": "b"})

    assert said["ok"] is False
    assert "500" in said["error"]
    assert SECRET not in said["error"]


def test_without_the_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)

    said = apprise_send.answer({"url": "json://x"})

    assert said == {"ok": False, "error": "the package apprise is not installed", "missing": True}


def test_as_a_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "jk_bms.actions.apprise_send"],
        cwd=TOP,
        input=json.dumps({"url": f"nonsense://{SECRET}"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0
    assert json.loads(ended.stdout)["refused"] is True
    assert SECRET not in ended.stdout + ended.stderr
