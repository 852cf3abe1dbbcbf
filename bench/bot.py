"""What the bot costs: import, memory, and the work of an answer.

    .venv/bin/python bench/bot.py [--commands 1000]

Against a Bot API server and a poller's socket on this machine, so the network is not in it.
"""

import argparse
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

from tests.told import house

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import TOP, Sheet, compiled_code, in_turns, median_ratio
from jk_bms.live.server import LiveServer
from tests.bot.bot_program import BotProgram
from tests.bot.house_snapshot import snapshot
from tests.bot.telegram_server import OWNER, TelegramServer

ROUNDS = 5
CHATS = 200  # that ask in turns, so that the pace of a chat holds up none
MEASURE = """
import gc, time
gc.disable()
work = time.process_time()
{what}
work = time.process_time() - work
line = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(work, int(line.split()[1]) / 1024)
"""


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description="What the bot costs.")
    parser.add_argument(
        "--commands", type=int, default=1000, metavar="N", help="answered before memory is read"
    )
    commands = parser.parse_args().commands
    sheet = Sheet()
    with compiled_code():
        imports(sheet)
        running(sheet, commands)
    return sheet.exit_code


def imports(sheet: Sheet) -> None:
    """Compare the import of the whole bot with that of aiogram alone, as it comes."""
    memory: dict[str, float] = {}

    def work(what: str) -> float:
        program = [sys.executable, "-c", MEASURE.format(what=f"import {what}")]
        out = subprocess.run(program, cwd=TOP, capture_output=True, text=True, check=True).stdout
        seconds, memory[what] = map(float, out.split())
        return seconds

    ours, theirs = in_turns(ROUNDS, lambda: work("jk_bms.bot.service"), lambda: work("aiogram"))
    detail = f"{statistics.median(ours):.2f} s to {statistics.median(theirs):.2f} s"
    sheet.figure(
        "import of the bot, against `import aiogram`", median_ratio(ours, theirs), most=0.5, detail=detail
    )
    mine, whole = memory["jk_bms.bot.service"], memory["aiogram"]
    sheet.figure(
        "its memory, against that", mine / whole, most=0.5, detail=f"{mine:.0f} MB to {whole:.0f} MB"
    )


def running(sheet: Sheet, commands: int) -> None:
    """Start the bot, ask it, look at what it has become."""
    with tempfile.TemporaryDirectory() as name, TelegramServer() as telegram, poller(Path(name) / "s"):
        began = time.perf_counter()
        with BotProgram(Path(name), telegram, TELEGRAM_ALLOWED_USERS=str(OWNER)) as bot:
            telegram.until(lambda: "ready" in bot.log, 60)
            sheet.figure("ready after its start, s", time.perf_counter() - began, most=5)
            ask(telegram, 100)
            worked = work_of(bot)
            times = ask(telegram, commands)
            worked = work_of(bot) - worked
            sheet.figure("work of the bot for each /battery, ms", 1000 * worked / commands, most=5, digits=1)
            sheet.beside(
                "from the update to the answer, ms",
                1000 * statistics.median(times),
                f"with the work of the server and the poller; 95 of 100 within "
                f"{1000 * statistics.quantiles(times, n=20)[-1]:.0f}",
                digits=1,
            )
            sheet.figure(f"memory after {commands} commands, MB", bot.memory, most=100, digits=0)


def ask(telegram: TelegramServer, count: int) -> list[float]:
    """Ask for /battery so often; return how long each answer took, in s."""
    times = []
    for number in range(count):
        telegram.forget()
        began = time.perf_counter()
        telegram.say("/battery", chat=1000 + number % CHATS, user=OWNER)
        while not telegram.sent:
            time.sleep(0.0002)
        times.append(telegram.sent[-1].at - began)
    return times


def work_of(bot: BotProgram) -> float:
    """The seconds that the bot's process has computed so far."""
    fields = Path(f"/proc/{bot.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def poller(path: Path) -> Iterator[None]:
    """A poller's socket with the state of a house of one battery."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def handle(_: dict[str, object]) -> dict[str, object]:
        return {}

    server = LiveServer(path, snapshot=lambda: house(snapshot()), handle=handle)

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
    sys.exit(main())
