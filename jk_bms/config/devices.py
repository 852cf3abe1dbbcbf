"""jk_devices.yaml <-> device entries.

The file belongs to the owner: it is edited in place, as text, and only where a scan learnt
something; his comments, order and keys stay. Every scalar is text until the type of its
key says otherwise, so ``20:21:08:31:05:22`` is an address and ``on`` is not True.

The file may be another program's, by mistake, with its passwords in it: a fault shows values
of the keys listed here only, and of other keys not even their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from jk_bms.config.text_file import read_text_file, write_text_file
from jk_bms.config.yaml_text import (
    append,
    compose,
    content,
    is_mapping,
    is_null,
    is_scalar,
    pairs,
    plain,
    says,
    touch,
)
from jk_bms.errors import ConfigError, reason
from jk_bms.model import Device
from jk_bms.model.address import ADDRESS, parse_address
from jk_bms.model.foreign_text import harmless, harmless_name
from jk_bms.model.kinds import ANY_TEXT, SIMULATED, USUAL, Form, kind_of

if TYPE_CHECKING:
    import yaml

_BOM = b"\xef\xbb\xbf"
_HEAD = """\
# The batteries of this house, in the order of their numbers. A scan adds what it finds;
# put a # before the lines of a battery to leave it out. All keys: docs/settings.md
"""
# A comment line that begins with an address: an entry that was switched off.
_COMMENTED = re.compile(
    rf"^[ \t]*#[# \t]*(?:address[ \t]*:[ \t]*)?['\"]?({ADDRESS})(?![\w:-]*\w)", re.MULTILINE
)


def _no_options() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One battery of the registry. ``None``: the entry does not say."""

    address: str  # upper case; any text for a simulated battery
    name: str | None = None  # as advertised
    alias: str | None = None  # as the owner calls it
    type: str = USUAL
    enabled: bool = True
    adapter: str | None = None
    battery: int = 1  # battery number
    numbered: bool = False  # the number was written, not counted
    current_calibration: float = 1.0
    pin: str | None = field(default=None, repr=False)
    last_seen: str | None = None  # local ISO time, old ones without offset
    options: Mapping[str, Any] = field(default_factory=_no_options, hash=False)  # all other keys; text
    line: int = field(default=0, compare=False)  # where it stands in the file

    @property
    def label(self) -> str:
        """What a person calls it."""
        return self.alias or self.name or self.address

    def device(self) -> Device:
        """The battery as samples and records know it."""
        return Device(address=self.address, number=self.battery, kind=self.type, name=self.alias or self.name)


def simulated_entry() -> Entry:
    """A made-up battery that stands in no registry."""
    return Entry(address=SIMULATED, type=SIMULATED, name=kind_of(SIMULATED).label)


class Registry(NamedTuple):
    """All entries in the order of the file, disabled ones included."""

    path: Path
    entries: tuple[Entry, ...] = ()

    def enabled(self) -> list[Entry]:
        """The entries in use, ordered by battery number."""
        return sorted((entry for entry in self.entries if entry.enabled), key=lambda entry: entry.battery)

    def find(self, wanted: str) -> Entry | None:
        """The entry that ``named`` finds, enabled ones first. Raises ConfigError."""
        return named(self.enabled(), wanted) or named(self.entries, wanted)


def named(entries: Iterable[Entry], wanted: str) -> Entry | None:
    """The entry of this address, alias, advertised name or number, whatever the case.

    Raises ConfigError for the name of several.
    """
    key = wanted.strip().casefold()
    listed = list(entries)
    for told in zip(*((e.address, e.alias, e.name, str(e.battery)) for e in listed), strict=True):
        found = [
            entry for entry, text in zip(listed, told, strict=True) if key == (text or "").casefold() != ""
        ]
        if len(found) > 1:
            raise ConfigError(
                f"{wanted!r} is the name of {' and '.join(entry.address for entry in found)}; say the address, "
                "or give each an alias of its own"
            )
        if found:
            return found[0]
    return None


def shared_labels(entries: Iterable[Entry]) -> list[str]:
    """Return a sentence for each name that people see and that stands for several batteries."""
    owners: dict[str, list[Entry]] = {}
    for entry in entries:
        owners.setdefault(entry.label.casefold(), []).append(entry)
    return [
        f"{several[0].label!r} is the name of {' and '.join(entry.address for entry in several)}: there is no telling "
        "which is meant; give each an alias of its own"
        for several in owners.values()
        if len(several) > 1
    ]


