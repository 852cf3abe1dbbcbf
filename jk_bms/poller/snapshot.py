"""The present state of everything, put together for the live socket and the console."""

import os
from typing import TYPE_CHECKING

from jk_bms import __version__
from jk_bms.model import Event
from jk_bms.model.alert import alert_of
from jk_bms.model.snapshot import EventTold, ProgramNow, RecordsNow, Snapshot, TelegramNow, WebNow
from jk_bms.poller.channels import channels
from jk_bms.poller.device_state import battery_now
from jk_bms.rules.cells import cell_limits

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller

MOST_UNSAVED = 50  # events that bms.db does not have yet


def take_snapshot(poller: "Poller") -> Snapshot:
    """Return the state of program, batteries, adapters, sinks, inverter, alerts and bot."""
    clock, memory = poller.clock, poller.memory
    now, inverters = clock.monotonic(), poller.alerts.inverters.shown()
    sinks = {name: state for name, part in poller.parts.items() if (state := part.shown()) is not None}
    return Snapshot(
        program=ProgramNow(version=__version__, pid=os.getpid(), uptime=now - poller.started),
        clock_trusted=clock.trusted(),
        poll_interval=poller.settings.poll_interval,
        devices=tuple(
            battery_now(
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
        ),
        adapters=tuple(poller.placement.loads()),
        inverter=inverters.inverter,
        inverters=inverters.inverters,
        house=poller.alerts.lasting(),
        alerts=tuple(map(alert_of, poller.alerts.open_alerts())),
        # What cannot be written to bms.db, for who was not here when it was told.
        unsaved=_unsaved(poller),
        telegram=_telegram(poller) if poller.settings.bot_token else None,
        channels=channels(poller),
        web=_web(poller),
        records=next((state for state in sinks.values() if isinstance(state, RecordsNow)), None),
        sinks={name: state for name, state in sinks.items() if not isinstance(state, RecordsNow)},
    )


def event_told(event: Event, *, unsaved: bool = False) -> EventTold:
    """Return an event as the live socket tells it. ``unsaved``: bms.db does not have it yet."""
    return EventTold(
        kind=event.kind,
        time=event.taken_at.isoformat(),
        monotonic=event.monotonic,
        device=event.device,
        text=event.text,
        facts=event.facts,
        unsaved=unsaved,
    )


def _unsaved(poller: "Poller") -> tuple[EventTold, ...]:
    if not poller.alerts.failure:
        return ()
    loud = [event for event in poller.alerts.waiting if "quiet" not in event.facts]
    return tuple(event_told(event, unsaved=True) for event in loud[-MOST_UNSAVED:])


def _web(poller: "Poller") -> WebNow | None:
    """The page; None: it was not heard of."""
    page = poller.page
    return None if page.set_up is None else WebNow(url=page.url, code=page.code, link=page.link)


def _telegram(poller: "Poller") -> TelegramNow:
    """The bot: its one-time code as long as it is not claimed, its name, how it does."""
    name = poller.invitations.username
    known = name is not None
    return TelegramNow(
        code=poller.invitations.code,
        username=name,
        state=poller.bot.state,
        heard=poller.bot.heard_ago,
        trouble=poller.bot.trouble(known=known),
    )
