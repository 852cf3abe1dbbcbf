"""A dead man's handle: an address outside is asked for while all is well (``DEADMAN_URL``).

When this machine dies, it cannot tell; the service behind the address notices the silence.
The address is a secret: only its host is ever named.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from jk_bms.clock import Clock

log = logging.getLogger(__name__)

PERIOD = 300.0  # s
FIRST_AFTER = 30.0  # s: until then the batteries have spoken, or something is wrong
PATIENCE = 10.0  # s for one request


class Deadman:
    """Asks for ``url`` now and then while ``well`` returns an empty text; else that says what is wrong."""

    def __init__(self, url: str, clock: Clock, *, well: Callable[[], str]) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or "?"
        self._clock = clock
        self._well = well
        self._failing = False
        self._held_back = False

    async def run(self) -> None:
        """Go on until cancelled."""
        await asyncio.sleep(FIRST_AFTER)
        while True:
            if trouble := self._well():
                if not self._held_back:
                    log.warning("DEADMAN_URL: not asked for: %s", trouble)
                self._held_back = True
            else:
                self._held_back = False
                self._note(await self._ask())
            await asyncio.sleep(PERIOD)

    def _note(self, error: str) -> None:
        if error and not self._failing:
            log.warning("DEADMAN_URL: %s cannot be asked: %s", self._host, error)
        elif self._failing and not error:
            log.info("DEADMAN_URL: %s answers again", self._host)
        self._failing = bool(error)

    async def _ask(self) -> str:
        """Ask once; return what went wrong, or nothing."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()

        def finish(error: str) -> None:
            if not done.done():
                done.set_result(error)

        def ask() -> None:
            error = _request(self._url)
            with contextlib.suppress(RuntimeError):  # the service has ended meanwhile
                loop.call_soon_threadsafe(finish, error)

        # A daemon: a server that hangs must not hold up the end of the service.
        threading.Thread(target=ask, name="deadman", daemon=True).start()
        try:
            async with asyncio.timeout(2 * PATIENCE):
                return await done
        except TimeoutError:
            return f"no answer within {2 * PATIENCE:g} s"


def _request(url: str) -> str:
    """Ask for ``url``; return what went wrong without naming it. Blocks."""
    import ssl  # loaded only where this is wanted
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    try:
        request = Request(url, headers={"User-Agent": "easun-jkbms"})  # noqa: S310
        with urlopen(request, timeout=PATIENCE, context=ssl.create_default_context()) as answer:  # noqa: S310
            answer.read(1024)
    except HTTPError as error:
        return f"it answers with status {error.code}"
    except URLError as error:
        reason = error.reason
        return (
            reason.strerror or type(reason).__name__
            if isinstance(reason, OSError)
            else "it cannot be reached"
        )
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except Exception as error:  # http.client and ssl have many; none may name the address
        return type(error).__name__
    return ""
