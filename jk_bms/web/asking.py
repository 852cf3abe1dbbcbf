"""What the battery service is asked to do, and what is told of it: its log, the doctor, settings, ways in."""

from typing import Annotated, Any

import msgspec

from jk_bms.config.settings import SETTINGS
from jk_bms.config.settings.show import describe
from jk_bms.errors import LiveError
from jk_bms.model.link import LinkState
from jk_bms.store.bms_db import MOST_ID
from jk_bms.web.answers import Battery, Of
from jk_bms.web.house import find, known
from jk_bms.web.http import Answer, Failure, own_path
from jk_bms.web.page import PRIVATE_EVENTS, machine_name
from jk_bms.web.routes import Ask, NoBody, NoQuery
from jk_bms.web.signing_in import Body
from jk_bms.web.values import cached

READ_PATIENCE = 30.0  # s that a request lives
LONGEST_RELEASE = 86400.0  # s


class RequestBody(Body, frozen=True, kw_only=True):
    """Which battery, absent: all; for how many s a phone may have it."""

    device: str | None = None
    seconds: Annotated[float, msgspec.Meta(ge=1, le=LONGEST_RELEASE)] | None = None


class Requested(Of, frozen=True, kw_only=True):
    """What a request came to."""

    result: dict[str, Any]


class LogQuery(msgspec.Struct, frozen=True):
    """Events. ``kind``: with what their kinds begin; ``before``: a cursor of an earlier answer."""

    kind: str = ""
    before: Annotated[int, msgspec.Meta(ge=1, le=MOST_ID)] = MOST_ID
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class LogEvent(Of, frozen=True, kw_only=True):
    """Something that happened."""

    id: int
    time: str
    clock_trusted: bool
    kind: str
    device: str | None = None
    text: str


class Log(Of, frozen=True, kw_only=True):
    """Events of the battery service, newest first. ``next``: the cursor with which to go on."""

    events: list[LogEvent]
    next: int | None = None


class DeviceQuery(msgspec.Struct, frozen=True):
    """One battery; absent: all."""

    device: str = ""


class Cause(Of, frozen=True, kw_only=True):
    """Why there may be no data, how sure that is, and what to do about it."""

    code: str
    sure: float  # 0 to 1
    meaning: str
    action: str


class Diagnosis(Of, frozen=True, kw_only=True):
    """How the way to a battery is."""

    address: str
    label: str
    well: bool
    state: str | None = None
    verdict: str
    causes: list[Cause]
    link: dict[str, Any] | None = None


class SettingRow(Of, frozen=True, kw_only=True):
    """One setting. A secret has no value; ``set`` tells whether there is one."""

    key: str
    value: str | None = None
    unit: str = ""
    source: str
    meaning: str
    secret: bool
    set: bool
    at_once: bool  # it can be changed here
    locked: bool  # the owner's own file says it, and wins


class Changed(Of, frozen=True, kw_only=True):
    """The settings that are different now."""

    changed: list[dict[str, str]]


class Way(Of, frozen=True, kw_only=True):
    """A way to the page."""

    url: str
    https: bool
    used: bool  # this request came by it


async def carry_out(ask: Ask[NoQuery, RequestBody]) -> Requested:
    """Read now, leave a battery to a phone, or take it up again."""
    action, body = ask.request.path_values["action"], ask.body
    if action not in ("read", "release", "resume"):
        raise Failure("not_found", "api.no_path")
    if body.seconds is not None and action != "release":
        raise Failure("bad_request", "api.only_release", field="seconds")
    return Requested(result=await _asked(ask, action, body.device, body.seconds))


