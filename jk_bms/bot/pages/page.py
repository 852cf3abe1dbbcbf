"""A page: text in Telegram's HTML and the buttons below it."""

from collections.abc import Iterable
from typing import NamedTuple

from jk_bms.texts import escape

WIDTH = 34  # characters of a block that a phone shows without breaking lines


class Button(NamedTuple):
    """One button: it asks for a page (``data``, see ``callbacks``) or opens ``url``."""

    label: str
    data: str | None = None
    url: str | None = None


class Page(NamedTuple):
    """What is shown at once. ``buttons``: rows of them, top first."""

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()


class Row(NamedTuple):
    """One value in a block: ``SoC   84 %``."""

    label: str
    number: str
    rest: str = ""  # unit and words


def block(rows: Iterable[Row]) -> str:
    """Return ``rows`` as a block of fixed width, numbers under each other; "" without rows."""
    rows = list(rows)
    if not rows:
        return ""
    label = max(len(row.label) for row in rows)
    number = max(len(row.number) for row in rows)
    return preformatted(
        f"{row.label:<{label}}  {row.number:>{number}} {row.rest}".rstrip()[:WIDTH] for row in rows
    )


def preformatted(lines: Iterable[str]) -> str:
    """Return ``lines`` as a block in which columns stay where they are."""
    return "<pre>" + escape("\n".join(lines)) + "</pre>"


def page(*paragraphs: str, buttons: Iterable[Iterable[Button]] = ()) -> Page:
    """Return a page of those ``paragraphs`` that say something, each on a line of its own."""
    rows = tuple(tuple(row) for row in buttons)
    return Page("\n".join(part for part in paragraphs if part), tuple(row for row in rows if row))
