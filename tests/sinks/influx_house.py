"""A house whose values go to a database of time series: history of its own, a sink, a clock that is believed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jk_bms.clock import Clock, boot_id
from jk_bms.config.settings import load_settings
from jk_bms.hub import PartContext
from jk_bms.model import Device, Sample
from jk_bms.model.snapshot import Snapshot
from jk_bms.sinks.influx import STATE, Influx
from jk_bms.store.bms_db import open_writer
from jk_bms.store.columns import BOOT, BY_NAME, FRAMES, OFFSET, TIME, TRUSTED
from jk_bms.store.history import Batch, ClockSet, Cut, HistoryStore
from jk_bms.store.states import write_states
from tests.scale import PATIENCE

PACK = Device(address="AA:BB:CC:DD:EE:FF", name="Дім, = 1", number=1)
PERIOD = 5000  # ms
NAMES = (
    "voltage",
    "current",
    "power",
    "battery_soc",
    "charged_kwh",
    "discharged_kwh",
    "cell_1",
    "cell_2",
    "balancing",
)
COLUMNS = (TIME, BOOT, OFFSET, TRUSTED, FRAMES, *(BY_NAME[name].id for name in NAMES))


class OldBoot(Clock):
    """A machine that has run for days: its clock counts, whatever time server there is."""

    ahead = 0.0  # s that went by at once

    def monotonic(self) -> float:
        return super().monotonic() + 10 * 86400 + self.ahead

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead)


class House:
    """``now``: ms since 1970 when it was made."""

    def __init__(self, folder: Path, port: int, **settings: str) -> None:
        given = {"BMS_DB_PATH": str(folder / "bms.db"), "BMS_SOCKET": str(folder / "s")}
        given |= {"INFLUXDB_HOST": f"127.0.0.1:{port}", "INFLUXDB_TIMEOUT": "5"}
        self.settings = load_settings(given | settings, top=folder)
        self.clock = OldBoot()
        self.own = open_writer(self.settings.bms_db_path, self.clock)
        self.store = HistoryStore(self.own)
        self.now = int(self.clock.now().timestamp() * 1000)
        self.offset = self.now - round(self.clock.monotonic() * 1000)
        self.snapshot = Snapshot()
        self.sink = self.new_sink()

    def new_sink(self) -> Influx:
        """The sink of a run that begins."""
        sink = Influx(
            PartContext(
                settings=self.settings,
                clock=self.clock,
                publish=lambda _: None,
                in_writer=None,  # type: ignore[arg-type]
                label=lambda address: PACK.name if address == PACK.address else address,
                waiting=list,
                trouble=str,
                snapshot=lambda: self.snapshot,
            )
        )
        sink.open(self.own)
        return sink

    def remember(self, first: int, count: int, track: str = PACK.address) -> list[int]:
        """Put ``count`` rows from ``first`` ms on into history; return their times."""
        times = list(range(first - first % PERIOD, first - first % PERIOD + count * PERIOD, PERIOD))

        def values(n: int) -> tuple[int, ...]:
            cells = 3300 + n % 50, 3310 + n % 40
            return (
                52_000 + n % 1000,
                n % 200_000 - 100_000,
                n % 3000 - 1500,
                n % 1000,
                n,
                n // 2,
                *cells,
                100 * (n % 2),
            )

        rows = [(time, 1, self.offset, 1, 5, *values(n)) for n, time in enumerate(times)]
        begun = ClockSet(1, boot_id(), times[0] - self.offset, self.offset)
        self.store.commit(Cut([begun, Batch(track, PERIOD, COLUMNS, rows)], {}, prune=False))
        return times

    def arrived_until(self, time: int) -> None:
        """Have all before ``time`` ms count as arrived."""
        write_states(self.own, {STATE: {PACK.address: [boot_id(), time - self.offset, time]}})

    def keep(self) -> None:
        """What the poller does once a minute."""
        write_states(self.own, self.sink.states())

    def sample(self, **values: Any) -> Sample:
        """A sample of now."""
        told: dict[str, Any] = {"voltage": 52.8, "current": -3.25, "cell_voltages": (3.301, 3.299)} | values
        return Sample(device=PACK, taken_at=self.clock.now(), monotonic=self.clock.monotonic(), **told)

    async def until(self, true: Callable[[], object], *, sampling: bool = True) -> None:
        """Run the sink until something is so; a sample arrives twenty times a second meanwhile."""
        running = asyncio.create_task(self.sink.run())
        try:
            async with asyncio.timeout(PATIENCE):
                while not true():
                    if running.done():
                        running.result()
                    if sampling:
                        self.sink.accept(self.sample())
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def utc(time: int) -> datetime:
    """A time in ms."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)
