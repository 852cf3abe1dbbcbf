"""What was: series for charts, energy of days, every row as a table. All times and numbers are judged here."""

import csv
import io
import json
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from jk_bms.model import Event
from jk_bms.store.bms_db import BmsDbReader
from jk_bms.store.columns import BY_NAME, STORED
from jk_bms.store.history_query import ROWS, StoredSample, daily_totals, query, samples, tracks
from jk_bms.store.outages import newest_outages
from jk_bms.web.answers import Of
from jk_bms.web.house import find
from jk_bms.web.http import Answer, Failure, begun
from jk_bms.web.page import Page
from jk_bms.web.routes import Ask, NoBody
from jk_bms.web.values import cached

INVERTER = "inverter"
MOST_KEYS = 12
MOST_POINTS = 2000
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=366 * 20)
MOST_MARKS = 500  # power cuts and outages that are told with a series


class HistoryQuery(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """A series. ``device``: address, number, name or ``inverter``; ``keys`` parted by commas; times as ISO 8601."""

    device: str
    keys: str
    start: str
    end: str = ""
    points: Annotated[int, msgspec.Meta(ge=1, le=MOST_POINTS)] = 720


class Series(Of, frozen=True, kw_only=True):
    """Means and extremes of one quantity; null: nothing is known of that time."""

    mean: list[float | None]
    min: list[float | None]
    max: list[float | None]


class Stretch(Of, frozen=True, kw_only=True):
    """A time in which something was so; without ``to`` it goes on."""

    from_: str = msgspec.field(name="from")
    to: str | None = None
    verdict: str | None = None  # of an outage of the link


class History(Of, frozen=True, kw_only=True):
    """Values at even steps: the time of the n-th is ``begin`` + n x ``step``."""

    track: str
    tier: str  # what it was made from: rows, 1 min, 15 min, 1 h, 1 d
    step: float  # s
    begin: str
    values: dict[str, Series]
    blackouts: list[Stretch]  # times without grid
    outages: list[Stretch]  # times without data of the battery


class DaysQuery(msgspec.Struct, frozen=True):
    """The last so many days of one battery."""

    device: str
    days: Annotated[int, msgspec.Meta(ge=1, le=400)] = 30


class Day(Of, frozen=True, kw_only=True):
    """What went in and out on one local day. Absent: the meters were not known."""

    date: str
    charged_kwh: float | None = None
    discharged_kwh: float | None = None
    charged_ah: float | None = None
    discharged_ah: float | None = None


class ExportQuery(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """Every row of a time; ``keys``: absent, all that there are."""

    device: str
    start: str
    end: str = ""
    keys: str = ""
    format: Literal["csv", "jsonl"] = "csv"
    sep: Literal[";", ","] = ","
    decimal: Literal[".", ","] = "."


async def history(ask: Ask[HistoryQuery, NoBody]) -> Answer:
    """Return a series for a chart, with what else was so in that time."""
    page, asked = ask.page, ask.query
    names = keys_of(asked.keys)
    if not 1 <= len(names) <= MOST_KEYS:
        raise Failure("bad_request", "api.range", field="keys", name="keys", low=1, high=MOST_KEYS)
    start, end = span_of(asked.start, asked.end, page.settings.timezone)
    track = await track_of(page, asked.device)
    zone = page.settings.timezone

    def read(reader: BmsDbReader) -> History:
        if not _recorded(reader, track):  # a battery of the first minutes is no mistake of the one who asks
            none: dict[str, Series] = {name: Series(mean=[], min=[], max=[]) for name in names}
            begin, step = _local(start, zone), (end - start).total_seconds() / asked.points
            return History(
                track=track, tier=ROWS, step=step, begin=begin, values=none, blackouts=[], outages=[]
            )
        series = query(reader, track, names, start, end, asked.points)
        first = datetime.fromtimestamp(series.times[0] if series.times else start.timestamp(), UTC)
        return History(
            track=track,
            tier=series.tier,
            step=series.step,
            begin=_local(first, zone),
            values={
                name: Series(mean=one.mean, min=one.min, max=one.max) for name, one in series.values.items()
            },
            blackouts=blackouts(reader, start, end, zone),
            outages=[] if track == INVERTER else outages(reader, track, start, end, zone),
        )

    return cached(ask, await page.archive.ask(read))


async def days(ask: Ask[DaysQuery, NoBody]) -> Answer:
    """Return the energy of each of the last days."""
    page, zone = ask.page, ask.page.settings.timezone
    track = await track_of(page, ask.query.device)
    now = datetime.now(UTC).astimezone(zone)

    def read(reader: BmsDbReader) -> list[Day]:
        if not _recorded(reader, track):
            return []
        totals = daily_totals(reader, track, ask.query.days, now)
        return [Day(date=date, **day._asdict()) for date, day in totals.items()]

    return cached(ask, await page.archive.ask(read))


async def export(ask: Ask[ExportQuery, NoBody]) -> Answer:
    """Return every row, hour by hour, as a file."""
    page, asked = ask.page, ask.query
    if asked.sep == asked.decimal:
        raise Failure("bad_request", "api.same_mark", field="decimal")
    start, end = span_of(asked.start, asked.end, page.settings.timezone)
    track = await track_of(page, asked.device)
    there = await page.exports.ask(lambda reader: _columns(reader, track, start, end))
    names = keys_of(asked.keys) or there
    if page.exporting.locked():
        raise Failure("too_many", "api.exporting", retry_after=10.0)
    kind = "text/csv; charset=utf-8" if asked.format == "csv" else "application/x-ndjson"
    file = f"battery-{start:%Y%m%d}-{end:%Y%m%d}.{asked.format}"
    return await begun(
        kind,
        _exported(ask, track, names, start, end),
        headers=(("content-disposition", f'attachment; filename="{file}"'),),
    )


async def _exported(
    ask: Ask[ExportQuery, NoBody], track: str, names: list[str], start: datetime, end: datetime
) -> AsyncGenerator[bytes]:
    page, asked = ask.page, ask.query
    line = _csv_line(asked) if asked.format == "csv" else _json_line
    async with page.exporting:
        yield _csv(["time", "clock_trusted", *names], asked.sep) if asked.format == "csv" else b""
        at = start
        while at < end:
            if not page.access.still(ask.who):
                raise Failure("not_signed_in")
            until = min(end, at + timedelta(hours=1))
            rows = await page.exports.ask(partial(_rows, track, at, until, bool(asked.keys)))
            if rows:
                yield b"".join(line(row, names, page.settings.timezone) for row in rows)
                at = until
            else:
                at = await page.exports.ask(lambda reader, a=until: _next_hour(reader, track, a, end))  # type: ignore[misc]


def _rows(
    track: str, start: datetime, end: datetime, derived: bool, reader: BmsDbReader
) -> list[StoredSample]:
    return list(samples(reader, track, start, end, derived=derived))


def _next_hour(reader: BmsDbReader, track: str, after: datetime, end: datetime) -> datetime:
    """Return from which hour on there may be rows again."""
    known = next((one for one in tracks(reader) if one.name == track), None)
    if known is None or known.first is None or known.last is None or after > known.last:
        return end
    return max(after, known.first.replace(minute=0, second=0, microsecond=0))


def _recorded(reader: BmsDbReader, track: str) -> bool:
    """Whether anything was ever recorded of ``track``."""
    return any(one.name == track for one in tracks(reader))


def _refuse_unknown(reader: BmsDbReader, track: str) -> None:
    """Raise Failure where nothing was ever recorded of ``track``."""
    if not _recorded(reader, track):
        raise Failure("not_found", "api.no_history", field="device", name=track)


def _columns(reader: BmsDbReader, track: str, start: datetime, end: datetime) -> list[str]:
    _refuse_unknown(reader, track)
    names = [column.name for column in STORED]
    values = query(reader, track, names, start, end, 1).values
    return [name for name in names if any(mean is not None for mean in values[name].mean)]


_Line = Callable[[StoredSample, list[str], tzinfo | None], bytes]
_DIGITS = {column.name: len(str(column.divisor)) - 1 for column in BY_NAME.values()}


def _csv_line(asked: ExportQuery) -> _Line:
    def line(row: StoredSample, names: list[str], zone: tzinfo | None) -> bytes:
        cells = [row.taken_at.astimezone(zone).isoformat(), str(int(row.clock_trusted))]
        for name in names:
            value = row.values.get(name)
            text = "" if value is None else f"{value:.{_DIGITS[name]}f}"
            cells.append(text.replace(".", asked.decimal))
        return _csv(cells, asked.sep)

    return line


def _csv(cells: list[str], sep: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=sep, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()


def _json_line(row: StoredSample, names: list[str], zone: tzinfo | None) -> bytes:
    told: dict[str, Any] = {"time": row.taken_at.astimezone(zone).isoformat()}
    if not row.clock_trusted:
        told["clock_trusted"] = False
    told |= {name: row.values[name] for name in names if name in row.values}
    return json.dumps(told).encode() + b"\n"


# What is asked for


def keys_of(text: str) -> list[str]:
    """Return the quantities that are named. Raises Failure naming the known ones."""
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in BY_NAME:
            raise Failure(
                "bad_request", "api.no_quantity", field="keys", name=name[:80], known=", ".join(BY_NAME)
            )
    return names


def span_of(start: str, end: str, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """Return both ends of a time; without a later one, until now. Raises Failure."""
    first = moment_of(start, "from", zone)
    last = moment_of(end, "to", zone) if end else max(datetime.now(UTC), first + timedelta(seconds=1))
    if not SHORTEST <= last - first <= LONGEST:
        raise Failure("bad_request", "api.span", field="to")
    return first, last


def moment_of(text: str, field: str, zone: tzinfo | None) -> datetime:
    """Return a time as ISO 8601 writes it; without an offset it is of the house. Raises Failure."""
    try:
        # A plus in an address is a blank, unless it was written with care.
        said = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        moment = (said if said.tzinfo else said.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Failure("bad_request", "api.time", field=field, name=field) from error
    if not FIRST <= moment <= LAST:
        raise Failure("bad_request", "api.time", field=field, name=field)
    return moment


async def track_of(page: Page, device: str) -> str:
    """Return the track of a battery that is read now, or was, or of the inverter. Raises Failure."""
    if device.casefold() == INVERTER:
        return INVERTER
    try:
        return find(page.house.state(), device).address
    except Failure as failure:
        wanted = device.casefold()
        for stored in await page.archive.ask(lambda reader: reader.devices()):
            one = stored.device
            if wanted in {one.address.casefold(), str(one.number), (one.name or "").casefold()}:
                return one.address
        raise failure


def blackouts(reader: BmsDbReader, start: datetime, end: datetime, zone: tzinfo | None) -> list[Stretch]:
    """Return the times without grid, as far as the service saw them begin or end; the oldest first."""
    events = [event for _, event in reader.newest_events("grid.", MOST_MARKS)]
    found: list[Stretch] = []
    lost: Event | None = None
    for event in reversed(events):
        if event.kind == "grid.lost":
            lost = event
        elif event.kind == "grid.back" and lost is not None:
            if lost.taken_at < end and event.taken_at > start:
                found.append(Stretch(from_=_local(lost.taken_at, zone), to=_local(event.taken_at, zone)))
            lost = None
    if lost is not None and lost.taken_at < end:
        found.append(Stretch(from_=_local(lost.taken_at, zone)))
    return found


def outages(
    reader: BmsDbReader, track: str, start: datetime, end: datetime, zone: tzinfo | None
) -> list[Stretch]:
    """Return the times without data of a battery; the oldest first."""
    found = []
    for one in reversed(newest_outages(reader, track, MOST_MARKS)):
        over = one.began + timedelta(seconds=one.lasted)
        if one.began < end and (over > start or not one.over):
            to = _local(over, zone) if one.over else None
            found.append(Stretch(from_=_local(one.began, zone), to=to, verdict=one.verdict))
    return found


def _local(moment: datetime, zone: tzinfo | None) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")
