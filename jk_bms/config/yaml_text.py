"""YAML as text: read without guessing types, edited in place.

A file of entries (a mapping of mappings) belongs to its owner. Edits change the characters
of the values they mean and nothing else: comments, order, quotes and line ends stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from jk_bms.errors import ConfigError
from jk_bms.model.address import ADDRESS

if TYPE_CHECKING:
    import yaml  # at run time where there is something to read: it takes 7 ms

LOADERS = ("CSafeLoader", "SafeLoader")  # the first that there is: the fast one needs a compiled part

_DEEPEST = 20  # levels
_MOST = 1_000_000  # nodes and characters of a value, with what its aliases repeat
_BREAK = re.compile(r"\r\n|\r|\n")
_DOCUMENT_END = re.compile(r"^\.\.\.(?=\s|$)", re.MULTILINE)
_QUOTED = re.compile(r"""\s*(['"])(?!<[a-z ]+>\1|[^\w\s]\1).*\1""")  # in an error: more than one sign
_SAFE = re.compile(r"[A-Za-z][\w.-]*(?: [\w.-]+)*", re.ASCII)
_SAFE_ADDRESS = re.compile(rf"(?=.*[A-Fa-f]){ADDRESS}")  # one of digits only is a number to some
_WORDS = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
)  # more than text to some loaders


def compose(text: str, path: Path) -> yaml.Node | None:
    """The only document of ``text``; None when it has comments at most.

    Raises ConfigError with the line in ``path`` that is not YAML.
    """
    if _says_nothing(text):
        return None
    import yaml

    loader: Any = next(getattr(yaml, name) for name in LOADERS if hasattr(yaml, name))
    try:
        _refuse_depth(yaml.parse(text, Loader=loader), path)
        node: yaml.Node | None = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}" if mark else ""
        problem = _QUOTED.sub("", error.problem or error.context or "")  # it may be a password
        raise ConfigError(f"{path}{line}: not readable as YAML: {problem}; correct that line") from error
    except yaml.reader.ReaderError as error:
        bad = yaml.reader.Reader.NON_PRINTABLE.search(text)
        line = f" line {text.count(chr(10), 0, bad.start()) + 1}" if bad else ""
        raise ConfigError(f"{path}{line}: a character that YAML does not allow; delete it") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not readable as YAML") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: not readable as YAML: nested too deeply") from error
    return None if node is None or is_null(node) else node


def _refuse_depth(events: Iterable[yaml.Event], path: Path) -> None:
    """Raise ConfigError where the file is nested far deeper than any value may be.

    Before it is composed: the compiled loader goes down as deep as the file says, and with its stack the whole
    program ends, without a word.
    """
    import yaml

    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > 2 * _DEEPEST:
            mark = event.start_mark
            line = f" line {mark.line + 1}" if mark else ""
            raise ConfigError(f"{path}{line}: nested more than {_DEEPEST} levels deep; write it flatter")


def _says_nothing(text: str) -> bool:
    """Whether it is only comments, as in the registry that we ship."""
    lines = (line.lstrip(" ") for line in _BREAK.split(text))
    return all(not line or (line.startswith("#") and line.isprintable()) for line in lines)


def is_mapping(node: yaml.Node) -> TypeGuard[yaml.MappingNode]:
    """Whether keys with values stand there."""
    import yaml

    return isinstance(node, yaml.MappingNode)


def is_scalar(node: yaml.Node) -> TypeGuard[yaml.ScalarNode]:
    """Whether one text stands there."""
    import yaml

    return isinstance(node, yaml.ScalarNode)


def is_null(node: yaml.Node) -> bool:
    """Whether nothing, or YAML's word for it, is written there."""
    return (
        is_scalar(node)
        and not node.style  # plain: quoted, they are text
        and node.value in {"", "~", "null", "Null", "NULL"}
    )


class _Room:
    """How much more a value may hold: aliases make gigabytes of a few lines."""

    def __init__(self) -> None:
        self._left = _MOST

    def take(self, node: yaml.Node) -> None:
        """Count ``node`` and its text. Raises ConfigError when it becomes too much."""
        self._left -= 1 + (len(node.value) if is_scalar(node) else 0)
        if self._left < 0:
            line = node.start_mark.line + 1
            raise ConfigError(f"line {line}: too much is repeated there by aliases; write it out")


def plain(node: yaml.Node, depth: int = 0, room: _Room | None = None) -> Any:
    """The value below ``node``: dicts, lists and text; None where nothing is written."""
    room = _Room() if room is None else room
    room.take(node)
    if depth > _DEEPEST:  # an alias that contains itself has no end
        line = node.start_mark.line + 1
        raise ConfigError(f"line {line}: nested more than {_DEEPEST} levels deep; write it flatter")
    if is_mapping(node):
        return {str(plain(key, depth + 1, room)): plain(value, depth + 1, room) for key, value in node.value}
    if isinstance(node.value, list):
        return [plain(item, depth + 1, room) for item in node.value]
    return None if is_null(node) else node.value


