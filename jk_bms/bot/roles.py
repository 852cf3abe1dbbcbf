"""What a person may do, and who is served."""

from enum import IntEnum
from typing import NamedTuple


class Role(IntEnum):
    """What a person may do."""

    STRANGER = 0  # nothing
    GUEST = 1  # look
    OWNER = 2  # everything


class Person(NamedTuple):
    """One row of /users: a person or a group."""

    id: int  # of a person also the number of his private chat
    title: str  # as Telegram calls it; "" when it was never met
    role: Role
    named: bool  # in the settings, where alone it can be taken out
