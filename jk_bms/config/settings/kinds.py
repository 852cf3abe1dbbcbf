"""What the value of a setting may look like, and what a text becomes."""

import re
from collections.abc import Callable, Iterable
from datetime import time, tzinfo
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple, Self

from jk_bms.battery.curves import Curve
from jk_bms.config.text_file import usable_path
from jk_bms.model.address import parse_address
from jk_bms.model.kinds import SIMULATED

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")  # no inf, nan, 1_000, 1e9
_WHOLE = re.compile(r"[+-]?[0-9]+")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LARGEST_ID = 2**52  # Telegram: "at most 52 significant bits"
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_WEB = re.compile(r"https?://(?P<user>[^\s/?#@]*@)?[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)
_PROXY = re.compile(
    r"(?:(?P<scheme>http|socks5h?)://)?(?P<host>(?:[^\s/?#@]*@)?(?:[\w.-]+|\[[0-9a-f:.]+\]))"
    r"(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE,
)
_PROXY_PORT = 1080  # curl's, where none is named, whatever the scheme
_HOST = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
_HOST_PORT = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[\w.-]+))(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)
_MAIL = re.compile(r"(?:mailto:)?(?P<name>[^\s@:/<>,;]{1,64})@(?P<host>[^\s@:/]+)", re.IGNORECASE)
_WEB_ONLY = re.compile(r"https://(?P<host>[^\s/?#@:]+)(?:[/?#]\S*)?\Z", re.IGNORECASE)
# Names that are of no one, or of this house alone: a push service refuses them as a contact.
_NO_TOP = ("localhost", "local", "lan", "home", "internal", "intranet", "arpa", "test", "invalid", "example")
_NO_DOMAIN = re.compile(r"(?:^|\.)example\.[a-z]+$")
_SERVICE = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


SHORTEST_PASSWORD = 8  # characters, of the page

Network = IPv4Network | IPv6Network


class Refused(Exception):
    """A value that deserves more words than what was expected.

    ``private``: the value itself must not be shown.
    """

    def __init__(self, words: str, *, private: bool = False) -> None:
        super().__init__(words)
        self.private = private


class ChatId(int):
    """The number of a Telegram chat. ``topic``: of a forum, where messages go; None: none is named."""

    topic: int | None

    def __new__(cls, number: int, topic: int | None = None) -> Self:
        """Return ``number`` with its ``topic``."""
        made = super().__new__(cls, number)
        made.topic = topic
        return made


