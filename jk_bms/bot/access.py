"""Who is served, and as what: the chats and users of the settings, and who claimed the bot with a code.

An owner does everything, a guest looks. The owner of the machine names people in the settings, so these are
owners; the members of a group are guests there, unless one is an owner himself.
"""

import time
from collections.abc import Callable

from jk_bms.bot.roles import Person, Role
from jk_bms.bot.store import BotStore, Chat
from jk_bms.config.settings import Settings
from jk_bms.poller.invitations import OWNER

QUIET = 3600.0  # s in which a stranger is refused once
GUESSES = 5  # wrong codes of one person that are answered in that time
_MOST = 1000  # strangers remembered; a bound, not a tuning


class Access:
    """Decides for each message and press. ``user`` None: a channel or group, which speaks for itself."""

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
        """Whether there is an owner to ask for an invitation; as long as not, there is a first code."""
        claimed = any(chat.allowed and chat.role == OWNER for chat in self._store.chats())
        return bool(self._users or self._configured or claimed)

    def role(self, chat: int, user: int | None, kind: str) -> Role:
        """Return what ``user`` may do in ``chat``.

        With TELEGRAM_ALLOWED_USERS set, a group is served only when one of those users, or an owner, asks there.
        An owner is known by his number, so he is one in every chat.
        """
        if user is not None and self._of_person(user) is Role.OWNER:
            return Role.OWNER
        if kind == "private":
            return self._of_person(chat)
        return Role.GUEST if self._listed(chat) and (user is None or not self._users) else Role.STRANGER

    def owners(self) -> list[int]:
        """The private chats of all owners."""
        return [one.id for one in self.people() if one.role is Role.OWNER]

    def people(self) -> list[Person]:
        """Everybody who is served: owners first, then guests, then groups."""
        named = dict.fromkeys((*self._users, *map(self._store.present_id, self._configured)))
        claimed = [chat.id for chat in self._store.chats() if chat.allowed]
        found = [
            Person(
                number,
                self._store.chat(number).title,
                Role.GUEST if number < 0 else self._of_person(number),
                number in named,
            )
            for number in dict.fromkeys((*named, *claimed))
        ]
        return sorted(found, key=lambda one: (one.id < 0, -one.role))

    def hears(self, chat: Chat) -> bool:
        """Whether messages that the bot sends by itself may go to ``chat``, as the settings are today."""
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

    def of_owner(self, chat: int) -> bool:
        """Whether buttons of owners are shown in ``chat``: to an owner in private, and where one may be among others."""
        return chat < 0 or self._of_person(chat) is Role.OWNER

    def alerted(self, chat: int) -> bool:
        """Whether alerts go to ``chat`` also without monitoring."""
        return self._listed(chat)

    def topic_of(self, chat: int) -> int | None:
        """Return the topic of a forum to which what the bot sends by itself goes: the settings', else that of /start."""
        named = (one.topic for one in self._configured if self._store.present_id(one) == chat or one == chat)
        return next((one for one in named if one is not None), self._store.chat(chat).topic)

    def refuse_now(self, user: int) -> bool:
        """Whether a stranger is told so: once an hour, whatever he sends."""
        now = self._monotonic()
        self._refused = {known: at for known, at in self._refused.items() if now - at < QUIET}
        if user in self._refused or len(self._refused) >= _MOST:
            return False
        self._refused[user] = now
        return True

    def answer_wrong_code(self, user: int) -> bool:
        """Whether ``user`` is told that his code is wrong; counts it. A right code is never held up by this."""
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

    def _of_person(self, number: int) -> Role:
        """What a person may do, who has the same number as his private chat."""
        known = self._store.chat(number)
        if number in self._users or (known.allowed and known.role == OWNER):
            return Role.OWNER
        if number in self._configured:
            return Role.GUEST if self._users else Role.OWNER
        return Role.GUEST if known.allowed else Role.STRANGER

    def _listed(self, chat: int) -> bool:
        present = (self._store.present_id(one) for one in self._configured)
        return chat in self._configured or chat in present or self._store.chat(chat).allowed
