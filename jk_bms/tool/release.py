"""``jk-util.py release``: the service leaves a battery alone, so that the phone app can connect."""

import argparse

from jk_bms.called import tool
from jk_bms.live.client import LiveClient
from jk_bms.texts.durations import span
from jk_bms.tool.common import names_of, settings_in_use
from jk_bms.tool.output import say

SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 1.0}
SHORTEST, LONGEST = 1.0, 86_400.0  # s
DEFAULT = "10m"
CLOSING = 30.0  # s for the service to disconnect; a repair that goes on is awaited too


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    device_argument(parser)
    parser.add_argument(
        "--for",
        dest="seconds",
        type=duration,
        default=DEFAULT,
        metavar="TIME",
        help=f"how long, such as 90s, 10m or 2h (default: {DEFAULT})",
    )


def run(given: argparse.Namespace) -> int:
    """Have it let go; return when the links are closed. Raises LiveError."""
    with LiveClient(settings_in_use(given).socket_path) as service:
        answer = service.request("release", device=given.device, seconds=given.seconds, ttl=CLOSING)
        names = names_of(service, answer["devices"])
    say(f"Released for {span(answer['seconds'])}: {names}.")
    print(f"The phone app can connect now. It resumes by itself; sooner with: {tool('resume')}")
    return 0


def device_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``."""
    parser.add_argument(
        "--device", metavar="X", help="only this battery, by name, address or number (default: all)"
    )


def duration(text: str) -> float:
    """Read ``90s``, ``10m``, ``2h`` or seconds. Raises ArgumentTypeError."""
    number = text.strip().lower().rstrip("smhin")
    unit = text.strip().lower()[len(number) :]
    try:
        seconds = float(number) * SECONDS[unit]
    except (KeyError, ValueError):
        seconds = 0.0
    if not SHORTEST <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a time such as 90s, 10m or 2h, up to 24h")
    return seconds
