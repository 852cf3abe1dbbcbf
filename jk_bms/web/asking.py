"""What the battery service is asked to do, and what is told of it: its log, the doctor, settings, ways in."""

from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from jk_bms.called import all_programs
from jk_bms.config.settings import SETTINGS
from jk_bms.config.settings.load import refusal
from jk_bms.config.settings.show import describe
from jk_bms.errors import LiveError
from jk_bms.model.snapshot import BatteryNow
from jk_bms.store.bms_db import MOST_ID
from jk_bms.view.link_layers import layers_of, reads
from jk_bms.web.answers import Battery, Of
from jk_bms.web.house import find, known
from jk_bms.web.http import Answer, Failure, own_path
from jk_bms.web.page import PRIVATE_EVENTS, machine_name
from jk_bms.web.routes import Ask, NoBody, NoQuery
from jk_bms.web.signing_in import Body
from jk_bms.web.values import cached

READ_PATIENCE = 30.0  # s that a request lives
LONGEST_RELEASE = 86400.0  # s
BY_KEY = {setting.key: setting for setting in SETTINGS}


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


class Step(Of, frozen=True, kw_only=True):
    """What became of one layer between this machine and the numbers: ok, fault, not tried, under way."""

    layer: str  # its name in the words of topic ``link.layer``
    result: str


class Diagnosis(Of, frozen=True, kw_only=True):
    """How the way to a battery is."""

    address: str
    label: str
    well: bool
    state: str | None = None
    verdict: str
    steps: list[Step]  # from below
    causes: list[Cause]
    link: dict[str, Any] | None = None


class SettingRow(Of, frozen=True, kw_only=True):
    """One setting. A secret has no value; ``set`` tells whether there is one."""

    key: str
    value: str | None = None  # absent too where nothing is set and there is no fixed default
    default: str = ""
    unit: str = ""
    source: str
    meaning: str
    secret: bool
    set: bool
    at_once: bool  # it can be changed here
    locked: bool  # the owner's own file says it, and wins
    choices: tuple[str, ...] = ()  # the only words there are
    low: float | None = None  # limits of a number
    high: float | None = None
    example: str = ""
    file: str = ""  # where to write it that cannot be changed here ...
    command: str = ""  # ... and what has it take effect


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
    snapshot = ask.page.house.snapshot()
    told = {one.address: one for one in snapshot.devices}
    return cached(
        ask, [_diagnosis(battery, told[battery.address], snapshot.poll_interval, ask) for battery in chosen]
    )


def _diagnosis(battery: Battery, told: BatteryNow, period: float, ask: Ask[Any, Any]) -> Diagnosis:
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
        well=reads(told, period),
        state=link.get("state"),
        verdict=verdict or ("" if told.released else link.get("message") or ""),
        steps=[Step(layer=layer_key(step.layer), result=step.result) for step in layers_of(told, period)],
        causes=causes,
        link=link or None,
    )


def layer_key(layer: str) -> str:
    """Return the end of the key of a layer's name: ``battery_is_heard``."""
    return layer.lower().replace(" ", "_").replace("-", "_")


def _said(ask: Ask[Any, Any], code: str, part: str) -> str:
    key = f"link.cause.{code}.{part}"
    return ask.request.texts(key) if ask.request.texts.known(key) else ""


async def configs(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Return every setting with its value and where it came from; never a secret.

    As they are in force in the battery service; while that is away, or of a version that tells them otherwise, as
    this program read them.
    """
    try:
        listed = (await ask.page.house.request("config"))["settings"]
        rows = [_setting_row(row, ask) for row in listed]
    except (LiveError, KeyError, TypeError):
        rows = [_setting_row(row._asdict() | {"locked": False}, ask) for row in describe(ask.page.settings)]
    return cached(ask, rows)


def _setting_row(told: dict[str, Any], ask: Ask[Any, Any]) -> SettingRow:
    """Return a setting as the page shows it. One that only the service knows may be a secret: it has no value."""
    key, texts, said = told["key"], ask.request.texts, f"settings.{told['key']}"
    known_here = BY_KEY.get(key)
    secret = known_here is None or known_here.secret
    is_set, here = told["source"] != "default", bool(told["at_once"]) and not told["locked"]
    row = SettingRow(
        key=key,
        value=told["value"] if not secret and (is_set or (known_here and known_here.default)) else None,
        unit=told["unit"],
        source=told["source"],
        meaning=texts(said) if texts.known(said) else told["meaning"].replace("`", ""),
        secret=secret,
        set=is_set,
        at_once=bool(told["at_once"]),
        locked=bool(told["locked"]),
        file="" if here else str(ask.page.settings.env_file or ".env"),
        command="" if here else all_programs("restart"),
    )
    if known_here is None or secret:
        return row
    kind = known_here.kind
    return replace(
        row,
        default=known_here.default,
        choices=kind.choices,
        low=kind.low,
        high=kind.high,
        example=kind.example,
    )


async def change_configs(ask: Ask[NoQuery, dict[str, str]]) -> Changed:
    """Change settings that take effect at once; an empty text: back to the default. All of them, or none."""
    if not ask.body:
        raise Failure("bad_request", "api.missing_field", field="KEY", name="KEY")
    for key, text in ask.body.items():
        _check_setting(key, text)
    answer = await ask.page.house.request("config", set=ask.body, by="the page")
    return Changed(changed=answer.get("changed") or [])


def _check_setting(key: str, text: str) -> None:
    """Raise Failure for a text that the setting cannot be, in words of the one who asks; the service knows the rest."""
    setting = BY_KEY.get(key)
    if setting is None or not refusal(setting, text, "asked for"):
        return
    kind, given = setting.kind, "***" if setting.secret else text[:80]
    if kind.choices:
        choices = ", ".join(kind.choices)
        raise Failure("bad_request", "api.setting_choice", field=key, given=given, choices=choices)
    if kind.low is None or kind.high is None:
        raise Failure("bad_request", "api.setting_form", field=key, given=given, example=kind.example)
    low, high = f"{kind.low:.10g}", f"{kind.high:.10g}"
    raise Failure("bad_request", "api.setting_range", field=key, given=given, low=low, high=high)


async def ways(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Return under which addresses the page is found."""
    page, request = ask.page, ask.request
    used = request.origin.removesuffix("/")
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
    origin = ask.request.origin
    path = own_path("/" + came.removeprefix(origin)) if came.startswith(origin) else "/"
    return Answer(status=303, kind=None, headers=(("location", path),))
