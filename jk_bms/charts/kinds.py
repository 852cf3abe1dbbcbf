"""The charts there are: what each reads and how it is drawn. A new one is a row in KINDS.

Up to two days are lines; weeks are a bar for each day, and so is a year of energy for each month.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple, TypeVar

from jk_bms.charts.axes import Mark, Scale, scale, time_marks
from jk_bms.charts.data import ChartData, Line, PeriodData, Range
from jk_bms.charts.plot import BOTTOM, LEFT, RIGHT, TEXT, TOP, WIDTH, Panel, Picture, Said
from jk_bms.charts.style import Color, Theme, mixed
from jk_bms.store.history_query import Values
from jk_bms.texts import Texts
from jk_bms.view.flow import flow_of_power

APART = 130.0  # px between two panels
KILO = 1500.0  # W from which kW are easier to read
WIDE = 0.72  # share of its place that a bar fills
PERCENT = Scale(0.0, 100.0, 20.0)
LEAST_SOC = 2.0  # %: of a charge that moved by less there is nothing to say

Legend = list[tuple[str, Color]]
T = TypeVar("T")


class Head(NamedTuple):
    """What stands above a chart."""

    title: str
    zone: tzinfo | None
    texts: Texts
    theme: Theme
    to_now: bool = True  # its end is the present; else it is told when its last value was


class Kind(NamedTuple):
    """A chart: quantities of the pack and of the inverter, what it says, and who draws it.

    ``draw_periods`` None: weeks are drawn as lines, too. ``energy``: also a year is put together from
    months. ``by_minutes``: a day is told by the minute, as the text beside it is.
    """

    pack: tuple[str, ...]
    inverter: tuple[str, ...]
    say: Callable[[ChartData, Head], Said]
    draw: Callable[[ChartData, Head, Picture], None]
    say_periods: Callable[[PeriodData, Head], Said] | None = None
    draw_periods: Callable[[PeriodData, Head, Picture], None] | None = None
    energy: bool = False
    by_minutes: bool = False


# The charge


def _say_soc(data: ChartData, head: Head) -> Said:
    return _said(
        head,
        *_last(data, "battery_soc", "", head, 0, "%"),
        _extremes(data, "battery_soc", head, 0, "%", least=LEAST_SOC),
    )


def _draw_soc(data: ChartData, head: Head, picture: Picture) -> None:
    picture.legend(_soc_panel(picture, data, head, TOP, BOTTOM))


def _soc_panel(picture: Picture, data: ChartData, head: Head, top: float, bottom: float) -> Legend:
    soc, low, high = data.pack["battery_soc"], data.pack["soc_low"], data.pack["soc_high"]
    theme, texts = head.theme, head.texts
    panel = picture.panel(top, bottom, (data.start, data.end), PERCENT)
    panel.shade(data.outages, theme.outage)
    panel.axes(_marks(data, head), "%")
    panel.band(data.times, low.mean, high.mean, theme.blue, 0.18)
    panel.band(data.times, soc.min, soc.max, theme.blue, 0.35)
    panel.line(data.times, soc.mean, theme.blue)
    legend = [(texts("charts.soc"), theme.blue)]
    if any(value is not None for value in low.mean):
        legend.append((texts("charts.band"), mixed(theme.blue, theme.ground, 0.25)))
    return legend + _outage_entry(data, head)


def _say_soc_periods(data: PeriodData, head: Head) -> Said:
    last = _last_of(data, "battery_soc", "", head, 0, "%")
    return _said(head, *last, _extreme_days(data, "battery_soc", head, 0, "%"))


def _draw_soc_periods(data: PeriodData, head: Head, picture: Picture) -> None:
    panel = _periods_panel(picture, data, head, TOP, BOTTOM, PERCENT, "%")
    _ranges(panel, data, data.pack["battery_soc"], head.theme.blue, head.theme)
    picture.legend(_range_legend(head, "charts.soc", head.theme.blue))


# Power and energy


def _say_power(data: ChartData, head: Head) -> Said:
    unit, divisor, digits = _power_unit(data)
    texts, power = head.texts, data.newest.get("power")
    flow = "idle" if power is None else flow_of_power(power)
    words, value = _last(data, "power", f".{flow}", head, digits, unit, 1.0 / divisor)
    notes = []
    for key, found in (
        ("charts.most_in", _highest(data, "power")),
        ("charts.most_out", _lowest(data, "power")),
    ):
        if found is not None and (found[0] > 0) == (key == "charts.most_in"):
            shown = texts.quantity(abs(found[0]) / divisor, unit, digits)
            notes.append(texts(key, value=shown, time=_time(found[1], data, head)))
    return _said(head, words, value.lstrip("+-"), notes)


def _draw_power(data: ChartData, head: Head, picture: Picture) -> None:
    picture.legend(_power_panel(picture, data, head, TOP, BOTTOM))


def _power_panel(picture: Picture, data: ChartData, head: Head, top: float, bottom: float) -> Legend:
    theme, texts = head.theme, head.texts
    unit, divisor, _ = _power_unit(data)
    power = _scaled(data.pack["power"], 1.0 / divisor)
    load, sun = (
        _scaled(data.inverter[name], 1.0 / divisor) if name in data.inverter else None for name in POWERS
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
        if values and any(value is not None for value in values.mean):
            panel.line(data.times, values.mean, color, 4)
            legend.append((texts(name), color))
    return legend + _outage_entry(data, head)


def _say_energy(data: PeriodData, head: Head) -> Said:
    texts = head.texts
    notes = [[("charts.energy_in", data.charged)]]
    notes.append([(f"charts.energy.{name}", data.inverter.get(name, [])) for name in POWERS])
    told = [[_total(key, line, texts) for key, line in row if any(line)] for row in notes]
    rows = [", ".join(row) for row in told if row]
    if not any(value is not None for value in data.discharged):
        return _said(head, texts("charts.no_meters"), "", rows)
    out = sum(value for value in data.discharged if value is not None)
    return _said(head, texts("charts.energy_out"), texts.quantity(out, "kWh", _energy_digits(out)), rows)


def _total(key: str, line: Line, texts: Texts) -> str:
    total = sum(value for value in line if value is not None)
    return texts(key, value=texts.quantity(total, "kWh", _energy_digits(total)))


def _energy_digits(kwh: float) -> int:
    return 1 if kwh < 100 else 0


def _draw_energy(data: PeriodData, head: Head, picture: Picture) -> None:
    theme, texts = head.theme, head.texts
    into, out = data.charged, [None if value is None else -value for value in data.discharged]
    beside = [data.inverter.get(name) for name in POWERS]
    house = [line for line in beside if line and any(line)]
    middle = TOP + 0.58 * (BOTTOM - TOP)
    bottom = middle - 0.5 * APART if house else BOTTOM
    unit = texts.unit("kWh")
    panel = _periods_panel(
        picture, data, head, TOP, bottom, _fit([into, out], least=1.0, zero=True), unit, marks=not house
    )
    for values, color in ((into, theme.green), (out, theme.orange)):
        for x, width, value in _placed(data, values):
            panel.bar(x, width, min(value, 0.0), max(value, 0.0), color)
    legend = [(texts("charts.charging"), theme.green), (texts("charts.discharging"), theme.orange)]
    if house:
        lower = _periods_panel(
            picture,
            data,
            head,
            middle + 0.5 * APART,
            BOTTOM,
            _fit(house, least=1.0, zero=True, marks=3),
            unit,
        )
        shown = [
            (line, key, color)
            for line, key, color in zip(
                beside, ("charts.load", "charts.sun"), (theme.violet, theme.yellow), strict=True
            )
            if line and any(line)
        ]
        for place, (line, key, color) in enumerate(shown):
            for x, width, value in _placed(data, line):
                part = width / len(shown)
                lower.bar(x + place * part, part, 0.0, value, color)
            legend.append((texts(key), color))
    picture.legend(legend)


# The cells


def _say_cells(data: ChartData, head: Head) -> Said:
    words, value = _last(data, "cell_delta", ".delta", head, 0, "mV", 1000.0)
    notes = []
    if (most := _highest(data, "cell_delta")) is not None:
        shown = head.texts.quantity(1000 * most[0], "mV")
        notes.append(head.texts("charts.most_delta", value=shown, time=_time(most[1], data, head)))
    low, high = _lowest(data, "cell_min"), _highest(data, "cell_max")
    return _said(head, words, value, [*notes, *_cell_range(low and low[0], high and high[0], head)])


def _cell_range(low: float | None, high: float | None, head: Head) -> list[str]:
    if low is None or high is None:
        return []
    texts = head.texts
    return [texts("charts.cells_between", low=texts.number(low, 3), high=texts.quantity(high, "V", 3))]


def _draw_cells(data: ChartData, head: Head, picture: Picture) -> None:
    low, high, delta = (data.pack[name] for name in ("cell_min", "cell_max", "cell_delta"))
    theme, texts = head.theme, head.texts
    apart = _scaled(delta, 1000.0)
    middle = TOP + 0.6 * (BOTTOM - TOP)
    times = (data.start, data.end)
    upper = picture.panel(TOP, middle - 0.5 * APART, times, _fit([low.min, high.max], least=0.1))
    upper.shade(data.outages, theme.outage)
    upper.axes((), texts.unit("V"))
    upper.band(data.times, low.mean, high.mean, theme.blue, 0.25)
    upper.line(data.times, high.mean, theme.orange)
    upper.line(data.times, low.mean, theme.blue)
    lower = picture.panel(
        middle + 0.5 * APART, BOTTOM, times, _fit([apart.mean, apart.max], least=20.0, zero=True, marks=3)
    )
    lower.shade(data.outages, theme.outage)
    lower.axes(_marks(data, head), texts.unit("mV"))
    lower.band(data.times, apart.min, apart.max, theme.violet, 0.3)
    lower.line(data.times, apart.mean, theme.violet)
    picture.legend([*_cells_legend(head), *_outage_entry(data, head)])


def _cells_legend(head: Head) -> Legend:
    texts, theme = head.texts, head.theme
    return [
        (texts("charts.highest_cell"), theme.orange),
        (texts("charts.lowest_cell"), theme.blue),
        (texts("charts.delta"), theme.violet),
    ]


def _say_cells_periods(data: PeriodData, head: Head) -> Said:
    words, value = _last_of(data, "cell_delta", ".delta", head, 0, "mV", 1000.0)
    texts, notes = head.texts, []
    known = _known(data, "cell_delta")
    if known:
        begin, most = max(known, key=lambda one: one[1].high)
        shown = texts.quantity(1000 * most.high, "mV")
        notes.append(texts("charts.most_delta_on", value=shown, date=texts.date(begin, head.zone)))
    lows, highs = _known(data, "cell_min"), _known(data, "cell_max")
    low = min((one.low for _, one in lows), default=None)
    high = max((one.high for _, one in highs), default=None)
    return _said(head, words, value, [*notes, *_cell_range(low, high, head)])


def _draw_cells_periods(data: PeriodData, head: Head, picture: Picture) -> None:
    theme, texts = head.theme, head.texts
    pairs = list(zip(data.pack["cell_min"], data.pack["cell_max"], strict=True))
    whole = [Range(low.low, low.mean, high.high) if low and high else None for low, high in pairs]
    deltas = [
        one and Range(1000 * one.low, 1000 * one.mean, 1000 * one.high) for one in data.pack["cell_delta"]
    ]
    middle = TOP + 0.6 * (BOTTOM - TOP)
    ends = [[one and one.low for one in whole], [one and one.high for one in whole]]
    upper = _periods_panel(
        picture,
        data,
        head,
        TOP,
        middle - 0.5 * APART,
        _fit(ends, least=0.1),
        texts.unit("V"),
        marks=False,
    )
    for x, width, one in _places(data, whole):
        upper.bar(x, width, one.low, one.high, mixed(theme.blue, theme.ground, 0.35))
        upper.tick(x, width, one.high, theme.orange)
        upper.tick(x, width, one.low, theme.blue)
    lower = _periods_panel(
        picture,
        data,
        head,
        middle + 0.5 * APART,
        BOTTOM,
        _fit([[one and one.high for one in deltas]], least=20.0, zero=True, marks=3),
        texts.unit("mV"),
    )
    for x, width, one in _places(data, deltas):
        lower.bar(x, width, 0.0, one.high, theme.violet)
    picture.legend(_cells_legend(head))


# Warmth


def _say_temperature(data: ChartData, head: Head) -> Said:
    last = _last(data, "temperature", ".battery", head, 1, "°C")
    return _said(head, *last, _extremes(data, "temperature", head, 1, "°C"))


def _draw_temperature(data: ChartData, head: Head, picture: Picture) -> None:
    battery, mosfet = data.pack["temperature"], data.pack["mosfet_temperature"]
    theme, texts = head.theme, head.texts
    lines = [battery.min, battery.max, mosfet.min, mosfet.max]
    panel = picture.panel(TOP, BOTTOM, (data.start, data.end), _fit(lines, least=10.0))
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


def _say_temperature_periods(data: PeriodData, head: Head) -> Said:
    last = _last_of(data, "temperature", ".battery", head, 1, "°C")
    return _said(head, *last, _extreme_days(data, "temperature", head, 1, "°C"))


def _draw_temperature_periods(data: PeriodData, head: Head, picture: Picture) -> None:
    theme, texts = head.theme, head.texts
    both = [
        (name, key, color)
        for name, key, color in (
            ("temperature", "charts.battery", theme.blue),
            ("mosfet_temperature", "charts.mosfet", theme.orange),
        )
        if any(data.pack[name])
    ]
    ends = [[one and end(one) for one in data.pack[name]] for name, _, _ in both for end in (_low, _high)]
    panel = _periods_panel(picture, data, head, TOP, BOTTOM, _fit(ends, least=10.0), "°C")
    legend = []
    for place, (name, key, color) in enumerate(both):
        for x, width, one in _places(data, data.pack[name]):
            part = width / len(both)
            panel.bar(x + place * part, part, one.low, one.high, color)
        legend.append((texts(key), color))
    picture.legend(legend)


# A day


def _draw_day(data: ChartData, head: Head, picture: Picture) -> None:
    middle = TOP + 0.5 * (BOTTOM - TOP)
    first = _soc_panel(picture, data, head, TOP, middle - 0.5 * APART)
    second = _power_panel(picture, data, head, middle + 0.5 * APART, BOTTOM)
    picture.legend([*first[:1], *second])


SOC_COLUMNS = ("battery_soc", "soc_low", "soc_high")
POWERS = ("ac_output_power", "pv_input_power")
KINDS = {
    "soc": Kind(SOC_COLUMNS, (), _say_soc, _draw_soc, _say_soc_periods, _draw_soc_periods),
    "power": Kind(("power",), POWERS, _say_power, _draw_power, _say_energy, _draw_energy, energy=True),
    "cells": Kind(
        ("cell_delta", "cell_min", "cell_max"),
        (),
        _say_cells,
        _draw_cells,
        _say_cells_periods,
        _draw_cells_periods,
    ),
    "temperature": Kind(
        ("temperature", "mosfet_temperature"),
        (),
        _say_temperature,
        _draw_temperature,
        _say_temperature_periods,
        _draw_temperature_periods,
    ),
    "day": Kind((*SOC_COLUMNS, "power"), POWERS, _say_soc, _draw_day, by_minutes=True),
}


# What they say


def _said(head: Head, words: str, value: str, notes: Sequence[str]) -> Said:
    return Said(head.title, "", words, value, tuple(notes))


def _last(
    data: ChartData, name: str, which: str, head: Head, digits: int, unit: str, factor: float = 1.0
) -> tuple[str, str]:
    """The newest value with its words (``charts.now`` or ``charts.then``, and ``which``), or since when there is none."""
    value, texts = data.newest.get(name), head.texts
    if value is not None:
        then = f"charts.then{which}" if texts.known(f"charts.then{which}") else "charts.then"
        words = texts(f"charts.now{which}") if head.to_now else texts(then, time=_time(data.end, data, head))
        return words, texts.quantity(factor * value, unit, digits)
    known = [t for t, v in zip(data.times, data.pack[name].mean, strict=True) if v is not None]
    return texts("charts.no_data_since", time=_time(known[-1], data, head)) if known else "", ""


def _last_of(
    data: PeriodData, name: str, which: str, head: Head, digits: int, unit: str, factor: float = 1.0
) -> tuple[str, str]:
    value = data.newest.get(name)
    if value is None:
        return head.texts("charts.no_data_now"), ""
    words = head.texts(f"charts.now{which}" if head.to_now else "charts.at_last")
    return words, head.texts.quantity(factor * value, unit, digits)


def _extremes(
    data: ChartData, name: str, head: Head, digits: int, unit: str, *, least: float = 0.0
) -> list[str]:
    """The lowest and the highest value, each with its time; the only one where they read the same.

    Nothing where they differ, but by less than ``least``.
    """
    low, high, texts = _lowest(data, name), _highest(data, name), head.texts
    if low is None or high is None:
        return []
    values = [texts.quantity(one[0], unit, digits) for one in (low, high)]
    if values[0] == values[1]:
        return [texts("charts.steady", value=values[0])]
    if high[0] - low[0] < least:
        return []
    return [
        texts(key, value=value, time=_time(one[1], data, head))
        for key, value, one in zip(("charts.lowest", "charts.highest"), values, (low, high), strict=True)
    ]


def _extreme_days(data: PeriodData, name: str, head: Head, digits: int, unit: str) -> list[str]:
    known, texts = _known(data, name), head.texts
    if not known:
        return []
    low, high = min(known, key=lambda one: one[1].low), max(known, key=lambda one: one[1].high)
    return [
        texts(key, value=texts.quantity(value, unit, digits), date=texts.date(begin, head.zone))
        for key, value, begin in (
            ("charts.lowest_on", low[1].low, low[0]),
            ("charts.highest_on", high[1].high, high[0]),
        )
    ]


def _known(data: PeriodData, name: str) -> list[tuple[datetime, Range]]:
    """The days of which it is known, each with the time at which it begins."""
    return [(begin, one) for (begin, _), one in zip(data.periods, data.pack[name], strict=True) if one]


def _lowest(data: ChartData, name: str) -> tuple[float, float] | None:
    known = zip(data.pack[name].min, data.times, strict=True)
    return min(((v, t) for v, t in known if v is not None), default=None)


def _highest(data: ChartData, name: str) -> tuple[float, float] | None:
    known = zip(data.pack[name].max, data.times, strict=True)
    return max(((v, t) for v, t in known if v is not None), default=None)


def _time(at: float, data: ChartData, head: Head) -> str:
    """A time of the chart; with its day, where that is not the last one."""
    local = datetime.fromtimestamp(at, UTC).astimezone(head.zone)
    last = datetime.fromtimestamp(data.end, UTC).astimezone(head.zone)
    time = f"{local:%H:%M}"
    if local.date() == last.date():
        return time
    return head.texts("units.dated", time=time, date=head.texts.date(local, head.zone))


# What they draw with


def _marks(data: ChartData, head: Head) -> list[Mark]:
    return time_marks(data.start, data.end, head.zone, head.texts("charts.weekdays").split())


def _outage_entry(data: ChartData, head: Head) -> Legend:
    return [(head.texts("charts.outage"), _stronger(head.theme))] if data.outages else []


def _range_legend(head: Head, key: str, color: Color) -> Legend:
    texts = head.texts
    pale = mixed(color, head.theme.ground, 0.45)
    return [(f"{texts(key)}: {texts('charts.extremes')}", pale), (texts("charts.mean"), color)]


def _ranges(
    panel: Panel, data: PeriodData, values: Sequence[Range | None], color: Color, theme: Theme
) -> None:
    """Draw each day from its lowest to its highest value, with a line at its mean."""
    for x, width, one in _places(data, values):
        panel.bar(x, width, one.low, one.high, mixed(color, theme.ground, 0.45))
        panel.tick(x, width, one.mean, color)


def _periods_panel(
    picture: Picture,
    data: PeriodData,
    head: Head,
    top: float,
    bottom: float,
    values: Scale,
    unit: str,
    *,
    marks: bool = True,
) -> Panel:
    """A panel with a place for each day or month, named below where there is room."""
    panel = picture.panel(top, bottom, (0.0, float(len(data.periods))), values)
    panel.value_axis(unit)
    names = _names(data, head.texts) if marks else []
    widest = max((picture.width(name, TEXT) for name in names), default=0.0) + 10
    each = -(-int(widest * len(names)) // (WIDTH - LEFT - RIGHT)) if names else 1
    for place, name in enumerate(names):
        # Counted from the end: today, or the last day, always has its name.
        if (len(names) - 1 - place) % each == 0:
            picture.text(panel.x(place + 0.5), bottom + 34, name, TEXT, head.theme.quiet, "mm")
    return panel


def _names(data: PeriodData, texts: Texts) -> list[str]:
    begins = [begin for begin, _ in data.periods]
    if any((until - begin).days > 20 for begin, until in data.periods):
        months = texts("charts.months").split()
        return [months[begin.month - 1] for begin in begins]
    if len(begins) <= 8:
        weekdays = texts("charts.weekdays").split()
        return [f"{weekdays[begin.weekday()]} {begin.day}" for begin in begins]
    return [f"{begin:%d.%m}" for begin in begins]


def _placed(data: PeriodData, values: Line) -> list[tuple[float, float, float]]:
    """Left edge and width in px, and value, of each bar that is known."""
    return [(x, width, value) for x, width, value in _slots(data, values) if value is not None]


def _places(data: PeriodData, values: Sequence[Range | None]) -> list[tuple[float, float, Range]]:
    return [(x, width, value) for x, width, value in _slots(data, values) if value is not None]


def _slots(data: PeriodData, values: Sequence[T]) -> list[tuple[float, float, T]]:
    room = (WIDTH - LEFT - RIGHT) / len(data.periods)
    # One of few days is not as wide as a house.
    width = min(WIDE * room, 120.0)
    return [(LEFT + (place + 0.5) * room - 0.5 * width, width, value) for place, value in enumerate(values)]


def _low(one: Range) -> float:
    return one.low


def _high(one: Range) -> float:
    return one.high


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


def _scaled(values: Values, factor: float) -> Values:
    return Values(*([None if value is None else value * factor for value in line] for line in values))


def _stronger(theme: Theme) -> Color:
    """The colour of outages, strong enough for a small square."""
    return mixed(theme.orange, theme.outage, 0.25)
