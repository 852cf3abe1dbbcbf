"""What to type here: the commands of this installation, for every message that names one.

Installed, the tool is a command of root; in a clone it is a file; in a container Docker calls it. Who
prints "look with ..." asks here, so that a person can type the line as it stands.
"""

import os
import shlex
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent  # the project's top folder
PLACES = ".easun-jkbms-places"  # in TOP, lines KEY=value: install.sh writes there what it chose
TOOL = "JK_UTIL"  # the key of the tool's command: there, or in a container's environment

INSTALLED = "sudo jk-util"
IN_A_CLONE = "jk_bms/jk-util.py"  # below TOP
BY_HAND = {"start": "make run", "stop": "Ctrl-C where it runs", "restart": "Ctrl-C and make run"}


def tool(words: str = "") -> str:
    """Return the command that runs the tool with ``words``: ``sudo jk-util --scan``."""
    return f"{_tool()} {words}".rstrip()


def no_battery() -> str:
    """Return what a service says that has no battery to read, with what to do about it."""
    return (
        f"No battery is configured yet. Find yours with: {tool('--scan')} (it is read as soon as it is saved)"
    )


def poller(verb: str) -> str:
    """Return how a person has the poller ``start``, ``stop`` or ``restart``."""
    return _services(verb, "easun-jkbms", "jkbms")


def all_programs(verb: str) -> str:
    """Return how a person has poller, bot and page ``start``, ``stop`` or ``restart``."""
    return _services(verb, "'easun-jkbms*'", "")


def _services(verb: str, units: str, service: str) -> str:
    if installed():
        return f"sudo systemctl {verb} {units}"
    if TOOL in os.environ:
        return f"docker-compose {verb} {service}".rstrip()
    return BY_HAND[verb]


def installed() -> bool:
    """Whether install.sh put this copy where it is."""
    return (TOP / PLACES).exists()


@cache
def _tool() -> str:
    return told(os.environ.get(TOOL, ""), TOP, here=_here())


def told(given: str, top: Path, *, here: Path | None) -> str:
    """Return the tool's command for the copy in ``top``; ``given`` is what the environment says.

    ``here``: the folder that a person is in; None: unknown.
    """
    if given:
        return given
    try:
        lines = (top / PLACES).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # a clone
        path = top / IN_A_CLONE
        return f"python3 {IN_A_CLONE if here == top else shlex.quote(str(path))}"
    places = dict(line.split("=", 1) for line in lines if "=" in line)
    return places.get(TOOL) or INSTALLED


def _here() -> Path | None:
    try:
        return Path.cwd().resolve()
    except OSError:  # it was deleted
        return None
