"""What is so now: health of the page, the state, its stream, the batteries."""

from typing import Any, Literal

import msgspec

from jk_bms import __version__
from jk_bms.errors import JkBmsError, StoreError
from jk_bms.store.bms_db import BmsDbReader
from jk_bms.store.outages import newest_outages
from jk_bms.web import stream
from jk_bms.web.access import Scope
from jk_bms.web.answers import Battery, Of
from jk_bms.web.bms_settings import BmsSetting, told
from jk_bms.web.house import find, known
from jk_bms.web.http import Answer, Failure, begun, etag_of
from jk_bms.web.page import Page, hello
from jk_bms.web.routes import Ask, NoBody, NoQuery

MOST_AWAY = 120.0  # s that a strict look forgives the battery service
OUTAGES = 20  # that are told of a battery


class Health(Of, frozen=True, kw_only=True):
    """How the page does. The rest is for those who are signed in."""

    status: Literal["ok", "degraded"]
    version: str
    uptime: float  # s
    set_up: bool  # there is a password
    poller: bool | None = None  # the battery service answers
    database: str | None = None  # ok, or what is wrong with bms.db
    batteries: int | None = None
    streams: int | None = None  # open pages


class BatteryFacts(Of, frozen=True, kw_only=True):
    """What a battery is and how it is set: read-only."""

    device_info: dict[str, Any]
    settings: dict[str, Any]
    settings_told: list[BmsSetting] = msgspec.field(default_factory=list)  # the same in words
    first_seen: str | None = None
    last_seen: str | None = None
    outages: list[dict[str, Any]]  # of the link, newest first


class BatteryDetail(Of, frozen=True, kw_only=True):
    """One battery, with what ``bms.db`` and the service know of it besides."""

    battery: Battery
    facts: BatteryFacts | None = None  # absent: bms.db cannot be read now
    health: dict[str, Any] | None = None  # of its cells; absent: nothing is known yet


class Since(msgspec.Struct, frozen=True):
    """The id of the last message that was heard."""

    since: str = ""


class HealthQuery(msgspec.Struct, frozen=True):
    """``strict``, with any value: a battery service that is silent for long is no health."""

    strict: str | None = None


async def health(ask: Ask[HealthQuery, NoBody]) -> Answer:
    """Whether the page serves; 200 as long as it does, whatever the batteries do. Strictly, also the battery service."""
    page = ask.page
    house = page.house
    told = Health(
        status="ok" if house.up else "degraded",
        version=__version__,
        uptime=page.uptime,
        set_up=page.access.has_password,
    )
    if ask.who.scope >= Scope.READ:
        told = msgspec.structs.replace(
            told,
            poller=house.up,
            database=await _database(page),
            batteries=len(house.snapshot().devices),
            streams=page.feed.open,
        )
    ill = ask.query.strict is not None and (house.away or 0.0) > MOST_AWAY
    return Answer(msgspec.json.encode(told), 503 if ill else 200)


async def _database(page: Page) -> str:
    try:
        await page.archive.ask(lambda reader: reader.newest_event())
    except StoreError as error:
        return str(error)
    return "ok"


async def state(ask: Ask[NoQuery, NoBody]) -> Answer:
    """The whole present."""
    return ask.page.state_answer()


def cached(ask: Ask[Any, Any], value: Any) -> Answer:
    """Return ``value`` with a tag, by which the one who asks learns that nothing changed."""
    return Answer(msgspec.json.encode(value), etag=etag_of(value))


async def live(ask: Ask[Since, NoBody]) -> Answer:
    """What happens, as it happens."""
    page, who = ask.page, ask.who
    if page.feed.open >= stream.MOST_STREAMS:
        raise Failure("busy", "api.many_streams", retry_after=10.0)
    last = ask.request.headers.get("last-event-id", "") or ask.query.since
    pieces = page.feed.follow(
        last[:100],
        hello=lambda resumed: hello(page, resumed),
        state=page.house.state,
        beat=lambda: _beat(page),
        may=lambda: page.access.still(who),
    )
    return await begun(
        "text/event-stream",
        pieces,
        headers=(("x-accel-buffering", "no"),),
        cache="no-store, no-transform",
    )


def _beat(page: Page) -> dict[str, Any]:
    told = page.house.snapshot()
    ages = {battery.address: battery.age for battery in told.devices if battery.age is not None}
    if told.inverter is not None and told.inverter.age is not None:
        ages["inverter"] = told.inverter.age
    return {"time": page.house.time().isoformat(timespec="seconds"), "ages": ages}


async def batteries(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Every battery and its newest reading."""
    return cached(ask, ask.page.house.state().batteries)


async def battery(ask: Ask[NoQuery, NoBody]) -> Answer:
    """One battery, by address, number or name, with all that is known of it."""
    page = ask.page
    found = find(page.house.state(), ask.request.path_values["battery"])
    try:
        facts = await page.archive.ask(lambda reader: facts_of(reader, found.address))
    except StoreError:
        facts = None
    if facts is not None:
        facts = msgspec.structs.replace(facts, settings_told=told(facts.settings, ask.request.texts))
    try:
        reports = await page.house.request("health", device=found.address) if page.house.up else {}
    except JkBmsError:
        reports = {}
    return cached(ask, BatteryDetail(battery=found, facts=facts, health=reports.get(found.address)))


def facts_of(reader: BmsDbReader, address: str) -> BatteryFacts | None:
    """Return what ``bms.db`` knows of a battery; None: nothing. To be called in a thread."""
    for stored in reader.devices():
        if stored.device.address == address:
            outages = [one.facts() for one in newest_outages(reader, address, OUTAGES)]
            return BatteryFacts(
                device_info=known(stored.device_info),
                settings=known(stored.settings),
                first_seen=stored.first_seen.isoformat() if stored.first_seen else None,
                last_seen=stored.last_seen.isoformat() if stored.last_seen else None,
                outages=outages,
            )
    return None
