"""The child process: a request in JSON on standard input, a PNG on standard output.

Ends with 0; with 1 and one line on standard error when the picture cannot be made.
"""

import json
import sys

from jk_bms.charts.make import make
from jk_bms.errors import JkBmsError


def main() -> int:
    """Make one picture; return the exit code."""
    try:
        picture = make(json.load(sys.stdin))
    except (JkBmsError, KeyError, TypeError, ValueError) as error:
        sys.stderr.write(f"chart: {error}\n")
        return 1
    sys.stdout.buffer.write(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
