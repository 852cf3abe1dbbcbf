"""A dead man's handle: an address outside is asked for while all is well (``DEADMAN_URL``).

When this machine dies, it cannot tell; the service behind the address notices the silence.
The address is a secret: only its host is ever named.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from jk_bms.clock import Clock
from jk_bms.config.settings.proxies import is_socks, proxy_for
from jk_bms.hub import Part, PartContext

log = logging.getLogger(__name__)

PERIOD = 300.0  # s
FIRST_AFTER = 30.0  # s: until then the batteries have spoken, or something is wrong
PATIENCE = 10.0  # s for one request


class Deadman(Part):
    """Asks for ``url`` now and then while ``well`` returns an empty text; else that says what is wrong.

    ``proxy``: the one that leads there, by HTTP or SOCKS.
    """

    def __init__(self, url: str, clock: Clock, *, well: Callable[[], str], proxy: str | None = None) -> None:
        self._url = url
        self._proxy = proxy
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
            error = _request(self._url, self._proxy)
            with contextlib.suppress(RuntimeError):  # the service has ended meanwhile
                loop.call_soon_threadsafe(finish, error)

        # A daemon: a server that hangs must not hold up the end of the service.
        threading.Thread(target=ask, name="deadman", daemon=True).start()
        try:
            async with asyncio.timeout(2 * PATIENCE):
                return await done
        except TimeoutError:
            return f"no answer within {2 * PATIENCE:g} s"


def _request(url: str, proxy: str | None = None) -> str:
    """Ask for ``url``, by ``proxy`` where there is one; return what went wrong without naming either. Blocks."""
    from urllib.error import HTTPError, URLError  # loaded only where this is wanted
    from urllib.request import Request

    try:
        request = Request(url, headers={"User-Agent": "easun-jkbms"})  # noqa: S310
        with _opener(proxy).open(request, timeout=PATIENCE) as answer:
            answer.read(1024)
    except ImportError as error:
        return f"HTTPS_PROXY speaks SOCKS: the package {error.name} is missing; expected those of requirements-bot.txt"
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


def _opener(proxy: str | None) -> Any:
    """What asks for addresses; HTTPS by ``proxy``."""
    import ssl
    from http.client import HTTPSConnection
    from urllib.request import HTTPSHandler, ProxyHandler, build_opener, getproxies

    context = ssl.create_default_context()
    direct = {name: one for name, one in getproxies().items() if name not in ("https", "all", "no")}
    if proxy is None or not is_socks(proxy):
        return build_opener(
            ProxyHandler(direct | ({"https": proxy} if proxy else {})), HTTPSHandler(context=context)
        )

    from python_socks.sync import Proxy

    socks: str = proxy

    class Connection(HTTPSConnection):
        def connect(self) -> None:
            way = Proxy.from_url(socks, rdns=True)
            plain = way.connect(self.host, self.port, timeout=PATIENCE)
            self.sock = context.wrap_socket(plain, server_hostname=self.host)

    class Handler(HTTPSHandler):
        def https_open(self, request: Any) -> Any:
            return self.do_open(Connection, request)

    return build_opener(ProxyHandler(direct), Handler(context=context))


def deadman(context: PartContext) -> Deadman:
    """Return the handle of ``DEADMAN_URL``."""
    url = context.settings.deadman_url
    assert url is not None  # it is wanted
    return Deadman(url, context.clock, well=context.trouble, proxy=proxy_for(context.settings, url))
