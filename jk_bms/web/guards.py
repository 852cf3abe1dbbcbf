"""What every request must pass, whatever it asks for: the name of the host, its rate, its origin."""

import fnmatch
import hmac
import ipaddress
import math
import re
import socket
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from jk_bms.config.settings import Settings
from jk_bms.web.access import Who, place_of
from jk_bms.web.http import FORM, LARGEST_HEADER, Failure, Request

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

# Requests from one address: so many a second, and so many at once.
RATE, BURST = 20.0, 60.0
OFTEN_RATE, OFTEN_BURST = 8.0, 24.0
MOST_ADDRESSES = 1000  # that are remembered

# Everything a page of ours may do: nothing from elsewhere, nothing written into the page itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OFF = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone",
    "midi", "payment", "usb",
)  # fmt: skip
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer: then the Origin of plain forms would be null.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{name}=()" for name in _OFF).encode()),
)


# Within the page of another program, such as that of Home Assistant, ours stands in a frame of the same host.
WITHIN = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
_BASE = re.compile(r"(?:/(?!\.\.?(?:/|\Z))[\w.~-]+)+/?", re.ASCII)
LONGEST_BASE = 200  # characters


class Origin(NamedTuple):
    """Where a request came from, as far as those who say so are believed."""

    address: str
    secure: bool
    host: str
    base: str = "/"  # what every address of the page begins with, as its viewer sees it; "/" at both ends


def headers_of(base: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers of every answer."""
    return ((b"content-security-policy", (POLICY if base == "/" else WITHIN).encode()), *HEADERS)


def origin_of(settings: Settings, peer: str, scheme: str, headers: Mapping[str, str]) -> Origin:
    """Return who asks, how and under which name; proxies are believed only where the owner trusts them."""
    host = headers.get("host", "")
    if not trusted(settings, peer):
        return Origin(peer, scheme == "https", host)
    address = peer
    for said in reversed(headers.get("x-forwarded-for", "").split(",")):
        if not _is_address(said.strip()):
            break
        address = said.strip()
        if not trusted(settings, address):
            break
    proto = headers.get("x-forwarded-proto", scheme).rpartition(",")[2].strip().lower()
    name = headers.get("x-forwarded-host", host).rpartition(",")[2].strip()
    within = headers.get("x-ingress-path", "")
    good = len(within) <= LONGEST_BASE and _BASE.fullmatch(within)
    return Origin(address, proto == "https", name, f"{within.rstrip('/')}/" if good else "/")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def trusted(settings: Settings, peer: str) -> bool:
    """Whether the owner trusts what the machine with that address says of others."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(
        address in network for network in settings.web_trusted_proxies if network.version == address.version
    )


def check_head(headers: Mapping[str, str]) -> None:
    """Raise Failure for a header that is too large though it came at once, or tells the length of its body in two ways.

    Of the latter a proxy may believe the other one: what follows could be a request that it never saw.
    """
    close = (("connection", "close"),)
    if sum(len(name) + len(value) for name, value in headers.items()) > LARGEST_HEADER:
        raise Failure("bad_request", status=431, headers=close)
    if "transfer-encoding" in headers and "content-length" in headers:
        raise Failure("bad_request", headers=close)


class Hosts:
    """Under which names the page answers: with any other, a foreign site could pass for it."""

    def __init__(self, settings: Settings, machine: str = "") -> None:
        name = (machine or socket.gethostname()).lower().rstrip(".")
        short = name.partition(".")[0]
        self._names = {"localhost", name, short, f"{short}.local"}
        if settings.web_url and (own := urlsplit(settings.web_url).hostname):
            self._names.add(own.lower())
        self._patterns = tuple(host for host in settings.web_hosts if host.startswith("*."))
        self._names |= set(settings.web_hosts) - set(self._patterns)

    def check(self, host: str) -> None:
        """Raise Failure for a name that is not one of ours."""
        name = name_of(host)
        if name is not None and (
            name in self._names
            or _is_address(name)
            or any(fnmatch.fnmatchcase(name, pattern) for pattern in self._patterns)
        ):
            return
        raise Failure("bad_request", "api.wrong_host", status=421, name=(name or "-")[:80])


_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/@\\\s]+)(?::[0-9]{1,5})?")


def name_of(host: str) -> str | None:
    """Return the name in a Host header, without port and brackets; None: there is none."""
    found = _HOST.fullmatch(host)
    return found[1].strip("[]").lower().rstrip(".") if found else None


class Rate:
    """How often each address may ask. Programs of this machine itself are not counted."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left: dict[str, tuple[float, float]] = {}  # requests that are left, and when that was so

    def check(self, address: str, now: float) -> None:
        """Count one request at ``now`` s. Raises Failure where there were too many."""
        place = place_of(address)
        if place.startswith("127.") or place == "::/64":
            return
        left, since = self._left.pop(place, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        while len(self._left) >= MOST_ADDRESSES:
            del self._left[next(iter(self._left))]  # the one not heard of for the longest
        self._left[place] = (max(0.0, left - 1.0) if left >= 1.0 else left, now)
        if left < 1.0:
            raise Failure("too_many", retry_after=math.ceil((1.0 - left) / self._rate))


def check_origin(request: Request, who: Who) -> None:
    """Raise Failure where another site may have sent what changes something in the name of a signed-in browser."""
    if request.method in SAFE or who.token is not None:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        good = site in ("same-origin", "none")
    elif origin is not None:
        good = origin.lower().partition("://")[2] == request.host.lower() != ""
    else:
        good = who.session is None  # a program that signs in: no cookie rides along
    if not good:
        raise Failure("csrf")


def check_mark(request: Request, who: Who) -> None:
    """Raise Failure unless the request carries the mark of the session whose cookie it has."""
    if request.method in SAFE or who.session is None:
        return
    given = request.headers.get("x-csrf", "")
    if not given and request.content_type == FORM:
        given = request.form().get("csrf", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), who.csrf.encode()):
        raise Failure("csrf")
