"""The tool as users know it: ``python3 jk_bms/jk-util.py ...`` from any directory."""

import os
import sys

# os.path, not pathlib: this runs before anything is known to be needed.
TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
PLACES = os.path.join(TOP, ".easun-jkbms-places")  # noqa: PTH118  # KEY=value, written by install.sh


def main() -> int:
    """Find the library, then do what the arguments say."""
    # This file's folder must not be searched: its modules are jk_bms.<name>, nothing else.
    sys.path[:] = [TOP, *(path for path in sys.path[1:] if path != TOP)]
    if os.path.exists(PLACES):  # noqa: PTH110
        with open(PLACES, encoding="utf-8", errors="replace") as places:  # noqa: PTH123
            for line in places:
                key, equals, value = line.rstrip("\n").partition("=")
                if key and equals:
                    os.environ.setdefault(key, value)
    from jk_bms.start import start

    return start("jk-util.py", "jk_bms.cli", arguments=sys.argv[1:], failure=1, shortage=1)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # while the library was being read
        sys.exit(130)
