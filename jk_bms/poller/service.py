"""Starting and ending the poller: settings, batteries, signals, exit codes."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

from jk_bms import __version__
from jk_bms.actions import ACTIONS
from jk_bms.called import no_battery, tool
from jk_bms.clock import Clock
from jk_bms.config.devices import Entry, shared_labels
from jk_bms.config.settings import TOP, Settings, load_settings
from jk_bms.demo import FOLDER, configured, demo_settings, is_demo
from jk_bms.ending import end_on_signals, log_end
from jk_bms.errors import ConfigError, JkBmsError, LiveError
from jk_bms.logs import setup_logging
from jk_bms.poller.configuration import OwnersFile
from jk_bms.poller.poller import Poller
from jk_bms.poller.registry_file import RegistryFile, first_batteries
from jk_bms.sinks import SINKS
from jk_bms.start import EXIT_OK

log = logging.getLogger(__name__)

SERVICE_NAME = "jk_bms_service"

FILES_NEEDED, FILES_WANTED = 128, 1024  # open at once: databases, clients of the socket, D-Bus


async def serve(
    settings: Settings,
    entries: list[Entry],
    *,
    clock: Clock,
    load: Callable[[], Settings],
    live_head: list[str],
    interactive: bool = False,
) -> int:
    """Run the poller until SIGTERM or SIGINT; return the exit code. At SIGHUP the owner's files are read again.

    ``load`` reads the settings again.
    ``live_head``: lines above the live view in a terminal; empty: plain log lines instead.
    ``interactive``: a person started it. The page is started as well, and the bot if it has a token, and SIGHUP ends all: it
    means that the terminal was closed.
    """
    loop = asyncio.get_running_loop()
    poller = Poller(settings, entries, clock=clock, files=owners_files, load=load)

    end = end_on_signals(poller.stop.set)
    loop.add_signal_handler(signal.SIGHUP, end if interactive else poller.configuration.look_now)
    async with _live_view(poller, live_head), _children(settings, wanted=interactive):
        return await poller.run()


def owners_files(poller: Poller) -> list[OwnersFile]:
    """What may change while it runs."""
    settings, change = poller.settings, poller.settings_file.apply
    files = [OwnersFile("settings", settings.env_file, change)] if settings.env_file else []
    if not is_demo(settings):  # else the batteries are made up, and no file names them
        registry = RegistryFile(poller, poller.clock.speed)
        files.append(OwnersFile("registry", settings.devices_file, registry.apply))
        files.append(OwnersFile("house", settings.house_file, poller.house_file.apply))
    return files


@contextlib.asynccontextmanager
async def _children(settings: Settings, *, wanted: bool) -> AsyncIterator[None]:
    if not wanted:
        yield
        return
    from jk_bms.poller.children import BOT, PAGE, beside  # an installed poller has none to start

    async with contextlib.AsyncExitStack() as stack:
        for child in (PAGE, *((BOT,) if settings.bot_token else ())):
            await stack.enter_async_context(beside(child, settings))
        yield


@contextlib.asynccontextmanager
async def _live_view(poller: Poller, head: list[str]) -> AsyncIterator[None]:
    if not head:
        yield
        return
    from jk_bms.poller.console import Console  # only a person at a terminal needs it

    console = Console(poller.snapshot, head=head)
    with console.instead_of_log_lines():
        drawing = asyncio.create_task(console.run(), name="console")
        try:
            yield
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the poller as configured; return the exit code."""
    arguments = _parser().parse_args(argv)
    interactive = arguments.interactive
    setup_logging("INFO", SERVICE_NAME)
    if arguments.packages:
        return _print_packages(arguments.env_file)
    try:
        load = partial(load_settings, env_file=arguments.env_file, forgiving=True)
        settings = load()
        demo = interactive and not configured(settings)
        if demo:
            FOLDER.mkdir(exist_ok=True)
            settings = demo_settings()
        setup_logging(settings.log_level, SERVICE_NAME, timezone=settings.timezone)
        for warning in settings.warnings:
            log.warning("%s", warning)
        _require_files()
        entries = first_batteries(settings, arguments.speed)
        if not entries:
            log.warning("%s", no_battery())
        for shared in shared_labels(entries):
            log.warning("registry: %s", shared)
        if demo:
            entries = _with_a_past(settings, entries)
        head = _head(settings, entries, demo=demo) if interactive else []
        if not sys.stdout.isatty():
            for line in head:
                log.info("%s", line)
            head = []
        for entry in entries:
            log.info(
                "Starting JK BMS poller for %s -> %s every %gs",
                entry.address,
                settings.db_path,
                settings.poll_interval,
            )
        return asyncio.run(
            serve(
                settings,
                entries,
                clock=Clock(arguments.speed),  # its time runs from here
                load=demo_settings if demo else load,
                live_head=head,
                interactive=interactive,
            )
        )
    except (JkBmsError, ExceptionGroup) as error:
        return log_end(error, LiveError)  # a socket that cannot be made needs another place


