"""What is to be sent: the messages that wait in ``bot.db``, and how many become one."""

import html
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from jk_bms.bot.pages.page import Button

LONGEST_TEXT = 4096  # characters of a message, as Telegram counts them (without its tags)
LONGEST_CAPTION = 1024  # of the text below a picture
PRESENT = 60.0  # s for which a page of the present is one
MOST_LINES = 25  # of a summary: what a person reads after an outage

_TAG = re.compile(r"<[^<>]*>")


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A message for one chat that must arrive, however long Telegram is away.

    ``text`` is Telegram's HTML. ``key`` names what it is about: of several waiting messages with the same
    key the newest tells all. ``line``: the message in one line (HTML), for the list that stands for
    many after an outage; without one the message is never put into that list.
    """

    chat: int
    text: str
    key: str = ""
    line: str = ""
    photo: bytes | None = None  # PNG, shown above the text
    caption: str = ""  # HTML below a photo without text: what it shows, for a push message shows no picture
    buttons: tuple[tuple[Button, ...], ...] = ()  # rows, below the last part of the text
    keep_for: float | None = None  # s after which it is not worth sending any more; None: always is
    silent: bool = False  # arrives without a sound
    standing: bool = False  # of an alert that goes on, as far as this message knows
    rings: bool = False  # even in the quiet hours of its chat
    # Of a forum; 0: in none; None: where this chat wants what the bot sends by itself.
    topic: int | None = None
    later: str = ""  # HTML: what is said instead, without buttons, once it has waited longer than PRESENT

    @property
    def wordless(self) -> bool:
        """Whether it only shows what other messages say: it holds up none, and is dropped when they become one."""
        return self.silent and not self.text


class Waiting(NamedTuple):
    """A message in the queue of ``bot.db``."""

    number: int
    message: Outgoing
    made: float  # s since 1970
    doubtful: bool  # it was handed to Telegram once and may have arrived

    def as_of(self, now: float) -> Outgoing:
        """Return what is said at ``now``, in s since 1970."""
        if not self.message.later or now - self.made <= PRESENT:
            return self.message
        return msgspec.structs.replace(self.message, text=self.message.later, buttons=())


def length(text: str) -> int:
    """Return how long Telegram finds ``text``: it counts in UTF-16, where 🔋 is two."""
    return len(text) + sum(1 for character in text if character > "\uffff")


def plain(text: str) -> str:
    """Return the text of Telegram's HTML as a person sees it."""
    return html.unescape(_TAG.sub("", text))


def pieces(message: Outgoing) -> list[Outgoing]:
    """Return ``message`` as what can be sent at once: a long text in parts, a picture before a long text."""
    whole = length(plain(message.text))
    if whole <= (LONGEST_TEXT if message.photo is None else LONGEST_CAPTION):
        return [message]
    parts = split_html(message.text)
    result = []
    if message.photo is not None:
        caption = message.caption or split_html(message.text.split("\n", 1)[0], LONGEST_CAPTION)[0]
        result.append(msgspec.structs.replace(message, text="", caption=caption, buttons=()))
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        result.append(
            msgspec.structs.replace(
                message, text=part, photo=None, buttons=message.buttons if last else (), line="", later=""
            )
        )
    return result


def split_html(text: str, limit: int = LONGEST_TEXT) -> list[str]:
    """Return ``text`` in parts that Telegram takes, torn at line ends where it can be.

    A tag that is open where a part ends is closed there and opened again in the next. ``limit`` holds
    for the raw text, which is never shorter than what is shown.
    """
    parts: list[str] = []
    opened: list[str] = []  # the tags that the present part is in
    part = ""
    for piece in _torn(text, limit):
        after = _still_open(opened, piece)
        if part.strip() and length(part) + length(piece) + length(_closing(after)) > limit:
            parts.append(part.rstrip("\n") + _closing(opened))
            part = "".join(opened)
        part += piece
        opened = after
    if plain(part).strip():
        parts.append(part.rstrip("\n") + _closing(opened))
    return parts


def _torn(text: str, limit: int) -> list[str]:
    """Lines with their ends; one that is too long itself in pieces between characters and tags."""
    room = limit - 200  # for the tags that are closed and opened around it
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if length(line) <= room:
            lines.append(line)
            continue
        piece = ""
        for token in re.findall(r"<[^<>]*>|&[#\w]+;|\s*[^\s<&]+|.", line, re.DOTALL):
            for start in range(0, len(token), room // 2):
                bit = token[start : start + room // 2]
                if length(piece) + length(bit) > room:
                    lines.append(piece)
                    piece = ""
                piece += bit
        lines.append(piece)
    return lines


def _still_open(opened: list[str], piece: str) -> list[str]:
    still = list(opened)
    for tag in _TAG.findall(piece):
        if tag.startswith("</"):
            if still:
                still.pop()
        else:
            still.append(tag)
    return still


def _closing(opened: list[str]) -> str:
    return "".join(f"</{tag[1:-1].split()[0]}>" for tag in reversed(opened))


class Summary(NamedTuple):
    """Many waiting messages in a few lines."""

    lines: list[
        str
    ]  # HTML: what stands, then the rest, newest first; of equal messages the newest with its number
    left_out: int  # other messages


def summary(waiting: Sequence[Waiting], *, most: int = MOST_LINES, room: int = LONGEST_TEXT - 500) -> Summary:
    """Return ``waiting`` in at most ``most`` lines of ``room`` characters together: what stands, then the newest."""
    groups: dict[object, list[Outgoing]] = {}
    for one in waiting:
        name: object = one.message.key or one.number
        groups[name] = [*groups.pop(name, []), one.message]  # at the end: where its newest stands
    lines: list[str] = []
    told = 0
    newest_first = list(reversed(groups.values()))
    newest_first.sort(key=lambda group: not group[-1].standing)
    for group in newest_first:
        line = group[-1].line + (f" (×{len(group)})" if len(group) > 1 else "")
        room -= length(line) + 1
        if len(lines) == most or room < 0:
            break
        lines.append(line)
        told += len(group)
    return Summary(lines, len(waiting) - told)


def newest_standing(waiting: Sequence[Waiting]) -> list[Waiting]:
    """Return all that ``waiting`` says of the alert that stands and was told of last; [] when none stands."""
    newest = {one.message.key: one for one in waiting if one.message.key}
    standing = [one for one in newest.values() if one.message.standing]
    if not standing:
        return []
    key = max(standing, key=lambda one: one.number).message.key
    return [one for one in waiting if one.message.key == key]


def count_standing(waiting: Sequence[Waiting]) -> int:
    """Return how many alerts stand, as far as ``waiting`` says."""
    newest = {one.message.key: one for one in waiting if one.message.key}
    return sum(one.message.standing for one in newest.values())
