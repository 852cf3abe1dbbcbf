"""The push services: which addresses are theirs, how one is asked, and what its answer means.

A browser says where its messages go, and so could say anything: only https to known services, at addresses of the
internet, each connected to by the very address that was looked at. Nothing is followed, little is read.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, NamedTuple

import h11

from jk_bms.errors import reason
from jk_bms.model.foreign_text import harmless

# Of Apple, Google, Mozilla, Microsoft. With a dot in front: every name below.
SERVICES = (".push.apple.com", "fcm.googleapis.com", ".push.services.mozilla.com", ".notify.windows.com")

PORT = 443
PATIENCE = 10.0  # s for all of a message
MOST_READ = 1024  # bytes of an answer
LONGEST_WHY = 200  # characters of its reason that are told
LEAST_WAIT, MOST_WAIT = 60.0, 4 * 3600.0  # s that a service may ask to be left alone for
WRONG_CLOCK = timedelta(minutes=5)  # from here on it is our clock that a signature is refused for

_ENDPOINT = re.compile(
    r"https://(?P<host>(?=[^:/]{1,253}[:/])(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63})(?::443)?"
    r"(?P<path>/[!-\[\]-~]{0,2000})"
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Resolve = Callable[[str], Awaitable[Sequence[str]]]
Connect = Callable[[str, ssl.SSLContext, str], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class BadEndpoint(Exception):
    """An address that no message goes to; says why."""


class Fate(Enum):
    """What became of a message."""

    HANDED_OVER = "handed over"
    GONE = "there is no such subscription any more"
    REFUSED = "we are refused: contact, key or clock"
    TOO_LARGE = "too large"
    WAIT = "asked to wait"
    TROUBLE = "its fault, or that of the way there"


class Outcome(NamedTuple):
    """What a push service answered. ``after``: s that it asks to be left alone for."""

    fate: Fate
    why: str = ""
    after: float = 0.0


FATES: Mapping[int, Fate] = {
    **dict.fromkeys((200, 201, 202, 204), Fate.HANDED_OVER),
    **dict.fromkeys((404, 410), Fate.GONE),
    413: Fate.TOO_LARGE,
    429: Fate.WAIT,
    408: Fate.TROUBLE,
}


def parts_of(endpoint: str, more: Sequence[str] = ()) -> tuple[str, str]:
    """Return host and path of an ``endpoint``. ``more``: ends of names of further services. Raises BadEndpoint."""
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None:
        raise BadEndpoint("expected https:// with the name of a push service, and a path")
    host = found["host"]
    names = (*SERVICES, *more, *(f".{name.removeprefix('*.')}" for name in more))
    if not any(host == name or (name.startswith(".") and host.endswith(name)) for name in names):
        raise BadEndpoint(f"{host} is no push service that is known; PUSH_HOSTS adds one")
    return host, found["path"]


def is_public(address: str) -> bool:
    """Whether ``address`` is one of the internet, and leads to no other: 4in6, 6to4, Teredo, NAT64 carry IPv4."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    carried: list[ipaddress.IPv4Address | None] = []
    if isinstance(parsed, ipaddress.IPv6Address):
        carried = [parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ())]
        if parsed in _NAT64:
            carried.append(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
        if parsed.ipv4_mapped is not None:  # not every Python judges these by what they carry
            return is_public(str(parsed.ipv4_mapped))
    return (
        parsed.is_global
        and not parsed.is_multicast
        and all(one is None or (one.is_global and not one.is_multicast) for one in carried)
    )


class PushServices:
    """Sends. ``hosts``: of further services; ``resolve``, ``connect``, ``context``: how the network is asked."""

    def __init__(
        self,
        hosts: Sequence[str] = (),
        *,
        resolve: Resolve | None = None,
        connect: Connect | None = None,
        context: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._hosts = hosts
        self._resolve = resolve or _resolved
        self._connect = connect or _connected
        self._context = context
        self._now = now

    async def post(self, endpoint: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Hand over ``body``. What goes wrong is an Outcome, too."""
        try:
            host, path = parts_of(endpoint, self._hosts)
        except BadEndpoint as error:  # the owner took it out of PUSH_HOSTS
            return Outcome(Fate.GONE, str(error))
        try:
            async with asyncio.timeout(PATIENCE):
                status, said, text = await self._ask(host, path, headers, body)
        except TimeoutError:
            return Outcome(Fate.TROUBLE, f"{host}: no answer within {PATIENCE:g} s")
        except ssl.SSLCertVerificationError as error:
            return Outcome(Fate.TROUBLE, f"{host}: its certificate is not good: {error.verify_message}")
        except OSError as error:
            return Outcome(Fate.TROUBLE, f"{host}: {reason(error)}")
        except (h11.ProtocolError, EOFError) as error:
            return Outcome(Fate.TROUBLE, f"{host}: no answer that is understood ({type(error).__name__})")
        return self._judged(host, status, said, text)

    def _judged(self, host: str, status: int, said: Mapping[str, str], text: bytes) -> Outcome:
        fate = FATES.get(status, Fate.REFUSED if 400 <= status < 500 else Fate.TROUBLE)
        words = harmless(text.decode("utf-8", "replace"), LONGEST_WHY).strip()
        why = "" if fate is Fate.HANDED_OVER else f"{host}: status {status}{': ' if words else ''}{words}"
        if fate is Fate.WAIT:
            return Outcome(fate, why, _wait(said.get("retry-after", ""), self._now()))
        time = _date(said.get("date", ""))
        if fate is Fate.REFUSED and time is not None and abs(self._now() - time) > WRONG_CLOCK:
            # A board that woke without network signs with an old time until it is told a better one.
            return Outcome(Fate.TROUBLE, f"{why} (the clock here is not that of {host})")
        return Outcome(fate, why)

    async def _ask(
        self, host: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        addresses = await self._resolve(host)
        if not addresses or not all(map(is_public, addresses)):
            raise OSError(
                f"its name leads to {', '.join(addresses) or 'no address'}, which is not of the internet"
            )
        if self._context is None:
            self._context = ssl.create_default_context()
        reader, writer = await self._first(addresses, host, self._context)
        try:
            connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=16 * 1024)
            fields = {"Host": host, "Content-Length": str(len(body)), "Connection": "close", **headers}
            head = connection.send(h11.Request(method="POST", target=path, headers=list(fields.items())))
            text = connection.send(h11.Data(data=body)) or b""
            writer.write((head or b"") + text + (connection.send(h11.EndOfMessage()) or b""))
            await writer.drain()
            return await _answer(connection, reader)
        finally:
            writer.transport.abort()

    async def _first(
        self, addresses: Sequence[str], host: str, context: ssl.SSLContext
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the first of ``addresses`` that can be reached."""
        last: OSError | None = None
        for address in addresses:
            try:
                return await self._connect(address, context, host)
            except ssl.SSLError:
                raise
            except OSError as error:
                last = error
        assert last is not None  # there is at least one address
        raise last


async def _resolved(host: str) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def _connected(
    address: str, context: ssl.SSLContext, host: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(address, PORT, ssl=context, server_hostname=host)


async def _answer(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and the beginning of the text. Raises EOFError, h11.ProtocolError."""
    status, headers, text = 0, dict[str, str](), b""
    while len(text) < MOST_READ:
        event: Any = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(4096)
            if not data:
                break
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            text += event.data
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
            break
    if not status:
        raise EOFError
    return status, headers, text[:MOST_READ]


def _wait(said: str, now: datetime) -> float:
    """Return for how many s ``Retry-After`` asks: a number, or a time."""
    if re.fullmatch(r"[0-9]{1,9}", said):
        wanted = float(said)
    else:
        until = _date(said)
        wanted = 0.0 if until is None else (until - now).total_seconds()
    return min(max(wanted, LEAST_WAIT), MOST_WAIT)


def _date(said: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(said)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
