"""Values of the poller's snapshot as a page shows them; what is unknown is not shown."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from jk_bms.bot.pages.page import Row
from jk_bms.model.kinds import SIMULATED
from jk_bms.model.reading import Reading
from jk_bms.model.snapshot import BatteryNow, Snapshot
from jk_bms.texts import Texts, clip, escape
from jk_bms.view.charge import LEVELS, LOW, level_of, shown_soc
from jk_bms.view.flow import flow_of_current

MARKS = dict(zip(LEVELS, "🟢🟡🟠🔴", strict=True))


def soc_mark(soc: float) -> str:
    """Return the colour of ``soc``: green from 80 %, yellow from 50, orange from 20, else red."""
    return MARKS[level_of(soc)]


def label(device: BatteryNow, texts: Texts) -> str:
    """Return what a person calls the battery; made-up ones say so."""
    name = clip(device.label)
    if device.kind == SIMULATED and "simulat" not in name.lower():
        return texts("bot.simulated", name=name)
    return name


def low_line(soc: float | None, texts: Texts) -> str:
    """Return the warning of a low battery, as HTML; "" when it is not."""
    if soc is None or shown_soc(soc) >= LOW:
        return ""
    return "🔴 " + escape(texts("bot.low"))


def low_advice(soc: float | None, flow: str, texts: Texts) -> str:
    """Return what to do about a low battery, by what flows (``charging`` ...); "" when it is not low."""
    if not low_line(soc, texts):
        return ""
    return texts("bot.low_charged" if flow == "charging" else "bot.low_advice")


def has_data(device: BatteryNow) -> bool:
    """Whether any of voltage, current and SoC is known."""
    reading = device.told
    return any(value is not None for value in (reading.voltage, reading.current, reading.battery_soc))


def can_be_counted_on(device: BatteryNow, snapshot: Snapshot) -> bool:
    """Whether ``device`` tells how it is now."""
    return has_data(device) and not snapshot.is_old(device.age)


def amount(
    texts: Texts,
    name: str,
    value: float | None,
    unit: str,
    digits: int = 0,
    rest: str = "",
    *,
    number: int | None = None,
) -> Iterator[Row]:
    """Yield the row of one value; nothing when it is unknown. ``number``: of the probe."""
    if value is not None:
        title = texts(f"bot.row.{name}", number=number)
        yield Row(title, texts.quantity(value, "", digits), f"{texts.unit(unit)} {rest}".rstrip())


def flow_rows(reading: Reading, texts: Texts) -> Iterator[Row]:
    """Yield voltage, current with its direction, and power."""
    yield from amount(texts, "voltage", reading.voltage, "V", 2)
    if (current := reading.current) is not None:
        yield from amount(texts, "current", current, "A", 1, texts(f"bot.flow.{flow_of_current(current)}"))
    yield from amount(texts, "power", reading.power, "W")


def delta_row(reading: Reading, texts: Texts) -> Iterator[Row]:
    """Yield the distance between the highest and the lowest cell."""
    if (delta := reading.cell_delta) is not None:
        yield from amount(texts, "delta", delta * 1000, "mV")


def battery_rows(reading: Reading, texts: Texts) -> Iterator[Row]:
    """Yield what a person asks first of a battery, the SoC first."""
    if (soc := reading.battery_soc) is not None:
        yield Row(texts("bot.row.soc"), str(shown_soc(soc)), "%")
    yield from flow_rows(reading, texts)
    yield from amount(texts, "temperature", reading.temperature, "°C", 1)
    yield from delta_row(reading, texts)


def updated(device: BatteryNow, snapshot: Snapshot, texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    """Return when the reading was taken and how long that is ago, with a mark when it is old."""
    age = device.age
    if age is None:
        return ""
    # Without a trusted clock the age is right and the time of the reading is not.
    taken = None if not device.told.clock_trusted else now - timedelta(seconds=age)
    ago = texts.ago(age)
    if taken is None:
        line = texts("bot.updated_ago", ago=ago)
    else:
        local = taken.astimezone(zone)
        same_day = local.date() == now.astimezone(zone).date()
        time = f"{local:%H:%M:%S}" if same_day else texts.moment(taken, zone, now)
        line = texts("bot.updated", time=time, ago=ago)
    return f"⚠️ {line} · {texts('bot.stale')}" if snapshot.is_old(age) else line


def notes(snapshot: Snapshot, texts: Texts) -> str:
    """Return what stands above every page: who does not work. ``poller_down`` is set by the bot."""
    lines = []
    if snapshot.poller_down:
        lines.append("⚠️ " + texts("bot.poller_down"))
    if not snapshot.clock_trusted:
        lines.append("⚠️ " + texts("bot.wrong_clock"))
    return "\n".join(lines)


def link_state(device: BatteryNow, texts: Texts) -> str:
    """Return how the link is doing, in words; "" when the poller, which knows, is down."""
    state = device.link_state
    if state is None:
        return ""
    key = f"bot.link.{state}"
    return texts(key) if texts.known(key) else clip(state)
