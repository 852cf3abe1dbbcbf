"""``jk-util.py house``: what house.yaml says and where; checking a file; changing a value."""

import argparse
import contextlib
import getpass
import sys
from pathlib import Path

from jk_bms.config.devices import read_registry
from jk_bms.config.house import AUTO, House, Names, names_of, parse_house, read_house, read_text
from jk_bms.config.settings import Settings
from jk_bms.errors import ConfigError, LiveError
from jk_bms.live.client import LiveClient
from jk_bms.start import EXIT_CONFIG
from jk_bms.tool.common import running_service
from jk_bms.tool.exits import EXIT_OK
from jk_bms.tool.output import note, say


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WORD",
        help="nothing: what is in force; check [FILE]: every fault of a file; set SECTION NAME CODE KEY VALUE: "
        "have the service keep a value, such as set alerts main 1005 set 45; without VALUE it is taken out",
    )


def run(given: argparse.Namespace) -> int:
    """Print, check or change."""
    settings = running_service(given)
    match given.what:
        case []:
            return _print(settings)
        case ["check", *file] if len(file) <= 1:
            return _check(settings, Path(file[0]) if file else settings.house_file)
        case ["set", *words] if len(words) in (4, 5):
            return _set(settings, words[:4], words[4] if words[4:] else None)
    raise ConfigError(
        f"house: {' '.join(given.what)!r}: expected nothing, check [FILE], or set SECTION NAME CODE KEY [VALUE]"
    )


def _print(settings: Settings) -> int:
    found = _read(settings)
    for path, value in found.values.items():
        file = settings.house_file if value.own else _auto(settings)
        say(f"{' '.join(path)} = {value.text}   [{file} line {value.line}]")
    if not found.values:
        note(f"nothing is set in {settings.house_file}")
    for warning in found.warnings:
        note(warning)
    return EXIT_OK


def _check(settings: Settings, path: Path) -> int:
    try:
        found = parse_house([(path, read_text(path))], _names(settings))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    for warning in found.warnings:
        note(warning)
    say(f"{path}: in order, {len(found.values)} values")
    return EXIT_OK


def _set(settings: Settings, path: list[str], value: str | None) -> int:
    try:
        service = LiveClient(settings.socket_path)
    except LiveError as error:
        raise LiveError(
            f"house: the service does not run, and it alone writes {_auto(settings)}; start it, or write the lines "
            f"into {settings.house_file}"
        ) from error
    with service:
        by = f"{getpass.getuser()} with jk-util.py"
        change = service.request("house", do="set", path=path, value=value, by=by)
    say(f"{' '.join(path)}: {change['old'] or 'not set'} -> {change['new'] or 'not set'}")
    return EXIT_OK


def _read(settings: Settings) -> House:
    return read_house(settings.house_file, _auto(settings), _names(settings))


def _names(settings: Settings) -> Names:
    """What may be named: the batteries of the registry, and the inverters that the service knows."""
    inverters: list[str] = []
    with contextlib.suppress(LiveError), LiveClient(settings.socket_path) as service:
        inverters = [one.id for one in service.snapshot().inverters if one.id]
    return names_of(read_registry(settings.devices_file).entries, inverters)


def _auto(settings: Settings) -> Path:
    return settings.settings_file.with_name(AUTO)
