"""What the poller costs to start and to keep: import time, memory, and the tool's ``--help``.

    python bench/footprint.py [--minutes 10]

Times are medians of whole processes started in turns, with and without the time of a bare
``python -c pass``. Memory is that of the real poller while it reads one JK every 0.5 s through
real bleak and a BlueZ of ours, and merges into an inverter database; ``--minutes`` (default 1)
go by before the first look, and as many again before the second. Exits with 1 when a goal is
missed.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import TOP, Sheet, compiled_code, in_turns
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, street
from tests.e2e.house import House, Service

REACH_IMPORT = 1.7  # x the import of bleak and sqlite3
REACH_HELP = 6.0  # x python -c pass
REACH_RSS = 1.25  # x the memory after that import
REACH_GROWTH = 1.0  # %, of memory in the second half; "none" but for the odd page
ROUNDS = 31
FRAME_PERIOD = 0.5  # s
AS_INSTALLED = {"MALLOC_ARENA_MAX": "1"}  # as the unit and the container have it
RECORD_PERIOD = 10.0  # s, of the inverter program

NOTHING = "pass"
BLUEZ = "bleak.backends.bluezdbus.client, bleak.backends.bluezdbus.scanner"
PEER = f"import bleak, sqlite3, {BLUEZ}"
POLLER = f"import jk_bms_service, jk_bms.sources.held, jk_bms.sources.jk, jk_bms.links.jk_gatt, {BLUEZ}"
# what reading a .env and a registry with an entry loads
POLLER_AND_FILES = f"{POLLER}, dotenv, yaml"
MEMORY = "; print(open('/proc/self/status').read())"


def seconds(*arguments: str) -> Callable[[], float]:
    """Return what runs our Python to its end and tells how long that took."""

    def run() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=TOP, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began

    return run


def resident(status: str) -> float:
    """Return the resident memory in MB in the text of a /proc/PID/status."""
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def memory_after(imports: str) -> Callable[[], float]:
    """Return what tells the memory in MB of a process that imported just that."""

    def run() -> float:
        command = [sys.executable, "-c", imports + MEMORY]
        return resident(subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True).stdout)

    return run


def starts(sheet: Sheet) -> None:
    """Measure import and ``--help``."""
    programs = [
        seconds("-c", NOTHING),
        seconds("-c", PEER),
        seconds("-c", POLLER),
        seconds("-c", POLLER_AND_FILES),
        seconds(str(TOP / "jk_bms" / "jk-util.py"), "--help"),
    ]
    in_turns(1, *programs)  # compiles
    medians = [statistics.median(times) for times in in_turns(ROUNDS, *programs)]
    bare, peer, poller, with_files, tool = medians
    ms = [f"{each * 1000:.0f}" for each in medians]
    sheet.figure(
        "import of the poller / of bleak and sqlite3",
        (poller - bare) / (peer - bare),
        most=REACH_IMPORT,
        detail=f"less the {ms[0]} ms of a bare python",
    )
    sheet.figure(
        "  the same, whole processes", poller / peer, most=REACH_IMPORT, detail=f"{ms[2]} / {ms[1]} ms"
    )
    sheet.beside(
        "  with what reads .env and registry",
        (with_files - bare) / (peer - bare),
        f"whole processes {with_files / peer:.2f}, {ms[3]} ms",
    )
    sheet.figure(
        "jk-util.py --help / python -c pass", tool / bare, most=REACH_HELP, detail=f"{ms[4]} / {ms[0]} ms"
    )


def memory(sheet: Sheet, minutes: float) -> None:
    """Measure the streaming poller."""
    alone, after = (
        statistics.median(sizes) for sizes in in_turns(5, memory_after(PEER), memory_after(POLLER))
    )
    scenario = street()
    scenario["devices"][0]["radio"] = {"period": FRAME_PERIOD}
    with BluezBed(scenario) as bed, tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), **bed.env, **AS_INSTALLED)
        house.registry.write_text(f"{JK}:\n  name: pack\n")
        (house.folder / "env").write_text("JK_BMS_POLL_INTERVAL=30\n")
        house.make_inverter_db()
        inverter = subprocess.Popen(
            [
                sys.executable,
                str(TOP / "tests" / "sinks" / "inverter_program.py"),
                str(house.inverter_db),
                str(round(minutes * 120 / RECORD_PERIOD) + 10),
                str(RECORD_PERIOD),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            with house.service() as poller:
                poller.streaming()
                first, frames = later(poller, minutes)
                second, more = later(poller, minutes)
                poller.end()
        finally:
            inverter.kill()
            inverter.wait()
    due = minutes * 60 / FRAME_PERIOD
    if more - frames < 0.9 * due:
        sys.exit(f"footprint: {more - frames} frames in {minutes:g} min, expected {due:g}: not a fair figure")
    sheet.figure(
        f"memory after {minutes:g} min of streaming / after import",
        first / after,
        most=REACH_RSS,
        detail=f"{first:.1f} / {after:.1f} MB, {frames} frames",
    )
    sheet.beside("  / after the import of bleak and sqlite3", first / alone, f"{first:.1f} / {alone:.1f} MB")
    sheet.figure(
        f"growth in the next {minutes:g} min, %",
        100 * (second / first - 1),
        most=REACH_GROWTH,
        detail=f"{1024 * (second - first):+.0f} kB",
    )


def later(poller: Service, minutes: float) -> tuple[float, int]:
    """Return memory in MB and the number of frames after that time."""
    time.sleep(minutes * 60)
    snapshot = poller.snapshot()
    assert snapshot is not None, poller.log
    status = Path(f"/proc/{poller.process.pid}/status").read_text()
    return resident(status), snapshot["devices"][0]["link"]["frames"]


def main() -> int:
    """Measure all; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--minutes", type=float, default=1.0, help="of streaming, and of growth after it")
    options = arguments.parse_args()
    sheet = Sheet()
    with compiled_code():
        starts(sheet)
        memory(sheet, options.minutes)
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
