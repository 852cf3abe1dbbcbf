"""The way of an update: who asks, whether he may, what he is answered (``commands/``), and how it is sent."""

import asyncio
import logging
import re
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

from jk_bms.bot import pages
from jk_bms.bot.asked import Asked, command_text, person, person_name, topic
from jk_bms.bot.commands import COMMANDS, Answer, Command, Context, Later, help_page
from jk_bms.bot.commands.chat import brings_code, claim
from jk_bms.bot.commands.command import Run, plainly
from jk_bms.bot.light_aiogram import CallbackQuery, Message, Update
from jk_bms.bot.pages import Page
from jk_bms.bot.pages.callbacks import pressed
from jk_bms.bot.people import codes_in
from jk_bms.bot.roles import Role
from jk_bms.bot.sender import Sender
from jk_bms.bot.updates import AWAY
from jk_bms.texts import durations

log = logging.getLogger(__name__)

_COMMAND = re.compile(r"/(\w+)(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)


class Handlers:
    """Answers updates. What takes long goes on beside, in ``group``."""

    def __init__(self, context: Context, sender: Sender, group: asyncio.TaskGroup) -> None:
        self.username = ""  # of the bot, in small letters; "": not known yet
        self._context = context
        self._access = context.parts.access
        self._sender = sender
        self._group = group

    async def handle(self, update: Update, late: bool) -> None:
        """Answer one update; whatever else Telegram sends is ignored.

        ``late``: it may have waited for long, and not be meant any more.
        """
        if update.callback_query is not None:
            await self._press(update.callback_query, late)
            return
        message = update.message or update.edited_message or update.channel_post or update.edited_channel_post
        if message is None:
            return
        if message.migrate_to_chat_id is not None:
            await self._moved(message.chat.id, message.migrate_to_chat_id)
        else:
            await self._message(message, late)

    # Messages

    async def _message(self, message: Message, late: bool) -> None:
        text = command_text(message)
        found = _COMMAND.fullmatch(text)
        name = found[1].lower() if found else ""
        asked = self._asked(message, tuple((found[3] or "").split()) if found else ())
        # However it got there, and however late we see it: a code that others could read lets in no chat.
        if (
            not asked.private
            and (codes := codes_in(message))
            and await self._context.people.burn(asked, codes)
        ):
            await self._send(asked, plainly(asked, "access.code_in_group"))
            return
        if not text:
            return
        if late and (age := _age(message).total_seconds()) > AWAY:
            log.info("chat %d: a message of %s ago is left out", message.chat.id, durations.span(age))
            return
        if found and found[2] and self.username and found[2].lower() != self.username:
            return  # meant for another bot
        command = COMMANDS.get(name)
        if command is not None and not command.written:
            command = None
        if command is None and not asked.private:
            return
        if asked.role is Role.STRANGER:
            await self._stranger(asked, name)
            return
        await self._context.parts.languages.remember(asked)
        if command is None:
            note = pages.plain(asked.texts, "bot.unknown_command").text if found else ""
            shown = help_page(asked)
            await self._send(asked, Answer(Page(f"{note}\n\n{shown.text}".strip(), shown.buttons)))
        # Who brings a code asks to be let in.
        elif command.may(asked) or (name == "start" and brings_code(asked)):
            await self._answer(asked, command.run)
        else:
            await self._send(asked, plainly(asked, self._refusal()))

    def _asked(self, message: Message, arguments: tuple[str, ...]) -> Asked:
        """Who wrote ``message`` and what he may do."""
        user, chat = person(message), message.chat
        spoken = message.from_user.language_code if message.from_user else None
        return Asked(
            chat=chat.id,
            user=user,
            kind=chat.type,
            title=chat.title or chat.full_name or "",
            name=person_name(message),
            texts=self._context.parts.languages.for_speaker(spoken, chat.id),
            role=self._access.role(chat.id, user, chat.type),
            spoken=spoken,
            topic=topic(message),
            arguments=arguments,
        )

    def _refusal(self) -> str:
        """What a guest is told; in a house without an owner, how to become one."""
        return "access.owner_only" if self._access.owners() else "access.no_owner"

    async def _stranger(self, asked: Asked, name: str) -> None:
        """A person who is not served may bring a code; else he is told no, once an hour."""
        if name == "start" and asked.arguments:
            await self._answer(asked, claim)
            return
        if not self._access.refuse_now(asked.sender):
            return
        log.warning("chat %d: user %s is not allowed and was refused", asked.chat, asked.user)
        await self._send(asked, plainly(asked, "bot.refused" if self._access.claimed else "bot.claim_needed"))

    async def _moved(self, old: int, new: int) -> None:
        """A group became a supergroup: what it may it may on."""
        settings, store, *_ = self._context.parts
        if store.chat(old).allowed or old in settings.chat_ids:
            await store.aside(store.move_chat, old, new)

    # Buttons

    async def _press(self, query: CallbackQuery, late: bool) -> None:
        message = query.message
        if message is None or query.data is None:
            await self._sender.answer_press(query.id)
            return
        chat, user, spoken = message.chat, query.from_user.id, query.from_user.language_code
        name, arguments = pressed(query.data)
        asked = Asked(
            chat=chat.id,
            user=user,
            kind=chat.type,
            title=chat.title or chat.full_name or "",
            name=person_name(query),
            texts=self._context.parts.languages.for_speaker(spoken, chat.id),
            role=self._access.role(chat.id, user, chat.type),
            spoken=spoken,
            topic=topic(message),
            arguments=arguments,
            edits=message.message_id,
            pictured=bool(getattr(message, "photo", None)),
        )
        if asked.role is Role.STRANGER:
            text = asked.texts("bot.refused") if self._access.refuse_now(user) else ""
            await self._sender.answer_press(query.id, text)
            return
        if late:
            await self._sender.answer_press(query.id, asked.texts("bot.press_again"))
            return
        command = COMMANDS.get(name)
        if command is None or not command.pressed:  # of an older version, or made up
            await self._sender.answer_press(query.id)
        elif not command.may(asked):
            await self._sender.answer_press(query.id, asked.texts(self._refusal()), alert=True)
        else:
            await self._answer_press(asked, command, query)

    async def _answer_press(self, asked: Asked, command: Command, query: CallbackQuery) -> None:
        if command.toasts:
            await self._answer(asked, command.run, query)
            return
        busy = asked.texts(command.busy) if command.busy else ""
        await asyncio.gather(self._answer(asked, command.run), self._sender.answer_press(query.id, busy))

    # Answers

    async def _answer(self, asked: Asked, run: Run, query: CallbackQuery | None = None) -> None:
        """Carry out a command and send its answer. ``query``: of the button that is told how it went."""
        await self._finish(asked, run(asked, self._context), query)

    async def _finish(
        self, asked: Asked, work: Awaitable[Answer | Later | None], query: CallbackQuery | None = None
    ) -> None:
        """Send what comes of ``work``; a bug in it is told, and logged."""
        try:
            answer = await work
            if isinstance(answer, Later):
                self._group.create_task(
                    self._finish(asked, answer.answer), name=f"chat {asked.chat}: slow answer"
                )
            elif answer is not None:
                await asyncio.gather(self._send(asked, answer), self._toast(asked, answer, query))
                if answer.then is not None:
                    await answer.then()
        except Exception:
            log.exception("chat %d: a command went wrong", asked.chat)
            await self._send(asked, plainly(asked, "bot.trouble")._replace(anew=True))

    async def _toast(self, asked: Asked, answer: Answer, query: CallbackQuery | None) -> None:
        """Tell at the pressed button how it went, and take away the buttons that are spent."""
        if query is None:
            return
        await self._sender.answer_press(query.id, answer.toast)
        if answer.spent and asked.edits is not None:
            rows = getattr(getattr(query.message, "reply_markup", None), "inline_keyboard", None) or ()
            left = [[one for one in row if pressed(one.callback_data).page != answer.spent] for row in rows]
            await self._sender.rebutton(asked.chat, asked.edits, left)

    async def _send(self, asked: Asked, answer: Answer) -> None:
        """Show the page of ``answer``, in the place of the message whose button was pressed."""
        page = answer.page
        if page is None:
            return
        if asked.private and not asked.owner:
            page = _for_guest(page, asked)
        if asked.edits is None or answer.anew:
            await self._sender.reply(asked.chat, page, photo=answer.photo, topic=asked.topic)
        else:
            await self._sender.edit(asked.chat, asked.edits, page, photo=answer.photo, topic=asked.topic)


def _age(message: Message) -> timedelta:
    written = message.edit_date or message.date
    at = written if isinstance(written, datetime) else datetime.fromtimestamp(written, UTC)
    return datetime.now(UTC) - at


def _for_guest(page: Page, asked: Asked) -> Page:
    """Return ``page`` without the buttons that he may not press."""

    def may(data: str | None) -> bool:
        command = COMMANDS.get(pressed(data).page)
        return command is None or command.may(asked)

    rows = (tuple(one for one in row if may(one.data)) for row in page.buttons)
    return Page(page.text, tuple(row for row in rows if row))
