"""Text that came from elsewhere, made safe for a message."""

LONGEST_NAME = 60  # characters of a name in a message


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
