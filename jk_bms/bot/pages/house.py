"""A house of several packs: what they have together on the first line, and a line for each below."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from jk_bms.bot.pages import values
from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.page import Button, Page, Row, block, page
from jk_bms.model.reading import Reading
from jk_bms.model.snapshot import BatteryNow, Energy, Snapshot
from jk_bms.texts import Texts, escape
from jk_bms.texts.alerts import bms_alarm
from jk_bms.view.charge import shown_soc
from jk_bms.view.flow import flow_of_current, flow_of_power
from jk_bms.view.house import NO_CHARGE, OFF, LeftOut, WholeHouse, house_of

ROUNDED = 300.0  # s: a time of a forecast is no more exact ...
NEAR = 7200.0  # s: ... unless it is so near


def house(snapshot: Snapshot, texts: Texts, zone: tzinfo | None, now: datetime) -> Page:
    """Return ``/battery`` of a house of several packs: what they have together, and how each is."""
    whole = house_of(snapshot)
    buttons = [
        [
            Button(texts("bot.button.refresh"), press("battery")),
            Button(texts("bot.button.chart"), press("chart", "24h", "soc", "all")),
        ],
        *(
            [Button(f"🔋 {values.label(device, texts)}", press("battery", device.number))]
            for device in snapshot.devices
        ),
    ]
    return page(
        escape(values.notes(snapshot, texts)),
        *house_lines(whole, texts, zone, now),
        block(_rows(whole, snapshot, texts, zone, now)),
        *pack_lines(whole, snapshot, texts, zone, now),
        values.low_line(whole.soc, texts),
        escape(values.low_advice(whole.soc, _flow(whole), texts)),
        escape(house_updated(whole, snapshot, texts, zone, now)),
        buttons=buttons,
    )


def house_lines(whole: WholeHouse, texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    """Yield how full the house is and how long that lasts, as HTML."""
    yield house_line(whole, texts)
    parts = []
    if whole.power is not None:
        watts = texts.quantity(abs(whole.power), "W")
        parts.append(texts(f"bot.house.{_flow(whole)}", power=watts))
    if whole.empty_in is not None:
        parts.append(texts("bot.house.lasts", time=_between(whole.empty_in, texts, zone, now)))
    elif whole.full_in is not None:
        parts.append(texts("bot.house.full", time=_between(whole.full_in, texts, zone, now)))
    if parts:
        yield escape(", ".join(parts))


def house_line(whole: WholeHouse, texts: Texts) -> str:
    """Return how full the house is, as HTML."""
    name = texts("bot.house.name")
    if whole.soc is None:
        return f"<b>{escape(texts('bot.house.unknown', name=name))}</b>"
    charge = {"name": name, "soc": shown_soc(whole.soc)}
    line = (
        texts("bot.house.charge", **charge)
        if whole.left_kwh is None
        else texts("bot.house.charge_left", **charge, left=texts.quantity(whole.left_kwh, "kWh", 1))
    )
    return f"{values.soc_mark(whole.soc)} <b>{escape(line)}</b>"


def pack_lines(
    whole: WholeHouse, snapshot: Snapshot, texts: Texts, zone: tzinfo | None, now: datetime
) -> Iterator[str]:
    """Yield a line for each pack, in the order of their numbers, as HTML; one that is not counted says why."""
    out = {one.device.number: one for one in whole.left_out}
    for device in snapshot.devices:
        left_out, soc = out.get(device.number), device.told.battery_soc
        if left_out is not None:
            line = f"⚠️ {escape(_not_counted(left_out, texts, zone, now))}"
        else:
            line = f"{'' if soc is None else values.soc_mark(soc)} {escape(_pack(device, texts))}"
        yield line + "".join(escape(f" ❗ {text}") for text in _alarms(device, texts))


def left_out_lines(whole: WholeHouse, texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    """Yield why a pack is not counted, as text, for each that is not."""
    for one in whole.left_out:
        yield _not_counted(one, texts, zone, now)


def house_updated(
    whole: WholeHouse, snapshot: Snapshot, texts: Texts, zone: tzinfo | None, now: datetime
) -> str:
    """Return when the oldest of the counted readings was taken; "" without any."""
    if not whole.counted:
        return ""
    oldest = max(whole.counted, key=lambda device: device.age or 0.0)
    return values.updated(oldest, snapshot, texts, zone, now)


def _rows(
    whole: WholeHouse, snapshot: Snapshot, texts: Texts, zone: tzinfo | None, now: datetime
) -> Iterator[Row]:
    told = Reading(voltage=whole.voltage, current=whole.current, power=whole.power)
    yield from values.flow_rows(told, texts)
    if whole.left_kwh is not None:
        yield from values.amount(texts, "remaining", whole.left_kwh, "kWh", 1)
    today = now.astimezone(zone).date().isoformat()
    # A silent pack's day is not over: then the sum would be too small.
    days = [device.days.get(today, Energy()) for device in snapshot.devices]
    for row, each in (
        ("in_today", [day.charged_kwh for day in days]),
        ("out_today", [day.discharged_kwh for day in days]),
    ):
        known = [energy for energy in each if energy is not None]
        if known and len(known) == len(days):
            yield from values.amount(texts, row, sum(known), "kWh", 1)
    deltas = [delta for device in whole.counted if (delta := device.told.cell_delta) is not None]
    if deltas:
        yield from values.amount(texts, "delta", 1000 * max(deltas), "mV")


def _pack(device: BatteryNow, texts: Texts) -> str:
    """``Main: 84 %, -1084 W, 18.5 °C``."""
    reading = device.told
    facts = [] if reading.battery_soc is None else [f"{shown_soc(reading.battery_soc)} %"]
    if reading.power is not None:
        facts.append(texts.quantity(reading.power, "W", sign=True))
    if reading.temperature is not None:
        facts.append(texts.quantity(reading.temperature, "°C", 1))
    return f"{values.label(device, texts)}: {', '.join(facts)}"


def _not_counted(one: LeftOut, texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    device, age, soc = one.device, one.device.age, one.device.told.battery_soc
    facts = []
    if one.why in (OFF, NO_CHARGE):
        facts += [f"{shown_soc(soc)} %"] if soc is not None else []
        facts.append(texts(f"bot.house.why.{one.why}"))
    else:
        facts.append(texts(f"bot.house.why.{one.why}"))
        if age is not None:
            time = texts.moment(now - timedelta(seconds=age), zone, now)
            key = "bot.house.last_heard" if soc is None else "bot.house.last_charge"
            facts.append(texts(key, time=time, soc=None if soc is None else shown_soc(soc)))
    return texts("bot.house.not_counted", name=values.label(device, texts), why=", ".join(facts))


def _alarms(device: BatteryNow, texts: Texts) -> list[str]:
    return [bms_alarm(name, texts) for name in device.told.alarms]


def _flow(whole: WholeHouse) -> str:
    return flow_of_power(whole.power or 0.0) if whole.current is None else flow_of_current(whole.current)


def _between(seconds: tuple[float, float], texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    """A forecast as a time, or as two when they are not the same."""
    start = now.timestamp()
    # What is near is as exact as an alert says it.
    step = ROUNDED if seconds[0] > NEAR else 60.0
    first = (start + seconds[0]) // step * step
    last = (start + seconds[1]) // step * step if step < ROUNDED else -(-(start + seconds[1]) // step) * step
    moments = [datetime.fromtimestamp(each, now.tzinfo).astimezone(zone) for each in (first, last)]
    told = texts.moment(moments[1], zone, now)
    if moments[0].date() == moments[1].date():
        early, late = (f"{each:%H:%M}" for each in moments)
        return told if early == late else texts("units.times", first=early, last=told)
    return texts("units.times", first=texts.moment(moments[0], zone, now), last=told)
