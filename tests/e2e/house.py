"""A house to start programs in: folders, settings, the service and the tool as processes."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Self, TypeVar

from jk_bms.live.client import LiveClient
from tests.scale import PATIENCE

TOP = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def until(what: Callable[[], T | None], limit: float = PATIENCE) -> T:
    """Return the first true result of ``what``; fail after ``limit`` s."""
    deadline = time.monotonic() + limit
    while not (result := what()):
        assert time.monotonic() < deadline, f"did not happen within {limit:g} s: {what}"
        time.sleep(0.02)
    return result


class House:
    """A folder with databases and settings. ``env`` is given to every program started here."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.inverter_db = folder / "inverter.db"
        self.bms_db = folder / "bms.db"
        self.registry = folder / "jk_devices.yaml"
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("JK_", "BMS_", "DB_", "NOTIFY_", "WATCHDOG_", "DBUS_"))
        }
        self.env = kept | {
            "DB_PATH": str(self.inverter_db),
            "BMS_DB_PATH": str(self.bms_db),
            "BMS_SOCKET": str(folder / "s"),
            "JK_DEVICES_FILE": str(self.registry),
            "JK_ENV_FILE": str(folder / "env"),
            "WEB_PORT": "0",
            **env,
        }
        (folder / "env").touch()

    def tool(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run jk-util.py to its end."""
        return subprocess.run(
            [sys.executable, TOP / "jk_bms" / "jk-util.py", *arguments],
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def service(self, *arguments: str, **env: str) -> "Service":
        """Start the poller."""
        return Service(self, arguments, env)

    def make_inverter_db(self) -> None:
        """Create the foreign database as the inverter program does."""
        with closing(sqlite3.connect(self.inverter_db)) as connection:
            connection.execute(
                "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, "
                "payload TEXT, error TEXT)"
            )

    def rows(self) -> list[tuple[int, dict[str, Any] | None]]:
        """Return id and payload of every record."""
        if not self.inverter_db.exists():
            return []
        with closing(sqlite3.connect(self.inverter_db, timeout=5)) as connection:
            try:
                rows = connection.execute("SELECT id, payload FROM readings ORDER BY id").fetchall()
            except sqlite3.OperationalError:  # no table yet
                return []
        return [(row, json.loads(payload) if payload else None) for row, payload in rows]

    def merged(self) -> list[dict[str, Any]]:
        """Return the payloads that carry battery values."""
        return [payload for _, payload in self.rows() if payload and "bms_cell_count" in payload]

    def events(self) -> list[str]:
        """Return the kinds of all events in bms.db."""
        with closing(sqlite3.connect(f"file:{self.bms_db}?mode=ro", uri=True)) as connection:
            return [kind for (kind,) in connection.execute("SELECT kind FROM events ORDER BY id")]


class Service:
    """A running poller. Leaving the context ends it if the test did not."""

    def __init__(self, house: House, arguments: tuple[str, ...], env: dict[str, str]) -> None:
        self.house = house
        self.log_file = house.folder / f"service-{time.monotonic_ns()}.log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, TOP / "jk_bms_service.py", *arguments],
                cwd=house.folder,
                env=house.env | env,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        """What it printed so far."""
        return self.log_file.read_text(encoding="utf-8")

    def wait(self, limit: float = PATIENCE) -> int:
        """Return the exit code once it ended by itself."""
        return self.process.wait(limit)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to end; return exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(PATIENCE), time.monotonic() - began

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()

    def snapshot(self) -> dict[str, Any] | None:
        """Return what it says of itself; None while it does not listen."""
        path = Path(self.house.env["BMS_SOCKET"])
        if not path.exists():
            return None
        try:
            with LiveClient(path) as client:
                return client.plain_snapshot()
        except Exception:
            return None

    def streaming(self, packs: int = 1) -> dict[str, Any]:
        """Wait until so many packs are read; return the snapshot."""

        def ready() -> dict[str, Any] | None:
            assert self.process.poll() is None, self.log
            snapshot = self.snapshot()
            if snapshot is None:
                return None
            read = [device for device in snapshot["devices"] if device.get("reading")]
            return snapshot if len(read) >= packs else None

        return until(ready)


class NotifySocket:
    """What systemd would hear."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def hear(self, beginning: str) -> str:
        """Return the next message that begins so."""
        while not (message := self._socket.recv(4096).decode()).startswith(beginning):
            pass
        return message
