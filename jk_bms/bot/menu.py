"""The menu of commands that Telegram shows beside the text field, in each language."""

import hashlib

from jk_bms.bot.commands import MENU
from jk_bms.bot.light_aiogram import BotCommand, TelegramBot
from jk_bms.bot.store import BotStore
from jk_bms.texts import LANGUAGES, Texts, language


def menu(texts: Texts) -> list[BotCommand]:
    """The commands with what each is for."""
    return [BotCommand(command=name, description=texts(f"bot.command.{name}")) for name in MENU]


async def set_menus(bot: TelegramBot, store: BotStore, fixed: str | None) -> None:
    """Give Telegram the menus when they changed. ``fixed``: the one language of BOT_LANGUAGE.

    Raises what a request raises.
    """
    menus = {"": menu(language(fixed or LANGUAGES[0]))}
    menus |= {name: menu(language(fixed or name)) for name in LANGUAGES[1:]}
    told = repr([(name, [(c.command, c.description) for c in commands]) for name, commands in menus.items()])
    stamp = hashlib.sha256(told.encode()).hexdigest()[:16]
    if store.note("menu") == stamp:
        return
    for name, commands in menus.items():
        await bot.set_my_commands(commands, language_code=name or None)
    await store.aside(store.set_notes, {"menu": stamp})
