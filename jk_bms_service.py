"""The poller, in the foreground: ``python jk_bms_service.py``."""

import sys

from jk_bms.service import main

if __name__ == "__main__":
    sys.exit(main())
