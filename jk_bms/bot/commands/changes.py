"""Commands that the poller carries out: batteries lent to a phone, alerts kept quiet or acknowledged."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from jk_bms.bot import pages
from jk_bms.bot.asked import Asked
from jk_bms.bot.commands.command import Answer, Context, Later, now, plainly, which
from jk_bms.bot.commands.values import alerts
from jk_bms.bot.hushed import hush, hushed_note
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages import Page
from jk_bms.bot.pages.callbacks import ALL_ALERTS, alert_key, find_alert
from jk_bms.bot.release_request import wanted_release
from jk_bms.errors import JkBmsError, LiveError, StoreError
from jk_bms.model.snapshot import BatteryNow, Snapshot
from jk_bms.texts import Texts

log = logging.getLogger(__name__)


# Batteries


async def release(asked: Asked, context: Context) -> Answer | Later:
    """Leave a battery, or all, alone for a while, so that a phone can have it."""
    wanted = wanted_release(" ".join(asked.arguments))
    if wanted is None:
        return plainly(asked, "link.usage")
    chosen = _some(asked, await context.snapshot(), "release", wanted.battery, f"{wanted.seconds:g}s")
    if isinstance(chosen, Page):
        return Answer(chosen)
    return Later(_released(asked, context, chosen, wanted.seconds))


async def _released(asked: Asked, context: Context, devices: Sequence[BatteryNow], seconds: float) -> Answer:
    at, zone = now(), context.zone
    if (refused := await _tell_poller(asked, context, "release", devices, seconds=seconds)) is not None:
        return refused
    until = at + timedelta(seconds=seconds)
    await _tell_others(asked, context, lambda texts: pages.lent(devices, until, asked.name, texts, zone, at))
    return Answer(pages.released(devices, until, asked.texts, zone, at))


async def resume(asked: Asked, context: Context) -> Answer:
    """Take released batteries up again before their time is over."""
    snapshot = await context.snapshot()
    down, wanted = snapshot.poller_down, " ".join(asked.arguments)
    waiting = [one for one in snapshot.devices if one.released]
    if not wanted and not down:  # only these can be meant
        snapshot = snapshot.of(waiting)
    chosen: Sequence[BatteryNow] = waiting
    if waiting or down:
        some = _some(asked, snapshot, "resume", wanted)
        if isinstance(some, Page):
            return Answer(some)
        chosen = [one for one in some if one in waiting]
    if not chosen:
        return plainly(asked, "link.nothing_released")
    if (refused := await _tell_poller(asked, context, "resume", chosen)) is not None:
        return refused
    await _tell_others(asked, context, lambda texts: pages.taken_back(chosen, asked.name, texts))
    return Answer(pages.resumed(chosen, asked.texts))


def _some(
    asked: Asked, snapshot: Snapshot, name: str, wanted: str, *arguments: str
) -> Sequence[BatteryNow] | Page:
    """Return the battery that is meant, or all; or the page that asks which, or says why there is none."""
    if snapshot.poller_down:  # what it should do, it cannot be told
        return pages.plain(asked.texts, "bot.try_later")
    devices = snapshot.devices
    if devices and wanted.casefold() in (pages.ALL, asked.texts("link.all").casefold()):
        return devices
    if not wanted and len(devices) > 1:
        return pages.choice(devices, name, asked.texts, *arguments, or_all=True)
    usage = "link.usage" if name == "release" else ""
    chosen = which(asked, snapshot, name, wanted, *arguments, usage=usage)
    return chosen if isinstance(chosen, Page) else [chosen]


async def _tell_poller(
    asked: Asked, context: Context, action: str, devices: Sequence[BatteryNow], **fields: Any
) -> Answer | None:
    """Have the poller let go of batteries, or take them up again; return what is said where it did not."""
    # None: all that it reads.
    device = devices[0].address if len(devices) == 1 else None
    try:
        await context.parts.live.request(action, device=device, **fields)
    except JkBmsError as error:
        log.warning("chat %d: %s: %s", asked.chat, action, error)
        down = (await context.snapshot()).poller_down
        return plainly(asked, "bot.try_later" if down else "link.unconfirmed")
    return None


async def _tell_others(asked: Asked, context: Context, text: Callable[[Texts], str]) -> None:
    """Have the other chats hear, without a sound, what was done from this one."""
    _, store, access, _, languages = context.parts
    messages = [
        Outgoing(chat=chat, text=told, line=told, key="turn", silent=True)
        for chat in access.told_of_alerts()
        if chat != asked.chat and (told := text(languages.of(chat)))
    ]
    try:
        await store.aside(store.queue, messages)
    except StoreError as error:
        log.error("%s", error)


# Alerts. Each is named by ``alert_key``; what was pressed may be over by now.


async def mute(asked: Asked, context: Context) -> Answer:
    """Keep an alert quiet for all."""
    how, key = (*asked.arguments, "", "")[:2]
    alert = find_alert((await context.snapshot()).alerts or (), key)
    told = "bot.alert_over"
    if alert is not None:
        wanted: dict[str, Any] = {"subject": alert.subject, "rule": alert.rule, "part": alert.part}
        try:
            await context.parts.live.request("mute", **wanted, **_how_long(how))
            told = "bot.unmuted" if how == "off" else "bot.muted"
        except LiveError as error:
            log.info("chat %d: not muted: %s", asked.chat, error)
            down = (await context.snapshot()).poller_down
            told = "bot.try_later" if down else "bot.alert_over"
    return (await alerts(asked, context))._replace(toast=asked.texts(told))


def _how_long(how: str) -> dict[str, Any]:
    if how == "off":
        return {"off": True}
    return {"seconds": int(how)} if how.isdigit() else {"until_cleared": True}


async def hush_here(asked: Asked, context: Context) -> Answer:
    """Keep an alert quiet in the private chat of who asks, and nowhere else."""
    how, key = (*asked.arguments, "", "")[:2]
    listed = (await context.snapshot()).alerts or ()
    alert, told = find_alert(listed, key), "bot.alert_over"
    if alert is not None and asked.private:
        store, name = context.parts.store, hushed_note(asked.chat)
        keys = {alert_key(one) for one in listed}
        kept = hush(store.note(name) or {}, alert, how, now(), keys)
        await store.aside(store.set_notes, {name: kept})
        told = "bot.unmuted" if how == "off" else "bot.hushed"
    return (await alerts(asked, context))._replace(toast=asked.texts(told))


async def acknowledge(asked: Asked, context: Context) -> Answer:
    """Tell the poller that an owner has seen an alert, or all; the feed tells it to every other chat."""
    key, place = (*asked.arguments, "", "")[:2]
    live = context.parts.live
    alert = find_alert((await context.snapshot()).alerts or (), key)
    told = "bot.alert_over"
    try:
        if key == ALL_ALERTS:
            done = await live.request("acknowledge", all=True, by=asked.name, origin=asked.chat)
            told = "bot.acknowledged" if done.get("count") else "bot.nothing_to_acknowledge"
        elif alert is not None:
            wanted = {"subject": alert.subject, "rule": alert.rule, "part": alert.part}
            await live.request("acknowledge", **wanted, by=asked.name, origin=asked.chat)
            told = "bot.acknowledged"
    except LiveError as error:
        log.info("chat %d: not acknowledged: %s", asked.chat, error)
    if told != "bot.acknowledged" and (await context.snapshot()).poller_down:
        told = "bot.try_later"
    if place == "page":
        return (await alerts(asked, context))._replace(toast=asked.texts(told))
    return Answer(toast=asked.texts(told), spent="" if told == "bot.try_later" else "ack")
