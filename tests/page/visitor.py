"""One who opens the page of a house in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.page.house import Lived, Session
from tests.web.chromium import watched

NEW: Any = object()  # a session of his own


def signed_in(context: BrowserContext, url: str, session: Session) -> None:
    """Have the browser hold that session at ``url``."""
    name, _, value = session.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": url}])


@contextmanager
def visitor(
    browser: Browser, house: Lived, session: Session | None = NEW, url: str = "", **look: Any
) -> Iterator[tuple[Page, list[str]]]:
    """A page that nothing was loaded into yet, and the list of what goes wrong in it.

    ``session``: who it is; None: nobody that the house knows. ``url``: of a way that leads to the house.
    """
    usual: dict[str, Any] = {"viewport": {"width": 360, "height": 780}, "locale": "en"}
    context = browser.new_context(**usual | look)
    try:
        if session is not None:
            signed_in(context, url or house.url, house.sign_in() if session is NEW else session)
        yield watched(context, url or house.url)
    finally:
        context.close()
