"""What browsers ask of push: whether it can be had, to be told, and to be told no more."""

from typing import Any, Literal

import msgspec

from jk_bms.config.settings.kinds import CONTACT as MAIL
from jk_bms.config.settings.kinds import Refused
from jk_bms.web.answers import Of
from jk_bms.web.http import Answer, Failure
from jk_bms.web.push.channel import CONTACT
from jk_bms.web.push.keyfile import base64url, installed, unbase64url
from jk_bms.web.push.services import BadEndpoint, parts_of
from jk_bms.web.routes import Ask, NoBody, NoQuery
from jk_bms.web.signing_in import Body, when
from jk_bms.web.web_db import Subscription

MOST = 20  # browsers
AUTH = 16  # bytes


class Keys(msgspec.Struct, frozen=True):
    """What messages to a browser are encrypted with, as base64url."""

    p256dh: str = ""
    auth: str = ""


class Target(Body, frozen=True, kw_only=True):
    """A subscription as browsers write it."""

    endpoint: str = ""
    expirationTime: float | None = None  # the browsers' name; no service sets it
    keys: Keys = Keys()


class Wanted(Target, frozen=True, kw_only=True):
    """A subscription, at top level or in ``subscription``. ``contact``: asked of the owner, once."""

    subscription: Target | None = None
    language: Literal["en", "uk"] | None = None
    contact: str = ""


class Looked(msgspec.Struct, frozen=True):
    """``key``: ours is wanted, as it is to subscribe; no: whoever only looks has none made."""

    key: Literal["yes", "no"] = "yes"


class PushState(Of, frozen=True, kw_only=True):
    """Push, as this browser may have it. ``key``: ours, public, as base64url."""

    possible: bool  # False: a library is missing on the monitor
    key: str = ""  # "": none was made yet
    on: bool  # this browser is told
    contact_wanted: bool = False  # the owner is asked for it first
    only: bool = False  # no other channel is configured
    trouble: str = ""  # why a push service refuses us
    ended: str = ""  # when this browser, which was told, ceased to be, though nobody turned it off
    reason: str = ""  # for that


async def state(ask: Ask[Looked, NoBody]) -> Answer:
    """Return whether this browser is told, and what it needs for that; a first key is made where it is wanted."""
    return Answer(msgspec.json.encode(await _state(ask, make=ask.query.key == "yes")))


async def _state(ask: Ask[Any, Any], *, make: bool = True) -> PushState:
    page = ask.page
    if not installed():
        return PushState(possible=False, on=False)
    over = page.store.ended.get(_session(ask))
    return PushState(
        possible=True,
        key=base64url(await page.store.aside(page.push.key.make if make else page.push.key.public)),
        on=_session(ask) in page.store.subscriptions,
        contact_wanted=page.push.contact is None,
        only=page.push.only,
        trouble=page.push.trouble,
        ended="" if over is None or over.ended is None else when(over.ended, page.settings.timezone),
        reason="" if over is None else over.refusal,
    )


async def subscribe(ask: Ask[NoQuery, Wanted]) -> Answer:
    """Have this browser told of alerts; what it had before is replaced."""
    page, body, session = ask.page, ask.body, _session(ask)
    there = page.store.subscriptions
    if not installed():
        raise Failure("conflict", "api.no_push")
    target = _checked(ask, body.subscription or body)
    if len(there) >= MOST and session not in there:
        raise Failure("conflict", "api.many_pushed", most=MOST)
    if body.contact:
        await _keep_contact(ask, body.contact)
    if page.push.contact is None:
        raise Failure("bad_request", "api.missing_field", field="contact", name="contact")
    key = await page.store.aside(page.push.key.make)
    now, before = page.push.now(), there.get(session)
    made = Subscription(
        session=session,
        endpoint=target.endpoint,
        p256dh=unbase64url(target.keys.p256dh),
        auth=unbase64url(target.keys.auth),
        key=key,
        origin=ask.request.origin,
        language=body.language or ask.request.texts.language,
        made=now,
        place=await page.push.newest(),
        answered=now,
    )
    if before is None or any(getattr(before, name) != getattr(made, name) for name in _OWN):
        await page.store.aside(page.store.subscribe, made)
        page.push.change()
    return Answer(msgspec.json.encode(await _state(ask)))


_OWN = ("endpoint", "p256dh", "auth", "key", "origin", "language")  # what a browser says anew


async def unsubscribe(ask: Ask[NoQuery, NoBody]) -> None:
    """Have this browser told no more."""
    await ask.page.store.aside(ask.page.store.unsubscribe, {_session(ask)})
    ask.page.push.change()


def _session(ask: Ask[Any, Any]) -> bytes:
    assert ask.who.session is not None  # the route is for those who are signed in
    return ask.who.session.hash


def _checked(ask: Ask[Any, Any], target: Target) -> Target:
    """Return ``target`` where it is a good one. Raises Failure naming the member that is not."""
    from jk_bms.web.push.crypto import is_point

    try:
        parts_of(target.endpoint, ask.page.settings.push_hosts)
    except BadEndpoint as error:
        raise _bad("endpoint", str(error)) from error
    for member, text, expected, good in (
        ("keys.p256dh", target.keys.p256dh, "expected a point of P-256, 65 bytes as base64url", is_point),
        ("keys.auth", target.keys.auth, "expected 16 bytes as base64url", lambda data: len(data) == AUTH),
    ):
        try:
            fits = good(unbase64url(text))
        except ValueError:
            fits = False
        if not fits:
            raise _bad(member, expected)
    return target


async def _keep_contact(ask: Ask[Any, Any], given: str) -> None:
    """Keep what an owner gave; the settings win."""
    if ask.who.session is None or ask.who.session.scope != "admin":
        raise Failure("not_allowed")
    try:
        contact = str(MAIL.parse(given.strip()))
    except (ValueError, Refused) as error:
        raise _bad("contact", f"expected {MAIL.expected}, e.g. {MAIL.example}") from error
    await ask.page.store.aside(ask.page.store.set_note, CONTACT, contact)


def _bad(member: str, why: str) -> Failure:
    return Failure("bad_request", "api.wrong_value", field=member, name=member, why=why)
