"""From which age on a value is old: the same on every face."""

from collections.abc import Mapping
from typing import Any

from jk_bms.model.freshness import SHOWN, oldest

PERIOD = 30.0  # s, when the poller does not tell


def is_old(age: float | None, snapshot: Mapping[str, Any]) -> bool:
    """Whether something of ``age`` s is older than three poll periods."""
    period = snapshot.get("poll_interval") or PERIOD
    return age is not None and age > oldest(SHOWN, period)
