"""From a request to a picture: what the child process and the tool are asked for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jk_bms.charts.cells import draw_cells
from jk_bms.charts.data import read_chart
from jk_bms.charts.kinds import KINDS, Head
from jk_bms.charts.style import THEMES, Theme
from jk_bms.charts.wanted import SPANS, Wanted
from jk_bms.store.own import open_reader
from jk_bms.texts import language


def make_chart(wanted: Wanted) -> bytes:
    """Return the PNG; one that says so when nothing was recorded. Raises StoreError, ValueError."""
    kind, theme = KINDS.get(wanted.what), _theme(wanted.theme)
    if kind is None:
        raise ValueError(f"chart is {wanted.what!r}; expected one of {', '.join(KINDS)}")
    with open_reader(wanted.bms_db) as reader:
        data = read_chart(reader, wanted.device, kind.pack, wanted.start, wanted.end, inverter=kind.inverter)
    texts = language(wanted.language)
    if wanted.what == "day":
        title = texts("charts.day", day=f"{wanted.start.astimezone(wanted.zone):%d.%m.%Y}")
    else:
        title = texts(f"charts.{wanted.what}")
        if wanted.span:
            title += ", " + texts(f"charts.last_{wanted.span}")
    return kind.draw(data, Head(title, wanted.label, wanted.zone, texts, theme)).png()


def make(request: dict[str, Any]) -> bytes:
    """Return the PNG that a request in JSON asks for.

    A chart: ``what``, ``bms_db``, ``device``, ``label`` and ``span``, or ``start`` and ``end``
    (ISO times). The cells at this moment: ``what`` "cells_now", ``voltages``, ``numbers``,
    ``label``, perhaps ``limit`` (V) and ``marked`` (a cell's number). And ``language``,
    ``theme``, ``timezone`` where they are not the usual ones. Raises StoreError, and KeyError,
    TypeError or ValueError for a request that is none.
    """
    tongue, theme = request.get("language", "en"), request.get("theme", "light")
    if request["what"] == "cells_now":
        return draw_cells(
            request["voltages"],
            request["numbers"],
            device=request["label"],
            texts=language(tongue),
            theme=_theme(theme),
            limit=request.get("limit"),
            marked=request.get("marked"),
        )
    span = request.get("span", "")
    if span and span not in SPANS:
        raise ValueError(f"span is {span!r}; expected one of {', '.join(SPANS)}")
    end = datetime.fromisoformat(request["end"]) if "end" in request else datetime.now(UTC)
    start = datetime.fromisoformat(request["start"]) if "start" in request else end - SPANS[span]
    return make_chart(
        Wanted(
            bms_db=Path(request["bms_db"]),
            device=request["device"],
            label=request["label"],
            what=request["what"],
            start=start,
            end=end,
            span=span,
            language=tongue,
            theme=theme,
            zone=ZoneInfo(request["timezone"]) if request.get("timezone") else None,
        )
    )


def _theme(name: str) -> Theme:
    if name not in THEMES:
        raise ValueError(f"theme is {name!r}; expected one of {', '.join(THEMES)}")
    return THEMES[name]
