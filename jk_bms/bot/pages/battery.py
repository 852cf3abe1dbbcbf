"""``/battery`` and ``/cells``: one battery in detail."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from jk_bms.bot.pages import values
from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.page import Button, Page, Row, block, page, preformatted
from jk_bms.model.reading import Reading
from jk_bms.model.snapshot import BatteryNow, Snapshot
from jk_bms.texts import Texts, clip, escape
from jk_bms.texts.alerts import bms_alarm
from jk_bms.view.charge import shown_soc
from jk_bms.view.flow import flow_of_current
from jk_bms.view.house import lasts
from jk_bms.view.status_text import soc_bar

BAR = 16  # characters
ROWS_SINGLE = 8  # up to so many cells in one column, more in two


def battery(snapshot: Snapshot, device: BatteryNow, texts: Texts, zone: tzinfo | None, now: datetime) -> Page:
    """Return what is known of ``device``, one of the snapshot's."""
    reading = device.told
    name = escape(values.label(device, texts))
    buttons = _buttons("battery", device, texts)
    if not values.has_data(device):
        return page(
            escape(values.notes(snapshot, texts)),
            f"<b>{name}</b>",
            escape(no_data(device, texts, zone, now)),
            buttons=buttons,
        )
    soc = reading.battery_soc
    return page(
        escape(values.notes(snapshot, texts)),
        f"{values.soc_mark(soc)} <b>{name}: {shown_soc(soc)} %</b>" if soc is not None else f"<b>{name}</b>",
        f"<code>{soc_bar(soc, BAR)}</code>" if soc is not None else "",
        block(_rows(device, texts, zone, now)),
        *(escape(line) for line in _lines(device, snapshot, texts)),
        values.low_line(soc, texts),
        escape(values.low_advice(soc, flow_of_current(reading.current or 0.0), texts)),
        escape(values.updated(device, snapshot, texts, zone, now)),
        buttons=buttons,
    )


def cells(snapshot: Snapshot, device: BatteryNow, texts: Texts, zone: tzinfo | None, now: datetime) -> Page:
    """Return all cells of ``device`` with the highest and the lowest marked."""
    reading = device.told
    name = escape(values.label(device, texts))
    voltages, low, high = reading.cells, reading.cell_min, reading.cell_max
    if not voltages or low is None or high is None:
        return page(
            escape(values.notes(snapshot, texts)),
            f"<b>{name}</b>",
            escape(texts("bot.no_cells") if values.has_data(device) else no_data(device, texts, zone, now)),
            buttons=_buttons("cells", device, texts),
        )
    summary = [
        *values.amount(texts, "highest", high.v, "V", 3, texts("bot.cell", number=high.index)),
        *values.amount(texts, "lowest", low.v, "V", 3, texts("bot.cell", number=low.index)),
        *values.amount(texts, "mean", reading.cell_average, "V", 3),
        *values.amount(texts, "delta", 1000 * (high.v - low.v), "mV"),
    ]
    numbers = reading.cell_numbers or range(1, len(voltages) + 1)
    marks = {high.index: texts("bot.max"), low.index: texts("bot.min")}
    title = texts.count("bot.cells_of", len(voltages), name=values.label(device, texts))
    return page(
        escape(values.notes(snapshot, texts)),
        f"<b>{escape(title)}</b>",
        preformatted(_columns(list(numbers), voltages, marks, texts)),
        block(summary),
        escape(_beyond(list(numbers), voltages, device.cell_limits, texts)),
        escape(_balancing(reading, texts)),
        escape(values.updated(device, snapshot, texts, zone, now)),
        buttons=_buttons("cells", device, texts),
    )


