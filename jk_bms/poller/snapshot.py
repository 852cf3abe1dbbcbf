"""The present state of everything, as the live socket tells it."""

import os
from typing import TYPE_CHECKING, Any

from jk_bms import __version__
from jk_bms.model import Event
from jk_bms.poller.device_state import device_state
from jk_bms.rules.cells import cell_limits

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller

MOST_UNSAVED = 50  # events that bms.db does not have yet


def snapshot(poller: "Poller") -> dict[str, Any]:
    """Return the state of program, devices, adapters, sinks, inverter, alerts and bot."""
    clock, memory = poller.clock, poller.memory
    now = clock.monotonic()
    state: dict[str, Any] = {
        "program": {"version": __version__, "pid": os.getpid(), "uptime": now - poller.started},
        "clock_trusted": clock.trusted(),
        "poll_interval": poller.settings.poll_interval,
        "devices": [
            device_state(
                device,
                status,
                sample,
                memory.days(device.address),
                now=now,
                zone=poller.settings.timezone,
                heard=poller.link_log.heard(device.address),
                cell_limits=cell_limits(*memory.about(device.address)),
                uncounted=memory.doubt(device.address),
            )
            for device, status, sample in poller.batteries()
        ],
        "adapters": [load._asdict() for load in poller.placement.loads()],
        **poller.alerts.inverters.shown(),
        "house": poller.alerts.lasting(),
        "alerts": poller.alerts.open_alerts(),
        # What cannot be written to bms.db, for who was not here when it was told.
        "unsaved": _unsaved(poller),
        "telegram": _telegram(poller) if poller.settings.bot_token else None,
    }
    for part in poller.parts.values():
        state |= part.shown()
    return state


def event_fields(event: Event) -> dict[str, Any]:
    """Return an event as the live socket tells it; ``kind``, ``monotonic`` and ``text`` together are its own."""
    return {
        "kind": event.kind,
        "time": event.taken_at.isoformat(),
        "monotonic": event.monotonic,
        "device": event.device,
        "text": event.text,
        "facts": event.facts,
    }


def _unsaved(poller: "Poller") -> list[dict[str, Any]]:
    if not poller.alerts.failure:
        return []
    loud = [event for event in poller.alerts.waiting if "quiet" not in event.facts]
    return [event_fields(event) for event in loud][-MOST_UNSAVED:]


def _telegram(poller: "Poller") -> dict[str, Any]:
    """The bot: its one-time code as long as it is not claimed, its name, how it does."""
    name = poller.invitations.username
    return {
        "code": poller.invitations.code,
        "username": name,
        **poller.bot.shown(known=name is not None),
    }
