"""What goes in and out by HTTP, apart from who may and what it means: requests, answers, failures."""

import gzip
import hashlib
import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from jk_bms.texts import Texts

JSON, HTML, FORM = "application/json", "text/html; charset=utf-8", "application/x-www-form-urlencoded"

# Only where the page stands alone: within that of another program, that one is installed, signed in to and pushed by.
ALONE = ("/sw.js", "/start", "/api/start", "/api/push")
PROGRAMS = ("/api/", "/bms_jk/")  # what programs ask for

LARGEST_BODY = 64 * 1024  # bytes
LARGEST_HEADER = 16 * 1024  # bytes
GZIP_FROM = 512  # bytes
GZIP_LEVEL = 5
MOST_KEYS = 64  # of a query

# What each code of an error stands for, unless a failure says otherwise.
STATUS: Mapping[str, int] = {
    "bad_request": 400,
    "not_signed_in": 401,
    "wrong_password": 401,
    "not_allowed": 403,
    "setup_needed": 403,
    "csrf": 403,
    "not_found": 404,
    "gone": 410,
    "conflict": 409,
    "too_large": 413,
    "too_many": 429,
    "poller_away": 503,
    "database_away": 503,
    "busy": 503,
    "refused": 409,
    "internal": 500,
}


class Failure(Exception):
    """An answer that is an error. ``kind``: a key of STATUS. ``words``: a text of topic ``api``, filled with ``values``.

    ``said``: words of the service in place of a text of ours. ``retry_after``: s.
    """

    def __init__(
        self,
        kind: str,
        words: str = "",
        /,
        *,
        status: int | None = None,
        field: str = "",
        said: str = "",
        retry_after: float | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        **values: Any,
    ) -> None:
        super().__init__(words or kind)
        self.code = kind
        self.status = status or STATUS[kind]
        self.field = field
        self.said = said
        self.retry_after = retry_after
        self.headers = headers
        self._words = words or f"api.{kind}"
        self._values = values

    @property
    def all_headers(self) -> tuple[tuple[str, str], ...]:
        """Its own, and those that its status asks for."""
        headers = self.headers
        if self.retry_after is not None:
            headers += (("retry-after", f"{max(1, round(self.retry_after))}"),)
        if self.status == 401:
            headers += (("www-authenticate", "Bearer"),)
        return headers

    def message(self, texts: Texts) -> str:
        """What the person who asked is told."""
        return self.said or texts(self._words, **self._values)


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong."""

    code: str
    message: str
    field: str = ""  # of the request, where one is at fault
    hint: str = ""  # what to do
    id: str = ""  # under which the log has more


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The one form of every error."""

    error: ErrorBody


class Answer(NamedTuple):
    """What is sent back. ``stream``: after ``body``, piece by piece, as it comes; it has begun, see ``begun``."""

    body: bytes = b""
    status: int = 200
    kind: str | None = JSON  # content type
    headers: tuple[tuple[str, str], ...] = ()
    stream: AsyncGenerator[bytes] | None = None
    etag: str | None = None
    cache: str | None = None  # Cache-Control; None: never kept
    packed: bytes | None = None  # the body, compressed already


async def begun(kind: str, pieces: AsyncGenerator[bytes], **more: Any) -> Answer:
    """Return ``pieces`` as an answer, the first of them taken: what it counts and holds, it does from here on."""
    return Answer(await anext(pieces), kind=kind, stream=pieces, **more)


