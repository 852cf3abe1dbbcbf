"""The child process that makes a digest: JSON in, JSON out, and then it is gone."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.charts.lived_house import PACK, live
from tests.digest.chat_server import ChatServer, choosing, failing, saying
from tests.digest.test_facts import DAY, at
from tests.e2e.house import TOP

KEY = "sk-canary-31337"


def run(request: dict[str, Any] | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jk_bms.digest"],
        cwd=TOP,
        input=request if isinstance(request, str) else json.dumps(request),
        capture_output=True,
        text=True,
        timeout=110,  # the import of openai alone takes seconds on a busy machine
        check=False,
    )


@pytest.fixture(scope="module")
def request_of_day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("house") / "bms.db"
    live(path, at("23:59"), 1.0)
    return {
        "bms_db": str(path),
        "day": DAY.isoformat(),
        "start": at("00:00").isoformat(),
        "end": at("23:59").isoformat(),
        "timezone": "Europe/Kyiv",
        "language": "en",
        "pictures": ["light", "dark"],
        "service": None,
    }


def test_words_and_a_picture(request_of_day: dict[str, Any]) -> None:
    done = run(request_of_day)

    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["text"].startswith("Digest of 10 Dec 2026\n")
    assert (told["by_model"], told["why"]) == (False, "")
    light, dark = (base64.b64decode(told["pictures"][theme]) for theme in ("light", "dark"))
    assert light.startswith(b"\x89PNG")
    assert dark.startswith(b"\x89PNG")
    assert light != dark


def test_the_model_is_asked_and_what_it_may_know(request_of_day: dict[str, Any]) -> None:
    with ChatServer() as server:
        server.answers = [choosing("temperature"), saying("All was well on 10-12-2026.")]
        chosen = run(request_of_day | {"service": {"key": KEY, "url": server.url}})
        done = run(request_of_day | {"service": {"key": KEY, "url": server.url, "prompt": "Tell it"}})

    told = json.loads(chosen.stdout)
    assert told["by_model"] is True
    assert told["text"].startswith("Digest of 10 Dec 2026\nTemperature ")
    told = json.loads(done.stdout)
    assert told["by_model"] is True
    assert told["text"].startswith("All was well on 10-12-2026.\nBy our own count: ")
    sent = json.dumps(server.requests)
    assert KEY not in sent + chosen.stdout + chosen.stderr + done.stdout + done.stderr
    assert PACK not in sent  # nobody outside needs to know the address


def test_a_refused_key_is_told_without_it(request_of_day: dict[str, Any]) -> None:
    with ChatServer() as server:
        server.answers = [failing(401, f"Incorrect API key provided: {KEY}")]
        done = run(request_of_day | {"service": {"key": KEY, "url": server.url}})

    told = json.loads(done.stdout)
    assert (told["by_model"], told["why"]) == (False, "key")
    assert told["text"].endswith("Written without AI: the AI service refused the key.")
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("request_text", ["", "{}", "[1]", '{"language": "xx"}', "null"])
def test_a_request_that_is_none(request_text: str) -> None:
    done = run(request_text)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("digest: ")
    assert len(done.stderr.splitlines()) == 1


def test_no_database(request_of_day: dict[str, Any], tmp_path: Path) -> None:
    done = run(request_of_day | {"bms_db": str(tmp_path / "none.db")})

    assert done.returncode == 1
    assert "no such database" in done.stderr
