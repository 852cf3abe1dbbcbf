"""Long counts: `make soak` runs them whole (SOAK=20), an ordinary run a twentieth."""

import os


def scaled(full: int, least: int = 1) -> int:
    """Return a twentieth of ``full`` times the environment's SOAK factor."""
    return max(least, round(full * float(os.environ.get("SOAK", "1")) / 20))
