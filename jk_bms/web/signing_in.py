"""Set-up, signing in and out, sessions, guests and tokens."""

from datetime import datetime, tzinfo
from typing import Any, Literal

import msgspec

from jk_bms.errors import LiveError
from jk_bms.web.access import LONGEST, Who, cookie_name
from jk_bms.web.answers import Of
from jk_bms.web.http import HTML, Answer, Failure, Request
from jk_bms.web.page import Page
from jk_bms.web.routes import Ask, NoBody, NoQuery
from jk_bms.web.web_db import Token

REFUSED = "the service refused: "


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies share: nothing in them goes unnoticed."""


class SetUp(Body, frozen=True, kw_only=True):
    """The one-time code, and the password that is chosen."""

    code: str
    password: str


class WantedToken(Body, frozen=True, kw_only=True):
    """A token for a program. ``days``: until it ends; absent: never."""

    name: str
    scope: Literal["read", "control"]
    days: int | None = None


class Login(Body, frozen=True, kw_only=True):
    """The password; with ``token`` a program gets one instead of a cookie."""

    password: str
    token: WantedToken | None = None


class NewPassword(Body, frozen=True, kw_only=True):
    """The password that was, and the one that is to be."""

    old_password: str
    new_password: str


class Guest(Body, frozen=True, kw_only=True):
    """Who is to look at the house."""

    name: str


class Join(Body, frozen=True, kw_only=True):
    """A guest's code."""

    code: str


class SessionAnswer(Of, frozen=True, kw_only=True):
    """This browser's session. ``csrf``: what changes something carries it as ``X-CSRF``."""

    scope: str
    csrf: str
    name: str = ""
    sure: bool  # the password was typed a short while ago
    password_fixed: bool  # it stands in the settings and cannot be changed here


class SessionRow(Of, frozen=True, kw_only=True):
    """A browser that is signed in."""

    id: int
    scope: str
    name: str = ""
    browser: str
    made: str
    used: str
    this: bool


class TokenRow(Of, frozen=True, kw_only=True):
    """A program's token, without the token itself."""

    id: int
    name: str
    scope: str
    made: str
    expires: str | None = None


class MadeToken(Of, frozen=True, kw_only=True):
    """A new token: shown once."""

    id: int
    access_token: str
    expires_at: str | None = None


class GuestLink(Of, frozen=True, kw_only=True):
    """What a guest opens, once."""

    code: str
    url: str
    expires_at: str


MOST_DAYS = 3650


async def set_up(ask: Ask[NoQuery, SetUp]) -> Answer:
    """Choose the password with the one-time code: the first one, or another where it was forgotten."""
    return _signed_in(ask.request, await choose_password(ask, ask.body.code, ask.body.password), ask.page)


async def choose_password(ask: Ask[NoQuery, Any], code: str, password: str) -> str:
    """Choose the password with the one-time code; return what the browser is to hold. Raises Failure, LiveError."""
    page, request = ask.page, ask.request
    if page.access.fixed:
        raise Failure("conflict", "api.password_fixed")
    # Judged before the code is used up: a password that is refused must not cost it.
    page.access.check_choice(password, code)
    place = await page.access.begin_code(request.address)
    try:
        await page.house.request("claim", **{"for": "web", "code": code})
    except LiveError as error:
        if not str(error).startswith(REFUSED):
            raise
        if page.access.many_codes():
            await page.house.request("void", **{"for": "web"})
        raise Failure("wrong_password", "api.wrong_code", field="code") from error
    await page.access.good_code(place)
    await page.access.change_password(password, None)
    page.report()
    return await page.access.sign_in(request, ask.who)


async def login(ask: Ask[NoQuery, Login]) -> Answer | MadeToken:
    """Sign in with the password."""
    body, access = ask.body, ask.page.access
    if body.token is not None:
        _check_token(body.token)
    await access.check_password(ask.request.address, body.password)
    if body.token is not None:
        return await _new_token(ask.page, body.token)
    return _signed_in(ask.request, await access.sign_in(ask.request, ask.who), ask.page)


async def join(ask: Ask[NoQuery, Join]) -> Answer:
    """Come in as a guest, with the code of a link."""
    secret = await ask.page.access.let_guest_in(ask.request, ask.who, ask.body.code)
    return _signed_in(ask.request, secret, ask.page)


async def logout(ask: Ask[NoQuery, NoBody]) -> Answer:
    """End this session."""
    await _end_own(ask)
    return Answer(status=204, kind=None, headers=(cookie("", ask.request),))


async def session(ask: Ask[NoQuery, NoBody]) -> SessionAnswer:
    """Who this browser is signed in as."""
    return _session_answer(ask.page, ask.who)


async def sessions(ask: Ask[NoQuery, NoBody]) -> list[SessionRow]:
    """Every browser that is signed in."""
    zone = ask.page.settings.timezone
    return [
        SessionRow(
            id=one.id,
            scope=one.scope,
            name=one.name,
            browser=one.browser,
            made=when(one.made, zone),
            used=when(one.used, zone),
            this=ask.who.session is not None and one.id == ask.who.session.id,
        )
        for one in sorted(ask.page.store.sessions.values(), key=lambda one: one.used, reverse=True)
    ]


