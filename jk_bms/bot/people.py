"""Letting people in and out: one-time codes, and the page /users for owners."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Iterable
from datetime import datetime

from jk_bms.bot import pages
from jk_bms.bot.asked import Asked
from jk_bms.bot.light_aiogram import Message
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages import Page
from jk_bms.bot.parts import Parts
from jk_bms.errors import JkBmsError, StoreError
from jk_bms.poller.invitations import ALPHABET, GUEST, LENGTH, OWNER, ROLES
from jk_bms.texts import escape

log = logging.getLogger(__name__)

MOST_CODES = 8  # words of one message that are tried: a code needs no company


class People:
    """Who may use the bot, and how that changes."""

    def __init__(self, parts: Parts) -> None:
        self._settings, self._store, self._access, self._live, self._languages = parts
        self._one = asyncio.Lock()  # codes are tried one after another, however many send them

    async def claim(self, asked: Asked, code: str) -> tuple[Page | None, str]:
        """Use up ``code``: return the page that says what came of it, or the greeting of who is let in.

        A wrong code is answered a few times, then not at all: an empty page. In a group every code is
        wrong: one that was good is burnt by now.
        """
        try:
            if not (asked.private and looks_like_code(code)):
                raise JkBmsError("no code")
            async with self._one:
                told = await self._live.request("claim", code=code)
        except JkBmsError:
            if (await self._live.snapshot()).poller_down:
                return pages.plain(asked.texts, "bot.claim_later"), ""
            if self._access.answer_wrong_code(asked.sender):
                return pages.plain(asked.texts, "bot.claim_wrong"), ""
            return Page(""), ""
        # An older service lets in owners only.
        role = told.get("role") if told.get("role") in ROLES else OWNER
        log.info("chat %d: let in with a code, as %s", asked.chat, role)
        store = self._store
        await store.aside(
            store.change_chat,
            asked.chat,
            allowed=True,
            role=role,
            kind=asked.kind,
            title=asked.title,
            language=asked.spoken or store.chat(asked.chat).language,
        )
        await self._tell_owners("access.joined", f"access.as_{role}", asked)
        key = "bot.claimed" if told.get("first") else f"access.welcome_{role}"
        return None, asked.texts(key)

    async def burn(self, asked: Asked, codes: Iterable[str]) -> bool:
        """Make void those of ``codes`` that are good, since others could read them, and say so; False: none was."""
        burnt = False
        async with self._one:
            for code in codes:
                with contextlib.suppress(JkBmsError):  # a word that is no code, or no service to ask
                    await self._live.request("void", code=code)
                    burnt = True
        if burnt:
            log.warning("chat %d: a code was sent where others read it; it is good no more", asked.chat)
            try:
                await self._tell_owners("access.code_burnt", "", asked, title=asked.title)
            except StoreError as error:  # a full disk: who wrote it is answered all the same
                log.error("%s", error)
        return burnt

    async def page(self, asked: Asked) -> Page:
        """Do what the arguments of /users say, and return the page that follows."""
        match asked.arguments:
            case ("invite", role) if role in ROLES:
                return await self._invite(asked, role)
            case ("remove", number):
                for one in self._access.people():
                    if str(one.id) == number and not one.named and one.id != asked.user:
                        return pages.remove_person(one, asked.texts)
            case ("removed", number):
                for one in self._access.people():
                    if str(one.id) == number and not one.named and one.id != asked.user:
                        await self._remove(one.id)
                        await self._tell_owners("access.removed", "", asked, title=one.title)
        return pages.users(self._access.people(), asked.user, asked.texts, private=asked.private)

    async def _invite(self, asked: Asked, role: str) -> Page:
        if not asked.private:
            return pages.plain(asked.texts, "access.private_only")
        try:
            told = await self._live.request("invite", role=role)
        except JkBmsError as error:
            log.warning("no invitation: %s", error)
            return pages.plain(asked.texts, "bot.try_later")
        until = datetime.fromisoformat(told["expires"]).astimezone(self._settings.timezone)
        return pages.invitation(told["code"], told["link"], role, f"{until:%H:%M}", asked.texts)

    async def _remove(self, chat: int) -> None:
        store = self._store
        log.info("chat %d: taken out by an owner", chat)
        await store.aside(store.change_chat, chat, allowed=False, role=GUEST, monitoring=False)
        waiting = await store.aside(store.oldest, chat)
        await store.aside(store.done, [one.number for one in waiting])

    async def _tell_owners(self, key: str, as_key: str, asked: Asked, title: str = "") -> None:
        """Tell the other owners that a person came or went."""
        messages = []
        for chat in self._access.owners():
            if chat == asked.chat:
                continue
            texts = self._languages.of(chat)
            who = title or asked.name or asked.title
            text = escape(texts(key, name=who, role=texts(as_key) if as_key else "", by=asked.name))
            messages.append(Outgoing(chat=chat, text=f"👥 {text}", line=text))
        await self._store.aside(self._store.queue, messages)


_CODE = re.compile(rf"(?<![0-9A-Za-z])[{ALPHABET}]{{{LENGTH}}}(?![0-9A-Za-z])", re.IGNORECASE | re.ASCII)


def looks_like_code(text: str) -> bool:
    """Whether ``text`` may be a one-time code at all."""
    return _CODE.fullmatch(text) is not None


def codes_in(message: Message) -> list[str]:
    """Return the words of ``message`` that may be codes: in its text or caption, and in the links behind them."""
    entities = (*(message.entities or ()), *(message.caption_entities or ()))
    told = [message.text, message.caption, *(entity.url for entity in entities)]
    found = (code.upper() for text in told if text for code in _CODE.findall(text))
    return list(dict.fromkeys(found))[:MOST_CODES]
