"""What happened to the batteries and the grid on one day, counted from ``bms.db``.

Every number and time that a digest may tell is here; texts and models only phrase it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from math import inf
from typing import Any, NamedTuple

from jk_bms.battery.health import stored_report
from jk_bms.battery.house_charge import SIZES, size_of, weighted_charge
from jk_bms.battery.pack_state import learnt_of
from jk_bms.digest.days import day_of
from jk_bms.digest.phases import Level, Phase, find_phases, lowest
from jk_bms.model import Device
from jk_bms.store.history import counters
from jk_bms.store.history_query import Series, Values, query, tracks
from jk_bms.store.own import OwnReader
from jk_bms.store.states import read_states

MINUTE = timedelta(minutes=1)
HOLE = timedelta(minutes=10)  # a shorter one hides nothing: the meters bridge it as well
MEASURED = 10  # minutes between the measurements that phases are judged by, as logs always had
WEEK = 7  # days that the day is compared with
ENOUGH_DAYS = 3  # of them; fewer are not "usual"
MOST_OF_A_DAY = 20 * 3600.0  # s; a shorter stretch is not compared with whole days
STRONGEST = 100.0  # kW; a meter that runs faster was set by a person
INVERTER = "inverter"
NO_GRID = 50.0  # V: less is no grid

_PACK = (
    "voltage",
    "battery_soc",
    "power",
    "cell_delta",
    "temperature",
    "charged_kwh",
    "discharged_kwh",
)
_HOUSE = ("grid_voltage", "ac_output_power")


class Extreme(NamedTuple):
    """The highest or lowest value of something, and when it was first met."""

    value: float
    at: datetime


class Span(NamedTuple):
    """A stretch of time. ``end`` None: it goes on."""

    start: datetime
    end: datetime | None


class Fault(NamedTuple):
    """A cell that is not in order."""

    cell: int
    kind: str  # weak, leaking, bad connection
    new: bool  # certain since this very day


class Usual(NamedTuple):
    """Means of the days before."""

    days: int  # that went in
    charged_kwh: float | None
    discharged_kwh: float | None
    low: float | None  # mean of the lowest levels, %


class PackFacts(NamedTuple):
    """The day of one battery. ``None``: not known."""

    address: str
    number: int
    name: str  # as the owner or the device says: foreign text
    levels: tuple[Level, ...] = ()  # a measurement every ten minutes
    voltages: Mapping[datetime, float] = {}  # V, by the times of ``levels`` and of the lowest ones
    low: Level | None = None
    high: Level | None = None
    last: Level | None = None
    voltage_low: Extreme | None = None  # V
    phases: tuple[Phase, ...] = ()
    charged_kwh: float | None = None
    discharged_kwh: float | None = None
    draw: Extreme | None = None  # W, the most it gave
    delta: Extreme | None = None  # V between highest and lowest cell
    warmest: Extreme | None = None  # °C
    coldest: Extreme | None = None
    holes: tuple[Span, ...] = ()  # nothing was recorded
    faults: tuple[Fault, ...] = ()
    usual: Usual | None = None
    capacity_ah: float | None = None

    @property
    def full_at(self) -> tuple[datetime, ...]:
        """When it was full again after each phase."""
        return tuple(phase.full_at for phase in self.phases if phase.full_at is not None)


class DayFacts(NamedTuple):
    """The day of a house. Times are UTC, for in autumn an hour comes twice; ``zone`` is for showing them."""

    date: date
    start: datetime
    end: datetime
    zone: tzinfo
    packs: tuple[PackFacts, ...] = ()
    load: Extreme | None = None  # W, the most the house drew
    grid: tuple[Span, ...] | None = None  # when it was away; None: it was not watched

    @property
    def known(self) -> bool:
        """Whether anything at all was recorded."""
        return any(pack.levels for pack in self.packs)

    @property
    def house_levels(self) -> tuple[Level, ...]:
        """The charge of all packs together, weighted by capacity, at the times at which each is known.

        Empty unless there are several; a pack of which nothing is known that day is left out.
        """
        packs = [pack for pack in self.packs if pack.levels]
        if len(packs) < 2:
            return ()
        sizes = [pack.capacity_ah for pack in packs]
        slots = [{_slot(level.at): level for level in pack.levels} for pack in packs]
        times = sorted(slot for slot in slots[0] if all(slot in other for other in slots))
        return tuple(
            Level(slots[0][slot].at, weighted_charge([own[slot].level for own in slots], sizes))
            for slot in times
        )


def _slot(at: datetime) -> int:
    """Which measurement of the day that is, though packs are not measured in the same minute."""
    return int(at.timestamp() // (60 * MEASURED))


def read_facts(reader: OwnReader, day: date, start: datetime, end: datetime, zone: tzinfo) -> DayFacts:
    """Count what happened from ``start`` to before ``end``, both UTC. Raises StoreError."""
    if end <= start:  # a day that has not begun
        return DayFacts(day, start, end, zone)
    known = {stored.device.address: stored.device for stored in reader.devices()}
    health = _health(reader, day)
    packs = []
    there = tracks(reader)
    for place, track in enumerate((track for track in there if track.name != INVERTER), 1):
        if track.first is None or track.first >= end:
            continue
        device = known.get(track.name)  # what was only imported has none
        facts = PackFacts(track.name, device.number if device else place, _name(track.name, device))
        facts = _pack(
            facts,
            _minutes(reader, track.name, _PACK, start, end),
            None if track.first >= start else start,
            end,
        )
        if end - start >= timedelta(seconds=MOST_OF_A_DAY):
            facts = facts._replace(usual=_usual(reader, track.name, day, zone))
        if facts.levels or facts.usual is not None:  # else it left long ago
            size = _capacity(reader, track.name, start, end)
            packs.append(facts._replace(faults=health.get(track.name, ()), capacity_ah=size))
    load, grid = None, None
    if any(track.name == INVERTER for track in there):
        house = _minutes(reader, INVERTER, _HOUSE, start, end)
        load = _highest(house, house.values["ac_output_power"].max)
        if any(value is not None for value in house.values["grid_voltage"].mean):
            grid = tuple(_grid_away(house, end))
    return DayFacts(day, start, end, zone, tuple(sorted(packs, key=_number)), load, grid)


def _name(address: str, device: Device | None) -> str:
    return address if device is None or device.name is None else device.name


def _number(pack: PackFacts) -> int:
    return pack.number


def _minutes(
    reader: OwnReader, track: str, quantities: Sequence[str], start: datetime, end: datetime
) -> Series:
    points = max(1, -(-(end - start) // MINUTE))
    return query(reader, track, quantities, start, end, points)


def _capacity(reader: OwnReader, track: str, start: datetime, end: datetime) -> float | None:
    """How much goes into a pack, in Ah; None: not known."""
    values = query(reader, track, SIZES, start, end, 1).values
    learned, full = (next((size for size in values[name].mean if size), None) for name in SIZES)
    return size_of(learned, full)


def _pack(facts: PackFacts, series: Series, first: datetime | None, end: datetime) -> PackFacts:
    """Fill in what the minutes of a pack tell, which should begin at ``first``; None: it is new."""
    values = series.values
    soc = values["battery_soc"]
    levels = _measured(series, soc.mean)
    minutes = [(at, value) for at, value in zip(series.times, soc.mean, strict=True) if value is not None]
    last = Level(_utc(minutes[-1][0]), round(minutes[-1][1], 1)) if minutes else None
    lows = [
        Level(_utc(at), round(value, 1))
        for at, value in zip(series.times, soc.min, strict=True)
        if value is not None
    ]
    phases = []
    for phase in find_phases(levels):
        until = phase.end or end
        inside = [low for low in lows if phase.start.at <= low.at <= until]
        phases.append(phase._replace(low=lowest(inside) or phase.low))
    low = lowest(lows)
    best = _highest(series, soc.max)
    highest = None if best is None else Level(best.at, round(best.value, 1))
    drawn = [None if value is None or value >= 0 else -value for value in values["power"].min]
    told = (*levels, *(phase.low for phase in phases), low, last)
    wanted = {one.at for one in told if one}
    return facts._replace(
        levels=tuple(levels),
        voltages={
            at: value
            for time, value in zip(series.times, values["voltage"].mean, strict=True)
            if value is not None and (at := _utc(time)) in wanted
        },
        low=low,
        high=highest,
        last=last,
        voltage_low=_lowest(series, values["voltage"].min),
        phases=tuple(phases),
        charged_kwh=_metered(series, values["charged_kwh"]),
        discharged_kwh=_metered(series, values["discharged_kwh"]),
        draw=_highest(series, drawn),
        delta=_highest(series, values["cell_delta"].max),
        warmest=_highest(series, values["temperature"].max),
        coldest=_lowest(series, values["temperature"].min),
        holes=tuple(_holes(series, first, end)),
    )


def _measured(series: Series, means: Sequence[float | None]) -> list[Level]:
    """The first known minute of each ten."""
    levels: list[Level] = []
    slot = None
    for at, value in zip(series.times, means, strict=True):
        if value is not None and (this := at // (60 * MEASURED)) != slot:
            slot = this
            levels.append(Level(_utc(at), round(value, 1)))
    return levels


def _highest(series: Series, values: Sequence[float | None]) -> Extreme | None:
    known = [(value, at) for value, at in zip(values, series.times, strict=True) if value is not None]
    if not known:
        return None
    value, at = max(known, key=lambda one: one[0])
    return Extreme(value, _utc(at))


def _lowest(series: Series, values: Sequence[float | None]) -> Extreme | None:
    turned = _highest(series, [None if value is None else -value for value in values])
    return None if turned is None else Extreme(-turned.value, turned.at)


def _metered(series: Series, meter: Values) -> float | None:
    """By how much a meter grew; where it was set to something else it stood still."""
    total, last, last_at = None, None, 0.0
    for at, low, high in zip(series.times, meter.min, meter.max, strict=True):
        if low is None or high is None:
            continue
        if last is None:
            last, last_at, total = low, at, 0.0
        step = high - last
        if total is not None and 0.0 <= step <= STRONGEST * (at - last_at + series.step) / 3600.0:
            total += step
        last, last_at = high, at
    return total


def _holes(series: Series, first: datetime | None, end: datetime) -> Iterator[Span]:
    columns = [values.mean for values in series.values.values()]
    reached = inf if first is None else first.timestamp()
    for at, values in zip(series.times, zip(*columns, strict=True), strict=True):
        if all(value is None for value in values):
            continue
        if at - reached >= HOLE.total_seconds():
            yield Span(_utc(reached), _utc(at))
        reached = at + series.step
    if end.timestamp() - reached >= HOLE.total_seconds():
        yield Span(_utc(reached), None)


def _grid_away(series: Series, end: datetime) -> Iterator[Span]:
    """The times without grid; what is not known neither begins nor ends one."""
    since: float | None = None
    seen = 0.0
    for at, volts in zip(series.times, series.values["grid_voltage"].mean, strict=True):
        if volts is None:
            continue
        if volts > NO_GRID:
            if since is not None:
                yield Span(_utc(since), _utc(at))
            since = None
        elif since is None:
            since = at
        seen = at + series.step
    if since is not None:
        last = end.timestamp() - seen < HOLE.total_seconds()
        yield Span(_utc(since), None if last else _utc(seen))


def _usual(reader: OwnReader, track: str, day: date, zone: tzinfo) -> Usual | None:
    """The means of the week before ``day``, of its days that are known for the most part."""
    charged: list[float] = []
    discharged: list[float] = []
    lows: list[float] = []
    days = 0
    for back in range(1, WEEK + 1):
        _, start, end = day_of(day - timedelta(days=back), zone)
        quarters = max(1, round((end - start) / timedelta(minutes=15)))
        series = query(reader, track, ("battery_soc", "charged_kwh", "discharged_kwh"), start, end, quarters)
        soc = [value for value in series.values["battery_soc"].min if value is not None]
        if len(soc) * series.step < MOST_OF_A_DAY:
            continue
        days += 1
        lows.append(min(soc))
        for name, into in (("charged_kwh", charged), ("discharged_kwh", discharged)):
            if (value := _metered(series, series.values[name])) is not None:
                into.append(value)
    if days < ENOUGH_DAYS:
        return None
    return Usual(days, _mean(charged), _mean(discharged), _mean(lows))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if len(values) >= ENOUGH_DAYS else None


def _health(reader: OwnReader, day: date) -> dict[str, tuple[Fault, ...]]:
    """What is wrong with cells, by the address of their pack; what is not understood is left out."""
    learnt: Mapping[str, Any] = read_states(reader)
    faults = {}
    for address, counter in counters(reader).items():
        try:
            report = stored_report(counter.state["health"], learnt_of(address, learnt))
        except (KeyError, TypeError, ValueError):  # of an inverter, or of another version
            continue
        faults[address] = tuple(
            Fault(cell.number, fault.kind, fault.since == day.isoformat())
            for cell in report.cells
            for fault in cell.faults
        )
    return faults


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
