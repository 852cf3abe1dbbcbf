"""Long counts: `make soak` runs them whole (SOAK=20), an ordinary run a twentieth. And how long a test waits."""

import os

# s that a helper waits for what must happen, on a machine that does many things at a time. It costs nothing when it
# happens; who expects that something does *not* happen names a time of his own.
PATIENCE = 120.0


def scaled(full: int, least: int = 1) -> int:
    """Return a twentieth of ``full`` times the environment's SOAK factor."""
    return max(least, round(full * float(os.environ.get("SOAK", "1")) / 20))


def soaking() -> bool:
    """Whether the long counts run whole."""
    return float(os.environ.get("SOAK", "1")) >= 20.0


def in_time(seconds: float, limit: float) -> bool:
    """Whether something took less than ``limit`` s. Only a soak holds it to that: elsewhere a busy machine may be why."""
    return seconds < (limit if soaking() else PATIENCE)
