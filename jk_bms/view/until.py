"""Will it last until then: the present charge from the poller, what is usual in those hours from history."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from jk_bms.battery.runtime import TINY
from jk_bms.battery.until import (
    LEAST_DAYS,
    PRESENT_UNSURE,
    Outlook,
    Stretch,
    as_usual,
    battery_power,
    expect,
    foretold,
)
from jk_bms.errors import StoreError
from jk_bms.model.inverter import INVERTER
from jk_bms.model.snapshot import BatteryNow, Snapshot
from jk_bms.store.bms_db import BmsDbReader
from jk_bms.store.history_query import query
from jk_bms.view.house import house_of, pack_size

DAYS = 14  # that tell what is usual
POINTS = 96  # of each
KNOWN = 0.8  # share of the time that must be known of a day
SOON = 7200.0  # s: an end within that is told as the alert of it tells it


def outlook(
    reader: BmsDbReader,
    snapshot: Snapshot,
    device: BatteryNow | None,
    until: datetime,
    now: datetime,
    zone: tzinfo | None,
) -> Outlook | None:
    """Return how a battery of the snapshot, or the house (None), will do until then, without any grid from now on.

    None when charge, capacity or load are not known, or not of now. Reads ``bms.db``: to be called in a thread.
    """
    asked = house_of(snapshot if device is None else snapshot.of([device]))
    if asked.soc_low is None or asked.soc_high is None or not asked.capacity_kwh:
        return None
    low, high, capacity_wh = asked.soc_low, asked.soc_high, 1000.0 * asked.capacity_kwh
    by_forecast = (
        None
        if asked.empty_in is None
        else foretold(now, until, asked.empty_in, low=low, high=high, capacity_wh=capacity_wh)
    )
    if asked.empty_in is not None and asked.empty_in[1] <= SOON:
        return by_forecast
    present = -asked.power if asked.power is not None and asked.power < 0 else None
    share = 1.0 if device is None else share_of(snapshot, device)
    needed = share * _on_the_grid(snapshot)
    if needed > (1.0 + PRESENT_UNSURE) * (present or 0.0):  # the packs do not know what the grid spares them
        by_forecast, present = None, needed
    spans = [(_days_before(now, days, zone), _days_before(until, days, zone)) for days in range(1, DAYS + 1)]
    usual = [
        [Stretch(seconds, share * watts) for seconds, watts in day]
        for start, end in spans
        if (day := house_power(reader, start, end))
    ]
    if len(usual) < LEAST_DAYS:
        if by_forecast is not None:  # what the packs themselves tell of the load is in it already
            return by_forecast
        addresses = [one.address for one in asked.counted]
        least = TINY * capacity_wh
        usual = as_usual([_packs_power(reader, addresses, *span, least) for span in spans], present)
    expected = expect(
        now,
        until,
        low=low,
        high=high,
        capacity_wh=capacity_wh,
        usual=usual,
        present=present,
    )
    return None if expected is None else expected._replace(share=share)


def share_of(snapshot: Snapshot, device: BatteryNow) -> float:
    """Return which part of the house's load is on ``device``: packs in parallel give by their size.

    Nothing is put on a pack that cannot be counted on: should it be off, the others carry all.
    """
    counted = house_of(snapshot).counted
    others = [one for one in counted if one.address != device.address]
    sizes = [pack_size(one.told) for one in (device, *others)]
    known = [size for size in sizes if size]
    return known[0] / sum(known) if len(known) == len(sizes) else 1.0 / len(sizes)


def _on_the_grid(snapshot: Snapshot) -> float:
    """What the house would take from its batteries at this moment, in W; 0 where no grid carries it, or not known."""
    inverter = snapshot.inverter
    if inverter is None or inverter.grid.state != "present" or snapshot.is_old(inverter.age):
        return 0.0
    return (
        0.0 if inverter.load_power is None else battery_power(inverter.load_power, inverter.pv_power or 0.0)
    )


def house_power(reader: BmsDbReader, start: datetime, end: datetime) -> list[Stretch]:
    """Return what the house would have taken from a battery; empty where the inverter told too little."""
    try:
        series = query(reader, INVERTER, ("ac_output_power", "pv_input_power"), start, end, POINTS)
    except StoreError:
        return []
    loads, suns = series.values["ac_output_power"].mean, series.values["pv_input_power"].mean
    watts = [
        None if load is None else battery_power(load, sun or 0.0)
        for load, sun in zip(loads, suns, strict=True)
    ]
    return _steps(series.times, series.step, watts, start, end)


def _packs_power(
    reader: BmsDbReader, addresses: Sequence[str], start: datetime, end: datetime, least: float
) -> list[tuple[float, float | None]]:
    """What the batteries gave together: s, and W where they carried the house; empty where one has no history.

    While they give less than ``least`` W, or are charged, it is the grid or the sun that carries the house, and
    nothing is known of its load: nor just before and after, for there a mean is of both.
    """
    lines: list[list[float | None]] = []
    for address in addresses:
        try:
            series = query(reader, address, ("power",), start, end, POINTS)
        except StoreError:
            return []
        lines.append([None if value is None else -value for value in series.values["power"].mean])
    if len({len(line) for line in lines}) != 1:
        return []
    carried = [
        total
        if None not in each and (total := sum(value for value in each if value is not None)) >= least
        else None
        for each in zip(*lines, strict=True)
    ]
    around = [carried[0], *carried, carried[-1]]
    inner = [
        value if before is not None and after is not None else None
        for before, value, after in zip(around, carried, around[2:], strict=False)
    ]
    return _cut(series.times, series.step, inner, start, end)


def _steps(
    times: list[float], step: float, watts: list[float | None], start: datetime, end: datetime
) -> list[Stretch]:
    cut = _cut(times, step, watts, start, end)
    known = [(seconds, value) for seconds, value in cut if value is not None]
    heard = sum(seconds for seconds, _ in known)
    if heard < KNOWN * (end - start).total_seconds():
        return []
    mean = sum(seconds * value for seconds, value in known) / heard
    return [Stretch(seconds, mean if value is None else value) for seconds, value in cut]


def _cut(
    times: list[float], step: float, watts: list[float | None], start: datetime, end: datetime
) -> list[tuple[float, float | None]]:
    """Return s and W of what lies between ``start`` and ``end``."""
    first, last = start.timestamp(), end.timestamp()
    return [
        (seconds, value)
        for time, value in zip(times, watts, strict=True)
        if (seconds := min(time + step, last) - max(time, first)) > 0
    ]


def _days_before(moment: datetime, days: int, zone: tzinfo | None) -> datetime:
    """The same time on the clock on the wall, ``days`` ago."""
    local = moment.astimezone(zone)
    shifted = (local.replace(tzinfo=None) - timedelta(days=days)).replace(tzinfo=zone)
    return shifted.astimezone(UTC)