def pairs(
    node: yaml.Node | None,
    where: Callable[[yaml.Node], str],
    faults: list[str],
    told: Callable[[str], str],
) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Key text, key and value of each line of a mapping; doubled keys become faults.

    ``where`` names the place of a node, ``told`` a key as far as that may be shown.
    """
    lines: dict[str, int] = {}
    for key, value in node.value if node is not None and is_mapping(node) else ():
        if not is_scalar(key):
            faults.append(f"{where(key)}: a key must be text")
        elif key.value in lines:
            faults.append(
                f"{where(key)}: {told(key.value)} is doubled; it stands in line {lines[key.value]} too"
            )
        else:
            lines[key.value] = key.start_mark.line + 1
            yield key.value, key, value


def rendered(tree: Mapping[str, Any], indent: str = "") -> str:
    """Return mappings of mappings of texts as YAML, one value a line."""
    lines = ""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            lines += f"{indent}{scalar(key)}:\n{rendered(value, indent + '  ')}"
        else:
            lines += f"{indent}{scalar(key)}: {scalar(value)}\n"
    return lines


def content(root: yaml.Node | None) -> list[tuple[str, Any]]:
    """The entries below ``root`` (None or a mapping) in their order."""
    return [] if root is None else [(key.value, plain(value)) for key, value in root.value]


def says(text: str, entries: list[tuple[str, Any]], path: Path) -> bool:
    """Whether ``text`` says exactly these entries in this order."""
    try:
        return content(compose(text, path)) == entries
    except ConfigError:
        return False


def touch(text: str, key: yaml.Node, entry: yaml.Node, news: Mapping[str, str]) -> str:
    """Return ``text`` with the values of ``news`` in an entry, which stands behind ``key``.

    Keys that are there keep their place. Anchors can tie one place to another: check the
    result with ``says``.
    """
    edits: list[tuple[int, int, str]] = []
    missing = dict(news)
    for inner, value in entry.value:
        new = missing.pop(inner.value, None)
        if new is not None and plain(value) != new:
            start, end = value.start_mark.index, value.end_mark.index
            if start == end:  # nothing is written yet: the place is right behind the colon
                colon = text.find(":", inner.end_mark.index) + 1
                edits.append((colon, colon, " " + scalar(new)))
            elif text[start] not in "|>&!":  # what begins so means more than its text
                edits.append((start, end, scalar(new)))
    if missing and text[entry.start_mark.index] == "{":
        at = entry.start_mark.index + 1
        more = ", ".join(f"{name}: {scalar(new)}" for name, new in missing.items())
        edits.append((at, at, more + (", " if entry.value else "")))
    elif missing:
        at = _line_end(text, key.end_mark.index)
        indent = " " * entry.value[0][0].start_mark.column
        eol = _eol(text)
        edits.append(
            (at, at, "".join(f"{indent}{name}: {scalar(new)}{eol}" for name, new in missing.items()))
        )
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def append(text: str, root: yaml.Node | None, entry: Mapping[str, str]) -> str:
    """Return ``text`` with an entry added behind the others; its key is ``entry["address"]``.

    Check the result with ``says``.
    """
    key = scalar(entry["address"])
    if root is not None and text[root.start_mark.index] == "{":
        inner = ", ".join(f"{name}: {scalar(value)}" for name, value in entry.items())
        at = root.value[-1][1].end_mark.index if root.value else root.start_mark.index + 1
        return f"{text[:at]}{', ' if root.value else ''}{key}: {{{inner}}}{text[at:]}"
    eol = _eol(text)
    indent = " " * (root.start_mark.column if root is not None else 0)
    lines = [f"{indent}{key}:", *(f"{indent}  {name}: {scalar(value)}" for name, value in entry.items())]
    marker = _DOCUMENT_END.search(text, root.end_mark.index if root is not None else 0)
    at = marker.start() if marker else len(text)
    before, after = text[:at], text[at:]
    if before and not before.endswith(("\n", "\r")):
        return before + eol + eol.join(lines) + after  # a file without final newline stays one
    return before + eol.join(lines) + eol + after


def _eol(text: str) -> str:
    first = _BREAK.search(text)
    return first[0] if first else "\n"


def _line_end(text: str, index: int) -> int:
    """Where the line after the one at ``index`` begins."""
    end = _BREAK.search(text, index)
    return end.end() if end else len(text)


def scalar(text: str) -> str:
    """``text`` as a YAML scalar on one line, plain only where every loader sees text."""
    if text.lower() not in _WORDS and (_SAFE.fullmatch(text) or _SAFE_ADDRESS.fullmatch(text)):
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else f"\\U{ord(char):08X}"
