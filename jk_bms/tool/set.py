"""``jk-util.py set KEY=VALUE``: change a setting of the running service, which keeps it."""

import argparse
import getpass

from jk_bms.called import poller, tool
from jk_bms.errors import LiveError
from jk_bms.live.client import LiveClient
from jk_bms.tool.common import running_service
from jk_bms.tool.exits import EXIT_OK
from jk_bms.tool.output import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument(
        "changes",
        nargs="+",
        metavar="KEY=VALUE",
        type=_change,
        help=f"such as ALERT_MIN_LEVEL=error; KEY= goes back to the default ({tool('config')} shows the keys)",
    )


def run(given: argparse.Namespace) -> int:
    """Ask the service; print what is different now."""
    settings = running_service(given)
    try:
        service = LiveClient(settings.socket_path)
    except LiveError as error:
        raise LiveError(
            f"set: the service does not run, and it alone writes {settings.settings_file}: {poller('start')}, "
            "or write the line into .env"
        ) from error
    with service:
        changed = service.request("config", set=dict(given.changes), by=f"{_user()} with jk-util.py")[
            "changed"
        ]
    for change in changed:
        say(f"{change['key']}: {change['old']} -> {change['new']}   [{change['source']}]")
    if not changed:
        say("nothing is different now")
    return EXIT_OK


def _change(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key.strip() and equals):
        raise argparse.ArgumentTypeError(f"{text!r}: expected KEY=VALUE")
    return key.strip(), value.strip()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number that has no name here
        return "somebody"
