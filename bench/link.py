"""What it costs to hold the link to a battery, beside a client that only counts its bytes.

    python bench/link.py [--seconds 15] [--period 0.1]

Processes in turns, each on the same D-Bus with the same simulated battery behind the same BlueZ
(one of ours, in a process of its own): our source, which assembles, decodes, judges silence and
publishes samples to nobody; and a bare bleak client that adds up the lengths of the notifications. A
third, for comparison, is that client with assembler and decoder in its callback: what the content
alone costs. CPU time of the process while it streams, per frame; judged with notifications of 128
bytes, shown with other sizes besides. Then the commands that a held link takes in a simulated day,
and the ages of eight packs on three connections. Exits with 1 when a goal is missed.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import TOP, Sheet, compiled_code, median_ratio
from jk_bms.model import Device, Sample
from jk_bms.simulator.radio import FRAGMENTS
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK, street

ROUNDS, ROUNDS_BESIDE = 5, 3
WARM = 2.0  # s before the measurement
MOST = 1.3
MOST_COMMANDS = 24
OLDEST = 90.0  # s, 99 of 100 looks


async def bare(seconds: float, *, decoding: bool = False) -> tuple[float, int]:
    """Return CPU seconds and bytes of a client that only counts, or decodes besides."""
    from bleak import BleakClient, BleakScanner

    from jk_bms.links.jk_gatt import choose_characteristics
    from jk_bms.protocol import CellInfo, FrameAssembler, Variant, decode, to_sample
    from jk_bms.protocol.commands import READ_DEVICE_INFO, READ_SETTINGS

    count = 0
    assembler, ours = FrameAssembler(), Device(address=JK)
    variant: Variant | None = None

    def on_chunk(_: object, chunk: bytearray) -> None:
        nonlocal count, variant
        count += len(chunk)
        if not decoding:
            return
        for frame in assembler.feed(bytes(chunk)):
            message = decode(frame, variant)
            if isinstance(message, CellInfo):
                variant = message.variant
                to_sample(message, device=ours, taken_at=datetime.now(UTC), monotonic=time.monotonic())

    device = await BleakScanner.find_device_by_address(JK)
    assert device is not None
    async with BleakClient(device) as client:
        listen, command = choose_characteristics(JK, client.services)
        await client.start_notify(listen, on_chunk)
        for ask in (READ_DEVICE_INFO, READ_SETTINGS):
            await client.write_gatt_char(command, ask, response=False)
            await asyncio.sleep(0.2)
        await asyncio.sleep(WARM)
        began, before = time.process_time(), count
        await asyncio.sleep(seconds)
        return time.process_time() - began, count - before


async def decoding(seconds: float) -> tuple[float, int]:
    """Return CPU seconds and bytes of the bare client that decodes in its callback."""
    return await bare(seconds, decoding=True)


async def ours(seconds: float) -> tuple[float, int]:
    """Return CPU seconds and samples of our source."""
    from jk_bms.config.devices import Entry
    from jk_bms.sources import SourceContext, build

    samples: list[float] = []

    def publish(sample: Sample) -> None:
        samples.append(sample.monotonic)

    source = build(Entry(address=JK), SourceContext(publish=publish))
    task = asyncio.create_task(source.run())
    while not samples:
        await asyncio.sleep(0.1)
    await asyncio.sleep(WARM)
    began, before = time.process_time(), len(samples)
    await asyncio.sleep(seconds)
    taken, count = time.process_time() - began, len(samples) - before
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return taken, count


SIDES = {"ours": ours, "bare": bare, "decoding": decoding}


def streamed(what: str, seconds: float, env: dict[str, str]) -> tuple[float, int]:
    """Return what ``what`` measured in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--only", what, "--seconds", str(seconds)],
        cwd=TOP,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    taken, count = json.loads(done.stdout)
    return taken, count


