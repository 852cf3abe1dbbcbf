"""What a chart is made of, read from ``bms.db`` in a few short queries.

Several packs become one: their charge weighted by capacity, their power added up, the highest and
the lowest of the rest. A pack of which nothing was recorded in that time is left out, and named; where one
of the others is silent for a while the house is not known either.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from jk_bms.battery.house_charge import SIZES, size_of, weighted_charge
from jk_bms.errors import StoreError
from jk_bms.model import InverterSample
from jk_bms.model.inverter import INVERTER
from jk_bms.rules.grid import LOST, grid_of
from jk_bms.store.bms_db import BmsDbReader
from jk_bms.store.history_query import ROWS, Series, Values, daily_totals, query, tracks

POINTS = 480  # of a chart: about two pixels each
NEWEST = timedelta(minutes=15)  # before the end: an older value is not the one of then
QUARTER = timedelta(minutes=15)  # what days are put together from
LEAST = 600.0  # s that must be recorded: of less there is no picture but a dot
HELD = 3  # intervals of the records for which a value stands until the next
GRID = ("grid_voltage", "grid_power", "ac_output_power", "pv_input_power")  # what tells of the grid

Line = list[float | None]
Sizes = Sequence[float | None]  # Ah of each pack; None: not known


class TooLittle(Exception):
    """Less was recorded than a picture needs. ``seconds``: how much; 0: nothing."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} s are recorded of that time; expected {LEAST:.0f} s")
        self.seconds = seconds


class ChartData(NamedTuple):
    """Series of a pack or a house at even steps, what the inverter said meanwhile, when the grid was away."""

    start: float  # s since 1970
    end: float
    times: list[float]  # the middle of each step
    pack: dict[str, Values]
    newest: dict[str, float]  # of the pack, where there is one of the last minutes
    inverter: dict[str, Values]  # on the same steps; empty without an inverter
    outages: list[tuple[float, float]]
    silent: tuple[str, ...] = ()  # addresses of packs of which nothing was recorded


class Range(NamedTuple):
    """A quantity over some time."""

    low: float
    mean: float
    high: float


class PeriodData(NamedTuple):
    """The same by days or months of the local calendar. None: not known."""

    periods: list[tuple[datetime, datetime]]  # local; the last one may not be over
    pack: dict[str, list[Range | None]]
    charged: Line  # kWh
    discharged: Line
    inverter: dict[str, Line]  # kWh; empty without an inverter
    newest: dict[str, float]
    silent: tuple[str, ...] = ()


def first_recorded(reader: BmsDbReader, devices: Sequence[str]) -> datetime | None:
    """Return since when there is anything of these devices."""
    known = [track.first for track in tracks(reader) if track.name in devices and track.first is not None]
    return min(known, default=None)


def read_chart(
    reader: BmsDbReader,
    devices: Sequence[str],
    quantities: Sequence[str],
    start: datetime,
    end: datetime,
    *,
    inverter: Sequence[str] = (),
    points: int = POINTS,
) -> ChartData:
    """Return ``quantities`` of ``devices`` and of the inverter.

    Raises StoreError, and TooLittle when nothing is recorded of any of them.
    """
    known, silent = _heard(reader, devices, quantities, start, end, points)
    base = known[min(known)]
    sizes = _sizes(reader, list(known), start, end)
    pack = {
        name: joined(name, [_onto(base, series, name) for series in known.values()], sizes)
        for name in quantities
    }
    beside: dict[str, Values] = {}
    outages: list[tuple[float, float]] = []
    try:
        theirs = held(query(reader, INVERTER, list(dict.fromkeys((*inverter, *GRID))), start, end, points))
    except StoreError:  # a house without an inverter program
        pass
    else:
        outages = grid_outages(theirs)
        beside = {name: _onto(base, theirs, name) for name in inverter}
    return ChartData(
        start.timestamp(),
        end.timestamp(),
        [time + 0.5 * base.step for time in base.times],
        pack,
        _newest(reader, list(known), quantities, end, sizes),
        beside,
        outages,
        silent,
    )


