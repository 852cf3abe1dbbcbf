"""The Telegram bot, in the foreground: ``python3 telegram_bot.py``."""

import sys

from jk_bms.start import PACKAGES, start

if __name__ == "__main__":
    sys.exit(start("telegram_bot.py", "jk_bms.bot.service", (*PACKAGES, "aiogram")))
