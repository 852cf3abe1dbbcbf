"""The forms of what the API answers with. An absent value has no key; a list that is empty is there."""

from typing import Any

import msgspec

from jk_bms.model.reading import Reading
from jk_bms.model.snapshot import Energy


class Of(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all of them share: frozen, and what is not known is left out."""


class PollerState(Of, frozen=True, kw_only=True):
    """How the battery service does."""

    up: bool
    since: str | None = None  # when it was heard last; only while it does not answer
    for_: float | None = msgspec.field(default=None, name="for")  # s since then


class Shown(Of, frozen=True, kw_only=True):
    """How a battery's most asked values are shown, the same on every face; without words of a language."""

    soc: int | None = None  # %, as every limit goes by it
    level: str | None = None  # good, fair, little, low
    flow: str | None = None  # charging, discharging, idle


class Battery(Of, frozen=True, kw_only=True):
    """One battery: the newest reading and how old it is, the way to it, what went in and out by day."""

    number: int | None = None
    address: str
    label: str  # what a person calls it
    name: str | None = None
    type: str | None = None
    simulated: bool
    age: float | None = None  # s; absent: it never gave a reading
    old: bool  # it says nothing of now
    shown: Shown
    reading: Reading
    link: dict[str, Any] | None = None
    days: dict[str, Energy]
    cell_limits: tuple[float, float] | None = None  # V, below and above which a cell is told of
    uncounted: str = ""  # why the charge is not counted


class LeftOutBattery(Of, frozen=True, kw_only=True):
    """A battery that is not in the figures of the house, and why: never, silent, lent, off, no_charge."""

    address: str
    label: str
    why: str


class HouseFigures(Of, frozen=True, kw_only=True):
    """What all batteries have and do together."""

    shown: Shown
    counted: int  # batteries
    left_out: list[LeftOutBattery]
    soc: float | None = None  # %
    soc_low: float | None = None
    soc_high: float | None = None
    capacity_kwh: float | None = None
    left_kwh: float | None = None
    voltage: float | None = None  # V
    current: float | None = None  # A, positive while charging
    power: float | None = None  # W, likewise
    empty_in: tuple[float, float] | None = None  # s, from .. to
    full_in: tuple[float, float] | None = None


class State(Of, frozen=True, kw_only=True):
    """The whole present: what the page shows, what its stream begins with."""

    version: str
    time: str
    poller: PollerState
    clock_trusted: bool
    poll_interval: float | None = None  # s
    timezone: str | None = None
    simulated: bool  # the house is made up
    batteries: list[Battery]
    house: HouseFigures
    inverter: dict[str, Any] | None = None  # all of them together
    inverters: list[dict[str, Any]]  # each
    alerts: list[dict[str, Any]] | None = None  # open ones, the worst first; absent: not known
    alerts_before: list[dict[str, Any]] | None = None  # that were open when it was last heard
