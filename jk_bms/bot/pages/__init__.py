"""What the bot shows, as pure functions: the state of the house in, a page of text and buttons out.

Every page takes the poller's snapshot, or one battery of it, then texts, time zone and the present
time. A bot that cannot reach the poller sets ``snapshot["poller_down"]`` and gives the last known
values with their ages.
"""

from jk_bms.bot.pages.alerts import alerts
from jk_bms.bot.pages.battery import battery, cells
from jk_bms.bot.pages.choices import choices
from jk_bms.bot.pages.health import health
from jk_bms.bot.pages.house import house
from jk_bms.bot.pages.link import ALL, lent, link, released, resumed, taken_back
from jk_bms.bot.pages.messages import (
    bms_back,
    bms_lost,
    choice,
    grid_change,
    help_page,
    level_change,
    level_packs,
    limits_warning,
    plain,
    web,
)
from jk_bms.bot.pages.page import Button, Page
from jk_bms.bot.pages.people import invitation, remove_person, users
from jk_bms.bot.pages.status import status
from jk_bms.bot.pages.until import until

__all__ = [
    "ALL",
    "Button",
    "Page",
    "alerts",
    "battery",
    "bms_back",
    "bms_lost",
    "cells",
    "choice",
    "choices",
    "grid_change",
    "health",
    "help_page",
    "house",
    "invitation",
    "lent",
    "level_change",
    "level_packs",
    "limits_warning",
    "link",
    "plain",
    "released",
    "remove_person",
    "resumed",
    "status",
    "taken_back",
    "until",
    "users",
    "web",
]
