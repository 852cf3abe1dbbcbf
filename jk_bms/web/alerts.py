"""What is wrong, what was, what it means; keeping quiet about it, and saying that it was seen."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from jk_bms.model.alert import alert_of
from jk_bms.rules.catalogue import all_codes
from jk_bms.rules.engine import Engine
from jk_bms.rules.options import Options
from jk_bms.store.bms_db import MOST_ID
from jk_bms.texts.alerts import SEVERITIES, alert_line, explain
from jk_bms.web.answers import Of, State
from jk_bms.web.house import find, known
from jk_bms.web.http import Answer, Failure
from jk_bms.web.routes import Ask, NoBody, NoQuery
from jk_bms.web.signing_in import Body
from jk_bms.web.values import cached

MUTES: Mapping[str, dict[str, Any]] = {
    "1h": {"seconds": 3600.0},
    "8h": {"seconds": 28800.0},
    "until_over": {"until_cleared": True},
    "0": {"off": True},
}
LOOKED_AT = 1000  # events that are read at once, of which some are left out


class AlertsQuery(msgspec.Struct, frozen=True):
    """Which alerts. ``before``: a cursor of an earlier answer; ``level``: the mildest."""

    state: Literal["open", "past"] = "open"
    device: str = ""
    level: Literal["", "info", "warning", "error", "critical"] = ""
    before: Annotated[int, msgspec.Meta(ge=1, le=MOST_ID)] = MOST_ID
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class Alert(Of, frozen=True, kw_only=True):
    """One alert, or one thing that happened with it."""

    id: int | None = None  # of an event
    time: str | None = None  # likewise
    text: str  # in the language of the one who asks
    label: str | None = None  # of the battery; absent: it is of the house or the machine
    facts: dict[str, Any]


class Alerts(Of, frozen=True, kw_only=True):
    """Alerts, newest or worst first. ``known``: false while the battery service, which knows, does not answer."""

    known: bool
    alerts: list[Alert]
    next: int | None = None  # the cursor with which to go on; absent: these are all


class MuteBody(Body, frozen=True, kw_only=True):
    """How long to be quiet; ``0`` ends that."""

    for_: Literal["1h", "8h", "until_over", "0"] = msgspec.field(name="for")


class TestBody(Body, frozen=True, kw_only=True):
    """The code of an alert."""

    code: int


class Tested(Of, frozen=True, kw_only=True):
    """Where a test goes: by channel why not; empty: on its way."""

    code: int
    channels: dict[str, str]
    handed_over: tuple[str, ...] = ()  # those of them that may come late or not at all


class Explained(Of, frozen=True, kw_only=True):
    """What an alert means, how it begins and ends, what to do."""

    code: int
    text: str


async def alerts(ask: Ask[AlertsQuery, NoBody]) -> Answer:
    """Return the open alerts, the worst first, or what happened, the newest first."""
    told = await (_open(ask) if ask.query.state == "open" else _past(ask))
    return cached(ask, told)


async def _open(ask: Ask[AlertsQuery, NoBody]) -> Alerts:
    state, texts, zone = ask.page.house.state(), ask.request.texts, ask.page.settings.timezone
    now, names = datetime.now(UTC), names_of(state)
    wanted = subject_of(state, ask.query.device) if ask.query.device else None
    found = [
        Alert(
            text=alert_line(alert_of(facts), names.get(facts["subject"]), texts, zone, now),
            label=names.get(facts["subject"]),
            facts=facts,
        )
        for facts in state.alerts or ()
        if wanted in (None, facts["subject"]) and _loud(facts, ask.query.level)
    ]
    return Alerts(known=state.alerts is not None, alerts=found[: ask.query.limit])


async def _past(ask: Ask[AlertsQuery, NoBody]) -> Alerts:
    state, texts, zone = ask.page.house.state(), ask.request.texts, ask.page.settings.timezone
    asked, now, names = ask.query, datetime.now(UTC), names_of(state)
    wanted = subject_of(state, asked.device) if asked.device else None
    events = await ask.page.archive.ask(
        lambda reader: reader.newest_events("alert.", LOOKED_AT, asked.before)
    )
    found: list[Alert] = []
    for number, event in events:
        subject = event.facts.get("subject")
        if wanted not in (None, subject) or not _loud(event.facts, asked.level):
            continue
        if len(found) == asked.limit:
            return Alerts(known=True, alerts=found, next=(found[-1].id or 0))
        label = names.get(str(subject))
        found.append(
            Alert(
                id=number,
                time=event.taken_at.astimezone(zone).isoformat(timespec="seconds"),
                text=alert_line(alert_of(event.facts), label, texts, zone, now, at=event.taken_at),
                label=label,
                facts=known({"kind": event.kind, **event.facts}),
            )
        )
    more = events[-1][0] if len(events) == LOOKED_AT else None
    return Alerts(known=True, alerts=found, next=more)


def names_of(state: State) -> dict[str, str]:
    """Return what people call the batteries, by address."""
    return {battery.address: battery.label for battery in state.batteries}


def subject_of(state: State, device: str) -> str:
    """Return what an alert of ``device`` says it is of: an address, or house, inverter, host. Raises Failure."""
    if device in {str(alert.get("subject")) for alert in state.alerts or ()}:
        return device
    return find(state, device).address


def _loud(facts: Mapping[str, Any], level: str) -> bool:
    severity = str(facts.get("severity"))
    if not level or severity not in SEVERITIES:
        return not level
    return SEVERITIES.index(severity) >= SEVERITIES.index(level)


def _meant(ask: Ask[Any, Any]) -> list[dict[str, Any]]:
    """The open alerts that the path names. Raises Failure."""
    values, state = ask.request.path_values, ask.page.house.state()
    if state.alerts is None:
        raise Failure("poller_away")
    subject = subject_of(state, values["device"])
    found = [
        facts
        for facts in state.alerts
        if facts.get("subject") == subject and str(facts.get("code")) == values["code"]
    ]
    if not found:
        raise Failure("not_found", "api.no_alert", code=values["code"][:20])
    return found


async def mute(ask: Ask[NoQuery, MuteBody]) -> Alerts:
    """Be quiet about an open alert for a while, or no more."""
    return await _done(ask, "mute", **MUTES[ask.body.for_])


async def acknowledge(ask: Ask[NoQuery, NoBody]) -> Alerts:
    """Note that a person takes care of an open alert."""
    who = ask.who
    by = (who.session.name if who.session else "") or (who.token.name if who.token else "") or "web"
    return await _done(ask, "acknowledge", by=by)


async def _done(ask: Ask[Any, Any], action: str, **fields: Any) -> Alerts:
    told, names = [], names_of(ask.page.house.state())
    texts, zone = ask.request.texts, ask.page.settings.timezone
    for facts in _meant(ask):
        place = {key: facts.get(key, "") for key in ("subject", "rule", "part")}
        now = known(await ask.page.house.request(action, **place, **fields))
        label = names.get(str(now.get("subject")))
        line = alert_line(alert_of(now), label, texts, zone, datetime.now(UTC))
        told.append(Alert(text=line, label=label, facts=now))
    await ask.page.house.ask()
    return Alerts(known=True, alerts=told)


async def explained(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Return what an alert is about."""
    code = ask.request.path_values["code"]
    found = Engine(Options()).find(int(code)) if code.isascii() and code.isdigit() and len(code) < 8 else None
    if found is None:
        raise Failure("not_found", "api.no_code", code=code[:20], known=", ".join(map(str, all_codes())))
    texts, off = ask.request.texts, int(code) in ask.page.settings.alerts_off
    text = "\n".join([explain(*found, texts), *([texts("alerts.explain.off")] if off else [])])
    return cached(ask, Explained(code=int(code), text=text))


async def test(ask: Ask[NoQuery, TestBody]) -> Tested:
    """Send a marked test of an alert; return where it goes."""
    facts = await ask.page.house.request("alert_test", code=ask.body.code)
    return Tested(
        code=ask.body.code,
        channels=facts.get("channels") or {},
        handed_over=tuple(facts.get("handed_over") or ()),
    )
