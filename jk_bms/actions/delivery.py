"""Which events are told to people by every channel, and the oldest of them told together."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from jk_bms.model import Event

STEPS = frozenset(
    {"alert.raised", "alert.worse", "alert.repeat", "alert.cleared", "alert.test", "alert.acknowledged"}
)
LATE = timedelta(minutes=5)  # what could not be told for so long is told together
MANY = 4  # late ones from which on that is better than one by one


def is_loud(event: Event) -> bool:
    """Whether ``event`` is worth a message where each one makes a sound."""
    return not event.facts.get("silent")


def to_be_told(event: Event) -> bool:
    """Whether people are to be told of ``event`` at all."""
    return event.kind in STEPS and event.facts.get("quiet") is None


def together(events: Sequence[Event], now: datetime) -> int:
    """Return how many of ``events``, which wait in this order, go into the next message: one, or all late ones."""
    late = 0
    for event in events:
        if now - event.taken_at < LATE:
            break
        late += 1
    return late if late >= MANY else 1
