"""What Home Assistant's Supervisor takes as the configuration of an add-on: facts of its published source, November 2026.

It drops a key that it does not know without a word; here that is a fault.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

REQUIRED = {"name", "version", "slug", "description", "arch"}
FLAGS = {
    "init", "host_network", "host_pid", "host_ipc", "host_uts", "host_dbus", "udev", "tmpfs", "full_access", "audio",
    "video", "gpio", "usb", "uart", "devicetree", "kernel_modules", "stdin", "hassio_api", "homeassistant_api",
    "docker_api", "auth_api", "ingress", "ingress_stream", "panel_admin", "advanced", "legacy", "journald", "realtime",
}  # fmt: skip
TEXTS = {
    "name",
    "description",
    "url",
    "ingress_entry",
    "panel_icon",
    "panel_title",
    "backup_pre",
    "backup_post",
}
PATTERNS = {
    "version": r"[\w.+-]+",
    "slug": r"[-_.A-Za-z0-9]+",
    "startup": "initialize|system|services|application|once",
    "boot": "auto|manual|manual_only",
    "stage": "stable|experimental|deprecated",
    "backup": "hot|cold",
    "hassio_role": "default|homeassistant|backup|manager|admin",
    "watchdog": r"(?:https?|\[PROTO:\w+\]|tcp)://\[HOST\]:(?:\[PORT:\d+\]|\d+).*",
    "webui": r"(?:https?|\[PROTO:\w+\])://\[HOST\]:\[PORT:\d+\].*",
    "image": r"([-\w{}.:]+/)+[-\w{}.:]+",
    "panel_icon": r"mdi:[a-z0-9-]+",
}
LISTS = {
    "arch": "aarch64|amd64",
    "services": r"(?:mqtt|mysql):(?:provide|want|need)",
    "backup_exclude": r".+",
    "discovery": r"\w+",
    "privileged": r"[A-Z_]+",
    "devices": r"/dev/.+",
}
NUMBERS = {"timeout": (10, 300), "ingress_port": (0, 65535)}
MAPS = {
    "addon_config", "all_addon_configs", "addons", "backup", "data", "homeassistant_config", "media", "share", "ssl",
}  # fmt: skip
OTHER = {
    "map",
    "ports",
    "ports_description",
    "environment",
    "apparmor",
    "options",
    "schema",
    "machine",
    "ulimits",
}
KNOWN = FLAGS | TEXTS | PATTERNS.keys() | LISTS.keys() | NUMBERS.keys() | OTHER

_RANGE = r"(?:\((?:-?[\d.]+)?,(?:-?[\d.]+)?\))?"
_WORD = re.compile(
    rf"(?:bool|email|url|port|device|(?:str|password|int|float){_RANGE}|match\(.+\)|list\([^()|]+(?:\|[^()|]+)*\))\??"
)


def faults(config: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a configuration."""
    for key in sorted(REQUIRED - config.keys()):
        yield f"{key} is missing"
    for key, value in config.items():
        if key not in KNOWN:
            yield f"{key} is not known"
        elif key in FLAGS and not isinstance(value, bool):
            yield f"{key} is no flag"
        elif key in TEXTS and not isinstance(value, str):
            yield f"{key} is no text"
        elif (key in PATTERNS and not (isinstance(value, str) and re.fullmatch(PATTERNS[key], value))) or (
            key in LISTS
            and not (
                isinstance(value, list) and value and all(re.fullmatch(LISTS[key], str(one)) for one in value)
            )
        ):
            yield f"{key} has another form"
        elif key in NUMBERS and not (isinstance(value, int) and NUMBERS[key][0] <= value <= NUMBERS[key][1]):
            yield f"{key} is out of its range"
    for one in config.get("map", ()):
        if (
            not isinstance(one, dict)
            or one.get("type") not in MAPS
            or set(one) - {"type", "read_only", "path"}
        ):
            yield "map has another form"
    for port, given in config.get("ports", {}).items():
        if not re.fullmatch(r"\d+(?:/tcp|/udp)?", port) or not (given is None or 0 < given < 65536):
            yield "ports have another form"
    if config.get("ingress") and "ingress_port" not in config:
        yield "ingress has no port"
    yield from _schema(config.get("schema", {}), config.get("options", {}))


def _schema(schema: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[str]:
    for key, word in schema.items():
        for inner in _words(word, 0):
            if inner is None or not _WORD.fullmatch(inner):
                yield f"schema of {key} has another form"
        needed = not isinstance(word, str) or not word.endswith("?")
        if needed and key not in options:
            yield f"{key} must be given and has no default"
        if not needed and key in options:
            yield f"{key} need not be given, but would have to be by its default"
    for key, value in options.items():
        if key not in schema:
            yield f"{key} has a default and no schema"
        elif fault := misfit(schema[key], value):
            yield f"the default of {key}: {fault}"


def _words(word: Any, depth: int) -> Iterator[str | None]:
    """All words of a schema; None: it is too deep."""
    if isinstance(word, str):
        yield word
    elif depth >= 2 or not isinstance(word, dict | list) or not word:
        yield None
    else:
        for inner in word.values() if isinstance(word, dict) else word[:1]:
            yield from _words(inner, depth + 1)


def misfit(word: Any, value: Any) -> str:
    """Why a value does not fit its schema; empty: it does. A key that the schema does not have is dropped."""
    if isinstance(word, list):
        if not isinstance(value, list):
            return "no list"
        return next(filter(None, (misfit(word[0], one) for one in value)), "")
    if isinstance(word, dict):
        missing = [key for key, inner in word.items() if not str(inner).endswith("?") and key not in value]
        return (
            f"{missing[0]} is missing"
            if missing
            else next(filter(None, (misfit(word[key], one) for key, one in value.items() if key in word)), "")
        )
    kind = word.rstrip("?").partition("(")[0]
    kinds: dict[str, tuple[type, ...]] = {
        "bool": (bool,),
        "int": (int,),
        "port": (int,),
        "float": (int, float),
    }
    good = kinds.get(kind, (str,))
    if not isinstance(value, good) or (isinstance(value, bool) and kind != "bool"):
        return f"{value!r} is no {kind}"
    number: Any = value
    if kind == "list" and value not in word.rstrip("?")[5:-1].split("|"):
        return f"{value!r} is none of {word}"
    if kind in ("int", "float") and "(" in word:
        low, high = word.rstrip("?").partition("(")[2][:-1].split(",")
        if (low and number < float(low)) or (high and number > float(high)):
            return f"{value!r} is outside {word}"
    return ""