class Request:
    """One request, as far as it is read: its body is read last, when it is known that it may come."""

    def __init__(
        self,
        *,
        method: str,
        path: str,
        query_string: bytes,
        headers: Mapping[str, str],
        address: str,
        secure: bool,
        host: str,
        texts: Texts,
        base: str = "/",
        within: bool = False,
        peer: str = "",
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.address = address  # of the machine that asks
        self.peer = peer  # of the machine that connected: a proxy, if not the same
        self.secure = secure  # it came by https
        self.host = host  # as the browser wrote it, with its port
        self.base = base  # what every address of the page begins with, as the browser sees it
        self.texts = texts
        self.within = within  # it came to the port that is for Home Assistant alone
        self.path_values: dict[str, str] = {}
        self.body = b""
        self._query_string = query_string

    @property
    def origin(self) -> str:
        """The address of the first page, as the browser sees it, with a slash at its end."""
        return f"{'https' if self.secure else 'http'}://{self.host}{self.base}"

    @property
    def query(self) -> dict[str, str]:
        """The query; of a doubled key the last. Raises Failure for one that cannot be read."""
        try:
            pairs = parse_qsl(
                self._query_string.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MOST_KEYS,
            )
        except ValueError as error:
            raise Failure("bad_request", "api.bad_query") from error
        return dict(pairs)

    def cookies(self, name: str) -> list[str]:
        """Return what came under ``name``: of several paths a browser sends several.

        Cookies of other programs of this machine come along, in whatever form; they are passed over.
        """
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return [value for key, _, value in pairs if key == name]

    @property
    def content_type(self) -> str:
        """The type of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def wants_page(self) -> bool:
        """Whether a browser asks for something to show, not a program for values."""
        accept = self.headers.get("accept", "*/*")
        return not self.path.startswith(PROGRAMS) and ("text/html" in accept or "*/*" in accept)

    def form(self) -> dict[str, str]:
        """The fields of a plain form. Raises Failure."""
        try:
            return dict(
                parse_qsl(
                    self.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_KEYS
                )
            )
        except ValueError as error:
            raise Failure("bad_request", "api.bad_form") from error


_PLACE = re.compile(r" - at `\$?\.?(?P<where>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]*)`")


def explained(error: msgspec.ValidationError, known: tuple[str, ...]) -> Failure:
    """Return what to answer to a query or body that is not as expected. ``known``: the names of its fields."""
    said = str(error)
    if found := _UNKNOWN.search(said):
        return Failure(
            "bad_request",
            "api.unknown_field",
            field=found["name"][:80],
            name=found["name"][:80],
            known=", ".join(known),
        )
    if found := _MISSING.search(said):
        return Failure("bad_request", "api.missing_field", field=found["name"], name=found["name"])
    place = _PLACE.search(said)
    where = place["where"] if place else ""
    return Failure(
        "bad_request", "api.wrong_value", field=where, name=where or "-", why=_PLACE.sub("", said)[:200]
    )


def decoded_query(request: Request, kind: type[msgspec.Struct]) -> Any:
    """Return the query as ``kind``. Raises Failure naming the field."""
    query = {name: value for name, value in request.query.items() if name != "pretty"}
    names = kind.__struct_encode_fields__
    for name in query:
        if name not in names:
            raise Failure(
                "bad_request",
                "api.unknown_key",
                field=name[:80],
                name=name[:80],
                known=", ".join(names) or "-",
            )
    try:
        return msgspec.convert(query, kind, strict=False)
    except msgspec.ValidationError as error:
        raise explained(error, names) from error


def decoded_body(request: Request, kind: Any) -> Any:
    """Return the JSON body as ``kind``. Raises Failure naming the field."""
    try:
        return msgspec.json.decode(request.body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise explained(error, getattr(kind, "__struct_encode_fields__", ())) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failure("bad_request", "api.not_json", why=str(error)[:200]) from error


# Names of figures that only say how old something is: they change by themselves.
AGES = frozenset({"age", "for", "last_frame", "released_for", "uptime", "lasted"})


def etag_of(value: Any) -> str:
    """Return the tag of an answer: the same as long as nothing but ages changed."""
    return hashlib.blake2b(
        msgspec.json.encode(without_ages(msgspec.to_builtins(value))), digest_size=12
    ).hexdigest()


def without_ages(value: Any) -> Any:
    """Return plain ``value`` without the figures that only tell how old something is."""
    if isinstance(value, dict):
        return {key: without_ages(item) for key, item in value.items() if key not in AGES}
    return [without_ages(item) for item in value] if isinstance(value, list) else value


def packed(body: bytes) -> bytes:
    """Return ``body`` compressed, the same each time."""
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def accepts_gzip(headers: Mapping[str, str]) -> bool:
    """Whether the one who asks can unpack."""
    for part in headers.get("accept-encoding", "").split(","):
        name, _, rest = part.strip().partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return not re.fullmatch(r"\s*q\s*=\s*0(?:\.0*)?\s*", rest)
    return False


def same_tag(sent: str, etag: str) -> bool:
    """Whether ``If-None-Match`` names ``etag``, however it was packed."""
    tags = {tag.strip().removeprefix("W/").strip('"').removesuffix("-gzip") for tag in sent.split(",")}
    return etag in tags or "*" in tags


def own_path(path: str) -> str:
    """Return where to go on after signing in: ``path`` where it is one of ours, else the first page."""
    good = path.startswith("/") and not re.search(r"[\\\x00-\x20\x7f]|//", path) and path.isascii()
    return path if good and len(path) <= 500 else "/"
