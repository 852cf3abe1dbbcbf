"""A link that a phone can read off a terminal."""

from functools import cache
from io import StringIO


@cache
def qr_lines(link: str) -> tuple[str, ...]:
    """Return ``link`` as a QR code in half blocks, a line for each two rows; () where segno is not installed."""
    try:
        import segno  # part of the page's packages
    except ImportError:
        return ()
    out = StringIO()
    segno.make(link, error="l").terminal(out, compact=True)
    return tuple(out.getvalue().rstrip("\n").split("\n"))
