"""``jk-util.py health``: how the cells of each battery are, since when, and how sure that is.

With ``--soc``: by what its charge is counted, and what it was last judged by.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import datetime, tzinfo
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import msgspec

from jk_bms.config.settings import Settings
from jk_bms.errors import LiveError, StoreError
from jk_bms.live.client import LiveClient
from jk_bms.model.health import CellTold, HealthTold
from jk_bms.texts.durations import span
from jk_bms.tool.exits import EXIT_NOTHING, EXIT_OK
from jk_bms.tool.output import note
from jk_bms.tool.stored import stored_settings

if TYPE_CHECKING:
    from jk_bms.battery.soc import Grounds
    from jk_bms.model import Event

_BRIDGED = "unseen: bridged"  # in the reason for a jump
EVENTS_READ, EVENTS_SHOWN = 1000, 12

ADVICE = {
    "weak": "the pack is full and empty when this cell is; the others cannot give what they hold",
    "leaking": "it loses charge by itself; watch its temperature, and replace it if the loss grows",
    "bad connection": "inverter and battery off first; then tighten and clean its lugs and sense wire; look again in a week",
}
MISSING = {
    "capacity": "the battery must be charged full and drawn below about a third, a few times",
    "self-discharge": "that takes a week or more of watching a battery that is charged full now and then",
    "resistance": "something large must be switched on or off now and then",
}


class PackHealth(HealthTold, frozen=True, kw_only=True):
    """A battery and the health of its cells."""

    address: str
    number: int
    name: str | None


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """By what a charge is counted. Pairs: a value and its standard deviation."""

    soc: float  # %
    low: float
    high: float
    anchor: str | None  # full or empty; None: it was not seen so yet
    anchor_age: float | None  # s
    offset: tuple[float, float]  # A
    idle: tuple[float, float]  # A
    capacity: tuple[float, float]  # Ah
    shift: tuple[float, float]  # V


class PackCharge(msgspec.Struct, frozen=True, kw_only=True):
    """A battery and what its charge is counted by."""

    address: str
    number: int
    name: str | None
    kind: str | None  # of its cells
    doubt: str  # why it is not counted; "": it is
    counted: Counted | None
    judged: tuple[tuple[str, str], ...]  # time in ISO 8601 and what was judged, the oldest first


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument("--device", metavar="X", help="only this battery: its address, name or number")
    parser.add_argument("--soc", action="store_true", help="why the charge is what it is said to be")
    parser.add_argument("--json", action="store_true", help="for a program, with the weeks so far")


def run(given: argparse.Namespace) -> int:
    """Print what is known of the cells; exit code 3 when there is no battery."""
    settings = stored_settings(given)
    try:
        packs = charges(settings) if given.soc else _asked(settings)
    except LiveError as error:
        note(f"the service is not running ({error}); this is what it last stored")
        packs = _stored(settings)
    wanted = given.device
    if wanted is not None:
        packs = [
            pack
            for pack in packs
            if wanted.casefold() in (pack["address"].casefold(), (pack["name"] or "").casefold())
            or wanted == str(pack["number"])
        ]
    if not packs:
        note("nothing is known yet" if wanted is None else f"nothing is known of {wanted!r}")
        return EXIT_NOTHING
    if given.json:
        print(json.dumps(packs, indent=2, ensure_ascii=False))
    else:
        pages = (
            charge_lines(msgspec.convert(pack, PackCharge), zone=settings.timezone)
            if given.soc
            else health_lines(msgspec.convert(pack, PackHealth))
            for pack in packs
        )
        print("\n\n".join("\n".join(lines) for lines in pages))
    return EXIT_OK


def health_lines(pack: PackHealth) -> Iterator[str]:
    """Yield the health of one battery as a page for a person."""
    cells, capacity = pack.cells, pack.nominal_ah
    name = f": {pack.name}" if pack.name else ""
    yield f"Battery {pack.number}{name} ({pack.address}), watched for {_days(pack.days)}"
    yield f"  {pack.verdict}"
    if not cells:
        return
    yield ""
    yield "  Cell   Resistance      Size against      Loses a month     When full      Verdict"
    yield "                         the typical cell  more than that    it is ahead"
    for cell in cells:
        yield "  " + "  ".join(_columns(cell)).rstrip()
    yield ""
    if pack.imbalance is not None:
        ah = f" ({pack.imbalance * capacity / 100:.1f} Ah)" if capacity else ""
        yield f"  Between the fullest and the emptiest cell at the end of charge: {pack.imbalance:.1f} %{ah}"
    if pack.learned_ah is not None and capacity:
        share = 100 * pack.learned_ah / capacity
        yield f"  Capacity: {pack.learned_ah:.0f} Ah learned, {share:.0f} % of {capacity:g} Ah"
    if pack.temperature is not None:
        yield f"  Resistances were measured around {pack.temperature:.0f} °C."
    if pack.balancer_unseen:
        yield "  This BMS does not tell how much its balancer moves, so a small leak may stay hidden."
    for kind in dict.fromkeys(fault.kind for cell in cells for fault in cell.faults):
        yield f"  {kind}: {ADVICE[kind]}."
    for what in dict.fromkeys(what for cell in cells for what in cell.unknown):
        yield f"  {what} is not yet known for every cell: {MISSING[what]}."


def _days(days: float) -> str:
    return f"{days:.0f} day{'' if round(days) == 1 else 's'}"


def charge_lines(pack: PackCharge, *, zone: tzinfo | None = None) -> Iterator[str]:
    """Yield by what the charge of one battery is counted, as a page for a person; times in ``zone``."""
    name = f": {pack.name}" if pack.name else ""
    yield f"Battery {pack.number}{name} ({pack.address})"
    counted = pack.counted
    if counted is None:
        yield f"  {pack.doubt or 'Nothing was counted yet.'}"
        return
    yield f"  Charge     {counted.soc:.1f} %, 95 times in 100 between {counted.low:.0f} and {counted.high:.0f} %"
    if counted.anchor is None or counted.anchor_age is None:
        yield "  Counted    from the BMS's value and the voltages; it was not seen full yet"
    else:
        yield f"  Counted    from a pack that was {counted.anchor}, {span(counted.anchor_age)} ago"
    yield f"  Cells      {pack.kind}, {_with_sigma(counted.shift, 1e3, 'mV')} above the curve of their kind"
    yield f"  Sensor     reads {_with_sigma(counted.offset, 1.0, 'A')} too much; while it reads nothing,"
    yield f"             {_with_sigma(counted.idle, 1.0, 'A')} flow"
    yield f"  Capacity   {_with_sigma(counted.capacity, 1.0, 'Ah')}, as this sensor counts"
    if pack.judged:
        yield ""
        yield "  It was last judged by:"
    for time, text in pack.judged:
        at = datetime.fromisoformat(time).astimezone(zone)
        yield from wrap(text, 78, initial_indent=f"    {at:%-d %b %H:%M}  ", subsequent_indent=" " * 18)


def _with_sigma(value: tuple[float, float], factor: float, unit: str) -> str:
    """``1.2 ± 0.4 A``: two standard deviations, so the true value lies within them 95 times in 100."""
    mean, sigma = (factor * each for each in value)
    digits = 0 if 2 * sigma >= 3 else 1 if 2 * sigma >= 0.3 else 2
    return f"{round(mean, digits) + 0.0:.{digits}f} ± {2 * sigma:.{digits}f} {unit}"


def charges(settings: Settings) -> list[dict[str, Any]]:
    """Return by what the charge of each battery is counted, as last stored: a minute ago. Raises StoreError."""
    from jk_bms.battery.pack_state import learnt_of, stored_grounds
    from jk_bms.store.bms_db import open_reader
    from jk_bms.store.history import counters
    from jk_bms.store.states import read_states

    packs = []
    with open_reader(settings.bms_db_path) as own:
        known, learnt = counters(own), read_states(own)
        news = [event for _, event in own.newest_events("soc.", EVENTS_READ)]
        for stored in own.devices():
            device = stored.device
            if device.address not in known or not (state := known[device.address].state):
                continue
            try:
                grounds = stored_grounds(state, learnt_of(device.address, learnt))
            except (KeyError, TypeError, ValueError) as error:
                raise _not_understood(settings, device.label, error) from error
            own_news = _without_rows([event for event in news if event.device == device.address])
            packs.append(
                {
                    "address": device.address,
                    "number": device.number,
                    "name": device.name,
                    "kind": state.get("kind"),
                    "doubt": state.get("doubt", ""),
                    "counted": None if grounds is None or state.get("doubt") else _counted(grounds),
                    "judged": [
                        (event.taken_at.isoformat(), event.text)
                        for event in reversed(own_news[:EVENTS_SHOWN])
                    ],
                }
            )
    return packs


def _without_rows(news: list["Event"]) -> list["Event"]:
    """Return ``news``, the newest first, of many gaps in a row the last alone: they would hide what judged before."""
    return [
        event
        for index, event in enumerate(news)
        if not (index and _BRIDGED in event.text and _BRIDGED in news[index - 1].text)
    ]


def _counted(grounds: "Grounds") -> dict[str, Any]:
    estimate = grounds.estimate
    return {
        "soc": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "anchor": estimate.anchor,
        "anchor_age": estimate.anchor_age,
        "offset": list(grounds.offset),
        "idle": list(grounds.idle),
        "capacity": list(grounds.capacity),
        "shift": list(grounds.shift),
    }


def _not_understood(settings: Settings, label: str, error: Exception) -> StoreError:
    return StoreError(
        f"{settings.bms_db_path}: the state of {label} is not understood ({error!r}); expected one of this version"
    )


def _columns(cell: CellTold) -> Iterator[str]:
    yield f"{cell.number:4d} "
    if cell.resistance is None or cell.resistance_excess is None:
        yield f"{'unknown':<14}"
    else:
        yield f"{1e3 * cell.resistance:.2f} mΩ {100 * cell.resistance_excess:+4.0f} %"
    yield f"{_measured(cell.size, cell.size_sigma):<16}"
    yield f"{_measured(cell.loss_month, cell.loss_month_sigma):<16}"
    ahead = cell.ahead_when_full_ah
    yield f"{'unknown' if ahead is None else f'{ahead + 0.0:+.1f} Ah':<13}"
    if cell.faults:
        yield "; ".join(
            f"{fault.kind}{' since ' + fault.since if fault.since else ''}, {100 * fault.sure:.0f} % sure"
            for fault in cell.faults
        )
    elif cell.verdict == "good":
        yield f"good, {100 * cell.sure:.0f} % sure"
    else:
        yield "too early to tell"


def _measured(value: float | None, sigma: float | None) -> str:
    """Two standard deviations are given, so the true value lies within them 95 times in 100."""
    if value is None or sigma is None:
        return "unknown"
    return f"{value:+.1f} ± {2 * sigma:.1f} %"


def _asked(settings: Settings) -> list[dict[str, Any]]:
    """Ask the running service. Raises LiveError when there is none."""
    with LiveClient(settings.socket_path) as service:
        devices = service.snapshot().devices
        reports = service.request("health")
    return [
        {
            "address": device.address,
            "number": device.number,
            "name": device.name,
            **reports[device.address],
        }
        for device in devices
        if device.address in reports
    ]


def _stored(settings: Settings) -> list[dict[str, Any]]:
    """Read the last committed state. Raises StoreError."""
    from jk_bms.battery.health import stored_report
    from jk_bms.battery.pack_state import learnt_of
    from jk_bms.store.bms_db import open_reader
    from jk_bms.store.history import counters
    from jk_bms.store.states import read_states

    packs = []
    with open_reader(settings.bms_db_path) as own:
        known = counters(own)
        learnt = read_states(own)
        for stored in own.devices():
            device = stored.device
            if device.address not in known or not (state := known[device.address].state):
                continue
            try:
                report = stored_report(state["health"], learnt_of(device.address, learnt))
            except (KeyError, TypeError, ValueError) as error:
                raise _not_understood(settings, device.label, error) from error
            packs.append(
                {
                    "address": device.address,
                    "number": device.number,
                    "name": device.name,
                    **report.as_dict(),
                }
            )
    return packs
