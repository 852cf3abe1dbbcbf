"""The texts that go into a backup: the registry and our settings, without what is secret.

Only settings of ours are taken, by name: a ``.env`` is often shared with other programs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jk_bms.config.settings import SETTINGS, TOP, Settings, describe, kinds, load_settings
from jk_bms.config.settings.written import quoted
from jk_bms.config.yaml_text import compose, is_mapping, is_scalar, scalar
from jk_bms.errors import ConfigError, reason

if TYPE_CHECKING:
    import yaml

# Keys of the registry, ours and those of device types, whose values only the owner should see.
_HIDDEN = r"(?:[\w-]*[_-])?(?:pin|pass\w*|secret|token|key)"
_HIDDEN_KEY = re.compile(_HIDDEN, re.IGNORECASE)
_IN_COMMENT = re.compile(rf"(#.*?\b{_HIDDEN}['\"]?[ \t]*[:=])[^\n]*", re.IGNORECASE)
_PATHS = frozenset(setting.key for setting in SETTINGS if setting.kind is kinds.PATH)
_RESTORED = frozenset({"BMS_DB_PATH", "JK_DEVICES_FILE"})  # where the files of a backup go
_TIED = frozenset({"JK_ENV_FILE", "RUNTIME_DIRECTORY"})  # they say where this machine keeps things


class Texts(NamedTuple):
    """The text files of a backup by their names, and what was left out of them."""

    files: dict[str, bytes]
    left_out: list[str]


def backup_texts(settings: Settings) -> Texts:
    """Return what a backup of ``settings`` and its registry may hold.

    A registry that cannot be read is left out: the database is worth more.
    """
    from jk_bms.store import backup  # only for who makes an archive: the poller takes other names from here

    files: dict[str, bytes] = {}
    left_out: list[str] = []
    try:
        text = settings.devices_file.read_bytes().decode("utf-8-sig")
        emptied, left_out = without_secrets(text, settings.devices_file)
        files[backup.REGISTRY] = emptied.encode()
    except FileNotFoundError:
        pass
    except OSError as error:
        left_out = [f"the registry: {settings.devices_file} cannot be read: {reason(error)}"]
    except (ConfigError, UnicodeDecodeError) as error:
        left_out = [f"the registry: {error}"]
    files[backup.SETTINGS], secrets = settings_text(settings)
    return Texts(files, left_out + secrets)


def settings_text(settings: Settings) -> tuple[bytes, list[str]]:
    """Return our settings that the owner set, as lines KEY=value, and the secret ones' names."""
    lines = ["# Settings of easun-jkbms; whatever else the file held is not in here."]
    left_out = []
    secret = {setting.key for setting in SETTINGS if setting.secret}
    for row in describe(settings):
        if row.source == "default" or row.key in _TIED:
            continue
        if row.key in secret:
            lines.append(f"# {row.key}=   (secret, not in the backup)")
            left_out.append(f"setting {row.key}")
        else:
            lines.append(f"{row.key}={quoted(row.value)}")
    return ("\n".join(lines) + "\n").encode(), left_out


def without_secrets(text: str, path: Path) -> tuple[str, list[str]]:
    """Return the registry's ``text`` with its secret values emptied, and their names.

    Comments count too: there stand entries that were switched off. Raises ConfigError.
    """
    found = list(_secrets(compose(text, path)))
    emptied = _edited(text, {value: "''" for _, _, value in found})
    emptied, in_comments = _IN_COMMENT.subn(r"\1", emptied)
    if list(_secrets(compose(emptied, path))):  # an anchor or a block ties it to more
        raise ConfigError(f"{path}: its secrets cannot be taken out safely; write them as plain values")
    left_out = [f"{key} of {owner}" for owner, key, _ in found]
    return emptied, left_out + (["what comments in the registry told"] if in_comments else [])


def with_secrets(text: str, path: Path, present: str) -> str:
    """Return ``text`` of a backed-up registry with the secrets of the ``present`` one's text.

    Raises ConfigError when one of the two cannot be read.
    """
    known = {(owner.casefold(), key): value.value for owner, key, value in _secrets(compose(present, path))}
    if without_secrets(present, path)[0] == text:
        return present
    edits = {}
    for owner, key, value in _secrets(compose(text, path), empty=True):
        secret = known.get((owner.casefold(), key))
        if secret and value.style:  # what was taken out left a pair of quotes
            edits[value] = scalar(secret)
    return _edited(text, edits)


def fitting_settings(text: str, top: Path = TOP) -> tuple[str, Settings, list[str]]:
    """Return a backup's settings as a new ``top``/.env, what they come to, and the lines left out of it.

    A place that this machine does not have, or where we may not write what we restore, is left out:
    the default is better than a file in an unexpected place. Raises ConfigError.
    """
    lines, left_out = text.splitlines(), []
    for number, line in enumerate(lines):
        for key, path in _values(line).items():
            needed = os.W_OK if key in _RESTORED else os.F_OK
            if key in _PATHS and path and not os.access(Path(path).parent, needed):
                left_out.append(line)
                lines[number] = f"# {line}   (not on this machine)"
    fitting = "\n".join(lines) + "\n"
    return fitting, load_settings(_values(fitting) | os.environ, top=top, forgiving=True), left_out


def differing_settings(text: str, settings: Settings) -> list[str]:
    """Return the lines of a backup's settings that ``settings`` do not say."""
    present = set(settings_text(settings)[0].decode().splitlines())
    return [line for line in text.splitlines() if not line.startswith("#") and line not in present]


def _secrets(
    node: yaml.Node | None, owner: str = "the registry", *, empty: bool = False
) -> Iterator[tuple[str, str, yaml.ScalarNode]]:
    """Whose it is, key and value of every secret that has a value (or, ``empty``, has none)."""
    if node is None or is_scalar(node):
        return
    if not is_mapping(node):
        for item in node.value:
            yield from _secrets(item, owner, empty=empty)
        return
    for key, value in node.value:
        name = key.value if is_scalar(key) else ""
        if not is_scalar(value):
            yield from _secrets(value, name or owner, empty=empty)
        elif _HIDDEN_KEY.fullmatch(name) and empty == (not value.value):
            yield owner, name, value


def _edited(text: str, edits: Mapping[yaml.ScalarNode, str]) -> str:
    """``text`` with other words in place of these values; an alias stands where its anchor does."""
    spans = {(node.start_mark.index, node.end_mark.index): new for node, new in edits.items()}
    for (start, end), new in sorted(spans.items(), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _values(text: str) -> dict[str, str]:
    from dotenv import dotenv_values

    return {
        key: value or "" for key, value in dotenv_values(stream=StringIO(text), interpolate=False).items()
    }
