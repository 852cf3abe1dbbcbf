"""Work that must not stay in the bot's memory: a Python of its own, JSON in, bytes out."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from jk_bms.settings import TOP


class ChildError(Exception):
    """The child could not do it; the text is its last line."""


async def run_child(module: str, request: Mapping[str, Any], *, timeout: float) -> bytes:
    """Run ``python -m module`` with ``request`` on its standard input; return its standard output.

    It is killed after ``timeout`` s, and when the caller is cancelled. Raises ChildError.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        cwd=TOP,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
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
