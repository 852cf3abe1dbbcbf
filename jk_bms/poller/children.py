"""Bot and page beside the poller that a person started: one command runs all, one Ctrl-C ends all.

An installed house has a service for each. Here they are child processes whose log lines go where ours go; the end of
one is told, and does not touch the reading of the batteries.
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
from typing import NamedTuple

from jk_bms.config.settings import TOP, Settings

log = logging.getLogger(__name__)

RESTART = 10.0  # s until one that died is started again
STOP_PATIENCE = 2.0  # s for it to end; the poller itself has to be gone after 4.5
NOT_AGAIN = (78,)  # it ended with this: a person must do something first

_LINE = re.compile(r"(?:[\d-]{10} [\d:]{8} - )?\S+ - (DEBUG|INFO|WARNING|ERROR|CRITICAL) - (.*)")


class Child(NamedTuple):
    """A program that runs beside us."""

    name: str
    packages: tuple[str, ...]  # without these it cannot be started
    arguments: tuple[str, ...]  # of Python


BOT = Child("bot", ("aiogram",), (str(TOP / "telegram_bot.py"),))
# With nothing configured it shows the demonstration, as we do.
PAGE = Child("page", ("uvicorn",), ("-m", "jk_bms.web", "--demo"))


@contextlib.asynccontextmanager
async def beside(child: Child, settings: Settings, command: Sequence[str] = ()) -> AsyncIterator[None]:
    """Run ``child`` for as long as the context lasts.

    ``command`` stands for its own; it reads its settings from where ours came.
    """
    if not command:
        missing = [name for name in child.packages if importlib.util.find_spec(name) is None]
        if missing:
            log.error(
                "%s: not started, %s is not installed; `make run` installs it", child.name, ", ".join(missing)
            )
            yield
            return
        command = (sys.executable, *child.arguments)
    running = asyncio.create_task(_keep_running(child.name, command, _environment(settings)), name=child.name)
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _environment(settings: Settings) -> dict[str, str]:
    file = {"JK_ENV_FILE": str(settings.env_file)} if settings.env_file else {}
    # The notify socket is ours: a child's READY would be taken for the poller's.
    return {key: text for key, text in os.environ.items() if key != "NOTIFY_SOCKET"} | file


async def _keep_running(name: str, command: Sequence[str], environ: dict[str, str]) -> None:
    while True:
        code = await _run(name, command, environ)
        if code in NOT_AGAIN:
            log.error(
                "%s: stopped; the batteries are read on. What to do stands above; then start again", name
            )
            return
        log.error("%s: ended with exit code %d; started again in %g s", name, code, RESTART)
        await asyncio.sleep(RESTART)


async def _run(name: str, command: Sequence[str], environ: dict[str, str]) -> int:
    """Run a child once; return its exit code. Cancelled, it ends the child first."""
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
        await _listen(name, process.stdout)
        return await process.wait()
    finally:
        await _end(name, process)


async def _listen(name: str, stream: asyncio.StreamReader) -> None:
    """Log what a child says, at the level it gave; lines without one belong to the line before."""
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
            log.log(level, "%s: %s", name, text)


async def _end(name: str, process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_PATIENCE)
    except TimeoutError:
        log.warning("%s: did not end within %g s", name, STOP_PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _dies_with_us() -> Callable[[], None] | None:
    """What the child does first: ask Linux to end it when we are killed.

    One left over would fight the next one for the token, or the port.
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
