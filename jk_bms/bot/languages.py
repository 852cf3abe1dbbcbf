"""In which language a chat is spoken to."""

import logging

from jk_bms.bot.asked import Asked
from jk_bms.bot.store import BotStore
from jk_bms.errors import StoreError
from jk_bms.texts import LANGUAGES, Texts, best, language

log = logging.getLogger(__name__)


class Languages:
    """The language of each chat. ``fixed``: BOT_LANGUAGE, where a chat chose none; None: as its people speak."""

    def __init__(self, store: BotStore, fixed: str | None) -> None:
        self._store = store
        self._fixed = fixed

    def of(self, chat: int) -> Texts:
        """Return the texts of what the bot sends to ``chat`` by itself."""
        return self.for_speaker(None, chat)

    def for_speaker(self, spoken: str | None, chat: int) -> Texts:
        """Return the texts of an answer in ``chat`` to a person whose Telegram speaks ``spoken``."""
        known = self._store.chat(chat)
        fixed = known.choices.language or self._fixed
        return language(fixed) if fixed in LANGUAGES else best(spoken or known.language)

    async def remember(self, asked: Asked) -> None:
        """Note in which language a person is spoken to when he did not ask."""
        known, spoken = self._store.chat(asked.chat), asked.spoken
        if spoken and known.language != spoken and (asked.private or known.language is None):
            try:
                await self._store.aside(
                    self._store.change_chat, asked.chat, language=spoken, kind=asked.kind, title=asked.title
                )
            except StoreError as error:  # a full disk: he is answered all the same
                log.error("%s", error)
