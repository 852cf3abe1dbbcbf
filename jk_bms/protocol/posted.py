r"""Captures as people post them: in a log, as a C array, as a Python literal, as a hex dump.

Every form is one pattern; a line that fits none holds no bytes and is left out. Seen in the
wild: ``55.AA.EB.90 (300)`` (ESPHome), ``0x55, 0xaa,`` (C, mpp-solar), ``bytearray(b"U\xaa")``
(bleak), ``<<< 55:AA:EB``, ``[85, 170, 235]`` (JavaScript), ``00000010: 55aa eb90  U...`` (xxd).
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator

from jk_bms.errors import ProtocolError
from jk_bms.protocol.dump import DumpLine, parse_line

FORMS = (
    "hex with or without blanks, dots, colons, commas or 0x, Python's b'...' or a list of numbers, one notification "
    "or frame a line, in a log or alone"
)
LEAST = 4  # bytes that make a line of words a line of data: fewer may be a number or a word
LONGEST_LINE = 100_000  # characters; of a longer one that is not hex alone the rest is left out

_COMMAND = b"\xaa\x55\x90\xeb"  # what was sent, not heard ...
_COMMAND_SIZE = 20
_READY = 0xC8  # ... but the answer that begins alike

_SEPARATORS = {ord(mark): None for mark in " \t\r\n\ufeff`.:,;-"}
_ESCAPE_CODES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # colours of a terminal
# One that is not closed takes all the rest, or it would be looked for from each quote again.
_LITERAL = re.compile(r"""b?("(?:[^"\\]|\\.)*+(?:"|\\?$)|'(?:[^'\\]|\\.)*+(?:'|\\?$))""")
_ESCAPED = re.compile(r"\\x[0-9A-Fa-f]{2}")
_COMMENT = re.compile(r"//.*$|/\*.*?\*/")
_DUMP = re.compile(r"[0-9A-Fa-f]{7,8}(?::|\s)\s+(?P<hex>(?:[0-9A-Fa-f]{2,8}\s{1,2})+)(?:\s*\S.*)?")
_NUMBERS = re.compile(r"\[\s*(\d{1,3}(?:\s*,\s*\d{1,3})+)\s*,?\s*\]?")
# What is written in hex digits and is no data: times, dates, addresses, UUIDs, places in a program.
_NO_DATA = re.compile(
    r"""
      (?<![:\w.]) \d{1,2}:\d{2}:\d{2} (?:[.,]\d{1,9})? (?![:\w])       # a time of day
    | (?<![\w-]) \d{4}-\d{2}-\d{2} T? (?![\w-])                      # a date
    | (?<![:\w-]) (?:[0-9A-Fa-f]{2}[:-]){5} [0-9A-Fa-f]{2} (?![:\w-])   # an address
    | (?<!\w) [0-9A-Fa-f]{8} (?:-[0-9A-Fa-f]{4}){3} -[0-9A-Fa-f]{12}    # a UUID
    | \[ [\w.]+ : \d+ \] | \( \d+ \)                                  # a line of a program, a length
    | handle \s+ (?:0x)?[0-9A-Fa-f]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PREFIXED = re.compile(r"(?<!\w)0x[0-9A-Fa-f]{1,2}(?:[\s,;:.]+0x[0-9A-Fa-f]{1,2})*(?!\w)", re.IGNORECASE)
_PARTED = re.compile(r"(?<![\w.:-])[0-9A-Fa-f]{2}(?:[ \t]*[.:,;\t -][ \t]*[0-9A-Fa-f]{2})+(?!\w)")
_JOINED = re.compile(r"(?<!\w)(?:0x)?((?:[0-9A-Fa-f]{2})+)(?!\w)", re.IGNORECASE)


class Posted:
    """Finds the notifications in the lines of a capture, and counts what is left out."""

    def __init__(self) -> None:
        self.left_out = 0  # lines with something in them, but no bytes
        self.first_left_out = 0  # number of the first of them
        self.cut = 0  # lines of which the end was left out
        self.first_cut = 0

    def notifications(self, lines: Iterable[str]) -> Iterator[DumpLine]:
        """Yield what was heard, in order."""
        for number, line in enumerate(lines, 1):
            if len(line) > LONGEST_LINE:
                if chunk := _hex_alone(line):  # all of a capture in one line, or a file of bytes
                    yield DumpLine(None, chunk)
                    continue
                self.cut += 1
                self.first_cut = self.first_cut or number
            text = _ESCAPE_CODES.sub("", line[:LONGEST_LINE]).lstrip("\ufeff").strip().strip("`").strip()
            if not text or text.startswith("#"):
                continue
            found = self._found(text, number)
            if found is None:
                self.left_out += 1
                self.first_left_out = self.first_left_out or number
            elif not _was_sent(found.chunk):
                yield found

    @staticmethod
    def _found(text: str, number: int) -> DumpLine | None:
        if chunk := _hex_dump(text):  # before our own form, which would take the place for bytes
            return DumpLine(None, chunk)
        try:
            return parse_line(text.partition("#")[0].strip(), number)
        except ProtocolError:
            pass
        for form in FINDERS:
            if chunk := form(text):
                return DumpLine(None, chunk)
        return None


def _hex_alone(line: str) -> bytes:
    """The bytes of a line that holds nothing but hex digits and what parts them."""
    return _from_hex(line.translate(_SEPARATORS))


def _was_sent(chunk: bytes) -> bool:
    return chunk.startswith(_COMMAND) and len(chunk) == _COMMAND_SIZE and chunk[4] != _READY


def _literals(text: str) -> bytes:
    """Python's way to write bytes, and C's."""
    found = b""
    for match in _LITERAL.finditer(text):
        if not match[0].startswith("b") and not _ESCAPED.search(match[1]):
            continue
        try:
            value = ast.literal_eval(f"b{match[1]}")
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        found += value if isinstance(value, bytes) else b""
    if not found and (bare := "".join(_ESCAPED.findall(text))):
        found = bytes.fromhex(bare.replace("\\x", ""))
    return found


def _hex_dump(text: str) -> bytes:
    """Lines of xxd and hexdump: place, bytes, what they look like."""
    match = _DUMP.fullmatch(text + " ")
    return _from_hex(match["hex"]) if match else b""


def _numbers(text: str) -> bytes:
    """A list of decimal numbers; one of hex without 0x has none of three digits."""
    match = _NUMBERS.search(text)
    values = [int(part) for part in match[1].split(",")] if match else []
    return bytes(values) if max(values, default=0) in range(100, 256) else b""


def _prefixed(text: str) -> bytes:
    """``0x55, 0xAA``; single numbers of that form are handles and the like."""
    best = max(_PREFIXED.findall(_without_remarks(text)), key=len, default="")
    values = [int(part, 16) for part in re.findall(r"0x([0-9A-Fa-f]{1,2})", best, re.IGNORECASE)]
    return bytes(values) if len(values) > 1 or best == text.strip(" ,;{}") else b""


def _parted(text: str) -> bytes:
    best = max(_PARTED.findall(_NO_DATA.sub("|", _without_remarks(text))), key=len, default="")
    return _if_enough(_from_hex(re.sub(r"[^0-9A-Fa-f]", "", best)), text)


def _joined(text: str) -> bytes:
    best = max(_JOINED.findall(_NO_DATA.sub("|", _without_remarks(text))), key=len, default="")
    if best.isdecimal() and len(best) < 24:
        return b""  # a date, a counter
    return _if_enough(_from_hex(best), text)


def _without_remarks(text: str) -> str:
    return _COMMENT.sub("", text)


def _if_enough(chunk: bytes, text: str) -> bytes:
    """``chunk``, unless it is so short that it may be a part of the sentence around it."""
    alone = not re.search(r"[^0-9A-Fa-f\s.:,;<>\"'(){}\[\]-]", text)
    return chunk if alone or len(chunk) >= LEAST else b""


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


FINDERS: tuple[Callable[[str], bytes], ...] = (_literals, _numbers, _prefixed, _parted, _joined)
