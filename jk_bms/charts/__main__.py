"""The child process: a request in JSON on standard input, a picture in JSON on standard output.

The answer has ``picture`` (PNG in base64) and ``caption``; or ``why``, in the language of the request, when
too little was recorded for a picture. Ends with 0; with 1 and one line on standard error when the
picture cannot be made.
"""

import base64
import json
import sys

from jk_bms.charts.data import TooLittle
from jk_bms.charts.make import make, too_little
from jk_bms.errors import JkBmsError
from jk_bms.texts import language


def main() -> int:
    """Make one picture; return the exit code."""
    try:
        request = json.load(sys.stdin)
        try:
            made = make(request)
        except TooLittle as error:
            json.dump({"why": too_little(error, language(request.get("language", "en")))}, sys.stdout)
            return 0
    except (JkBmsError, KeyError, TypeError, ValueError) as error:
        sys.stderr.write(f"chart: {error}\n")
        return 1
    picture = base64.b64encode(made.png).decode("ascii")
    json.dump({"picture": picture, "caption": made.caption}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
