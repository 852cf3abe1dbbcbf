"""A house with a past: a registry, settings and a day of history in ``bms.db``."""

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jk_bms.battery.meters import Meters, Totals
from jk_bms.clock import Clock
from jk_bms.store.bms_db import open_writer
from jk_bms.store.columns import BOOT, BY_NAME, FRAMES, OFFSET, TIME, TRUSTED
from jk_bms.store.history import Batch, Counter, Cut, HistoryStore
from tests.bare_environment import bare
from tests.e2e.house import TOP

PACK = "AA:BB:CC:DD:EE:FF"
SECOND = "11:22:33:44:55:66"
REGISTRY = f"{PACK}:\n  alias: shed\n  pin: 048193\n{SECOND}:\n  alias: attic\n"
NOW = datetime.now(UTC).replace(microsecond=0)
HOURS = 30


class StoredHouse:
    """Folder, files and the tool, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir()
        self.bms_db = self.state / "bms.db"
        self.registry = folder / "jk_devices.yaml"
        self.registry.write_text(REGISTRY)
        self.env = folder / "env"
        self.env.write_text(
            f"BMS_DB_PATH=state/bms.db\nJK_DEVICES_FILE={self.registry}\nDB_PATH=inverter.db\nTIMEZONE=Europe/Kyiv\n"
            "TELEGRAM_BOT_TOKEN=12:hunter2\nMYSQL_PASSWORD=hunter2\nBMS_SOCKET=state/s\n"
        )
        self.env.chmod(0o600)

    def live(self) -> None:
        """Have a past: 30 hours at a row a minute, with a gap of two hours, and meters."""
        names = ("voltage", "current", "battery_soc", "cycles", "balancing")
        columns = (TIME, BOOT, OFFSET, TRUSTED, FRAMES, *(BY_NAME[name].id for name in names))
        first = int((NOW - timedelta(hours=HOURS)).timestamp() * 1000)
        rows = [
            (
                first + n * 60_000,
                1,
                0,
                1,
                60,
                52_000 + n % 7,
                round(9000 * math.sin(n / 200)),
                500 + n // 10,
                7,
                100,
            )
            for n in range(HOURS * 60)
            if not 600 <= n < 720
        ]
        meters = Meters()
        meters.preset(Totals(10.0, 8.0, 190.0, 150.0))
        counter = Counter(5, {"meters": meters.state(), "soc": {"kept": True}}, b"begun")
        with open_writer(self.bms_db, Clock()) as own:
            HistoryStore(own).commit(Cut([Batch(PACK, 60_000, columns, rows)], {PACK: counter}))

    def tool(self, *arguments: str | Path, zone: str = "UTC") -> subprocess.CompletedProcess[str]:
        """Run jk-util.py to its end."""
        return subprocess.run(
            [sys.executable, TOP / "jk_bms" / "jk-util.py", *arguments, "--env-file", self.env],
            cwd=self.folder,
            env=bare(TZ=zone),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
