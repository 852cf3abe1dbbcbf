"""``python -m jk_bms.bot``: for a folder in which another program's ``telegram_bot.py`` lies."""

import sys

from jk_bms.bot.service import main

if __name__ == "__main__":
    sys.exit(main())
