"""The Telegram bot, in the foreground: ``python telegram_bot.py``."""

import gc
import sys

# What is imported now stays for good: looking through it for garbage, again and again while
# it grows, takes a good part of the start and finds nothing.
gc.disable()

from jk_bms.bot.service import main  # noqa: E402

gc.enable()
gc.freeze()

if __name__ == "__main__":
    sys.exit(main())
