"""The tool as users know it: ``python jk_bms/jk-util.py ...`` from any directory.

Started by a Python without our libraries, it starts itself again in the project's .venv.
"""

import os
import sys

# os.path, not pathlib: this runs before anything is known to be needed.
TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
VENV_PYTHON = os.path.join(TOP, ".venv", "bin", "python")  # noqa: PTH118


def main() -> int:
    """Find the library, then do what the arguments say."""
    # This file's folder must not be searched: its modules are jk_bms.<name>, nothing else.
    sys.path[:] = [TOP, *(path for path in sys.path[1:] if path != TOP)]
    if sys.prefix == sys.base_prefix and os.path.exists(VENV_PYTHON):  # noqa: PTH110
        os.execv(VENV_PYTHON, [VENV_PYTHON, os.path.realpath(__file__), *sys.argv[1:]])  # noqa: S606
    from jk_bms.cli import main as cli

    return cli(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
