"""The one-time code with which the page gets its password: shown only where the owner alone looks.

The page tells whether it has a password; as long as it has none, there is a code. Codes live in memory only.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

from jk_bms.clock import Clock
from jk_bms.errors import LiveError
from jk_bms.model.foreign_text import harmless
from jk_bms.poller.invitations import ALPHABET, LENGTH

GOOD_FOR = timedelta(hours=24)


class PageCode:
    """The code that is good now, and what the page said of itself."""

    def __init__(self, clock: Clock) -> None:
        self.url: str | None = None  # of the page, as people are told it
        self.set_up: bool | None = None  # it has a password; None: it was not heard of yet
        self.pushed = 0  # browsers that it pushes alerts to
        self.push_trouble = ""  # why their push services refuse that
        self.push_ended = ""  # which one gets nothing any more, though nobody turned it off
        self._clock = clock
        self._code = ""
        self._until = 0.0  # s since boot

    @property
    def code(self) -> str | None:
        """The code that is good; None: there is none."""
        return self._code if self._code and self._clock.monotonic() < self._until else None

    def heard(self, url: object, set_up: object, push: object = None) -> bool:
        """Note what the page says of itself; return whether there is a new code that the owner must see."""
        if isinstance(url, str) and url.startswith(("http://", "https://")):
            self.url = url[:300]
        self.set_up = set_up is True
        told = push if isinstance(push, dict) else {}
        browsers, trouble, ended = told.get("browsers"), told.get("trouble"), told.get("ended")
        self.pushed = browsers if isinstance(browsers, int) and browsers > 0 else 0
        self.push_trouble = harmless(trouble) if isinstance(trouble, str) else ""
        self.push_ended = harmless(ended) if isinstance(ended, str) else ""
        if self.set_up or self.code is not None:
            return False
        self._make()
        return True

    def invite(self) -> dict[str, Any]:
        """Make a new code, in the place of the one before: ``code``, ``link`` (None: not known), ``expires``."""
        self._make()
        expires: datetime = self._clock.now() + GOOD_FOR
        return {"code": self._code, "link": self.link, "expires": expires.isoformat(timespec="seconds")}

    def claim(self, code: object) -> None:
        """Use up ``code``. Raises LiveError when it is not the one that is good now."""
        self._check(code, "claim")
        self._code = ""

    def void(self) -> None:
        """Make the present code void: too many wrong ones were tried."""
        self._code = ""

    @property
    def link(self) -> str | None:
        """The address that opens the page with the code, in a part that no server or proxy is sent."""
        if self.url is None:
            return None
        return f"{self.url}/start#{self._code}" if self.code else self.url

    def _check(self, code: object, action: str) -> None:
        given = code.strip().upper().encode("utf-8", "replace") if isinstance(code, str) else b""
        good = self.code
        if good is None or not hmac.compare_digest(good.encode(), given):
            raise LiveError(f"{action}: that code is not, or no longer, good")

    def _make(self) -> None:
        self._code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        self._until = self._clock.monotonic() + GOOD_FOR.total_seconds() * self._clock.speed
