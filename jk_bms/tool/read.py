"""``jk-util.py``: read batteries once, or keep watching them."""

import argparse
import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from jk_bms.battery.soc_source import with_shown_soc
from jk_bms.called import tool
from jk_bms.clock import Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings
from jk_bms.errors import ConfigError, JkBmsError, LinkError, LiveError, SourceError, Verdict
from jk_bms.links.base import Link
from jk_bms.live.client import LiveClient
from jk_bms.live.messages import SampleTold
from jk_bms.model import Sample
from jk_bms.model.kinds import kind_of
from jk_bms.model.reading import as_reading, from_reading, sample_of
from jk_bms.sources.base import SourceContext
from jk_bms.tool.borrow import BORROWED, borrow, borrowed, held_by, radio, running
from jk_bms.tool.common import devices_file, settings_for, wanted_entries
from jk_bms.tool.exits import EXIT_NOTHING, EXIT_OK, exit_code
from jk_bms.tool.output import deliver, formatted, note, output_lines
from jk_bms.tool.reading_text import one_line, reading_text

RETRY = 3.0  # s between two attempts to go on watching


def run(given: argparse.Namespace) -> int:
    """Read what was asked for; return the exit code."""
    settings = settings_for(given)
    entries = wanted_entries(given, settings)
    if not entries:
        note(f"{devices_file(given, settings)} has no enabled device; find yours with: {tool('--scan')}")
        return EXIT_NOTHING
    with running(settings) as service:
        held = held_by(service, entries)
        if held and not given.direct and given.dump:
            raise ConfigError("--dump: the running service holds the device; add --direct to borrow it")
        if given.watch:
            return _watch(given, settings, entries, held, service)
        if given.direct:
            with _radio(service, entries), borrowed(service, held):
                outcome = asyncio.run(_read(given, settings, entries))
        else:
            outcome = _ask(settings, held, service)
            if free := [entry for entry in entries if entry not in held]:
                with _radio(service, free):
                    outcome += asyncio.run(_read(given, settings, free))
    return _tell(given, settings, entries, outcome)


class _Outcome(NamedTuple):
    """What came of one device: a sample or why not, and where the sample comes from."""

    entry: Entry
    sample: Sample | None = None
    fault: JkBmsError | None = None
    remark: str = ""


def _tell(
    given: argparse.Namespace, settings: Settings, entries: list[Entry], outcome: list[_Outcome]
) -> int:
    """Print the readings in the order of the registry; return the exit code of the first fault."""
    outcome.sort(key=lambda one: entries.index(one.entry))
    for one in outcome:
        if one.fault is not None:
            note(f"{one.entry.label}: {one.fault}")
        elif one.remark and given.format != "text":  # text says it on its page
            note(one.remark)
    samples = [(one.sample, one.remark) for one in outcome if one.sample is not None]
    if samples:
        text = formatted(
            [sample for sample, _ in samples],
            given.format,
            tz=settings.timezone,
            remarks=[remark for _, remark in samples],
        )
        deliver(text, given.output)
    faults = [one.fault for one in outcome if one.fault is not None]
    return exit_code(faults[0]) if faults else EXIT_OK


# Through the service


def _ask(settings: Settings, entries: list[Entry], service: LiveClient | None) -> list[_Outcome]:
    outcome = []
    for entry in entries:
        assert service is not None  # it holds them
        try:
            result = service.request("read", device=entry.address or entry.name, ttl=settings.timeout + 5)
        except (SourceError, LiveError) as error:
            outcome.append(_Outcome(entry, fault=error))
            continue
        for reading in result["readings"]:
            age = max(Clock().monotonic() - reading["monotonic"], 0.0)
            remark = f"through the running service, {age:.1f} s old"
            outcome.append(_Outcome(entry, from_reading(reading), remark=remark))
    return outcome


# Directly


async def _read(given: argparse.Namespace, settings: Settings, entries: list[Entry]) -> list[_Outcome]:
    outcome = []
    for entry in entries:
        try:
            device = await _find(entry, settings)
            with _opened(given, settings, device) as link:
                async with contextlib.aclosing(_samples(settings, device, link)) as heard:
                    sample = await anext(heard)
            outcome.append(_Outcome(entry, sample))
        except SourceError as error:
            outcome.append(_Outcome(entry, fault=error))
    return outcome


async def _samples(settings: Settings, entry: Entry, link: Link) -> AsyncGenerator[Sample]:
    """Connect and yield samples until the link ends. Raises SourceError."""
    from jk_bms.sources import sessions_for
    from jk_bms.sources.session import alone

    note(f"Connecting to {entry.label} ...")
    sessions = sessions_for(entry, SourceContext())
    async with link.connect() as connection:
        terms = alone(patience=settings.timeout, current_calibration=entry.current_calibration)
        session = sessions.open(connection, entry.device(), terms)
        async with contextlib.aclosing(session.listen()) as heard:
            async for item in heard:
                if item.sample is None:
                    continue
                yield with_shown_soc(item.sample, source=settings.soc_source, curve=settings.soc_curve)


# Watching


