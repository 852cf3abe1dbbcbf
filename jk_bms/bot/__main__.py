"""``python -m jk_bms.bot``: for a folder in which another program's ``telegram_bot.py`` lies."""

import sys

from jk_bms.start import PACKAGES, start

if __name__ == "__main__":
    sys.exit(start("jk_bms.bot", "jk_bms.bot.service", (*PACKAGES, "aiogram")))
