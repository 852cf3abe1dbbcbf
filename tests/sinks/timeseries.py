"""Databases of time series as real processes, each with a folder and a port of its own."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.scale import PATIENCE

_INFLUXDB = """
reporting-disabled = true
bind-address = "127.0.0.1:{other}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
auth-enabled = {auth}
[monitor]
store-enabled = false
[subscriber]
enabled = false
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def asked(url: str, body: bytes | None = None, **query: str) -> bytes:
    """What an address answers."""
    with urlopen(f"{url}?{urlencode(query)}", body, timeout=PATIENCE) as answer:
        said: bytes = answer.read()
        return said


class Database:
    """One that runs; ``stop`` and ``start`` are an outage."""

    def __init__(self, name: str, folder: Path, *arguments: str, port: int | None = None, ready: str) -> None:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"needs {name}")
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [found, *(each.format(port=self.port, folder=folder) for each in arguments)]
        self._log, self._ready = folder / f"{name}.log", ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have it answer."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                asked(self.url + self._ready)
            except (URLError, OSError) as error:
                if isinstance(error, HTTPError) and error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                    return  # it asks for a password, or knows no such page
                assert self._process.poll() is None, self._log.read_text(errors="replace")[-2000:]
                assert time.monotonic() < end
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Have it end at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class VictoriaMetrics(Database):
    """Knows PromQL."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            "victoria-metrics",
            folder,
            "-storageDataPath={folder}/vm",
            "-httpListenAddr=127.0.0.1:{port}",
            "-dedup.minScrapeInterval=1ms",
            "-retentionPeriod=5y",
            "-search.latencyOffset=0s",
            ready="/health",
        )

    def points(self, selector: str) -> list[tuple[Mapping[str, str], list[float], list[int]]]:
        """Labels, values and times of all series that it has."""
        asked(self.url + "/internal/force_flush")
        told = asked(self.url + "/api/v1/export", None, **{"match[]": selector, "start": "0"})
        return [
            (one["metric"], one["values"], one["timestamps"])
            for one in map(json.loads, told.splitlines())
            if one
        ]

    def ask(self, query: str, at: float) -> list[Any]:
        """The result of a query."""
        asked(self.url + "/internal/force_flush")
        told = json.loads(asked(self.url + "/api/v1/query", query=query, time=str(at), nocache="1"))
        assert told["status"] == "success", told
        result: list[Any] = told["data"]["result"]
        return result


class InfluxDB(Database):
    """Knows InfluxQL."""

    def __init__(self, folder: Path, *, auth: bool = False) -> None:
        port = free_port()
        text = _INFLUXDB.format(
            folder=folder / "influx", port=port, other=free_port(), auth=str(auth).lower()
        )
        (folder / "influxdb.conf").write_text(text)
        super().__init__("influxd", folder, "-config", "{folder}/influxdb.conf", port=port, ready="/ping")

    def ask(self, query: str, database: str = "bms") -> list[Any]:
        """The series that a query gives."""
        told = json.loads(asked(self.url + "/query", b"", q=query, db=database, epoch="ms"))
        assert "error" not in told["results"][0], told
        series: list[Any] = told["results"][0].get("series", [])
        return series


@contextlib.contextmanager
def running(database: Database) -> Iterator[None]:
    """Have it run in here."""
    try:
        database.start()
        yield
    finally:
        database.stop()
