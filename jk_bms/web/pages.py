"""The pages as a browser asks for them: the data of each, made into HTML by ``web.html``; and the plain files."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from jk_bms.errors import StoreError
from jk_bms.store.bms_db import BmsDbReader
from jk_bms.store.history_query import query
from jk_bms.web import alerts as alerts_api
from jk_bms.web import html, signing_in
from jk_bms.web.access import Scope
from jk_bms.web.asking import back
from jk_bms.web.assets import manifest, tree
from jk_bms.web.html import Frame, HistoryRow
from jk_bms.web.http import HTML, Answer, Failure, own_path
from jk_bms.web.routes import Ask, NoBody, NoQuery

FOREVER = "public, max-age=31536000, immutable"
ROWS = 96  # of the table of a day


class PageQuery(msgspec.Struct, frozen=True):
    """What a page is opened with; the scripts read it, the server only lets it through."""

    app: str = ""
    nosw: str = ""
    device: str = ""
    start: str = msgspec.field(name="from", default="")
    end: str = msgspec.field(name="to", default="")
    show: str = ""


class After(msgspec.Struct, frozen=True):
    """Where to go on after signing in."""

    next: str = ""


def static_files() -> dict[str, Answer]:
    """Return every file that is served as it is, by path; no other file is ever opened."""
    files = tree()
    served = {
        f"/s/{files.hash}/{path}": Answer(asset.body, kind=asset.kind, cache=FOREVER)
        for path, asset in files.files.items()
    }
    served["/sw.js"] = Answer(files.worker.body, kind=files.worker.kind, cache="no-cache")
    return served


def frame_of(ask: Ask[Any, Any]) -> Frame:
    """Return what every page needs."""
    themes = (one for one in ask.request.cookies("theme") if one in ("light", "dark"))
    return Frame(
        texts=ask.request.texts,
        zone=ask.page.settings.timezone,
        now=datetime.now(UTC),
        csrf=ask.who.csrf,
        signs_out=ask.who.session is not None and not ask.request.within,
        may_control=ask.who.scope >= Scope.CONTROL and ask.who.session is not None,
        base=ask.request.base,
        theme=next(themes, "auto"),
    )


def told(ask: Ask[Any, Any]) -> Mapping[str, Any]:
    """Return the state as plain values."""
    state: dict[str, Any] = msgspec.to_builtins(ask.page.house.state())
    return state


async def home(ask: Ask[PageQuery, NoBody]) -> Answer:
    """The first page."""
    return _page(html.home(frame_of(ask), told(ask)))


async def first_battery(ask: Ask[PageQuery, NoBody]) -> Answer:
    """The battery that was looked at last, which the scripts know; without them the first."""
    numbers = [battery.number for battery in ask.page.house.state().batteries if battery.number is not None]
    return _battery(ask, numbers[0]) if numbers else _page(html.home(frame_of(ask), told(ask)))


async def battery(ask: Ask[PageQuery, NoBody]) -> Answer:
    """One battery."""
    number = ask.request.path_values["n"]
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise Failure("not_found", "api.no_path")
    return _battery(ask, int(number))


def _battery(ask: Ask[PageQuery, NoBody], number: int) -> Answer:
    made = html.battery(frame_of(ask), told(ask), number)
    if made is None:
        raise Failure("not_found", "api.no_path")
    return _page(made)


async def alerts(ask: Ask[PageQuery, NoBody]) -> Answer:
    """What is wrong."""
    return _page(html.alerts(frame_of(ask), told(ask)))


async def history(ask: Ask[PageQuery, NoBody]) -> Answer:
    """The last 24 hours."""
    state = ask.page.house.state()
    rows: list[HistoryRow] = []
    if state.batteries:
        try:
            rows = await ask.page.archive.ask(lambda reader: day_rows(reader, state.batteries[0].address))
        except StoreError:
            rows = []  # the page says that there is nothing to show; /api/health says why
    return _page(html.history(frame_of(ask), told(ask), rows))


def day_rows(reader: BmsDbReader, address: str) -> list[HistoryRow]:
    """Return the last 24 hours of a battery, newest first; times of which nothing is known are left out."""
    end = datetime.now(UTC)
    series = query(reader, address, ("battery_soc", "power", "voltage"), end - timedelta(days=1), end, ROWS)
    columns = (series.values[name].mean for name in ("battery_soc", "power", "voltage"))
    rows = [
        HistoryRow(datetime.fromtimestamp(time, UTC), *values)
        for time, *values in zip(series.times, *columns, strict=True)
        if any(value is not None for value in values)
    ]
    return rows[::-1]


async def more(ask: Ask[PageQuery, NoBody]) -> Answer:
    """Everything else."""
    return _page(html.more(frame_of(ask), told(ask)))


async def login(ask: Ask[After, NoBody]) -> Answer:
    """The password is asked for."""
    after = own_path(ask.query.next) if ask.query.next else ""
    return _page(html.login(frame_of(ask), after=after))


async def start(ask: Ask[NoQuery, NoBody]) -> Answer:
    """The one-time code is asked for, and a password."""
    return _page(html.start(frame_of(ask)))


async def login_form(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Sign in without scripts."""
    fields = ask.request.form()
    after = own_path(fields.get("next", "/"))
    try:
        await ask.page.access.check_password(ask.request.address, fields.get("password", ""))
    except Failure as failure:
        trouble = failure.message(ask.request.texts)
        return _once_more(failure, html.login(frame_of(ask), trouble=trouble, after=after))
    secret = await ask.page.access.sign_in(ask.request, ask.who)
    return signing_in.go_on(ask.request, secret, after)


async def start_form(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Choose the password without scripts."""
    fields = ask.request.form()
    try:
        secret = await signing_in.choose_password(ask, fields.get("code", ""), fields.get("password", ""))
    except Failure as failure:
        return _once_more(failure, html.start(frame_of(ask), trouble=failure.message(ask.request.texts)))
    return signing_in.go_on(ask.request, secret, "/")


def _once_more(failure: Failure, page: str) -> Answer:
    """Return the form again, with what was wrong: a browser without scripts has no other place to say it."""
    return Answer(page.encode(), failure.status, HTML, failure.all_headers)


async def web_manifest(ask: Ask[NoQuery, NoBody]) -> Answer:
    """What a phone needs to install the page."""
    body = msgspec.json.encode(manifest(ask.request.texts.language, ask.request.base))
    return Answer(body, kind="application/manifest+json", cache="no-cache")


async def mute_form(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Be quiet about an alert, without scripts."""
    fields = ask.request.form()
    wanted = fields.get("for", "")
    if wanted not in alerts_api.MUTES:
        raise Failure(
            "bad_request", "api.wrong_value", field="for", name="for", why=", ".join(alerts_api.MUTES)
        )
    place = {key: fields.get(key, "") for key in ("subject", "rule", "part")}
    await ask.page.house.request("mute", **place, **alerts_api.MUTES[wanted])
    await ask.page.house.ask()
    return back(ask)


def gate(request_frame: Frame, path: str, message: str, after: str) -> Answer | None:
    """Return the form at ``path`` anew with what was wrong with it; None: there is none."""
    if path == "/login":
        return _page(html.login(request_frame, trouble=message, after=after))
    if path == "/start":
        return _page(html.start(request_frame, trouble=message))
    return None


def _page(text: str) -> Answer:
    return Answer(text.encode("utf-8", "replace"), kind=HTML)
