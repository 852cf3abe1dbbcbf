r"""Captures as people post them: in a log, as a C array, as a Python literal, as a hex dump.

Every form is one pattern; a line that fits none holds no bytes and is left out. Seen in the
wild: ``55.AA.EB.90 (300)`` (ESPHome), ``0x55, 0xaa,`` (C, mpp-solar), ``bytearray(b"U\xaa")``
(bleak), ``<<< 55:AA:EB``, ``[85, 170, 235]`` (JavaScript), ``[85, -86, -21]`` (Java),
``00000010: 55aa eb90  U...`` (xxd).

Numbers are decimal where one of them can be nothing else (100 and more, a single digit, a sign); others are what
the last sure line was.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator

from jk_bms.errors import ProtocolError
from jk_bms.protocol.dump import DumpLine, parse_line

FORMS = (
    "hex with or without blanks, dots, colons, commas or 0x, Python's b'...' or a list of decimal numbers, one "
    "notification or frame a line, in a log or alone; if in doubt write each notification as hex alone: 55AAEB90..."
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
# A moment as people and programs write it: a date with or without a time, or a time of day.
_ZONE = r"(?: \s? (?: Z | UTC | GMT | [+-]\d{2}:?\d{2} ) )?"
_CLOCK = r"(?: [01]?\d | 2[0-4] ) : [0-5]\d : [0-6]\d (?: [.,]\d{1,9} )? (?: \s? [ap]m )?"
_AFTER_DATE = r"(?: [01]?\d | 2[0-4] ) [:.] [0-5]\d (?: [:.] [0-6]\d (?: [.,]\d{1,9} )? )? (?: \s? [ap]m )?"
_YEAR = r"(?: 19 | 20 ) \d{2}"
_STAMP = rf"""
    (?: (?<![\w.:-])
        (?: {_YEAR} (?P<a>[-/.]) \d{{1,2}} (?P=a) \d{{1,2}}
          | \d{{1,2}} (?P<b>[-/.]) \d{{1,2}} (?P=b) (?: {_YEAR} | \d{{2}} ) )
        (?: T | [ ,;_]+ ) {_AFTER_DATE} {_ZONE} (?! [\w:] | [.]\w )
      | (?<![\w.]) {_YEAR} \d{{4}} [T _-] [0-2]\d [0-5]\d [0-6]\d (?: [.,]\d{{1,9}} )? {_ZONE} (?! [\w:] | [.]\w )
      | (?<![\w.:-])
        (?: {_YEAR} (?P<c>[-/.]) \d{{1,2}} (?P=c) \d{{1,2}} T? | \d{{1,2}} (?P<d>[-/.]) \d{{1,2}} (?P=d) {_YEAR} )
        (?! [\w:-] | [.]\w )
      | (?<![:\w.]) {_CLOCK} {_ZONE} (?! [:\w] )
      | ^ (?: {_YEAR} \s \d\d \s \d\d | \d\d \s \d\d \s {_YEAR} ) (?: \s [0-2]\d \s [0-5]\d \s [0-6]\d )? (?!\w)
    )
"""
_LEADING = re.compile(rf"^ [(\[<]? {_STAMP} [)\]>]? \s* [:,;|-]? \s*", re.VERBOSE | re.IGNORECASE)
# What is written in hex digits and is no data: moments, addresses, UUIDs, places in a program.
_NO_DATA = re.compile(
    _STAMP
    + r"""
    | (?<![:\w-]) (?:[0-9A-Fa-f]{2}[:-]){5} [0-9A-Fa-f]{2} (?![:\w-])   # an address
    | (?<!\w) [0-9A-Fa-f]{8} (?:-[0-9A-Fa-f]{4}){3} -[0-9A-Fa-f]{12}    # a UUID
    | \[ [\w.]+ : \d+ \] | \( \d+ \)                                  # a line of a program, a length
    | handle \s+ (?:0x)?[0-9A-Fa-f]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NUMBER = r"(?<![\w.])-?\d{1,3}(?!\w|\.\d)"
