"""``/link``: how the radio is doing, since when, and why there is no data when there is none."""

from datetime import datetime, tzinfo
from typing import Any

from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.page import Button, Page, Row, block, page
from jk_bms.bot.pages.values import is_old, label, link_state, notes
from jk_bms.texts import Texts, clip, escape

GOOD = ("streaming", "waiting", "released")
LONGEST_REASON = 300  # characters


def link(snapshot: dict[str, Any], texts: Texts, zone: tzinfo | None, now: datetime) -> Page:
    """Return the state of the way to each battery."""
    parts = []
    for device in snapshot["devices"]:
        parts += _device(device, snapshot, texts, zone, now)
    return page(
        escape(notes(snapshot, texts)),
        "\n\n".join(part for part in parts if part),
        buttons=[[Button(texts("bot.button.refresh"), press("link"))]],
    )


def _device(
    device: dict[str, Any], snapshot: dict[str, Any], texts: Texts, zone: tzinfo | None, now: datetime
) -> list[str]:
    name = f"<b>{escape(label(device, texts))}</b>"
    state = device.get("link") or {}
    if not state:
        return [f"{name}\n{escape(texts('bot.link.unknown'))}"]
    old = is_old(device.get("age"), snapshot) and state["state"] == "streaming"
    mark = "🟢" if state["state"] in GOOD and not old else "🟠"
    lasted = texts("bot.link.for", state=link_state(device, texts), span=texts.span(state.get("for") or 0.0))
    lines = [f"{mark} {name}", escape(lasted)]
    verdict = state.get("verdict")
    if verdict and state["state"] != "released":
        key = f"bot.verdict.{verdict}"
        if texts.known(key):
            lines.append(escape(texts(key)))
        # The poller knows more (which adapter, which command helps), in English.
        if message := state.get("message"):
            lines.append(f"<i>{escape(clip(message, LONGEST_REASON))}</i>")
    if device.get("age") is not None:
        lines.append(escape(texts("bot.link.last_reading", ago=texts.ago(device["age"]))))
    released = state.get("released_for")
    if released is not None and released > 0:
        lines.append(escape(texts("bot.link.back_in", span=texts.span(released))))
    rows = []
    if state.get("rssi") is not None:
        rows.append(Row(texts("bot.row.signal"), str(state["rssi"]), texts.unit("dBm")))
    counters = [name for name in ("connects", "failures", "refused") if state.get(name)]
    rows += [Row(texts(f"bot.row.{name}"), str(state[name])) for name in counters]
    lines.append(block(rows))
    return ["\n".join(line for line in lines if line)]
