"""``jk-util.py import --from batmon``: another program's configuration becomes ours. Said first, done then, once."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from jk_bms.called import TOP, poller, tool
from jk_bms.config.batmon import Plan, planned, read_options
from jk_bms.config.devices import put_entries, read_registry
from jk_bms.config.settings import Settings, load_settings
from jk_bms.config.settings.load import refusal
from jk_bms.config.settings.table import SETTINGS
from jk_bms.config.settings.written import quoted
from jk_bms.config.text_file import read_text_file, write_text_file
from jk_bms.errors import ConfigError
from jk_bms.tool.exits import EXIT_OK
from jk_bms.tool.output import note, say

FROM = ("batmon",)
MODE = 0o600  # of a settings file that is new: passwords stand in it
METERS = "bms_meter_states.json"
_BY_KEY = {setting.key: setting for setting in SETTINGS}


def take_in(given: argparse.Namespace, path: Path) -> int:
    """Print what becomes of the file; write it where that is wanted."""
    settings = load_settings(env_file=given.env_file, forgiving=True)
    plan = planned(read_options(path))
    ours = read_registry(settings.devices_file).entries
    known = {entry.address.casefold() for entry in ours}
    entries = [entry for entry in plan.entries if entry["address"].casefold() not in known]
    names = {entry.alias.casefold(): entry.address for entry in ours if entry.alias}
    for entry in entries:
        if other := names.get(entry.get("alias", "").casefold()):
            plan.broken.append(
                f"{entry['address']}: {other} is called {entry['alias']} in {settings.devices_file} already: rename one"
            )
    lines = _lines(plan, settings)
    if plan.broken:
        raise ConfigError([f"{path}: {fault}" for fault in plan.broken])
    env_file = settings.env_file or TOP / ".env"
    for entry in plan.entries:
        who = f"{entry.get('alias', entry['address'])} ({entry['address']})"
        say(f"battery {who}" if entry in entries else f"battery {who}: is there, left as it is")
    for key, text in lines.items():
        say(f"{key}={'***' if _BY_KEY[key].secret else text}")
    for line in plan.left:
        say(f"left out: {line}")
    meters = path.with_name(METERS)
    if not entries and not lines:
        say("nothing is new")
    elif not _wanted(given, settings.devices_file, env_file):
        say("nothing was written")
    else:
        put_entries(settings.devices_file, entries)
        if lines:
            _append(env_file, path, lines)
            say(f"written; restart the service, which then reads the settings: {poller('restart')}")
        else:
            say("written; the service reads a battery as soon as the other program lets go of it")
    if meters.is_file():
        say(f"its meters: {poller('stop')}, then {tool(f'import --meters {meters}')}")
    return EXIT_OK


def _lines(plan: Plan, settings: Settings) -> dict[str, str]:
    """The lines that are new; a value that is set here already stays."""
    lines: dict[str, str] = {}
    for key, text in plan.settings.items():
        setting = _BY_KEY[key]
        if not text.isprintable() or (fault := refusal(setting, text, "its file")):
            plan.broken.append(fault if text.isprintable() else f"{key}: has characters that cannot be seen")
        elif settings.sources[key] == "default" and text != setting.default:
            lines[key] = text
    return lines


def _wanted(given: argparse.Namespace, registry: Path, env_file: Path) -> bool:
    if given.dry_run or given.yes:
        return not given.dry_run
    if not sys.stdin.isatty():
        note("say --yes to have it written")
        return False
    print(f"Write this into {registry} and {env_file}? (y/N) ", end="", flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _append(env_file: Path, source: Path, lines: Mapping[str, str]) -> None:
    """Write the lines behind those of the owner."""
    before = read_text_file(env_file) if env_file.exists() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    text = "".join(f"{key}={quoted(value)}\n" for key, value in lines.items())
    write_text_file(env_file, before + f"# From {source.name} of BatMON\n{text}".encode(), mode=MODE)
