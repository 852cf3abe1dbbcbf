"""``jk-util.py``: read batteries once, or keep watching them."""

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import msgspec

from jk_bms.battery.shown import with_shown_soc
from jk_bms.clock import Clock
from jk_bms.errors import ConfigError, LinkError, LiveError, SourceError, Verdict
from jk_bms.links.base import Link
from jk_bms.live.client import LiveClient
from jk_bms.model import Sample
from jk_bms.model.link import LinkStatus
from jk_bms.model.reading import as_reading, from_reading
from jk_bms.registry import Entry
from jk_bms.settings import Settings
from jk_bms.tool.common import devices_file, settings_for, wanted_entries
from jk_bms.tool.exits import EXIT_NOTHING, EXIT_OK, exit_code
from jk_bms.tool.output import deliver, formatted, note
from jk_bms.tool.reading_text import one_line, reading_text

BORROWED = 300.0  # s for which the service leaves a device alone, should we die


def run(given: argparse.Namespace) -> int:
    """Read what was asked for; return the exit code."""
    settings = settings_for(given)
    entries = wanted_entries(given, settings)
    if not entries:
        note(f"{devices_file(given, settings)} has no enabled device; find yours with: jk-util.py --scan")
        return EXIT_NOTHING
    with _service(settings, entries) as service:
        if service is not None and not given.direct:
            if given.dump:
                raise ConfigError("--dump: the running service holds the device; add --direct to borrow it")
            return _ask(given, entries, service)
        with _borrowed(service, entries):
            return asyncio.run(
                _watch(given, settings, entries[0]) if given.watch else _read(given, settings, entries)
            )


@contextlib.contextmanager
def _service(settings: Settings, entries: list[Entry]) -> Iterator[LiveClient | None]:
    """Give the running service if it reads these devices; None: they are free."""
    try:
        client = LiveClient(settings.socket_path)
    except LiveError:
        yield None
        return
    with client:
        held = {device["address"].casefold() for device in client.snapshot()["devices"]}
        mine = {entry.address.casefold() for entry in entries}
        names = {(entry.name or "").casefold() for entry in entries if not entry.address}
        held_names = {(device["name"] or "").casefold() for device in client.snapshot()["devices"]}
        yield client if mine & held or names & held_names else None


@contextlib.contextmanager
def _borrowed(service: LiveClient | None, entries: list[Entry]) -> Iterator[None]:
    """Have the service let go of the devices, and give them back."""
    if service is None:
        yield
        return
    for entry in entries:
        service.request("release", device=entry.address or entry.name, seconds=BORROWED)
    note("The running service let go of the device.")
    try:
        yield
    finally:
        for entry in entries:
            service.request("resume", device=entry.address or entry.name)
        note("The running service has the device again.")


# Through the service


def _ask(given: argparse.Namespace, entries: list[Entry], service: LiveClient) -> int:
    if given.watch:
        return _follow(given, entries[0], service)
    samples, faults = [], []
    ages = []
    for entry in entries:
        try:
            result = service.request(
                "read", device=entry.address or entry.name, ttl=(given.timeout or 20) + 5
            )
        except SourceError as error:
            faults.append(error)
            note(f"{entry.label}: {error}")
            continue
        for reading in result["readings"]:
            samples.append(from_reading(reading))
            ages.append(Clock().monotonic() - reading["monotonic"])
    for age in ages:
        note(f"through the running service, {max(age, 0):.1f} s old")
    if samples:
        deliver(formatted(samples, given.format), given.output)
    return exit_code(faults[0]) if faults else EXIT_OK


def _follow(given: argparse.Namespace, entry: Entry, service: LiveClient) -> int:
    note("through the running service; Ctrl-C ends")
    wanted = {entry.address.casefold(), (entry.alias or entry.name or "").casefold()} - {""}
    show = _printer(given)
    for message in service.subscribe():
        if message["type"] == "sample":
            sample = from_reading(message["reading"])
            if {sample.device.address.casefold(), (sample.device.name or "").casefold()} & wanted:
                show(sample)
    raise LiveError("the service ended")