_LIST = re.compile(rf"[\[({{]?\s*({_NUMBER}(?:\s*[,;]\s*{_NUMBER})+)")
_OPENED = re.compile(r"[\[{(]\s*$")
_BY_PLACE = re.compile(r'"\d+"\s*:\s*(\d{1,3})(?!\d)')  # what JavaScript makes of an array of bytes in JSON
# By the program that printed it.
_CUT_SHORT = re.compile(r"(?:\.\.\.|…)\s*(?:\d+ more\b|[\])}>,])|\d\s*(?:\.\.\.|…)\s*\d+[\s,]")
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
        self.cut_short = 0  # number of the first line of which the program that printed it left out a part
        self.unsure = 0  # number of the first line of numbers that may be decimal or hex
        self._decimal = False  # the last sure numbers were
        self._in_list = False  # a list was begun on a line before

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
            if not self.cut_short and _CUT_SHORT.search(text):
                self.cut_short = number
            found = self._found(text, number)
            if found is None:
                self.left_out += 1
                self.first_left_out = self.first_left_out or number
            elif not _was_sent(found.chunk):
                yield found

    def _found(self, text: str, number: int) -> DumpLine | None:
        if chunk := _hex_dump(text):  # before our own form, which would take the place for bytes
            return DumpLine(None, chunk)
        text = _LEADING.sub("", text) or text
        if chunk := self._numbers(text, number):
            return DumpLine(None, chunk)
        try:
            return parse_line(text.partition("#")[0].strip(), number)
        except ProtocolError:
            pass
        for form in FINDERS:
            if chunk := form(text):
                if len(chunk) >= LEAST and re.search("[a-fA-F]", text):
                    self._decimal = False
                return DumpLine(None, chunk)
        return None

    def _numbers(self, text: str, number: int) -> bytes:
        """The bytes of a list of decimal numbers, or of a line of one; b"" where there is none, or it is hex."""
        in_list, opened = self._in_list, bool(_OPENED.search(text))
        self._in_list = opened or (in_list and not re.search(r"[\])}]", text))
        alone = text.strip("[](){},; ")
        tokens, whole = re.split(r"[\s,;]+", alone), True
        if not all(re.fullmatch(r"-?\d{1,3}", token) for token in tokens):
            if len(placed := _BY_PLACE.findall(text)) >= LEAST:
                return _bytes(placed)
            found = max(
                _LIST.finditer(_NO_DATA.sub("|", text)), key=lambda match: len(match[1]), default=None
            )
            if found is None:
                return b""
            tokens, whole = re.split(r"[\s,;]+", found[1]), False
            if len(tokens) < (LEAST if found[0][0] in "[({" else 2 * LEAST):
                return b""
        if any(re.match(r"-?0\d", token) for token in tokens):  # 00, 05: hex in pairs
            return b""
        listed = not whole or text[0] in "[({" or re.search("[,;]", text)
        if len(tokens) == 1 and not in_list and text[0] != "[":
            return b""
        # In front of a row of hex pairs a number of any length is its time.
        telling = tokens if listed or in_list else tokens[1:]
        sure = any(token[0] == "-" or len(token) in (1, 3) for token in telling)
        if sure and not any(len(token) == 2 for token in telling) and not listed and len(tokens) < LEAST:
            sure = False  # "7 100": a time and a number, or two numbers
        if not sure and not in_list and not self._decimal:
            if listed and len(tokens) >= LEAST and not self.unsure:
                self.unsure = number
            return b""
        self._decimal = self._decimal or sure
        return _bytes(tokens)


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


def _bytes(numbers: Iterable[str]) -> bytes:
    """Decimal ``numbers`` as bytes, those below 0 as Java counts them; b"" when one of them is none."""
    values = [int(number) for number in numbers]
    return bytes(value & 0xFF for value in values) if all(-128 <= value < 256 for value in values) else b""


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


FINDERS: tuple[Callable[[str], bytes], ...] = (_literals, _prefixed, _parted, _joined)