def no_data(device: BatteryNow, texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    """Return since when nothing is known of the battery, as text."""
    age = device.age
    if age is None:
        return texts("bot.no_data_yet")
    return texts("bot.no_data_since", time=texts.moment(now - timedelta(seconds=age), zone, now))


def _rows(device: BatteryNow, texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[Row]:
    """What flows, what is left, the cells, the warmth."""
    reading = device.told
    yield from values.flow_rows(reading, texts)
    yield from values.amount(texts, "remaining", reading.charge, "Ah", 1)
    # The newest day that a silent battery knows of may be yesterday.
    if today := device.days.get(now.astimezone(zone).date().isoformat()):
        yield from values.amount(texts, "in_today", today.charged_kwh, "kWh", 1)
        yield from values.amount(texts, "out_today", today.discharged_kwh, "kWh", 1)
    if count := reading.cell_count:
        yield Row(texts("bot.row.cells"), str(count))
    for name, cell in (("highest", reading.cell_max), ("lowest", reading.cell_min)):
        if cell is not None:
            yield from values.amount(texts, name, cell.v, "V", 3, texts("bot.cell", number=cell.index))
    yield from values.delta_row(reading, texts)
    probes = reading.probes
    if len(probes) < 2:
        yield from values.amount(texts, "temperature", reading.temperature, "°C", 1)
    else:
        for number, value in probes:
            yield from values.amount(texts, "probe", value, "°C", 1, number=number)
    yield from values.amount(texts, "mosfets", reading.mos_temperature, "°C", 1)


def _lines(device: BatteryNow, snapshot: Snapshot, texts: Texts) -> Iterator[str]:
    """What needs words: forecast, source and sureness of the SoC, alarms and switches of the BMS."""
    reading, age = device.told, device.age
    if not snapshot.is_old(age):
        if forecast := lasts(snapshot, reading.empty_in, device):
            yield "⏳ " + texts("bot.empty_in", span=texts.span_between(*forecast))
        elif forecast := reading.full_in:
            yield "⏳ " + texts("bot.full_in", span=texts.span_between(*forecast))
    if reading.device.balancer:
        yield "⚖️ " + texts("bot.balancer")
    if reading.battery_soc is not None:
        yield _source(reading, age or 0.0, texts)
    for name in reading.alarms:
        yield "❗ " + texts("bot.bms_says", text=bms_alarm(name, texts))
    for switch, on in (("charge", reading.switches.charge), ("discharge", reading.switches.discharge)):
        if on is False:
            yield "❗ " + texts(f"bot.switch_off.{switch}")


def _source(reading: Reading, age: float, texts: Texts) -> str:
    source = reading.battery_soc_source or "bms"
    key = f"bot.source.{source}"
    line = texts("bot.source", source=texts(key) if texts.known(key) else clip(source))
    low, high = reading.soc_low, reading.soc_high
    if low is None or high is None:
        return line
    key = "bot.band" if source == "counted" else "bot.band_unsure"
    line += ", " + texts(key, low=f"{low:.0f}", high=f"{high:.0f}")
    anchor, before = reading.soc_anchor, reading.soc_anchor_age
    if source == "counted" and anchor in ("full", "empty") and before is not None:
        line += ", " + texts(f"bot.anchor.{anchor}", ago=texts.ago(before + age))
    return line


def _beyond(
    numbers: Sequence[int], voltages: Sequence[float], limits: tuple[float, float] | None, texts: Texts
) -> str:
    """Which cells are at or beyond a limit; empty: none, or the limits are not known."""
    if limits is None:
        return ""
    low, high = limits
    beyond = [str(number) for number, v in zip(numbers, voltages, strict=True) if not low < v < high]
    if not beyond:
        return ""
    first, last = (texts.quantity(limit, "V", 3) for limit in limits)
    return texts("bot.cells_beyond", low=first, high=last, cells=", ".join(beyond))


def _balancing(reading: Reading, texts: Texts) -> str:
    if not reading.switches.balance and not reading.balance_current:
        return ""
    amps = reading.balance_current
    if amps is None:
        return texts("bot.balancing")
    return texts("bot.balancing_with", current=texts.quantity(abs(amps), "A", 2))


def _columns(
    numbers: Sequence[int], voltages: Sequence[float], marks: dict[int, str], texts: Texts
) -> Iterator[str]:
    width = max(map(len, marks.values()))
    entries = [
        f"{number:2d} {texts.number(volts, 3)} {marks.get(number, ''):<{width}}"
        for number, volts in zip(numbers, voltages, strict=True)
    ]
    if len(entries) <= ROWS_SINGLE:
        yield from (entry.rstrip() for entry in entries)
        return
    half = (len(entries) + 1) // 2
    for index in range(half):
        yield "   ".join(entries[index::half][:2]).rstrip()


def _buttons(shown: str, device: BatteryNow, texts: Texts) -> list[list[Button]]:
    number = device.number
    pages = {
        "battery": "🔋 " + texts("bot.button.battery"),
        "cells": texts("bot.button.cells"),
        "health": texts("bot.button.health"),
    }
    return [
        [
            Button(texts("bot.button.refresh"), press(shown, number)),
            Button(texts("bot.button.chart"), press("chart", "24h", "soc", number)),
        ],
        [Button(title, press(name, number)) for name, title in pages.items() if name != shown],
    ]
