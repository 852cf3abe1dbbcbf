"""digest as a person types it."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.digest.chat_server import ChatServer, choosing, saying
from tests.tool.stored_house import NOW, StoredHouse


def test_yesterday_in_a_few_sentences(house: StoredHouse) -> None:
    done = house.tool("digest", "--date", f"{NOW - timedelta(days=1):%Y-%m-%d}")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Digest of ")
    assert "Lowest charge: " in done.stdout


def test_the_facts_and_the_other_language(house: StoredHouse) -> None:
    day = f"{NOW - timedelta(days=1):%Y-%m-%d}"
    done = house.tool("digest", "--date", day, "--facts", "--language", "uk")

    assert f"Date: {day} (" in done.stdout
    assert "Найнижчий заряд: " in done.stdout


def test_in_the_words_of_a_model(house: StoredHouse) -> None:
    day = NOW - timedelta(days=1)
    with ChatServer() as server:
        server.answers = [choosing("energy", tone="friendly"), saying(f"Digest of {day:%d-%m-%Y}.")]
        with house.env.open("a") as env:
            env.write(f"OPENAI_API_KEY=sk-canary\nOPENAI_BASE_URL={server.url}\nOPENAI_MODEL=mine\n")
        chosen = house.tool("digest", "--date", f"{day:%Y-%m-%d}", "--ai")
        with house.env.open("a") as env:
            env.write("OPENAI_PROMPT=Tell it\n")
        done = house.tool("digest", "--date", f"{day:%Y-%m-%d}", "--ai")

    assert chosen.returncode == 0, chosen.stderr
    assert chosen.stdout.splitlines()[1] == "Hello! This was the day:"
    assert done.returncode == 0, done.stderr
    assert f"Digest of {day:%d-%m-%Y}.\nBy our own count: " in done.stdout
    assert server.requests[0]["model"] == "mine"
    assert "sk-canary" not in chosen.stdout + chosen.stderr + done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--date", "yesterday"], 2, "expected a date"),
        (["--ai"], 2, "OPENAI_API_KEY is not set"),
        (["--date", "2020-01-01"], 3, ""),
        (["--date", "2099-01-01"], 3, ""),
    ],
)
def test_wrong_questions(arguments: list[str], code: int, says: str, house: StoredHouse) -> None:
    done = house.tool("digest", *arguments)

    assert (done.returncode, says in done.stderr) == (code, True)
    assert "Traceback" not in done.stderr


def test_nothing_yet(tmp_path: Path) -> None:
    done = StoredHouse(tmp_path).tool("digest")

    assert (done.returncode, "no such database" in done.stderr) == (1, True)
