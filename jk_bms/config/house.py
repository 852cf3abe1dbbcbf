"""house.yaml: what is not a battery. The owner's file and house.auto.yaml, which the service writes, read as one.

Faults are collected, one line each, in the order of the file. An unknown section is only warned of: a newer
version may know it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jk_bms.config.devices import Entry
from jk_bms.config.settings.kinds import closest
from jk_bms.config.text_file import read_text_file, write_text_file
from jk_bms.config.yaml_text import compose, is_mapping, is_null, is_scalar, pairs, rendered
from jk_bms.errors import ConfigError, reason
from jk_bms.model.alarms import Severity
from jk_bms.model.foreign_text import harmless
from jk_bms.rules.overrides import (
    ALL,
    BOUNDS,
    LONGEST_LASTING,
    LONGEST_REPEAT,
    Override,
    in_rule_unit,
    rule_of,
    unit_told,
)

if TYPE_CHECKING:
    import yaml

AUTO = "house.auto.yaml"  # beside settings.env
COPY = ".before"  # behind its name: what it was before the last change
MODE = 0o640
# What other parts and newer versions keep here; without a reader a section is warned of.
SECTIONS = ("alerts",)
SUBJECTS = (ALL, "inverter", "house", "host")  # of alerts, beside batteries and inverters
_SHOWN_MOST = 40  # characters of a value in a fault
_NAME = re.compile(r"[\w .:-]{1,40}")  # a key that may be shown: what is no such text may be anything
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})")
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_HEAD = "# Written by easun-jkbms. What is yours belongs into house.yaml, which wins; this file is written anew.\n"

Path4 = tuple[str, str, str, str]  # section, subject as written, code, key


class Value(NamedTuple):
    """One value of a file."""

    text: str
    line: int  # where it stands
    own: bool = True  # in the owner's file


class House(NamedTuple):
    """What both files say. ``values`` by section, subject, code and key, as written."""

    values: Mapping[Path4, Value] = {}
    overrides: Mapping[str, Mapping[int, Override]] = {}  # of alerts, by address or SUBJECTS
    warnings: tuple[str, ...] = ()


class Names(NamedTuple):
    """What an entry may be about, in small letters -> the subject of alerts that is meant."""

    known: Mapping[str, str]
    shown: tuple[str, ...]  # as a fault lists them


def names_of(entries: Iterable[Entry], inverters: Iterable[str] = ()) -> Names:
    """Return what may be named: every battery of the registry by alias, name or address, and every inverter."""
    known: dict[str, str] = {}
    shown: list[str] = []
    for entry in entries:
        for text in (entry.alias, entry.name, entry.address):
            if text:
                known.setdefault(text.casefold(), entry.address)
        shown.append(entry.label)
    own = (*inverters, *SUBJECTS)
    return Names(known | {name: name for name in own}, (*shown, *dict.fromkeys(own)))


def read_house(own: Path, auto: Path, names: Names) -> House:
    """Return what the two files say; one that is missing says nothing. Raises ConfigError with all faults."""
    return parse_house([(own, read_text(own)), (auto, read_text(auto))], names)


def read_text(path: Path) -> str:
    """Return what is in the file; "" where there is none. Raises ConfigError."""
    try:
        raw = read_text_file(path)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {reason(error)}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} line {line}: not UTF-8 text; save the file as UTF-8") from error


def parse_house(texts: Iterable[tuple[Path, str]], names: Names) -> House:
    """Return what these texts say, the owner's first: where two say the same, that wins.

    Raises ConfigError with all faults.
    """
    values: dict[Path4, Value] = {}
    overrides: dict[str, dict[int, Override]] = {}
    faults: list[str] = []
    warnings: list[str] = []
    texts = list(texts)
    for number, (path, text) in enumerate(texts):
        reader = _Reader(path, names, faults, warnings)
        try:
            reader.read(compose(text, path))
        except ConfigError as error:
            faults += error.faults
        for place, value in reader.values.items():
            values.setdefault(place, value._replace(own=number == 0))
        for subject, codes in reader.overrides.items():
            mine = overrides.setdefault(subject, {})
            for code, override in codes.items():
                mine[code] = mine.get(code, Override()).over(override)
    house = House(values, overrides, tuple(warnings))
    if faults := faults or _crossed(house, [path for path, _ in texts], names):
        raise ConfigError(faults)
    return house


def _crossed(house: House, paths: Sequence[Path], names: Names) -> list[str]:
    """A fault for each limit that ends an alert only where it is worse than where it begins, over both files."""
    faults = []
    for (_, name, code, key), value in house.values.items():
        rule, one = rule_of(int(code)), house.overrides[names.known[name.strip().casefold()]][int(code)]
        if key != "clear" or rule is None or one.set is None or one.clear is None:
            continue
        if one.clear > one.set if rule.rising else one.clear < one.set:
            side = "at most" if rule.rising else "at least"
            where = f"{paths[not value.own]} line {value.line}"
            faults.append(
                f"{where}: alerts {name} {code}: clear is {value.text!r}; expected {side} what set is"
            )
    return faults


class _Reader:
    """Reads one file; what is wrong goes to ``faults``, what is left out to ``warnings``."""

    def __init__(self, path: Path, names: Names, faults: list[str], warnings: list[str]) -> None:
        self.values: dict[Path4, Value] = {}
        self.overrides: dict[str, dict[int, Override]] = {}
        self._path = path
        self._names = names
        self._faults = faults
        self._warnings = warnings

    def read(self, root: yaml.Node | None) -> None:
        """Take in the whole file."""
        if root is not None and not is_mapping(root):
            self._fault(root, "expected sections such as 'alerts:', each with entries below it")
        for section, key, node in self._pairs(root):
            if section not in SECTIONS:
                close = closest(section, SECTIONS, 0.7)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                shown = repr(section) if _NAME.fullmatch(section) else "a section"
                self._warnings.append(f"{self._where(key)}: {shown} is not known here and passed over{hint}")
            elif self._is_mapping(node, section):
                self._alerts(node)

    def _alerts(self, section: yaml.Node) -> None:
        seen: dict[str, int] = {}
        for name, key, entries in self._pairs(section):
            subject = self._names.known.get(name.strip().casefold())
            if subject is None:
                shown = repr(name) if _NAME.fullmatch(name) else "that"
                listed = ", ".join(self._names.shown)
                self._fault(key, f"alerts: no battery or inverter is called {shown}; there are {listed}")
                continue
            line = seen.setdefault(subject, key.start_mark.line + 1)
            if line != key.start_mark.line + 1:
                self._fault(
                    key, f"alerts: {name!r} stands in line {line} already, perhaps under another name"
                )
            elif self._is_mapping(entries, f"alerts {name}"):
                for code, place, node in self._pairs(entries):
                    self._override(subject, name, code, place, node)

    def _override(self, subject: str, name: str, code: str, place: yaml.Node, node: yaml.Node) -> None:
        rule = rule_of(int(code)) if re.fullmatch(r"[0-9]{4}", code) else None
        if rule is None:
            shown = repr(code) if _NAME.fullmatch(code) else "that"
            self._fault(
                place, f"alerts {name}: no alert has the code {shown}; docs/alerts.md lists all codes"
            )
            return
        if not self._is_mapping(node, f"alerts {name} {code}"):
            return
        found: dict[str, Any] = {}
        for key, at, value in self._pairs(node):
            who = f"alerts {name} {code}: {key}"
            if key not in _KEYS:
                close = closest(key, _KEYS, 0.5)
                hint = f" (did you mean {close[0]!r}?)" if close else ""
                shown = key if _NAME.fullmatch(key) else "a key"
                self._fault(
                    at,
                    f"alerts {name} {code}: {shown} is not known; expected one of {', '.join(_KEYS)}{hint}",
                )
            elif not is_scalar(value):
                self._fault(value, f"{who} is a list or mapping; expected {_KEYS[key].expected}")
            elif is_null(value) or not value.value.strip():
                continue  # nothing said
            else:
                try:
                    found[key] = _KEYS[key].parse(value.value.strip(), int(code))
                except _Refused as error:
                    shown = harmless(value.value, _SHOWN_MOST)
                    self._fault(value, f"{who} is {shown!r}; {error}")
                else:
                    self.values["alerts", name, code, key] = Value(
                        value.value.strip(), at.start_mark.line + 1
                    )
        self.overrides.setdefault(subject, {})[int(code)] = Override(**found)

    def _pairs(self, node: yaml.Node | None) -> Iterable[tuple[str, yaml.Node, yaml.Node]]:
        return pairs(
            node, self._where, self._faults, lambda text: repr(text) if _NAME.fullmatch(text) else "a key"
        )

    def _is_mapping(self, node: yaml.Node, what: str) -> bool:
        """Whether keys stand there; nothing at all is as good as no line."""
        if is_null(node):
            return False
        if not is_mapping(node):
            self._fault(node, f"{what}: expected keys with values below it")
            return False
        return True

    def _where(self, node: yaml.Node) -> str:
        return f"{self._path} line {node.start_mark.line + 1}"

    def _fault(self, node: yaml.Node, text: str) -> None:
        self._faults.append(f"{self._where(node)}: {text}")


class _Refused(Exception):
    """A value that cannot be; the text says what is expected."""


class _Key(NamedTuple):
    """One key below a code."""

    expected: str
    parse: Callable[[str, int], object]  # of its text and the code; raises _Refused


def _flag(text: str, _: int) -> bool:
    if text.lower() not in _FLAGS:
        raise _Refused("expected true or false")
    return _FLAGS[text.lower()]


def _limit(text: str, code: int) -> float:
    rule = rule_of(code)
    assert rule is not None
    unit = unit_told(rule)
    if unit not in BOUNDS:
        raise _Refused(f"alert {code} has no limit that could be another one; expected no such key")
    least, most = BOUNDS[unit]
    return in_rule_unit(rule, _number(text, least, most, f" {unit}"))


def _severity(text: str, _: int) -> Severity:
    words = [severity.word for severity in Severity]
    if text.lower() not in words:
        raise _Refused(f"expected one of {', '.join(words)}")
    return Severity[text.upper()]


def _number(text: str, least: float, most: float, unit: str = "") -> float:
    if not _NUMBER.fullmatch(text) or not least <= float(text) <= most:
        raise _Refused(f"expected a number from {least:g} to {most:g}{unit}")
    return float(text)


_KEYS: Mapping[str, _Key] = {
    "on": _Key("true or false", _flag),
    "set": _Key("a number in the unit of docs/alerts.md", _limit),
    "clear": _Key("a number in the unit of docs/alerts.md", _limit),
    "for_s": _Key("seconds", lambda text, _: _number(text, 0, LONGEST_LASTING, " s")),
    "severity": _Key("a severity", _severity),
    "repeat_h": _Key("hours", lambda text, _: _number(text, 0, LONGEST_REPEAT, " h")),
}


# Writing house.auto.yaml


def changed_auto(
    auto: str, auto_path: Path, own: House, path: Collection[object], value: object, names: Names
) -> str:
    """Return house.auto.yaml with one value set, or (None) taken out. Raises ConfigError when it is locked or no value.

    ``own``: what the owner's file alone says. ``path``: section, subject, code and key.
    """
    parts = [str(part) for part in path] if all(isinstance(part, (str, int)) for part in path) else []
    if len(parts) != 4 or not (value is None or isinstance(value, (str, int, float, bool))):
        raise ConfigError(
            "house: expected a path of section, battery, code and key with a value, such as "
            "alerts main 1005 set 45"
        )
    section, name, code, key = parts
    for place, known in own.values.items():
        if (place[0], place[2], place[3]) == (section, code, key) and _same(place[1], name, names):
            raise ConfigError(f"house: {' '.join(parts)}: stands in house.yaml line {known.line}, which wins")
    told = parse_house([(auto_path, auto)], names).values
    tree: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for place, known in told.items():
        if not ((place[0], place[2], place[3]) == (section, code, key) and _same(place[1], name, names)):
            at = tree.setdefault(place[0], {}).setdefault(place[1], {}).setdefault(place[2], {})
            at[place[3]] = known.text
    if value is not None:
        text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
        if not text.isprintable():
            raise ConfigError("house: the value has characters that cannot be seen; expected one line")
        spelt = next((one for one in tree.get(section, {}) if _same(one, name, names)), name)
        tree.setdefault(section, {}).setdefault(spelt, {}).setdefault(code, {})[key] = text
    return _HEAD + rendered(tree)


def write_auto(path: Path, text: str) -> None:
    """Put ``text`` in the place of house.auto.yaml; one copy of before is kept. Raises ConfigError."""
    if before := read_text(path):
        write_text_file(path.with_name(path.name + COPY), before.encode(), mode=MODE)
    write_text_file(path, text.encode(), mode=MODE)


def _same(one: str, other: str, names: Names) -> bool:
    """Whether two names mean the same subject."""
    first, second = (names.known.get(name.strip().casefold(), name) for name in (one, other))
    return first == second