def read_registry(path: Path) -> Registry:
    """Read the registry; a missing file is an empty one. Raises ConfigError with all faults."""
    return parse_registry(_File.read(path).text, path)


def parse_registry(text: str, path: Path) -> Registry:
    """Return what ``text`` says as the registry at ``path``. Raises ConfigError with all faults."""
    faults: list[str] = []
    entries = _number(list(_entries(compose(text, path), path, faults)), path, faults)
    if faults:
        raise ConfigError(faults)
    return Registry(path, tuple(entries))


def update_after_scan(
    path: Path,
    seen: Iterable[tuple[str, str | None]],
    now: datetime,
    *,
    types: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Note the devices (address, name) of a scan; return the addresses that are new.

    Known entries get ``name`` and ``last_seen``, new ones are appended, with the type that
    ``types`` has for their address unless it is the usual one; an entry that stands
    in a comment is one the owner switched off, and stays so. Nothing else changes. Raises
    ConfigError, and leaves the file alone, if it cannot be read or written.
    """
    devices: dict[str, tuple[str, str | None]] = {}
    for address, name in seen:
        known = devices.get(_identity(address), ("", None))[1]
        devices[_identity(address)] = (address.strip(), harmless_name(name) or known)
    if not devices:
        return []
    file = _File.read(path)
    told = {_identity(address): kind for address, kind in types.items() if kind != USUAL}
    text, added = _edited(file.text if file.exists else _HEAD, path, devices, _local_time(now), told)
    if text != file.text:
        write_text_file(path, file.bom + text.encode())
    return added


def put_entries(path: Path, entries: Iterable[Mapping[str, str]], *, alone: bool = False) -> None:
    """Write entries, ``address`` first in each: new ones are appended, known ones get these keys and keep their others.

    ``alone``: all others are switched off (``enabled: false``), never deleted. Raises ConfigError, and leaves the file
    alone, if it cannot be read or written or would not hold them.
    """
    file = _File.read(path)
    text = file.text if file.exists else _HEAD
    wanted = {_identity(entry["address"]): dict(entry) for entry in entries}
    expected = content(compose(text, path))
    for index, (key, said) in enumerate(expected):
        news = wanted.pop(_identity(key), None)
        if news is not None:
            news = ({"enabled": "true"} if alone and "enabled" in (said or {}) else {}) | news
            del news["address"]
        elif alone:
            news = {"enabled": "false"}
        root = compose(text, path)
        if news and root is not None and is_mapping(root.value[index][1]):
            text = touch(text, root.value[index][0], root.value[index][1], news)
            expected[index] = (key, said | news)
    if not says(text, expected, path):
        raise ConfigError(f"{path}: its entries cannot be changed without harm; change them by hand")
    for entry in wanted.values():
        text = _appended(text, path, entry)
    faults: list[str] = []
    _number(list(_entries(compose(text, path), path, faults)), path, faults)
    if faults:
        raise ConfigError(faults)
    if text != file.text:
        write_text_file(path, file.bom + text.encode())


def selected_entries(registry: Registry, address: str | None, name: str | None = None) -> list[Entry]:
    """The entries to read: the enabled ones, or with JK_BMS_ADDRESS set only that device.

    One that was asked for by address is used even if the registry disables it, with the
    options it has there, and is battery 1 unless its entry has a number. ``name`` is for one
    that the registry does not know.
    """
    if not address:
        return registry.enabled()
    new = simulated_entry() if address == SIMULATED else Entry(address=address, name=name)
    same = (entry for entry in registry.entries if entry.address.casefold() == address.casefold())
    found = next(same, new)
    return [replace(found, enabled=True, battery=found.battery if found.numbered else 1)]


# Reading


def _parse_flag(text: str) -> bool:
    flags = {"true": True, "yes": True, "on": True, "1": True}
    flags |= {"false": False, "no": False, "off": False, "0": False}
    if text.lower() not in flags:
        raise ValueError(text)
    return flags[text.lower()]


def _parse_word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][\w-]*", text):
        raise ValueError(text)
    return text.lower()


def _parse_number(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not re.fullmatch(r"\+?[0-9]+(\.[0-9]*)?", text) or not least <= float(text) <= most:
            raise ValueError(text)
        return float(text)

    return parse


def _parse_whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\+?[0-9]{1,6}", text) or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return parse


def _parse_adapter(text: str) -> str:
    return text if re.fullmatch(r"hci[0-9]{1,3}", text) else parse_address(text)


# fmt: off
_KEYS = {  # beside the address, whose form the type says
    "name":                Form(harmless_name,           "a name"),
    "alias":               Form(harmless_name,           "a name"),
    "type":                Form(_parse_word,             "a type such as jk"),
    "enabled":             Form(_parse_flag,             "true or false"),
    "adapter":             Form(_parse_adapter,          "an adapter's name or address such as hci0"),
    "battery":             Form(_parse_whole(1, 99),     "a battery number from 1 to 99"),
    "current_calibration": Form(_parse_number(0.1, 10),  "a factor from 0.1 to 10 such as 1.02"),
    "pin":                 Form(str,                     "digits"),
    "last_seen":           Form(harmless_name,                     "a time"),
}
_PRIVATE = frozenset({"pin"})  # keys whose values are never shown
_SHOWN_MOST = 40  # characters of a value in a fault
_ENTRIES = "'AA:BB:CC:DD:EE:FF:' with keys such as 'alias: garage' below it"
_LONGEST_TEXT = 255  # characters of an address that is any text
_LIKE_AN_ADDRESS = re.compile(r"[0-9A-Fa-f]{1,8}(?:[:-][0-9A-Fa-f]{0,12}){3,}")  # though it may be none
KEYS = ("address", *_KEYS)  # what an entry of any type may say; the rest are options of its type
# fmt: on


def _entries(root: yaml.Node | None, path: Path, faults: list[str]) -> Iterator[Entry]:
    """Every good entry; what is wrong with the others goes to ``faults``."""

    def where(node: yaml.Node) -> str:
        return f"{path} line {node.start_mark.line + 1}"

    if root is not None and not is_mapping(root):
        faults.append(f"{where(root)}: {_shape(root)}; expected {_ENTRIES}")
    seen: dict[str, int] = {}
    for text, key, node in pairs(root, where, faults, _key_told):
        entry = _entry(text, key, node, where, faults)
        if entry is None:
            continue
        line = seen.setdefault(entry.address.casefold(), entry.line)
        if line != entry.line:
            shown = _told(text, "of this entry")
            faults.append(f"{where(key)}: the address {shown} stands in line {line} already; delete one")
        else:
            yield entry


def _entry(
    text: str, key: yaml.Node, node: yaml.Node, where: Callable[[yaml.Node], str], faults: list[str]
) -> Entry | None:
    if not is_null(node) and not is_mapping(node):
        faults.append(f"{where(node)}: {_shape(node)}; expected {_ENTRIES}")
        return None
    form = _address_form(text, node)
    who = harmless(text) if form is ANY_TEXT else _told(text, "this entry")
    values: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for name, _, value in pairs(node, where, faults, _key_told):
        wanted = form if name == "address" else _KEYS.get(name)
        if wanted is None:
            options[name] = plain(value)
        elif is_scalar(value) and (is_null(value) or not value.value.strip()):
            continue  # nothing said
        elif not is_scalar(value):
            faults.append(f"{where(value)}: {who}: {name} is a list or mapping; expected {wanted.expected}")
        elif name == "address" and form is ANY_TEXT:
            continue  # any text will do
        else:
            try:
                values[name] = wanted.parse(value.value if wanted.parse is str else value.value.strip())
            except ValueError:
                shown = "***" if name in _PRIVATE else harmless(value.value, _SHOWN_MOST)
                faults.append(f"{where(value)}: {who}: {name} is {shown!r}; expected {wanted.expected}")
    inner = values.pop("address", None)
    address = text.strip()
    if form is not ANY_TEXT:
        try:
            address = form.parse(text)
        except ValueError:
            shown = _told(text, "this key")
            expected = form.expected.replace("an address", "one", 1)
            faults.append(f"{where(key)}: {shown} is not an address; expected {expected}")
            return None
        if inner not in {None, address}:
            faults.append(f"{where(key)}: the address below {who} is {inner!r}; expected the same twice")
    elif harmless(address, _LONGEST_TEXT) != address:
        faults.append(f"{where(key)}: the address has characters that cannot be seen, or too many of them")
        return None
    if address == SIMULATED:
        values["type"] = SIMULATED
    values["enabled"] = values.get("enabled", True) and not is_null(node)
    return Entry(
        address=address,
        **values,
        numbered="battery" in values,
        options=MappingProxyType(options),
        line=key.start_mark.line + 1,
    )


def _told(text: str, otherwise: str) -> str:
    """``text`` as a fault may show it: as far as it is an address or a key of ours."""
    if text in KEYS or (len(text) <= _SHOWN_MOST and _LIKE_AN_ADDRESS.fullmatch(text.strip())):
        return repr(text)
    return otherwise


def _key_told(text: str) -> str:
    return _told(text, "a key")


def _shape(node: yaml.Node) -> str:
    """What stands there, in words that show nothing of it."""
    return "a text stands there" if is_scalar(node) else "a list stands there, as other programs write it"


def _address_form(text: str, node: yaml.Node) -> Form:
    """What the address of an entry must look like: its type says so, and the usual type where it says none."""
    types = [plain(value) for key, value in node.value if key.value == "type"] if is_mapping(node) else []
    wanted = SIMULATED if text.strip() == SIMULATED else str(types[0]).strip().lower() if types else USUAL
    return kind_of(wanted).address_form


def _number(entries: list[Entry], path: Path, faults: list[str]) -> list[Entry]:
    """Give the entries without a number those that are left over, in the order of the file.

    Disabled entries keep theirs, so the numbers stay when one is switched off.
    """
    used: dict[int, Entry] = {}
    for entry in entries:
        if entry.numbered:
            other = used.setdefault(entry.battery, entry)
            if other is not entry and other.enabled and entry.enabled:
                faults.append(
                    f"{path} line {entry.line}: {entry.address}: battery is {entry.battery}; "
                    f"{other.address} in line {other.line} has that number already"
                )
            elif entry.enabled:
                used[entry.battery] = entry
    free = (number for number in range(1, len(entries) + len(used) + 1) if number not in used)
    return [entry if entry.numbered else replace(entry, battery=next(free)) for entry in entries]


# Editing


def _identity(address: str) -> str:
    """The same for all spellings of one address."""
    try:
        return parse_address(address)
    except ValueError:
        return address.strip().upper()


def _local_time(now: datetime) -> str:
    return (now if now.tzinfo else now.astimezone()).isoformat(timespec="seconds")


def _edited(
    text: str,
    path: Path,
    devices: Mapping[str, tuple[str, str | None]],
    last_seen: str,
    types: Mapping[str, str],
) -> tuple[str, list[str]]:
    """The text with the devices noted in it, and the addresses of those that were appended."""
    faults: list[str] = []
    _number(list(_entries(compose(text, path), path, faults)), path, faults)
    if faults:
        raise ConfigError(faults)
    commented = {_identity(match[1]) for match in _COMMENTED.finditer(text)}
    added = []
    for identity, (address, name) in devices.items():
        news = {"last_seen": last_seen} | ({"name": name} if name else {})
        root = compose(text, path)
        before = content(root)
        index = next((i for i, (key, _) in enumerate(before) if _identity(key) == identity), None)
        if root is None or index is None:
            if identity in commented:
                continue
            told = {"address": address} | ({"type": types[identity]} if identity in types else {}) | news
            text = _appended(text, path, told)
            added.append(address)
            continue
        key, value = root.value[index]
        if not is_mapping(value):
            continue  # no value: switched off; a key below it would switch it on
        new = touch(text, key, value, news)
        before[index] = (before[index][0], before[index][1] | news)
        if says(new, before, path):  # else an anchor or a block ties it to more: left alone
            text = new
    return text, added


def _appended(text: str, path: Path, entry: Mapping[str, str]) -> str:
    root = compose(text, path)
    new = append(text, root, entry)
    if not says(new, [*content(root), (entry["address"], dict(entry))], path):
        raise ConfigError(f"{path}: {entry['address']} cannot be added without harm; add it by hand")
    return new


class _File(NamedTuple):
    """A registry file as text, with what must stay as it was."""

    text: str
    bom: bytes
    exists: bool

    @classmethod
    def read(cls, path: Path) -> _File:
        """The file's content; raises ConfigError when there is one that cannot be read."""
        try:
            raw = read_text_file(path)
        except FileNotFoundError:
            return cls("", b"", False)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {reason(error)}") from error
        bom = _BOM if raw.startswith(_BOM) else b""
        try:
            return cls(raw[len(bom) :].decode("utf-8"), bom, True)
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, len(bom) + error.start) + 1
            raise ConfigError(f"{path} line {line}: not UTF-8 text; save the file as UTF-8") from error
