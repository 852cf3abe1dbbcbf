"""Work that must not stay in the bot's memory: a Python of its own, JSON in, bytes out."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from jk_bms.config.settings import TOP

# Each takes some 60 MB, and a small machine has few of them: two digests may wait for their model, and a
# picture has room beside them. Who comes then waits.
MOST = 3

_room: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class ChildError(Exception):
    """The child could not do it; the text is its last line."""


async def run_child(module: str, request: Mapping[str, Any], *, timeout: float) -> bytes:
    """Run ``python -m module`` with ``request`` on its standard input; return its standard output.

    It is killed after ``timeout`` s, and when the caller is cancelled. No more than MOST run at once.
    Raises ChildError.
    """
    async with _room.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(MOST)):
        return await _run(module, request, timeout)


async def _run(module: str, request: Mapping[str, Any], timeout: float) -> bytes:
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            cwd=TOP,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:  # no memory, no more processes
        raise ChildError(f"{module}: cannot be started: {error.strerror or error}") from error
    try:
        async with asyncio.timeout(timeout):
            out, errors = await child.communicate(json.dumps(request, ensure_ascii=False).encode())
    except TimeoutError as error:
        raise ChildError(f"{module}: not done within {timeout:g} s") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        lines = errors.decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), f"exit code {child.returncode}")
        raise ChildError(last.strip()[:300])
    return out
