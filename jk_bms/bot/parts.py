"""What most parts of the bot need of the others."""

from collections.abc import Callable
from typing import NamedTuple

from jk_bms.bot.access import Access
from jk_bms.bot.store import BotStore
from jk_bms.config.settings import Settings
from jk_bms.texts import Texts
from jk_bms.view.live_view import LiveView


class Parts(NamedTuple):
    """The parts that are there before all others. ``texts_of``: the language of a chat."""

    settings: Settings
    store: BotStore
    access: Access
    live: LiveView
    texts_of: Callable[[int], Texts]
