"""``/status``: grid, load and every battery, and how old that is."""

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.house import house_lines, house_updated, pack_lines
from jk_bms.bot.pages.page import Button, Page, Row, block, page
from jk_bms.bot.pages.values import (
    amount,
    battery_rows,
    has_data,
    label,
    link_state,
    low_line,
    notes,
    updated,
)
from jk_bms.model.snapshot import BatteryNow, InverterShown, Snapshot
from jk_bms.rules.grid import LOST, VOLTS, WATTS
from jk_bms.texts import Texts, clip, escape
from jk_bms.view.house import house_of

WORKING = ("streaming", "waiting")  # states of a link that need no word
JUST_NOW = 10.0  # s: less is told with tenths elsewhere


def status(
    snapshot: Snapshot,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
    *,
    header: str = "",
    dashboard_url: str | None = None,
) -> Page:
    """Return the page. ``header``: HTML above it, such as the news that the grid is lost."""
    devices = snapshot.devices
    grid = list(_grid_rows(snapshot.inverter, texts))
    first: list[str] = []
    if len(devices) == 1:
        parts = [*_single(devices[0], grid, snapshot, texts, zone, now)]
    elif devices:
        whole = house_of(snapshot)
        first = [*house_lines(whole, texts, zone, now)]
        parts = [
            block(grid),
            *pack_lines(whole, snapshot, texts, zone, now),
            low_line(whole.soc, texts),
            *(_trouble(device, texts) for device in devices if has_data(device)),
            escape(house_updated(whole, snapshot, texts, zone, now)),
        ]
    else:
        parts = [block(grid)]
    buttons = [
        [
            Button(texts("bot.button.refresh"), press("status")),
            *(_battery_button(device, devices, texts) for device in devices[:1] if len(devices) == 1),
        ],
        *([_battery_button(device, devices, texts)] for device in devices if len(devices) > 1),
        [Button(texts("bot.button.dashboard"), url=dashboard_url)] if dashboard_url else [],
    ]
    return page(
        header,
        escape(notes(snapshot, texts)),
        *first,
        grid_line(snapshot, texts),
        *parts,
        "\n".join(map(escape, _inverter_lines(snapshot, texts))),
        _alerts_line(snapshot, texts),
        buttons=buttons,
    )


def grid_line(snapshot: Snapshot, texts: Texts) -> str:
    """Return whether there is a grid, as HTML. Without data it is unknown, never lost."""
    inverter = snapshot.inverter
    if snapshot.poller_down:
        return "❔ " + escape(texts("bot.grid.not_known"))
    if inverter is None:
        return escape(texts("bot.grid.no_inverter"))
    state, lasted = inverter.grid.state, inverter.grid.lasts
    if state == "unknown":
        age = inverter.age
        if age is not None and not snapshot.is_old(age) and not inverter.error:
            # It answers: its first record, or the sun carries the house. What it shows is not hidden.
            if _feeds(inverter):
                return f"🔌 <b>{escape(texts('bot.grid.present'))}</b>"
            if inverter.grid_voltage is not None or inverter.grid_power is not None:
                return "❔ " + escape(texts("bot.grid.not_known"))
        line = texts("bot.grid.unknown")
        if age is not None and snapshot.is_old(age):
            line += ", " + texts("bot.grid.last_heard", ago=texts.ago(age))
        return "❔ " + escape(line)
    mark = "🔌" if state == "present" else "🔦"
    since = f" · {_lasted(lasted, texts)}" if lasted is not None else ""
    return f"{mark} <b>{escape(texts(f'bot.grid.{state}'))}</b>{escape(since)}"


def _lasted(seconds: float, texts: Texts) -> str:
    """A span without tenths of a second, which two records of an inverter do not tell."""
    return texts("units.just_now") if seconds < JUST_NOW else texts.span(seconds)


def _feeds(inverter: InverterShown) -> bool:
    """Whether the last values show a grid: by its voltage, else by its power."""
    volts, watts = inverter.grid_voltage, inverter.grid_power
    if volts is not None:
        return volts > VOLTS
    return watts is not None and watts > WATTS


def _grid_rows(inverter: InverterShown | None, texts: Texts) -> Iterator[Row]:
    if inverter is None:
        return
    yield from amount(texts, "grid", inverter.grid_voltage, "V")
    yield from amount(texts, "grid", inverter.grid_power, "W")
    yield from amount(texts, "load", inverter.load_power, "W")
    yield from amount(texts, "sun", inverter.pv_power, "W")


def _inverter_lines(snapshot: Snapshot, texts: Texts) -> Iterator[str]:
    """A line for each of several inverters, and how many answer where not all do."""
    inverter = snapshot.inverter
    if inverter is not None and inverter.of is not None and inverter.fresh != inverter.of:
        yield texts("bot.inverters_heard", heard=inverter.fresh, of=inverter.of)
    for one in snapshot.inverters if len(snapshot.inverters) > 1 else ():
        told = [
            f"{texts(f'bot.row.{row}')} {texts.quantity(watts, 'W')}"
            for row, watts in (("grid", one.grid_power), ("load", one.load_power), ("sun", one.pv_power))
            if watts is not None
        ]
        if one.grid.state == LOST:
            told.insert(0, texts("bot.grid.lost"))
        if one.age is None or not told:
            told = [texts("bot.house.why.silent")]
        if one.age is not None and snapshot.is_old(one.age):
            told.append(texts("bot.grid.last_heard", ago=texts.ago(one.age)))
        yield f"{clip(one.label)}: {' · '.join(told)}"


def _single(
    device: BatteryNow,
    grid: list[Row],
    snapshot: Snapshot,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
) -> Iterator[str]:
    reading = device.told
    rows = list(battery_rows(reading, texts))
    # The charge first: it is what the page is opened for.
    first = [row for row in rows[:1] if reading.battery_soc is not None]
    yield block([*first, *grid, *rows[len(first) :]])
    yield low_line(reading.battery_soc, texts)
    yield _trouble(device, texts)
    yield escape(updated(device, snapshot, texts, zone, now))


def _trouble(device: BatteryNow, texts: Texts) -> str:
    """What keeps values from coming, when something does."""
    state = device.link_state
    if state is None or state in WORKING:
        return "" if has_data(device) else escape(texts("bot.no_reading", name=label(device, texts)))
    span = texts.span(device.link.lasts if device.link else 0.0)
    line = texts("bot.link_trouble", name=label(device, texts), state=link_state(device, texts), span=span)
    return "📡 " + escape(line)


def _alerts_line(snapshot: Snapshot, texts: Texts) -> str:
    alerts = snapshot.alerts or ()
    if not alerts:
        return ""
    return "❗ " + escape(texts.count("bot.alerts_open", len(alerts)))


def _battery_button(device: BatteryNow, devices: Sequence[BatteryNow], texts: Texts) -> Button:
    name = texts("bot.button.battery") if len(devices) == 1 else label(device, texts)
    return Button(f"🔋 {name}", press("battery", device.number))
