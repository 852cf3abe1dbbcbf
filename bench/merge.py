"""What a merge costs: beside a plain UPDATE, and beside an inverter program that writes a lot.

    python bench/merge.py [--seconds 20] [--folder DIR]

Three figures, each from one run: the time of a merge (lock, read, rules, update, commit) over
that of a single UPDATE of the same record with the same text and the same durability; lock
errors of either side beside a writer of 50 records a second; and how many good records had
battery values within 2 s. Exits with 1 when one of them is missed.
"""

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import TOP, Sheet
from jk_bms.clock import Clock
from jk_bms.model import Device, Sample
from jk_bms.sinks.inverter_db import InverterDbSink, MergeOptions
from jk_bms.store.readings import Readings

REACH_RATIO = 1.5
ROWS_PER_SECOND = 50
PAIRS = 400
TABLE = "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, payload TEXT, error TEXT)"
# A record as the inverter program writes it.
INVERTER = {
    "grid_voltage": "230.1",
    "grid_power": "412",
    "grid_current": "1.79",
    "ac_output_voltage": "230.0",
    "ac_output_freq": "50.00",
    "ac_output_power": "380",
    "ac_output_current": "1.7",
    "battery_voltage": "52.6",
    "battery_current": "-5.2",
    "battery_power": "-274",
    "battery_soc": "85",
    "temperature": "18",
    "battery_charge_power": "32",
    "pv_input_voltage": "101.5",
    "pv_input_power": "640",
    "pv_input_current": "6.3",
    "status_text": "SUB",
}
DEVICE = Device(address="AA:BB:CC:DD:EE:FF", name="JK-B2A24S")


class StandingClock(Clock):
    """Stands while a sample is merged, so that both sides of a pair write at the same time of day."""

    def __init__(self, step: float = 30.0) -> None:
        super().__init__()
        self.steps = 0
        self._step = step  # s

    def monotonic(self) -> float:
        """By default a poll interval later with each step."""
        return 1000.0 + self._step * self.steps

    def now(self) -> datetime:
        """A time that goes with it, near the record's."""
        return datetime(2026, 12, 1, 10, tzinfo=UTC) + timedelta(seconds=self.steps % 60)


def sample(clock: Clock, step: int) -> Sample:
    """A sample that differs from the one before."""
    return Sample(
        device=DEVICE,
        taken_at=clock.now(),
        monotonic=clock.monotonic(),
        voltage=52.5 + step % 10 / 10,
        current=-5.0 - step % 7 / 10,
        soc=84,
        soc_curve=49.2,
        battery_soc=84,
        battery_soc_source="bms",
        temperatures=(18.5, 17.9),
        cell_voltages=tuple(3.28 + (cell + step) % 9 / 1000 for cell in range(16)),
    )


def paired(folder: Path, mode: str) -> tuple[float, float]:
    """Return the median time in s of a merge and of a plain UPDATE, taken in turns."""
    path = folder / f"paired-{mode}.db"
    plain = sqlite3.connect(path, isolation_level=None)
    plain.execute(f"PRAGMA journal_mode = {mode}")
    plain.execute(TABLE)
    plain.execute(
        "INSERT INTO readings (created_at, payload) VALUES ('2026-12-01T12:00:30+02:00', ?)",
        (json.dumps(INVERTER),),
    )
    clock = StandingClock()
    sink = InverterDbSink(Readings(path), clock, MergeOptions())
    look = sqlite3.connect(
        path, isolation_level=None
    )  # so that neither side of a pair has read the record before
    merges, updates = [], []
    for step in range(PAIRS):
        clock.steps = step
        sink.accept(sample(clock, step))
        due = sink.take_due()
        began = time.perf_counter()
        sink.look(due)
        merges.append(time.perf_counter() - began)

        text = look.execute("SELECT payload FROM readings WHERE id = 1").fetchone()[0]
        other = text.replace('"SUB"', '"sub"') if step % 2 else text.replace('"sub"', '"SUB"')
        began = time.perf_counter()
        plain.execute("UPDATE readings SET payload = ? WHERE id = 1", (other,))
        updates.append(time.perf_counter() - began)
    assert sink.merged == PAIRS
    plain.close()
    look.close()
    return statistics.median(merges), statistics.median(updates)


def beside_a_writer(folder: Path, seconds: float) -> tuple[dict[str, int], int, int]:
    """Return what the writer saw, the merges and the failures of the sink beside it."""
    path = folder / "beside.db"
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)
    connection.close()
    clock = Clock()
    sink = InverterDbSink(Readings(path), clock, MergeOptions())
    step = 0
    sink.accept(sample(clock, step))
    writer = subprocess.Popen(
        [
            sys.executable,
            str(TOP / "tests" / "sinks" / "inverter_program.py"),
            str(path),
            str(round(seconds * ROWS_PER_SECOND)),
            str(1 / ROWS_PER_SECOND),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    while writer.poll() is None:  # the default watch: one look a second
        step += 1
        sink.accept(sample(clock, step))
        sink.look(sink.take_due())
        time.sleep(1.0)
    return json.loads(writer.communicate()[0]), sink.merged, sink.failures


def main() -> int:
    """Run all; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--seconds", type=float, default=20.0, help="of the run beside a writer")
    arguments.add_argument(
        "--folder", type=Path, help="where the databases are made (default: a temporary one)"
    )
    options = arguments.parse_args()
    sheet = Sheet()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        merge, update = paired(folder, "delete")  # as the inverter program leaves it
        times = f"{merge * 1000:.2f} / {update * 1000:.2f} ms"
        sheet.figure("merge / UPDATE, rollback journal", merge / update, most=REACH_RATIO, detail=times)
        merge, update = paired(folder, "wal")
        times = f"{merge * 1000:.2f} / {update * 1000:.2f} ms"
        sheet.beside("merge / UPDATE, WAL", merge / update, times)
        seen, merged, failures = beside_a_writer(folder, options.seconds)
    beside = f"beside {ROWS_PER_SECOND} records/s"
    sheet.figure(f"lock errors of the writer, {beside}", seen["locked"], most=0, digits=0)
    sheet.figure(f"failures of the poller, {beside}", failures, most=0, digits=0)
    late = 100 * seen["late"] / seen["good"]
    detail = f"of {seen['good']} good records, {merged} merges"
    sheet.figure("good records without values after 2 s, %", late, most=0, detail=detail)
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
