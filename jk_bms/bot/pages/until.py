"""``/until HH:MM``: will it last until then?"""

from datetime import datetime
from typing import Protocol


class Outlook(Protocol):
    """What ``battery/until.py`` answers; any object with these values will do."""

    @property
    def verdict(self) -> str:
        """``yes``: also in the worst case; ``maybe``: only in the better one; ``no``: in neither."""

    @property
    def until(self) -> datetime:
        """The moment that was asked for, aware."""

    @property
    def soc_low(self) -> float:
        """The SoC at that moment in the worst case, in %, 0 when empty before."""

    @property
    def soc_high(self) -> float:
        """And in the best case."""

    @property
    def empty_first(self) -> datetime | None:
        """When it is empty in the worst case; None: not before ``until``."""

    @property
    def empty_last(self) -> datetime | None:
        """And in the best case."""

    @property
    def load(self) -> float:
        """Mean power out of the battery that is expected until then, in W, positive."""

    @property
    def days(self) -> int:
        """How many past days tell the usual load of these hours; 0: it is the load of the last minutes."""

    @property
    def save(self) -> float | None:
        """So many W less on the average, and it lasts also in the worst case; None: it lasts anyway."""
