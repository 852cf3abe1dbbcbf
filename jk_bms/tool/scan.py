"""``jk-util.py --scan``: find batteries, show them, remember them."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from jk_bms.called import tool
from jk_bms.clock import Clock
from jk_bms.config.devices import Entry, read_registry, update_after_scan
from jk_bms.config.settings import Settings, load_settings
from jk_bms.errors import LiveError, SourceError
from jk_bms.live.client import LiveClient
from jk_bms.model.found import Certainty, Found
from jk_bms.model.kinds import kind_of
from jk_bms.tool.borrow import radio, running
from jk_bms.tool.clone import keep_out_of_git
from jk_bms.tool.common import devices_file, settings_for
from jk_bms.tool.exits import EXIT_NOTHING, EXIT_OK
from jk_bms.tool.output import note, say

RULE = "-" * 60
UNASKED_MOST = 8  # new devices that are saved without a question
LIKELY = Certainty.LIKELY  # from which on a device is saved unasked
PROBE_PATIENCE = 8.0  # s for the first word of a device that is asked


def run(given: argparse.Namespace) -> int:
    """Search, print, save; with ``--read`` read the first one found."""
    settings = settings_for(given)
    print(f"Scanning for JK BMS devices for {given.scan_time:g} seconds...", flush=True)
    print(RULE, flush=True)
    found = _search(given, settings)
    batteries = [device for device in found if device.level >= LIKELY]
    possible = [device for device in found if 0 < device.level < LIKELY]
    if given.probe and possible:
        with running(settings) as service, radio(service):
            batteries += asyncio.run(_probe(possible, settings))
        possible = [device for device in possible if device not in batteries]
    for device in batteries:
        _show(device, f"✓ Found {kind_of(device.kind).make} Device:")
    for device in possible:
        _show(device, f"? Possibly a BMS ({device.evidence}):")
    if possible:
        note(f"A possible device is not saved; this connects to it and asks: {tool('--scan --probe')}")
    if not batteries:
        _nothing(found)
        return EXIT_NOTHING
    path = _registry(given)
    saved = _wanted(batteries, path)
    if saved:
        seen = [(device.address, device.name) for device in saved]
        types = {device.address: device.kind for device in saved}
        update_after_scan(path, seen, Clock().now().astimezone(), types=types)
        say(f"\n✓ Saved devices to {_near(path)}")
        keep_out_of_git(path)
    if given.read:
        from jk_bms.tool import read

        given.address = batteries[0].address
        return read.run(given)
    return EXIT_OK


def _registry(given: argparse.Namespace) -> Path:
    """Where batteries are remembered: for the owner, also while the demonstration runs and does the search."""
    return devices_file(given, load_settings(env_file=given.env_file, forgiving=True))


def _wanted(batteries: list[Found], path: Path) -> list[Found]:
    """Those to be saved: all, but many new ones at once only after a question. Raises ConfigError.

    Where many JK batteries answer, most of them are the neighbours'.
    """
    known = {entry.address.casefold() for entry in read_registry(path).entries}
    new = [device for device in batteries if device.address.casefold() not in known]
    if len(new) <= UNASKED_MOST:
        return batteries
    if sys.stdin.isatty() and sys.stderr.isatty():
        print(
            f"Save all {len(new)} new devices to {_near(path)}? [y/N] ", end="", file=sys.stderr, flush=True
        )
        if sys.stdin.readline().strip().casefold() in ("y", "yes"):
            return batteries
    note(
        f"{len(new)} new devices are more than one house has: none of them is saved. Write yours into {_near(path)} by "
        "hand, as 'AA:BB:CC:DD:EE:FF: {name: ...}', or scan in a terminal, where you are asked."
    )
    return [device for device in batteries if device not in new]


def _search(given: argparse.Namespace, settings: Settings) -> list[Found]:
    """Have the running service scan, which holds the radio; else scan ourselves."""
    if not given.direct:
        try:
            with LiveClient(settings.socket_path) as service:
                result = service.request(
                    "scan", seconds=given.scan_time, adapter=given.adapter, ttl=given.scan_time + 20
                )
                note("(through the running service)")
                return [Found(**device) for device in result["found"]]
        except SourceError:
            raise
        except LiveError:
            pass  # no service, or one that reads simulated batteries only
    return asyncio.run(
        _scan(given.scan_time, settings.adapter)
    )  # listening takes nothing from another program


async def _scan(seconds: float, adapter: str | None) -> list[Found]:
    from jk_bms.radio.found import search

    progress = asyncio.create_task(_progress(seconds))
    try:
        return await search(seconds, adapter)
    finally:
        progress.cancel()
        await asyncio.gather(progress, return_exceptions=True)


async def _progress(seconds: float) -> None:
    """Count down in a terminal; silent elsewhere."""
    if not sys.stderr.isatty():
        return
    try:
        for left in range(round(seconds), 0, -1):
            print(f"\r  {left:3d} s left ", end="", file=sys.stderr, flush=True)
            await asyncio.sleep(1)
    finally:
        print("\r" + " " * 16 + "\r", end="", file=sys.stderr, flush=True)


async def _probe(devices: Sequence[Found], settings: Settings) -> list[Found]:
    """Connect to each and ask; return those that answered like the BMS they may be."""
    answered = []
    for device in devices:
        note(f"Asking {device} ...")
        make = kind_of(device.kind).make
        try:
            if await _answers(device, settings):
                answered.append(device._replace(level=LIKELY + 1, evidence=f"it answered like a {make}"))
        except SourceError as error:
            note(f"  not a {make}, or busy: {error}")
    return answered


async def _answers(device: Found, settings: Settings) -> bool:
    from jk_bms.sources import SourceContext, link_for, sessions_for
    from jk_bms.sources.session import alone

    entry = Entry(address=device.address, type=device.kind)
    context = SourceContext(adapter=settings.adapter, timeout=settings.timeout)
    async with link_for(entry, context).connect() as connection:
        session = sessions_for(entry, context).open(
            connection, entry.device(), alone(patience=PROBE_PATIENCE)
        )
        async with aclosing(session.listen()) as heard:
            async for _ in heard:
                return True  # only its make speaks in such frames
    return False


def _show(device: Found, title: str) -> None:
    print(title)
    print(f"  Name: {device.name or '(none)'}")
    print(f"  Address: {device.address}")
    if device.rssi is not None:
        print(f"  RSSI: {device.rssi} dBm")
    print(RULE, flush=True)


def _nothing(found: Sequence[Found]) -> None:
    print("No JK BMS found.")
    if found:
        print("Seen instead:")
        for device in found:
            print(f"  {device}")
    else:
        print("Nothing at all was seen: is anything with Bluetooth near, and the adapter's antenna attached?")
    note(
        "A BMS that is connected to a phone does not show itself: close its app. Else go closer, or search "
        f"longer: {tool('--scan --scan-time 30')}"
    )


def _near(path: Path) -> str:
    """The path as short as it can be said from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
