"""Whether the charge lasts until a time: what the bot answers to ``/until``, as plain values."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from jk_bms.view.until import outlook as worked_out
from jk_bms.web.answers import Of
from jk_bms.web.history import moment_of
from jk_bms.web.house import find
from jk_bms.web.http import Answer, Failure
from jk_bms.web.page import Page
from jk_bms.web.routes import Ask, NoBody
from jk_bms.web.values import cached

MORNING = "07:00"
LONGEST = timedelta(days=7)  # ahead
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


class OutlookQuery(msgspec.Struct, frozen=True):
    """``device``: absent, all batteries together. ``until``: the next HH:MM of the house, or a time as ISO 8601."""

    device: str = ""
    until: str = MORNING


class OutlookAnswer(Of, frozen=True, kw_only=True):
    """What to expect without grid from now on. Only ``until``: charge, capacity or load are not known."""

    until: str
    verdict: str | None = None  # yes: also in the worst case; maybe: only in the better one; no
    soc_low: float | None = None  # % at that time; 0 when it is empty before
    soc_high: float | None = None
    empty_first: str | None = None  # when it is empty in the worst case
    empty_last: str | None = None  # and in the better one
    load: float | None = None  # W out of the battery, mean until then
    days: int | None = (
        None  # past days that tell what is usual; 0: it is the present load; absent: the forecast's
    )
    save: float | None = None  # so many W less, on the average, and it lasts also in the worst case
    share: float | None = None  # of what the house draws, load and save are this part


async def outlook(ask: Ask[OutlookQuery, NoBody]) -> Answer:
    """Return what is left at a time, and whether it lasts until then."""
    page, zone, now = ask.page, ask.page.settings.timezone, datetime.now(UTC)
    until = until_of(ask.query.until, now, zone)
    address = find(page.house.state(), ask.query.device).address if ask.query.device else None
    return cached(ask, await _answer(page, address, until, now))


async def _answer(page: Page, address: str | None, until: datetime, now: datetime) -> OutlookAnswer:
    zone, snapshot = page.settings.timezone, page.house.snapshot()
    device = next((one for one in snapshot.devices if one.address == address), None)
    told = until.astimezone(zone).isoformat(timespec="seconds")
    if snapshot.poller_down:
        return OutlookAnswer(until=told)
    found = await page.archive.ask(lambda reader: worked_out(reader, snapshot, device, until, now, zone))
    if found is None:
        return OutlookAnswer(until=told)
    fields = found._asdict() | {"until": told}
    for name in ("empty_first", "empty_last"):
        if fields[name] is not None:
            fields[name] = fields[name].astimezone(zone).isoformat(timespec="seconds")
    return OutlookAnswer(**fields)


def until_of(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    """Return the time that is meant, at most a week ahead. Raises Failure."""
    if found := _CLOCK.fullmatch(text.strip()):
        local = now.astimezone(zone)
        at = local.replace(tzinfo=None, hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
        if _of_wall(at, zone) <= now:
            at += timedelta(days=1)  # on the wall: the day may have 23 or 25 hours
        return _of_wall(at, zone)
    until = moment_of(text, "until", zone)
    if not now < until <= now + LONGEST:
        raise Failure("bad_request", "api.until", field="until")
    return until


def _of_wall(at: datetime, zone: tzinfo | None) -> datetime:
    """Return the time at which the clock on the wall shows ``at``; ``zone`` None: the system's."""
    return at.replace(tzinfo=zone).astimezone(UTC)