def _require_files() -> None:
    """Make sure that enough files can be open at once. Raises ConfigError: with fewer, parts fail one by one."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < FILES_WANTED:
        most = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < FILES_NEEDED:
        raise ConfigError(
            f"only {soft} files may be open at once, expected {FILES_NEEDED} at least: raise the limit "
            f"(ulimit -n {FILES_WANTED}; under systemd LimitNOFILE={FILES_WANTED})"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jk_bms_service.py",
        description="Read the batteries and merge them into the inverter's database.",
    )
    parser.add_argument(
        "--interactive",
        action="store_true",
        help="for a person: a live view in a terminal, the page as well, the Telegram bot if it has a token, and a "
        "simulated battery when nothing is configured",
    )
    parser.add_argument(
        "--env-file", metavar="FILE", help="settings file (default: .env in the project's folder)"
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="N",
        help="simulated batteries only: run time N times as fast (1 to 600)",
    )
    parser.add_argument(
        "--packages",
        action="store_true",
        help="print which packages these settings need, 'runtime' or 'bot', and end",
    )
    parser.add_argument("--version", action="version", version=f"easun-jkbms {__version__}")
    return parser


def _print_packages(env_file: str | None) -> int:
    """Settings that make no sense need no more than it takes to say so."""
    try:
        settings = load_settings(env_file=env_file, forgiving=True)
        rows = [row for row in (*SINKS, *ACTIONS) if row.wanted(settings)]
        kind = "bot" if settings.bot_token or any(row.packages == "bot" for row in rows) else "runtime"
    except ConfigError:
        kind = "runtime"
    sys.stdout.write(f"{kind}\n")
    return EXIT_OK


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1 <= speed <= 600:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number from 1 to 600")
    return speed


def _with_a_past(settings: Settings, entries: list[Entry]) -> list[Entry]:
    from jk_bms.demo.made_up_day import with_a_past  # only the demonstration needs it

    return [with_a_past(settings, entry, Clock()) for entry in entries]


def _head(settings: Settings, entries: list[Entry], *, demo: bool) -> list[str]:
    """What a person should know who just started this."""
    lines = [f"easun-jkbms {__version__}"]
    if demo:
        lines.append("Nothing is configured yet, so this is a simulated battery and a made-up day.")
        lines.append('Faster: make run ARGS="--speed 60". In another terminal:')
        room = len(tool("history"))
        for words, what in (
            ("", "read it, every value"),
            ("history", "the last day"),
            ("--scan", "find your own; then start this again"),
        ):
            lines.append(f"  {tool(words) if words else tool():<{room}}    {what}")
    else:
        names = ", ".join(entry.label for entry in entries)
        lines.append(f"Reading {names}" if names else no_battery())
    files = f"{_short(settings.db_path)} (records), {_short(settings.bms_db_path)} (history)"
    lines.append(f"Files: {files}. Ctrl-C ends.")
    return lines


def _short(path: Path) -> str:
    return str(path.relative_to(TOP)) if path.is_relative_to(TOP) else str(path)
