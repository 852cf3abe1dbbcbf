"""How old something may be to speak of now: each limit in this one place."""

PERIODS = 3  # poll periods that a battery may miss, whatever the least of a limit
SHOWN = 10.0  # s, at least: an older value is marked as old, on every face
MERGED = 90.0  # s, at least: an older sample is not put into a record
ANSWERS = 120.0  # s, at least: a battery that was heard later than that answers
INVERTER = 120.0  # s: what an inverter said earlier says nothing of now, nor that there is one at work


def oldest(least: float, period: float) -> float:
    """The age in s up to which what a battery said counts, where it is polled every ``period`` s."""
    return max(least, PERIODS * period)
