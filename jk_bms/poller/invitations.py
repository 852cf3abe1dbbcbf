"""Who may claim the Telegram bot: one-time codes, made here and asked for in a chat.

The owner sees a code where only he can look (log, ``jk-util.py``); the person who sends it to the bot is let
in. Codes live in memory only; that the bot was claimed is kept, until the bot itself knows of no owner any more:
its database was lost.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from jk_bms.clock import Clock
from jk_bms.errors import LiveError

STATE = "telegram"  # its name in bms.db
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that looks like something else
# 50 bits: Telegram hands a bot at most some thirty messages a second, and that guesses one in a million
# years. So wrong codes never lock out the right one.
LENGTH = 10  # characters
SURE = 2  # times in a row: once may be said while the owner is just being written down
INVITATION = timedelta(hours=1)
OWNER, GUEST = ROLES = ("owner", "guest")  # does everything; looks


class Invitations:
    """The codes that are good now. ``open_to_first``: as long as it is not claimed, there is one that never expires."""

    def __init__(self, clock: Clock, *, open_to_first: bool) -> None:
        self.username: str | None = None  # of the bot, as it said
        self.claimed = False
        self.lost = False  # it had an owner, and knows of none any more
        self.code: str | None = None  # the first one, as long as the bot is not claimed
        self._clock = clock
        self._open_to_first = open_to_first
        self._invitations: dict[str, tuple[float, str]] = {}  # code: s since boot when it expires, role
        self._disowned = 0  # times in a row that the bot knew of no owner, though it was claimed

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Take over what was kept; make the first code when one is needed."""
        self.claimed = bool((state or {}).get("claimed"))
        self.lost = bool((state or {}).get("lost"))
        username = (state or {}).get("username")
        self.username = username if isinstance(username, str) else None
        if self._open_to_first and not self.claimed:
            self.code = _new_code()

    def state(self) -> dict[str, Any]:
        """Return what must be kept; no code is among it."""
        return {"claimed": self.claimed, "username": self.username, "lost": self.lost}

    def invite(self, role: object = OWNER) -> dict[str, Any]:
        """Make another code, good for an hour: ``code``, ``link`` (None: the bot's name is not known), ``expires``.

        Raises LiveError for a ``role`` that there is not.
        """
        if role not in ROLES:
            raise LiveError(f"invite: role is {role!r}; expected {' or '.join(ROLES)}")
        code = _new_code()
        self._invitations[code] = (self._clock.monotonic() + INVITATION.total_seconds(), str(role))
        expires: datetime = self._clock.now() + INVITATION
        return {
            "code": code,
            "link": self.link(code),
            "expires": expires.isoformat(timespec="seconds"),
            "role": role,
        }

    def link(self, code: str) -> str | None:
        """Return the address that opens the bot with ``code``; None while its name is not known."""
        return f"https://t.me/{self.username}?start={code}" if self.username else None

    def claim(self, code: object) -> str:
        """Use up ``code``; return the role that it gives. Raises LiveError when it is none that is good now."""
        found, role = self._known(code)
        self._invitations.pop(found, None)
        if role == OWNER:
            self.claim_known()
        return role

    def void(self, code: object) -> None:
        """Make ``code`` void, since others could read it. Raises LiveError when it is none that is good now."""
        found, _ = self._known(code)
        self._invitations.pop(found, None)
        if found == self.code:
            self.code = _new_code()

    def _known(self, code: object) -> tuple[str, str]:
        """The code that is meant and its role."""
        given = code.strip().upper().encode() if isinstance(code, str) else b""
        now = self._clock.monotonic()
        self._invitations = {known: kept for known, kept in self._invitations.items() if now < kept[0]}
        good = {known: role for known, (_, role) in self._invitations.items()}
        if self.code is not None:
            good[self.code] = OWNER
        for known, role in good.items():
            if hmac.compare_digest(known.encode(), given):
                return known, role
        raise LiveError("claim: that code is not, or no longer, good")

    def claim_known(self) -> None:
        """Note that there is an owner: the first code is good no more."""
        self.claimed, self.lost = True, False
        self.code = None
        self._disowned = 0

    def disowned(self) -> bool:
        """Note that the bot knows of no owner; return whether it therefore can be claimed with a new first code."""
        self._disowned += self.claimed
        if self._disowned < SURE or not self._open_to_first:
            return False
        self.claimed, self.lost, self._disowned = False, True, 0
        self.code = _new_code()
        return True


def _new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
