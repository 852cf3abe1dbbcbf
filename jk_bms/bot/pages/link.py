"""``/link``, ``/release`` and ``/resume``: how the radio does, why there is no data, whose turn it is.

Causes, verdicts and repairs come as codes; what they mean stands in the topic ``link``.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.page import Button, Page, Row, block, page
from jk_bms.bot.pages.values import label, link_state, notes
from jk_bms.model.link import Cause
from jk_bms.model.snapshot import BatteryNow, LinkNow, Snapshot
from jk_bms.texts import Texts, clip, escape

GOOD = ("streaming", "waiting", "released")
LONGEST_REASON = 300  # characters
MOST_CAUSES = 3  # on a page
WORTH_SAYING = 0.1  # how sure a cause must be to be named beside the first
TURN = "10m"  # how long a button lends the battery
ALL = "all"


def link(snapshot: Snapshot, texts: Texts, zone: tzinfo | None, now: datetime) -> Page:
    """Return the state of the way to each battery."""
    devices = snapshot.devices
    troubled = sum(device.link_state not in (None, *GOOD) for device in devices)
    most = max(1, MOST_CAUSES // max(troubled, 1))
    parts = ["\n".join(filter(None, _device(device, most, snapshot, texts, zone, now))) for device in devices]
    return page(escape(notes(snapshot, texts)), "\n\n".join(parts), buttons=_link_buttons(devices, texts))


def released(
    devices: Sequence[BatteryNow], until: datetime, texts: Texts, zone: tzinfo | None, now: datetime
) -> Page:
    """Return that ``devices`` are left alone ``until`` then, and what that is good for."""
    told = texts("link.released", names=_names(devices, texts), time=texts.moment(until, zone, now))
    return page(
        f"📱 <b>{escape(told)}</b>",
        escape(texts("link.app")),
        buttons=[[_resume_button(devices, texts), _link_button(texts)]],
    )


def resumed(devices: Sequence[BatteryNow], texts: Texts) -> Page:
    """Return that the service takes ``devices`` up again."""
    told = texts("link.resumed", names=_names(devices, texts))
    return page(f"▶️ <b>{escape(told)}</b>", escape(texts("link.close_app")), buttons=[[_link_button(texts)]])


def lent(
    devices: Sequence[BatteryNow], until: datetime, by: str, texts: Texts, zone: tzinfo | None, now: datetime
) -> str:
    """Return, for the other chats, who lent ``devices`` to the phone app and until when."""
    names, time = _names(devices, texts), texts.moment(until, zone, now)
    return f"📱 {escape(texts('access.released', by=by or '?', names=names, time=time))}"


def taken_back(devices: Sequence[BatteryNow], by: str, texts: Texts) -> str:
    """Return, for the other chats, who had the service take ``devices`` up again."""
    return f"▶️ {escape(texts('access.resumed', by=by or '?', names=_names(devices, texts)))}"


def _device(
    device: BatteryNow,
    most: int,
    snapshot: Snapshot,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
) -> Iterator[str]:
    name = f"<b>{escape(label(device, texts))}</b>"
    state = device.link
    if state is None or not state.state:
        yield f"{name}\n{escape(texts('bot.link.unknown'))}"
        return
    last = state.last_frame
    if last is None:
        last = device.age
    good = state.state in GOOD
    old = snapshot.is_old(last) and state.state == "streaming"
    yield f"{'🟢' if good and not old else '🟠'} {name}"
    yield escape(texts("bot.link.for", state=link_state(device, texts), span=texts.span(state.lasts)))
    if state.verdict and not good:
        yield from _reasons(state, most, texts)
        yield from _outage(state, texts, zone, now)
    if last is not None:
        yield escape(texts("bot.link.last_reading", ago=texts.ago(last)))
    if (left := state.released_for) is not None and left > 0:
        yield escape(texts("bot.link.back_in", span=texts.span(left)))
    yield from _last_outage(state, texts, zone, now)
    yield block(_rows(state, texts))


def _reasons(state: LinkNow, most: int, texts: Texts) -> Iterator[str]:
    """What was met, and what may be behind it, the likeliest first."""
    causes = [cause for place, cause in enumerate(state.causes) if place == 0 or cause.sure >= WORTH_SAYING]
    # Of some verdicts the first cause says the very same.
    if not causes or causes[0].code != state.verdict:
        yield escape(_verdict(state.verdict, texts))
    if not causes and (message := state.message):
        yield f"<i>{escape(clip(message, LONGEST_REASON))}</i>"
    for cause in causes[:most]:
        meaning = _words(cause, "meaning", texts)
        told = texts("link.cause", sure=round(100 * cause.sure), meaning=meaning)
        yield f"• {_with_commands(told)} <i>{_with_commands(_words(cause, 'action', texts))}</i>"


def _outage(state: LinkNow, texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    """Since when there is no data, and what has been done about it."""
    outage = state.outage
    if outage is None:
        return
    lasted = outage.lasted
    began = texts.moment(now - timedelta(seconds=lasted), zone, now)
    line = texts("link.no_data", time=began, span=texts.span(lasted))
    if outage.attempts:
        line += " " + texts.count("link.attempts", outage.attempts)
    yield escape(line)
    # That it connects anew goes without saying.
    if outage.rung not in ("none", "reconnect") and (done := _rung(outage.rung, texts)):
        yield escape(texts("link.tried", rung=done))


def _last_outage(state: LinkNow, texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    """The last outage that is over, and what ended it."""
    last = state.last_outage
    if last is None or last.began is None:
        return
    began = texts.moment(last.began, zone, now)
    verdict = _verdict(last.verdict, texts)
    line = texts("link.last_outage", time=began, span=texts.span(last.lasted), verdict=verdict)
    if helped := _rung(last.cure, texts):
        line = f"{line.rstrip()} {texts('link.helped', rung=helped)}"
    yield escape(line.rstrip())


def _rows(state: LinkNow, texts: Texts) -> Iterator[Row]:
    if state.rssi is not None:
        yield Row(texts("bot.row.signal"), str(state.rssi), texts.unit("dBm"))
    counts = {
        "connects": state.connects,
        "failures": state.failures,
        "refused": state.refused,
        "discarded": state.discarded,
    }
    yield from (Row(texts(f"bot.row.{name}"), str(count)) for name, count in counts.items() if count)
    if state.commands_day is not None:  # none is worth knowing too: the BMS beeps at each
        yield Row(texts("link.row.commands"), str(state.commands_day), texts("link.a_day"))


def _verdict(verdict: str | None, texts: Texts) -> str:
    key = f"bot.verdict.{verdict}"
    return texts(key) if texts.known(key) else ""


def _words(cause: Cause, what: str, texts: Texts) -> str:
    """Our words for the ``meaning`` or ``action`` of a cause; those of a service that is newer than we are otherwise."""
    key = f"link.cause.{cause.code}.{what}"
    told = cause.action if what == "action" else cause.meaning
    return texts(key) if texts.known(key) else clip(told, LONGEST_REASON)


def _rung(code: str | None, texts: Texts) -> str:
    key = f"link.rung.{code}"
    return texts(key) if texts.known(key) else ""


def _with_commands(text: str) -> str:
    """Escape ``text``; what stands in backticks can be copied by a touch."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _names(devices: Sequence[BatteryNow], texts: Texts) -> str:
    return ", ".join(label(device, texts) for device in devices)


def _link_buttons(devices: Sequence[BatteryNow], texts: Texts) -> list[list[Button]]:
    states = [state for device in devices if (state := device.link_state) is not None]
    turns = []
    if any(state != "released" for state in states):
        turns.append(Button(texts("link.button.release"), press("release", TURN)))
    if "released" in states:
        turns.append(Button(texts("link.button.resume"), press("resume")))
    return [turns, [Button(texts("bot.button.refresh"), press("link"))]]


def _resume_button(devices: Sequence[BatteryNow], texts: Texts) -> Button:
    which = devices[0].number if len(devices) == 1 else ALL
    return Button(texts("link.button.resume"), press("resume", which))


def _link_button(texts: Texts) -> Button:
    return Button(texts("link.button.link"), press("link"))
