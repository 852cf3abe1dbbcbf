"""Sends one message through Apprise and ends: ``python -m jk_bms.actions.apprise_send``.

Apprise is heavy and talks to strangers, so it never lives in the poller. Addresses are secrets:
they come on standard input, never as arguments, and are taken out of what Apprise says.

HTTPS_PROXY and NO_PROXY come in the environment: what speaks HTTPS goes through that proxy.

Input: ``{"url", "title", "body", "kind"}``; without a ``title`` the address is only looked at.
Output: ``{"ok": bool, "error": text}``.
"""

import json
import logging
import os
import re
import sys
from typing import Any
from urllib.parse import unquote, unquote_plus

from jk_bms.config.settings.proxies import is_direct, is_socks

KINDS = {"info": "info", "warning": "warning", "error": "failure", "critical": "failure", "over": "success"}
HTTPS = 443  # the port
LONGEST_ERROR = 300  # characters
SHORTEST_SECRET = 5  # characters; a shorter piece of an address gives nothing away


def main() -> int:
    """Do what standard input says; the answer goes to standard output."""
    asked: dict[str, Any] = json.load(sys.stdin)
    json.dump(answer(asked), sys.stdout)
    return 0


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Send, or look at an address; return how it went."""
    try:
        import apprise
    except ImportError:
        return {"ok": False, "error": "the package apprise is not installed", "missing": True}
    url = str(asked["url"])
    _take_socks()
    capture = apprise.LogCapture(level=logging.WARNING, fmt="%(message)s")  # type: ignore[no-untyped-call]
    with capture as said:
        service = apprise.Apprise()
        if not service.add(url):
            return {
                "ok": False,
                "error": _masked(said.getvalue(), url) or "Apprise does not know it",
                "refused": True,
            }
        if "title" not in asked:
            return {"ok": True, "error": ""}
        sent = service.notify(
            title=asked["title"],
            body=asked["body"],
            notify_type=apprise.NotifyType(KINDS.get(asked.get("kind", ""), "info")),
            body_format=apprise.NotifyFormat.TEXT,
        )
        return {"ok": bool(sent), "error": "" if sent else _masked(said.getvalue(), url) or "not sent"}


def _take_socks() -> None:
    """Have HTTPS go through a SOCKS proxy of the environment, which the library for it cannot do by itself.

    It asks for connections in one place. What is no HTTPS (port 443) is asked directly, as with a proxy of HTTP.
    """
    proxy = os.environ.get("HTTPS_PROXY", "")
    if not is_socks(proxy):
        return
    import urllib3.util.connection as connections
    from python_socks.sync import Proxy

    del os.environ["HTTPS_PROXY"]
    usual = connections.create_connection

    def connect(address: tuple[str, int], timeout: Any = None, *others: Any, **named: Any) -> Any:
        host, port = address
        if port != HTTPS or is_direct(host, os.environ.get("NO_PROXY")):
            return usual(address, timeout, *others, **named)
        seconds = timeout if isinstance(timeout, int | float) else None
        try:
            return Proxy.from_url(proxy, rdns=True).connect(host, port, timeout=seconds)
        except Exception as error:  # of that package: here it is a connection that fails
            raise OSError(f"the proxy (HTTPS_PROXY) does not lead there: {type(error).__name__}") from error

    connections.create_connection = connect


def _masked(said: str, url: str) -> str:
    """Return the last line that Apprise said, without any piece of ``url`` beyond its scheme."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    line = lines[-1] if lines else ""
    rest = url.partition("://")[2] or url
    texts = (rest, unquote(rest), unquote_plus(rest))  # as it stands there, and as Apprise reads it
    pieces = {piece for text in texts for piece in (text, *re.split(r"[^\w.-]+", text))}
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= SHORTEST_SECRET:
            line = line.replace(piece, "***")
    return line[:LONGEST_ERROR]


if __name__ == "__main__":
    sys.exit(main())
