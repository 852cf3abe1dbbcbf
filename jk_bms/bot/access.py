"""Who is served: the chats and users that the settings name, and whoever claimed the bot with a code."""

import time
from collections.abc import Callable

from jk_bms.bot.store import BotStore, Chat
from jk_bms.settings import Settings

QUIET = 3600.0  # s in which a stranger is refused once
GUESSES = 5  # codes that one user may try in that time
_MOST = 1000  # strangers remembered; a bound, not a tuning


class Access:
    """Decides for each message and press. ``user`` None: a channel, which speaks for itself."""

    def __init__(
        self, settings: Settings, store: BotStore, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._users = frozenset(settings.allowed_users)
        self._configured = settings.chat_ids
        self._monotonic = monotonic
        self._refused: dict[int, float] = {}
        self._guesses: dict[int, list[float]] = {}

    @property
    def claimed(self) -> bool:
        """Whether anybody is served at all; as long as not, the first good code makes an owner."""
        return bool(self._users or self._configured or any(chat.allowed for chat in self._store.chats()))

    def serves(self, chat: int, user: int | None, kind: str) -> bool:
        """Whether ``user`` may ask in ``chat``.

        With TELEGRAM_ALLOWED_USERS set, a group is served only when one of those users asks there.
        """
        if user is not None and user in self._users:
            return True
        if kind == "private" or user is None or not self._users:
            return self._listed(chat)
        return False

    def hears(self, chat: Chat) -> bool:
        """Whether messages that nobody asked for may go to ``chat``, as the settings are today."""
        return self._listed(chat.id) or (chat.kind == "private" and chat.id in self._users)

    def monitoring(self) -> list[Chat]:
        """The chats that began monitoring with /start."""
        return [chat for chat in self._store.chats() if chat.monitoring and self.hears(chat)]

    def told_of_alerts(self) -> list[int]:
        """The chats that alerts and digests go to: configured, claimed, or monitoring."""
        configured = [self._store.present_id(chat) for chat in self._configured]
        met = [
            chat.id for chat in self._store.chats() if self.hears(chat) and (chat.allowed or chat.monitoring)
        ]
        return list(dict.fromkeys((*configured, *met)))

    def refuse_now(self, user: int) -> bool:
        """Whether a stranger is told so: once an hour, whatever he sends."""
        now = self._monotonic()
        self._refused = {known: at for known, at in self._refused.items() if now - at < QUIET}
        if user in self._refused or len(self._refused) >= _MOST:
            return False
        self._refused[user] = now
        return True

    def may_guess(self, user: int) -> bool:
        """Whether ``user`` may try another code; counts it."""
        now = self._monotonic()
        self._guesses = {
            known: recent
            for known, times in self._guesses.items()
            if (recent := [at for at in times if now - at < QUIET])
        }
        tried = self._guesses.setdefault(user, [])
        if len(tried) >= GUESSES or len(self._guesses) > _MOST:
            return False
        tried.append(now)
        return True

    def _listed(self, chat: int) -> bool:
        present = (self._store.present_id(one) for one in self._configured)
        return chat in self._configured or chat in present or self._store.chat(chat).allowed