def read_periods(
    reader: BmsDbReader,
    devices: Sequence[str],
    quantities: Sequence[str],
    periods: Sequence[tuple[datetime, datetime]],
    zone: tzinfo | None,
    *,
    inverter: Sequence[str] = (),
) -> PeriodData:
    """Return ``quantities`` over each of ``periods``, which are whole local days, the last up to its end.

    Raises StoreError, TooLittle.
    """
    start, end = periods[0][0].astimezone(UTC), periods[-1][1].astimezone(UTC)
    points = -(-(end - start) // QUARTER) + 1
    known, silent = _heard(reader, devices, quantities, start, end, points)
    sizes = _sizes(reader, list(known), start, end)
    base = known[min(known)]
    pack = {}
    for name in quantities:
        whole = joined(name, [_onto(base, series, name) for series in known.values()], sizes)
        pack[name] = [_range(base.times, whole, begin, until) for begin, until in periods]
    totals = [
        daily_totals(reader, device, (end - start).days + 2, (end - timedelta(seconds=1)).astimezone(zone))
        for device in known
    ]
    energies = []
    for field in ("charged_kwh", "discharged_kwh"):
        days = [{day: getattr(total, field) for day, total in of_pack.items()} for of_pack in totals]
        energies.append([_energy(days, begin, until) for begin, until in periods])
    beside: dict[str, Line] = {}
    if inverter:
        try:
            theirs = query(reader, INVERTER, inverter, start, end, points)
        except StoreError:
            pass
        else:
            hours = theirs.step / 3600.0
            beside = {
                name: [_work(theirs.times, theirs.values[name].mean, hours, *each) for each in periods]
                for name in inverter
            }
    newest = _newest(reader, list(known), quantities, end, sizes)
    return PeriodData(list(periods), pack, energies[0], energies[1], beside, newest, silent)


def _heard(
    reader: BmsDbReader,
    devices: Sequence[str],
    quantities: Sequence[str],
    start: datetime,
    end: datetime,
    points: int,
) -> tuple[dict[str, Series], tuple[str, ...]]:
    """The packs of which something is recorded, and the names of the others. Raises TooLittle."""
    known: dict[str, Series] = {}
    recorded = 0.0
    for device in devices:
        try:
            series = query(reader, device, quantities, start, end, points)
        except StoreError:  # a battery that was never read has no track
            continue
        length = _recorded(series, quantities[0])
        if length:
            known[device] = series
            recorded = max(recorded, length)
    if recorded < LEAST:
        raise TooLittle(recorded)
    return known, tuple(device for device in devices if device not in known)


def _recorded(series: Series, name: str) -> float:
    """From the first to the last known value, in s; a single one counts for a minute at most."""
    known = [
        time for time, value in zip(series.times, series.values[name].mean, strict=True) if value is not None
    ]
    return known[-1] - known[0] + min(series.step, 60.0) if known else 0.0


def _sizes(reader: BmsDbReader, devices: Sequence[str], start: datetime, end: datetime) -> Sizes:
    """How much goes into each of several packs, in Ah."""
    return [size_between(reader, device, start, end) for device in devices] if len(devices) > 1 else []


def size_between(reader: BmsDbReader, device: str, start: datetime, end: datetime) -> float | None:
    """Return how much goes into a pack, in Ah, by what was recorded from ``start`` to ``end``; None: not known."""
    values = query(reader, device, SIZES, start, end, 1).values
    learned, full = (next((size for size in values[name].mean if size), None) for name in SIZES)
    return size_of(learned, full)


def _onto(base: Series, series: Series, name: str) -> Values:
    """The values of ``name`` on the steps of ``base``."""
    values = series.values[name]
    if series.times == base.times:
        return values
    parts: list[list[int]] = [[] for _ in base.times]
    first = base.times[0]
    for index, time in enumerate(series.times):
        begin = int((time - first) // base.step)
        for slot in range(begin, max(begin, int((time + series.step - 1e-3 - first) // base.step)) + 1):
            if 0 <= slot < len(parts):
                parts[slot].append(index)
    return Values(
        [_of(values.mean, each, lambda known: sum(known) / len(known)) for each in parts],
        [_of(values.min, each, min) for each in parts],
        [_of(values.max, each, max) for each in parts],
    )


def _of(
    line: Sequence[float | None], places: Sequence[int], pick: Callable[[list[float]], float]
) -> float | None:
    known = [value for place in places if (value := line[place]) is not None]
    return pick(known) if known else None


Pick = Callable[[Sequence[float], Sizes], float]  # of the values of the packs, and their sizes


class Join(NamedTuple):
    """How mean, lowest and highest value of a house follow from those of its packs."""

    mean: Pick
    low: Pick
    high: Pick


def joined(name: str, packs: Sequence[Values], sizes: Sizes, *, of_all: bool = True) -> Values:
    """Return one quantity of a house from those of its packs, ``sizes`` in Ah.

    Unknown where one of them is; not ``of_all``: only where all are.
    """
    if len(packs) == 1:
        return packs[0]
    join = _JOINS[name]
    mean, low, high = (
        _line(pick, [pack[which] for pack in packs], sizes, of_all) for which, pick in enumerate(join)
    )
    # The packs are not at their lowest together: what was drawn is the sum of their means.
    return Values(mean, mean, mean) if join is _FLOWS else Values(mean, low, high)


def _line(pick: Pick, lines: Sequence[Sequence[float | None]], sizes: Sizes, of_all: bool) -> Line:
    result: Line = []
    for values in zip(*lines, strict=True):
        known = [value for value in values if value is not None]
        enough = len(known) == len(values) if of_all else bool(known)
        result.append(pick(known, sizes) if enough else None)
    return result


def _sum(values: Sequence[float], _: Sizes) -> float:
    return sum(values)


def _mean(values: Sequence[float], _: Sizes) -> float:
    return sum(values) / len(values)


def _lowest(values: Sequence[float], _: Sizes) -> float:
    return min(values)


def _highest(values: Sequence[float], _: Sizes) -> float:
    return max(values)


_WEIGHTED = Join(weighted_charge, weighted_charge, weighted_charge)
_ADDED = Join(_sum, _sum, _sum)
_FLOWS = Join(_sum, _sum, _sum)  # another one than _ADDED: see joined()
_WORST = Join(_highest, _highest, _highest)
_WARMTH = Join(_highest, _lowest, _highest)
_JOINS = {
    "battery_soc": _WEIGHTED,
    "soc_low": _WEIGHTED,
    "soc_high": _WEIGHTED,
    "power": _FLOWS,
    "voltage": Join(_mean, _lowest, _highest),
    "charged_kwh": _ADDED,
    "discharged_kwh": _ADDED,
    "cell_min": Join(_lowest, _lowest, _lowest),
    "cell_max": _WORST,
    "cell_delta": _WORST,
    "temperature": _WARMTH,
    "mosfet_temperature": _WARMTH,
}


def _range(times: Sequence[float], values: Values, begin: datetime, until: datetime) -> Range | None:
    first, last = begin.timestamp(), until.timestamp()
    places = [place for place, time in enumerate(times) if first <= time < last]
    low, mean, high = (
        _of(values.min, places, min),
        _of(values.mean, places, lambda known: sum(known) / len(known)),
        _of(values.max, places, max),
    )
    return None if low is None or mean is None or high is None else Range(low, mean, high)


def _energy(packs: Sequence[Mapping[str, float | None]], begin: datetime, until: datetime) -> float | None:
    """kWh of the days in a period; None where a pack has none of them."""
    total = 0.0
    for days in packs:
        known = [
            value
            for day, value in days.items()
            if value is not None and begin.date().isoformat() <= day < _after(until)
        ]
        if not known:
            return None
        total += sum(known)
    return total


def _after(until: datetime) -> str:
    """The date of the first day that no longer is in a period."""
    midnight = until.hour == until.minute == until.second == until.microsecond == 0
    return (until.date() if midnight else until.date() + timedelta(days=1)).isoformat()


def _work(
    times: Sequence[float], watts: Sequence[float | None], hours: float, begin: datetime, until: datetime
) -> float | None:
    """kWh of a power in a period, as far as it is known."""
    first, last = begin.timestamp(), until.timestamp()
    known = [
        value for time, value in zip(times, watts, strict=True) if value is not None and first <= time < last
    ]
    return sum(known) * hours / 1000.0 if known else None


def _newest(
    reader: BmsDbReader,
    devices: Sequence[str],
    quantities: Sequence[str],
    end: datetime,
    sizes: Sizes,
) -> dict[str, float]:
    """The values of the last row before ``end``: the last step of a chart is the mean of minutes or hours."""
    found: list[dict[str, float]] = []
    for device in devices:
        series = query(reader, device, quantities, end - NEWEST, end, round(NEWEST.total_seconds()))
        known = {
            name: [value for value in values.mean if value is not None]
            for name, values in series.values.items()
        }
        found.append({name: values[-1] for name, values in known.items() if values})
    if len(found) == 1:
        return found[0]
    return {
        name: _JOINS[name].mean([each[name] for each in found], sizes)
        for name in quantities
        if found and all(name in each for each in found)
    }


def held(series: Series) -> Series:
    """Return ``series`` with each value held until the next where records are rarer than its steps.

    Over three usual intervals of the records; a longer silence stays one. Roll-ups have no such holes.
    """
    if series.tier != ROWS:
        return series
    return series._replace(values={name: _held(values) for name, values in series.values.items()})


def _held(values: Values) -> Values:
    known = [place for place, value in enumerate(values.mean) if value is not None]
    gaps = [after - place for place, after in pairwise(known)]
    if not gaps:
        return values
    most = HELD * sorted(gaps)[len(gaps) * 3 // 4]
    mean, low, high = (list(line) for line in (values.mean, values.min, values.max))
    for place, gap in zip(known, gaps, strict=False):
        if gap <= most:
            for line in (mean, low, high):
                line[place + 1 : place + gap] = [line[place]] * (gap - 1)
    return Values(mean, low, high)


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
    return grid_at(time, voltage, power, load, sun) == LOST


def grid_at(
    time: float, voltage: float | None, power: float | None, load: float | None, sun: float | None
) -> str:
    """Return whether the grid was there (see ``rules.grid``) by what was recorded at ``time`` of GRID."""
    return grid_of(
        InverterSample(
            taken_at=datetime.fromtimestamp(time, UTC),
            monotonic=0.0,
            grid_voltage=voltage,
            grid_power=power,
            load_power=load,
            pv_power=sun,
        )
    )
