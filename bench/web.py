"""What the page costs: start, memory, answers, the way to a browser, and what it costs the battery service.

    python bench/web.py [--minutes 2] [--parts start,answers,...]

The real programs: battery service with a simulated house, ``python -m jk_bms.web``, and Debian's Chromium. Beside
them Flask's development server, in an environment of its own (bench/.peer-flask, made at the first run), with one
answer that is as long as ours. Exits with 1 when a figure is missed. ``--minutes``: how long memory is watched with
10 and with 50 open pages each.
"""

import argparse
import asyncio
import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import history
from bench.common import TOP, Sheet, compiled_code, in_turns, median_ratio
from jk_bms.clock import Clock
from jk_bms.live.client import LiveClient
from jk_bms.live.messages import SampleTold
from jk_bms.sinks.history import HistorySink
from jk_bms.store.bms_db import open_writer
from jk_bms.store.history import HistoryStore
from tests.e2e.house import House
from tests.page.house import NAMES, Lived, Session, lived, made, page_of
from tests.page.visitor import visitor
from tests.web.chromium import CHROMIUM, chromium

FLASK = TOP / "bench" / ".peer-flask"
FLASK_PACKAGE = "flask==3.1.3"

REACH_START = 12.0  # x python -c pass
REACH_FLASK = 3.5  # x as many answers
REACH_CHART = 10.0  # ms
REACH_MEMORY = {10: 50.0, 50: 60.0}  # MB, by open pages
REACH_BROWSER = 300.0  # ms, 95 of 100
REACH_WARM, REACH_COLD = 500.0, 1200.0  # ms
REACH_LONG, REACH_BUSY = 0.0, 2.0  # tasks over 50 ms; % of a core
REACH_BESIDE = 1.1  # x the 99th of 100 without all that
SLOWED = 4  # times slower than this machine: a phone
ROWS_KEPT = 40  # days, of which a row each 5 s is kept: a file of 280 MB
CONNECTIONS, SECONDS, ROUNDS = 8, 3.0, 5
REQUESTS, STREAMS = 10_000, 50


def resident(process: "subprocess.Popen[bytes]") -> float:
    """Return what a process holds in memory, in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def worked(process: int) -> float:
    """Return the processor time that a process took so far, in s."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Asking, as a browser does


async def answers(port: int, head: str, until: Callable[[int], bool]) -> int:
    """Ask again and again over one connection, anew where the server closes it; return how many answers came."""
    reader: asyncio.StreamReader | None = None
    came = 0
    while not until(came):
        if reader is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode())
        said = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b" 200 " not in said.split(b"\r\n", 1)[0]:
            length = int(said.partition(b"content-length:")[2].split(b"\r\n")[0])
            raise SystemExit(f"web: refused: {await reader.readexactly(length)!r}")
        await reader.readexactly(int(said.partition(b"content-length:")[2].split(b"\r\n")[0]))
        came += 1
        if b"connection: close" in said or said.startswith(b"http/1.0"):
            writer.close()
            reader = None
    return came


def asked(path: str, session: Session | None = None) -> str:
    cookie = f"Cookie: {session.cookie}\r\n" if session else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n{cookie}\r\n"


def a_second(port: int, head: str) -> float:
    """Answers a second, over CONNECTIONS at the same time."""

    async def all_of_them() -> float:
        end = time.perf_counter() + SECONDS
        came = await asyncio.gather(
            *(answers(port, head, lambda _: time.perf_counter() >= end) for _ in range(CONNECTIONS))
        )
        return sum(came) / SECONDS

    return asyncio.run(all_of_them())


class Streams:
    """Open pages, in a process of their own: what they cost is not the page's."""

    CODE = """
import socket, sys, selectors
port, count, cookie = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
found = selectors.DefaultSelector()
for _ in range(count):
    one = socket.create_connection(("127.0.0.1", port))
    one.sendall(f"GET /api/live HTTP/1.1\\r\\nHost: localhost\\r\\nCookie: {cookie}\\r\\n\\r\\n".encode())
    found.register(one, selectors.EVENT_READ)
print("open", flush=True)
while True:
    for key, _ in found.select():
        if not key.fileobj.recv(1 << 20):
            sys.exit("a stream ended")
"""

    def __init__(self, house: Lived, count: int) -> None:
        command = [sys.executable, "-c", self.CODE, str(house.page.port), str(count), house.sign_in().cookie]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.process.stdout.readline()

    def close(self) -> None:
        """End them. Raises SystemExit where one ended by itself."""
        if self.process.poll() is not None:
            raise SystemExit("web: a stream ended")
        self.process.kill()
        self.process.wait()


# The figures


