"""THE gate for text of others: names from the air, firmware strings, foreign files and databases.

What comes through it stands on one line, has an end, and cannot steer a terminal, forge a log
line, turn a sentence round or hide. It is applied where text comes in (``Device``, ``Entry``,
``Event``, errors, readers of foreign files); the formatter of the log applies it once more.
"""

import unicodedata
from collections.abc import Iterator

NAME_MOST = 64  # characters of a name; what the air carries is shorter
TEXT_MOST = 300  # of a sentence, such as an error of the Bluetooth service
STACKED_MOST = 4  # accents on one letter; more of them climb over the lines above

_CUT = "…"
# Letters and signs that are drawn as nothing at all, though Unicode calls them visible.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_RAW_BYTE = range(0xDC80, 0xDD00)  # how Python keeps a byte that is no UTF-8


def harmless(text: str, most: int = TEXT_MOST) -> str:
    r"""Return ``text`` on one line of at most ``most`` characters; what cannot be seen is shown: ``\x1b``, ``\n``.

    Blanks of all kinds become plain ones. Text without anything special comes back as it is.
    """
    if text.isascii() and text.isprintable():
        return text if len(text) <= most else _cut(text, most)
    shown = "".join(_shown(text[: most + 1]))
    return shown if len(shown) <= most else _cut(shown, most)


def harmless_lines(text: str, most: int = TEXT_MOST) -> str:
    """Return ``text`` with each of its lines made harmless; only line feeds part lines."""
    return "\n".join(harmless(line, most) for line in text.split("\n"))


def harmless_name(text: object) -> str | None:
    """Return a name that others gave as people may see it; None when there is nothing to see in it."""
    if not isinstance(text, str):
        return None
    name = harmless(text.strip(), NAME_MOST)
    return name if any(map(_is_seen, text)) else None


def _shown(text: str) -> Iterator[str]:
    stacked = 0
    for char in text:
        category = unicodedata.category(char)
        stacked = stacked + 1 if category in ("Mn", "Me") else 0
        if category == "Zs":
            yield " "
        elif stacked > STACKED_MOST:
            continue
        elif char.isprintable() and char not in _BLANK:
            yield char
        elif ord(char) in _RAW_BYTE:
            yield f"\\x{ord(char) - 0xDC00:02x}"
        else:
            yield char.encode("unicode_escape").decode()


def _is_seen(char: str) -> bool:
    """Whether it is drawn: a letter, digit or sign; not a blank, an accent alone or a mark of direction."""
    return char not in _BLANK and unicodedata.category(char)[0] in "LNPS"


def _cut(text: str, most: int) -> str:
    return text[: most - len(_CUT)].rstrip() + _CUT
