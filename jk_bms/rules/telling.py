"""How people are told of what a rule finds, where that is not as with most rules."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

Unit = tuple[str, int]  # and the digits behind the point


class Telling(NamedTuple):
    """The ways of one rule. What is usual is the default: a rule that this version does not know has that."""

    valued: bool = True  # False: its title says it without the value
    millivolts: bool = False  # measured in V, and known to people in mV
    # The fact that a list shows in place of the value: there is no word there of the margin for doubt, which
    # makes the two differ, and all pages show that one.
    listed: str = ""
    units: Mapping[
        str, Unit
    ] = {}  # of numbers among its facts; those that many rules find have theirs in the texts
    # What its limits follow, as the key of a text behind ``alerts.explain.``; "": they are the same for every pack.
    scaled: str = ""
    # The cells are sent as a picture behind it, with the limit of the alert on the side of ``low`` or ``high``
    # cells; ``cells``: with the limits that all pages have; "": no picture.
    picture: str = ""
    # A chat with monitoring is told of its beginning and end with the state of ``grid`` or ``battery``, as long
    # as that is what the event says; "": in the words of all other chats.
    state: str = ""
    place: int = 9  # in a list, among those that are as bad: what the whole house lives by comes first


USUAL = Telling()


@cache
def telling_of(name: str) -> Telling:
    """Return how people are told of what the rule called ``name`` finds; the usual way for an unknown one."""
    from jk_bms.rules.catalogue import RULES  # with the first alert that is told: it brings all rules

    return next((rule.telling for rule in RULES if rule.name == name), USUAL)
