"""Reading the settings: which place counts, what is wrong, what follows from what.

Everything is checked at once: a wrong file gives one error with a line per fault.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from io import StringIO
from itertools import combinations, islice
from pathlib import Path
from typing import Any, NamedTuple

from jk_bms.called import TOP
from jk_bms.config.settings.kinds import Refused, closest
from jk_bms.config.settings.table import KEYS, OWN_TOKEN, SETTINGS, Setting, Settings
from jk_bms.config.text_file import read_text_file, usable_path
from jk_bms.errors import ConfigError, reason
from jk_bms.model.address import ADDRESS
from jk_bms.model.foreign_text import harmless
from jk_bms.model.freshness import MERGED, oldest

_OURS = ("JK_", "BMS_")  # prefixes that no other program uses
_SHARED = frozenset(key for row in SETTINGS if row.shared for key in (row.key, *row.aliases))
_OPTIONAL = frozenset(row.key for row in SETTINGS if row.optional)
_ENVIRONMENT = "environment"  # where a value came from
_TOKEN = re.compile(r"\d:[\w-]{30,}|\bsk-[\w-]{16,}")  # of a bot; the key of a language model
MOST_PROGRAMS = 100  # are looked at beside a settings file
_NOT_OURS = frozenset({"POLL_INTERVAL", "DB_PASSWORD"})  # of the inverter program, whatever they look like
# Files with an owner each: two names of one file would have one program destroy what another wrote.
_APART = {
    "db_path": "DB_PATH",
    "bms_db_path": "BMS_DB_PATH",
    "bot_db_path": "BOT_DB_PATH",
    "web_db_path": "WEB_DB_PATH",
    "devices_file": "JK_DEVICES_FILE",
    "socket_path": "BMS_SOCKET",
    "env_file": "JK_ENV_FILE",
    "settings_file": "SETTINGS_FILE",
    "house_file": "HOUSE_FILE",
    "log_file": "LOG_FILE_PATH",
}
WRITTEN = "settings.env"
# They say where that file is, or are of this machine: what the service writes cannot hold them.
UNWRITTEN = frozenset({"SETTINGS_FILE", "BMS_DB_PATH", "JK_ENV_FILE", "JK_ENV_SHARED", "RUNTIME_DIRECTORY"})
_DATABASES = ("db_path", "bms_db_path", "bot_db_path", "web_db_path")
_BESIDE = ("-wal", "-shm", "-journal", ".lock")  # what SQLite and we keep beside a database, by its name
_OF_OTHERS = {"bot_db_path", "log_file", "web_db_path"}  # of the bot, of the page


class _Given(NamedTuple):
    """A value as the owner wrote it."""

    text: str
    source: str


def load_settings(
    environ: Mapping[str, str] = os.environ,
    env_file: str | Path | None = None,
    *,
    top: Path = TOP,
    forgiving: bool = False,
) -> Settings:
    """Read and check everything. Raises ConfigError with all faults at once.

    The environment beats the owner's file, and that beats settings.env, which the service writes; an empty
    value means the default. The owner's file is ``env_file``, else the environment's JK_ENV_FILE (both must
    exist), else ``top``/.env. What is wrong in settings.env is only warned of.
    What the whole machine sets for all programs, such as a proxy, is only warned of where it cannot be read.
    ``forgiving``: what the bot would refuse is only warned of, and its default taken. The
    batteries must be read even if another program of the house means something else by a name.
    """
    faults: list[str] = []
    warnings: list[str] = []
    path = _find_env_file(environ, env_file, top)
    strict = KEYS - _OPTIONAL - (_SHARED if forgiving else frozenset())
    in_file = _read_env_file(path, strict, faults, warnings) if path else {}
    in_environ = {key: _Given(text, _ENVIRONMENT) for key, text in environ.items()}
    warnings += _misspelt(in_file, (key for key in in_environ if key.upper().startswith(_OURS)))

    folder = path.parent if path else top
    shared = _is_shared(path, in_environ, in_file)
    if shared and "TELEGRAM_BOT_TOKEN" in in_file:
        theirs = in_file.pop("TELEGRAM_BOT_TOKEN")
        if OWN_TOKEN not in in_file and OWN_TOKEN not in in_environ:
            warnings.append(
                f"settings: TELEGRAM_BOT_TOKEN is of the program in {folder} and is left to it ({theirs.source}); "
                f"for a bot of ours set {OWN_TOKEN} to a token of its own"
            )
    written = _written_file(folder, top, in_environ, in_file)
    in_written = _read_written(written, warnings)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        given = _given(setting, in_environ, in_file)
        if setting.inherited and given.source == _ENVIRONMENT and (fault := refusal(setting, *given)):
            warnings.append(f"{fault}: ignored, as it may be meant for other programs of this machine")
            given = _given(setting, in_file)
        given = given if given.text else _given(setting, in_written)
        text = given.text or setting.default
        sources[setting.key] = given.source if given.text else "default"
        value = setting.kind.empty
        try:
            value = setting.kind.parse(text) if text else value
        except (ValueError, Refused) as error:
            fault = _fault(setting, given, error)
            if setting.optional or (forgiving and setting.shared):
                program = "page" if setting.key.startswith("WEB_") else "bot"
                missed = "" if setting.optional else f" here, but the {program} will not start with it"
                warnings.append(f"{fault}: ignored{missed}")
                value = setting.kind.parse(setting.default) if setting.default else value
                sources[setting.key] = "default"
            else:
                faults.append(fault)
        values[setting.name] = folder / value if isinstance(value, Path) else value
    if not forgiving and not faults:
        faults += _contradictions(values, sources)
    if faults:
        raise ConfigError(faults)

    _work_out(values, sources, top, warnings)
    values["env_file"] = path
    values["settings_file"] = written
    if one_file := _shared_files(values, forgiving, warnings):
        raise ConfigError(one_file)
    values["env_shared"] = shared
    if path:
        sources["JK_ENV_FILE"] = "environment or command line" if path != top / ".env" else "default"
    return Settings(**values, warnings=tuple(warnings), sources=sources)


def _contradictions(values: Mapping[str, Any], sources: Mapping[str, str]) -> list[str]:
    """Values that are good each alone, but not together."""
    low, high = values["min_voltage"], values["max_voltage"]
    if low < high:
        return []
    written = sources["MIN_VOLTAGE"] if sources["MIN_VOLTAGE"] != "default" else sources["MAX_VOLTAGE"]
    return [f"settings: MIN_VOLTAGE={low:g}: expected less than MAX_VOLTAGE, which is {high:g} ({written})"]


def _shared_files(values: Mapping[str, Any], forgiving: bool, warnings: list[str]) -> list[str]:
    """A fault for each two settings that name one file, by whatever path, link or second name.

    A file that belongs to a database, such as its journal, is as good as the database itself.

    The files of the bot and the page are theirs to judge: the poller (``forgiving``) only warns of them.
    """
    faults: list[str] = []
    for (one, key), (other, second) in combinations(_APART.items(), 2):
        paths = values[one], values[other]
        if None in paths:
            continue
        if _same_file(*paths):
            fault = f"settings: {second}={paths[1]}: is the same file as {key}, {paths[0]}; expected one of its own"
        elif other in _DATABASES and _lies_beside(paths[0], paths[1]):
            fault = f"settings: {key}={paths[0]}: belongs to {second}, {paths[1]}; expected a file of its own"
        elif one in _DATABASES and _lies_beside(paths[1], paths[0]):
            fault = f"settings: {second}={paths[1]}: belongs to {key}, {paths[0]}; expected a file of its own"
        else:
            continue
        theirs = _OF_OTHERS & {one, other}
        (warnings if forgiving and theirs else faults).append(fault)
    return faults


def _lies_beside(path: Path, database: Path) -> bool:
    """Whether ``path`` is a file that is kept beside ``database`` and belongs to it."""
    names = {f"{name}{suffix}" for name in (database, os.path.realpath(database)) for suffix in _BESIDE}
    return any(_same_file(path, Path(name)) for name in names)


def _same_file(one: Path, other: Path) -> bool:
    try:
        return os.path.realpath(one) == os.path.realpath(other) or one.samefile(other)
    except (OSError, ValueError):  # one of them is not there, or no path at all
        return False


def _work_out(values: dict[str, Any], sources: dict[str, str], top: Path, warnings: list[str]) -> None:
    """Fill in the defaults that depend on other settings or on what is there."""
    if values["merge_max_age"] is None:
        values["merge_max_age"] = oldest(MERGED, values["poll_interval"])
    if values["devices_file"] is None:
        values["devices_file"] = _default_registry(top, warnings)
    if values["standalone_rows"] and sources["DB_PATH"] == "default":
        # Then the file is ours, and lies where the service may write; installed, not beside its settings.
        values["db_path"] = values["bms_db_path"].parent / "inverter.db"
    if values["socket_path"] is None:
        folder = values["runtime_directory"] or values["bms_db_path"].parent
        values["socket_path"] = folder / "poller.sock"
    if values["bot_db_path"] is None:
        values["bot_db_path"] = values["bms_db_path"].parent / "bot.db"
    if values["web_db_path"] is None:
        values["web_db_path"] = values["bms_db_path"].parent / "web.db"
    if values["address"] is None and values["device_mac"] and not _names_a_device(values["devices_file"]):
        values["address"] = values["device_mac"]
        sources["JK_BMS_ADDRESS"] = f"DEVICE_MAC, {sources['DEVICE_MAC']}"
        protocol = values["device_protocol"]
        if protocol and not protocol.upper().startswith("JK"):
            warnings.append(
                f"settings: DEVICE_PROTOCOL={protocol!r}: the battery is read as a JK BMS all the same; "
                "no other kind is known"
            )


def _default_registry(top: Path, warnings: list[str]) -> Path:
    """The registry in the top folder, or the one that earlier versions kept in jk_bms/."""
    new, old = top / "jk_devices.yaml", top / "jk_bms" / "jk_devices.yaml"
    if old.is_file() and not _names_a_device(new):
        warnings.append(f"settings: using the registry {old}; better move it to {new}")
        return old
    return new


def _names_a_device(registry: Path) -> bool:
    """False for a missing registry and for the one we ship, which only explains itself."""
    try:
        lines = read_text_file(registry).decode("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    except (OSError, ConfigError):
        return True  # the part that reads it will say what is wrong with it
    return any(
        (line.strip() and not line.lstrip().startswith("#")) or re.search(ADDRESS, line) for line in lines
    )


def _find_env_file(environ: Mapping[str, str], env_file: str | Path | None, top: Path) -> Path | None:
    wanted = env_file or environ.get("JK_ENV_FILE")
    advice = "correct --env-file or JK_ENV_FILE"
    try:
        path = usable_path(str(wanted)).absolute() if wanted else top / ".env"
    except ValueError as error:
        shown = harmless(str(wanted), 80)
        raise ConfigError(f"settings: the settings file is {shown!r}: {error}; {advice}") from error
    try:
        if path.is_dir():
            raise ConfigError(f"settings: {path} is a folder; expected a file with lines KEY=value")
        if path.exists():
            return path
    except OSError as error:  # a folder on the way is closed, or a link leads in a circle
        raise ConfigError(f"settings: {path} cannot be reached: {reason(error)}; {advice}") from error
    if wanted:
        raise ConfigError(f"settings: {path} does not exist; create it or correct --env-file or JK_ENV_FILE")
    return None


def _is_shared(path: Path | None, *places: Mapping[str, _Given]) -> bool:
    """Whether another program reads the settings file as well: as told, else if one lies beside it."""
    row = next(row for row in SETTINGS if row.name == "env_shared")
    text = _given(row, *places).text
    if text:
        try:
            return bool(row.kind.parse(text))
        except (ValueError, Refused):
            return True  # a fault, told with the others
    return path is not None and any(map(_is_foreign_program, islice(path.parent.glob("*.py"), MOST_PROGRAMS)))


def _is_foreign_program(path: Path) -> bool:
    """Whether a program of another make is there; ours name the library that they start."""
    try:
        with path.open("rb") as file:
            return b"jk_bms" not in file.read(4096)
    except OSError:
        return False


def _read_env_file(
    path: Path, strict: frozenset[str], faults: list[str], warnings: list[str]
) -> dict[str, _Given]:
    """The file's keys and values; the last of a doubled key wins, as it always did.

    A line that cannot be read is a fault if it begins with one of the ``strict`` keys.
    """
    from dotenv.parser import parse_stream

    try:
        raw = read_text_file(path)
    except OSError as error:
        raise ConfigError(
            f"settings: {path} cannot be read: {reason(error)}; give this user the right to read it"
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"settings: {path} line {line}: not UTF-8 text; save the file as UTF-8") from error

    found: dict[str, _Given] = {}
    lines: dict[str, int] = {}
    for binding in parse_stream(StringIO(text, newline=None)):
        line = binding.original.line
        if binding.error:
            first = re.match(r"\s*(?:export\s+)?([A-Za-z_]\w*)", binding.original.string)
            where = f"settings: {path} line {line}: expected KEY=value"
            if first and first[1] in strict:
                faults.append(f"{where} for {first[1]}")
            else:  # a line of another program: not ours to judge
                warnings.append(f"{where}; the line is ignored")
        elif binding.key is not None:
            if binding.key in found and binding.key in KEYS:
                warnings.append(
                    f"settings: {path} line {line}: {binding.key} was set in line {lines[binding.key]} "
                    "already; the later line counts"
                )
            found[binding.key] = _Given((binding.value or "").strip(), f"{path} line {line}")
            lines[binding.key] = line
    return found


def _written_file(folder: Path, top: Path, *places: Mapping[str, _Given]) -> Path:
    """Where settings.env is: as told, else beside bms.db. A path that makes no sense is a fault told elsewhere."""
    rows = {row.key: row for row in SETTINGS}
    for key, usual in (("SETTINGS_FILE", None), ("BMS_DB_PATH", rows["BMS_DB_PATH"].default)):
        text = _given(rows[key], *places).text or usual
        with contextlib.suppress(ValueError, Refused):
            if text and key == "SETTINGS_FILE":
                return folder / usable_path(text)
            if text:
                return (folder / usable_path(text)).parent / WRITTEN
    return folder / WRITTEN


def _read_written(path: Path, warnings: list[str]) -> dict[str, _Given]:
    """What settings.env says, without what is wrong in it: that must keep no program from starting."""
    try:
        if not path.exists():
            return {}
        found = _read_env_file(path, frozenset(), [], warnings)
    except (ConfigError, OSError, ValueError) as error:
        warnings.append(f"{error}: ignored")
        return {}
    known = {key: row for row in SETTINGS for key in (row.key, *row.aliases)}
    good: dict[str, _Given] = {}
    for key, given in found.items():
        if key in UNWRITTEN or key not in known:
            warnings.append(f"settings: {key} cannot be set in {given.source}: ignored")
        elif fault := refusal(known[key], *given):
            warnings.append(f"{fault}: ignored")
        else:
            good[key] = given
    return good


def _given(setting: Setting, *places: Mapping[str, _Given]) -> _Given:
    for place in places:
        for key in (setting.key, *setting.aliases):
            if key in place:
                return place[key]._replace(text=place[key].text.strip())
    return _Given("", "default")


def refusal(setting: Setting, text: str, source: str) -> str:
    """Return the fault of a value that was read from ``source``; "" when it can be read or there is none."""
    try:
        if text:
            setting.kind.parse(text)
    except (ValueError, Refused) as error:
        return _fault(setting, _Given(text, source), error)
    return ""


def _fault(setting: Setting, given: _Given, error: Exception) -> str:
    value = given.text if len(given.text) <= 80 else given.text[:80] + "..."
    problem = f"expected {setting.kind.expected}, e.g. {setting.kind.example}"
    private = setting.secret
    if isinstance(error, Refused):
        problem = str(error)
        private = private or error.private
    if private or _TOKEN.search(given.text):  # a secret may stand behind the wrong key
        value = "***"
    return f"settings: {setting.key}={value!r}: {problem} ({given.source})"


def _misspelt(in_file: Mapping[str, object], in_environ: Iterable[str]) -> list[str]:
    """A warning for each unknown key that looks like one of ours."""
    warnings = []
    for key in sorted({*in_file, *in_environ} - KEYS - _NOT_OURS):
        # No other program has our prefixes, so less likeness is enough there.
        close = closest(key.upper(), KEYS, 0.75 if key.upper().startswith(_OURS) else 0.85)
        if close:
            warnings.append(f"settings: {key} is not known and ignored; did you mean {close[0]}?")
    return warnings
