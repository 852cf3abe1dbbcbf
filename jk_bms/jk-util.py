"""The tool as users know it: ``python jk_bms/jk-util.py ...`` from any directory.

Started by a Python without our libraries, it starts itself again in the project's .venv.
"""

import os
import sys

# os.path, not pathlib: this runs before anything is known to be needed.
TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
VENVS = (".venv-jkbms", ".venv")  # the first is ours beside another program's
PLACES = os.path.join(TOP, ".easun-jkbms-places")  # noqa: PTH118  # KEY=value, written by install.sh


def main() -> int:
    """Find the library, then do what the arguments say."""
    # This file's folder must not be searched: its modules are jk_bms.<name>, nothing else.
    sys.path[:] = [TOP, *(path for path in sys.path[1:] if path != TOP)]
    if sys.prefix == sys.base_prefix:
        for venv in VENVS:
            python = os.path.join(TOP, venv, "bin", "python")  # noqa: PTH118
            if os.path.exists(python):  # noqa: PTH110
                os.execv(python, [python, os.path.realpath(__file__), *sys.argv[1:]])  # noqa: S606
    if os.path.exists(PLACES):  # noqa: PTH110
        with open(PLACES, encoding="utf-8") as places:  # noqa: PTH123
            for line in places:
                key, _, value = line.rstrip("\n").partition("=")
                os.environ.setdefault(key, value)
    from jk_bms.cli import main as cli

    return cli(sys.argv[1:])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # while the library was being read
        sys.exit(130)
