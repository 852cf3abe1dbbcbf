"""The charts there are: what each reads and how it is drawn. A new one is a row in KINDS."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from jk_bms.charts.axes import Mark, Scale, scale, time_marks
from jk_bms.charts.data import ChartData
from jk_bms.charts.plot import HEIGHT, Picture
from jk_bms.charts.style import Color, Theme
from jk_bms.store.history_query import Values
from jk_bms.texts import Texts

TOP = 160.0  # pixels: where the first panel begins
BOTTOM = HEIGHT - 96.0
APART = 74.0  # between two panels
KILO = 1500.0  # W from which kW are easier to read


class Head(NamedTuple):
    """What stands above a chart."""

    title: str
    device: str
    zone: tzinfo | None
    texts: Texts
    theme: Theme


class Kind(NamedTuple):
    """A chart: quantities of the pack and of the inverter, and who draws them."""

    pack: tuple[str, ...]
    inverter: tuple[str, ...]
    draw: Callable[[ChartData, Head], Picture]


def _soc(data: ChartData, head: Head) -> Picture:
    soc = data.pack["battery_soc"]
    picture = _picture(head, _newest(data, "battery_soc", head, 0, "%"), _range(soc, data, head, 0, "%"))
    legend = _soc_panel(picture, data, head, TOP, BOTTOM)
    picture.legend(legend)
    return picture


def _soc_panel(
    picture: Picture, data: ChartData, head: Head, top: float, bottom: float
) -> list[tuple[str, Color]]:
    soc, low, high = data.pack["battery_soc"], data.pack["soc_low"], data.pack["soc_high"]
    theme, texts = head.theme, head.texts
    panel = picture.panel(top, bottom, (data.start, data.end), Scale(0.0, 100.0, 20.0))
    panel.shade(data.outages, theme.outage)
    panel.axes(_marks(data, head), "%")
    panel.band(data.times, low.mean, high.mean, theme.blue, 0.18)
    panel.band(data.times, soc.min, soc.max, theme.blue, 0.35)
    panel.line(data.times, soc.mean, theme.blue)
    legend = [(texts("charts.soc"), theme.blue)]
    if any(value is not None for value in low.mean):
        legend.append((texts("charts.band"), _mixed(theme.blue, theme.ground, 0.25)))
    return legend + _outage_entry(data, head)


def _power(data: ChartData, head: Head) -> Picture:
    power = data.pack["power"]
    unit, divisor, digits = _power_unit(data)
    shown = _newest(data, "power", head, digits, unit, 1.0 / divisor, signed=True)
    picture = _picture(head, shown, _range(_divided(power, divisor), data, head, digits, unit))
    picture.legend(_power_panel(picture, data, head, TOP, BOTTOM))
    return picture


def _power_panel(
    picture: Picture, data: ChartData, head: Head, top: float, bottom: float
) -> list[tuple[str, Color]]:
    theme, texts = head.theme, head.texts
    unit, divisor, _ = _power_unit(data)
    power = _divided(data.pack["power"], divisor)
    load, sun = (
        _divided(data.inverter[name], divisor) if name in data.inverter else None
        for name in ("ac_output_power", "pv_input_power")
    )
    drawn = [power.min, power.max, *([load.mean] if load else []), *([sun.mean] if sun else [])]
    panel = picture.panel(top, bottom, (data.start, data.end), _fit(drawn, least=200.0 / divisor, zero=True))
    panel.shade(data.outages, theme.outage)
    panel.axes(_marks(data, head), texts.unit(unit))
    panel.band(data.times, power.min, power.max, theme.quiet, 0.22)
    above = [None if value is None else max(0.0, value) for value in power.mean]
    below = [None if value is None else min(0.0, value) for value in power.mean]
    nothing = [None if value is None else 0.0 for value in power.mean]
    panel.band(data.times, nothing, above, theme.green, 0.75)
    panel.band(data.times, below, nothing, theme.orange, 0.75)
    legend = [(texts("charts.charging"), theme.green), (texts("charts.discharging"), theme.orange)]
    for values, name, color in ((load, "charts.load", theme.violet), (sun, "charts.sun", theme.yellow)):
        if values is not None and any(value is not None for value in values.mean):
            panel.line(data.times, values.mean, color, 3)
            legend.append((texts(name), color))
    return legend + _outage_entry(data, head)


def _cells(data: ChartData, head: Head) -> Picture:
    low, high, delta = (data.pack[name] for name in ("cell_min", "cell_max", "cell_delta"))
    theme, texts = head.theme, head.texts
    apart = _scaled(delta, 1000.0)
    shown = _newest(data, "cell_delta", head, 0, "mV", 1000.0)
    picture = _picture(head, shown, _range(apart, data, head, 0, "mV"))
    middle = TOP + 0.62 * (BOTTOM - TOP)
    times = (data.start, data.end)
    upper = picture.panel(TOP, middle - 0.5 * APART, times, _fit([low.min, high.max], least=0.1))
    upper.shade(data.outages, theme.outage)
    upper.axes(_marks(data, head), texts.unit("V"))
    upper.band(data.times, low.mean, high.mean, theme.blue, 0.25)
    upper.line(data.times, high.mean, theme.red)
    upper.line(data.times, low.mean, theme.blue)
    lower = picture.panel(
        middle + 0.5 * APART, BOTTOM, times, _fit([apart.mean, apart.max], least=20.0, zero=True, marks=3)
    )
    lower.shade(data.outages, theme.outage)
    lower.axes(_marks(data, head), texts.unit("mV"))
    lower.band(data.times, apart.min, apart.max, theme.violet, 0.3)
    lower.line(data.times, apart.mean, theme.violet)
    picture.legend(
        [
            (texts("charts.highest_cell"), theme.red),
            (texts("charts.lowest_cell"), theme.blue),
            (texts("charts.delta"), theme.violet),
            *_outage_entry(data, head),
        ]
    )
    return picture


def _temperature(data: ChartData, head: Head) -> Picture:
    battery, mosfet = data.pack["temperature"], data.pack["mosfet_temperature"]
    theme, texts = head.theme, head.texts
    picture = _picture(
        head, _newest(data, "temperature", head, 1, "°C"), _range(battery, data, head, 1, "°C")
    )
    panel = picture.panel(
        TOP,
        BOTTOM,
        (data.start, data.end),
        _fit([battery.min, battery.max, mosfet.min, mosfet.max], least=10.0),
    )
    panel.shade(data.outages, theme.outage)
    panel.axes(_marks(data, head), "°C")
    legend = []
    for values, name, color in (
        (mosfet, "charts.mosfet", theme.orange),
        (battery, "charts.battery", theme.blue),
    ):
        if any(value is not None for value in values.mean):
            panel.band(data.times, values.min, values.max, color, 0.3)
            panel.line(data.times, values.mean, color)
            legend.append((texts(name), color))
    picture.legend(legend + _outage_entry(data, head))
    return picture


def _day(data: ChartData, head: Head) -> Picture:
    soc = data.pack["battery_soc"]
    picture = _picture(head, _newest(data, "battery_soc", head, 0, "%"), _range(soc, data, head, 0, "%"))
    middle = TOP + 0.5 * (BOTTOM - TOP)
    first = _soc_panel(picture, data, head, TOP, middle - 0.5 * APART)
    second = _power_panel(picture, data, head, middle + 0.5 * APART, BOTTOM)
    picture.legend([*first[:1], *second])
    return picture


SOC_COLUMNS = ("battery_soc", "soc_low", "soc_high")
POWERS = ("ac_output_power", "pv_input_power")
KINDS = {
    "soc": Kind(SOC_COLUMNS, (), _soc),
    "power": Kind(("power",), POWERS, _power),
    "cells": Kind(("cell_min", "cell_max", "cell_delta"), (), _cells),
    "temperature": Kind(("temperature", "mosfet_temperature"), (), _temperature),
    "day": Kind((*SOC_COLUMNS, "power"), POWERS, _day),
}


def _picture(head: Head, value: str, note: str) -> Picture:
    picture = Picture(head.theme)
    picture.headline(head.title, head.device, value, note)
    return picture


def _marks(data: ChartData, head: Head) -> list[Mark]:
    return time_marks(data.start, data.end, head.zone, head.texts("charts.weekdays").split())


def _outage_entry(data: ChartData, head: Head) -> list[tuple[str, Color]]:
    return [(head.texts("charts.outage"), _stronger(head.theme))] if data.outages else []


def _newest(
    data: ChartData,
    name: str,
    head: Head,
    digits: int,
    unit: str,
    factor: float = 1.0,
    *,
    signed: bool = False,
) -> str:
    value = data.newest.get(name)
    return "" if value is None else head.texts.quantity(factor * value, unit, digits, sign=signed)


def _range(values: Values, data: ChartData, head: Head, digits: int, unit: str) -> str:
    """The lowest and the highest value, each with its time."""
    low = min(((v, t) for v, t in zip(values.min, data.times, strict=True) if v is not None), default=None)
    high = max(((v, t) for v, t in zip(values.max, data.times, strict=True) if v is not None), default=None)
    if low is None or high is None:
        return head.texts("charts.nothing")
    form = "%H:%M" if data.end - data.start <= 86400 * 1.05 else "%d.%m %H:%M"
    return head.texts(
        "charts.range",
        low=head.texts.quantity(low[0], unit, digits),
        low_at=format(datetime.fromtimestamp(low[1], UTC).astimezone(head.zone), form),
        high=head.texts.quantity(high[0], unit, digits),
        high_at=format(datetime.fromtimestamp(high[1], UTC).astimezone(head.zone), form),
    )


def _fit(
    lines: Sequence[Sequence[float | None]], *, least: float, zero: bool = False, marks: int = 5
) -> Scale:
    known = [value for line in lines for value in line if value is not None]
    if zero:
        known.append(0.0)
    if not known:
        return scale(0.0, least, marks=marks)
    low, high = min(known), max(known)
    if zero and high - low < least:  # keep zero where it is
        low, high = (low, max(high, low + least)) if high > -low else (min(low, high - least), high)
    return scale(low, high, marks=marks, least=least)


def _power_unit(data: ChartData) -> tuple[str, float, int]:
    known = [
        abs(value)
        for values in (*data.inverter.values(), data.pack["power"])
        for value in values.max
        if value is not None
    ]
    known += [abs(value) for value in data.pack["power"].min if value is not None]
    return ("kW", 1000.0, 2) if max(known, default=0.0) > KILO else ("W", 1.0, 0)


def _divided(values: Values, divisor: float) -> Values:
    return _scaled(values, 1.0 / divisor)


def _scaled(values: Values, factor: float) -> Values:
    return Values(*([None if value is None else value * factor for value in line] for line in values))


def _mixed(color: Color, ground: Color, share: float) -> Color:
    r, g, b = (round(c * share + g * (1.0 - share)) for c, g in zip(color, ground, strict=True))
    return r, g, b


def _stronger(theme: Theme) -> Color:
    """The colour of outages, strong enough for a small square."""
    return _mixed(theme.orange, theme.outage, 0.25)
