"""``/alerts``: what is wrong now, with buttons that keep it quiet for a while."""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from jk_bms.bot.hushed import is_hushed
from jk_bms.bot.pages.callbacks import ALL_ALERTS, alert_key, press
from jk_bms.bot.pages.page import Button, Page, page
from jk_bms.bot.pages.values import label, notes
from jk_bms.model.alert import AlertTold, moment_of
from jk_bms.model.snapshot import Snapshot
from jk_bms.rules.causes import urgency
from jk_bms.rules.telling import telling_of
from jk_bms.texts import Texts, clip, escape
from jk_bms.texts.alerts import SEVERITIES, alert_line, mark, severity_of

MOST = 10  # alerts on the page: more are counted
MUTES = (("3600", "bot.button.mute_1h"), ("28800", "bot.button.mute_8h"), ("clear", "bot.button.mute_clear"))


def alerts(
    snapshot: Snapshot,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
    *,
    hushed: Mapping[str, Any] | None = None,
) -> Page:
    """Return the open alerts, worst first, and a row of buttons for each.

    ``hushed``: what a guest keeps quiet in his own chat (see ``bot.hushed``), whose buttons do no more than that; None:
    the page is an owner's.
    """
    refresh = [Button(texts("bot.button.refresh"), press("alerts"))]
    listed = snapshot.alerts
    if listed is None:  # what is open is not known while the poller is down
        before = snapshot.alerts_before
        names = {device.address: label(device, texts) for device in snapshot.devices}
        open_then = [
            f"{mark(alert)} {escape(alert_line(alert, names.get(alert.subject), texts, zone, now))}"
            for alert in sorted(before, key=_urgency)[:MOST]
        ]
        head = escape(texts("bot.alerts_before")) if open_then else ""
        return page(
            escape(notes(snapshot, texts)),
            escape(texts("bot.alerts_unknown")),
            head,
            "\n\n".join(open_then),
            buttons=[refresh],
        )
    if not listed:
        return page(escape(notes(snapshot, texts)), "🟢 " + escape(texts("bot.no_alerts")), buttons=[refresh])
    ordered = sorted(listed, key=_urgency)
    shown = ordered[:MOST]
    names = {device.address: label(device, texts) for device in snapshot.devices}
    lines = []
    for number, alert in enumerate(shown, 1):
        line = escape(alert_line(alert, names.get(alert.subject), texts, zone, now))
        number_mark = f"{number}. " if len(shown) > 1 else ""
        state = escape(_seen(alert, texts) + _muted(alert, texts, zone, now))
        if alert.overridden:
            state += "\n✏️ " + escape(texts("bot.alert_overridden"))
        if hushed and is_hushed(hushed, alert, now):
            state += "\n🔕 " + escape(texts("bot.hushed_here"))
        lines.append(f"{mark(alert)} {number_mark}{line}{state}")
    if more := len(ordered) - len(shown):
        lines.append(escape(texts.count("bot.more_alerts", more)))
    buttons = [
        list(_buttons(number, alert, texts, alone=len(shown) == 1))
        if hushed is None
        else list(_own_buttons(number, alert, texts, hushed, now, alone=len(shown) == 1))
        for number, alert in enumerate(shown, 1)
    ]
    if hushed is None and sum(map(wants_acknowledgement, ordered)) > 1:
        buttons.insert(0, [acknowledge_all_button(texts, "page")])
    return page(escape(notes(snapshot, texts)), "\n\n".join(lines), buttons=[*buttons, refresh])


def _urgency(alert: AlertTold) -> tuple[int, int, str]:
    """Where an alert stands on the page: as in messages."""
    place = telling_of(alert.rule).place
    return urgency(place, severity_of(alert.severity), alert.since or "")


def _buttons(number: int, alert: AlertTold, texts: Texts, *, alone: bool) -> Iterator[Button]:
    key = alert_key(alert)
    prefix = "" if alone else f"{number}: "
    if wants_acknowledgement(alert):
        yield Button(f"👀 {prefix}{texts('bot.button.acknowledge')}", press("ack", key, "page"))
    if alert.muted:
        yield Button(f"🔔 {prefix}{texts('bot.button.unmute')}", press("mute", "off", key))
        return
    for position, (how, title) in enumerate(MUTES):
        bell = "🔕 " if position == 0 else ""
        yield Button(f"{bell}{prefix if position == 0 else ''}{texts(title)}", press("mute", how, key))


def _own_buttons(
    number: int,
    alert: AlertTold,
    texts: Texts,
    hushed: Mapping[str, Any],
    now: datetime,
    *,
    alone: bool,
) -> Iterator[Button]:
    """Those of a guest: they keep an alert quiet in his chat alone."""
    key, prefix = alert_key(alert), "" if alone else f"{number}: "
    if is_hushed(hushed, alert, now):
        yield Button(f"🔔 {prefix}{texts('bot.button.unmute')}", press("hush", "off", key))
        return
    for position, (how, title) in enumerate(MUTES):
        bell = "" if position else f"🔕 {prefix}"
        yield Button(f"{bell}{texts(title)}", press("hush", how, key))


def wants_acknowledgement(alert: AlertTold) -> bool:
    """Whether an alert is repeated until an owner says that he has seen it."""
    return alert.severity == SEVERITIES[-1] and not alert.acknowledged


def acknowledge_button(alert: AlertTold, texts: Texts) -> Button:
    """Return the button below the message of an alert."""
    return Button(f"👀 {texts('bot.button.acknowledge')}", press("ack", alert_key(alert)))


def acknowledge_all_button(texts: Texts, *place: str) -> Button:
    """Return the button that says so of every critical alert that is open; ``place``: ``page`` on the page of alerts."""
    return Button(f"👀 {texts('bot.button.acknowledge_all')}", press("ack", ALL_ALERTS, *place))


def _seen(alert: AlertTold, texts: Texts) -> str:
    if not alert.acknowledged:
        return ""
    return "\n👀 " + texts("alerts.acknowledged_short", by=clip(alert.acknowledged_by or "?"))


def _muted(alert: AlertTold, texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    if not alert.muted:
        return ""
    when = moment_of(alert.muted_until)
    if when is None:
        return "\n🔕 " + texts("bot.muted_until_clear")
    return "\n🔕 " + texts("bot.muted_until", time=texts.moment(when, zone, now))
