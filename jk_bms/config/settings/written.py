"""settings.env: what a person changed through the service, which alone writes it. ``.env`` stays the owner's."""

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from jk_bms.config.settings.kinds import closest
from jk_bms.config.settings.load import UNWRITTEN, refusal
from jk_bms.config.settings.table import SETTINGS, Setting
from jk_bms.config.text_file import read_text_file, write_text_file
from jk_bms.errors import ConfigError, reason

COPY = ".before"  # behind its name: what the file was before the last change
MODE = 0o640
_HEAD = "# Written by easun-jkbms when a setting was changed by page or tool. A line for the same key in .env wins.\n"
_BY_KEY = {setting.key: setting for setting in SETTINGS}


def changeable(key: str) -> Setting:
    """Return the setting that may be changed while the service runs. Raises ConfigError for another key."""
    setting = _BY_KEY.get(key)
    if setting is None or key in UNWRITTEN:
        known = [setting.key for setting in SETTINGS if setting.at_once]
        close = closest(key.upper(), known, 0.7)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise ConfigError(
            f"settings: {key}: cannot be changed here; expected one of {', '.join(known)}{hint}"
        )
    if not setting.at_once:
        raise ConfigError(
            f"settings: {key}: takes effect at the next start only; write it into .env and start the service again"
        )
    return setting


def check_value(setting: Setting, text: str) -> None:
    """Raise ConfigError for a text that the setting cannot be; an empty one stands for its default."""
    if not text.isprintable():
        raise ConfigError(f"settings: {setting.key}: has characters that cannot be seen; expected one line")
    if fault := refusal(setting, text, "asked for"):
        raise ConfigError(fault)


def put_values(path: Path, changes: Mapping[str, str | None]) -> None:
    """Set these keys in the file, or take them out (None); the others stay. One copy of before is kept.

    Raises ConfigError when it cannot be written.
    """
    from dotenv import dotenv_values

    try:
        before = read_text_file(path)
    except FileNotFoundError:
        before = b""
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {reason(error)}") from error
    text = StringIO(before.decode("utf-8", errors="replace"))
    values = {key: value for key, value in dotenv_values(stream=text, interpolate=False).items() if value}
    for key, value in changes.items():
        values.pop(key, None)
        if value:
            values[key] = value
    lines = (f"{key}={quoted(value)}\n" for key, value in sorted(values.items()))
    if before:
        write_text_file(path.with_name(path.name + COPY), before, mode=MODE)
    write_text_file(path, (_HEAD + "".join(lines)).encode(), mode=MODE)


def quoted(value: str) -> str:
    """``value`` as dotenv reads it back."""
    if re.fullmatch(r"[\w./:,@+%-]*", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
