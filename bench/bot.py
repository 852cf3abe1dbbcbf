"""What the bot costs: import, memory, the way from an update to its answer.

    python bench/bot.py [thousands of commands]

Against a Bot API server and a poller's socket on this machine, so the network is not in it.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).parents[1]
sys.path.insert(0, str(TOP))

from jk_bms.live.server import LiveServer  # noqa: E402
from tests.bot.bot_program import BotProgram  # noqa: E402
from tests.bot.house_snapshot import snapshot  # noqa: E402
from tests.bot.telegram_server import TelegramServer  # noqa: E402

IMPORTS = {
    "aiogram as it is": "import aiogram",
    "aiogram, built late": "from jk_bms.bot import light_aiogram",
    "the whole bot": "import jk_bms.bot.service",
}
MEASURE = """
import gc, time
gc.disable()
wall, work = time.perf_counter(), time.process_time()
{what}
wall, work = time.perf_counter() - wall, time.process_time() - work
gc.enable()
line = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(wall, work, int(line.split()[1]) / 1024)
"""


def main() -> None:
    """Print the figures."""
    thousands = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    for name, what in IMPORTS.items():
        print(f"import {name:20}", imported(what))
    with tempfile.TemporaryDirectory() as name, TelegramServer() as telegram, poller(Path(name) / "s"):
        began = time.perf_counter()
        with BotProgram(Path(name), telegram, TELEGRAM_ALLOWED_USERS="77") as bot:
            telegram.until(lambda: "ready" in bot.log, 60)
            print(f"ready after {time.perf_counter() - began:.2f} s, {bot.memory:.0f} MB")
            times = latencies(telegram, 200)
            times.sort()
            print(
                f"/battery, update to answer: median {1000 * statistics.median(times):.1f} ms, "
                f"95 of 100 within {1000 * times[int(0.95 * len(times))]:.1f} ms; {bot.memory:.0f} MB"
            )
            count = round(1000 * thousands)
            began, worked = time.perf_counter(), work_of(bot)
            latencies(telegram, count)
            took, worked = time.perf_counter() - began, work_of(bot) - worked
            print(
                f"{count} commands in {took:.0f} s, {1000 * worked / count:.1f} ms of work in the bot for each; "
                f"{bot.memory:.0f} MB"
            )


def work_of(bot: BotProgram) -> float:
    """The seconds that the bot's process has computed so far."""
    fields = Path(f"/proc/{bot.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def imported(what: str) -> str:
    """Import it five times, in fresh processes; return the best time and the memory."""
    runs = []
    for _ in range(5):
        out = subprocess.run(
            [sys.executable, "-c", MEASURE.format(what=what)],
            cwd=TOP,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        runs.append(tuple(map(float, out.split())))
    wall, work, memory = (min(column) for column in zip(*runs, strict=True))
    return f"{wall:.2f} s ({work:.2f} s of work), {memory:.0f} MB"


def latencies(telegram: TelegramServer, count: int) -> list[float]:
    """Ask for /battery so often, in as many chats as the pace of a chat demands; return the seconds it took."""
    times = []
    for number in range(count):
        chat = 1000 + number
        began = time.perf_counter()
        telegram.say("/battery", chat=chat, user=77)
        while not telegram.sent:
            time.sleep(0.0002)
        times.append(telegram.sent[-1].at - began)
        telegram.forget()
    return times


@contextmanager
def poller(path: Path) -> Iterator[None]:
    """A poller's socket with the state of a house of one battery."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def handle(_: dict[str, object]) -> dict[str, object]:
        return {}

    server = LiveServer(path, snapshot=snapshot, handle=handle)

    async def serve() -> None:
        async with server.serve():
            await asyncio.sleep(1e6)

    serving = asyncio.run_coroutine_threadsafe(serve(), loop)
    while not path.exists():
        time.sleep(0.01)
    yield
    serving.cancel()
    time.sleep(0.1)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


if __name__ == "__main__":
    main()
