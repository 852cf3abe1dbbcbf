"""Commands about the chat itself: who is let in, and what it is sent."""

import msgspec

from jk_bms.bot import pages
from jk_bms.bot.asked import Asked
from jk_bms.bot.choices import chosen
from jk_bms.bot.commands.command import Answer, Context, plainly
from jk_bms.bot.commands.values import status_page
from jk_bms.bot.people import looks_like_code
from jk_bms.texts import escape


def brings_code(asked: Asked) -> bool:
    """Whether the first word after the command may be a one-time code."""
    return bool(asked.arguments) and looks_like_code(asked.arguments[0])


async def start(asked: Asked, context: Context) -> Answer:
    """Begin to tell this chat of the house; with a code, let the person in first."""
    if not brings_code(asked):
        return await _begin(asked, context)
    if asked.private and asked.owner:  # who opens his own invitation must not use it up
        return plainly(asked, "access.owner_already")
    return await claim(asked, context)


async def claim(asked: Asked, context: Context) -> Answer:
    """Let in who brings a good code, and greet him."""
    page, greeting = await context.people.claim(asked, asked.arguments[0])
    if page is not None:
        return Answer(page if page.text else None)
    role = context.parts.access.role(asked.chat, asked.user, asked.kind)
    return await _begin(asked._replace(arguments=(), role=role), context, greeting)


async def _begin(asked: Asked, context: Context, greeting: str = "") -> Answer:
    _, store, access, _, _ = context.parts
    known = msgspec.structs.replace(
        store.chat(asked.chat),
        kind=asked.kind,
        title=asked.title,
        monitoring=True,
        topic=asked.topic or None,
    )
    hears = access.hears(known)
    if not hears:
        told = asked.texts("bot.monitoring_not_here", id=asked.chat)
    elif access.alerted(asked.chat):
        told = asked.texts("bot.monitoring_on_alerts")
    else:
        told = asked.texts("bot.monitoring_on")
    hello = [greeting or asked.texts("bot.hello"), told]
    header = "\n".join(escape(line) for line in hello) + "\n"

    async def begin() -> None:
        began = not store.chat(asked.chat).monitoring
        if began:  # noted last: the first level comes below the greeting
            await store.aside(store.set_notes, {f"level:{asked.chat}": None})
        await store.aside(store.remember, known)
        if began:
            context.started(asked.chat)

    return Answer(await status_page(asked, context, header), then=begin if hears else None)


async def stop(asked: Asked, context: Context) -> Answer:
    """Tell this chat of alerts only."""
    _, store, access, _, _ = context.parts
    if store.chat(asked.chat).monitoring:
        await store.aside(store.change_chat, asked.chat, monitoring=False)
    return plainly(asked, "bot.monitoring_off_alerts" if access.alerted(asked.chat) else "bot.monitoring_off")


async def choices(asked: Asked, context: Context) -> Answer:
    """Show what this chat chose, and take a choice."""
    store, settings = context.parts.store, context.settings
    known, texts = store.chat(asked.chat), asked.texts
    if asked.arguments:
        choice = chosen(known.choices, asked.arguments)
        if choice is None:
            return plainly(asked, "choices.usage")
        known = await store.aside(
            store.change_chat, asked.chat, choices=choice, kind=asked.kind, title=asked.title
        )
        texts = context.parts.languages.for_speaker(asked.spoken, asked.chat)
    return Answer(pages.choices(known.choices, settings.change_step, settings.alert_quiet_hours, texts))


async def users(asked: Asked, context: Context) -> Answer:
    """Show who may use the bot, and let people in and out."""
    return Answer(await context.people.page(asked))


async def chat_id(asked: Asked, context: Context) -> Answer:
    """Tell the number that this chat has in settings."""
    return plainly(asked, "bot.chat_id", id=f"{asked.chat}:{asked.topic}" if asked.topic else str(asked.chat))
