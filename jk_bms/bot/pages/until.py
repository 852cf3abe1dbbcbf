"""``/until HH:MM``: will it last until then?"""

import math
from collections.abc import Iterator
from datetime import datetime, tzinfo

from jk_bms.battery.until import Outlook
from jk_bms.bot.pages.battery import no_data
from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.house import house_updated, left_out_lines
from jk_bms.bot.pages.link import ALL
from jk_bms.bot.pages.page import Button, Page, page
from jk_bms.bot.pages.values import (
    can_be_counted_on,
    has_data,
    label,
    notes,
    updated,
)
from jk_bms.model.snapshot import BatteryNow, Snapshot
from jk_bms.rules.causes import HOUSE_DARK
from jk_bms.texts import Texts, escape
from jk_bms.view.charge import shown_soc
from jk_bms.view.flow import flow_of_current
from jk_bms.view.house import WholeHouse, house_of

VERDICT_MARKS = {"yes": "🟢", "maybe": "🟡", "no": "🔴"}


def until(
    snapshot: Snapshot,
    device: BatteryNow | None,
    outlook: Outlook | None,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
) -> Page:
    """Return the answer for one battery, or for the house (``device`` None).

    ``outlook`` None: charge or load are not known, or not of now.
    """
    whole = house_of(snapshot)
    if device is None:
        name, number = escape(texts("bot.house.name")), ALL
        told = [escape(line) for line in left_out_lines(whole, texts, zone, now)]
        taken = escape(house_updated(whole, snapshot, texts, zone, now))
    else:
        name, number = escape(label(device, texts)), str(device.number)
        told = [escape(line) for line in _shared(snapshot, device, outlook, texts)]
        taken = escape(updated(device, snapshot, texts, zone, now)) if has_data(device) else ""
    dark = _dark(snapshot, texts, zone, now)
    if outlook is None or dark:
        unknown = dark or (
            _no_outlook(whole, texts) if device is None else _unknown(snapshot, device, texts, zone, now)
        )
        return page(
            escape(notes(snapshot, texts)),
            f"<b>{name}</b>",
            escape(unknown),
            *(told if device is None else ()),
            taken,
        )
    when = texts.moment(outlook.until, zone, now)
    heading = texts(f"bot.until.{outlook.verdict}", time=when)
    low, high = shown_soc(outlook.soc_low), shown_soc(outlook.soc_high)
    left = f"{low} %" if low == high else texts("bot.percents", low=low, high=high)
    load = "bot.until.load" if outlook.load >= 0 else "bot.until.sun"
    refresh = press("until", f"{outlook.until.astimezone(zone):%H%M}", number)
    return page(
        escape(notes(snapshot, texts)),
        f"{VERDICT_MARKS.get(outlook.verdict, '❔')} <b>{name}: {escape(heading)}</b>",
        escape(texts("bot.until.left", time=when, left=left)),
        escape(_empty(outlook, texts, zone, now)),
        escape(texts(load, load=texts.quantity(abs(outlook.load), "W"), basis=_basis(outlook, texts))),
        *told,
        escape(_advice(outlook, texts)),
        taken,
        buttons=[[Button(texts("bot.button.refresh"), refresh)]],
    )


def _basis(outlook: Outlook, texts: Texts) -> str:
    """Where the load comes from."""
    if outlook.days is None:
        return texts("bot.until.forecast")
    return texts.count("bot.until.usual", outlook.days) if outlook.days else texts("bot.until.present")


def _dark(snapshot: Snapshot, texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    """That the house has no power, since when and with what charge; "" while it has, or that is not known."""
    dark = next((one for one in snapshot.alerts or () if one.rule == HOUSE_DARK), None)
    if dark is None:
        return ""
    began = dark.since_time
    since = "?" if began is None else texts.moment(began, zone, now)
    soc = house_of(snapshot).soc
    if soc is None:
        soc = dark.facts.get("soc")
    if soc is None:
        return texts("bot.until.dark", time=since)
    return texts("bot.until.dark_with", time=since, soc=shown_soc(soc))


def _unknown(snapshot: Snapshot, device: BatteryNow, texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    if not has_data(device):
        return no_data(device, texts, zone, now)
    if device.told.switches.discharge is False:
        return texts("bot.switch_off.discharge")
    age = device.age
    if age is not None and snapshot.is_old(age):
        return texts("bot.until.old", span=texts.span(age))
    return _no_outlook(house_of(snapshot.of([device])), texts)


def _no_outlook(known: WholeHouse, texts: Texts) -> str:
    """What is known all the same, the charge and that it grows, and what is not."""
    if known.soc is None:
        return texts("bot.until.unknown")
    charging = known.current is not None and flow_of_current(known.current) == "charging"
    charge = texts("bot.until.charging" if charging else "bot.until.charge", soc=shown_soc(known.soc))
    return f"{charge} {texts('bot.until.no_load' if known.capacity_kwh else 'bot.until.no_size')}"


def _empty(outlook: Outlook, texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    first, last = outlook.empty_first, outlook.empty_last
    if first is None:
        return ""
    early = texts.moment(first, zone, now)
    if last is None:
        return texts("bot.until.empty_worst", time=early)
    late = texts.moment(last, zone, now)
    if early == late:
        return texts("bot.until.empty_at", time=early)
    return texts("bot.until.empty_between", first=early, last=late)


def _shared(snapshot: Snapshot, device: BatteryNow, outlook: Outlook | None, texts: Texts) -> Iterator[str]:
    """What the other batteries have to do with it."""
    if outlook is None:
        return
    if outlook.share < 1.0:
        yield texts("bot.until.share", share=f"{100 * outlook.share:.0f}")
    silent = [
        label(one, texts)
        for one in snapshot.devices
        if one.address != device.address and not can_be_counted_on(one, snapshot)
    ]
    if silent:
        yield texts("bot.until.silent", names=", ".join(silent))


def _advice(outlook: Outlook, texts: Texts) -> str:
    if outlook.verdict == "yes" or outlook.save is None:
        return ""
    # What is switched off relieves all batteries alike. To the next ten upwards: no owner
    # switches off 3 W, and too little would not help.
    watts = max(10, math.ceil(outlook.save / outlook.share / 10) * 10)
    if watts >= outlook.load / outlook.share > 0:
        return texts("bot.until.save_all")
    return "💡 " + texts("bot.until.save", watts=texts.quantity(watts, "W"))
