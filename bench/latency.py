"""How long a value takes from the air to whoever listens to the poller's socket.

    python bench/latency.py [--frames 200] [--period 0.2]

From the moment at which BlueZ (one of ours, in a process of its own) notifies the last chunk of
a cell-info frame to the moment at which a subscriber, in this process, has the sample that came
of it: D-Bus, bleak, assembler, decoder, hub, socket and JSON lie between. The real poller merges
into the database of an inverter program meanwhile. All processes of a machine share the monotonic
clock. Exits with 1 when the goal is missed.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from jk_bms.live.messages import SampleTold

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import TOP, Sheet, compiled_code
from jk_bms.live.client import LiveClient
from jk_bms.protocol import FrameAssembler, FrameKind
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, street
from tests.e2e.house import House

REACH = 50.0  # ms, 95 of 100
RECORD_PERIOD = 1.0  # s, of the inverter program: ten times as often as it does


def frame_ends(notified: Sequence[tuple[float, str]]) -> list[float]:
    """Return when the last chunk of each cell-info frame was notified."""
    assembler = FrameAssembler()
    return [
        at
        for at, chunk in notified
        for frame in assembler.feed(bytes.fromhex(chunk))
        if frame.kind is FrameKind.CELL_INFO
    ]


def delays(ends: Sequence[float], samples: Sequence[tuple[float, float]]) -> list[float]:
    """Return the delay in ms of each sample, given as (decoded, received) in s.

    The first sample is that of the newest frame before it was decoded; from there on they are
    counted, so that a sample left out or late by a frame shows as a long delay.
    """
    decoded, _ = samples[0]
    first = sum(end <= decoded for end in ends) - 1
    paired = zip(ends[first:], samples, strict=False)
    return [1000 * (received - end) for end, (_, received) in paired]


def measure(frames: int, period: float) -> list[float]:
    """Return the delays in ms of that many frames."""
    scenario = street()
    scenario["devices"][0]["radio"] = {"period": period}
    with BluezBed(scenario) as bed, tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), **bed.env, JK_BMS_POLL_INTERVAL="1")
        house.registry.write_text(f"{JK}:\n  name: pack\n")
        house.make_inverter_db()
        inverter = subprocess.Popen(
            [
                sys.executable,
                str(TOP / "tests" / "sinks" / "inverter_program.py"),
                str(house.inverter_db),
                str(round(frames * period / RECORD_PERIOD) + 30),
                str(RECORD_PERIOD),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            with house.service() as poller:
                poller.streaming()
                with LiveClient(Path(house.env["BMS_SOCKET"])) as client:
                    samples = [
                        (told.reading.monotonic or 0.0, received)
                        for told, received in islice(
                            (
                                (told, time.monotonic())
                                for told in client.subscribe()
                                if isinstance(told, SampleTold)
                            ),
                            frames,
                        )
                    ]
                ends = frame_ends(bed.control("notified"))
                poller.end()
        finally:
            inverter.kill()
            inverter.wait()
    found = delays(ends, samples)
    if len(found) < frames or min(found) < 0:
        sys.exit(f"latency: {len(found)} of {frames} samples found in the air: not a fair figure")
    return found


def main() -> int:
    """Measure, print, return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--frames", type=int, default=200)
    arguments.add_argument("--period", type=float, default=0.2, help="s between two frames")
    options = arguments.parse_args()
    sheet = Sheet()
    with compiled_code():
        found = measure(options.frames, options.period)
    cuts = statistics.quantiles(found, n=20)
    detail = f"{len(found)} frames, one every {options.period:g} s"
    sheet.figure("notification to subscriber, ms: 95 of 100", cuts[-1], most=REACH, digits=1, detail=detail)
    sheet.beside("  median", statistics.median(found), digits=1)
    sheet.beside("  longest", max(found), digits=1)
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
