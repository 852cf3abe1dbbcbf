"""``jk-util.py resume``: the service takes up a released battery again."""

import argparse

from jk_bms.live.client import LiveClient
from jk_bms.tool.common import names_of, settings_in_use
from jk_bms.tool.output import say
from jk_bms.tool.release import device_argument


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    device_argument(parser)


def run(given: argparse.Namespace) -> int:
    """End a release. Raises LiveError."""
    with LiveClient(settings_in_use(given).socket_path) as service:
        names = names_of(service, service.request("resume", device=given.device)["devices"])
    say(f"Resumed: {names}.")
    return 0