def cpu(sheet: Sheet, seconds: float, period: float) -> None:
    """Measure all sides in turns; then two of them with other sizes of notifications."""
    took = in_the_air(tuple(SIDES), seconds, period, ROUNDS)
    micros = [f"{statistics.median(times) * 1e6:.0f}" for times in took.values()]
    sheet.figure(
        "held link / bare bleak client, CPU per frame",
        median_ratio(took["ours"], took["bare"]),
        most=MOST,
        detail=f"{micros[0]} / {micros[1]} us",
    )
    sheet.beside(
        "  of a bare client that decodes in its callback",
        median_ratio(took["decoding"], took["bare"]),
        f"{micros[2]} us",
    )
    share = statistics.median(took["ours"]) / 0.5 * 100
    sheet.beside("  of one core, with two frames a second, %", share)
    for sizes, words in (("20", "fifteen of 20 bytes: no MTU agreed"), ("150", "two of 150 bytes")):
        took = in_the_air(("ours", "bare"), seconds, period, ROUNDS_BESIDE, FRAGMENTS[sizes])
        micros = [f"{statistics.median(times) * 1e6:.0f}" for times in took.values()]
        ratio = median_ratio(took["ours"], took["bare"])
        sheet.beside(f"  a frame in {words}", ratio, " / ".join(micros) + " us")


def in_the_air(
    sides: Sequence[str],
    seconds: float,
    period: float,
    rounds: int,
    fragment: Sequence[int] = FRAGMENTS["128"],
) -> dict[str, list[float]]:
    """Return the CPU seconds per frame of each side and round."""
    scenario = street()
    scenario["devices"][0]["radio"] = {"period": period, "fragment": list(fragment)}
    frames = seconds / period
    took: dict[str, list[float]] = {side: [] for side in sides}
    with BluezBed(scenario) as bed:
        for _ in range(rounds):
            for what, times in took.items():
                taken, count = streamed(what, seconds, bed.env)
                enough = count if what == "ours" else count / 300
                if enough < 0.9 * frames:
                    sys.exit(
                        f"link: {enough:.0f} frames in {seconds:g} s, expected {frames:.0f}: not a fair figure"
                    )
                times.append(taken / enough)
    return took


def quiet(sheet: Sheet) -> None:
    """Count the commands of a day on a held link with a pause of the stream each half hour."""
    from jk_bms.links.simulated import simulated_link
    from jk_bms.sources.base import SourceContext
    from jk_bms.sources.held import HeldSource
    from jk_bms.sources.jk import JkSessions
    from tests.fast_loop import simulate

    async def day(pauses: int) -> int:
        link = simulated_link({"period": "2", "start": "10:00"})
        source = HeldSource(Device(address=JK), link, JkSessions(), SourceContext())
        task = asyncio.create_task(source.run())
        for _ in range(max(1, pauses)):
            await asyncio.sleep(86_400 / max(1, pauses) - 9)
            link.radio.faults.stop_after = 0 if pauses else None
            await asyncio.sleep(9)  # longer than silence is borne: the BMS is asked
            link.radio.faults.stop_after = None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return source.status.commands

    sheet.figure("commands in a day on a held link", simulate(day(0)), most=MOST_COMMANDS, digits=0)
    sheet.beside("  with 15 pauses of the stream", simulate(day(15)), digits=0)


def slots(sheet: Sheet) -> None:
    """Simulate eight packs on three connections for twelve hours."""
    from tests.fast_loop import percentile
    from tests.links.test_slots import HOUR, Air, dead, well

    ages = Air(3, [well] * 8).run(12 * HOUR)
    sheet.figure(
        "age of 8 packs on 3 connections, s: 99 of 100",
        percentile(ages, 0.99),
        most=OLDEST,
        digits=0,
        detail=f"median {percentile(ages, 0.5):.0f}, 95 of 100 {percentile(ages, 0.95):.0f}",
    )
    ages = Air(3, [dead] * 3 + [well] * 5).run(12 * HOUR)
    sheet.beside("  the five that live, beside three that are dead", percentile(ages, 0.99), digits=0)


def main() -> int:
    """Measure, print, return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--seconds", type=float, default=15.0, help="of streaming, each time")
    arguments.add_argument("--period", type=float, default=0.1, help="s between two frames")
    arguments.add_argument("--only", choices=tuple(SIDES), help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.only:
        print(json.dumps(asyncio.run(SIDES[options.only](options.seconds))))
        return 0
    sheet = Sheet()
    with compiled_code():
        cpu(sheet, options.seconds, options.period)
    quiet(sheet)
    slots(sheet)
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
