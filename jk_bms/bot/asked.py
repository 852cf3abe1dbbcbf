"""Who asks, where, and what he may do: what every answer needs to know."""

from typing import NamedTuple

from jk_bms.bot.light_aiogram import CallbackQuery, Message
from jk_bms.bot.roles import Role
from jk_bms.texts import Texts, clip

GROUP_ADMIN = 1087968824  # whom Telegram names for an administrator who writes as his group


class Asked(NamedTuple):
    """Who asks, where, and in which language the answer is."""

    chat: int
    user: int | None  # None: a channel, or a group that speaks for itself
    kind: str  # private, group, supergroup, channel
    title: str
    name: str  # of the person, as others may read it
    texts: Texts
    role: Role
    spoken: str | None = None  # language of his Telegram
    topic: int = 0  # of a forum, where the answer goes; 0: none
    arguments: tuple[str, ...] = ()
    edits: int | None = None  # the message whose place the answer takes
    pictured: bool = False  # that message is a picture

    @property
    def private(self) -> bool:
        """Whether only one person sees the answer."""
        return self.kind == "private"

    @property
    def owner(self) -> bool:
        """Whether he may do everything."""
        return self.role is Role.OWNER

    @property
    def sender(self) -> int:
        """The number that stands for the person who asks."""
        return self.chat if self.user is None else self.user


def command_text(message: Message) -> str:
    """Return what a person wrote himself; "" for captions, forwarded words, and those of another bot."""
    user = message.from_user
    by_bot = user is not None and user.is_bot and user.id != GROUP_ADMIN
    if by_bot or message.via_bot or message.forward_origin or message.is_automatic_forward:
        return ""
    return (message.text or "").strip()


def person(message: Message) -> int | None:
    """Return who wrote ``message``; None when it speaks for its chat."""
    user = message.from_user
    return None if user is None or user.id == GROUP_ADMIN or message.sender_chat else user.id


def topic(message: object) -> int:
    """Return the topic that a message stands in; 0: in none. A thread of replies is no topic."""
    if getattr(message, "is_topic_message", None):
        return getattr(message, "message_thread_id", None) or 0
    return 0


def person_name(asked: Message | CallbackQuery) -> str:
    """Return what people call who asks."""
    user = asked.from_user
    return clip(user.full_name) if user is not None else ""
