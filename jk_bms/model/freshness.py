"""How old something may be to speak of now: each limit in this one place."""

PERIOD = 30.0  # s between two polls, where the poller does not tell
PERIODS = 3  # poll periods that a battery may miss, whatever the least of a limit
SHOWN = 10.0  # s, at least: an older value is marked as old, on every face
MERGED = 90.0  # s, at least: an older sample is not put into a record
HELD = 5.0  # s, at least: a held link that gave its newest frame earlier does not give any
ANSWERS = 120.0  # s, at least: a battery that was heard later than that answers
INVERTER = 120.0  # s: what an inverter said earlier says nothing of now, nor that there is one at work


def oldest(least: float, period: float) -> float:
    """The age in s up to which what a battery said counts, where it is polled every ``period`` s."""
    return max(least, PERIODS * period)


def is_old(age: float | None, period: float | None) -> bool:
    """Whether a value of ``age`` s is marked as old, where batteries are polled every ``period`` s (None: not told)."""
    return age is not None and age > oldest(SHOWN, period or PERIOD)