def start(sheet: Sheet) -> None:
    """Processor time from the start of the process to the first page that was answered, against a bare Python."""
    with tempfile.TemporaryDirectory() as folder:
        house = made(Path(folder), 1)

        def ours() -> float:
            with page_of(house) as page:
                page.ask("GET", "/login")
                return worked(page.process.pid)

        def bare() -> float:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", "pass"], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        in_turns(1, ours, bare)  # compiles
        times, bares = in_turns(2 * ROUNDS, ours, bare)
    detail = f"{1000 * statistics.median(times):.0f} ms to {1000 * statistics.median(bares):.0f} ms"
    sheet.figure(
        "work until the first page, against python -c pass",
        median_ratio(times, bares),
        most=REACH_START,
        detail=detail,
    )


def flask_python() -> Path:
    """Return the interpreter of Flask's environment, made if it is missing."""
    python = FLASK / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", "import flask"], capture_output=True).returncode:
        print(f"bench: making {FLASK.relative_to(TOP)}", file=sys.stderr)
        shutil.rmtree(FLASK, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", FLASK], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", FLASK_PACKAGE], check=True)
    return python


@contextmanager
def flask(body: bytes) -> Iterator[int]:
    """Flask's development server with that answer, at the port that is given."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        command = [str(flask_python()), str(TOP / "bench" / "peer_flask.py"), file.name]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                assert process.stdout is not None
                port = int(process.stdout.readline())
                time.sleep(1.0)
                yield port
            finally:
                process.kill()


def newest(sheet: Sheet) -> None:
    """The newest reading: guard, tag and compression included, against Flask, which does none of that."""
    with tempfile.TemporaryDirectory() as folder, lived(Path(folder), 1) as house:
        session = house.sign_in()
        body = house.page.ask("GET", "/api/state", Cookie=session.cookie)[2]
        with flask(body) as port:
            work = (
                lambda: a_second(house.page.port, asked("/api/state", session)),
                lambda: a_second(port, asked("/api/state")),
            )
            in_turns(1, *work)
            ours, theirs = in_turns(ROUNDS, *work)
    detail = f"{statistics.median(ours):.0f} to {statistics.median(theirs):.0f} a second, {len(body)} bytes"
    # A sheet judges by what is at most so much.
    sheet.figure("Flask's answers with the newest reading, against ours", median_ratio(theirs, ours),
                 most=round(1 / REACH_FLASK, 3), detail=f"{median_ratio(ours, theirs):.1f} x as many: {detail}")  # fmt: skip


def year_of_rows(path: Path, end: datetime) -> datetime:
    """Fill ``bms.db`` with a year of one battery; return when it begins."""
    # A day of now, repeated back: a year ago this program did not exist, which speaks against a clock.
    at = (end - timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = at - timedelta(days=364)
    with open_writer(path, Clock()) as own:
        store = HistoryStore(own)
        sink = HistorySink(store, confirmed=lambda: False)
        for number, sample in enumerate(history.frames(25.5, 2.5, at)):
            sink.accept(sample)
            if number % 1440 == 1439:
                store.commit(sink.cut())
        store.commit(sink.cut())
        history.lengthen(own, 365, minutes=90, quarters=365, blocks=ROWS_KEPT, at=at, begin=begin)
    return begin


def with_a_year(folder: Path, **how: Any) -> tuple[House, datetime]:
    """A house whose battery has a year behind it, and when that begins."""
    house = made(folder, 1, **how)
    house.registry.write_text(house.registry.read_text().replace(NAMES[0].lower(), history.PACK.address))
    return house, year_of_rows(house.bms_db, datetime.now(UTC))


def spanned(begin: datetime, days: int) -> str:
    ends = (begin, begin + timedelta(days=days))
    first, last = (f"{end:%Y-%m-%dT%H:%M:%SZ}" for end in ends)
    return f"device={history.PACK.address}&from={first}&to={last}"


def chart(sheet: Sheet) -> None:
    """A year in 720 points, from the question to the last byte of the answer."""
    with tempfile.TemporaryDirectory() as folder:
        house, begin = with_a_year(Path(folder))
        with house.service() as service, page_of(house) as page:
            service.streaming()
            running = Lived(house, service, page, 1)
            session = running.sign_in()
            path = f"/api/history?{spanned(begin, 365)}&keys=battery_soc&points=720"
            head = asked(path, session)
            if (
                points := sum(
                    mean is not None for mean in running.ask(session, path)["values"]["battery_soc"]["mean"]
                )
            ) < 300:
                raise SystemExit(f"web: only {points} points of a year")

            def once() -> float:
                began = time.perf_counter()
                asyncio.run(answers(page.port, head, lambda came: came == 1))
                return 1000 * (time.perf_counter() - began)

            once()
            times = [once() for _ in range(30)]
    cuts = statistics.quantiles(times, n=20)
    sheet.figure("chart of a year, 720 points, ms", statistics.median(times), most=REACH_CHART,
                 digits=1, detail=f"95 of 100 within {cuts[-1]:.1f}")  # fmt: skip


def memory(sheet: Sheet, minutes: float) -> None:
    """What the page holds after so many minutes with open pages."""
    for count, most in REACH_MEMORY.items():
        with (
            tempfile.TemporaryDirectory() as folder,
            lived(Path(folder), 1, period="0.5") as house,
            closing(Streams(house, count)),
        ):
            time.sleep(30 * minutes)
            half = resident(house.page.process)
            time.sleep(30 * minutes)
            whole = resident(house.page.process)
        sheet.figure(f"memory with {count} open pages, MB", whole, most=most, digits=1,
                     detail=f"after {minutes:g} min; {1024 * (whole - half):+.0f} kB in the second half")  # fmt: skip


WATCH = """
(() => {
  window.came = [];
  window.long = [];
  const Real = window.EventSource;
  window.EventSource = class extends Real {
    constructor(...args) {
      super(...args);
      this.addEventListener("battery", (event) => {
        const time = Date.now(), said = JSON.parse(event.data);
        requestAnimationFrame(() => window.came.push([said.reading.time, time, Date.now()]));
      });
    }
  };
  new PerformanceObserver((list) => window.long.push(...list.getEntries().map((one) => [one.startTime, one.duration])))
    .observe({ type: "longtask", buffered: true });
})()
"""


def browser(sheet: Sheet) -> None:
    """From the sample to the picture in a browser; what the page costs a phone; and how soon its numbers stand there."""
    with (
        tempfile.TemporaryDirectory() as folder,
        lived(Path(folder), 1, past=True) as house,
        chromium() as started,
        visitor(started, house, viewport={"width": 390, "height": 844}) as (page, _),
    ):
        page.add_init_script(WATCH)
        page.goto(house.url)
        page.wait_for_selector("html.started")
        page.wait_for_timeout(60_000)
        delays = [
            drawn - 1000 * datetime.fromisoformat(taken).timestamp()
            for taken, _, drawn in page.evaluate("window.came")
        ]
        cuts = statistics.quantiles(delays, n=20)
        sheet.figure("sample to the picture in a browser, ms: 95 of 100", cuts[-1], most=REACH_BROWSER,
                     digits=0, detail=f"{len(delays)} samples, median {statistics.median(delays):.0f}")  # fmt: skip

        phone = page.context.new_cdp_session(page)
        phone.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
        phone.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.wait_for_timeout(5_000)
        page.evaluate("window.long = []")
        began, before = time.monotonic(), busy(phone)
        page.wait_for_timeout(60_000)
        share = 100 * (busy(phone) - before) / (time.monotonic() - began)
        tasks = [length for _, length in page.evaluate("window.long")]
        sheet.figure(f"tasks over 50 ms in a minute, {SLOWED} x slowed", len(tasks), most=REACH_LONG, digits=0,
                     detail=f"longest {max(tasks, default=0):.0f} ms; one reading a second, 16 cells")  # fmt: skip
        sheet.figure(f"a core's time that the page takes, {SLOWED} x slowed, %", share, most=REACH_BUSY)
        session = house.sign_in()
        warm, cold = [], []
        for _ in range(ROUNDS):
            with visitor(started, house, session, viewport={"width": 390, "height": 844}) as (other, _):
                phone = other.context.new_cdp_session(other)
                phone.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
                other.goto(house.url)
                cold.append(painted(other))
                other.evaluate("navigator.serviceWorker.ready.then(() => true)")
                other.wait_for_timeout(1_000)
                other.reload()
                warm.append(painted(other))
    sheet.figure(
        f"first numbers, warm, {SLOWED} x slowed, ms", statistics.median(warm), most=REACH_WARM, digits=0
    )
    sheet.figure(
        f"first numbers, cold, {SLOWED} x slowed, ms", statistics.median(cold), most=REACH_COLD, digits=0
    )


def busy(session: Any) -> float:
    """The processor time that the page's thread took so far, in s."""
    told = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return float(told["TaskDuration"])


