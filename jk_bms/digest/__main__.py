"""The child process: a request in JSON on standard input, a digest in JSON on standard output.

It ends with its work and takes the memory of the model's package along. Ends with 0; with 1 and
one line on standard error when there is no digest.
"""

import asyncio
import json
import logging
import sys

from jk_bms.digest.make import answer
from jk_bms.errors import JkBmsError
from jk_bms.logs import log_plainly


def main() -> int:
    """Make one digest; return the exit code."""
    # Only our own lines: those of HTTP packages may hold what is sent.
    log_plainly(logging.ERROR, "%(message)s")
    logging.getLogger("jk_bms").setLevel(logging.INFO)
    try:
        told = asyncio.run(answer(json.load(sys.stdin)))
    except (JkBmsError, KeyError, TypeError, ValueError) as error:
        sys.stderr.write(f"digest: {error}\n")
        return 1
    json.dump(told, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
