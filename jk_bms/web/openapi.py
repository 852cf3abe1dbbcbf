"""The document of the API (OpenAPI 3.1), made from the rows of the routes: types, scopes, errors."""

import re
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from types import UnionType
from typing import Any, get_args

import msgspec

from jk_bms import __version__
from jk_bms.web.access import Scope
from jk_bms.web.http import JSON, STATUS, Answer, ErrorAnswer
from jk_bms.web.routes import Ask, NoBody, NoQuery, Route

PLACE = "#/components/schemas/{name}"
USUAL = ("bad_request",)
SECURITY: dict[str, Any] = {
    "session": {"type": "apiKey", "in": "cookie", "name": "easun"},
    "token": {"type": "http", "scheme": "bearer"},
}


async def document_of(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Return the document of what programs may ask for."""
    return Answer(_encoded(ask.page.routes), cache="no-cache")


@cache
def _encoded(routes: tuple[Route, ...]) -> bytes:
    return msgspec.json.encode(document(routes))


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document; plain pages for people are not in it."""
    told = [route for route in routes if not route.form and not route.kind.startswith("text/html")]
    parts = [part for route in told for part in (*_parts(route.answer), route.query, route.body)]
    types = [*(part for part in parts if part is not None), ErrorAnswer]
    schemas, components = msgspec.json.schema_components(types, ref_template=PLACE)
    made: dict[str, Any] = dict(zip(map(repr, types), schemas, strict=True))
    for route in told:
        if len(several := _parts(route.answer)) > 1:
            made[repr(route.answer)] = {"anyOf": [made[repr(part)] for part in several]}
    paths: dict[str, dict[str, Any]] = {}
    for route in told:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, made, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "easun-jkbms",
            "version": __version__,
            "description": "Times are ISO 8601, ages and spans in s. What is not known has no key.",
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }


def _parts(answer: Any) -> tuple[Any, ...]:
    """The types that an answer may have."""
    return get_args(answer) if isinstance(answer, UnionType) else (answer,)


def _operation(route: Route, made: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "parameters": [*_in_path(route), *_in_query(route, made, components)],
        "responses": _responses(route, made),
        "x-scope": route.scope.name.lower(),
    }
    if route.scope is not Scope.OPEN:
        operation["security"] = [{"session": []}] if route.session else [{"session": []}, {"token": []}]
    if route.body is not None:
        content = {JSON: {"schema": made[repr(route.body)]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _in_query(route: Route, made: dict[str, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is NoQuery:
        return []
    name = made[repr(route.query)]["$ref"].rpartition("/")[2]
    schema = components[name]
    needed = set(schema.get("required", ()))
    return [
        {"name": key, "in": "query", "required": key in needed, "schema": kind}
        for key, kind in schema["properties"].items()
    ]


def _responses(route: Route, made: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        answer["content"] = {route.kind: {"schema": made[repr(route.answer)]}}
    elif route.status == 200:
        answer["content"] = {route.kind: {"schema": {"type": "string"}}}
    responses: dict[str, Any] = {str(route.status): answer}
    if route.method == "GET" and route.answer is not None:
        responses["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
    failed = {"content": {JSON: {"schema": made[repr(ErrorAnswer)]}}}
    for status in sorted(_failures(route)):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, **failed}
    return responses


def _failures(route: Route) -> set[int]:
    """Return every status of an error that the route can give."""
    codes: list[str] = [*USUAL, *route.fails, "too_many", "internal"]
    statuses = {421}
    if route.scope is not Scope.OPEN or route.method != "GET":
        codes += ["not_allowed"]
    if route.scope is not Scope.OPEN:
        codes += ["not_signed_in"]
    if not route.before_setup:
        codes += ["setup_needed"]
    if "{" in route.path:
        codes += ["not_found"]
    if route.method not in ("GET", "HEAD"):
        codes += ["csrf", "too_large"]
        statuses |= {408, 415}
    return statuses | {STATUS[code] for code in codes}
