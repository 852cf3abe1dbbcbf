"""The environment of a program that is to find no setting in it."""

import os

# By these a run lives on another day in another zone (tools/at-date), and tidies up after itself: what it starts must, too.
KEPT = ("LD_PRELOAD", "FAKED_DATE", "TZ", "TMPDIR")


def bare(**more: str) -> dict[str, str]:
    """Return the usual PATH, what keeps the date and the folder, and ``more``."""
    return {"PATH": "/usr/bin:/bin"} | {name: os.environ[name] for name in KEPT if name in os.environ} | more