def painted(page: Any) -> float:
    """When the first numbers stood there, in ms since the address was opened: they come with the page itself."""
    page.wait_for_selector("html.started")
    page.wait_for_selector(".hero-soc")
    first = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint').map((one) => one.startTime)[0]"
    )
    return float(first)


# The poller as it is, with its commits timed and told at its end.
TIMED = """
import atexit, json, sys, time
from jk_bms.store.bms_db import BmsDb
from jk_bms.poller.service import main
real, took = BmsDb.write, []
def write(self, *args, **named):
    began = time.perf_counter()
    try:
        return real(self, *args, **named)
    finally:
        took.append(time.perf_counter() - began)
BmsDb.write = write
atexit.register(lambda: open(sys.argv[1], "w").write(json.dumps(took)))
sys.exit(main([]))
"""


def beside(sheet: Sheet) -> None:
    """The poller's own work, without anybody who looks, and beside all that the page can be asked for at once."""
    found: list[list[list[float]]] = []
    for crowded in (False, True, False, True):
        with tempfile.TemporaryDirectory() as name, ExitStack() as ends:
            folder = Path(name)
            house, begin = with_a_year(
                folder, period="0.2", env={"HISTORY_COMMIT": "10", "JK_BMS_POLL_INTERVAL": "2"}
            )
            poller = subprocess.Popen(
                [sys.executable, "-c", TIMED, folder / "commits"], cwd=folder, env=house.env | {"PYTHONPATH": str(TOP)},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            ends.callback(poller.kill)
            page = ends.enter_context(page_of(house))
            running = Lived(house, None, page, 1)  # type: ignore[arg-type]  # the poller is ours
            session = running.sign_in()
            if crowded:
                ends.enter_context(closing(Streams(running, STREAMS)))
                ends.enter_context(crowd(page.port, session, begin))
            frames = frame_delays(Path(house.env["BMS_SOCKET"]), 60.0)
            poller.terminate()
            poller.wait()
            found.append([frames, json.loads((folder / "commits").read_text())])
    for what, place in (("frame", 0), ("commit", 1)):
        alone, busier = (
            [sorted(run[place])[int(0.99 * len(run[place]))] for run in runs]
            for runs in (found[::2], found[1::2])
        )
        detail = f"{1000 * statistics.median(busier):.1f} ms to {1000 * statistics.median(alone):.1f} ms"
        sheet.figure(f"the poller's {what} beside {REQUESTS} requests, 99 of 100", median_ratio(busier, alone),
                     most=REACH_BESIDE, detail=detail)  # fmt: skip


@contextmanager
def crowd(port: int, session: Session, begin: datetime) -> Iterator[None]:
    """So many requests, and a year as a file, in a process of their own; over when all were answered."""
    code = (
        "import asyncio, sys; from bench.web import crowded; "
        "asyncio.run(crowded(int(sys.argv[1]), sys.argv[2], sys.argv[3]))"
    )
    command = [sys.executable, "-c", code, str(port), session.cookie, spanned(begin, 365)]
    # Who asks is another machine in a house: here it gets what the others leave.
    process = subprocess.Popen(
        ["nice", "-n", "19", *command], cwd=TOP, env=os.environ | {"PYTHONPATH": str(TOP)}
    )
    yield
    if process.wait():
        raise SystemExit("web: a request failed")


async def crowded(port: int, cookie: str, span: str) -> None:
    """Ask REQUESTS times over CONNECTIONS connections while a year is exported."""
    session, left = Session(cookie, ""), itertools.count(1)
    heads = [
        asked(path, session)
        for path in ("/api/state", f"/api/history?{span}&keys=battery_soc", "/api/alerts")
    ]
    export = asyncio.create_task(exported(port, asked(f"/api/export?{span}&format=csv", session)))
    await asyncio.gather(
        *(answers(port, heads[n % len(heads)], lambda _: next(left) > REQUESTS) for n in range(CONNECTIONS))
    )
    await export


async def exported(port: int, head: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.replace("Accept-Encoding: gzip\r\n", "Connection: close\r\n").encode())
    size = 0
    while piece := await reader.read(1 << 20):
        size += len(piece)
    if size < 1_000_000:
        raise SystemExit(f"web: the year is only {size} bytes")


def frame_delays(path: Path, seconds: float) -> list[float]:
    """How long each frame takes from its arrival to a listener, in s."""
    while not path.is_socket():
        time.sleep(0.1)
    delays: list[float] = []
    end = time.monotonic() + seconds
    with LiveClient(path) as client:
        for told in client.subscribe():
            if isinstance(told, SampleTold) and told.reading.monotonic is not None:
                delays.append(time.monotonic() - told.reading.monotonic)
            if time.monotonic() > end:
                break
    return delays


def main() -> int:
    """Measure all; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--minutes", type=float, default=2.0)
    arguments.add_argument("--parts", default="start,newest,chart,memory,browser,beside")
    options = arguments.parse_args()
    sheet = Sheet()
    parts: dict[str, Callable[[], None]] = {
        "start": lambda: start(sheet),
        "newest": lambda: newest(sheet),
        "chart": lambda: chart(sheet),
        "memory": lambda: memory(sheet, options.minutes),
        "browser": lambda: browser(sheet),
        "beside": lambda: beside(sheet),
    }
    with compiled_code():
        for name in options.parts.split(","):
            if name == "browser" and CHROMIUM is None:
                print("browser: chromium is not installed: not measured")
                continue
            parts[name]()
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
