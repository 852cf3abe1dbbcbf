"""What a route is, and how one is found. The routes themselves stand in ``jk_bms.web.table``."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from urllib.parse import unquote

import msgspec

from jk_bms.web.access import Scope, Who
from jk_bms.web.http import JSON, Answer, Request

if TYPE_CHECKING:
    from jk_bms.web.page import Page

Q = TypeVar("Q")
B = TypeVar("B")


class NoQuery(msgspec.Struct, frozen=True):
    """No keys of a query are known."""


class NoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty object, or nothing."""


class Ask(NamedTuple, Generic[Q, B]):
    """A request that may be carried out, with what it says checked."""

    page: Page
    request: Request
    who: Who
    query: Q
    body: B


Work = Callable[[Ask[Any, Any]], Awaitable[Any]]


class Route(NamedTuple):
    """One thing that can be asked for. What the guards, the document and the tests need to know stands here."""

    method: str
    path: str  # parts in braces are values
    scope: Scope
    work: Work
    summary: str
    answer: Any = None  # the type of what comes back as JSON; None: nothing does
    query: type[msgspec.Struct] = NoQuery
    body: Any = None  # the type of a JSON body: a struct, or an object of texts
    form: bool = False  # comes from a plain form, not as JSON
    kind: str = JSON  # content type of what comes back
    status: int = 200
    session: bool = False  # for browsers that are signed in, whatever WEB_READ_PUBLIC or a token says
    sure: bool = False  # the password must have been typed a short while ago
    before_setup: bool = False  # answers though there is no password yet
    fails: tuple[str, ...] = ()  # codes of errors of its own
    often: bool = False  # counted more strictly, since it costs more
    streams: bool = False


class Found(NamedTuple):
    """A route and the values in its path."""

    route: Route
    values: Mapping[str, str]


LONGEST_PATH = 2000  # bytes
_PART = re.compile(r"\{(\w+)\}")
_BAD = re.compile(r"[\x00-\x1f\x7f\\]")


class Table:
    """All routes by their path."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._plain: dict[str, dict[str, Route]] = {}
        self._with_values: list[tuple[tuple[str, ...], dict[str, Route]]] = []
        for route in routes:
            self._methods(route.path)[route.method] = route

    def _methods(self, path: str) -> dict[str, Route]:
        if not _PART.search(path):
            return self._plain.setdefault(path, {})
        parts = tuple(path.split("/"))
        for known, methods in self._with_values:
            if known == parts:
                return methods
        made: dict[str, Route] = {}
        self._with_values.append((parts, made))
        return made

    def find(self, raw_path: bytes) -> tuple[Mapping[str, Route], Mapping[str, str]]:
        """Return the routes of a path by method, and the values in it; both empty: there is none."""
        if len(raw_path) > LONGEST_PATH:
            return {}, {}
        text = raw_path.decode("ascii", "replace")
        if (plain := self._plain.get(text)) is not None:
            return plain, {}
        parts = text.split("/")
        for known, methods in self._with_values:
            if len(known) != len(parts):
                continue
            values = _matched(known, parts)
            if values is not None:
                return methods, values
        return {}, {}


def _matched(known: tuple[str, ...], parts: Sequence[str]) -> dict[str, str] | None:
    values = {}
    for name, given in zip(known, parts, strict=True):
        if found := _PART.fullmatch(name):
            try:
                value = unquote(given, errors="strict")
            except UnicodeDecodeError:
                return None
            if not value or _BAD.search(value) or value in (".", ".."):
                return None
            values[found[1]] = value
        elif name != given:
            return None
    return values


def as_answer(result: Any, route: Route) -> Answer:
    """Return what a route's work gave as an answer."""
    if isinstance(result, Answer):
        return result
    if result is None:
        return Answer(status=route.status if route.status != 200 else 204, kind=None)
    return Answer(msgspec.json.encode(result), route.status)
