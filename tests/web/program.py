"""The page as a process."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from tests.bare_environment import bare
from tests.scale import PATIENCE

TOP = Path(__file__).resolve().parents[2]
PASSWORD = "three words of mine"


class Program:
    """A running ``python -m jk_bms.web``; leaving the context ends it."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.log_file = folder / "web.log"
        self.env = (
            bare(
                BMS_SOCKET=str(folder / "s"),
                BMS_DB_PATH=str(folder / "bms.db"),
                DB_PATH=str(folder / "inverter.db"),
                JK_ENV_FILE=os.devnull,
                WEB_PORT="0",
                WEB_BIND="127.0.0.1",
                WEB_PASSWORD=PASSWORD,
                PYTHONUNBUFFERED="1",
            )
            | env
        )
        with self.log_file.open("w") as log:
            command = [sys.executable, "-m", "jk_bms.web", *arguments]
            self.process = subprocess.Popen(command, cwd=TOP, env=self.env, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        """Where it answers, once it does."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"ready: http://[^:\s]+:(\d+)", self.log)):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)
        return int(found[1])

    def end(self) -> tuple[int, float]:
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE), time.monotonic() - began

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        return asked_at(self.port, method, path, body, **headers)


def asked_at(
    port: int, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """What a port of this machine answers: status, headers by lower-case name, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    data = None if body is None else json.dumps(body)
    sent = {"Content-Type": "application/json"} if data else {}
    connection.request(method, path, data, sent | headers)
    answer = connection.getresponse()
    told = {name.lower(): value for name, value in answer.getheaders()}
    try:
        return answer.status, told, answer.read()
    finally:
        connection.close()
