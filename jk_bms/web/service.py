"""Starting and ending the page: settings, parts, signals, exit codes."""

import argparse
import asyncio
import logging
import os
from collections.abc import Sequence

from jk_bms import __version__
from jk_bms.config.settings import Settings, load_settings
from jk_bms.demo import configured, demo_settings
from jk_bms.ending import end_on_signals, log_end, stay
from jk_bms.errors import JkBmsError
from jk_bms.live.sd_notify import Notifier
from jk_bms.logs import setup_logging
from jk_bms.start import EXIT_CONFIG, EXIT_OK
from jk_bms.web.app import App
from jk_bms.web.page import Page
from jk_bms.web.pages import static_files
from jk_bms.web.server import make_server, sockets_for
from jk_bms.web.table import ROUTES, table
from jk_bms.web.web_db import open_store

log = logging.getLogger(__name__)

SERVICE_NAME = "jk_bms_web"
GIVES_WAY = 5  # niceness: the batteries are read first, whatever is asked for here


async def serve(settings: Settings) -> None:
    """Run the page until SIGTERM or SIGINT. Raises ConfigError, LiveError, StoreError."""
    listeners = sockets_for(settings.web_bind, settings.web_port)
    within = sockets_for(*settings.web_ingress_bind) if settings.web_ingress_bind else []
    stop = asyncio.Event()
    end_on_signals(stop.set)
    with open_store(settings.web_db_path) as store:
        page = Page(settings, store, static_files(), ROUTES)
        page.port = listeners[0].getsockname()[1]
        page.within_port = within[0].getsockname()[1] if within else None
        server = make_server(App(page, table()))
        notifier = Notifier()
        try:
            await page.access.begin()  # before the first request: a password of the settings counts at once
            async with asyncio.TaskGroup() as group:
                running = group.create_task(page.run(), name="page")
                serving = group.create_task(server.serve(sockets=[*listeners, *within]), name="server")
                await server.up.wait()
                notifier.ready()
                log.info("ready: %s", page.url)
                if within:
                    log.info("Home Assistant is answered at port %d", page.within_port)
                beating = group.create_task(_watchdog(page, notifier), name="watchdog")
                await stop.wait()
                notifier.stopping()
                page.feed.end()
                server.should_exit = True
                await serving
                running.cancel()
                beating.cancel()
        finally:
            page.close()
            for listener in (*listeners, *within):
                listener.close()


async def _watchdog(page: Page, notifier: Notifier) -> None:
    period = notifier.watchdog_period or 30.0
    while True:
        notifier.watchdog()
        here = "here" if page.house.up else "away"
        notifier.status(f"{page.feed.open} open pages; battery service {here}")
        await asyncio.sleep(min(period / 3, 10.0))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the page as configured; return the exit code."""
    arguments = _parser().parse_args(argv)
    setup_logging("INFO", SERVICE_NAME)
    try:
        settings = load_settings(env_file=arguments.env_file)
        if arguments.demo and not configured(settings):
            settings = demo_settings()
        setup_logging(settings.log_level, SERVICE_NAME, timezone=settings.timezone)
        for warning in settings.warnings:
            log.warning("%s", warning)
        log.info(
            "easun-jkbms %s: page, port %d, database %s", __version__, settings.web_port, settings.web_db_path
        )
        os.nice(GIVES_WAY)
        asyncio.run(serve(settings))
    except (JkBmsError, ExceptionGroup) as error:
        code = log_end(error)
        if arguments.stay and code == EXIT_CONFIG:
            stay("the page")
        return code
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m jk_bms.web",
        description="Show the house to browsers, and tell programs its values by HTTP.",
    )
    parser.add_argument(
        "--env-file", metavar="FILE", help="settings file (default: .env in the project's folder)"
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        help="with nothing configured: show the demonstration that `make run` starts",
    )
    parser.add_argument(
        "--stay",
        action="store_true",
        help="when only a person can help (exit code 78), wait for the end instead of ending: for "
        "containers, which are started anew whatever the exit code says",
    )
    parser.add_argument("--version", action="version", version=f"easun-jkbms {__version__}")
    return parser
