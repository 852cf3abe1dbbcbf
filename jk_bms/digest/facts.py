"""What happened to the batteries and the grid on one day, counted from ``bms.db``.

Every number and time that a digest may tell is here; texts and models only phrase it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from math import inf
from typing import Any, NamedTuple

from jk_bms.battery.health import stored_report
from jk_bms.battery.pack_state import learnt_of
from jk_bms.charts.data import GRID as TELLS_OF_GRID
from jk_bms.charts.data import grid_at, held, joined, size_between
from jk_bms.digest.days import day_of
from jk_bms.digest.phases import Feed, Level, Phase, find_phases, lowest, with_full
from jk_bms.model import Device
from jk_bms.model.inverter import INVERTER, is_inverter
from jk_bms.rules.grid import LOST, UNKNOWN
from jk_bms.store.bms_db import BmsDbReader
from jk_bms.store.history import counters
from jk_bms.store.history_query import Series, Values, query, tracks
from jk_bms.store.states import read_states

MINUTE = timedelta(minutes=1)
HOLE = timedelta(minutes=10)  # a shorter one hides nothing: the meters bridge it as well
MEASURED = 10  # minutes between the measurements that phases are judged by, as logs always had
WEEK = 7  # days that the day is compared with
ENOUGH_DAYS = 3  # of them; fewer are not "usual"
MOST_OF_A_DAY = 20 * 3600.0  # s; a shorter stretch is not compared with whole days
STRONGEST = 100.0  # kW; a meter that runs faster was set by a person
CUT = timedelta(seconds=10)  # between two records of the inverter, about: no shorter cut of the grid is seen
REAL = 0.02  # of the capacity in an hour: a battery that gives less feeds no house, but an inverter that stands by
_OF_SOME = ("cell_delta", "temperature")  # known of a house where one of its packs tells them
USUAL_SIZE = 100.0  # Ah, where a pack does not say its own

_PACK = (
    "voltage",
    "battery_soc",
    "power",
    "cell_delta",
    "temperature",
    "charged_kwh",
    "discharged_kwh",
)


class Extreme(NamedTuple):
    """The highest or lowest value of something, and when it was first met."""

    value: float
    at: datetime


class Span(NamedTuple):
    """A stretch of time. ``end`` None: it goes on."""

    start: datetime
    end: datetime | None


class FaultyCell(NamedTuple):
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


class PackDay(NamedTuple):
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
    since: datetime | None = None  # when its very first record came, if that was on this day
    holes: tuple[Span, ...] = ()  # nothing was recorded
    metered: Span | None = None  # the part of the recorded time that the meters tell of; None: all of it
    # For how long it fed the house, short times too; None: that is not known for all the time.
    fed: timedelta | None = None
    faults: tuple[FaultyCell, ...] = ()
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
    packs: tuple[PackDay, ...] = ()
    load: Extreme | None = None  # W, the most the house drew
    grid: tuple[Span, ...] | None = None  # when it was away; None: it was not watched
    grid_unknown: tuple[Span, ...] = ()  # when the inverter, though there is one, said nothing of it
    house: PackDay | None = None  # several packs as one, of the times at which each is known

    @property
    def known(self) -> bool:
        """Whether anything at all was recorded."""
        return any(pack.levels for pack in self.packs)

    @property
    def counted(self) -> tuple[PackDay, ...]:
        """Of what times on battery and the lowest charge are told: the house, where it is known as one."""
        return self.packs if self.house is None else (self.house,)


def read_facts(reader: BmsDbReader, day: date, start: datetime, end: datetime, zone: tzinfo) -> DayFacts:
    """Count what happened from ``start`` to before ``end``, both UTC. Raises StoreError."""
    if end <= start:  # a day that has not begun
        return DayFacts(day, start, end, zone)
    known = {stored.device.address: stored.device for stored in reader.devices()}
    health = _health(reader, day)
    whole = end - start >= timedelta(seconds=MOST_OF_A_DAY)
    there = [track for track in tracks(reader) if track.first is None or track.first < end]
    load, grid = None, None
    if any(track.name == INVERTER for track in there):
        house = _minutes(reader, INVERTER, ("ac_output_power",), start, end)
        load = _highest(house, house.values["ac_output_power"].max)
        grid = _grid(reader, start, end)
    packs, parts = [], []
    for place, track in enumerate((track for track in there if not is_inverter(track.name)), 1):
        if track.first is None:
            continue
        device = known.get(track.name)  # what was only imported has none
        facts = PackDay(track.name, device.number if device else place, _name(track.name, device))
        facts = facts._replace(
            since=track.first if track.first - start >= HOLE else None,
            faults=health.get(track.name, ()),
            capacity_ah=size_between(reader, track.name, start, end),
        )
        series = _minutes(reader, track.name, _PACK, start, end)
        facts = _pack(facts, series, None if track.first >= start else start, end, grid)
        if whole:
            facts = facts._replace(usual=_usual(reader, track.name, day, zone))
        if facts.levels or facts.usual is not None:  # else it left long ago
            packs.append(facts)
        if facts.levels:
            parts.append((facts, series))
    return DayFacts(
        day,
        start,
        end,
        zone,
        tuple(sorted(packs, key=_number)),
        load,
        None if grid is None or not grid.seen else tuple(grid.away),
        () if grid is None else tuple(grid.unknown),
        _house(parts, end, grid),
    )


def _house(parts: Sequence[tuple[PackDay, Series]], end: datetime, grid: "_Grid | None") -> PackDay | None:
    """Several packs as one; None for fewer, and where their minutes are not the same ones."""
    packs = [pack for pack, _ in parts]
    series = [one for _, one in parts]
    if len(parts) < 2 or any(one.times != series[0].times for one in series):
        return None
    sizes = [pack.capacity_ah for pack in packs]
    known = [size for size in sizes if size]
    facts = PackDay("", 0, "", capacity_ah=sum(known) if len(known) == len(sizes) else None)
    facts = _pack(facts, together(series, sizes), None, end, grid)
    usual = [pack.usual for pack in packs if pack.usual is not None]
    if len(usual) == len(packs):
        facts = facts._replace(
            usual=Usual(
                min(one.days for one in usual),
                _sum([one.charged_kwh for one in usual]),
                _sum([one.discharged_kwh for one in usual]),
                None,  # the lowest of a house is not that of its packs
            )
        )
    return facts._replace(since=max((pack.since for pack in packs if pack.since), default=None), holes=())


def together(series: Sequence[Series], sizes: Sequence[float | None]) -> Series:
    """Return several packs as one, on the same times: the charge weighted by ``sizes`` in Ah, what flows added up.

    What is not known of one is not known of all, but for cells and temperatures.
    """
    values = {
        name: joined(name, [one.values[name] for one in series], sizes, of_all=name not in _OF_SOME)
        for name in series[0].values
    }
    return series[0]._replace(track="", values=values)


def _middle(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _name(address: str, device: Device | None) -> str:
    return address if device is None or device.name is None else device.name


def _number(pack: PackDay) -> int:
    return pack.number


def _minutes(
    reader: BmsDbReader, track: str, quantities: Sequence[str], start: datetime, end: datetime
) -> Series:
    # One more: neither end need be a whole minute.
    points = 1 + max(1, -(-(end - start) // MINUTE))
    return query(reader, track, quantities, start, end, points)


def _pack(
    facts: PackDay, series: Series, first: datetime | None, end: datetime, grid: "_Grid | None"
) -> PackDay:
    """Fill in what the minutes of a pack tell, which should begin at ``first``; None: it is new."""
    values = series.values
    soc = values["battery_soc"]
    levels = _measured(series, soc.mean)
    minutes = [(at, value) for at, value in zip(series.times, soc.mean, strict=True) if value is not None]
    last = Level(_utc(minutes[-1][0]), round(minutes[-1][1], 1)) if minutes else None
    lows = _exact(series, soc.min)
    feeds = _feeds(facts, series, levels, grid)
    phases = []
    for phase in find_phases(levels, feeds):
        until = phase.end or end
        inside = [low for low in lows if phase.start.at <= low.at <= until]
        phases.append(phase._replace(low=_rounded(lowest(inside)) or phase.low))
    low = _rounded(lowest(lows))
    best = _highest(series, soc.max)
    highest = None if best is None else Level(best.at, round(best.value, 1))
    drawn = [None if value is None or value >= 0 else -value for value in values["power"].min]
    told = (*levels, *(phase.low for phase in phases), low, last)
    wanted = {one.at for one in told if one}
    holes = tuple(_holes(series, first, end))
    meters = [_metered(series, values[name]) for name in ("charged_kwh", "discharged_kwh")]
    into, out = (None if meter is None else meter.kwh for meter in meters)
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
        # A battery may be full between two measurements only.
        phases=tuple(with_full(phases, _exact(series, soc.max))),
        charged_kwh=into,
        discharged_kwh=out,
        draw=_highest(series, drawn),
        delta=_highest(series, values["cell_delta"].max),
        warmest=_highest(series, values["temperature"].max),
        coldest=_lowest(series, values["temperature"].min),
        holes=holes,
        metered=_metered_part(series, meters, minutes),
        fed=None if holes or facts.since or Feed.UNKNOWN in feeds else _fed(feeds),
    )


def _exact(series: Series, values: Sequence[float | None]) -> list[Level]:
    known = zip(series.times, values, strict=True)
    return [Level(_utc(at), value) for at, value in known if value is not None]


def _rounded(level: Level | None) -> Level | None:
    return None if level is None else level._replace(level=round(level.level, 1))


def _feeds(facts: PackDay, series: Series, levels: Sequence[Level], grid: "_Grid | None") -> tuple[Feed, ...]:
    """What fed the house in the ten minutes of each of ``levels``."""
    flows: dict[float, list[float]] = {}
    for at, watts, volts in zip(
        series.times, series.values["power"].mean, series.values["voltage"].mean, strict=True
    ):
        if watts is not None and volts:
            flows.setdefault(_slot(at), []).append(watts / volts)
    real = REAL * (facts.capacity_ah or USUAL_SIZE)
    feeds = []
    for level in levels:
        slot = _slot(level.at.timestamp())
        amps = flows.get(slot)
        away, there = (False, False) if grid is None else (slot in grid.slots_away, slot in grid.slots_there)
        if amps is None:
            feeds.append(Feed.BATTERY if away else Feed.UNKNOWN)
            continue
        out = -_middle(amps)
        if out >= real or (away and out >= 0.0):
            feeds.append(Feed.BATTERY)
        else:
            feeds.append(Feed.GRID if there else Feed.QUIET)
    return tuple(feeds)


def _fed(feeds: Sequence[Feed]) -> timedelta:
    return MINUTE * MEASURED * sum(feed is Feed.BATTERY for feed in feeds)


def _slot(at: float) -> int:
    """Which measurement of the day that is, of a time in s since 1970."""
    return int(at // (60 * MEASURED))


def _measured(series: Series, means: Sequence[float | None]) -> list[Level]:
    """The first known minute of each ten."""
    levels: list[Level] = []
    slot = None
    for at, value in zip(series.times, means, strict=True):
        if value is not None and (this := _slot(at)) != slot:
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


class _Meter(NamedTuple):
    """By how much a meter grew, and from when to when it was known, in s since 1970."""

    kwh: float
    first: float
    last: float


def _metered(series: Series, meter: Values) -> _Meter | None:
    """By how much a meter grew; where it was set to something else it stood still. None: it was not known for long."""
    total, first, last, last_at = 0.0, 0.0, None, 0.0
    for at, low, high in zip(series.times, meter.min, meter.max, strict=True):
        if low is None or high is None:
            continue
        if last is None:
            first, last, last_at = at, low, at
        step = high - last
        if 0.0 <= step <= STRONGEST * (at - last_at + series.step) / 3600.0:
            total += step
        last, last_at = high, at
    if last is None or last_at - first < HOLE.total_seconds():
        return None
    return _Meter(total, first, last_at + series.step)


def _metered_part(
    series: Series, meters: Sequence[_Meter | None], minutes: Sequence[tuple[float, float]]
) -> Span | None:
    """Of what time the meters tell, if not of all in which the charge is known."""
    known = [meter for meter in meters if meter is not None]
    if not known or not minutes:
        return None
    begin, end = max(meter.first for meter in known), min(meter.last for meter in known)
    late = begin - minutes[0][0] >= HOLE.total_seconds()
    early = minutes[-1][0] + series.step - end >= HOLE.total_seconds()
    return Span(_utc(begin), _utc(end) if early else None) if late or early else None


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


class _Grid(NamedTuple):
    """What the inverter said of the grid."""

    seen: bool  # whether anything at all
    away: list[Span]
    unknown: list[Span]
    slots_away: set[int]  # measurements of the day in which it was away, for a moment at least
    slots_there: set[int]  # in which it was there all the time


def _grid(reader: BmsDbReader, start: datetime, end: datetime) -> _Grid:
    """The grid by every record: a cut of seconds is one. What is not known neither begins nor ends one."""
    series = held(query(reader, INVERTER, TELLS_OF_GRID, start, end, 1 + max(1, -(-(end - start) // CUT))))
    grid = _Grid(False, [], [], set(), set())
    since: float | None = None
    reached, seen = start.timestamp(), False
    means = zip(*(series.values[name].mean for name in TELLS_OF_GRID), strict=True)
    least = series.values["grid_voltage"].min
    for at, low, (volts, power, load, sun) in zip(series.times, least, means, strict=True):
        told = grid_at(at, volts if low is None else low, power, load, sun)
        if told == UNKNOWN:
            continue
        if at - reached >= HOLE.total_seconds():
            grid.unknown.append(Span(_utc(reached), _utc(at)))
        if told == LOST:
            since = at if since is None else since
            grid.slots_away.add(_slot(at))
        else:
            if since is not None:
                grid.away.append(Span(_utc(since), _utc(at)))
            since = None
            grid.slots_there.add(_slot(at))
        reached, seen = at + series.step, True
    gone = end.timestamp() - reached >= HOLE.total_seconds()
    if since is not None:
        grid.away.append(Span(_utc(since), _utc(reached) if gone else None))
    if gone:
        grid.unknown.append(Span(_utc(reached), None if seen else end))
    return grid._replace(seen=seen, slots_there=grid.slots_there - grid.slots_away)


def _usual(reader: BmsDbReader, track: str, day: date, zone: tzinfo) -> Usual | None:
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
            meter = _metered(series, series.values[name])
            if meter is not None and meter.last - meter.first >= MOST_OF_A_DAY:
                into.append(meter.kwh)
    if days < ENOUGH_DAYS:
        return None
    return Usual(days, _mean(charged), _mean(discharged), _mean(lows))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if len(values) >= ENOUGH_DAYS else None


def _health(reader: BmsDbReader, day: date) -> dict[str, tuple[FaultyCell, ...]]:
    """What is wrong with cells, by the address of their pack; what is not understood is left out."""
    learnt: Mapping[str, Any] = read_states(reader)
    faults = {}
    for address, counter in counters(reader).items():
        try:
            report = stored_report(counter.state["health"], learnt_of(address, learnt))
        except (KeyError, TypeError, ValueError):  # of an inverter, or of another version
            continue
        faults[address] = tuple(
            FaultyCell(cell.number, fault.kind, fault.since == day.isoformat())
            for cell in report.cells
            for fault in cell.faults
        )
    return faults


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
