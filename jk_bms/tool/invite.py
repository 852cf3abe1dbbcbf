"""``jk-util.py invite``: a one-time code for the Telegram bot or for the page, to be typed or scanned."""

import argparse
import sys
import time
from datetime import datetime
from typing import Any

from jk_bms.config.settings import OWN_TOKEN, Settings
from jk_bms.live.client import LiveClient
from jk_bms.texts.qr import qr_lines
from jk_bms.tool.common import settings_in_use
from jk_bms.tool.exits import EXIT_OK
from jk_bms.tool.output import note

PATIENCE, LOOK_PERIOD = 30.0, 0.5  # s that a page may take to start on a small board, and between two looks


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument(
        "--web", action="store_true", help="for the page: its first password, or a forgotten one"
    )
    parser.add_argument(
        "--first",
        action="store_true",
        help="with --web: only where the page has no password yet, once it has started",
    )
    parser.add_argument("--guest", action="store_true", help="for a person who may look, and change nothing")
    parser.add_argument("--no-qr", action="store_true", help="text only")


def run(given: argparse.Namespace) -> int:
    """Print a new code. Raises LiveError when the service does not run."""
    settings = settings_in_use(given)
    if given.web:
        return _invite_to_page(settings, first=given.first, qr=not given.no_qr)
    if not settings.bot_token:
        key = OWN_TOKEN if settings.env_shared else "TELEGRAM_BOT_TOKEN"
        note(f"{key} is not set: there is no bot yet that could be asked")
    with LiveClient(settings.socket_path) as service:
        invitation = service.request("invite", role="guest" if given.guest else "owner")
    for line in invitation_lines(invitation, settings.timezone):
        print(line)
    if invitation["link"] and not given.no_qr:
        _print_qr(invitation["link"])
    return EXIT_OK


def _invite_to_page(settings: Settings, *, first: bool, qr: bool) -> int:
    wanted: dict[str, Any] = {"for": "web"}
    deadline = time.monotonic() + PATIENCE
    with LiveClient(settings.socket_path) as service:
        if first:
            while (page := service.snapshot().web) is None and time.monotonic() < deadline:
                time.sleep(LOOK_PERIOD)
            if page is None or page.code is None:
                return EXIT_OK
        invitation = service.request("invite", **wanted)
    for line in page_lines(invitation, settings.timezone):
        print(line)
    if invitation["link"] and qr:
        _print_qr(invitation["link"])
    return EXIT_OK


def page_lines(invitation: dict[str, Any], zone: Any) -> list[str]:
    """Return what the owner must know to choose the page's password."""
    until = datetime.fromisoformat(invitation["expires"]).astimezone(zone)
    good = f"once, before {until:%H:%M} on {until:%-d %b}"
    if invitation["link"]:
        return [f"Open this, or scan it with a phone; it is good {good}:", "", f"  {invitation['link']}"]
    return [
        f"Open the page and type this code; it is good {good}:",
        "",
        f"  {invitation['code']}",
        "",
        "The page has not said where it is yet; with that this would also be a link and a QR code.",
    ]


def invitation_lines(invitation: dict[str, Any], zone: Any) -> list[str]:
    """Return what the person who is invited must know."""
    until = datetime.fromisoformat(invitation["expires"]).astimezone(zone)
    lines = [
        f"Send this to the bot in a private chat, once, before {until:%H:%M}:",
        "",
        f"  /start {invitation['code']}",
        "",
    ]
    if invitation["link"]:
        lines += ["or open this, or scan it with a phone:", "", f"  {invitation['link']}"]
    else:
        lines.append("The bot has not said its name yet; with it this would also be a link and a QR code.")
    return lines


def _print_qr(link: str) -> None:
    if "utf" not in (sys.stdout.encoding or "").lower():
        note("no QR code: this terminal does not show one")
    elif drawn := qr_lines(link):
        print("", *drawn, sep="\n")
    else:
        note("no QR code: the package segno is not installed")
