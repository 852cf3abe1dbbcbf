"""What the bot can be asked, one row each. The order is that of the menu.

``bot.command.<name>`` in the texts says what each is for; what stands behind buttons: ``pages/callbacks.py``.
"""

from jk_bms.bot import pages
from jk_bms.bot.asked import Asked
from jk_bms.bot.commands import changes, chat, values
from jk_bms.bot.commands.command import Answer, Command, Context, Later, Who

__all__ = ["COMMANDS", "MENU", "Answer", "Command", "Context", "Later", "help_page"]


def help_page(asked: Asked) -> pages.Page:
    """Return the list of those commands that who asks may use."""
    return pages.help_page(asked.texts, [one.name for one in _ROWS if one.written and one.may(asked)])


async def _help(asked: Asked, context: Context) -> Answer:
    return Answer(help_page(asked))


_ROWS = (
    Command("status", values.status),
    Command("battery", values.battery),
    Command("cells", values.cells),
    Command("chart", values.chart, busy="bot.chart.making"),
    Command("until", values.until),
    Command("alerts", values.alerts),
    Command("health", values.health),
    Command("link", values.link),
    Command("release", changes.release, Who.OWNERS),
    Command("resume", changes.resume, Who.OWNERS),
    Command("digest", values.digest, pressed=False),
    Command("start", chat.start, Who.OWNERS_IN_GROUPS, pressed=False),
    Command("stop", chat.stop, Who.OWNERS_IN_GROUPS, pressed=False),
    Command("settings", chat.choices, Who.OWNERS_IN_GROUPS),
    Command("users", chat.users, Who.OWNERS),
    Command("chatid", chat.chat_id),
    Command("web", values.web),
    Command("help", _help),
    Command("mute", changes.mute, Who.OWNERS, written=False, toasts=True),
    Command("hush", changes.hush_here, written=False, toasts=True),
    Command("ack", changes.acknowledge, Who.OWNERS, written=False, toasts=True),
)
COMMANDS = {one.name: one for one in _ROWS}
MENU = tuple(one.name for one in _ROWS if one.written)
