"""Environment and .env -> one frozen Settings.

The class body below is the table of all settings; docs/settings.md tells the same to the
owner. Everything is checked at once: a wrong file gives one error with a line per fault.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from jk_bms.battery.curves import Curve
from jk_bms.errors import ConfigError
from jk_bms.model.address import ADDRESS, parse_address

TOP = Path(__file__).resolve().parent.parent  # the project's top folder
SIMULATED = "simulated"  # the address that stands for a made-up battery

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")  # no inf, nan, 1_000, 1e9
_WHOLE = re.compile(r"[+-]?[0-9]+")
_OURS = ("JK_", "BMS_")  # prefixes that nobody else uses
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class _Refused(Exception):
    """A value that deserves more words than what was expected."""


class Kind(NamedTuple):
    """What a value may be; ``parse`` raises ValueError for anything else."""

    parse: Callable[[str], object]
    expected: str  # as in "expected ..."
    example: str


class Setting(NamedTuple):
    """One row of the table; ``default`` is what one would write, "" where it is worked out."""

    key: str
    kind: Kind
    default: str
    unit: str
    meaning: str
    worked_out: str = ""  # how a default that is no fixed value comes about
    aliases: tuple[str, ...] = ()
    secret: bool = False
    name: str = ""  # the attribute of Settings


class Row(NamedTuple):
    """One setting as shown to a person; secrets are masked."""

    key: str
    value: str
    unit: str
    source: str
    meaning: str


def _number(least: float, most: float, example: str) -> Kind:
    def parse(text: str) -> float:
        if not _NUMBER.fullmatch(text) or not least <= float(text) <= most:
            raise ValueError(text)
        return float(text)

    return Kind(parse, f"seconds as a number from {least:g} to {most:g}", example)


def _whole(least: int, most: int, what: str, example: str) -> Kind:
    def parse(text: str) -> int:
        # The length first: a number of a million digits takes long to convert.
        if not _WHOLE.fullmatch(text) or len(text) > 12 or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return Kind(parse, f"{what} from {least} to {most}", example)


def _choice(*options: str) -> Kind:
    def parse(text: str) -> str:
        if text.lower() not in options:
            raise ValueError(text)
        return text.lower()

    return Kind(parse, "one of " + ", ".join(options), options[0])


def _parse_flag(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(text)


def _parse_path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody-knows-this-user/...
        raise ValueError(text) from error


def _parse_first_path(text: str) -> Path:
    return Path(text.split(":", maxsplit=1)[0])  # systemd lists several with colons


def _parse_db_type(text: str) -> str:
    if text.lower() == "mysql":
        raise _Refused("mysql is not supported by this version; expected sqlite")
    if text.lower() != "sqlite":
        raise ValueError(text)
    return "sqlite"


def _parse_device(text: str) -> str:
    return SIMULATED if text.lower() == SIMULATED else parse_address(text)


def _parse_adapter(text: str) -> str:
    return text if re.fullmatch(r"hci[0-9]{1,3}", text) else parse_address(text)


def _parse_curve(text: str) -> Curve:
    points = []
    for point in text.split(","):
        v, colon, soc = (part.strip() for part in point.partition(":"))
        if not (colon and _NUMBER.fullmatch(v) and _NUMBER.fullmatch(soc)):
            raise ValueError(text)
        if not (0.5 <= float(v) <= 5.0 and 0.0 <= float(soc) <= 100.0):
            raise _Refused(f"the point {point.strip()!r} lies outside 0.5 to 5 V and 0 to 100 %")
        points.append((float(v), float(soc)))
    try:
        return Curve(points)
    except ValueError as error:
        raise _Refused(f"{error}; expected {_CURVE.expected}, e.g. {_CURVE.example}") from error


def _parse_level(text: str) -> str:
    level = {"WARN": "WARNING", "FATAL": "CRITICAL"}.get(text.upper(), text.upper())
    if level not in _LEVELS:
        raise ValueError(text)
    return level


def _parse_timezone(text: str) -> tzinfo:
    from zoneinfo import ZoneInfo, available_timezones  # only for those who set it

    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:  # unknown, ../.., a folder like Europe
        names = sorted(available_timezones())
        wanted = text.casefold().replace(" ", "_")
        close = [name for name in names if wanted and wanted == name.rpartition("/")[2].casefold()]
        close = close or [name for name in names if wanted == name.casefold()] or _closest(text, names, 0.6)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise _Refused(f"expected {_TIMEZONE.expected}, e.g. {_TIMEZONE.example}{hint}") from error


# fmt: off
_FLAG     = Kind(_parse_flag, "true or false", "true")
_PATH     = Kind(_parse_path, "a path", "/opt/eamoon/inverter.db")
_RUNTIME  = Kind(_parse_first_path, "a path", "/run/easun-jkbms")
_DB_TYPE  = Kind(_parse_db_type, "sqlite", "sqlite")
_DEVICE   = Kind(_parse_device, "a Bluetooth address or 'simulated'", "AA:BB:CC:DD:EE:FF")
_ADAPTER  = Kind(_parse_adapter, "an adapter's name or address", "hci0")
_CURVE    = Kind(_parse_curve, "V:% points with rising voltage", "2.50:0,3.30:50,3.65:100")
_LEVEL    = Kind(_parse_level, "one of " + ", ".join(_LEVELS), "INFO")
_TIMEZONE = Kind(_parse_timezone, "a time zone of the tz database", "Europe/Kyiv")
# fmt: on


# fmt: off
class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, checked; paths are absolute. ``None``: what the setting's default says."""

    db_type: Annotated[str, Setting(
        "DB_TYPE", _DB_TYPE, "sqlite", "", "kind of the inverter program's database")]
    db_path: Annotated[Path, Setting(
        "DB_PATH", _PATH, "inverter.db", "path", "database file of the inverter program")]
    address: Annotated[str | None, Setting(
        "JK_BMS_ADDRESS", _DEVICE, "", "",
        "read only this device: its address, or `simulated` for a made-up battery",
        worked_out="the enabled devices of the registry")]
    poll_interval: Annotated[float, Setting(
        "JK_BMS_POLL_INTERVAL", _number(1, 86400, "30"), "30", "s",
        "how often a new reading goes into the newest record")]
    devices_file: Annotated[Path, Setting(
        "JK_DEVICES_FILE", _PATH, "", "path", "the device registry",
        worked_out="`jk_devices.yaml` in the project's top folder", aliases=("DEVICES_FILE",))]
    max_consecutive_errors: Annotated[int, Setting(
        "MAX_CONSECUTIVE_ERRORS", _whole(1, 10000, "a whole number", "5"), "5", "count",
        "failed reconnects of a device before its Bluetooth adapter is repaired; without effect in "
        "this version")]
    merge_watch: Annotated[float, Setting(
        "BMS_MERGE_WATCH", _number(0, 3600, "1.0"), "1.0", "s",
        "how often new records of the inverter program are looked for; 0 = only when a reading is due")]
    merge_max_age: Annotated[float, Setting(
        "BMS_MERGE_MAX_AGE", _number(1, 86400, "90"), "", "s",
        "older readings are never written into a record",
        worked_out="3 x `JK_BMS_POLL_INTERVAL`, at least 90")]
    soc_source: Annotated[str, Setting(
        "BMS_SOC_SOURCE", _choice("auto", "counted", "bms", "curve"), "auto", "",
        "what `battery_soc` carries: `counted` (our own counter), `bms` (the BMS's value), "
        "`curve` (from the cell voltage), `auto` (the first of these that is there)")]
    soc_curve: Annotated[Curve, Setting(
        "BMS_SOC_CURVE", _CURVE, "2.50:0,3.30:50,3.65:100", "V:%",
        "state of charge over the mean cell voltage, linear between the points")]
    invert_current: Annotated[bool, Setting(
        "BMS_INVERT_CURRENT", _FLAG, "false", "", "turn the sign of the merged current and power")]
    merge_error_rows: Annotated[bool, Setting(
        "BMS_MERGE_ERROR_ROWS", _FLAG, "false", "",
        "give battery values to records in which the inverter program noted an error")]
    merge_cells: Annotated[bool, Setting(
        "BMS_MERGE_CELLS", _FLAG, "true", "",
        "write the voltages of all cells into the records (`bms_cells`)")]
    standalone_rows: Annotated[bool, Setting(
        "BMS_STANDALONE_ROWS", _FLAG, "false", "",
        "no inverter program here: create the database and insert records ourselves")]
    standalone_keep_days: Annotated[int, Setting(
        "STANDALONE_KEEP_DAYS", _whole(1, 36500, "days as a whole number", "30"), "30", "days",
        "how long records that we inserted ourselves are kept")]
    simulated_merge: Annotated[bool, Setting(
        "BMS_SIMULATED_MERGE", _FLAG, "false", "",
        "trials only: let a made-up battery write into the inverter program's records")]
    bms_db_path: Annotated[Path, Setting(
        "BMS_DB_PATH", _PATH, "bms.db", "path", "our own database")]
    history_period: Annotated[float, Setting(
        "HISTORY_PERIOD", _number(1, 3600, "5"), "5", "s",
        "one row of history for so many seconds of frames")]
    history_commit: Annotated[float, Setting(
        "HISTORY_COMMIT", _number(0, 3600, "60"), "60", "s",
        "how often history is written to the disk; 0 = each row at once, which wears an SD card")]
    block_keep_days: Annotated[int, Setting(
        "BLOCK_KEEP_DAYS", _whole(1, 36500, "days", "400"), "400", "days",
        "how long the rows of `HISTORY_PERIOD` are kept")]
    min_keep_days: Annotated[int, Setting(
        "MIN_KEEP_DAYS", _whole(1, 36500, "days", "90"), "90", "days",
        "how long the means of one minute are kept; quarter hours are kept two years, hours and days for ever")]
    backup_dir: Annotated[Path | None, Setting(
        "BACKUP_DIR", _PATH, "", "path", "folder for a copy of `bms.db` each night, the last seven are kept",
        worked_out="none, no copies")]
    socket_path: Annotated[Path, Setting(
        "BMS_SOCKET", _PATH, "", "path",
        "socket on which the service answers the tool and other programs of the house",
        worked_out="`poller.sock` in `RUNTIME_DIRECTORY`, without one beside `BMS_DB_PATH`")]
    keep_alive: Annotated[bool, Setting(
        "JK_BMS_KEEP_ALIVE", _FLAG, "true", "",
        "stay connected; `false`: connect, read, leave, so that the phone app finds the BMS in between")]
    adapter: Annotated[str | None, Setting(
        "JK_BMS_ADAPTER", _ADAPTER, "", "", "Bluetooth adapter, by name or address",
        worked_out="the system's default adapter")]
    timeout: Annotated[float, Setting(
        "JK_BMS_TIMEOUT", _number(1, 600, "20"), "20", "s",
        "patience for a connection, and then for the first complete reading")]
    log_level: Annotated[str, Setting(
        "LOG_LEVEL", _LEVEL, "INFO", "", "how much is logged, from DEBUG to CRITICAL")]
    timezone: Annotated[tzinfo | None, Setting(
        "TIMEZONE", _TIMEZONE, "", "", "time zone of shown times",
        worked_out="the system's time zone")]
    runtime_directory: Annotated[Path | None, Setting(
        "RUNTIME_DIRECTORY", _RUNTIME, "", "path",
        "folder for what a reboot may forget; set by systemd",
        worked_out="none")]
    env_file: Annotated[Path | None, Setting(
        "JK_ENV_FILE", _PATH, "", "path",
        "file that holds these settings (this one: environment or `--env-file` only)",
        worked_out="`.env` in the project's top folder, if it exists")]
    warnings: tuple[str, ...] = ()  # for the log: likely misspellings, hints
    sources: Mapping[str, str] = msgspec.field(default_factory=dict)  # key -> origin of its value