class HostPort(NamedTuple):
    """Where a server is."""

    host: str
    port: int

    def __str__(self) -> str:
        """As one would write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Kind(NamedTuple):
    """What a value may be; ``parse`` raises ValueError for anything else."""

    parse: Callable[[str], object]
    expected: str  # as in "expected ..."
    example: str
    empty: object = None  # what stands for nothing written and no default
    choices: tuple[str, ...] = ()  # the only words there are, if there are few
    low: float | None = None  # the limits of a number
    high: float | None = None


def number(least: float, most: float, example: str, what: str = "seconds") -> Kind:
    """A number of ``what`` in these limits."""

    def parse(text: str) -> float:
        if not _NUMBER.fullmatch(text) or not least <= float(text) <= most:
            raise ValueError(text)
        return float(text)

    return Kind(parse, f"{what} as a number from {least:g} to {most:g}", example, low=least, high=most)


def whole(least: int, most: int, what: str, example: str) -> Kind:
    """A whole number in these limits."""

    def parse(text: str) -> int:
        # The length first: a number of a million digits takes long to convert.
        if not _WHOLE.fullmatch(text) or len(text) > 12 or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return Kind(parse, f"{what} from {least} to {most}", example, low=least, high=most)


def choice(*options: str) -> Kind:
    """One of these words, whatever the case."""

    def parse(text: str) -> str:
        if text.lower() not in options:
            raise ValueError(text)
        return text.lower()

    return Kind(parse, "one of " + ", ".join(options), options[0], choices=options)


def closest(word: str, words: Iterable[str], likeness: float) -> list[str]:
    """Return the one of ``words`` that is most like ``word``; nothing when none is alike."""
    from difflib import get_close_matches  # only met when something is wrong

    return get_close_matches(word, sorted(words), n=1, cutoff=likeness)


def _parse_flag(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(text)


def _parse_path(text: str) -> Path:
    if "://" in text:  # it may hold a password
        raise Refused("is an address of a server; expected a path", private=True)
    return usable_path(text)


def _parse_first_path(text: str) -> Path:
    return usable_path(text.split(":", maxsplit=1)[0])  # systemd lists several with colons


def _parse_db_type(text: str) -> str:
    if text.lower() == "mysql":
        raise Refused("mysql is not supported by this version; expected sqlite")
    if text.lower() != "sqlite":
        raise ValueError(text)
    return "sqlite"


def _parse_device(text: str) -> str:
    return SIMULATED if text.lower() == SIMULATED else parse_address(text)


def _parse_adapter(text: str) -> str:
    return text if re.fullmatch(r"hci[0-9]{1,3}", text) else parse_address(text)


def _parse_curve(text: str) -> Curve:
    points = []
    for point in text.split(","):
        v, colon, soc = (part.strip() for part in point.partition(":"))
        if not (colon and _NUMBER.fullmatch(v) and _NUMBER.fullmatch(soc)):
            raise ValueError(text)
        if not (0.5 <= float(v) <= 5.0 and 0.0 <= float(soc) <= 100.0):
            raise Refused(f"the point {point.strip()!r} lies outside 0.5 to 5 V and 0 to 100 %")
        points.append((float(v), float(soc)))
    try:
        return Curve(points)
    except ValueError as error:
        raise Refused(f"{error}; expected {CURVE.expected}, e.g. {CURVE.example}") from error


def _parse_level(text: str) -> str:
    level = {"WARN": "WARNING", "FATAL": "CRITICAL"}.get(text.upper(), text.upper())
    if level not in _LEVELS:
        raise ValueError(text)
    return level


def _parse_timezone(text: str) -> tzinfo:
    from zoneinfo import ZoneInfo, available_timezones  # only for those who set it

    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:  # unknown, ../.., a folder like Europe
        names = sorted(available_timezones())
        wanted = text.casefold().replace(" ", "_")
        close = [name for name in names if wanted and wanted == name.rpartition("/")[2].casefold()]
        close = close or [name for name in names if wanted == name.casefold()] or closest(text, names, 0.6)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise Refused(f"expected {TIMEZONE.expected}, e.g. {TIMEZONE.example}{hint}") from error


def _parse_token(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,20}:[\w-]{3,}", text, re.ASCII):
        raise ValueError(text)
    return text


def _parse_secret(text: str) -> str:
    if re.search(r"[^!-~]", text):  # it travels in a header: letters, digits and signs of ASCII only
        raise ValueError(text)
    return text


def _parse_ids(text: str, least: int) -> tuple[int, ...]:
    found = []
    for part in re.split(r"[\s,;]+", text.strip(" ,;")):
        if part.startswith("@"):
            raise Refused(f"{part!r} is a name; expected its number, which the bot's command /chatid tells")
        if not _WHOLE.fullmatch(part) or len(part) > 17 or not least <= int(part) <= _LARGEST_ID:
            raise ValueError(part)
        if int(part) == 0:
            raise ValueError(part)
        found.append(int(part))
    return tuple(dict.fromkeys(found))


def _parse_chats(text: str) -> tuple[ChatId, ...]:
    found: dict[int, ChatId] = {}
    for part in re.split(r"[\s,;]+", text.strip(" ,;")):
        number, colon, topic = part.partition(":")
        (chat,) = _parse_ids(number, -_LARGEST_ID)
        if colon and chat > 0:  # topics are those of groups; and this may be a token, which must not be shown
            raise ValueError(text)
        named = ChatId(chat, *_parse_ids(topic, 1)) if colon else ChatId(chat)
        if found.setdefault(chat, named).topic != named.topic:
            raise Refused(f"{chat} is named with two topics; expected one place for each chat")
    return tuple(found.values())


def _parse_time(text: str) -> time:
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError(text)
    hour, minute, second = (int(part or 0) for part in found.groups())
    return time(hour, minute, second)


def _parse_span(text: str) -> tuple[time, time]:
    start, dash, end = (part.strip() for part in text.partition("-"))
    if not dash:
        raise ValueError(text)
    span = _parse_time(start), _parse_time(end)
    if span[0] == span[1]:
        raise Refused(f"begins and ends at the same time; expected {SPAN.expected}, e.g. {SPAN.example}")
    return span


def _parse_bind(text: str) -> str:
    return "127.0.0.1" if text.lower() == "localhost" else str(ip_address(text.strip("[]")))


def _parse_host_port(text: str, least: int, usual: str = "") -> HostPort:
    found = _HOST_PORT.fullmatch(text)
    if found is None or not least <= int(found["port"] or usual) <= 65535:  # int("") is a ValueError, too
        raise ValueError(text)
    return HostPort(found["name"] or str(ip_address(found["address"])), int(found["port"] or usual))


def _parse_word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", text):
        raise ValueError(text)
    return text


def _parse_topic(text: str) -> str:
    if re.search(r"[+#\x00-\x1f\x7f]|\A[$/]|//", text) or len(text.encode()) > 64:
        raise ValueError(text)
    return text.rstrip("/")


def _parse_networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(part, strict=False) for part in re.split(r"[\s,;]+", text.strip(" ,;")))


def _parse_hosts(text: str) -> tuple[str, ...]:
    found = [part.lower().rstrip(".") for part in re.split(r"[\s,;]+", text.strip(" ,;"))]
    for part in found:
        if not _HOST.fullmatch(part):
            raise Refused(
                f"{part[:80]!r} is no name of a host; expected {HOSTS.expected}, e.g. {HOSTS.example}"
            )
    return tuple(dict.fromkeys(found))


def _parse_contact(text: str) -> str:
    mail = _MAIL.fullmatch(text)
    host = (mail or _WEB_ONLY.match(text) or {"host": ""})["host"].lower().rstrip(".")
    if not host:
        raise ValueError(text)
    top = host.rpartition(".")[2]
    if not _HOST.fullmatch(host) or top in ("", host, *_NO_TOP) or top.isdigit() or _NO_DOMAIN.search(host):
        raise Refused(
            f"{host[:80]!r} is no domain of the internet; expected {CONTACT.expected}, e.g. {CONTACT.example}"
        )
    return f"mailto:{mail['name']}@{host}" if mail else text


def _parse_password(text: str) -> str:
    if len(text) < SHORTEST_PASSWORD:
        raise ValueError(text)
    return text


def _parse_private_web(text: str) -> str:
    if not _WEB.fullmatch(text):
        raise ValueError(text)
    return text


def _parse_proxy(text: str) -> str:
    found = _PROXY.fullmatch(text)
    if found is None or not 1 <= (port := int(found["port"] or _PROXY_PORT)) <= 65535:
        raise ValueError(text)
    # Names are looked up by the proxy in any case: where Telegram is blocked, so is often its name.
    return f"{(found['scheme'] or 'http').lower().removesuffix('h')}://{found['host']}:{port}"


def _parse_web(text: str) -> str:
    found = _WEB.fullmatch(text)
    if "@" in text.partition("?")[0] and (not found or found["user"]):
        raise Refused(
            "holds a user name or a password, which would be shown; expected an address without", private=True
        )
    if not found:
        raise ValueError(text)
    return text.rstrip("/")


def _parse_codes(text: str) -> tuple[int, ...]:
    from jk_bms.rules.catalogue import all_codes  # only for those who set it: the rules are large

    known = {str(code): code for code in all_codes()}
    parts = re.split(r"[\s,;]+", text.strip(" ,;"))
    unknown = [part for part in parts if part not in known]
    if unknown:
        raise Refused(
            f"no alert has the code {unknown[0][:20]!r}; expected {CODES.expected}, e.g. {CODES.example}; "
            "docs/alerts.md lists all codes"
        )
    return tuple(dict.fromkeys(known[part] for part in parts))


def _parse_services(text: str) -> tuple[str, ...]:
    # A comma may be part of such a URL (several receivers): it parts two only before a blank or a scheme.
    found = re.split(r",?\s+|,(?=[A-Za-z][A-Za-z0-9+.-]*://)", text.strip(" ,"))
    if not all(_SERVICE.fullmatch(url) for url in found):
        raise ValueError(text)
    return tuple(dict.fromkeys(found))


# fmt: off
FLAG     = Kind(_parse_flag, "true or false", "true", choices=("true", "false"))
TEXT     = Kind(str, "a text", "battery")
PATH     = Kind(_parse_path, "a path", "/opt/eamoon/inverter.db")
RUNTIME  = Kind(_parse_first_path, "a path", "/run/easun-jkbms")
DB_TYPE  = Kind(_parse_db_type, "sqlite", "sqlite")
DEVICE   = Kind(_parse_device, "a Bluetooth address or 'simulated'", "AA:BB:CC:DD:EE:FF")
ADAPTER  = Kind(_parse_adapter, "an adapter's name or address", "hci0")
CURVE    = Kind(_parse_curve, "V:% points with rising voltage", "2.50:0,3.30:50,3.65:100")
LEVEL    = Kind(_parse_level, "one of " + ", ".join(_LEVELS), "INFO", choices=_LEVELS)
TIMEZONE = Kind(_parse_timezone, "a time zone of the tz database", "Europe/Kyiv")
TOKEN    = Kind(_parse_token, "the token that @BotFather gave", "123456789:AAExampleExampleExampleExample00000")
SECRET   = Kind(_parse_secret, "a key without blanks", "sk-example")
CHATS    = Kind(_parse_chats, "numbers of chats, separated by commas, a forum's topic behind a colon",
                "123456789,-1001234567890:45", ())
USERS    = Kind(lambda text: _parse_ids(text, 1), "numbers of users, separated by commas",
                "123456789,987654321", ())
TIME     = Kind(_parse_time, "a time of day HH:MM or HH:MM:SS", "23:59")
SPAN     = Kind(_parse_span, "two times of day HH:MM-HH:MM", "22:00-07:00")
WEB      = Kind(_parse_web, "an address that begins with http:// or https://", "https://house.example:8000")
PROXY    = Kind(_parse_proxy, "http://host:port or socks5://host:port, with name:password@ before the host where needed "
                f"(as curl reads it: http and port {_PROXY_PORT} may be left out)",
                "socks5://127.0.0.1:9050")
BIND     = Kind(_parse_bind, "an address of this machine", "127.0.0.1")
HOST_PORT = Kind(lambda text: _parse_host_port(text, 1, "8086"),
                 "a host and, behind a colon, its port; no http:// before it", "influx.house.example:8086")
BROKER   = Kind(lambda text: _parse_host_port(text, 1, "1883"),
                 "a host and, behind a colon, its port; no mqtt:// before it", "192.168.1.5:1883")
TOPIC    = Kind(_parse_topic, "a topic without +, # and a leading $ or /", "house1")
LISTEN   = Kind(lambda text: _parse_host_port(text, 0), "an address of this machine and, behind a colon, a port",
                "127.0.0.1:9779")
WORD     = Kind(_parse_word, "up to 32 letters of ASCII, digits, _ and -", "house1")
NETWORKS = Kind(_parse_networks, "addresses or networks, separated by commas", "127.0.0.1,::1", ())
HOSTS    = Kind(_parse_hosts, "names of hosts without a port, separated by commas, with *. before a domain for all below it",
                "house.example.org,*.example.net", ())
PASSWORD = Kind(_parse_password, f"a password of at least {SHORTEST_PASSWORD} characters", "three-words-of-yours")
PRIVATE_WEB = Kind(_parse_private_web, WEB.expected, "https://hc-ping.com/your-check")
CONTACT  = Kind(_parse_contact, "a mail address, or an address that begins with https://", "me@my-domain.net")
CODES    = Kind(_parse_codes, "codes of alerts, separated by commas", "1005,1016", ())
SERVICES = Kind(_parse_services, "addresses of Apprise, separated by blanks",
                "ntfy://ntfy.sh/our-house mailtos://name:word@mail.example", ())
# fmt: on
