"""What the owner changes while the poller runs: each of his files is looked at, and what is good in it takes effect.

A bad file changes nothing: the last good version stays in force, and its faults are told once, until it is good.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jk_bms.errors import ConfigError, JkBmsError

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller

log = logging.getLogger(__name__)

LOOK_PERIOD = 5.0  # s between two looks
SETTLED = 0.2  # s for which a file must stay as it is before it is read: an editor may be writing it
MOST_WAITS = 10  # times that one may be found changing; then it is read as it is


class OwnersFile(NamedTuple):
    """A file that may change. ``apply`` has it take effect.

    It raises ConfigError, and changes nothing, for a bad one; another error of ours when it should be tried again.
    """

    name: str  # of what is in it, as people are told
    path: Path
    apply: Callable[[], Awaitable[None]]


class _Stamp(NamedTuple):
    """What is different when a file was changed, or another one was put in its place."""

    modified: int  # ns
    inode: int
    size: int


class Configuration:
    """Looks at the files. ``faults``: what is wrong now, by the name of the file."""

    def __init__(self, poller: "Poller", files: Iterable[OwnersFile]) -> None:
        self.faults: dict[str, str] = {}
        self._poller = poller
        self._files = tuple(files)
        self._seen: dict[str, _Stamp | None] = {}
        self._wake = asyncio.Event()

    def look_now(self) -> None:
        """Read every file again at once, whether it looks changed or not."""
        self._seen.clear()
        self._wake.set()

    def look_again(self, name: str) -> None:
        """Read that file again with the next look: what it says may mean something else now."""
        self._seen.pop(name, None)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._wake.clear()
            for file in self._files:
                await self._look(file)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_PERIOD):
                    await self._wake.wait()

    async def _look(self, file: OwnersFile) -> None:
        stamp = _stamp(file.path)
        if file.name in self._seen and self._seen[file.name] == stamp:
            return
        for _ in range(MOST_WAITS):
            await asyncio.sleep(SETTLED)
            before, stamp = stamp, _stamp(file.path)
            if stamp == before:
                break
        try:
            await file.apply()
        except JkBmsError as error:
            if isinstance(error, ConfigError):
                self._seen[file.name] = stamp
            await self._bad(file.name, str(error))
        else:
            self._seen[file.name] = stamp
            await self._good(file.name)

    async def _bad(self, name: str, fault: str) -> None:
        if self.faults.get(name) == fault:
            return
        self.faults[name] = fault
        for line in fault.splitlines():
            log.error("%s", line)
        log.error("%s: the last good version stays in force", name)
        self._poller.report("config.bad", None, f"{name}: {fault}; the last good version stays in force")
        await self._judge()

    async def _good(self, name: str) -> None:
        if self.faults.pop(name, None) is None:
            return
        log.info("%s: in order again", name)
        self._poller.report("config.good", None, f"{name}: in order again")
        await self._judge()

    async def _judge(self) -> None:
        await self._poller.alerts.misconfigured("\n".join(self.faults.values()))


def _stamp(path: Path) -> _Stamp | None:
    """What identifies the content of a file; None: there is none, or it cannot be reached."""
    try:
        status = path.stat()
    except OSError:
        return None
    return _Stamp(status.st_mtime_ns, status.st_ino, status.st_size)