# fmt: on


SETTINGS: tuple[Setting, ...] = tuple(
    setting._replace(name=name)
    for name, hint in Settings.__annotations__.items()
    for setting in getattr(hint, "__metadata__", ())
)
KEYS = frozenset(key for setting in SETTINGS for key in (setting.key, *setting.aliases))


class _Given(NamedTuple):
    """A value as somebody wrote it."""

    text: str
    source: str


def load_settings(
    environ: Mapping[str, str] = os.environ, env_file: str | Path | None = None, *, top: Path = TOP
) -> Settings:
    """Read and check everything. Raises ConfigError with all faults at once.

    The environment beats the file; an empty value means the default. The file is
    ``env_file``, else the environment's JK_ENV_FILE (both must exist), else ``top``/.env.
    """
    faults: list[str] = []
    warnings: list[str] = []
    path = _find_env_file(environ, env_file, top)
    in_file = _read_env_file(path, faults, warnings) if path else {}
    in_environ = {key: _Given(text, "environment") for key, text in environ.items()}
    warnings += _misspelt(in_file, (key for key in in_environ if key.upper().startswith(_OURS)))

    folder = path.parent if path else top
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        given = _given(setting, in_environ, in_file)
        text = given.text or setting.default
        sources[setting.key] = given.source if given.text else "default"
        value: object = None
        try:
            value = setting.kind.parse(text) if text else None
        except (ValueError, _Refused) as error:
            faults.append(_fault(setting, given, error))
        values[setting.name] = folder / value if isinstance(value, Path) else value
    if faults:
        raise ConfigError(faults)

    _work_out(values, top, warnings)
    values["env_file"] = path
    if path:
        sources["JK_ENV_FILE"] = "environment or command line" if path != top / ".env" else "default"
    return Settings(**values, warnings=tuple(warnings), sources=sources)


