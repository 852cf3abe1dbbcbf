"""The poller, in the foreground: ``python3 jk_bms_service.py``."""

import sys

from jk_bms.start import start

if __name__ == "__main__":
    sys.exit(start("jk_bms_service.py", "jk_bms.poller.service"))
