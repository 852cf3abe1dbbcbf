"""What a chart is made of, read from ``bms.db`` in a few short queries."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from jk_bms.errors import StoreError
from jk_bms.store.history_query import Series, Values, query
from jk_bms.store.own import OwnReader

POINTS = 600  # of a chart: about two pixels each
NEWEST = timedelta(minutes=15)  # before the end: an older value is not the one of then
INVERTER = "inverter"
NO_GRID = 50.0  # V: less is no grid
NO_IMPORT = 10.0  # W, where no voltage is known


class ChartData(NamedTuple):
    """Series of a pack at even steps, what the inverter said meanwhile, and when the grid was away."""

    start: float  # s since 1970
    end: float
    times: list[float]  # the middle of each step
    pack: dict[str, Values]
    newest: dict[str, float]  # of the pack, where there is one of the last minutes
    inverter: dict[str, Values]  # on the same steps; empty without an inverter
    outages: list[tuple[float, float]]


def read_chart(
    reader: OwnReader,
    device: str,
    quantities: Sequence[str],
    start: datetime,
    end: datetime,
    *,
    inverter: Sequence[str] = (),
    points: int = POINTS,
) -> ChartData:
    """Return ``quantities`` of ``device`` and of the inverter. Raises StoreError when there is no such track."""
    series = query(reader, device, quantities, start, end, points)
    times = [time + 0.5 * series.step for time in series.times]
    beside: dict[str, Values] = {}
    outages: list[tuple[float, float]] = []
    try:
        theirs = query(reader, INVERTER, [*inverter, "grid_voltage", "grid_power"], start, end, points)
    except StoreError:  # a house without an inverter program
        pass
    else:
        outages = grid_outages(theirs)
        if theirs.times == series.times:
            beside = {name: theirs.values[name] for name in inverter}
    newest = _newest(reader, device, quantities, end)
    return ChartData(start.timestamp(), end.timestamp(), times, series.values, newest, beside, outages)


def _newest(reader: OwnReader, device: str, quantities: Sequence[str], end: datetime) -> dict[str, float]:
    """The values of the last row before ``end``: the last step of a chart is the mean of minutes or hours."""
    series = query(reader, device, quantities, end - NEWEST, end, round(NEWEST.total_seconds()))
    known = {
        name: [value for value in values.mean if value is not None] for name, values in series.values.items()
    }
    return {name: values[-1] for name, values in known.items() if values}


def grid_outages(series: Series) -> list[tuple[float, float]]:
    """Return from when to when there was no grid; where nothing is known there is no outage."""
    voltage, power = series.values["grid_voltage"], series.values["grid_power"].mean
    spans: list[tuple[float, float]] = []
    for time, v, most, w in zip(series.times, voltage.mean, voltage.max, power, strict=True):
        if not _lost(v, most, w):
            continue
        if spans and spans[-1][1] == time:
            spans[-1] = (spans[-1][0], time + series.step)
        else:
            spans.append((time, time + series.step))
    return spans


def _lost(voltage: float | None, most: float | None, power: float | None) -> bool:
    """Whether there was no grid for the larger part of a step: by the voltage if it is known."""
    if voltage is not None and most is not None:
        return voltage < max(NO_GRID, 0.5 * most)
    return power is not None and power < NO_IMPORT
