"""A whole face, as small as it can be: the file to begin with for a new one (docs/adding.md).

This one says the house in a few lines of text: ``python -m tests.examples.face``. One that answers others would
ask ``LiveView`` for each answer.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from jk_bms.config.settings import load_settings
from jk_bms.model.snapshot import BatteryNow, Snapshot
from jk_bms.texts import language
from jk_bms.texts.alerts import alert_line
from jk_bms.texts.durations import age, span_between
from jk_bms.view.charge import shown_soc
from jk_bms.view.house import house_of
from jk_bms.view.live_view import LiveView
from jk_bms.view.status_text import LEFT_OUT, STATES


def house_lines(snapshot: Snapshot, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    """Yield the house, a fact on each line; what is not known says so."""
    if snapshot.poller_down:
        yield "The battery monitor does not answer. These are the last known values."
    house = house_of(snapshot)
    yield "House: charge not known" if house.soc is None else f"House: {shown_soc(house.soc)} %"
    if house.soc_low is not None and house.soc_high is not None:
        yield f"By our count: {house.soc_low:.0f} to {house.soc_high:.0f} %"
    if house.empty_in is not None:
        yield f"Empty in {span_between(*house.empty_in)}"
    if house.full_in is not None:
        yield f"Full in {span_between(*house.full_in)}"
    for device in snapshot.devices:
        yield f"{device.label}: {_told(device)}"
    for one in house.left_out:
        yield f"Not counted: {one.device.label}, {LEFT_OUT[one.why]}"
    yield f"Grid: {snapshot.inverter.grid.state if snapshot.inverter else 'unknown'}"
    if not snapshot.alerts:
        yield "Alerts: not known" if snapshot.alerts is None else "Alerts: none"
    for alert in snapshot.alerts or ():
        line = alert_line(alert, snapshot.names.get(alert.subject), language("en"), zone, now)
        yield f"Alert: {line}"


def _told(device: BatteryNow) -> str:
    """What a pack last told, how long ago, and how the way to it is."""
    soc, state = device.told.battery_soc, device.link_state
    charge = "charge not known" if soc is None else f"{shown_soc(soc)} %"
    when = "no reading yet" if device.age is None else age(device.age)
    return f"{charge}, {when}, {STATES.get(state, state) if state else 'link not known'}"


def main() -> None:
    """Print the house once."""
    settings = load_settings(forgiving=True)
    snapshot = asyncio.run(LiveView(settings).snapshot())
    print("\n".join(house_lines(snapshot, settings.timezone, datetime.now(UTC))))


if __name__ == "__main__":
    main()
