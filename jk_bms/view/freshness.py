"""From which age on a value is old: the same on every face."""

from collections.abc import Mapping
from typing import Any

PERIODS = 3  # poll periods after which a value is old ...
LEAST_OLD = 10.0  # s, but never before
PERIOD = 30.0  # s, when the poller does not tell


def is_old(age: float | None, snapshot: Mapping[str, Any]) -> bool:
    """Whether something of ``age`` s is older than three poll periods."""
    period = snapshot.get("poll_interval") or PERIOD
    return age is not None and age > max(PERIODS * period, LEAST_OLD)
