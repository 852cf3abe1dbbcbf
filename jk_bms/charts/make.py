"""From a request to a picture: what the child process and the tool are asked for."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jk_bms.charts.cells import draw_cells
from jk_bms.charts.data import POINTS, TooLittle, first_recorded, read_chart, read_periods
from jk_bms.charts.kinds import KINDS, Head, Kind
from jk_bms.charts.plot import Picture, Said
from jk_bms.charts.style import THEMES, Theme
from jk_bms.charts.wanted import SPANS, Made, Pack, Wanted
from jk_bms.store.bms_db import BmsDbReader, open_reader
from jk_bms.texts import Texts, language

BY_DAYS = timedelta(days=3)  # from which on a day is a bar
BY_MONTHS = timedelta(days=62)  # and so is a month, of energy; the rest are lines again
A_DAY = timedelta(hours=25)  # the longest there is
PRESENT = timedelta(minutes=2)  # an end that is no longer ago is the present

Periods = list[tuple[datetime, datetime]]


def make_chart(wanted: Wanted) -> Made:
    """Return the picture. Raises StoreError, ValueError; TooLittle when there is nothing to draw."""
    kind, theme = KINDS.get(wanted.what), _theme(wanted.theme)
    if kind is None:
        raise ValueError(f"chart is {wanted.what!r}; expected one of {', '.join(KINDS)}")
    texts = language(wanted.language)
    picture = Picture(theme, texts)
    with open_reader(wanted.bms_db) as reader:
        first = first_recorded(reader, [pack.address for pack in wanted.packs])
        # A house that is younger than its picture: the picture begins with the house.
        young = first is not None and wanted.start < first < wanted.end
        dated = young and not _same_day(wanted)
        if young and first is not None:
            wanted = wanted._replace(start=first)
        head = Head(_title(wanted, texts), wanted.zone, texts, theme, _to_now(wanted))
        said, silent = _draw(reader, kind, wanted, head, picture)
    device = _whose(wanted, silent, texts)
    if dated:
        device = texts("charts.since", name=device, date=texts.date(wanted.start, wanted.zone))
    said = said._replace(device=device)
    picture.headline(said)
    return Made(picture.png(), said.caption)


def too_little(error: TooLittle, texts: Texts) -> str:
    """Return why there is no picture, for the person who asked for it."""
    if not error.seconds:
        return texts("charts.nothing")
    return texts("charts.too_little", span=texts.span(error.seconds))


def make(request: dict[str, Any]) -> Made:
    """Return the picture that a request in JSON asks for.

    A chart: ``what``, ``bms_db``, ``packs`` (address and label of each) and ``span``, or ``start`` and
    ``end`` (ISO times). The cells at this moment: ``what`` "cells_now", ``voltages``, ``numbers``,
    ``label``, perhaps ``low_limit`` or ``high_limit`` (V) and ``marked`` (a cell's number). And ``language``,
    ``theme``, ``timezone`` where they are not the usual ones. Raises StoreError, TooLittle, and KeyError,
    TypeError or ValueError for a request that is none.
    """
    tongue, theme = request.get("language", "en"), request.get("theme", "light")
    if request["what"] == "cells_now":
        png, said = draw_cells(
            request["voltages"],
            request["numbers"],
            device=request["label"],
            texts=language(tongue),
            theme=_theme(theme),
            low_limit=request.get("low_limit"),
            high_limit=request.get("high_limit"),
            marked=request.get("marked"),
        )
        return Made(png, said.caption)
    span = request.get("span", "")
    if span and span not in SPANS:
        raise ValueError(f"span is {span!r}; expected one of {', '.join(SPANS)}")
    end = datetime.fromisoformat(request["end"]) if "end" in request else datetime.now(UTC)
    start = datetime.fromisoformat(request["start"]) if "start" in request else end - SPANS[span]
    return make_chart(
        Wanted(
            bms_db=Path(request["bms_db"]),
            packs=tuple(Pack(str(address), str(label)) for address, label in request["packs"]),
            what=request["what"],
            start=start,
            end=end,
            span=span,
            language=tongue,
            theme=theme,
            zone=ZoneInfo(request["timezone"]) if request.get("timezone") else None,
        )
    )


def _draw(
    reader: BmsDbReader, kind: Kind, wanted: Wanted, head: Head, picture: Picture
) -> tuple[Said, Collection[str]]:
    """Draw lines, or a bar for each day where there are at least two; return what it says, and whose
    data there are none of.
    """
    devices = [pack.address for pack in wanted.packs]
    periods = periods_of(kind, wanted)
    if len(periods) > 1 and kind.say_periods is not None and kind.draw_periods is not None:
        data = read_periods(reader, devices, kind.pack, periods, wanted.zone, inverter=kind.inverter)
        if sum(one is not None for one in data.pack[kind.pack[0]]) > 1:
            kind.draw_periods(data, head, picture)
            return kind.say_periods(data, head), data.silent
    points = POINTS
    if kind.by_minutes and wanted.end - wanted.start <= A_DAY:
        points = int((wanted.end - wanted.start).total_seconds() // 60) + 2  # neither end need be a whole one
    lines = read_chart(
        reader, devices, kind.pack, wanted.start, wanted.end, inverter=kind.inverter, points=points
    )
    kind.draw(lines, head, picture)
    return kind.say(lines, head), lines.silent


def _whose(wanted: Wanted, silent: Collection[str], texts: Texts) -> str:
    """The battery, or the house and the batteries that are not in it."""
    if len(wanted.packs) == 1:
        return wanted.packs[0].label
    names = [pack.label for pack in wanted.packs if pack.address in silent]
    return texts("charts.house_without", names=", ".join(names)) if names else texts("charts.house")


def periods_of(kind: Kind, wanted: Wanted) -> Periods:
    """Return the local days, or months, that bars are drawn for; none where it is lines."""
    length = wanted.end - wanted.start
    if length <= BY_DAYS or (length > BY_MONTHS and not kind.energy):
        return []
    start, end = (each.astimezone(wanted.zone) for each in (wanted.start, wanted.end))
    monthly = length > BY_MONTHS
    begin = _midnight(start, wanted.zone)
    if wanted.span:  # the last seven days are today and the six before
        whole = _midnight(end - SPANS[wanted.span] + timedelta(days=1), wanted.zone)
        begin = max(begin, _month_after(whole, wanted.zone) if monthly else whole)
    periods: Periods = []
    while begin < end:
        after = (
            _month_after(begin, wanted.zone) if monthly else _midnight(begin + timedelta(days=1), wanted.zone)
        )
        periods.append((begin, min(after, end)))
        begin = after
    return periods


def _midnight(at: datetime, zone: tzinfo | None) -> datetime:
    """The beginning of that local day."""
    day = datetime(at.year, at.month, at.day, tzinfo=zone)
    return day if zone is not None else day.astimezone()


def _month_after(at: datetime, zone: tzinfo | None) -> datetime:
    return _midnight((at.replace(day=1) + timedelta(days=32)).replace(day=1), zone)


def _title(wanted: Wanted, texts: Texts) -> str:
    if wanted.what == "day":
        return texts("charts.day", date=texts.date(wanted.start, wanted.zone))
    energy = KINDS[wanted.what].energy and wanted.end - wanted.start > BY_DAYS
    title = texts("charts.energy" if energy else f"charts.{wanted.what}")
    if not wanted.span:
        return title
    shown = wanted.end - wanted.start
    if shown < SPANS[wanted.span]:  # of a house that is younger
        return f"{title}, {texts('charts.last', span=texts.span(shown.total_seconds()))}"
    return f"{title}, {texts(f'charts.last_{wanted.span}')}"


def _to_now(wanted: Wanted) -> bool:
    return bool(wanted.span) and abs(datetime.now(UTC) - wanted.end) < PRESENT


def _same_day(wanted: Wanted) -> bool:
    """Whether the dates of a chart go without saying."""
    return wanted.what == "day" or wanted.end - wanted.start <= timedelta(days=1)


def _theme(name: str) -> Theme:
    if name not in THEMES:
        raise ValueError(f"theme is {name!r}; expected one of {', '.join(THEMES)}")
    return THEMES[name]
