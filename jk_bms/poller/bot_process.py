"""The bot beside the poller that a person started: one command runs both, one Ctrl-C ends both.

An installed house has a service for each. Here the bot is a child process whose log lines go
where ours go; its end is told, and does not touch the reading of the batteries.
"""

import asyncio
import contextlib
import ctypes
import importlib.util
import logging
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence

from jk_bms.config.settings import TOP, Settings

log = logging.getLogger(__name__)

PACKAGES = ("aiogram",)  # without these there is no bot: requirements-bot.txt
RESTART = 10.0  # s until one that died is started again
STOP_PATIENCE = 2.0  # s for the bot to end; the poller itself has to be gone after 4.5
NOT_AGAIN = (78,)  # it ended with this: a person must do something first

_LINE = re.compile(r"(?:[\d-]{10} [\d:]{8} - )?\S+ - (DEBUG|INFO|WARNING|ERROR|CRITICAL) - (.*)")


@contextlib.asynccontextmanager
async def bot_beside(settings: Settings, command: Sequence[str] = ()) -> AsyncIterator[None]:
    """Run the bot for as long as the context lasts.

    ``command`` stands for the bot's own; it reads its settings from where ours came.
    """
    if not command:
        missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
        if missing:
            log.error("bot: not started, %s is not installed; `make run` installs it", ", ".join(missing))
            yield
            return
        command = (sys.executable, str(TOP / "telegram_bot.py"))
    running = asyncio.create_task(_keep_running(command, _environment(settings)), name="bot")
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _environment(settings: Settings) -> dict[str, str]:
    file = {"JK_ENV_FILE": str(settings.env_file)} if settings.env_file else {}
    # The notify socket is ours: the bot's READY would be taken for the poller's.
    return {key: text for key, text in os.environ.items() if key != "NOTIFY_SOCKET"} | file


async def _keep_running(command: Sequence[str], environ: dict[str, str]) -> None:
    while True:
        code = await _run(command, environ)
        if code in NOT_AGAIN:
            log.error("bot: stopped; the batteries are read on. What to do stands above; then start again")
            return
        log.error("bot: ended with exit code %d; started again in %g s", code, RESTART)
        await asyncio.sleep(RESTART)


async def _run(command: Sequence[str], environ: dict[str, str]) -> int:
    """Run the bot once; return its exit code. Cancelled, it ends the bot first."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=TOP,
        env=environ | {"PYTHONUNBUFFERED": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        process_group=0,  # Ctrl-C comes to us alone, and we end it in order
        preexec_fn=_dies_with_us(),
    )
    try:
        assert process.stdout is not None
        await _listen(process.stdout)
        return await process.wait()
    finally:
        await _end(process)


async def _listen(stream: asyncio.StreamReader) -> None:
    """Log what the bot says, at the level it gave; lines without one belong to the line before."""
    level = logging.INFO
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # a line without end: what is read of it is gone
            continue
        if not line:
            return
        text = line.decode(errors="replace").rstrip()
        if found := _LINE.fullmatch(text):
            level, text = logging.getLevelNamesMapping()[found[1]], found[2]
        if text:
            log.log(level, "bot: %s", text)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_PATIENCE)
    except TimeoutError:
        log.warning("bot: did not end within %g s", STOP_PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _dies_with_us() -> Callable[[], None] | None:
    """What the child does first: ask Linux to end it when we are killed.

    A bot left over would fight the next one for the token.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # found now: little may be done between fork and exec
    parent = os.getpid()

    def tie() -> None:
        prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # we were killed before that
            os._exit(1)

    return tie
