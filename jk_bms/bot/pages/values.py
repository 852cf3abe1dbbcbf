"""Values of the poller's snapshot as a page shows them; what is unknown is not shown."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Any

from jk_bms.bot.pages.page import Row
from jk_bms.model.kinds import SIMULATED
from jk_bms.texts import Texts, clip, escape
from jk_bms.view.charge import LEVELS, LOW, level_of, shown_soc
from jk_bms.view.flow import flow_of_current
from jk_bms.view.freshness import is_old

MARKS = dict(zip(LEVELS, "🟢🟡🟠🔴", strict=True))


def soc_mark(soc: float) -> str:
    """Return the colour of ``soc``: green from 80 %, yellow from 50, orange from 20, else red."""
    return MARKS[level_of(soc)]


def label(device: dict[str, Any], texts: Texts) -> str:
    """Return what a person calls the battery; made-up ones say so."""
    name = clip(device.get("name") or device.get("address") or device.get("number"))
    if device.get("type") == SIMULATED and "simulat" not in name.lower():
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


def reading_of(device: dict[str, Any]) -> dict[str, Any]:
    """Return the newest reading; {} when there is none."""
    return device.get("reading") or {}


def has_data(device: dict[str, Any]) -> bool:
    """Whether any of voltage, current and SoC is known."""
    reading = reading_of(device)
    return any(reading.get(key) is not None for key in ("voltage", "current", "battery_soc"))


def can_be_counted_on(device: dict[str, Any], snapshot: dict[str, Any]) -> bool:
    """Whether ``device`` tells how it is now."""
    return has_data(device) and not is_old(device.get("age"), snapshot)


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


def flow_rows(reading: dict[str, Any], texts: Texts) -> Iterator[Row]:
    """Yield voltage, current with its direction, and power."""
    yield from amount(texts, "voltage", reading.get("voltage"), "V", 2)
    if (current := reading.get("current")) is not None:
        yield from amount(texts, "current", current, "A", 1, texts(f"bot.flow.{flow_of_current(current)}"))
    yield from amount(texts, "power", reading.get("power"), "W")


def delta_row(reading: dict[str, Any], texts: Texts) -> Iterator[Row]:
    """Yield the distance between the highest and the lowest cell."""
    if (delta := reading.get("cell_delta")) is not None:
        yield from amount(texts, "delta", delta * 1000, "mV")


def battery_rows(reading: dict[str, Any], texts: Texts) -> Iterator[Row]:
    """Yield what a person asks first of a battery, the SoC first."""
    if (soc := reading.get("battery_soc")) is not None:
        yield Row(texts("bot.row.soc"), str(shown_soc(soc)), "%")
    yield from flow_rows(reading, texts)
    yield from amount(texts, "temperature", reading.get("temperature"), "°C", 1)
    yield from delta_row(reading, texts)


def updated(
    device: dict[str, Any], snapshot: dict[str, Any], texts: Texts, zone: tzinfo | None, now: datetime
) -> str:
    """Return when the reading was taken and how long that is ago, with a mark when it is old."""
    age, reading = device.get("age"), reading_of(device)
    if age is None:
        return ""
    # Without a trusted clock the age is right and the time of the reading is not.
    taken = None if reading.get("clock_trusted") is False else now - timedelta(seconds=age)
    ago = texts.ago(age)
    if taken is None:
        line = texts("bot.updated_ago", ago=ago)
    else:
        local = taken.astimezone(zone)
        same_day = local.date() == now.astimezone(zone).date()
        time = f"{local:%H:%M:%S}" if same_day else texts.moment(taken, zone, now)
        line = texts("bot.updated", time=time, ago=ago)
    return f"⚠️ {line} · {texts('bot.stale')}" if is_old(age, snapshot) else line


def notes(snapshot: dict[str, Any], texts: Texts) -> str:
    """Return what stands above every page: who does not work. ``poller_down`` is set by the bot."""
    lines = []
    if snapshot.get("poller_down"):
        lines.append("⚠️ " + texts("bot.poller_down"))
    if snapshot.get("clock_trusted") is False:
        lines.append("⚠️ " + texts("bot.wrong_clock"))
    return "\n".join(lines)


def link_state(device: dict[str, Any], texts: Texts) -> str:
    """Return how the link is doing, in words; "" when the poller, which knows, is down."""
    state = (device.get("link") or {}).get("state")
    if state is None:
        return ""
    key = f"bot.link.{state}"
    return texts(key) if texts.known(key) else clip(state)