def describe(settings: Settings) -> list[Row]:
    """Every setting with its value, where that came from and what it means."""
    return [
        Row(
            setting.key,
            _shown(getattr(settings, setting.name), setting),
            setting.unit,
            settings.sources.get(setting.key, "default"),
            setting.meaning,
        )
        for setting in SETTINGS
    ]


def _work_out(values: dict[str, Any], top: Path, warnings: list[str]) -> None:
    """Fill in the defaults that depend on other settings or on what is there."""
    if values["merge_max_age"] is None:
        values["merge_max_age"] = max(90.0, 3 * values["poll_interval"])
    if values["devices_file"] is None:
        values["devices_file"] = _default_registry(top, warnings)
    if values["socket_path"] is None:
        folder = values["runtime_directory"] or values["bms_db_path"].parent
        values["socket_path"] = folder / "poller.sock"


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
        lines = registry.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # whoever reads it will say what is wrong with it
    return any(
        (line.strip() and not line.lstrip().startswith("#")) or re.search(ADDRESS, line) for line in lines
    )


def _find_env_file(environ: Mapping[str, str], env_file: str | Path | None, top: Path) -> Path | None:
    wanted = env_file or environ.get("JK_ENV_FILE")
    path = Path(wanted).expanduser().absolute() if wanted else top / ".env"
    if path.is_dir():
        raise ConfigError(f"settings: {path} is a folder; expected a file with lines KEY=value")
    if path.exists():
        return path
    if wanted:
        raise ConfigError(f"settings: {path} does not exist; create it or correct --env-file or JK_ENV_FILE")
    return None


