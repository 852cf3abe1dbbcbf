"""What several alerts say of one cause: which of them is told, and which comes first in a list."""

from jk_bms.rules.base import Alert, Rule

# Rules that others are hidden by.
HOUSE_DARK = "house_dark"  # what was foretold has happened
GOING_DARK = "going_dark"
PACK_CUT = "pack_cut"  # what was foretold of one of several packs has happened


def place_in_emptying(rule: Rule, alert: Alert) -> int | None:
    """Return where ``alert`` of ``rule`` stands among those of a battery that runs empty; None: it is none of them."""
    kind = rule.emptying
    if kind is None or (kind.parts and alert.part not in kind.parts):
        return None
    return None if kind.how and alert.facts.get("how") != kind.how else kind.place


def says_more(severity: int, place: int | None, other_severity: int, other_place: int | None) -> bool:
    """Whether an alert that people know to be so bad leaves another one nothing to say of an emptying battery.

    The places are those of ``place_in_emptying``.
    """
    if place is None or other_place is None:
        return False
    return severity > other_severity or (severity == other_severity and place < other_place)


def urgency(place: int, severity: int, since: str) -> tuple[int, int, str]:
    """Return where an alert stands in a list: the worst first, of those by ``Telling.place``, then the oldest."""
    return -severity, place, since