# Directly


async def _read(given: argparse.Namespace, settings: Settings, entries: list[Entry]) -> int:
    samples, faults = [], []
    for entry in entries:
        try:
            async with contextlib.aclosing(_samples(given, settings, entry)) as heard:
                async for sample in heard:
                    samples.append(sample)
                    break
        except SourceError as error:
            faults.append(error)
            note(f"{entry.label}: {error}")
    if samples:
        deliver(formatted(samples, given.format), given.output)
    return exit_code(faults[0]) if faults else EXIT_OK


async def _watch(given: argparse.Namespace, settings: Settings, entry: Entry) -> int:
    show = _printer(given)
    async with contextlib.aclosing(_samples(given, settings, entry)) as heard:
        async for sample in heard:
            show(sample)
    return EXIT_OK


async def _samples(given: argparse.Namespace, settings: Settings, entry: Entry) -> AsyncGenerator[Sample]:
    """Connect and yield samples until the link ends. Raises SourceError."""
    from jk_bms.sources.jk_session import JkSession

    if not entry.address:
        entry = await _find(entry, settings)
    note(f"Connecting to {entry.label} ...")
    status = LinkStatus()
    with _recorded(given, _link(settings, entry)) as link:
        async with link.connect() as connection:
            session = JkSession(
                connection, entry.device(), clock=Clock(), patience=settings.timeout, status=status
            )
            async with contextlib.aclosing(session.listen()) as heard:
                async for item in heard:
                    if item.sample is None:
                        continue
                    sample = item.sample
                    if entry.current_calibration != 1.0 and sample.current is not None:
                        sample = msgspec.structs.replace(
                            sample, current=sample.current * entry.current_calibration
                        )
                    yield with_shown_soc(sample, source=settings.soc_source, curve=settings.soc_curve)


def _link(settings: Settings, entry: Entry) -> Link:
    from jk_bms.sources.base import SourceContext
    from jk_bms.sources.jk_kinds import link_for

    return link_for(entry, SourceContext(adapter=settings.adapter, timeout=settings.timeout))


@contextlib.contextmanager
def _recorded(given: argparse.Namespace, link: Link) -> Iterator[Link]:
    if not given.dump:
        yield link
        return
    from jk_bms.links.recording import Recording

    with Recording(link, Path(given.dump), secrets=given.dump_secrets) as recording:
        yield recording
    note(f"Dump written to {given.dump}")


async def _find(entry: Entry, settings: Settings) -> Entry:
    """Look in the air for the device of that name. Raises LinkError (``NOT_SEEN``)."""
    from jk_bms.links.found import search

    wanted = (entry.name or "").casefold()
    note(f"{entry.name!r} is not in the registry; looking for it ...")
    found = await search(settings.timeout / 2, settings.adapter)
    for device in found:
        if (device.name or "").casefold() == wanted:
            return Entry(address=device.address, name=device.name, type=entry.type)
    others = ", ".join(str(device) for device in found[:5]) or "nothing at all"
    raise LinkError(f"no device named {entry.name!r} was seen; seen instead: {others}", Verdict.NOT_SEEN)


def _printer(given: argparse.Namespace) -> Callable[[Sample], None]:
    if given.json_lines or given.format == "json":
        return lambda sample: print(json.dumps(as_reading(sample), ensure_ascii=False), flush=True)
    if given.format == "yaml":
        return lambda sample: print("---\n" + formatted([sample], "yaml"), flush=True)
    shown_whole = False

    def show(sample: Sample) -> None:
        nonlocal shown_whole
        if not shown_whole:  # the page once, then a line for each frame
            print(reading_text(sample), flush=True)
            shown_whole = True
        print(one_line(sample), flush=True)

    return show
