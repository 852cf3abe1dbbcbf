"""``jk-util.py resume``: the service takes up a released battery again."""

import argparse

from jk_bms.live.client import LiveClient
from jk_bms.tool.common import running_service
from jk_bms.tool.release import device_argument


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    device_argument(parser)


def run(given: argparse.Namespace) -> int:
    """End a release. Raises LiveError."""
    with LiveClient(running_service(given).socket_path) as service:
        answer = service.request("resume", device=given.device)
    print(f"Resumed: {', '.join(answer['devices'])}.")
    return 0
