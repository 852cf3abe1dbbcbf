"""What several alerts say of one cause: which of them is told, and which comes first in a list."""

from jk_bms.rules.base import Alert

HOUSE_DARK = "house_dark"  # the rule: what was foretold has happened
GOING_DARK = "going_dark"
PACK_CUT = "pack_cut"  # the rule: what was foretold of one of several packs has happened
# A battery that runs empty is seen by many rules: the one that says most of it first.
EMPTYING = (
    HOUSE_DARK,
    GOING_DARK,
    "emergency",
    "pack_ending",
    "cell_low",
    "pack_low",
    "bms_alarm",
    "runtime",
    "soc_low",
    "not_charged",
    "cell_spread",
)
# Of those of many causes only these parts, and only those that name this in their facts.
_PARTS = {"cell_spread": ("bottom", "loaded")}
EMPTY = "empty"  # ``how`` of an alarm of the BMS that says that a cell or the pack is empty
# What the whole house lives by comes before all others that are as bad.
_OF_THE_HOUSE = (HOUSE_DARK, GOING_DARK, "grid_lost")


def tells_of_emptying(alert: Alert) -> bool:
    """Whether ``alert`` is one of those that come of an emptying battery."""
    if alert.rule not in EMPTYING or alert.part not in _PARTS.get(alert.rule, (alert.part,)):
        return False
    return alert.rule != "bms_alarm" or alert.facts.get("how") == EMPTY


def says_more(one: Alert, other: Alert, severity: int) -> bool:
    """Whether ``one``, which people know to be as bad as ``severity``, leaves ``other`` of the same cause nothing to say."""
    if not (tells_of_emptying(one) and tells_of_emptying(other)):
        return False
    place, others = EMPTYING.index(one.rule), EMPTYING.index(other.rule)
    return severity > other.severity or (severity == other.severity and place < others)


def urgency(rule: str, severity: int, since: str) -> tuple[int, int, str]:
    """Return where an alert stands in a list: the worst first, of those what the house lives by, then the oldest."""
    place = _OF_THE_HOUSE.index(rule) if rule in _OF_THE_HOUSE else len(_OF_THE_HOUSE)
    return -severity, place, since
