"""Short answers, and what the bot says without being asked."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from jk_bms.bot.pages.battery import no_data
from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.house import house_lines, pack_lines
from jk_bms.bot.pages.link import ALL
from jk_bms.bot.pages.page import Button, Page, block, page
from jk_bms.bot.pages.status import status
from jk_bms.bot.pages.values import battery_rows, label
from jk_bms.called import tool
from jk_bms.model.snapshot import BatteryNow, Snapshot, WebNow
from jk_bms.texts import Texts, clip, escape
from jk_bms.view.house import house_of


def help_page(texts: Texts, names: Iterable[str]) -> Page:
    """Return the list of the commands of these names."""
    lines = [f"/{name} – {texts(f'bot.command.{name}')}" for name in names]
    return page(escape(texts("bot.help")), "", escape("\n".join(lines)))


def choice(
    devices: Iterable[BatteryNow],
    shown: str,
    texts: Texts,
    *arguments: object,
    or_all: bool = False,
    unknown: str = "",
    usage: str = "",
) -> Page:
    """Ask which battery: a button for each, with ``shown`` (and its ``arguments``) behind it.

    ``or_all``: with one more for all of them. ``unknown``: the name that was given and that none has;
    ``usage``: the text that says how such a command is written.
    """
    devices = list(devices)
    buttons = [[Button(label(device, texts), press(shown, *arguments, device.number))] for device in devices]
    if or_all:
        buttons.append([Button(texts("link.all"), press(shown, *arguments, ALL))])
    question = (
        texts(
            "bot.no_such_battery", name=clip(unknown), names=", ".join(label(one, texts) for one in devices)
        )
        if unknown
        else texts("bot.which_battery")
    )
    return page(escape(question), escape(texts(usage)) if usage else "", buttons=buttons)


def plain(texts: Texts, key: str, **values: Any) -> Page:
    """Return the text ``key`` as a page, escaped: refusals and other short answers."""
    return page(escape(texts(key, **values)))


def web(page_now: WebNow | None, texts: Texts, *, owner: bool) -> Page:
    """Return where the page is; to an owner also how it gets its password. The code itself stays off Telegram."""
    if page_now is None or page_now.url is None:
        return plain(texts, "bot.web.unknown")
    lines = [page_now.url]
    if not page_now.url.startswith("https://"):
        lines.append(texts("bot.web.at_home"))
    if page_now.code and owner:
        lines.append(texts("bot.web.no_password", command=tool("status")))
    return page(escape("\n".join(lines)))


def level_change(voltage: float | None, level: float, texts: Texts, *, rising: bool | None = None) -> str:
    """Return how full it is, as HTML. ``level`` in %, shown within 0..100; ``rising`` None: the first one."""
    arrow = "" if rising is None else " ↑" if rising else " ↓"
    percent = texts.number(min(max(level, 0.0), 100.0), 1)
    if voltage is None:
        return escape(texts("bot.level_only", level=percent)) + arrow
    return escape(texts("bot.level", voltage=texts.number(voltage, 3), level=percent)) + arrow


def level_packs(snapshot: Snapshot, texts: Texts, zone: tzinfo | None, now: datetime) -> list[str]:
    """Return the lines below a level message, as HTML: how long the house lasts and how each of several packs is."""
    if len(snapshot.devices) < 2:
        return []
    whole = house_of(snapshot)
    return [*house_lines(whole, texts, zone, now), *pack_lines(whole, snapshot, texts, zone, now)]


def grid_change(
    present: bool,
    snapshot: Snapshot,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
    *,
    dashboard_url: str | None = None,
) -> Page:
    """Return the news that the grid is lost or back, above the status."""
    mark, key = ("🔌", "bot.grid_back") if present else ("🔦", "bot.grid_lost")
    header = f"{mark} <b>{escape(texts(key))}</b>\n"
    return status(snapshot, texts, zone, now, header=header, dashboard_url=dashboard_url)


def bms_lost(device: BatteryNow, texts: Texts, zone: tzinfo | None, now: datetime) -> Page:
    """Return that a battery does not answer any more, with what was last known of it."""
    return page(
        f"📡 <b>{escape(texts('bot.bms_lost', name=label(device, texts)))}</b>",
        escape(no_data(device, texts, zone, now)),
        block(battery_rows(device.told, texts)),
    )


def bms_back(device: BatteryNow, texts: Texts, lasted: float | None) -> Page:
    """Return that a battery answers again. ``lasted``: s of silence, when known."""
    name = label(device, texts)
    line = (
        texts("bot.bms_back", name=name)
        if lasted is None
        else texts("bot.bms_back_after", name=name, span=texts.span(lasted))
    )
    return page(f"📡 <b>{escape(line)}</b>", block(battery_rows(device.told, texts)))


def limits_warning(configured: float, measured: float, texts: Texts) -> Page:
    """Return the warning that MIN_VOLTAGE, in V, cannot be meant for this pack."""
    return plain(
        texts, "bot.limits", configured=texts.decimal(f"{configured:g}"), measured=texts.number(measured, 1)
    )
