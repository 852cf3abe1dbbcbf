"""The bot as a process of its own, as systemd starts it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.bare_environment import KEPT
from tests.bot.telegram_server import OWNER, TOKEN, TelegramServer
from tests.scale import PATIENCE

TOP = Path(__file__).resolve().parents[2]


class BotProgram:
    """A running ``telegram_bot.py``; leaving the context ends it if the test did not."""

    def __init__(self, folder: Path, telegram: TelegramServer, *arguments: str, **env: str) -> None:
        self.log_file = folder / f"bot-{time.monotonic_ns()}.log"
        clean = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", *KEPT)}
        self.env = clean | {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": telegram.url,
            "TELEGRAM_CHAT_ID": str(OWNER),
            "BMS_SOCKET": str(folder / "s"),
            "BMS_DB_PATH": str(folder / "bms.db"),
            "BOT_DB_PATH": str(folder / "bot.db"),
            "JK_DEVICES_FILE": str(folder / "jk_devices.yaml"),
            "JK_ENV_FILE": os.devnull,
            "PYTHONUNBUFFERED": "1",
            **env,
        }
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, TOP / "telegram_bot.py", *arguments],
                cwd=folder,
                env=self.env,
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

    @property
    def memory(self) -> float:
        """What it holds in memory now (RSS), in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

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
