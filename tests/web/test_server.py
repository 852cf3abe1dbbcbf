"""The page as a process: start, end, limits of connections; and its API judged by its own document."""

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jk_bms.web.openapi import document
from jk_bms.web.server import sockets_for
from jk_bms.web.table import ROUTES
from tests.scale import PATIENCE, scaled
from tests.web.program import PASSWORD, TOP, Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with Program(tmp_path) as made:
        yield made


def test_it_serves_and_ends_in_order(program: Program) -> None:
    """Without the battery service it serves as well, with an open page it ends as soon."""
    status, headers, body = program.ask("GET", "/api/health")
    assert (status, json.loads(body)["status"]) == (200, "degraded")
    assert "server" not in headers
    token = json.loads(
        program.ask("POST", "/api/login", {"password": PASSWORD, "token": {"name": "a", "scope": "read"}})[2]
    )
    with socket.create_connection(("127.0.0.1", program.port), PATIENCE) as stream:
        head = f"GET /api/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token['access_token']}\r\n\r\n"
        stream.sendall(head.encode())
        came = b""
        while b"event: state" not in came:
            came += stream.recv(65536)
        code, seconds = program.end()

    assert (code, seconds < 4) == (0, True), program.log
    assert "Traceback" not in program.log
    assert PASSWORD not in program.log


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with Program(tmp_path, WEB_PORT=str(port)) as program:
            assert program.process.wait(PATIENCE) == 75
            assert f"port {port} is in use by another program" in program.log
            assert "Traceback" not in program.log


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"WEB_PORT": "99999"}, "settings: WEB_PORT='99999'"),
        ({"WEB_PASSWORD": "short"}, "settings: WEB_PASSWORD='***'"),
        ({"WEB_BIND": "192.0.2.1"}, "this machine has no such address"),
        ({"WEB_HOSTS": "http://x"}, "is no name of a host"),
    ],
)
def test_a_setting_that_cannot_be(tmp_path: Path, env: dict[str, str], said: str) -> None:
    with Program(tmp_path, **env) as program:
        assert program.process.wait(PATIENCE) == 78
        assert said in program.log
        assert "short" not in program.log.replace("WEB_PASSWORD", "")


def test_a_database_of_another_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "web.db").write_bytes(b"of another program" * 100)
    with Program(tmp_path) as program:
        assert program.process.wait(PATIENCE) == 78

    assert (tmp_path / "web.db").read_bytes() == b"of another program" * 100


POST = b"POST /api/login HTTP/1.1\r\nHost: localhost\r\n"
RAW: dict[str, tuple[bytes, bytes]] = {
    # what is sent: (bytes, what the first line of the answer holds)
    "no HTTP": (b"hello\r\n\r\n", b" 400 "),
    "a header without end": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40000, b" 431 "),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", b" 400 "),
    "a header that came at once": (
        b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"z" * 20000 + b"\r\n\r\n",
        b" 431 ",
    ),
    "length and chunks": (
        b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b" 400 ",
    ),
    "two hosts": (b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b" 4"),
    "another site's target": (b"GET http://evil.example/api/health HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 404 "),
    "no host": (b"GET /api/health HTTP/1.1\r\n\r\n", b" 400 "),
    "no host, old": (b"GET /api/health HTTP/1.0\r\n\r\n", b" 421 "),
}  # fmt: skip


def test_what_is_no_good_request(program: Program) -> None:
    port = program.port
    for name, (sent, expected) in RAW.items():
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            connection.sendall(sent)
            line = connection.makefile("rb").readline()
        assert expected in line, (name, line)
    assert program.ask("GET", "/api/health")[0] == 200
    assert "Traceback" not in program.log


def test_one_that_says_nothing_is_let_go(program: Program) -> None:
    """A header must come within ten seconds; a connection that is closed is no burden."""
    with socket.create_connection(("127.0.0.1", program.port), PATIENCE) as slow:
        slow.sendall(b"GET / HT")
        began = time.monotonic()
        answer = slow.makefile("rb").read()

    assert b" 408 " in answer.splitlines()[0]
    assert time.monotonic() - began > 5


def test_no_more_connections_than_there_is_room_for(program: Program) -> None:
    port = program.port
    opened = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(256)]
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as one_more:
            assert b" 503 " in one_more.makefile("rb").readline()
    finally:
        for connection in opened:
            connection.close()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if program.ask("GET", "/api/health")[0] == 200:
                break
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    else:
        pytest.fail("it answers no more")


def test_what_is_imported() -> None:
    """A small machine pays for each: nothing of the radio, of Telegram, of pictures, no second way to say types."""
    never = ("bleak", "aiogram", "openai", "PIL", "pydantic", "cryptography", "aiohttp")
    code = f"import sys, jk_bms.web.service; print(*(name for name in {never} if name in sys.modules))"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True, timeout=PATIENCE
    )

    assert told.stdout.split() == []


# The document


def test_the_document_tells_of_every_route() -> None:
    told = document(ROUTES)
    listed = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}

    assert listed == {
        (route.method, route.path)
        for route in ROUTES
        if not route.form and not route.kind.startswith("text/html")
    }
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            assert {"421", "500"} <= operation["responses"].keys(), (method, path)
            in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path))


# Not "not_a_server_error": no battery service runs here, and 503 is what is to be said of that.
CHECKS = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")


def test_the_api_does_what_its_document_says(program: Program) -> None:
    """Schemathesis asks as it likes, signed in and not: no bug, no answer that the document does not know."""
    login = {"password": PASSWORD, "token": {"name": "judge", "scope": "control"}}
    token = json.loads(program.ask("POST", "/api/login", login)[2])["access_token"]
    for header in ([], ["--header", f"Authorization: Bearer {token}"]):
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")), "run",
                f"http://127.0.0.1:{program.port}/api/openapi.json",
                "--checks", ",".join(CHECKS),
                "--max-examples", str(scaled(200)), "--phases", "examples,fuzzing", "--workers", "1",
                "--exclude-path", "/api/live", "--exclude-path", "/api/login", "--exclude-path", "/api/start",
                "--exclude-path", "/api/join", "--no-color", "--generation-deterministic", *header,
            ],
            cwd=program.log_file.parent, capture_output=True, text=True, timeout=30 * PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
    assert "a request failed" not in program.log  # what is said to be 500
    assert "Traceback" not in program.log


def test_an_answer_is_sent_at_once() -> None:
    """Without the protocol's name asyncio leaves Nagle's algorithm on: 40 ms for each answer on a kept connection."""
    [listener] = sockets_for("127.0.0.1", 0)
    with listener:
        assert listener.proto == socket.IPPROTO_TCP
