"""Text that came from elsewhere, made safe for a message."""

import re
from collections.abc import Iterator

LONGEST_NAME = 60  # characters of a name in a message
LONGEST_MESSAGE = 4096  # of Telegram, in the units of UTF-16, as it counts them
_TAG = re.compile(r"</?([a-z-]+)[^<>]*>")
_ATOM = re.compile(r"<[^<>]*>|&[a-z#0-9]+;|.", re.DOTALL)
_TAGS_ROOM = 100  # units for tags that are closed and opened at a cut


def escape(text: object) -> str:
    """Return ``text`` for a message in Telegram's HTML: nothing in it is markup any more."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def clip(text: object, limit: int = LONGEST_NAME) -> str:
    """Return ``text`` on one line of at most ``limit`` characters.

    Line ends and control characters of a hostile name would tear a page apart, direction marks
    would turn it round.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def split(text: str, limit: int = LONGEST_MESSAGE) -> list[str]:
    """Return HTML ``text`` as messages of at most ``limit`` UTF-16 units, cut at line ends.

    What is bold or in a block at a cut is closed there and opened again in the next message. A
    line that is too long for any message is cut within, never inside a tag or an entity.
    """
    messages: list[str] = []
    here: list[str] = []  # the tags that are open at this place
    page, opened = "", ""  # the message so far, and the tags that it began with
    for piece in _pieces(text, limit):
        after = _open_tags(piece, here)
        if page != opened and _length(page + piece.rstrip("\n")) + _length(_closing(after)) > limit:
            messages.append(page.rstrip("\n") + _closing(here))
            page = opened = "".join(here)
        page += piece
        here = after
    if page != opened:
        messages.append(page.rstrip("\n") + _closing(here))
    return [message for message in messages if _TAG.sub("", message).strip()]


def _pieces(text: str, limit: int) -> Iterator[str]:
    """Lines with their ends; a line that fills a message by itself in parts."""
    for line in text.splitlines(keepends=True):
        if _length(line) <= limit - _TAGS_ROOM:
            yield line
            continue
        part, length = "", 0
        for atom in _ATOM.findall(line):
            if part and length + _length(atom) > limit - _TAGS_ROOM:
                yield part
                part, length = "", 0
            part += atom
            length += _length(atom)
        yield part


def _open_tags(piece: str, before: list[str]) -> list[str]:
    still = list(before)
    for found in _TAG.finditer(piece):
        if not found[0].startswith("</"):
            still.append(found[0])
        elif still:
            still.pop()
    return still


def _closing(tags: list[str]) -> str:
    return "".join("</" + _TAG.sub(r"\1", tag) + ">" for tag in reversed(tags))


def _length(text: str) -> int:
    return len(text) + sum(1 for c in text if ord(c) > 0xFFFF)
