"""HTML from Python, small and closed: whatever is not markup already is escaped."""

from collections.abc import Iterable, Iterator

from jk_bms.texts import escape

VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "rect", "use"})  # have no end


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, /, *content: object, **attributes: object) -> Html:
    """Return an element; text in ``content`` is escaped, None and "" left out.

    Attributes: ``_`` stands for ``-`` and is dropped at the end (``class_``); None and False leave one out.
    """
    told = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inner = "".join(_inner(content))
    return Html(f"<{name}{told}>" if name in VOID else f"<{name}{told}>{inner}</{name}>")


def _inner(content: Iterable[object]) -> Iterator[str]:
    for each in content:
        if each is None or each == "":
            continue
        if isinstance(each, Html):
            yield each
        elif isinstance(each, Iterable) and not isinstance(each, str):
            yield from _inner(each)
        else:
            yield escape(each)