def _read_env_file(path: Path, faults: list[str], warnings: list[str]) -> dict[str, _Given]:
    """The file's keys and values; the last of a doubled key wins, as it always did."""
    from dotenv.parser import parse_stream

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"settings: {path} cannot be read: {(error.strerror or str(error)).lower()}; "
            "give this user the right to read it"
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
            if first and first[1] in KEYS:
                faults.append(f"{where} for {first[1]}")
            else:  # somebody else's line: not ours to judge
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


def _given(setting: Setting, *places: Mapping[str, _Given]) -> _Given:
    for place in places:
        for key in (setting.key, *setting.aliases):
            if key in place:
                return place[key]._replace(text=place[key].text.strip())
    return _Given("", "default")


def _fault(setting: Setting, given: _Given, error: Exception) -> str:
    value = "***" if setting.secret else given.text if len(given.text) <= 80 else given.text[:80] + "..."
    problem = f"expected {setting.kind.expected}, e.g. {setting.kind.example}"
    if isinstance(error, _Refused):
        problem = str(error)
    return f"settings: {setting.key}={value!r}: {problem} ({given.source})"


def _misspelt(in_file: Mapping[str, object], in_environ: Iterable[str]) -> list[str]:
    """A warning for each unknown key that looks like one of ours."""
    warnings = []
    for key in sorted({*in_file, *in_environ} - KEYS):
        # Nobody else has our prefixes, so less likeness is enough there.
        close = _closest(key.upper(), KEYS, 0.75 if key.upper().startswith(_OURS) else 0.85)
        if close:
            warnings.append(f"settings: {key} is not known and ignored; did you mean {close[0]}?")
    return warnings


def _closest(word: str, words: Iterable[str], likeness: float) -> list[str]:
    from difflib import get_close_matches  # only met when something is wrong

    return get_close_matches(word, sorted(words), n=1, cutoff=likeness)


def _shown(value: object, setting: Setting) -> str:
    """The value as one would write it into .env; for ``None`` what it stands for."""
    if value is None:
        return setting.worked_out.replace("`", "")
    if setting.secret:
        return "***"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Curve):
        return ",".join(f"{point.v:g}:{point.soc:g}" for point in value.points)
    return str(value)
