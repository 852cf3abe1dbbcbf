"""The page, in the foreground: ``python -m jk_bms.web``."""

import sys

from jk_bms.start import PACKAGES, start

if __name__ == "__main__":
    sys.exit(start("jk_bms.web", "jk_bms.web.service", (*PACKAGES, "uvicorn")))
