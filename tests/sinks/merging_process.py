"""Merges into a database as fast as it can; run as a process of its own, to be killed.

python merging_process.py DATABASE [standalone]
"""

import asyncio
import math
import sys
from pathlib import Path

from jk_bms.clock import Clock
from jk_bms.model import Device, Sample
from jk_bms.sinks.inverter_db import InverterDbSink, MergeOptions
from jk_bms.store.readings import Readings

PACK = Device(address="AA:BB:CC:DD:EE:FF", name="pack")


async def main(path: str, standalone: bool) -> None:
    clock = Clock()
    options = MergeOptions(watch=0.002, poll_interval=0.004, max_age=60, standalone=standalone)
    sink = InverterDbSink(Readings(Path(path), standalone=standalone), clock, options)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sink.run(), name="sink")
        print("running", flush=True)
        while True:
            now = clock.monotonic()
            wave = math.sin(now * 50)
            sink.accept(
                Sample(
                    device=PACK,
                    taken_at=clock.now(),
                    monotonic=now,
                    voltage=52 + wave,
                    current=10 * wave,
                    battery_soc=50 + 10 * wave,
                    battery_soc_source="bms",
                    temperatures=(20 + wave,),
                    cell_voltages=tuple(3.3 + wave / 100 for _ in range(16)),
                )
            )
            await asyncio.sleep(0.002)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:] == ["standalone"]))
