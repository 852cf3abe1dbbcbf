"""What keeps the poller going: the service manager's watchdog, the clock, its files, the last rung of repairs."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from jk_bms.errors import LinkError, LiveError, StoreError
from jk_bms.live.sd_notify import Notifier
from jk_bms.poller.device_state import status_line
from jk_bms.repair.ladder import Rung
from jk_bms.repair.shared import ALL_SILENT
from jk_bms.store.bms_db import BmsDb

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller

log = logging.getLogger(__name__)

EXIT_SILENT = 1  # the ladder's last rung: the service manager starts us anew
START_STEP = 20.0  # s between two requests for more time to start
START_STEPS = 90  # half an hour: what takes longer hangs
LOOK_PERIOD = 10.0  # s between two looks whether our files are still in their places


@contextlib.contextmanager
def longer_start(
    notifier: Notifier, *, every: float = START_STEP, times: int = START_STEPS
) -> Iterator[None]:
    """Have the service manager wait while ``bms.db`` is opened: the copy before a migration may be of years.

    Killed in it, the service would begin that copy anew at each start, and never come to an end.
    """

    loop = asyncio.get_running_loop()
    asking: asyncio.Handle | None = None

    def ask(times: int) -> None:
        nonlocal asking
        notifier.still_starting(3 * every)
        asking = loop.call_later(every, ask, times - 1) if times > 1 else None

    ask(times)
    try:
        yield
    finally:
        if asking is not None:
            asking.cancel()


async def watch(poller: "Poller", notifier: Notifier) -> None:
    """Tell the service manager how it goes; give up when nothing answers for long."""
    clock = poller.clock
    period = notifier.watchdog_period or 10.0
    clock_trusted = clock.trusted()
    while True:
        await asyncio.sleep(min(period / 3, 5.0))
        notifier.watchdog()
        notifier.status(status_line(poller.batteries(), clock.monotonic()))
        if not clock_trusted and clock.trusted():
            clock_trusted = True
            poller.bms_db.write(BmsDb.correct_times)
            poller.link_log.clock_set()
            log.info("the clock is right now: %s", clock.now().isoformat(timespec="seconds"))
            poller.report("clock.set", None, "the clock of this machine is right now")
        poller.link_log.keep()
        if not poller.stop.is_set():
            await _last_rung(poller)


async def _last_rung(poller: "Poller") -> None:
    """End for a fresh start, or reboot, when nothing answers for long."""
    clock = poller.clock
    wall = clock.now().timestamp() if clock.trusted() else None
    now = asyncio.get_running_loop().time()
    rung = poller.house.last_rung(now, up_for=clock.monotonic(), wall=wall)
    if rung is None:
        return
    poller.link_log.ended_by = rung
    poller.link_log.keep()
    silence = f"no battery answered for {ALL_SILENT / 60:.0f} min"
    what = "ending for a fresh start" if rung is Rung.EXIT else "rebooting this machine"
    log.error("%s: %s", silence, what)
    poller.report("service.silent", None, f"{silence}; {what}", rung=rung.code)
    if rung is Rung.REBOOT:
        try:
            await next(source.repairs for source in poller.sources if source.repairs is not None).reboot()
        except (LinkError, StopIteration) as error:
            log.error("it cannot be rebooted: %s", error)
    poller.exit_code = EXIT_SILENT
    poller.stop.set()


async def look_after_files(poller: "Poller") -> None:
    """Make anew what was taken away in use: the database, the socket, the journal."""
    missing: dict[str, str] = {}  # what cannot be made at the moment, and why
    looks: dict[str, Callable[[], Awaitable[bool]]] = {
        "bms.db": lambda: poller.bms_db.run(BmsDb.look),
        "the socket": poller.server.look,
        "the journal": lambda: asyncio.to_thread(poller.memory.look),
    }
    while True:
        await asyncio.sleep(LOOK_PERIOD)
        for what, look in looks.items():
            try:
                made = await look()
            except (StoreError, LiveError) as error:
                if missing.get(what) != str(error):
                    missing[what] = str(error)
                    log.error("%s", error)
                continue
            if missing.pop(what, None) or made:
                log.warning("%s was taken away while in use; it is in its place again", what)
                poller.report("service.files", None, f"{what} was taken away in use and made anew")
        poller.bms_db.looked_after()