async def _asked(
    ask: Ask[Any, Any], action: str, device: str | None, seconds: float | None
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if device:
        fields["device"] = find(ask.page.house.state(), device).address
    if seconds is not None:
        fields["seconds"] = seconds
    return known(await ask.page.house.request(action, ttl=READ_PATIENCE, **fields))


async def log_of(ask: Ask[LogQuery, NoBody]) -> Answer:
    """Return what happened; who comes in, to owners only."""
    asked, zone = ask.query, ask.page.settings.timezone
    events = await ask.page.archive.ask(
        lambda reader: reader.newest_events(asked.kind, asked.limit, asked.before)
    )
    owner = ask.who.session is not None and ask.who.session.scope == "admin"
    told = [
        LogEvent(
            id=number,
            time=event.taken_at.astimezone(zone).isoformat(timespec="seconds"),
            clock_trusted=event.clock_trusted,
            kind=event.kind,
            device=event.device,
            text=event.text,
        )
        for number, event in events
        if owner or not event.kind.startswith(PRIVATE_EVENTS)
    ]
    return cached(ask, Log(events=told, next=events[-1][0] if len(events) == asked.limit else None))


async def doctor(ask: Ask[DeviceQuery, NoBody]) -> Answer:
    """Say how the way to each battery is, and what may be wrong with it."""
    state = ask.page.house.state()
    if not state.poller.up:
        raise Failure("poller_away")
    chosen = [find(state, ask.query.device)] if ask.query.device else state.batteries
    return cached(ask, [_diagnosis(battery, ask) for battery in chosen])


def _diagnosis(battery: Battery, ask: Ask[Any, Any]) -> Diagnosis:
    link, texts = battery.link or {}, ask.request.texts
    causes = [
        Cause(
            code=cause["code"],
            sure=cause["sure"],
            meaning=_said(ask, cause["code"], "meaning"),
            action=_said(ask, cause["code"], "action"),
        )
        for cause in link.get("causes") or ()
    ]
    code = link.get("verdict")
    verdict = texts(f"bot.verdict.{code}") if code and texts.known(f"bot.verdict.{code}") else ""
    return Diagnosis(
        address=battery.address,
        label=battery.label,
        well=link.get("state") in (LinkState.STREAMING, LinkState.WAITING) and not battery.old,
        state=link.get("state"),
        verdict=verdict or link.get("message") or "",
        causes=causes,
        link=link or None,
    )


def _said(ask: Ask[Any, Any], code: str, part: str) -> str:
    key = f"link.cause.{code}.{part}"
    return ask.request.texts(key) if ask.request.texts.known(key) else ""


async def configs(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Return every setting with its value and where it came from; never a secret.

    As they are in force in the battery service; while that is away, as this program read them.
    """
    secret = {row.key: row.secret for row in SETTINGS}
    try:
        listed = (await ask.page.house.request("config"))["settings"]
    except LiveError:
        listed = [row._asdict() | {"locked": False} for row in describe(ask.page.settings)]
    rows = [
        SettingRow(
            key=row["key"],
            value=None if secret.get(row["key"], True) else row["value"],
            unit=row["unit"],
            source=row["source"],
            meaning=row["meaning"],
            secret=secret.get(row["key"], True),
            set=row["source"] != "default",
            at_once=bool(row["at_once"]),
            locked=bool(row["locked"]),
        )
        for row in listed
    ]
    return cached(ask, rows)


async def change_configs(ask: Ask[NoQuery, dict[str, str]]) -> Changed:
    """Change settings that take effect at once; an empty text: back to the default. All of them, or none."""
    if not ask.body:
        raise Failure("bad_request", "api.missing_field", field="KEY", name="KEY")
    answer = await ask.page.house.request("config", set=ask.body, by="the page")
    return Changed(changed=answer.get("changed") or [])


async def ways(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Return under which addresses the page is found."""
    page, request = ask.page, ask.request
    used = f"{'https' if request.secure else 'http'}://{request.host}"
    named = [page.url, f"http://{machine_name()}.local:{page.port}"]
    urls = dict.fromkeys((used, *named))
    return cached(ask, [Way(url=url, https=url.startswith("https://"), used=url == used) for url in urls])


# Plain forms


async def release_form(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Leave a battery to a phone, without scripts."""
    fields = ask.request.form()
    try:
        seconds = float(fields.get("seconds", "600"))
    except ValueError as error:
        raise Failure(
            "bad_request", "api.range", field="seconds", name="seconds", low=1, high=86400
        ) from error
    if not 1 <= seconds <= LONGEST_RELEASE:
        raise Failure("bad_request", "api.range", field="seconds", name="seconds", low=1, high=86400)
    await _asked(ask, "release", fields.get("device"), seconds)
    return back(ask)


async def resume_form(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Take a battery up again, without scripts."""
    await _asked(ask, "resume", ask.request.form().get("device"), None)
    return back(ask)


def back(ask: Ask[Any, Any]) -> Answer:
    """Return the way back to the page that a form was sent from."""
    came = ask.request.headers.get("referer", "")
    prefix = f"{'https' if ask.request.secure else 'http'}://{ask.request.host}"
    path = own_path(came.removeprefix(prefix)) if came.startswith(prefix + "/") else "/"
    return Answer(status=303, kind=None, headers=(("location", path),))