async def end_session(ask: Ask[NoQuery, NoBody]) -> None:
    """End one session; only an owner ends those of others."""
    number, who = ask.request.path_values["id"], ask.who
    ended = {one.hash for one in ask.page.store.sessions.values() if str(one.id) == number}
    own = who.session is not None and who.session.hash in ended
    if not ended or not (own or _is_owner(who)):
        raise Failure("not_found", "api.no_such", name=number[:20])
    await ask.page.access.end(ended)


async def end_other_sessions(ask: Ask[NoQuery, NoBody]) -> None:
    """End all sessions but this one."""
    own = ask.who.session
    await ask.page.access.end(
        {key for key, one in ask.page.store.sessions.items() if own is None or one.id != own.id}
    )


async def change_password(ask: Ask[NoQuery, NewPassword]) -> None:
    """Choose another password; all other sessions and all tokens end."""
    access = ask.page.access
    if access.fixed:
        raise Failure("conflict", "api.password_fixed")
    access.check_choice(ask.body.new_password)
    await access.check_password(ask.request.address, ask.body.old_password)
    await access.change_password(ask.body.new_password, ask.who.session)


async def tokens(ask: Ask[NoQuery, NoBody]) -> list[TokenRow]:
    """Every token that was made."""
    zone = ask.page.settings.timezone
    return [
        TokenRow(
            id=one.id,
            name=one.name,
            scope=one.scope,
            made=when(one.made, zone),
            expires=None if one.expires is None else when(one.expires, zone),
        )
        for one in ask.page.store.tokens.values()
    ]


async def make_token(ask: Ask[NoQuery, WantedToken]) -> MadeToken:
    """Make a token for a program."""
    _check_token(ask.body)
    return await _new_token(ask.page, ask.body)


async def end_token(ask: Ask[NoQuery, NoBody]) -> None:
    """Make a token void."""
    number = ask.request.path_values["id"]
    if all(str(one.id) != number for one in ask.page.store.tokens.values()):
        raise Failure("not_found", "api.no_such", name=number[:20])
    await ask.page.access.end_token(int(number))


async def invite_guest(ask: Ask[NoQuery, Guest]) -> GuestLink:
    """Make a link for one guest, good once and for an hour."""
    code, expires = ask.page.access.invite_guest(ask.body.name)
    return GuestLink(
        code=code,
        url=f"{ask.request.origin}join#{code}",
        expires_at=when(expires, ask.page.settings.timezone),
    )


# Plain forms


async def logout_form(ask: Ask[NoQuery, NoBody]) -> Answer:
    """End this session without scripts."""
    await _end_own(ask)
    return go_on(ask.request, "", "/login")


def cookie(secret: str, request: Request) -> tuple[str, str]:
    """Return the header that has a browser hold ``secret``; "": that it forgets what it holds."""
    name = cookie_name(request)
    secure = "; Secure" if request.secure else ""
    age = round(LONGEST) if secret else 0
    return (
        "set-cookie",
        f"{name}={secret}; Path={request.base}; HttpOnly; SameSite=Lax; Max-Age={age}{secure}",
    )


def when(moment: float, zone: tzinfo | None) -> str:
    """Return s since 1970 as a time of the house."""
    return datetime.fromtimestamp(moment, tz=zone).astimezone(zone).isoformat(timespec="seconds")


def go_on(request: Request, secret: str, path: str) -> Answer:
    """Return the way to ``path``, with the session that ``secret`` stands for; "": with none."""
    return Answer(status=303, kind=HTML, headers=(("location", path), cookie(secret, request)))


def _signed_in(request: Request, secret: str, page: Page) -> Answer:
    who = Who(session=page.access.session_of(secret), secret=secret)
    return Answer(msgspec.json.encode(_session_answer(page, who)), headers=(cookie(secret, request),))


async def _end_own(ask: Ask[NoQuery, NoBody]) -> None:
    if ask.who.session is not None:
        await ask.page.access.end({ask.who.session.hash})


def _session_answer(page: Page, who: Who) -> SessionAnswer:
    assert who.session is not None
    return SessionAnswer(
        scope=who.session.scope,
        csrf=who.csrf,
        name=who.session.name,
        sure=page.access.is_sure(who),
        password_fixed=page.access.fixed,
    )


def _check_token(wanted: WantedToken) -> None:
    if wanted.days is not None and not 1 <= wanted.days <= MOST_DAYS:
        raise Failure("bad_request", "api.range", field="days", name="days", low=1, high=MOST_DAYS)


async def _new_token(page: Page, wanted: WantedToken) -> MadeToken:
    secret, token = await page.access.make_token(wanted.name, wanted.scope, wanted.days)
    return made(secret, token, page.settings.timezone)


def made(secret: str, token: Token, zone: tzinfo | None) -> MadeToken:
    """Return a new token as its maker is told it."""
    expires = None if token.expires is None else when(token.expires, zone)
    return MadeToken(id=token.id, access_token=secret, expires_at=expires)


def _is_owner(who: Who) -> bool:
    return who.session is not None and who.session.scope == "admin"
