"""What MQTT, line protocol and /metrics cost the poller: processor and memory, and what a dead server does to frames.

    python bench/sinks.py [--seconds 60]

Three batteries with a frame a second each, through real bleak and a BlueZ of ours; a real mosquitto, VictoriaMetrics,
and somebody who asks for /metrics each 15 s. Each way runs for so many seconds, in turns with one without any of them.
Exits with 1 when a figure is missed.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import Sheet, compiled_code
from bench.footprint import AS_INSTALLED, resident
from jk_bms.live.client import LiveClient
from jk_bms.live.messages import SampleTold
from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import jk, street
from tests.e2e.house import House
from tests.sinks.mqtt_house import Broker
from tests.sinks.timeseries import VictoriaMetrics, asked, free_port

PACKS = [f"C8:47:80:00:00:0{number}" for number in (1, 2, 3)]
SETTLE = 15.0  # s from the first frames on
SCRAPED = 15.0  # s between two questions for /metrics
REACH_BUSY = 2.5  # x the work of reading, all three together
REACH_MEMORY = 6.0  # MB each
REACH_DEAD = 1.1  # x the 99th of 100 without a dead server
ROUNDS = 3


class Cost(NamedTuple):
    """What a run of the poller took."""

    busy: float  # s of processor in a second
    memory: float  # MB
    delay: float  # s from a frame to a listener, 99 of 100


@contextmanager
def reading(settings: Mapping[str, str]) -> Iterator[tuple[House, int]]:
    """The poller with three batteries that are read; the house, and the number of the process."""
    scenario = street()
    scenario["devices"] = [jk(address=address, radio={"period": 1.0}) for address in PACKS]
    with BluezBed(scenario) as bed, tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), **bed.env, **AS_INSTALLED, **settings)
        house.registry.write_text(
            "".join(f"{address}:\n  alias: pack{n}\n" for n, address in enumerate(PACKS))
        )
        with house.service() as poller:
            poller.streaming(len(PACKS))
            time.sleep(SETTLE)
            yield house, poller.process.pid


def ticks(pid: int) -> float:
    """Return the s of processor that a process took."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def cost(settings: Mapping[str, str], seconds: float, port: int | None = None) -> Cost:
    """Return what reading costs with these settings."""
    with reading(settings) as (house, pid):
        end = threading.Event()
        if port is not None:
            threading.Thread(target=scrape, args=(port, end), daemon=True).start()
        before, began = ticks(pid), time.monotonic()
        delays = []
        with LiveClient(Path(house.env["BMS_SOCKET"])) as client:
            for told in client.subscribe():
                if isinstance(told, SampleTold) and told.reading.monotonic is not None:
                    delays.append(time.monotonic() - told.reading.monotonic)
                if time.monotonic() - began > seconds:
                    break
        busy = (ticks(pid) - before) / (time.monotonic() - began)
        memory = resident(Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
        end.set()
    if len(delays) < 2.5 * seconds:
        sys.exit(f"sinks: {len(delays)} readings in {seconds:g} s: not a fair figure")
    return Cost(busy, memory, sorted(delays)[int(0.99 * len(delays))])


def scrape(port: int, end: threading.Event) -> None:
    """Ask as Prometheus does."""
    while not end.wait(SCRAPED):
        asked(f"http://127.0.0.1:{port}/metrics")


def main() -> int:
    """Measure all; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--seconds", type=float, default=60.0, help="of each run")
    options = arguments.parse_args()
    sheet = Sheet()
    with compiled_code(), ExitStack() as ends:
        folders = [Path(ends.enter_context(tempfile.TemporaryDirectory())) for _ in range(3)]
        broker, series, dead = Broker(folders[0]), VictoriaMetrics(folders[1]), Broker(folders[2])
        for one in (broker, series, dead):
            one.start()
            ends.callback(one.stop)
        dead.freeze()
        port = free_port()
        mqtt = {"MQTT_BROKER": f"127.0.0.1:{broker.port}"}
        influx = {"INFLUXDB_HOST": f"127.0.0.1:{series.port}"}
        metrics = {"METRICS_BIND": f"127.0.0.1:{port}"}
        # The dead ones take bytes and answer nothing.
        away = {"MQTT_BROKER": f"127.0.0.1:{dead.port}", "INFLUXDB_HOST": f"127.0.0.1:{dead.port}"}
        ways = {"none": {}, "mqtt": mqtt, "influx": influx, "metrics": metrics, "all": mqtt | influx | metrics,
                "dead": away}  # fmt: skip
        found: dict[str, list[Cost]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, settings in ways.items():
                asks = port if "METRICS_BIND" in settings else None
                found[name].append(cost(settings, options.seconds, asks))
    middle = {
        name: Cost(*(statistics.median(values) for values in zip(*costs, strict=True)))
        for name, costs in found.items()
    }
    none = middle["none"]
    sheet.figure("processor of all three, against reading", (middle["all"].busy - none.busy) / none.busy,
                 most=REACH_BUSY, detail=f"{1000 * none.busy:.1f} to {1000 * middle['all'].busy:.1f} ms/s")  # fmt: skip
    for name in ("mqtt", "influx", "metrics"):
        more = middle[name]
        sheet.figure(f"memory of {name}, MB", more.memory - none.memory, most=REACH_MEMORY,
                     detail=f"{none.memory:.1f} to {more.memory:.1f} MB")  # fmt: skip
        sheet.beside(f"processor of {name}, against reading", (more.busy - none.busy) / none.busy)
    sheet.figure("a frame beside dead servers, 99 of 100", middle["dead"].delay / none.delay, most=REACH_DEAD,
                 detail=f"{1000 * none.delay:.1f} to {1000 * middle['dead'].delay:.1f} ms")  # fmt: skip
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
