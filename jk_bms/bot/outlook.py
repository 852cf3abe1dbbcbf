"""``/until``: the present charge from the poller, what is usual in those hours from history."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from jk_bms.battery.until import Outlook, Step, battery_power, expect
from jk_bms.bot.pages.values import can_be_counted_on
from jk_bms.errors import StoreError
from jk_bms.store.history_query import query
from jk_bms.store.own import OwnReader

DAYS = 14  # that tell what is usual
POINTS = 96  # of each
KNOWN = 0.8  # share of the time that must be known of a day
INVERTER = "inverter"
NOMINAL = 3.2  # V of an LFP cell, where no voltage is known


def outlook(
    reader: OwnReader,
    snapshot: dict[str, Any],
    device: dict[str, Any],
    until: datetime,
    now: datetime,
    zone: tzinfo | None,
) -> Outlook | None:
    """Return how a battery of the snapshot will do until then, as if there were no grid from now on.

    None when charge, capacity or load are not known, or not of now. Reads ``bms.db``: to be called in a thread.
    """
    if not can_be_counted_on(device, snapshot):
        return None
    reading = device["reading"]
    soc = reading.get("battery_soc")
    low, high = reading.get("soc_low", soc), reading.get("soc_high", soc)
    ampere_hours = _size(device)
    volts = reading.get("voltage") or NOMINAL * reading.get("cell_count", 0)
    if low is None or high is None or not ampere_hours or not volts:
        return None
    share = share_of(snapshot, device)
    usual = []
    for days in range(1, DAYS + 1):
        start, end = (_days_before(moment, days, zone) for moment in (now, until))
        house = [Step(seconds, share * watts) for seconds, watts in house_power(reader, start, end)]
        day = house or _pack_power(reader, device["address"], start, end)
        if day:
            usual.append(day)
    power = reading.get("power")
    present = -power if power is not None and power < 0 else None
    expected = expect(
        now, until, low=low, high=high, capacity_wh=ampere_hours * volts, usual=usual, present=present
    )
    return None if expected is None else expected._replace(share=share)


def share_of(snapshot: dict[str, Any], device: dict[str, Any]) -> float:
    """Return which part of the house's load is on ``device``: packs in parallel give by their size.

    Nothing is put on a pack that does not say how it is: should it be off, the others carry all.
    """
    others = [
        one
        for one in snapshot["devices"]
        if one["address"] != device["address"] and can_be_counted_on(one, snapshot)
    ]
    sizes = [_size(one) for one in (device, *others)]
    known = [size for size in sizes if size]
    return known[0] / sum(known) if len(known) == len(sizes) else 1.0 / len(sizes)


def _size(device: dict[str, Any]) -> float | None:
    """How much goes in, in Ah: as learnt, else as the BMS says."""
    reading = device.get("reading") or {}
    size: float | None = reading.get("learned_capacity") or reading.get("capacity")
    return size


def house_power(reader: OwnReader, start: datetime, end: datetime) -> list[Step]:
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


def _pack_power(reader: OwnReader, address: str, start: datetime, end: datetime) -> list[Step]:
    """What the battery gave; a time in which it was charged tells nothing of the load."""
    try:
        series = query(reader, address, ("power",), start, end, POINTS)
    except StoreError:
        return []
    watts = [None if value is None else max(0.0, -value) for value in series.values["power"].mean]
    return _steps(series.times, series.step, watts, start, end) if any(watts) else []


def _steps(
    times: list[float], step: float, watts: list[float | None], start: datetime, end: datetime
) -> list[Step]:
    first, last = start.timestamp(), end.timestamp()
    cut = [
        (max(0.0, min(time + step, last) - max(time, first)), value)
        for time, value in zip(times, watts, strict=True)
    ]
    known = [(seconds, value) for seconds, value in cut if value is not None and seconds > 0]
    heard = sum(seconds for seconds, _ in known)
    if heard < KNOWN * (last - first):
        return []
    mean = sum(seconds * value for seconds, value in known) / heard
    return [Step(seconds, mean if value is None else value) for seconds, value in cut if seconds > 0]


def _days_before(moment: datetime, days: int, zone: tzinfo | None) -> datetime:
    """The same time on the clock on the wall, ``days`` ago."""
    local = moment.astimezone(zone)
    shifted = (local.replace(tzinfo=None) - timedelta(days=days)).replace(tzinfo=zone)
    return shifted.astimezone(UTC)