def _watch(
    given: argparse.Namespace,
    settings: Settings,
    entries: list[Entry],
    held: list[Entry],
    service: LiveClient | None,
) -> int:
    """Show samples until Ctrl-C."""
    with output_lines(given.output) as out:
        show = _printer(given, settings, out, several=len(entries) > 1)
        if held and not given.direct:
            assert service is not None
            for entry in entries:
                if entry not in held:
                    note(f"{entry.label}: not read by the running service; restart it, or add --direct")
            _follow(held, service, show)
        with _radio(service, entries), borrowed(service, held):
            asyncio.run(_watch_directly(given, settings, entries, held, service, show))
    return EXIT_OK


def _follow(entries: list[Entry], service: LiveClient, show: Callable[[Sample], None]) -> None:
    note("through the running service; Ctrl-C ends")
    wanted = {(entry.address or entry.name or "").casefold() for entry in entries}
    for told in service.subscribe():
        if isinstance(told, SampleTold):
            sample = sample_of(told.reading)
            if {sample.device.address.casefold(), (sample.device.name or "").casefold()} & wanted:
                show(sample)
    raise LiveError("the service ended")


async def _watch_directly(
    given: argparse.Namespace,
    settings: Settings,
    entries: list[Entry],
    held: list[Entry],
    service: LiveClient | None,
    show: Callable[[Sample], None],
) -> None:
    keeping = asyncio.create_task(_keep(held, service))
    watching = [_watch_one(given, settings, entry, show, alone=len(entries) == 1) for entry in entries]
    try:
        await asyncio.gather(*watching)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(held: list[Entry], service: LiveClient | None) -> None:
    """Have what was borrowed a little longer, again and again."""
    while held and service is not None:
        await asyncio.sleep(BORROWED / 3)
        await asyncio.to_thread(borrow, service, held)


async def _watch_one(
    given: argparse.Namespace,
    settings: Settings,
    entry: Entry,
    show: Callable[[Sample], None],
    *,
    alone: bool,
) -> None:
    """Show samples until cancelled, over lost links. ``alone``: raise SourceError if there was none at all."""
    seen, said = False, ""
    entry = await _find(entry, settings)
    with _opened(given, settings, entry) as link:
        while True:
            try:
                async with contextlib.aclosing(_samples(settings, entry, link)) as heard:
                    async for sample in heard:
                        seen, said = True, ""
                        show(sample)
            except SourceError as error:
                if alone and not seen:
                    raise
                if str(error) != said:
                    said = str(error)
                    note(f"{entry.label}: {error}; trying again")
            await asyncio.sleep(RETRY)


def _printer(
    given: argparse.Namespace, settings: Settings, out: TextIO, *, several: bool
) -> Callable[[Sample], None]:
    tz = settings.timezone
    if given.json_lines or given.format == "json":
        return lambda sample: print(
            json.dumps(as_reading(sample, tz), ensure_ascii=False), file=out, flush=True
        )
    if given.format == "yaml":
        return lambda sample: print("---\n" + formatted([sample], "yaml", tz=tz), file=out, flush=True)
    shown_whole: set[str] = set()

    def show(sample: Sample) -> None:
        if sample.device.address not in shown_whole:  # the page once, then a line for each frame
            shown_whole.add(sample.device.address)
            print(reading_text(sample), file=out, flush=True)
        who = f"{sample.device.label}  " if several else ""
        print(who + one_line(sample, tz), file=out, flush=True)

    return show


# Links


def _radio(service: LiveClient | None, entries: list[Entry]) -> contextlib.AbstractContextManager[None]:
    """Have the radio, if one of these is reached by it; see ``borrow.radio``."""
    over_the_air = any(kind_of(entry.type).needs_radio for entry in entries)
    return radio(service) if over_the_air else contextlib.nullcontext()


def _context(given: argparse.Namespace, settings: Settings) -> SourceContext:
    folder = devices_file(given, settings).parent
    return SourceContext(adapter=settings.adapter, timeout=settings.timeout, folder=folder)


@contextlib.contextmanager
def _opened(given: argparse.Namespace, settings: Settings, entry: Entry) -> Iterator[Link]:
    """Give the link to a device; with ``--dump`` what it brings is saved."""
    from jk_bms.sources import link_for

    link = link_for(entry, _context(given, settings))
    if not given.dump:
        yield link
        return
    from jk_bms.links.recording import Recording

    with Recording(link, Path(given.dump), secrets=given.dump_secrets) as recording:
        yield recording
    note(f"Dump written to {given.dump}")


async def _find(entry: Entry, settings: Settings) -> Entry:
    """Return the device with its address and adapter; look in the air when only its name is known.

    Raises LinkError (``NOT_SEEN``).
    """
    from jk_bms.tool.own_adapter import own_adapter

    if entry.address:
        if kind_of(entry.type).needs_radio:
            with contextlib.suppress(LinkError):  # connecting tells it, and may be tried again
                entry = dataclasses.replace(entry, adapter=await own_adapter(entry, settings))
        return entry
    from jk_bms.radio.found import search

    wanted = (entry.name or "").casefold()
    note(f"{entry.name!r} is not in the registry; looking for it ...")
    found = await search(settings.timeout / 2, entry.adapter or settings.adapter)
    for device in found:
        if (device.name or "").casefold() == wanted:
            return dataclasses.replace(entry, address=device.address, name=device.name)
    others = ", ".join(str(device) for device in found[:5]) or "nothing at all"
    raise LinkError(f"no device named {entry.name!r} was seen; seen instead: {others}", Verdict.NOT_SEEN)
