"""``jk-util.py status``: how the running service and its batteries are doing."""

import argparse
import json
import sys

from jk_bms.errors import LiveError
from jk_bms.live.client import LiveClient
from jk_bms.live.messages import snapshot_in
from jk_bms.texts.durations import span
from jk_bms.tool.common import settings_in_use
from jk_bms.tool.exits import EXIT_CONNECTION
from jk_bms.tool.output import note
from jk_bms.view.status_text import status_lines


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument("--json", action="store_true", help="for a program")


def run(given: argparse.Namespace) -> int:
    """Print the state; exit code 0 when every battery is being read, 4 when one or the service is not."""
    settings = settings_in_use(given)
    try:
        with LiveClient(settings.socket_path) as service:
            plain = service.plain_snapshot()
            snapshot = snapshot_in(settings.socket_path, plain)
    except LiveError as error:
        note(f"the service is not running: {error}")
        return EXIT_CONNECTION
    if given.json:
        print(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        program = snapshot.program
        print(f"easun-jkbms {program.version}, running for {span(program.uptime)}\n")
        lines = status_lines(snapshot, color=sys.stdout.isatty(), zone=settings.timezone)
        print("\n".join(lines))
    read = all(device.link_state in ("streaming", "waiting", "released") for device in snapshot.devices)
    return 0 if read else EXIT_CONNECTION
