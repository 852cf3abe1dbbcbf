"""Commands that show something."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from jk_bms.battery.until import Outlook
from jk_bms.bot import pages
from jk_bms.bot.asked import Asked
from jk_bms.bot.child import ChildError
from jk_bms.bot.choices import PICTURES
from jk_bms.bot.commands.command import Answer, Context, Later, named, now, plainly, which, whole_house
from jk_bms.bot.hushed import hushed_note
from jk_bms.bot.pages import Button, Page
from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.values import label
from jk_bms.bot.picture import NoPicture, run_chart
from jk_bms.bot.release_request import wanted_clock
from jk_bms.charts.wanted import SPANS
from jk_bms.errors import LiveError, StoreError
from jk_bms.model.health import HealthTold
from jk_bms.model.snapshot import BatteryNow
from jk_bms.store.bms_db import open_reader
from jk_bms.texts import escape
from jk_bms.view.until import outlook

log = logging.getLogger(__name__)

CHART_PATIENCE = 60.0  # s; a Pi that just started needs some
CHARTS = ("soc", "power", "cells", "temperature")
CHART_SPANS = ("24h", "7d", "30d")


async def status_page(asked: Asked, context: Context, header: str = "") -> Page:
    """Return the page of ``/status``, below ``header``."""
    url = context.settings.dashboard_url
    return pages.status(
        await context.snapshot(), asked.texts, context.zone, now(), header=header, dashboard_url=url
    )


async def status(asked: Asked, context: Context) -> Answer:
    """Show grid, load and batteries."""
    return Answer(await status_page(asked, context))


async def battery(asked: Asked, context: Context) -> Answer:
    """Show one battery; all of them where none is named."""
    snapshot, wanted = await context.snapshot(), " ".join(asked.arguments)
    if whole_house(snapshot, wanted):
        return Answer(pages.house(snapshot, asked.texts, context.zone, now()))
    chosen = which(asked, snapshot, "battery", wanted)
    if isinstance(chosen, Page):
        return Answer(chosen)
    return Answer(pages.battery(snapshot, chosen, asked.texts, context.zone, now()))


async def cells(asked: Asked, context: Context) -> Answer:
    """Show the cells of one battery."""
    snapshot = await context.snapshot()
    chosen = which(asked, snapshot, "cells", " ".join(asked.arguments))
    if isinstance(chosen, Page):
        return Answer(chosen)
    return Answer(pages.cells(snapshot, chosen, asked.texts, context.zone, now()))


async def health(asked: Asked, context: Context) -> Answer:
    """Show what is known of the health of one battery's cells."""
    snapshot = await context.snapshot()
    chosen = which(asked, snapshot, "health", " ".join(asked.arguments))
    if isinstance(chosen, Page):
        return Answer(chosen)
    try:
        reports = await context.parts.live.request("health", device=chosen.address)
    except LiveError:
        return plainly(asked, "bot.try_later")
    report = msgspec.convert(reports.get(chosen.address), HealthTold | None)
    return Answer(pages.health(chosen, report, asked.texts))


async def alerts(asked: Asked, context: Context) -> Answer:
    """Show what is wrong now."""
    snapshot = await context.snapshot()
    of_guest = asked.private and not asked.owner
    hushed = context.parts.store.note(hushed_note(asked.chat)) or {} if of_guest else None
    return Answer(pages.alerts(snapshot, asked.texts, context.zone, now(), hushed=hushed))


async def link(asked: Asked, context: Context) -> Answer:
    """Show how the radio is doing."""
    return Answer(pages.link(await context.snapshot(), asked.texts, context.zone, now()))


async def web(asked: Asked, context: Context) -> Answer:
    """Tell where the page is."""
    return Answer(pages.web((await context.snapshot()).web, asked.texts, owner=asked.owner))


async def until(asked: Asked, context: Context) -> Answer:
    """Say whether a battery, or the house, lasts until a time."""
    found = wanted_clock(asked.arguments)
    if found is None:
        return plainly(asked, "bot.until.usage")
    snapshot, wanted = await context.snapshot(), " ".join(found.rest)
    device: BatteryNow | None = None
    if not whole_house(snapshot, wanted):
        chosen = which(asked, snapshot, "until", wanted, f"{found.hour:02d}{found.minute:02d}")
        if isinstance(chosen, Page):
            return Answer(chosen)
        device = chosen
    at = now()
    end = _next(found.hour, found.minute, at.astimezone(context.zone))

    def expect() -> Outlook | None:
        with open_reader(context.settings.bms_db_path) as reader:
            return outlook(reader, snapshot, device, end, at, context.zone)

    try:
        expected = await asyncio.to_thread(expect)
    except StoreError as error:
        log.warning("%s", error)
        expected = None
    return Answer(pages.until(snapshot, device, expected, asked.texts, context.zone, at))


def _next(hour: int, minute: int, now: datetime) -> datetime:
    """The next time that the clock on the wall shows so."""
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


async def chart(asked: Asked, context: Context) -> Answer | Later:
    """Draw a battery, or the house when it has several."""
    words = [(word, word.lower()) for word in asked.arguments]
    span = next((low for _, low in words if low in SPANS), CHART_SPANS[0])
    what = next((low for _, low in words if low in CHARTS), CHARTS[0])
    wanted = " ".join(word for word, low in words if low not in (*SPANS, *CHARTS))
    snapshot = await context.snapshot()
    devices = snapshot.devices
    if not devices:
        return plainly(asked, "bot.nothing_known")
    if wanted and wanted.casefold() != pages.ALL:
        device = named(snapshot, wanted)
        if device is None:
            usage = "bot.chart.usage"
            return Answer(
                pages.choice(
                    devices, "chart", asked.texts, span, what, or_all=True, unknown=wanted, usage=usage
                )
            )
        devices = (device,)
    return Later(_drawn(asked, context, devices, span, what))


async def _drawn(
    asked: Asked, context: Context, devices: Sequence[BatteryNow], span: str, what: str
) -> Answer:
    texts = asked.texts
    request = {
        "bms_db": str(context.settings.bms_db_path),
        "packs": [(device.address, label(device, texts)) for device in devices],
        "span": span,
        "what": what,
        "language": texts.language,
        "timezone": getattr(context.zone, "key", None),
        "theme": context.parts.store.chat(asked.chat).choices.pictures or PICTURES[0],
    }
    try:
        picture = await run_chart(request, timeout=CHART_PATIENCE)
    except NoPicture as error:
        return Answer(Page(escape(str(error))), anew=True)
    except ChildError as error:
        log.warning("no chart: %s", error)
        return plainly(asked, "bot.chart.failed")._replace(anew=True)
    number = devices[0].number if len(devices) == 1 else pages.ALL
    spans = [
        Button(_marked(texts(f"bot.button.span_{one}"), one == span), press("chart", one, what, number))
        for one in CHART_SPANS
    ]
    kinds = [
        Button(_marked(texts(f"charts.{one}"), one == what), press("chart", span, one, number))
        for one in CHARTS
    ]
    buttons = (tuple(spans), tuple(kinds[:2]), tuple(kinds[2:]))
    # A picture takes the place of the one below which the button is; a page stays.
    return Answer(Page(escape(picture.caption), buttons), photo=picture.png, anew=not asked.pictured)


def _marked(label: str, chosen: bool) -> str:
    return f"• {label}" if chosen else label


async def digest(asked: Asked, context: Context) -> Later:
    """Make today's digest, which is sent when it is done."""

    async def make() -> None:
        await context.digest(asked.chat, asked.topic)

    return Later(make())
