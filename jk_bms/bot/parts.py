"""What most parts of the bot need of the others."""

from typing import NamedTuple

from jk_bms.bot.access import Access
from jk_bms.bot.languages import Languages
from jk_bms.bot.store import BotStore
from jk_bms.config.settings import Settings
from jk_bms.view.live_view import LiveView


class Parts(NamedTuple):
    """The parts that are there before all others."""

    settings: Settings
    store: BotStore
    access: Access
    live: LiveView
    languages: Languages
