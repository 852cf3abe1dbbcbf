"""What a chart is made of, read from ``bms.db`` in a few short queries."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from jk_bms.errors import StoreError
from jk_bms.model import InverterSample
from jk_bms.rules.grid import LOST, grid_of
from jk_bms.store.history_query import Series, Values, query
from jk_bms.store.own import OwnReader

POINTS = 600  # of a chart: about two pixels each
NEWEST = timedelta(minutes=15)  # before the end: an older value is not the one of then
INVERTER = "inverter"
GRID = ("grid_voltage", "grid_power", "ac_output_power", "pv_input_power")  # what tells of the grid


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
        theirs = query(reader, INVERTER, list(dict.fromkeys((*inverter, *GRID))), start, end, points)
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
    """Return from when to when there was no grid; where that is not known there is no outage."""
    most = series.values["grid_voltage"].max
    told = zip(*(series.values[name].mean for name in GRID), strict=True)
    spans: list[tuple[float, float]] = []
    for time, high, means in zip(series.times, most, told, strict=True):
        if not _lost(time, high, *means):
            continue
        if spans and spans[-1][1] == time:
            spans[-1] = (spans[-1][0], time + series.step)
        else:
            spans.append((time, time + series.step))
    return spans


def _lost(
    time: float,
    high: float | None,
    voltage: float | None,
    power: float | None,
    load: float | None,
    sun: float | None,
) -> bool:
    """Whether there was no grid for the larger part of a step; ``high``: the highest voltage in it, V."""
    if voltage is not None and high is not None and voltage < 0.5 * high:
        return True
    step = InverterSample(
        taken_at=datetime.fromtimestamp(time, UTC),
        monotonic=0.0,
        grid_voltage=voltage,
        grid_power=power,
        load_power=load,
        pv_power=sun,
    )
    return grid_of(step) == LOST
